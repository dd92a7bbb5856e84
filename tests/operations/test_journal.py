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
from dicomfilter.operations.earlier import Kin, kinship, pasts
from dicomfilter.operations.journal import Entry, Event, Journal

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


def test_of_each_start_is_known_what_was_noted_last(journal: Journal) -> None:
    noted = {
        "a": [Event.SUBMITTED],
        "b": [Event.ABSENT],
        "c": [Event.LOST, Event.ADOPTED],
        "d": [Event.LOST, Event.GIVEN_UP],
        "e": [],
        "f": [Event.LOST],
        "g": [Event.ADOPTED, Event.SHOWN],
    }
    for attempt, events in noted.items():
        journal.add(entry(attempt))
        for event in events:
            named = event in {Event.SUBMITTED, Event.ADOPTED, Event.SHOWN}
            journal.add(entry(attempt).then(event, OPERATION if named else None))
    found = {past.entry.attempt: past for past in pasts(journal.entries())}
    assert [name for name, past in found.items() if past.is_unclear] == ["c", "e", "f"]
    assert [name for name, past in found.items() if past.is_started] == ["a", "g"]
    assert {past.operation for past in found.values()} == {OPERATION, None}


def test_a_name_that_was_heard_and_an_end_that_was_seen_are_kept_in_mind(journal: Journal) -> None:
    journal.add(entry("a"))
    journal.add(entry("a").then(Event.SUBMITTED, OPERATION))
    (past,) = pasts(journal.entries())
    assert (past.is_heard, past.is_ended) == (False, False)
    for event in (Event.HEARD, Event.ENDED):
        journal.add(entry("a").then(event, OPERATION))
    (past,) = pasts(journal.entries())
    assert (past.is_heard, past.is_ended, past.is_started) == (True, True, True)


KIN = {
    "the same": ({}, Kin.SAME),
    "another file of the same lines": (
        {"filter_uri": "gs://o/g.txt", "filter_generation": 9},
        Kin.SAME,
    ),
    "in another order": ({"filter_crc32c": "BBBBBB=="}, Kin.SAME),
    "the same folder without its slash": ({"place": "gs://out/x"}, Kin.SAME),
    "other lines": ({"filter_crc32c": "BBBBBB==", "filter_digest": "v:2"}, Kin.OTHER_SET),
    "more lines": (
        {"filter_crc32c": "BBBBBB==", "filter_digest": None, "filter_lines": 8},
        Kin.OTHER_SET,
    ),
    "lines of which nothing is known": (
        {"filter_crc32c": "BBBBBB==", "filter_digest": None, "filter_lines": None},
        Kin.UNKNOWN,
    ),
    "a digest that was made otherwise": (
        {"filter_crc32c": "BBBBBB==", "filter_digest": "w:1"},
        Kin.UNKNOWN,
    ),
    "the whole store": (
        {"filter_uri": None, "filter_crc32c": None, "filter_digest": None, "filter_lines": None},
        Kin.OTHER_SET,
    ),
    "another format": ({"asked_sha256": "other"}, Kin.BESIDE),
    "another store": ({"store": "other"}, None),
    "another verb": ({"verb": "import"}, None),
    "another destination": ({"place": "gs://out/y/"}, None),
}


@pytest.mark.parametrize("name", KIN)
def test_what_an_earlier_start_has_to_do_with_a_new_one(name: str) -> None:
    change, expected = KIN[name]
    known = {
        "asked_sha256": "a",
        "filter_crc32c": "AAAAAA==",
        "filter_digest": "v:1",
        "filter_lines": 7,
        "filter_generation": 1,
    }
    assert kinship(entry("a", **known), entry("b", **known | change)) is expected


def test_which_storage_class_was_set_last_holds_so_all_of_them_are_one_destination() -> None:
    known = {"verb": "setBlobStorageSettings", "filter_uri": None}
    cold = entry("a", place="COLDLINE", asked_sha256="a", **known)
    near = entry("b", place="NEARLINE", asked_sha256="b", **known)
    assert kinship(cold, near) is Kin.OTHER_WAY


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
from dicomfilter.operations.journal import Entry, Event, Journal
for number in range(200):
    Journal(Path(sys.argv[1])).add(Entry(Event.INTENT, f"{sys.argv[2]}-{number}", "t", "s", "export",
        "v1", "gs://x/" + sys.argv[2] * 3000))
"""


def test_two_processes_write_whole_lines(journal: Journal) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(journal.path), name],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        for name in "ab"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    attempts = [each.attempt for each in journal.entries()]
    assert sorted(attempts) == sorted(f"{name}-{n}" for name in "ab" for n in range(200))
    for name in "ab":
        assert [a for a in attempts if a[0] == name] == [f"{name}-{n}" for n in range(200)]
