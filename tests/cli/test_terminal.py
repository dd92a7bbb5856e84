"""Nothing of the data or of a name steers a terminal; a pipe takes it exactly as it is."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

import dicomfilter
from tests.cli.running import call, run
from tests.cli.terminal import on_terminal

HOSTILE = {
    "title": "\x1b]0;OWNED\x1b\\",
    "screen": "\x1b[2J\x1b[H",
    "C1": "\x9b2J",
    "return": "DOE\rROE",
    "line": "DOE\nROE",
    "backspace": "DOE\x08\x08\x08ROE",
    "bell": "\x07",
    "delete": "\x7f",
    "override": "\u202eNHOJ\u2066",
    "separator": "DOE\u2028ROE",
    "joiner": "\u200bDOE\ufeff",
    "tag": "\U000e0041",
}
NAMED = "B\x1b[2J\u202ead"
COMMANDS = (
    ("query", "--sql", "q.sql", "t.parquet"),
    ("query", "--sql", "q.sql", "t.parquet", "--format", "json"),
    ("query", "--sql", "q.sql", "t.parquet", "--format", "csv"),
    ("columns", "t.parquet"),
    ("columns", "t.parquet", "--json"),
    ("columns", "t.parquet", "nothing\x1b[2Jlike this"),
    ("count", "t.parquet", "--where", "PatientName = '\x1b[2J' OR `no\x1b[2J`"),
    ("count", "t.parquet", "--where", "PatientName = '\x1b[2J'", "--attrition"),
    ("count", "no\x1b[2J\n.parquet"),
    ("count", "t\x1b[2J.csv", "--all"),
    ("build", "t.parquet", "--all", "-o", "f\x1b[2J\r.txt", "--quiet"),
    ("build", "t.parquet", "--all", "-o", "nowhere\x1b[2J/f.txt", "--quiet"),
    ("build", "t.parquet", "--where", "PatientName = '\x1b[2J'", "--dry-run"),
    ("check", "bad\x1b[2J.txt"),
    ("summary", "bad\x1b[2J.txt"),
    ("sql", "SELECT '\x1b[2J' AS a FROM metadata", "t.parquet"),
    ("query", "no\x1b[2J", "t.parquet"),
    ("operations", "describe", "no\x1b[2J"),
    ("upload", "no\x1b[2J", "gs://bucket/o"),
    ("no\x1b[2J",),
    ("index", ".", "-o", "i\x1b[2J.parquet"),
)
OURS = re.compile(r"\x1b\[([0-9;]*m|1?[AK]|2K|\?25[lh])")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Make tables, files and names that would steer a terminal."""
    table = {
        "StudyInstanceUID": [f"1.{n}" for n in range(len(HOSTILE))],
        "SeriesInstanceUID": [f"1.{n}.1" for n in range(len(HOSTILE))],
        "PatientName": list(HOSTILE.values()),
        NAMED: list(HOSTILE.values()),
    }
    parquet.write_table(pa.table(table), tmp_path / "t.parquet")
    (tmp_path / "q.sql").write_text("SELECT PatientName FROM metadata ORDER BY StudyInstanceUID")
    (tmp_path / "t\x1b[2J.csv").write_text("PatientID,\x1b[2J\na,b,c\n")
    (tmp_path / "bad\x1b[2J.txt").write_text("/studies/\x1b[2J\n/studies/1.2\n")
    return tmp_path


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]).split("\x1b")[0])
def test_nothing_of_the_data_or_of_a_name_steers_a_terminal(
    desk: Path, words: tuple[str, ...]
) -> None:
    shown = on_terminal(*words, cwd=desk)
    assert "2J" in shown.sent or words[0] not in ("query", "columns", "count", "check")
    rest = OURS.sub("", shown.sent.replace("\r\n", "\n"))
    steering = [c for c in rest if not c.isprintable() and c not in "\n\u3000\xa0"]
    if words[0] in ("index", "count"):  # their progress goes back to the line's beginning
        steering = [c for c in steering if c != "\r"]
    assert not steering, repr(rest)


def test_a_pipe_takes_cells_exactly_as_they_are(desk: Path) -> None:
    query = ("query", "--sql", "q.sql", "t.parquet", "--format")
    wanted = sorted(HOSTILE.values())
    found = json.loads(run(*query, "json", cwd=desk).out)
    assert sorted(row["PatientName"] for row in found) == wanted
    written = run(*query, "csv", cwd=desk).out
    rows = csv.reader(io.StringIO(written, newline=""))
    assert sorted(row[0] for row in rows)[1:] != []
    (desk / "again.csv").write_text(written, newline="")
    again = json.loads(
        run("query", "--sql", "q2.sql", "again.csv", "--format", "json", cwd=_own(desk)).out
    )
    assert sorted(row["PatientName"] for row in again) == wanted


def _own(desk: Path) -> Path:
    (desk / "q2.sql").write_text("SELECT PatientName FROM metadata")
    return desk


def test_there_is_one_way_to_the_terminal() -> None:
    folder = Path(dicomfilter.__file__).parent / "cli"
    for path in folder.glob("*.py"):
        if path.name == "terminal.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                text = ast.unparse(node.func)
                assert text not in ("print", "typer.echo", "typer.secho"), path.name
                assert not text.endswith(("stdout.write", "stderr.write", "buffer.write")), (
                    path.name
                )


def test_one_word_is_a_pattern_where_a_variable_names_the_table(
    monkeypatch: pytest.MonkeyPatch, desk: Path
) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.setenv("DICOMFILTER_TABLE", "t.parquet")
    names = lambda *words: [c["name"] for c in call("columns", *words, "--json").object["columns"]]  # noqa: E731
    assert names("Patient") == ["PatientName"]
    assert names("PATIENT") == ["PatientName"]
    assert len(names()) == 4
    assert names("t.parquet", "Study") == ["StudyInstanceUID"]
    monkeypatch.delenv("DICOMFILTER_TABLE")
    assert call("columns").status == 2
