"""``dicomfilter check``: verdicts, repairs, statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.running import call, run

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "/studies/1.1/series/1.1.1\n/studies/1.2\n"
BROKEN = "studies/1.1/series/1.1.1\r\n/studies/1.2\n/studies/1.2\n"


@pytest.fixture
def folder(desk: Path) -> Path:
    (desk / "good.txt").write_text(GOOD)
    (desk / "broken.txt").write_bytes(BROKEN.encode())
    (desk / "hopeless.txt").write_text("/studies/1.1\nPatient X\n")
    return desk


@pytest.mark.usefixtures("folder")
def test_a_good_file_is_ok() -> None:
    ended = call("check", "good.txt")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == "good.txt: 2 lines (1 study + 1 series): ok\n"


@pytest.mark.usefixtures("folder")
def test_what_is_wrong_is_said_by_class_and_line() -> None:
    ended = call("check", "broken.txt")
    assert ended.status == 6
    assert [line.split(":")[0] for line in ended.out.splitlines()] == [
        "error   no-leading-slash",
        "error   duplicate",
        "notice  crlf",
        "broken.txt",
    ]
    assert ended.out.endswith(": not usable as it is\n")
    assert "hint: put it right with `dicomfilter check broken.txt --repair -o FIXED`" in ended.err
    assert call("check", "broken.txt", "--quiet").out == ended.out.splitlines()[-1] + "\n"


@pytest.mark.usefixtures("folder")
def test_the_findings_are_one_object_whatever_the_status() -> None:
    import json

    ended = call("check", "broken.txt", "--json")
    found = json.loads(ended.out)
    assert (ended.status, ended.err, ended.out.count("\n")) == (6, "", 1)
    assert (found["ok"], found["lines"]) == (False, 3)
    assert [f["kind"] for f in found["findings"]] == ["no-leading-slash", "duplicate", "crlf"]
    assert found["findings"][1]["first_lines"] == [3]
    assert call("check", "good.txt", "--json").object["ok"] is True


def test_a_repair_writes_another_file_and_leaves_the_first(folder: Path) -> None:
    ended = call("check", "broken.txt", "--repair", "-o", "fixed.txt")
    assert (ended.status, ended.out) == (0, "fixed.txt\n")
    assert (folder / "fixed.txt").read_text() == GOOD
    assert (folder / "broken.txt").read_bytes() == BROKEN.encode()
    assert "fixed   duplicate: line 3\n" in ended.err
    assert call("check", "fixed.txt").status == 0


def test_a_repair_can_go_through_a_pipe(folder: Path) -> None:
    ended = run("check", "-", "--repair", "-o", "-", stdin=BROKEN, cwd=folder)
    assert (ended.status, ended.out) == (0, GOOD)


def test_a_repair_is_one_object(folder: Path) -> None:
    found = call("check", "broken.txt", "--repair", "-o", "fixed.txt", "--json").object
    assert (found["uri"], found["lines"], found["lines_before"]) == ("fixed.txt", 2, 3)
    assert found["size_bytes"] == (folder / "fixed.txt").stat().st_size


def test_what_has_no_one_meaning_is_not_repaired(folder: Path) -> None:
    ended = call("check", "hopeless.txt", "--repair", "-o", "fixed.txt")
    assert (ended.status, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 2
    assert not (folder / "fixed.txt").exists()


@pytest.mark.usefixtures("folder")
def test_lines_that_the_metadata_do_not_know() -> None:
    assert call("check", "good.txt", "--against", "metadata.parquet").status == 0
    ended = run("check", "-", "--against", "metadata.parquet", stdin="/studies/1.1\n/studies/7.7\n")
    assert ended.status == 6
    assert "not-in-metadata: line 2" in ended.out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nothing.txt"], "error[source-not-found]: nothing.txt does not exist"),
        (["."], "error[source]: . cannot be read: is a directory"),
        (["good.txt", "--repair"], "error[usage]: --repair and -o go together"),
        (["good.txt", "-o", "x"], "error[usage]: --repair and -o go together"),
        (["good.txt", "--repair", "-o", "-", "--json"], "error[usage]: -o - and --json both"),
        (["good.txt", "--repair", "-o", "good.txt"], "error[destination]: good.txt is read here"),
        (["broken.txt", "--repair", "-o", "cohort.csv"], "error[exists]: cohort.csv exists"),
        (["good.txt", "--against", "no-uids.csv"], "error[table]: no-uids.csv has no column"),
        (["empty.txt"], "error[filter-file]: empty.txt is empty"),
    ],
    ids=str,
)
def test_bad_calls_are_two_lines_and_write_nothing(
    folder: Path, arguments: list[str], error: str
) -> None:
    (folder / "empty.txt").touch()
    ended = call("check", *arguments)
    assert (ended.status, ended.out) == (2, "")
    said, hint = ended.err.splitlines()
    assert said.startswith(error)
    assert hint.startswith("hint: ")
    assert (folder / "good.txt").read_text() == GOOD
    assert not (folder / "x").exists()
