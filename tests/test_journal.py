"""The journal: added to by several processes, cut off by none."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dicomfilter.errors import DestinationError
from dicomfilter.journal import Entry, Event, Journal

OPERATION = "projects/p/locations/l/datasets/d/operations/7"


def entry(attempt: str = "a", event: Event = Event.INTENT, **more: object) -> Entry:
    values = {
        "time": "2026-11-21T10:00:00.000+00:00",
        "store": "projects/p/locations/l/datasets/d/dicomStores/s",
        "verb": "export",
        "version": "v1beta1",
        "place": "gs://out/x/",
        "filter_uri": "gs://in/f.txt",
        **more,
    }
    return Entry(event=event, attempt=attempt, **values)  # type: ignore[arg-type]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state" / "dicomfilter" / "operations.jsonl")


def test_what_is_added_is_read_in_order(journal: Journal) -> None:
    written = [
        entry(known=("1", "2"), clock="2026-11-21T10:00:00+00:00", covered=7),
        entry(event=Event.SUBMITTED, operation=OPERATION, filter_generation=3),
    ]
    for each in written:
        journal.add(each)
    assert journal.entries() == tuple(written)


def test_a_journal_that_is_not_there_is_empty(journal: Journal) -> None:
    assert journal.entries() == ()
    assert journal.find(OPERATION) is None


def test_the_journal_is_for_its_owner_only(journal: Journal) -> None:
    journal.add(entry())
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_lines_are_only_ever_added(journal: Journal) -> None:
    journal.add(entry("a"))
    before = journal.path.read_bytes()
    journal.add(entry("b"))
    assert journal.path.read_bytes().startswith(before)


def test_a_line_that_was_cut_off_spoils_no_other(journal: Journal) -> None:
    journal.add(entry("a"))
    with journal.path.open("ab") as file:
        file.write(entry("b").line()[:40])
    journal.add(entry("c"))
    assert [each.attempt for each in journal.entries()] == ["a", "c"]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"event": "intent"}',
        b'{"event": "later", "attempt": "a"}',
        b"\xff",
    ],
)
def test_lines_that_are_not_ours_are_passed_over(journal: Journal, line: bytes) -> None:
    journal.add(entry("a"))
    with journal.path.open("ab") as file:
        file.write(line + b"\n")
    journal.add(entry("b"))
    assert [each.attempt for each in journal.entries()] == ["a", "b"]


def test_what_a_later_version_adds_is_passed_over() -> None:
    line = json.loads(entry("a").line()) | {"colour": "blue"}
    assert Entry.parse(json.dumps(line).encode()) == entry("a")


def test_an_intent_without_an_end_is_unanswered(journal: Journal) -> None:
    for attempt, event in (
        ("a", Event.SUBMITTED),
        ("b", Event.ABSENT),
        ("c", Event.ADOPTED),
        ("d", Event.GIVEN_UP),
        ("e", None),
    ):
        journal.add(entry(attempt))
        if event:
            journal.add(entry(attempt).then(event, OPERATION))
    assert [each.attempt for each in journal.unanswered(entry("new"))] == ["e"]


@pytest.mark.parametrize("name", ["store", "verb", "body_sha256", "filter_crc32c"])
def test_an_intent_to_do_something_else_is_no_concern(journal: Journal, name: str) -> None:
    journal.add(entry("a"))
    assert journal.unanswered(entry("b", **{name: "other"})) == ()
    assert journal.unanswered(entry("b")) != ()


def test_an_operation_is_found_with_what_is_known_of_its_filter(journal: Journal) -> None:
    intent = entry("a", covered=12, filter_generation=9, known=("1",))
    journal.add(intent)
    journal.add(intent.then(Event.SUBMITTED, OPERATION))
    found = journal.find(OPERATION)
    assert found is not None
    assert (found.covered, found.filter_generation, found.known) == (12, 9, ())


def test_a_journal_that_cannot_be_written_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DestinationError, match="cannot be written") as caught:
        Journal(tmp_path / "file" / "operations.jsonl").add(entry())
    assert "XDG_STATE_HOME" in (caught.value.hint or "")


def test_the_journal_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Journal.of_user().path == tmp_path / "dicomfilter" / "operations.jsonl"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Journal.of_user().path == tmp_path / ".local/state/dicomfilter/operations.jsonl"


WRITE = """
import sys
from pathlib import Path
from dicomfilter.journal import Entry, Event, Journal
for number in range(200):
    Journal(Path(sys.argv[1])).add(Entry(Event.INTENT, f"{sys.argv[2]}-{number}", "t", "s", "export",
        "v1", "gs://x/" + sys.argv[2] * 3000))
"""


def test_two_processes_write_whole_lines(journal: Journal) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(journal.path), name],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        for name in "ab"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    attempts = [each.attempt for each in journal.entries()]
    assert sorted(attempts) == sorted(f"{name}-{n}" for name in "ab" for n in range(200))
    for name in "ab":
        assert [a for a in attempts if a[0] == name] == [f"{name}-{n}" for n in range(200)]
