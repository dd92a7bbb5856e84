"""What left: the operations that were started from here, and how each ended."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import DestinationError
from dicomfilter.filters.authors import Author
from dicomfilter.operations.earlier import pasts
from dicomfilter.operations.journal import Event

if TYPE_CHECKING:
    from dicomfilter.operations.earlier import Past
    from dicomfilter.operations.journal import Entry, Journal
    from dicomfilter.stores.state import State

_STANDING = {
    Event.INTENT: "unclear",
    Event.LOST: "unclear",
    Event.ADOPTED: "unclear",
    Event.GIVEN_UP: "unclear",
    Event.ABSENT: "refused",
}


@dataclass(frozen=True, slots=True)
class Left:
    """One start, and what is known of it by now.

    Args:
        entry: What was asked, of whom, and by whom.
        standing: ``started``, ``done``, ``failed``, ``refused``, or ``unclear`` where whether it
            was started is not known.
        ended: When it was seen to have ended, ISO 8601; None where it was not.
        success: Units done; None where that was not seen.
        failure: Units that failed; likewise.
    """

    entry: Entry
    standing: str
    ended: str | None = None
    success: int | None = None
    failure: int | None = None

    @property
    def author(self) -> Author:
        """Who started it, from where and why."""
        own = self.entry
        return Author(own.user, own.machine, own.account, own.purpose)

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON has it."""
        own = self.entry
        return {
            "started": own.time,
            "method": own.verb,
            "store": own.store,
            "place": own.place,
            "filter": own.filter_uri,
            "filter_crc32c": own.filter_crc32c,
            "filter_lines": own.filter_lines,
            "covered": own.covered,
            "operation": own.operation,
            **self.author.to_dict(),
            "standing": self.standing,
            "ended": self.ended,
            "success": self.success,
            "failure": self.failure,
        }


def left(journal: Journal, *, store: str | None = None) -> list[Left]:
    """List what was started from here.

    Args:
        journal: The file that remembers it.
        store: Only of this store; None for all.

    Returns:
        A start each, newest first.
    """
    chosen = (past for past in pasts(journal.entries()) if store in (None, past.entry.store))
    return sorted(map(_left, chosen), key=lambda one: one.entry.time, reverse=True)


def _left(past: Past) -> Left:
    # One that was refused, or that a person gave up, has no operation of its own.
    name = None if past.standing in {Event.ABSENT, Event.GIVEN_UP} else past.operation
    entry = replace(past.entry, operation=name)
    end = past.end
    if end is None:
        return Left(entry, _STANDING.get(past.standing, "started"))
    standing = "failed" if end.error else "done" if end.success is not None else "ended"
    return Left(entry, standing, end.time, end.success, end.failure)


def note_end(journal: Journal, name: str, state: State) -> None:
    """Note how an operation ended, once; what went before stands without it.

    Args:
        journal: Where.
        name: The operation.
        state: As the service said last.
    """
    found = [past for past in pasts(journal.entries()) if past.operation == name]
    if not found or not state.done:
        return
    end = found[-1].end
    if end is not None and end.success is not None:
        return
    counters = state.counters
    with suppress(DestinationError):  # the images are where they are, whatever becomes of a note
        journal.add(
            found[-1].entry.then(
                Event.ENDED,
                name,
                success=counters.success,
                failure=counters.failure,
                error=state.error.name if state.error else None,
            )
        )
