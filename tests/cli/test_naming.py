"""How a table, a predicate and the program itself are named on the command line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from dicomfilter.version import __version__
from tests.cli.running import call

pytestmark = pytest.mark.usefixtures("desk")


# A process of its own: a fifth of a second.
def test_python_runs_the_command_line_as_a_module() -> None:
    command = [sys.executable, "-m", "dicomfilter", "-V"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout == f"dicomfilter {__version__}\n"


def test_both_spellings_tell_the_version() -> None:
    assert call("-V").out == call("--version").out == f"dicomfilter {__version__}\n"


@pytest.mark.parametrize(
    "command", ["count", "build --all -o f.txt", "columns", "query --sql q.sql"]
)
def test_a_table_of_the_environment_is_one_name(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("q.sql").write_text("SELECT COUNT(*) AS n FROM metadata")
    shutil.copy("metadata.parquet", "meta data *.parquet")
    monkeypatch.setenv("DICOMFILTER_TABLE", "meta data *.parquet")
    assert call(*command.split()).status == 0


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("idcc", "no such file: idcc", "did you mean idc?"),
        ("IDC", "no such file: IDC", "did you mean idc?"),
        ("ic", "no such file: ic", "did you mean idc?"),
        ("gs://b/m.parquet", "gs://b/m.parquet is in Cloud Storage", "gcloud storage cp"),
        ("gs://b/folder/", "gs://b/folder/ is in Cloud Storage", "gcloud storage cp"),
        ("s3://b/m.parquet", "s3://b/m.parquet is on another machine", "bring the files here"),
        ("https://x/m.csv", "https://x/m.csv is on another machine", "bring the files here"),
    ],
)
def test_a_name_that_is_no_file_is_named_as_what_it_is(name: str, said: str, hint: str) -> None:
    ended = call("count", name)
    assert ended.status == 2
    first, second = ended.err.splitlines()
    assert said in first
    assert hint in second


@pytest.mark.parametrize("depth", ["scans", "scans/a/b"])
def test_a_folder_of_images_is_told_to_be_indexed(depth: str) -> None:
    Path(depth).mkdir(parents=True)
    shutil.copy(str(get_testdata_file("CT_small.dcm")), f"{depth}/1")
    ended = call("count", "scans")
    assert ended.status == 2
    assert ended.err.splitlines() == [
        "error[table-not-found]: scans is a folder of DICOM files, and a table of their metadata "
        "is needed",
        "hint: make one with `dicomfilter index scans -o metadata.parquet`",
    ]


def test_a_predicate_can_stand_in_a_file() -> None:
    Path("p.sql").write_text("-- what we look for\nModality = 'CT'\n  OR Modality = 'MR'\n")
    Path("q.sql").write_text("PatientID IS NOT NULL")
    named = call("count", "metadata.parquet", "--where-file", "p.sql", "--where-file", "q.sql")
    where = "(Modality = 'CT' OR Modality = 'MR')"
    told = call("count", "metadata.parquet", "--where", where, "--where", "PatientID IS NOT NULL")
    assert named.status == 0
    assert named.out == told.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"Modality == 'CT'", "Syntax error"),
    ],
)
def test_a_file_that_holds_no_predicate_is_refused(text: bytes, said: str) -> None:
    Path("p.sql").write_bytes(text)
    ended = call("build", "metadata.parquet", "--where-file", "p.sql", "-o", "f.txt")
    assert ended.status == 2
    assert said in ended.err
    assert not Path("f.txt").exists()


def test_a_file_with_a_predicate_has_to_be_there() -> None:
    ended = call("count", "metadata.parquet", "--where-file", "nowhere.sql")
    assert ended.status == 2
    assert "nowhere.sql" in ended.err
