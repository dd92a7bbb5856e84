"""How operations on a folder are remembered."""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import DestinationError, RemoteNotFoundError
from dicomfilter.stores.folder.records import Records
from dicomfilter.stores.state import Counters, Status

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event
    from pathlib import Path

NAME = "/x/operations/1-a"


def test_an_operation_is_seen_while_it_runs_and_when_it_has_ended(tmp_path: Path) -> None:
    records = Records(tmp_path)
    record = records.begin(NAME, "ExportDicomData")
    running = records.read(NAME)
    assert (running.verdict, running.method, running.name) == ("running", "ExportDicomData", NAME)
    record.failed("/studies/1", "it is not in the store")
    record.end(Counters(3, 1))
    record.close()
    ended = records.read(NAME)
    assert ended.verdict == "done with failures"
    assert ended.counters == Counters(3, 1)
    assert ended.logs_url == f"{tmp_path}/operations/1-a.failures.csv"
    failures = tmp_path / "operations" / "1-a.failures.csv"
    assert failures.read_text() == "path,reason\n/studies/1,it is not in the store\n"


def test_what_is_remembered_is_for_its_owner_alone(tmp_path: Path) -> None:
    record = Records(tmp_path).begin(NAME, "ExportDicomData")
    record.failed("a", "b")
    record.close()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("1-a*")} == {0o600}
    assert (tmp_path / "operations").stat().st_mode & 0o777 == 0o700


def test_an_error_is_remembered(tmp_path: Path) -> None:
    record = Records(tmp_path).begin(NAME, "ExportDicomData")
    record.end(Counters(1), Status(8, "no space is left on the device"))
    record.close()
    found = Records(tmp_path).read(NAME)
    assert found.error == Status(8, "no space is left on the device")
    assert found.verdict == "failed"
    assert found.logs_url is None


def _run_for_ever(folder: Path, begun: Event) -> None:
    Records(folder).begin(NAME, "ExportDicomData")
    begun.set()
    signal.pause()


def test_an_operation_whose_process_was_killed_has_failed(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    begun = spawn.Event()
    process = spawn.Process(target=_run_for_ever, args=(tmp_path, begun))
    process.start()
    assert begun.wait(10)
    assert Records(tmp_path).read(NAME).verdict == "running"
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(10)
    killed = Records(tmp_path).read(NAME)
    assert killed.verdict == "failed"
    assert killed.error is not None
    assert killed.error.name == "ABORTED"


def test_what_is_unknown_and_what_is_damaged(tmp_path: Path) -> None:
    records = Records(tmp_path)
    assert list(records.every()) == []
    with pytest.raises(RemoteNotFoundError, match="is not known here"):
        records.read(NAME)
    (tmp_path / "operations").mkdir()
    (tmp_path / "operations/1-a.json").write_text('{"name": "/x')
    assert list(records.every()) == []


def test_operations_are_listed_in_their_order(tmp_path: Path) -> None:
    records = Records(tmp_path)
    for number in (2, 1, 3):
        records.begin(f"/x/operations/{number}", "ImportDicomData").close()
    assert [state.name[-1] for state in records.every()] == ["1", "2", "3"]


def test_another_process_asks_to_cancel(tmp_path: Path) -> None:
    records = Records(tmp_path)
    record = records.begin(NAME, "ExportDicomData")
    assert not record.is_cancelled
    records.cancel(NAME)
    assert record.is_cancelled
    record.end(Counters())
    assert not record.is_cancelled
    record.close()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "operations").write_text("x")
    with pytest.raises(DestinationError, match="exists already"):
        Records(tmp_path).begin(NAME, "ExportDicomData")
