"""Operations on a folder, as they are remembered beside its catalog.

An operation has one file of JSON, which it rewrites as it goes on and holds a lock on, so that
others see how far it is, and that it was killed. What failed is listed in a second file. Both are
for the folder's owner alone: UIDs are in them.
"""

from __future__ import annotations

import csv
import json
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

from dicomfilter.errors import RemoteNotFoundError
from dicomfilter.locks import hold, take
from dicomfilter.storage.local.refusals import writing
from dicomfilter.stores.state import CANCELLED, Counters, State, Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDER = "operations"
_ABORTED = 10
_KILLED = Status(_ABORTED, "the process that ran it was killed")
_KEPT = 1000
"""How many operations of a folder are remembered."""


@dataclass(frozen=True, slots=True)
class Records:
    """The operations of one folder.

    Args:
        home: Where the folder's catalog is kept.
    """

    home: Path

    @property
    def folder(self) -> Path:
        """Where they are kept."""
        return self.home / _FOLDER

    def begin(self, name: str, method: str) -> Record:
        """Remember an operation that starts now.

        Args:
            name: Its full name.
            method: The last word of its method.

        Raises:
            DestinationError: It cannot be written.
        """
        with writing(str(self.folder)):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self.folder / f"{_number(name)}.json"
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            hold(handle)
        record = Record(State(name, method, created=_now()), path, handle)
        record.show(record.state)
        return record

    def read(self, name: str) -> State:
        """Tell how an operation stands.

        Raises:
            RemoteNotFoundError: None is remembered by that name.
        """
        found = _read(self.folder / f"{_number(name)}.json")
        if found is None:
            store = name.rpartition("/operations/")[0]
            raise RemoteNotFoundError(
                f"{name} is not known here",
                hint=f"see `dicomfilter operations list --store {store}`",
            )
        return found

    def every(self) -> Iterator[State]:
        """List all operations that are remembered, oldest first."""
        for path in sorted(self.folder.glob("*.json"))[-_KEPT:]:
            if (found := _read(path)) is not None:
                yield found

    def cancel(self, name: str) -> None:
        """Ask an operation to end, which another process may run."""
        if not self.read(name).done:
            (self.folder / f"{_number(name)}.cancel").touch(mode=0o600)


class Record:
    """One operation that runs in this process.

    Args:
        state: How it begins.
        path: Its file.
        handle: The same, open and locked.
    """

    def __init__(self, state: State, path: Path, handle: int) -> None:
        self.state = state
        self._path = path
        self._handle = handle
        self._failures = path.with_suffix(".failures.csv")
        self._list: TextIO | None = None
        self._cancel = path.with_suffix(".cancel")

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked to cancel it."""
        return self._cancel.exists()

    def show(self, state: State) -> None:
        """Write how it stands; in one go, so that readers see the one or the other."""
        self.state = state
        data = json.dumps(_described(state)).encode()
        # Blanks wipe out a longer text that stood there.
        size = os.fstat(self._handle).st_size
        os.pwrite(self._handle, data.ljust(size), 0)

    def failed(self, what: str, reason: str) -> None:
        """List what failed, and why."""
        if self._list is None:
            handle = os.open(self._failures, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._list = os.fdopen(handle, "w", newline="", encoding="utf-8", errors="replace")
            csv.writer(self._list).writerow(("path", "reason"))
        csv.writer(self._list).writerow((what, reason))

    def end(self, counters: Counters, error: Status | None = None) -> State:
        """Note how it ended."""
        logs = str(self._failures) if self._list is not None else None
        ended = replace(
            self.state,
            done=True,
            ended=_now(),
            counters=replace(counters, pending=0),
            error=error,
            logs_url=logs,
            cancelling=error is not None and error.code == CANCELLED,
        )
        self.show(ended)
        self._cancel.unlink(missing_ok=True)
        return ended

    def close(self) -> None:
        """Let go of the files."""
        if self._list is not None:
            self._list.close()
        os.close(self._handle)


def _number(name: str) -> str:
    return name.rpartition("/")[2]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _described(state: State) -> dict[str, Any]:
    """Describe an operation as the Healthcare API does, which ``State.of`` reads."""
    counters = {
        "success": state.counters.success,
        "failure": state.counters.failure,
        "pending": state.counters.pending,
        "sizeBytes": state.counters.size_bytes,
    }
    metadata: dict[str, Any] = {
        "apiMethodName": state.method,
        "createTime": state.created,
        "endTime": state.ended,
        "counter": counters,
        "cancelRequested": state.cancelling,
    }
    if state.logs_url is not None:
        metadata["logsUrl"] = state.logs_url
    described = {"name": state.name, "metadata": metadata, "done": state.done}
    if state.error is not None:
        described["error"] = {"code": state.error.code, "message": state.error.message}
    return described


def _read(path: Path) -> State | None:
    """Read a record; None where there is none, or half a one."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        state = State.of(json.loads(os.pread(handle, os.fstat(handle).st_size, 0)))
        # Where it cannot be told whether a process still runs it, one does.
        if state.done or not take(handle, shared=True):
            return state
        return replace(state, done=True, error=_KILLED)
    except ValueError:
        return None
    finally:
        os.close(handle)
