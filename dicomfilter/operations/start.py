"""Starting an operation once, whatever happens on the way to the service.

A start call has no name of its own that would let the service recognise it when it comes twice.
So operations are listed before it and the intent is journaled; a call whose answer is lost is not
repeated, but looked for among what is new. From the look to the note no other process of this user
starts the same.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.errors import (
    AlreadyRunningError,
    DestinationError,
    DicomFilterError,
    RemoteError,
    RemoteNotFoundError,
    RemotePermissionError,
    StartUnclearError,
)
from dicomfilter.filters.used import FilterUsed
from dicomfilter.operations.earlier import Kin, Past, kinship, pasts, target
from dicomfilter.operations.intents import knowing, made, set_of, takes_up
from dicomfilter.operations.journal import Entry, Event, Journal, new_attempt, now
from dicomfilter.operations.resolving import SETTLE_S, Manner, Resolver, Sight, unseen
from dicomfilter.storage.protocol import is_cloud
from dicomfilter.stores.protocol import Unanswered

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.stores.protocol import Call, DicomStore, Listing
    from dicomfilter.stores.state import State, Watch

__all__ = ["FilterUsed", "Started", "Starter"]

_SETTLED = frozenset({Event.ABSENT, Event.GIVEN_UP})


@dataclass(frozen=True, slots=True)
class Started:
    """An operation that is there.

    Args:
        state: As it was first seen.
        notes: What a person should know of how it came about.
        is_certain: Whether the service itself named it. One that was found may yet be another's,
            however unlikely: what an operation works on is not to be seen in it.
        is_new: Whether it was started just now.
    """

    state: State
    notes: tuple[str, ...] = ()
    is_certain: bool = True
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts operations of one store.

    Args:
        store: The store.
        journal: Remembers what was started.
        settle_s: Seconds to wait before each look for an operation whose answer was lost; a new
            one may not be listed at once.
        sleep: Waits for so many seconds.
        clock: Tells seconds that only grow.
        sight: Looks at what a start has changed.
        manner: How a start that is unclear is dealt with.
    """

    store: DicomStore
    journal: Journal
    settle_s: tuple[float, ...] = SETTLE_S
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    sight: Callable[[Entry], Sight] = field(default=unseen, repr=False)
    manner: Manner = field(default_factory=Manner)

    def start(
        self,
        call: Call,
        used: FilterUsed | None = None,
        *,
        again: bool = False,
        is_heard: bool = True,
        asked: str | None = None,
        purpose: str | None = None,
    ) -> Started:
        """Start an operation, or find the one that an earlier run has started.

        Args:
            call: What to start.
            used: Its filter; None for the whole store.
            again: Start it even though an earlier start may have succeeded.
            is_heard: Whether its name reaches whoever asked once this returns.
            asked: When that was, ISO 8601 in UTC; None for now.
            purpose: Why, in a person's words.

        Raises:
            StartUnclearError: Whether it was started is not known.
            AlreadyRunningError: The same runs, and twice would be once too often.
            DicomFilterError: It was not started.
        """
        intent = made(call, used, is_heard=is_heard, purpose=purpose)
        asked = asked or intent.time
        key = json.dumps([intent.store, intent.verb, target(intent)])
        with self.journal.alone(key, wait_s=self.manner.lock_s, told=self.manner.told):
            before, notes = self._before()
            for past in pasts(self.journal.entries()):
                kin = kinship(past.entry, intent)
                if kin is None or past.standing in _SETTLED:
                    continue
                if again:
                    if past.is_unclear:
                        self.journal.add(past.entry.then(Event.GIVEN_UP))
                    continue
                if past.is_unclear:
                    found = self._unclear(call, past, kin, before)
                else:
                    found = self._started(call, past, kin, before, asked)
                if isinstance(found, Started):
                    return found
                if isinstance(found, Past):
                    return self._once_more(call, intent, notes)
                notes += found
            return self._send(call, knowing(intent, before), before, notes)

    @property
    def _resolver(self) -> Resolver:
        return Resolver(
            self.store, self.journal, self.sight, self.manner, self.settle_s, self.sleep
        )

    def _before(self) -> tuple[Listing | None, tuple[str, ...]]:
        try:
            return self.store.operations(), ()
        except RemotePermissionError as refused:
            note = (
                f"{refused.message}; without it an operation cannot be found again if the answer "
                "to its start call is lost"
            )
            return None, (note,)

    def _send(
        self, call: Call, intent: Entry, before: Listing | None, notes: tuple[str, ...]
    ) -> Started:
        asked_at = self.clock()
        self.journal.add(intent)
        try:
            answer = self.store.start(call)
        except DicomFilterError as refused:
            if isinstance(refused, RemoteError) and refused.is_busy:
                self._look_once(call, intent, refused, before)
            self.journal.add(intent.then(Event.ABSENT))
            raise
        if not isinstance(answer, Unanswered):
            return Started(self._noted(intent, answer), notes)
        waited = timedelta(seconds=self.clock() - asked_at)
        clock = None
        if intent.clock is not None:
            clock = (datetime.fromisoformat(intent.clock) + waited).isoformat()
        self.journal.add(intent.then(Event.LOST, clock=clock))
        told = f"the answer to the start call was lost ({answer.reason})"
        if before is None:
            raise StartUnclearError(
                f"{told}, and operations may not be listed here, so whether it was started is not "
                "known",
                hint=f"have someone who may list the operations of {self.store.name.parent} look; "
                f"{self.manner.again}",
            )
        past = Past(intent, Event.LOST, lost=clock)
        state = self._resolver.resolve(past, call, told)
        if state is not None:
            note = f"{told}; {state.name} is the one operation that it can have started"
            return Started(state, (*notes, note), is_certain=False)
        self.journal.add(intent.then(Event.ABSENT))
        return self._once_more(call, intent, (*notes, told))

    def _once_more(self, call: Call, intent: Entry, notes: tuple[str, ...]) -> Started:
        """Start what was lost and came to nothing once more, and never again by itself."""
        before = self.store.operations()
        retry = replace(intent, attempt=new_attempt(), is_retry=True)
        note = "no operation came of a start whose answer was lost; it is started once more"
        return self._send(call, knowing(retry, before), before, (*notes, note))

    def _noted(self, intent: Entry, state: State) -> State:
        """Note an operation, and name it where that is not possible."""
        try:
            self.journal.add(intent.then(Event.SUBMITTED, state.name))
        except DestinationError as error:
            raise DestinationError(
                f"{state.name} was started, but {error.message}",
                hint=f"wait for it with `dicomfilter operations wait {state.name}`",
            ) from error
        return state

    def _look_once(
        self, call: Call, intent: Entry, refused: RemoteError, before: Listing | None
    ) -> None:
        """Look once whether a refusal was none, before anything can be sent again.

        Raises:
            StartUnclearError: There is an operation that it can have started.
        """
        found: tuple[State, ...] = ()
        if before is not None:
            with suppress(DicomFilterError):
                past = Past(intent, Event.LOST, lost=intent.clock)
                found = self._resolver.candidates(past, call, self.store.operations())
        if not found:
            return
        self.journal.add(intent.then(Event.LOST, clock=intent.clock))
        names = ", ".join(state.name.rpartition("/")[2] for state in found)
        raise StartUnclearError(
            f"{refused.message}; but what is new can have been started by it: {names}",
            hint=self._resolver.hint,
        ) from refused

    def _unclear(
        self, call: Call, past: Past, kin: Kin, before: Listing | None
    ) -> Started | Past | tuple[str, ...]:
        """Deal with an earlier start of which nothing certain is known.

        Returns:
            Its operation; itself, where it came to nothing and may be started once more; or what
            is to be said of it, where it is not in the way.
        """
        when = past.entry.time
        if kin is Kin.BESIDE:
            return (f"an earlier start to {past.entry.place} ({when}) is unclear",)
        told = f"an earlier run was cut off while it started the same ({when})"
        is_old = past.is_old(before.date if before and before.date else datetime.now(UTC))
        if kin is Kin.SAME and before is None:
            return self._unlisted(call, past, told)
        if kin is Kin.SAME and before is not None:
            found = self._resolver.candidates(past, call, before)
            if not is_old or any(not state.done for state in found):
                state = self._resolver.resolve(past, call, told, before)
                if state is None:
                    self.journal.add(past.entry.then(Event.ABSENT))
                    return past
                note = f"{told}; {state.name} is the one operation that it can have started"
                return Started(state, (note,), is_certain=False, is_new=False)
        if (said := self._resolver.settled(past, call, before)) is not None:
            return (said,)
        raise StartUnclearError(
            f"an earlier start to {past.entry.place}, of {when} with {set_of(past.entry)} "
            f"({kin.value}), is unclear; this one, of {now()}, was not sent",
            hint=self._resolver.hint,
        )

    def _unlisted(self, call: Call, past: Past, told: str) -> Started | tuple[str, ...]:
        """Deal with an earlier start of the same where operations may not be listed."""
        if past.operation is not None:
            state = self.store.get(past.operation)
            note = f"{told}; {state.name} is the one operation that it can have started"
            if call.request.verb == "export" and self.manner.follows:
                return Started(state, (note,), is_certain=False, is_new=False)
        if (said := self._resolver.settled(past, call, None)) is not None:
            return (said,)
        raise StartUnclearError(
            f"{told}; {self.sight(past.entry).told}, and healthcare.operations.list is needed to "
            "look for its operation",
            hint=f"have someone who may list the operations of {self.store.name.parent} look; "
            f"{self.manner.again}",
        )

    def _started(
        self, call: Call, past: Past, kin: Kin, before: Listing | None, asked: str
    ) -> Started | tuple[str, ...]:
        """Deal with an earlier start that has its operation.

        What another process started while this one waited for it is what this one asked for too.
        """
        at = before.date if before and before.date else datetime.now(UTC)
        name, is_old = past.operation, past.is_old(at)
        is_over = is_old or (past.is_heard and past.entry.time < asked)
        if name is None or (past.is_ended and is_over):
            return ()
        state, unknown = self._state(name, past, before, is_old=is_old)
        since = f"since {state.created or past.entry.time}" if state else f"since {past.entry.time}"
        if state is not None and state.done:
            if kin is not Kin.SAME or is_over:
                return ()
            told = f"{name} was started ({past.entry.time}) and has ended, and no run has told so"
        elif state is not None:
            told = f"{name} runs {since}"
        elif unknown and not is_old:
            told = f"{name} was started ({past.entry.time}), and whether it still runs: {unknown}"
        else:
            return ()
        if kin in {Kin.OTHER_SET, Kin.OTHER_WAY, Kin.BESIDE}:
            return (f"{told}, to the same destination with {set_of(past.entry)}",)
        if kin is Kin.SAME and state is not None and takes_up(call):
            return Started(state, (f"{told}: it is the same, and is taken up",), is_new=False)
        is_same = "it is the same" if kin is Kin.SAME else "its filter cannot be compared"
        raise AlreadyRunningError(
            f"{told}: {is_same}, and nothing was started",
            hint=f"wait for it with `dicomfilter operations wait {name}`; or "
            f"{self.manner.again.removesuffix(' if there is none that you started')}",
        )

    def _state(
        self, name: str, past: Past, before: Listing | None, *, is_old: bool
    ) -> tuple[State | None, str]:
        """Look at an operation that is known by name; and say why nothing is known."""
        if before is not None:
            listed = [state for state in before.states if state.name == name]
            if listed or is_old:
                return (listed[0] if listed else None), ""
        try:
            state = self.store.get(name)
        except RemoteNotFoundError:
            self.journal.add(past.entry.then(Event.ENDED, name))
            return None, ""
        except RemoteError as failed:
            return None, failed.message
        if state.done and not past.is_ended:
            self.journal.add(past.entry.then(Event.ENDED, name))
        return state, ""


def start_here(
    store: DicomStore,
    journal: Journal,
    call: Call,
    used: FilterUsed | None = None,
    *,
    watch: Watch | None = None,
    purpose: str | None = None,
) -> Started:
    """Do what is asked in this process, to its end; no answer can be lost on the way.

    Args:
        store: Does it.
        journal: Remembers the operation, from before it begins.
        call: What to do.
        used: Its filter; None for the whole store.
        watch: Is told how it stands.
        purpose: Why, in a person's words.

    Raises:
        DicomFilterError: Nothing was begun.
    """
    entry = made(call, used, is_heard=True, purpose=purpose)
    if entry.filter_uri is not None and not is_cloud(entry.filter_uri):
        entry = replace(entry, filter_uri=str(Path(entry.filter_uri).absolute()))
    if call.request.verb in {"export", "import"} and not is_cloud(entry.place):
        entry = replace(entry, place=str(Path(entry.place).absolute()))
    journal.add(entry.then(Event.SUBMITTED, call.operation))
    state = store.start(call, watch)
    assert not isinstance(state, Unanswered)  # noqa: S101 - for the types alone
    return Started(state)
