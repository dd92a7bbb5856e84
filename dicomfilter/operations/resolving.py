"""What became of a start whose answer was lost.

Operations do not say which store or destination they work on. So one that is new may be another
user's, one that is not listed may be listed late, and what a destination holds has the last word.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from dicomfilter.errors import DicomFilterError, RemotePermissionError, StartUnclearError
from dicomfilter.operations.journal import Entry, Event, Journal
from dicomfilter.stores.requests import (
    Deidentify,
    ExportToBigQuery,
    ExportToGcs,
    ImportFromGcs,
    SetStorageClass,
    WriteDisposition,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.operations.earlier import Past
    from dicomfilter.stores.protocol import Call, DicomStore, Listing
    from dicomfilter.stores.requests import Request
    from dicomfilter.stores.state import State

SETTLE_S = (1.0, 4.0)
"""Seconds before each look for an operation whose answer was lost."""
WINDOW = timedelta(seconds=120)
"""How long after it was given up a call may still turn up in a listing: an assumption."""
SKEW = timedelta(seconds=10)
"""How far two clocks of the service may be apart; its dates are in whole seconds."""
_LOOKS = 3
"""So many complete listings, the last after the window, must show nothing."""
_LONGEST_S = 30.0
_GIVE_UP_S = 1800.0
"""The longest wait, should the service's clock stand still."""


class Seen(StrEnum):
    """What a destination shows since a start."""

    UNCHANGED = "unchanged"
    """Nothing of it was written."""
    PARTLY = "partly"
    """Something was written, not all."""
    EVERY_LINE = "every line"
    """Something of each line of the filter; whether all is not known."""
    ALL = "all"
    """All that the filter names."""
    HIDDEN = "hidden"
    """It may not be looked at."""
    NOWHERE = "nowhere"
    """What such a start changes is not to be seen from outside."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A look at a destination.

    Args:
        seen: What it shows.
        told: The same as a clause, naming it.
        newer: How many instances or rows it holds since the start.
    """

    seen: Seen
    told: str
    newer: int = 0


def unseen(entry: Entry) -> Sight:
    """Look nowhere."""
    return Sight(Seen.HIDDEN, f"{entry.place} was not looked at")


def _untold(_text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a start that is unclear is dealt with.

    Args:
        patience_s: The longest wait for its operation; None for as long as it takes to be sure.
        follows: Whether its end is waited for: only then can its destination show whose it is.
        retries: Whether to start once more, where that does no lasting harm and there is none.
        line: The command that starts it in spite of an earlier start; None outside a shell.
        lock_s: The longest wait for another process that starts the same.
        told: Is told what is waited for.
    """

    patience_s: float | None = 0.0
    follows: bool = True
    retries: bool = False
    line: str | None = None
    lock_s: float = 900.0
    told: Callable[[str], None] = field(default=_untold, repr=False)

    @property
    def again(self) -> str:
        """What to do where nothing was started."""
        how = f"run `{self.line}`" if self.line else "start it once more with --start-again"
        return f"{how} if there is none that you started"


@dataclass(frozen=True, slots=True)
class Resolver:
    """Finds out what became of a start.

    Args:
        store: The store.
        journal: Remembers what was started.
        sight: Looks at what a start has changed.
        manner: How long to wait, and what may be done.
        settle_s: Seconds before each of the first looks.
        sleep: Waits for so many seconds.
    """

    store: DicomStore
    journal: Journal
    sight: Callable[[Entry], Sight] = field(default=unseen, repr=False)
    manner: Manner = field(default_factory=Manner)
    settle_s: tuple[float, ...] = SETTLE_S
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @property
    def hint(self) -> str:
        """How to look by oneself."""
        look = f"look with `dicomfilter operations list --store {self.store.name}`"
        return f"{look}; {self.manner.again}"

    def resolve(
        self, past: Past, call: Call, told: str, before: Listing | None = None
    ) -> State | None:
        """Find the operation of a start.

        Args:
            past: The start.
            call: What it called.
            told: What happened to it, as the beginning of a sentence.
            before: A listing that was made just now; None to wait before each look.

        Returns:
            The one operation that can be it, which may be another's all the same. None where
            there is none and it may be started once more.

        Raises:
            StartUnclearError: It cannot be told.
        """
        settle, slept, looks, listing = [*self.settle_s], 0.0, 0, before
        if listing is not None:
            settle = []
        while True:
            if listing is None:
                wait_s = settle.pop(0)
                self.sleep(wait_s)
                slept += wait_s
                listing = self._listed(told)
            looks += 1
            if not settle:
                found = self.candidates(past, call, listing)
                left_s = _left_s(past, listing)
                is_over = left_s is not None and left_s <= 0
                if found and self._are_ruled_out(past, found):
                    found = ()
                if found:
                    return self._chosen(past, found, told)
                if is_over and looks >= _LOOKS:
                    self._judge_absent(past, call, told)
                    return None
                settle = [self._next(slept, left_s, told)]
            listing = None

    def candidates(self, past: Past, call: Call, listing: Listing) -> tuple[State, ...]:
        """List what a start can have brought about."""
        others = {entry.operation for entry in self.journal.submitted()} - {past.operation}
        return tuple(
            state
            for state in listing.states
            if state.name == past.operation
            or (
                state.name.rpartition("/")[2] not in past.entry.known
                and state.name not in others
                and is_of(state, call)
                and _is_in_time(state, past)
            )
        )

    def settled(self, past: Past, call: Call, listing: Listing | None) -> str | None:
        """Settle a start of a day ago, where a look at its destination allows it.

        Returns:
            What is to be said of it; None where it is still in the way.
        """
        now = listing.date if listing and listing.date else datetime.now(UTC)
        if not past.is_old(now):
            return None
        sight = self.sight(past.entry)
        running = listing is None or any(
            not state.done for state in self.candidates(past, call, listing)
        )
        when = f"a start of {past.entry.time} whose answer was lost"
        if sight.seen is Seen.ALL:
            self.journal.add(past.entry.then(Event.SHOWN, past.operation, is_heard=True))
            return f"{when} did its work: {sight.told}"
        if sight.seen is Seen.UNCHANGED and (listing is None or not running):
            self.journal.add(past.entry.then(Event.ABSENT))
            return f"{when} came to nothing: {sight.told}"
        if _is_blocked(call.request):
            return None
        self.journal.add(past.entry.then(Event.GIVEN_UP))
        return f"what became of {when} is not known ({sight.told}); a day has passed since"

    def _listed(self, told: str) -> Listing:
        try:
            return self.store.operations()
        except RemotePermissionError as refused:
            raise StartUnclearError(
                f"{told}: {refused.message}", hint=f"{refused.hint}; or {self.manner.again}"
            ) from refused
        except DicomFilterError as failed:
            raise StartUnclearError(
                f"{told}; and operations could not be listed: {failed.message}", hint=self.hint
            ) from failed

    def _are_ruled_out(self, past: Past, found: tuple[State, ...]) -> bool:
        """Tell whether operations have ended without a trace at the destination."""
        if past.entry.verb != "export" or not all(state.done for state in found):
            return False
        return self.sight(past.entry).seen is Seen.UNCHANGED

    def _chosen(self, past: Past, found: tuple[State, ...], told: str) -> State:
        if len(found) > 1:
            names = ", ".join(state.name.rpartition("/")[2] for state in found)
            raise StartUnclearError(
                f"{told}; {len(found)} operations are new and could be it: {names}", hint=self.hint
            )
        (state,) = found
        if past.operation != state.name:
            self.journal.add(past.entry.then(Event.ADOPTED, state.name))
        if past.entry.verb != "export" or not self.manner.follows:
            raise StartUnclearError(
                f"{told}; {state.name} is the one operation that it can have started, but whose it "
                "is cannot be told",
                hint=f"look at it with `dicomfilter operations describe {state.name}`; "
                f"{self.manner.again}",
            )
        return state

    def _judge_absent(self, past: Past, call: Call, told: str) -> None:
        """Judge what is not listed after its time.

        Raises:
            StartUnclearError: It may yet be there, or nobody may start it once more unasked.
        """
        sight = self.sight(past.entry)
        if sight.seen in {Seen.PARTLY, Seen.EVERY_LINE, Seen.ALL}:
            raise StartUnclearError(
                f"{told}; no new operation is to be seen, but {sight.told}",
                hint="run it again in some minutes: it is not started twice",
            )
        is_seen = sight.seen is Seen.UNCHANGED or (
            sight.seen is Seen.NOWHERE and not _is_blocked(call.request)
        )
        harmless = isinstance(call.request, ExportToGcs | ImportFromGcs | SetStorageClass)
        if self.manner.retries and harmless and is_seen and not past.entry.is_retry:
            return
        raise StartUnclearError(
            f"{told}; no new operation is to be seen in time, and {sight.told}, so that it most "
            "likely never arrived",
            hint=self.hint,
        )

    def _next(self, slept: float, left_s: float | None, told: str) -> float:
        """Tell how long to wait before the next look.

        Raises:
            StartUnclearError: It is not to be waited for any longer.
        """
        patience_s = self.manner.patience_s
        left = _GIVE_UP_S - slept if patience_s is None else patience_s - slept
        if left_s is None or left <= 0 or not self.manner.follows:
            raise StartUnclearError(
                f"{told}; no new operation is to be seen, but one may still turn up",
                hint=f"run it again in some minutes: it is not started twice; or {self.hint}",
            )
        wait_s = min(_LONGEST_S, max(5.0, slept), max(1.0, left_s + 1), left)
        self.manner.told(
            f"{told}; looking for its operation, for at most {max(0.0, left_s) + 1:,.0f} s more"
        )
        return wait_s


def is_of(state: State, call: Call) -> bool:
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


def _is_in_time(state: State, past: Past) -> bool:
    created = state.created_at
    if past.entry.clock is None or created is None:
        return True
    return past.began - SKEW <= created <= past.given_up + WINDOW + SKEW


def _left_s(past: Past, listing: Listing) -> float | None:
    """Tell for how long an operation may still turn up, by the service's clock."""
    if past.entry.clock is None or listing.date is None:
        return None
    return (past.given_up + WINDOW + SKEW - listing.date).total_seconds()


def _is_blocked(request: Request) -> bool:
    """Tell whether doing something twice would do lasting harm."""
    if isinstance(request, ExportToBigQuery):
        return request.write_disposition is not WriteDisposition.WRITE_EMPTY
    return isinstance(request, Deidentify)
