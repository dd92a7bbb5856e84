"""``dicomfilter index``: what it prints, its statuses, and that filters are made of what it wrote."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.running import call, run
from tests.cli.terminal import on_terminal
from tests.studies import write_studies


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_studies(tmp_path / "scans", 4, 3)
    return tmp_path / "scans"


def test_the_table_is_named_on_standard_output_and_summed_up_beside_it(scans: Path) -> None:
    (scans / "notes.txt").write_text("no DICOM")
    ended = call("index", "scans", "-o", "metadata.parquet")
    assert (ended.status, ended.out) == (0, "metadata.parquet\n")
    assert ended.err.splitlines() == [
        "rows     12, 112 columns",
        "holds    12 instances",
        "read     13 files",
        "new      12; 0 changed, 0 gone",
        "passed   1 not-dicom",
        "beside   metadata.paths.parquet",
    ]
    assert pq.read_metadata("metadata.parquet").num_rows == 12


def test_json_is_one_object_and_quiet_says_nothing(scans: Path) -> None:
    ended = call("index", scans, "-o", "m.parquet", "--json", "--quiet", "--errors", "e.csv")
    assert ended.err == ""
    found = ended.object
    assert found["uri"] == "m.parquet"
    assert (found["rows"], found["instances"], found["losses"]) == (12, 12, 0)
    assert found["changes"] == {"added": 12, "changed": 0, "gone": 0, "read": 12}
    assert found["errors_uri"] == "e.csv"
    assert Path("e.csv").read_text() == '"path","reason","element","detail"\n'


def test_dicom_that_is_missing_from_the_table_is_a_finding(scans: Path) -> None:
    first = min(scans.rglob("*.dcm"))
    first.write_bytes(first.read_bytes()[:-10])
    ended = call("index", "scans", "-o", "m.parquet", "--errors", "errors.csv")
    assert (ended.status, ended.out) == (6, "m.parquet\n")
    assert "passed   1 truncated\n" in ended.err
    with Path("errors.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert line["path"] == first.relative_to(scans).as_posix()


def test_a_folder_without_dicom_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = call("index", tmp_path / "empty", "-o", tmp_path / "m.parquet", "-q")
    assert ended.status == 0
    assert "holds no DICOM instance" in ended.err


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["nothing", "-o", "m.parquet"], 2, "source-not-found"),
        (["scans", "-o", "m.csv"], 2, "usage"),
        (["scans", "-o", "there.parquet"], 2, "exists"),
        (["scans", "-o", "there.parquet", "--update"], 2, "table"),
        (["scans"], 2, "usage"),
    ],
    ids=["no folder", "no Parquet", "exists", "not ours", "no output"],
)
@pytest.mark.usefixtures("scans")
def test_what_cannot_be_done_is_said(arguments: list[str], status: int, code: str) -> None:
    Path("there.parquet").write_text("mine")
    ended = call("index", *arguments)
    assert (ended.status, ended.out) == (status, "")
    assert ended.err.startswith(f"error[{code}]: ")
    assert "\nhint: " in ended.err
    assert Path("there.parquet").read_text() == "mine"


def test_an_update_adds_what_is_new_and_says_what_has_gone(scans: Path) -> None:
    call("index", "scans", "-o", "m.parquet")
    min(scans.rglob("*.dcm")).unlink()
    write_studies(scans / "more", 1, 1, seed=4)
    ended = call("index", "scans", "-o", "m.parquet", "--update")
    assert ended.status == 0
    assert "new      1; 0 changed, 1 gone\n" in ended.err
    counted = call("count", "m.parquet", "--json").object
    assert counted["instances"] == 12


def test_a_filter_is_made_of_an_index(scans: Path) -> None:
    write_studies(scans / "more", 8, 2, seed=2)
    call("index", "scans", "-o", "m.parquet")
    predicates = (
        "EXISTS (SELECT 1 FROM UNNEST(ProcedureCodeSequence) p WHERE p.CodeValue = 'P5-09051')",
        "PatientName.Alphabetic.FamilyName = 'Doe'",
        "StudyDate >= '2010-01-01'",
    )
    options = [word for predicate in predicates for word in ("--where", predicate)]
    assert call("build", "m.parquet", *options, "-o", "f.txt", "-q").status == 0
    assert len(Path("f.txt").read_text().splitlines()) == 10


# Draws on a terminal, in a process of its own: 1 s.
def test_progress_is_shown_on_a_terminal(scans: Path) -> None:
    shown = on_terminal("index", "scans", "-o", "m.parquet", "--workers", "1", cwd=scans.parent)
    assert shown.status == 0
    assert "files/s" in shown.sent


_INTERRUPTED = """
import os, signal
from dicomfilter import cli
from dicomfilter.dicom.headers.survey import Survey

def admit(self, since):
    os.kill(os.getpid(), signal.SIGINT)
    return admitted(self, since)

admitted, Survey.admit = Survey.admit, admit
cli.main()
"""


# Three processes, one of which reads 412 files twice: 2 s.
def test_ctrl_c_ends_it_and_the_next_run_goes_on(scans: Path) -> None:
    write_studies(scans / "more", 4, 100, kinds=["PR"], seed=3)
    parts = Path(".dicomfilter-m.parquet.parts")
    command = [sys.executable, "-c", _INTERRUPTED, "index", "scans", "-o", "m.parquet"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 130
    assert ended.stderr.splitlines() == [
        "what was read is kept in .dicomfilter-m.parquet.parts",
        "hint: run it again to go on, or remove that folder",
        "interrupted",
    ]
    assert not Path("m.parquet").exists()
    again = run("index", "scans", "-o", "m.parquet", "--json")
    assert again.object["resumed"] == again.object["instances"] == 12 + 400
    assert not parts.exists()


def test_without_pydicom_it_is_said_what_to_install(
    scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    ended = call("index", scans, "-o", "m.parquet")
    assert ended.status == 2
    assert "hint: run `pip install 'dicomfilter[dicom]'`\n" in ended.err
    assert json.dumps(ended.out) == '""'
