"""What is known of the export that should have filled a destination."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dicomfilter.errors import DicomFilterError, UsageError
from dicomfilter.notebook.store import open_operations
from dicomfilter.operations.earlier import moment
from dicomfilter.operations.journal import Event, Journal
from dicomfilter.operations.resolving import SKEW
from dicomfilter.storage.protocol import is_cloud
from dicomfilter.stores.folder.names import folder_of_operation

if TYPE_CHECKING:
    from dicomfilter.operations.journal import Entry
    from dicomfilter.stores.state import Counters, State

_UNSURE = timedelta(hours=1)
"""How far a clock of this machine may be from the service's."""
_ITS_OWN = timedelta(milliseconds=100)
"""How far two clocks of one side may be apart."""
_NAMING = frozenset({Event.SUBMITTED, Event.ADOPTED, Event.SHOWN, Event.HEARD, Event.ENDED})


@dataclass(frozen=True, slots=True)
class Started:
    """An export, as far as it is known here.

    Args:
        operation: Its name; None where only its start is known.
        since: What it wrote is not older; None where nothing is known.
        overwrites: Whether it writes what is there anew, so that what is older is not its own.
        counters: What it counted; None where that cannot be asked.
        store: The store; None where unknown.
        mime_type: The format that was asked for; None for images as stored, and where unknown.
        notes: What a person should know of how it was found.
    """

    operation: str | None = None
    since: datetime | None = None
    overwrites: bool = False
    counters: Counters | None = None
    store: str | None = None
    mime_type: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def moment(self) -> str | None:
        """The same as ``since``, ISO 8601 in UTC."""
        return None if self.since is None else self.since.isoformat()


def started_by(operation: str, place: str) -> Started:
    """Look an operation up that was named.

    Args:
        operation: Its full name.
        place: The destination.

    Raises:
        UsageError: It has no such name, or wrote elsewhere.
        RemoteError: It cannot be looked at.
    """
    entry = Journal.of_user().find(operation)
    if entry is not None and not _is_same(entry.place, place):
        raise UsageError(
            f"{operation} wrote to {entry.place}, not to {place}",
            hint="name that destination, or another operation",
        )
    state = open_operations(operation).describe(operation)
    return _of(entry, state, operation, place)


def started_from_here(crc32c: str, place: str) -> Started:
    """Find the first export from this machine of a filter to a destination.

    Of several the first counts: what a later one wrote anew is newer still.

    Args:
        crc32c: That of the filter.
        place: The destination.

    Returns:
        The export; one of which nothing is known where there is none.
    """
    found: dict[str, list[Entry]] = {}
    for entry in Journal.of_user().entries():
        if entry.verb != "export" or entry.filter_crc32c != crc32c:
            continue
        if _is_same(entry.place, place):
            found.setdefault(entry.attempt, []).append(entry)
    for entries in found.values():
        named = [one for one in entries if one.operation and one.event in _NAMING]
        if not named:
            continue
        name = str(named[-1].operation)
        first = replace(entries[0], operation=name)
        try:
            return _of(first, open_operations(name).describe(name), name, place)
        except DicomFilterError as error:
            lost = f"{name} cannot be looked at any more: {error.message}"
            return replace(_of(first, None, name, place), notes=(lost,))
    return Started()


def _of(entry: Entry | None, state: State | None, operation: str, place: str) -> Started:
    of_folder = folder_of_operation(operation) is not None
    created = state.created_at if state is not None else None
    one_clock = of_folder != is_cloud(place)
    if created is not None:
        since = created - (_ITS_OWN if one_clock else _UNSURE)
    elif entry is not None:
        known = entry.clock or entry.time
        unsure = SKEW if entry.clock else _ITS_OWN if of_folder and one_clock else _UNSURE
        since = moment(known) - unsure
    else:
        since = None
    return Started(
        operation,
        since,
        overwrites=not of_folder,
        counters=state.counters if state is not None and state.done else None,
        store=entry.store if entry is not None else None,
        mime_type=entry.mime_type if entry is not None else None,
    )


def _is_same(place: str, other: str) -> bool:
    """Tell whether two destinations are one.

    >>> _is_same("gs://b/out", "gs://b/out/"), _is_same("gs://b/out", "gs://b/other")
    (True, False)
    """
    from os.path import realpath

    if "://" in place or "://" in other:
        return place.rstrip("/") == other.rstrip("/")
    return realpath(place) == realpath(other)
