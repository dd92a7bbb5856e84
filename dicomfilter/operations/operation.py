"""Long-running operations that were started, and waiting for their end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from dicomfilter.counts import counted
from dicomfilter.errors import (
    DicomFilterError,
    FindingsError,
    OperationFailedError,
    RemoteError,
    StartUnclearError,
    StillRunningError,
    TripwireError,
)
from dicomfilter.faces import Face
from dicomfilter.operations.polling import Pace
from dicomfilter.operations.progress import bar
from dicomfilter.stores.state import CANCELLED, Counters, Missed, State, Status, Watch

if TYPE_CHECKING:
    from collections.abc import Callable


class Service(Protocol):
    """What runs operations."""

    def poll(self, name: str) -> State | Missed:
        """Look at an operation once.

        Raises:
            DicomFilterError: Looking again would not help: it is not allowed, or there is no
                such operation.
        """

    def cancel(self, name: str) -> None:
        """Ask to cancel an operation; it may end otherwise.

        Raises:
            RemoteError: That was refused.
        """


@dataclass(frozen=True, slots=True)
class Tripwire:
    """How many instances an operation may take before it is cancelled.

    Args:
        covered: Instances that its filter covers, as of the metadata.
    """

    covered: int

    @property
    def limit(self) -> int:
        """The most it may take: stores grow, so 1 % and 100 more than its filter covers.

        >>> Tripwire(1000).limit
        1110
        """
        return self.covered + self.covered // 100 + 100

    def is_tripped(self, counters: Counters) -> bool:
        """Tell whether an operation took, or is about to take, more."""
        return counters.total > self.limit


def _unwatched(_look: State | Missed, /) -> None:
    """Take no note."""


def _nothing(_status: Status, /) -> None:
    """Say no more than the service says."""


def _unnoted(_state: State) -> None:
    pass


def _nothing_found() -> tuple[str, ...]:
    return ()


def _nothing_shown(_state: State, /) -> str | None:
    return "whose it is cannot be told"


@dataclass(frozen=True, slots=True)
class Expected:
    """What an operation by filter should count.

    Args:
        covered: Instances that the filter covers, as of the metadata; None where unknown.
        lines: Its lines, each of which names at least one instance; None where unknown.
        in_frames: Whether each frame of an image may be counted, and how many frames there are
            is not known.
    """

    covered: int | None = None
    lines: int | None = None
    in_frames: bool = False

    def finding(self, state: State) -> str | None:
        """Compare the counters of an operation that has ended.

        Counters that say nothing are not taken for zeros, and pictures not for instances.

        Returns:
            What is wrong, or cannot be told; None where all was counted.
        """
        least = self.lines if self.covered is None else self.covered
        if not least:
            return None
        counters, more = state.counters, " or more" if self.covered is None else ""
        named = f"{least:,}{more} instances that its filter names"
        done = counters.success + counters.failure
        if not counters.is_said:
            return f"{state.name} counts nothing: cannot tell whether it took the {named}"
        if done < least:
            return (
                f"{state.name} is done, and counts {done:,} of the {named}: the others were "
                "deleted since, or not exported"
            )
        if self.in_frames:
            return (
                f"{state.name} is done, and counts {done:,} pictures: cannot tell whether they are "
                f"all of the {named}, since the number of their frames is not known"
            )
        return None


@dataclass(frozen=True, slots=True, repr=False)
class Outcome(Face):
    """How an operation ended, where it did not fail.

    Args:
        state: What the service said last.
        findings: What to look at; nothing where all went well.
    """

    state: State
    findings: tuple[str, ...] = ()

    def facts(self) -> list[tuple[str, str]]:
        """List how it ended, and what is to be looked at."""
        return [*self.state.facts(), *(("finding", text) for text in self.findings)]

    def check(self) -> None:
        """Insist that all went well.

        Raises:
            FindingsError: It did not.
        """
        if self.findings:
            logs = self.state.logs_url
            raise FindingsError(
                "; ".join(self.findings),
                hint=f"see {logs}" if logs else "see the store's errors in Cloud Logging",
            )


@dataclass(frozen=True, slots=True, repr=False)
class Operation(Face):
    """An operation that was started.

    Args:
        name: Its full name.
        service: What runs it.
        tripwire: How many instances it may take; None for any number.
        is_certain: Whether the service named it as ours; where it does not, nothing but a person's
            word cancels it, and its end counts only once it is shown to be ours.
        expected: What it should count; None for no number.
        proof: Shows that an uncertain one that has ended was ours; what is wrong where it does not.
        afterwards: Looks for what else is to be found once it is done.
        refusal: Explains a failure, where more can be said than the service says.
        noted: Is told how it ended, once it is known to be ours.
    """

    name: str
    service: Service = field(repr=False)
    tripwire: Tripwire | None = None
    is_certain: bool = True
    expected: Expected | None = None
    proof: Callable[[State], str | None] = field(default=_nothing_shown, repr=False)
    afterwards: Callable[[], tuple[str, ...]] = field(default=_nothing_found, repr=False)
    refusal: Callable[[Status], DicomFilterError | None] = field(default=_nothing, repr=False)
    noted: Callable[[State], None] = field(default=_unnoted, repr=False)

    def facts(self) -> list[tuple[str, str]]:
        """List what is known of it here; how it stands, only the service knows."""
        covered = self.expected.covered if self.expected else None
        return [
            ("operation", self.name),
            *([("covers", counted(covered, "instance"))] if covered is not None else []),
            *([] if self.is_certain else [("certain", "no: it may be somebody else's")]),
            ("see", ".wait(), .cancel(), .resume"),
        ]

    @property
    def resume(self) -> str:
        """The command that waits for it, in this shell or another."""
        return f"dicomfilter operations wait {self.name}"

    def cancel(self) -> None:
        """Ask to cancel it; what it has written stays.

        Raises:
            RemoteError: That was refused.
        """
        self.service.cancel(self.name)

    def wait(
        self,
        *,
        timeout_s: float | None = None,
        watch: Watch | None = None,
        pace: Pace | None = None,
        cancel_on_interrupt: bool = False,
        allow_findings: bool = False,
    ) -> Outcome:
        """Wait for its end; a look that fails is not a failed operation.

        Args:
            timeout_s: How long, in seconds; None for as long as it takes.
            watch: Is told of each look; None for a bar on a terminal or in a notebook.
            pace: How often to look.
            cancel_on_interrupt: Cancel it on Ctrl-C, instead of leaving it running.
            allow_findings: Return an outcome with findings instead of raising.

        Returns:
            How it ended.

        Raises:
            StartUnclearError: It has ended, and whose it is cannot be told.
            OperationFailedError: It failed, or was cancelled.
            TripwireError: It took more than its filter covers, and was cancelled.
            FindingsError: It ended, and not all of it went well.
            StillRunningError: It was not done in time; it goes on.
        """
        pace = pace or Pace.from_environment()
        watch = watch or bar() or _unwatched
        try:
            state = self._last(timeout_s, watch, pace)
        except KeyboardInterrupt:
            if cancel_on_interrupt:
                self.cancel()
            raise
        if not self.is_certain and (wrong := self.proof(state)) is not None:
            raise StartUnclearError(
                f"{self.name} has ended, and {wrong}: it may be somebody else's",
                hint=f"look at it with `dicomfilter operations describe {self.name}`; start it "
                "once more with --start-again if it is not yours",
            )
        self.noted(state)
        if state.error is not None:
            raise self._failed(state, state.error)
        counted = self.expected.finding(state) if self.expected and self.is_certain else None
        found = (*_failures(state), *([counted] if counted else []), *self.afterwards())
        outcome = Outcome(state, found)
        if not allow_findings:
            outcome.check()
        return outcome

    def _last(self, timeout_s: float | None, watch: Watch, pace: Pace) -> State:
        start = heard = pace.clock()
        for wait_s in pace.waits():
            look = self.service.poll(self.name)
            watch(look)
            now = pace.clock()
            if isinstance(look, State):
                heard = now
                self._guard(look)
                if look.done:
                    return look
            elif now - heard > pace.patience_s:
                raise StillRunningError(
                    f"{self.name} could not be looked at for {pace.patience_s:,.0f} s: "
                    f"{look.reason}",
                    hint=f"it goes on; wait for it with `{self.resume}`",
                )
            left = None if timeout_s is None else timeout_s - (now - start)
            if left is not None and left <= 0:
                raise StillRunningError(
                    f"{self.name} is still running after {timeout_s:,.0f} s",
                    hint=f"it goes on; wait for it with `{self.resume}`",
                )
            pace.sleep(wait_s if left is None else min(wait_s, left))
        raise AssertionError  # a pace never ends

    def _guard(self, state: State) -> None:
        """Stop an operation that takes more than its filter covers.

        Raises:
            TripwireError: It does.
            StartUnclearError: It does, and may be somebody else's.
        """
        if self.tripwire is None or not self.tripwire.is_tripped(state.counters):
            return
        took = (
            f"{self.name} takes {state.counters.total:,} instances, but its filter covers "
            f"{self.tripwire.covered:,}"
        )
        hint = "check the filter and what is at the destination before you start it again"
        if state.done and self.is_certain:
            raise TripwireError(f"{took}; it has already ended", hint=hint)
        if not self.is_certain:
            raise StartUnclearError(
                f"{took}; it was not cancelled, since it may be somebody else's",
                hint=f"look at it, and cancel it with `dicomfilter operations cancel {self.name}`",
            )
        try:
            self.cancel()
        except RemoteError as refused:
            raise TripwireError(
                f"{took}; it could not be cancelled: {refused.message}",
                hint=refused.hint or f"cancel it with `dicomfilter operations cancel {self.name}`",
            ) from refused
        raise TripwireError(f"{took}; it was asked to cancel", hint=hint)

    def _failed(self, state: State, status: Status) -> OperationFailedError:
        partly = state.counters.success
        written = f" ({partly:,} done before stay as they are)" if partly else ""
        details = f" {list(status.details)}" if status.details else ""
        if status.code == CANCELLED:
            message = f"{self.name} was cancelled{written}"
        else:
            message = f"{self.name} failed: {status.name}: {status.message}{details}{written}"
        why = self.refusal(status)
        logs = f"see {state.logs_url}" if state.logs_url else None
        if why is None:
            return OperationFailedError(message, hint=logs)
        return OperationFailedError(f"{message}: {why.message}", hint=why.hint or logs)


def _failures(state: State) -> tuple[str, ...]:
    failed, done = state.counters.failure, state.counters.success
    if not failed:
        return ()
    return (f"{state.name} is done, and {failed:,} of {failed + done:,} failed",)
