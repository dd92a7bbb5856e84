"""Earlier starts, as the journal remembers them, beside a new one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from dicomfilter.operations.journal import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dicomfilter.operations.journal import Entry

DAY = timedelta(hours=23, minutes=30)
"""A job that runs once a day is never there a full day later."""
_DYING = timedelta(minutes=10)
"""How long a call may have been under way in a process that died without giving it up."""
_UNKNOWN = frozenset({Event.INTENT, Event.LOST, Event.ADOPTED})
_NAMED = frozenset({Event.SUBMITTED, Event.SHOWN})


class Kin(Enum):
    """What an earlier start has to do with a new one of its destination."""

    SAME = "the same"
    """It asks for the same of the same images."""
    OTHER_SET = "another filter"
    OTHER_WAY = "another way"
    """It asks for something else that changes what is there."""
    BESIDE = "beside"
    """It asks for something else that both can have: another format."""
    UNKNOWN = "a filter that cannot be compared"


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier start.

    Args:
        entry: As it was noted first.
        standing: What is known of it.
        operation: Its operation, or the one that may be; None where there is none to name.
        lost: What the service's clock said when its answer was given up; None where unknown.
        is_heard: Whether its name has reached whoever started it.
        end: The note that its operation was seen to have ended; None where it was not.
    """

    entry: Entry
    standing: Event
    operation: str | None = None
    lost: str | None = None
    is_heard: bool = False
    end: Entry | None = None

    @property
    def is_unclear(self) -> bool:
        """Whether it may have started something that has no certain name."""
        return self.standing in _UNKNOWN

    @property
    def is_ended(self) -> bool:
        """Whether its operation was seen to have ended."""
        return self.end is not None

    @property
    def is_started(self) -> bool:
        """Whether it surely has."""
        return self.standing in _NAMED

    @property
    def began(self) -> datetime:
        """When it was about to be sent, by the service's clock where that was known."""
        return moment(self.entry.clock or self.entry.time)

    @property
    def given_up(self) -> datetime:
        """When its call had surely ended, by the same clock."""
        return moment(self.lost) if self.lost else self.began + _DYING

    def is_old(self, now: datetime) -> bool:
        """Whether it was a day ago."""
        return now - self.began > DAY


def moment(text: str) -> datetime:
    """Read a time of the journal; one without a zone is in UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def pasts(entries: Iterable[Entry]) -> tuple[Past, ...]:
    """Put together what the journal says of each start, oldest first."""
    found: dict[str, Past] = {}
    for entry in entries:
        past = found.get(entry.attempt) or Past(entry, entry.event)
        match entry.event:
            case Event.HEARD:
                past = replace(past, is_heard=True)
            case Event.ENDED:
                past = replace(past, end=entry)
            case Event.LOST:
                past = replace(past, standing=Event.LOST, lost=entry.clock)
            case _:
                past = replace(
                    past,
                    standing=entry.event,
                    operation=entry.operation or past.operation,
                    is_heard=past.is_heard or entry.is_heard,
                )
        found[entry.attempt] = past
    return tuple(found.values())


def target(entry: Entry) -> str:
    """Name what a start changes, however it was written.

    Of a storage class that is the store itself: whichever is set last holds.
    """
    if entry.verb == "setBlobStorageSettings":
        return ""
    if entry.verb == "export" and entry.place.startswith("gs://"):
        return f"{entry.place.rstrip('/')}/"
    return entry.place


def kinship(past: Entry, new: Entry) -> Kin | None:
    """Tell what an earlier start has to do with a new one; None for nothing."""
    mine, theirs = (new.store, new.verb, target(new)), (past.store, past.verb, target(past))
    if mine != theirs:
        return None
    if not past.asked_sha256:
        return Kin.UNKNOWN
    if past.asked_sha256 != new.asked_sha256:
        is_beside = new.verb == "export" and new.place.startswith("gs://")
        return Kin.BESIDE if is_beside else Kin.OTHER_WAY
    same = _is_same_set(past, new)
    if same is None:
        return Kin.UNKNOWN
    return Kin.SAME if same else Kin.OTHER_SET


def _is_same_set(past: Entry, new: Entry) -> bool | None:
    """Tell whether two filters name the same; None where that cannot be told."""
    if past.filter_uri is None or new.filter_uri is None:
        return past.filter_uri is new.filter_uri
    if past.filter_digest and new.filter_digest:
        made = past.filter_digest.partition(":")[0] == new.filter_digest.partition(":")[0]
        if made:
            return past.filter_digest == new.filter_digest
    if None not in {past.filter_lines, new.filter_lines} and past.filter_lines != new.filter_lines:
        return False
    return True if past.filter_crc32c and past.filter_crc32c == new.filter_crc32c else None
