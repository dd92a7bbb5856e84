"""Starting an operation once, whatever happens on the way to the service.

A start call has no name of its own that would let the service recognise it when it comes twice.
So operations are listed before it and the intent is journaled; a call whose answer is lost is not
repeated, but looked for among what is new.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from dicomfilter.errors import DicomFilterError, RemotePermissionError, StartUnclearError
from dicomfilter.journal import Entry, Event, Journal, new_attempt, now
from dicomfilter.stores import Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.states import State
    from dicomfilter.stores import DicomStore, Listing
    from dicomfilter.stores.discovery import Call

SETTLE_S = (1.0, 4.0)
"""Seconds before each look for an operation whose answer was lost."""
_SKEW = timedelta(seconds=2)
"""The service's clocks need not agree, and its date is in whole seconds."""
_WINDOW = timedelta(seconds=120)
"""How long after it was sent a call may still be taken up."""
_AGAIN = "start it once more with --start-again if there is none that you started"


@dataclass(frozen=True, slots=True)
class FilterUsed:
    """The filter of a start, as it is remembered.

    Args:
        uri: Where it is.
        crc32c: Its CRC32C; None where unknown.
        generation: Its generation; likewise.
        covered: Instances that it covers; likewise.
    """

    uri: str
    crc32c: str | None = None
    generation: int | None = None
    covered: int | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """An operation that is there.

    Args:
        state: As it was first seen.
        notes: What a person should know of how it came about.
        is_certain: Whether the service itself named it. One that was found may yet be another's,
            however unlikely: what an operation works on is not to be seen in it.
    """

    state: State
    notes: tuple[str, ...] = ()
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts operations of one store.

    Args:
        store: The store.
        journal: Remembers what was started.
        settle_s: Seconds to wait before each look for an operation whose answer was lost; a new
            one may not be listed at once.
        sleep: Waits for so many seconds.
    """

    store: DicomStore
    journal: Journal
    settle_s: tuple[float, ...] = SETTLE_S
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    def start(self, call: Call, used: FilterUsed | None = None, *, again: bool = False) -> Started:
        """Start an operation, or find the one that an earlier run has started.

        Args:
            call: What to start.
            used: Its filter; None for the whole store.
            again: Start it even though an earlier start may have succeeded.

        Raises:
            StartUnclearError: Whether it was started is not known.
            DicomFilterError: It was not started.
        """
        intent = _intent(call, used)
        if found := self._earlier(call, intent, again=again):
            return found
        asked_at = self.clock()
        before, notes = self._before()
        if before is not None:
            date = before.date.isoformat() if before.date else None
            intent = _knowing(intent, before, date)
        self.journal.add(intent)
        try:
            answer = self.store.start(call)
        except DicomFilterError:
            self.journal.add(intent.then(Event.ABSENT))
            raise
        if not isinstance(answer, Unanswered):
            self.journal.add(intent.then(Event.SUBMITTED, answer.name))
            return Started(answer, notes)
        if before is None:
            raise StartUnclearError(
                f"the answer to the start call was lost ({answer.reason}), and operations may not "
                "be listed here, so whether it was started is not known",
                hint=f"have someone who may list the operations of {self.store.name.parent} look; "
                f"{_AGAIN}",
            )
        lost_after = timedelta(seconds=self.clock() - asked_at)
        told = f"the answer to the start call was lost: {answer.reason}"
        return self._adopted(call, intent, told, window=lost_after + _SKEW)

    def _before(self) -> tuple[Listing | None, tuple[str, ...]]:
        try:
            return self.store.operations(), ()
        except RemotePermissionError as refused:
            note = (
                f"{refused.message}; without it an operation cannot be found again if the answer "
                "to its start call is lost"
            )
            return None, (note,)

    def _earlier(self, call: Call, intent: Entry, *, again: bool) -> Started | None:
        """Look for what an earlier run may have started before it was cut off."""
        for earlier in self.journal.unanswered(intent):
            if again:
                self.journal.add(earlier.then(Event.GIVEN_UP))
                continue
            told = f"an earlier run was cut off while it started the same ({earlier.time})"
            try:
                listing = self.store.operations()
            except RemotePermissionError as refused:
                raise StartUnclearError(
                    f"{told}: {refused.message}", hint=f"{refused.hint}; or {_AGAIN}"
                ) from refused
            found = self._candidates(call, earlier, listing)
            if not found and _is_over(earlier, listing):
                self.journal.add(earlier.then(Event.ABSENT))
                continue
            return self._chosen(earlier, found, told)
        return None

    def _adopted(self, call: Call, intent: Entry, told: str, *, window: timedelta) -> Started:
        """Find the one new operation that must be ours."""
        found: tuple[State, ...] = ()
        for settle_s in self.settle_s:
            self.sleep(settle_s)
            try:
                listing = self.store.operations()
            except DicomFilterError as failed:
                raise StartUnclearError(
                    f"{told}; and operations could not be listed: {failed.message}",
                    hint=f"look with `dicomfilter operations list --store {self.store.name}`; "
                    f"{_AGAIN}",
                ) from failed
            found = self._candidates(call, intent, listing, window)
        return self._chosen(intent, found, told)

    def _chosen(self, intent: Entry, found: tuple[State, ...], told: str) -> Started:
        look = f"look with `dicomfilter operations list --store {self.store.name}`; {_AGAIN}"
        if len(found) == 1:
            self.journal.add(intent.then(Event.ADOPTED, found[0].name))
            note = f"{told}; {found[0].name} is the one operation that it can have started"
            return Started(found[0], (note,), is_certain=False)
        if not found:
            raise StartUnclearError(
                f"{told}; no new operation is to be seen, but one may still turn up", hint=look
            )
        names = ", ".join(state.name.rpartition("/")[2] for state in found)
        raise StartUnclearError(
            f"{told}; {len(found)} operations are new and could be it: {names}", hint=look
        )

    def _candidates(
        self, call: Call, intent: Entry, listing: Listing, window: timedelta = _WINDOW
    ) -> tuple[State, ...]:
        """List what an intent can have started."""
        others = {entry.operation for entry in self.journal.submitted()}
        return tuple(
            state
            for state in listing.states
            if state.name.rpartition("/")[2] not in intent.known
            and state.name not in others
            and _is_of(state, call)
            and _is_in_time(state, intent, window)
        )


def _intent(call: Call, used: FilterUsed | None) -> Entry:
    return Entry(
        event=Event.INTENT,
        attempt=new_attempt(),
        time=now(),
        store=str(call.store),
        verb=call.request.verb,
        version=str(call.version),
        place=call.request.place,
        body_sha256=sha256(json.dumps(call.body, sort_keys=True).encode()).hexdigest(),
        filter_uri=used.uri if used else None,
        filter_crc32c=used.crc32c if used else None,
        filter_generation=used.generation if used else None,
        covered=used.covered if used else None,
    )


def _knowing(intent: Entry, before: Listing, clock: str | None) -> Entry:
    """Remember which operations were there; old ones cannot be mistaken for new."""
    floor = before.date - timedelta(days=1) if before.date else None
    known = tuple(
        state.name.rpartition("/")[2]
        for state in before.states
        if floor is None or state.created_at is None or state.created_at >= floor
    )
    return replace(intent, known=known, clock=clock, time=now())


def _is_of(state: State, call: Call) -> bool:
    """Tell whether an operation is of the method and version that were called.

    What it works on is not to be seen in an operation.
    """
    *package, method = state.method.split(".")
    wanted, place = call.request.api_method, call.request.place
    if not method.startswith(wanted):
        return False
    suffix = method.removeprefix(wanted).lower()
    if (suffix == "_bq" and place.startswith("gs://")) or (
        suffix == "_gcs" and place.startswith("bq://")
    ):
        return False
    versions = {part for part in package if part.startswith("v1")}
    return not versions or str(call.version) in versions


def _is_in_time(state: State, intent: Entry, window: timedelta) -> bool:
    created = state.created_at
    if intent.clock is None or created is None:
        return True
    clock = datetime.fromisoformat(intent.clock)
    return clock - _SKEW <= created <= clock + window


def _is_over(intent: Entry, listing: Listing) -> bool:
    """Tell whether a call that was cut off can have no more effect."""
    if intent.clock is None or listing.date is None:
        return False
    return listing.date > datetime.fromisoformat(intent.clock) + _WINDOW
