"""Without pydicom a folder is asked for nothing: one line, nothing made, nothing begun."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from pydicom.data import get_testdata_file

from tests.cli.running import call

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "in").mkdir()
    shutil.copy(str(get_testdata_file("CT_small.dcm")), tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in [name for name in sys.modules if name.split(".")[0] == "pydicom"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [
        "export gcs in --all --gcs-uri-prefix out",
        "export bq in --all --bq-table out.parquet",
        "deidentify in --all --destination-store out",
        "set-storage-class in --all ARCHIVE",
        "index in -o out.parquet",
    ],
)
def test_without_pydicom_nothing_begins(command: str, folder: Path) -> None:
    said = call(*command.split())
    assert said.status == 2
    assert said.err == (
        "error[usage]: pydicom is not installed, and DICOM files are read with it\n"
        "hint: run `pip install 'dicomfilter[dicom]'`\n"
    )
    assert said.out == ""
    assert sorted(path.name for path in folder.iterdir()) == ["in"]
    assert [path.name for path in (folder / "in").iterdir()] == ["CT_small.dcm"]
