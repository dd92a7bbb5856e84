"""Items side by side, and how an operation ends."""

from __future__ import annotations

import struct
import time
import warnings
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import SourceError
from dicomfilter.stores.folder.records import Records
from dicomfilter.stores.folder.work import ItemFailedError, Run, StoppedError, run
from dicomfilter.stores.state import CANCELLED, Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dicomfilter.stores.folder.records import Record
    from dicomfilter.stores.state import State

NAME = "/x/operations/1-a"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Records(tmp_path).begin(NAME, "ExportDicomData")


def over(items: int, work: Callable[[int], None]) -> Callable[[Run], None]:
    def job(running: Run) -> None:
        running.expect(items)
        running.each(range(items), work)

    return job


def test_every_item_is_done_and_counted(record: Record) -> None:
    done: list[int] = []
    state = run(record, over(100, done.append))
    assert sorted(done) == list(range(100))
    assert state.counters == Counters(100)
    assert state.verdict == "done"


def test_items_that_fail_are_listed_and_the_others_go_on(record: Record, tmp_path: Path) -> None:
    def work(item: int) -> None:
        if item % 10 == 3:
            raise ItemFailedError(f"no {item}")

    state = run(record, over(50, work))
    assert state.counters == Counters(45, 5)
    rows = (tmp_path / "operations/1-a.failures.csv").read_text().splitlines()
    assert sorted(rows[1:]) == ["13,no 13", "23,no 23", "3,no 3", "33,no 33", "43,no 43"]


def test_items_are_taken_as_they_are_needed(record: Record) -> None:
    given: list[int] = []
    ahead: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            given.append(number)
            yield number

    def work(item: int) -> None:
        ahead.append(len(given) - item)

    run(record, lambda running: running.each(items(), work))
    assert len(given) == 100
    assert max(ahead) <= 20


def test_a_full_disk_ends_it_with_what_is_done(record: Record) -> None:
    def work(item: int) -> None:
        if item >= 20:
            raise StoppedError("no space is left on the device")

    state = run(record, over(1000, work))
    assert state.error is not None
    assert state.error.name == "RESOURCE_EXHAUSTED"
    assert state.counters.success == 20
    assert state.counters.failure == state.counters.pending == 0


def test_one_of_our_errors_is_how_it_ended(record: Record) -> None:
    def job(_running: Run) -> None:
        raise SourceError("the filter is gone")

    state = run(record, job)
    assert state.error is not None
    assert state.error.message == "the filter is gone"


def test_ctrl_c_is_remembered_as_cancelled(record: Record, tmp_path: Path) -> None:
    done: list[int] = []

    def items() -> Iterator[int]:
        yield from range(20)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(record, lambda running: running.each(items(), done.append))
    found = Records(tmp_path).read(NAME)
    assert found.verdict == "cancelled"
    assert found.counters == Counters(len(done))
    assert len(done) >= 12


class Panic(BaseException):
    """What code in Rust raises is no Exception."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ZeroDivisionError("DOE^JANE"), "it cannot be taken (ZeroDivisionError at test_work.py"),
        (struct.error("DOE^JANE"), "it cannot be taken (error at test_work.py"),
        (MemoryError(), "it needs more memory than there is"),
        (Panic("DOE^JANE"), "it cannot be taken (Panic at test_work.py"),
        (RecursionError(), "it cannot be taken (RecursionError at test_work.py"),
        (UnicodeDecodeError("utf-8", b"DOE^JANE", 0, 1, "no"), "it cannot be taken (UnicodeDecode"),
    ],
)
def test_whatever_an_item_raises_fails_it_alone(
    error: BaseException, reason: str, record: Record, tmp_path: Path
) -> None:
    def work(item: int) -> None:
        if item == 3:
            raise error

    state = run(record, over(50, work))
    assert state.counters == Counters(49, 1)
    listed = (tmp_path / "operations/1-a.failures.csv").read_text().splitlines()[1]
    assert listed.startswith(f"3,{reason}")
    assert "JANE" not in listed


def test_a_bug_outside_of_items_stays_one_and_is_remembered(record: Record, tmp_path: Path) -> None:
    def work(_running: Run) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(record, work)
    found = Records(tmp_path).read(NAME)
    assert found.error is not None
    assert (found.error.name, found.error.message) == ("INTERNAL", "ZeroDivisionError")


def test_somebody_else_cancels_it(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomfilter.stores.folder.work._SHOWN_S", 0.0)

    def work(item: int) -> None:
        if item == 5:
            Records(tmp_path).cancel(NAME)

    state = run(record, over(10_000, work))
    assert state.error is not None
    assert state.error.code == CANCELLED
    assert 5 < state.counters.success < 100


def test_whoever_watches_sees_it_go_on(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dicomfilter.stores.folder.work._SHOWN_S", 0.0)
    seen: list[State] = []
    run(record, over(20, lambda _: None), seen.append)
    assert [look.counters.total for look in seen] == [20] * len(seen)
    assert seen[0].counters == Counters(pending=20)
    assert seen[-1].done
    assert len(seen) > 3


def test_what_threads_warn_of_is_set_aside_and_put_back(record: Record) -> None:
    before = list(warnings.filters)

    def work(item: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            time.sleep(0.001 * (item % 3))
        warnings.warn("between", stacklevel=1)

    assert run(record, over(100, work)).counters.success == 100
    assert warnings.filters == before
