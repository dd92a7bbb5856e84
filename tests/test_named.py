"""A path, and ``~``, is taken wherever a text is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydicom.data import get_testdata_file

import dicomfilter as dcf
from dicomfilter.named import named
from tests.cli.running import call

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = {"StudyInstanceUID": ["1.2"], "SeriesInstanceUID": ["1.2.3"], "Modality": ["CT"]}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pq.write_table(pa.table(ROWS), tmp_path / "m.parquet")
    (tmp_path / "in").mkdir()
    shutil.copy(str(get_testdata_file("CT_small.dcm")), tmp_path / "in")
    return tmp_path


@pytest.fixture(params=["path", "text", "tilde", "path with a tilde"])
def at(request: pytest.FixtureRequest, home: Path) -> Callable[[str], str | Path]:
    """Name what is below the home directory, in each of the ways."""
    spellings: dict[str, Callable[[str], str | Path]] = {
        "path": lambda name: home / name,
        "text": lambda name: str(home / name),
        "tilde": lambda name: f"~/{name}",
        "path with a tilde": lambda name: Path("~") / name,
    }
    return spellings[request.param]


def test_the_notebooks_face_takes_each(at: Callable[[str], str | Path], home: Path) -> None:
    with dcf.open_table(at("m.parquet")) as table:
        built = table.where("Modality = 'CT'").write_filter(at("ct.txt"))
    assert (home / "ct.txt").read_text() == "/studies/1.2/series/1.2.3\n"
    assert built.uri == str(home / "ct.txt")
    dcf.index_folder(at("in"), at("i.parquet"), errors=at("e.csv"))
    assert (home / "i.parquet").is_file()
    store = dcf.open_store(at("in"))
    store.export_to_gcs(at("out"), everything=True).wait()
    assert len(list((home / "out").rglob("*.dcm"))) == 1
    store.export_to_bigquery(at("t.parquet"), everything=True).wait()
    assert (home / "t.parquet").is_file()
    store.deidentify(at("deid"), everything=True).wait()
    assert list((home / "deid").rglob("*.dcm"))
    assert not (home / "~").exists()


def test_the_command_line_takes_each(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home / "in")
    for glob in ("~/m.parquet", "~/*.parquet"):
        where = ["--where", "Modality = 'CT'"]
        assert call("build", glob, *where, "-o", "~/ct.txt", "--overwrite").status == 0
    said = call("export", "gcs", "~/in", "--all", "--gcs-uri-prefix=~/out")
    assert said.status == 0, said.err
    assert (home / "ct.txt").is_file()
    assert len(list((home / "out").rglob("*.dcm"))) == 1
    assert not list(home.rglob("~"))


@pytest.mark.parametrize("text", ["gs://b/~x", "bq://p.d.t", "idc", "-", "a~b", "./~", "p.d.t"])
def test_what_is_no_path_of_a_home_stays_as_it_is(text: str) -> None:
    assert named(text) == text
