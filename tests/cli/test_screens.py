"""What a person sees on a terminal of 80 columns, with and without color, and in a pipe."""

from __future__ import annotations

import shlex
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import typer
from pyarrow import parquet

from dicomfilter import cli
from tests.cli.running import call, run
from tests.cli.terminal import on_terminal, too_wide

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLAUSES = ["--where", "Modality = 'CT'", "--where", "StudyDate >= '2020-01-01'"]
BAD = ["count", "metadata.parquet", "--where", "Modality = 'CT' AND PatientID = 19045"]


@cache
def commands() -> list[str]:
    """List the commands that there are, with the words before them."""

    def walk(prefix: str, group: Any) -> Iterator[str]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from walk(f"{prefix}{name} ", command)
            elif not command.hidden:
                yield f"{prefix}{name}"

    return list(walk("", typer.main.get_command(cli.app)))


def test_the_help_of_all_names_every_command() -> None:
    shown = call("--help").out
    assert too_wide(shown.splitlines()) == []
    assert "..." not in shown.split("Commands:")[1]  # each says its sentence in full
    for name in {command.split()[0] for command in commands()}:
        assert f"\n  {name} " in shown


@pytest.mark.parametrize("command", commands())
def test_the_help_of_a_command_fits_and_has_an_example(command: str) -> None:
    ended = call(*command.split(), "--help")
    lines = ended.out.splitlines()
    assert (ended.status, ended.err) == (0, "")
    assert too_wide(lines) == []
    assert "\x1b" not in ended.out
    assert lines[0].startswith(f"Usage: dicomfilter {command} ")
    assert f"  Example: dicomfilter {command} " in ended.out
    assert not [line for line in lines if "<bool>" in line or "list[" in line]


@pytest.mark.parametrize("command", commands())
def test_every_command_can_be_quiet_and_gives_json(command: str) -> None:
    shown = call(*command.split(), "--help").out
    assert "-q, --quiet" in shown
    assert command == "queries" or "--json" in shown or "--format" in shown


@pytest.mark.parametrize("command", commands())
def test_the_example_of_a_help_is_one_command_for_a_shell(command: str) -> None:
    shown = call(*command.split(), "--help").out
    example = shown.split("  Example: ")[1].split("\n\n")[0]
    words = shlex.split(example.replace("\\\n", ""))
    assert words[0] == "dicomfilter"
    assert "\n" not in "".join(words)
    assert "Exit status:\n  0 " in shown


def test_the_options_of_a_build_stand_in_groups() -> None:
    shown = call("build", "--help").out
    heads = [line for line in shown.splitlines() if line.endswith(":") and line[0] != " "]
    assert heads[0] == "Arguments:"
    assert heads[-2:] == ["Options:", "Exit status:"]
    assert {"Selection:", "Lines:", "Manifest:", "Cost and memory:"} <= set(heads)
    selection = shown.split("Selection:")[1].split("\n\n")[0]
    assert selection.split()[0] == "--where"


def test_a_build_shows_progress_and_leaves_its_summary(desk: Path) -> None:
    shown = on_terminal("build", "metadata.parquet", "--all", "-o", "f.txt", cwd=desk)
    assert shown.status == 0
    assert "select" in shown.sent
    assert "write" in shown.sent
    assert [line.split(maxsplit=1)[0] for line in shown.lines if line] == [
        *("lines", "covers", "matched", "file", "beside", "f.txt"),
    ]
    assert too_wide(shown.lines) == []
    assert shown.sent.endswith("f.txt\r\n")


@pytest.mark.parametrize("arguments", [["--quiet"], ["--json", "--quiet"]], ids=str)
def test_no_progress_where_none_is_wanted(desk: Path, arguments: list[str]) -> None:
    shown = on_terminal("build", "metadata.parquet", "--all", "-o", "f.txt", *arguments, cwd=desk)
    assert "\x1b" not in shown.sent
    assert len(shown.lines) == 1


def test_an_error_has_its_mark_in_color_or_not(desk: Path) -> None:
    plain = run(*BAD, cwd=desk).err.splitlines()
    assert "\x1b" not in "".join(plain)
    assert plain[1:3] == [
        "  Modality = 'CT' AND PatientID = 19045",
        "                      ^",
    ]
    colored = on_terminal(*BAD, cwd=desk)
    assert colored.is_colored
    assert "\x1b[31m" in colored.sent  # red
    assert colored.lines == plain
    bare = on_terminal(*BAD, cwd=desk, NO_COLOR="1")
    assert "\x1b" not in bare.sent
    assert bare.lines == plain
    assert too_wide(plain[1:3]) == []


def test_attrition_fits_and_is_the_same_in_a_pipe(desk: Path) -> None:
    asked = ["count", "metadata.parquet", *CLAUSES, "--attrition"]
    shown = on_terminal(*asked, cwd=desk)
    assert too_wide(shown.lines) == []
    assert shown.lines == run(*asked, cwd=desk).out.splitlines()
    assert shown.is_colored
    assert not on_terminal(*asked, cwd=desk, NO_COLOR="1").is_colored


def test_a_long_clause_folds_on_a_terminal_and_not_in_a_pipe(desk: Path) -> None:
    values = ", ".join(f"'{n:08}'" for n in range(30))
    asked = ["count", "metadata.parquet", "--where", f"PatientID IN ({values})", "--attrition"]
    assert too_wide(on_terminal(*asked, cwd=desk).lines) == []
    assert any(values in line for line in run(*asked, cwd=desk).out.splitlines())


def test_rows_that_are_too_wide_fold_and_lose_nothing(desk: Path) -> None:
    asked = ["query", "patient", "metadata.parquet", "--param", "patient_id::19045"]
    shown = on_terminal(*asked, cwd=desk)
    assert too_wide(shown.lines) == []
    assert "/dicomWeb/studies/1.1/series/1.1.1" in "".join(shown.lines)


UID = f"1.2.840.{'9' * 56}"
WIDE = {
    "two identifiers": ["SOPInstanceUID", "SeriesInstanceUID"],
    "four identifiers": ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "SOPClassUID"],
    "thirty columns": [f"Column{n}" for n in range(30)],
    "a long name": ["N" * 79, "PatientID"],
    "wide letters": ["氏名" * 12, "PatientName", "住所" * 12],
}


@pytest.mark.parametrize("names", WIDE.values(), ids=WIDE)
def test_a_row_that_is_too_wide_has_a_field_a_line_and_no_value_is_broken(
    tmp_path: Path, names: list[str]
) -> None:
    rows = [{name: f"{UID[:-3]}{n:03}" for n, name in enumerate(names)} for _ in range(2)]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "wide.parquet")
    (tmp_path / "q.sql").write_text("SELECT * FROM metadata")
    asked = ["query", "--sql", "q.sql", "wide.parquet"]
    lines = on_terminal(*asked, cwd=tmp_path).lines
    assert lines[0] == "row 1"
    assert lines[1 + len(names)] == "row 2"
    fields = [line.split() for line in lines if not line.startswith("row ")]
    assert fields == [[name, value] for row in rows for name, value in row.items()]
    piped = run(*asked, cwd=tmp_path).out.splitlines()
    assert [line.split() for line in piped[2:]] == [list(row.values()) for row in rows]


def test_words_wrap_where_that_breaks_no_value(tmp_path: Path) -> None:
    row = {"StudyInstanceUID": UID, "StudyDescription": "CT of the whole body with contrast"}
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "t.parquet")
    (tmp_path / "q.sql").write_text("SELECT * FROM metadata")
    lines = on_terminal("query", "--sql", "q.sql", "t.parquet", cwd=tmp_path).lines
    assert lines[0].split() == ["StudyInstanceUID", "StudyDescription"] or lines[0] == "row 1"
    assert UID in "\n".join(lines)


def test_a_count_shows_that_it_is_at_work(desk: Path) -> None:
    asked = ["count", "metadata.parquet", "--all"]
    shown = on_terminal(*asked, cwd=desk)
    assert "count" in shown.sent
    assert shown.lines == run(*asked, cwd=desk).out.splitlines()
    assert "━" not in on_terminal(*asked, "--quiet", cwd=desk).sent


def test_nothing_that_goes_into_a_pipe_has_escapes(desk: Path) -> None:
    call("build", "metadata.parquet", "--all", "-o", "f.txt")
    for arguments in (
        ["--help"],
        ["columns", "metadata.parquet"],
        ["queries"],
        ["count", "metadata.parquet", *CLAUSES, "--attrition"],
        ["check", "f.txt"],
        ["summary", "f.txt"],
        ["count", "metadata.parquet", "--nothing"],
    ):
        ended = call(*arguments)
        assert "\x1b" not in ended.out + ended.err, arguments
    assert (desk / "f.txt").exists()


def test_control_characters_of_a_name_do_not_reach_the_terminal(desk: Path) -> None:
    ended = call("build", "metadata.parquet", "--all", "-o", "a\x1b[31mb\n.txt")
    assert "\x1b" not in ended.err
    assert [line.split()[0] for line in ended.err.splitlines()][-1] == "beside"
    ended = call("check", "no\x1b[31m\nsuch")
    assert len(ended.err.splitlines()) == 2
    assert "\x1b" not in ended.err
    assert desk
