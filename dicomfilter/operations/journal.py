"""What was started from this machine: JSON lines that are only ever added.

An intent is written before each start call, so that a run that is killed before it hears the
answer is known to the next. Names of things are in it, and no value of a patient.
"""

from __future__ import annotations

import json
import os
import uuid
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self

from dicomfilter.errors import DestinationError
from dicomfilter.leftovers import VARIABLE, state_folder
from dicomfilter.locks import held, locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Event(StrEnum):
    """What became of a start."""

    INTENT = "intent"
    """The call is about to be sent."""
    LOST = "lost"
    """Its answer was given up; whether it was taken up is not known."""
    SUBMITTED = "submitted"
    """The operation is there."""
    ADOPTED = "adopted"
    """One was found that it may have started; whose it is cannot be seen in it."""
    SHOWN = "shown"
    """What was found has brought what was asked for, so it is the one."""
    HEARD = "heard"
    """Its name has reached whoever started it."""
    ENDED = "ended"
    """It was seen to have ended."""
    ABSENT = "absent"
    """There is none: the service refused, or has no such operation."""
    GIVEN_UP = "given-up"
    """Nobody knows, and a person decided to start again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal.

    Args:
        event: What happened.
        attempt: Which start it belongs to.
        time: When, ISO 8601 in UTC, by this machine's clock.
        store: The DICOM store.
        verb: The method that was called.
        version: Of the API.
        place: What is written, or read by an import.
        asked_sha256: SHA-256 of the call's body without its filter.
        filter_uri: The filter; None for the whole store.
        filter_crc32c: Its CRC32C.
        filter_generation: Its generation.
        filter_lines: How many lines it has, where that is known.
        filter_digest: Of its lines in any order; likewise.
        covered: Instances that it covers, where that is known.
        mime_type: The format of exported images, where one is asked for.
        operation: The operation's full name; None before it is known.
        clock: What the service's clock said, ISO 8601: before the call in an intent, when its
            answer was given up in ``LOST``; None where unknown.
        known: Numbers of operations that were there before the call.
        is_retry: Whether it is the one repetition of a start that was lost.
        is_heard: Whether its name reaches whoever started it by itself.
        user: The operating system's user who started it.
        machine: The machine that it was started from.
        account: The service account whose key was used, where the environment names one.
        purpose: Why, where somebody said so.
        success: Units done, once it has ended.
        failure: Units that failed, likewise.
        error: The code of what ended it, where it failed.
    """

    event: Event
    attempt: str
    time: str
    store: str
    verb: str
    version: str
    place: str
    asked_sha256: str = ""
    filter_uri: str | None = None
    filter_crc32c: str | None = None
    filter_generation: int | None = None
    filter_lines: int | None = None
    filter_digest: str | None = None
    covered: int | None = None
    mime_type: str | None = None
    operation: str | None = None
    clock: str | None = None
    known: tuple[str, ...] = ()
    is_retry: bool = False
    is_heard: bool = False
    user: str | None = None
    machine: str | None = None
    account: str | None = None
    purpose: str | None = None
    success: int | None = None
    failure: int | None = None
    error: str | None = None

    @classmethod
    def parse(cls, line: bytes) -> Self | None:
        """Read a line; None where it is none of ours, such as one that was cut off."""
        try:
            found = json.loads(line)
            names = {own.name for own in fields(cls)}
            values = {name: value for name, value in found.items() if name in names}
            values |= {"event": Event(found["event"]), "known": tuple(found.get("known", ()))}
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def line(self) -> bytes:
        """Write the line; what is not known is left out."""
        values: dict[str, Any] = {
            name: value
            for name, value in asdict(self).items()
            if value is not None and value is not False and value != ()
        }
        return json.dumps(values, ensure_ascii=True).encode() + b"\n"

    def then(self, event: Event, operation: str | None = None, **more: Any) -> Entry:  # noqa: ANN401 - fields
        """Say what became of the same start.

        Args:
            event: What became of it.
            operation: Its operation.
            more: Further fields.
        """
        later = replace(self, event=event, time=now(), operation=operation, known=(), clock=None)
        return replace(later, **more)


_NAMING = frozenset({Event.SUBMITTED, Event.ADOPTED, Event.SHOWN})
"""What tells of an operation that there is, and whose it is."""


@dataclass(frozen=True, slots=True)
class Journal:
    """The file.

    Args:
        path: Where it is; made, with its folder, when the first line is written.
    """

    path: Path

    @classmethod
    def of_user(cls) -> Self:
        """Find the user's own: ``$XDG_STATE_HOME/dicomfilter/operations.jsonl``."""
        return cls(state_folder() / "operations.jsonl")

    def add(self, entry: Entry) -> None:
        """Add a line that a crash of the machine does not lose.

        Raises:
            DestinationError: It cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                with locked(handle):
                    _write(handle, entry.line())
            finally:
                os.close(handle)
        except OSError as error:
            raise DestinationError(
                f"{self.path}, which remembers what was started, cannot be written: "
                f"{(error.strerror or str(error)).lower()}",
                hint=f"name a folder that you can write to in {VARIABLE}",
            ) from error

    def entries(self) -> tuple[Entry, ...]:
        """Read all lines, oldest first; lines that were cut off are passed over."""
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError:
            return ()
        return tuple(entry for line in lines if (entry := Entry.parse(line)) is not None)

    def submitted(self) -> tuple[Entry, ...]:
        """List the operations that were started, oldest first, each as it was noted last."""
        found: dict[str, Entry] = {}
        for entry in self.entries():
            if entry.operation is not None and entry.event in _NAMING:
                found.pop(entry.operation, None)
                found[entry.operation] = entry
        return tuple(found.values())

    def find(self, operation: str) -> Entry | None:
        """Look an operation up; None where it was not started from here."""
        found = [entry for entry in self.submitted() if entry.operation == operation]
        return found[-1] if found else None

    @contextmanager
    def alone(self, key: str, *, wait_s: float, told: Callable[[str], None]) -> Iterator[None]:
        """Keep other processes from starting the same between a look and its note.

        Args:
            key: What is started.
            wait_s: How long to wait for another process.
            told: Is told who is waited for.

        Raises:
            StartUnclearError: Another process is still at it.
            DestinationError: The lock cannot be made.
        """
        path = self.path.parent / "locks" / f"{sha256(key.encode()).hexdigest()[:32]}.lock"
        with held(path, wait_s=wait_s, told=told):
            yield


def now() -> str:
    """Tell the time as the journal writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def new_attempt() -> str:
    """Make a name for a start that nobody else has."""
    return uuid.uuid4().hex


def _write(handle: int, line: bytes) -> None:
    """Write a line whole, apart from one before it that was cut off."""
    size = os.lseek(handle, 0, os.SEEK_END)
    if size:
        os.lseek(handle, size - 1, os.SEEK_SET)
        if os.read(handle, 1) != b"\n":
            line = b"\n" + line
    left = memoryview(line)
    while left:
        left = left[os.write(handle, left) :]
    os.fsync(handle)
