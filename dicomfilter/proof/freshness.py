"""Whether a table of metadata still says what its store holds.

Three verdicts, as everywhere: yes (``fresh``, ``lagging``), no (``stale``, ``drifted``) and
``unknown``, which is neither. Age alone says nothing of a table that is streamed: its store may
have been quiet.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from dicomfilter.counts import counted
from dicomfilter.errors import GateError
from dicomfilter.faces import Face
from dicomfilter.proof.freshness_limits import Limits, span

if TYPE_CHECKING:
    from datetime import datetime

    from dicomfilter.proof.freshness_signals import Signals


class Verdict(StrEnum):
    """What is to be thought of a table."""

    FRESH = "fresh"
    """It says what the store holds, as far as can be told."""
    LAGGING = "lagging"
    """It is on its way to: what differs, or is still streaming, is that recent."""
    STALE = "stale"
    """It is too old."""
    DRIFTED = "drifted"
    """It differs from the store."""
    UNKNOWN = "unknown"
    """That cannot be told."""


@dataclass(frozen=True, slots=True, repr=False)
class Freshness(Face):
    """A table of metadata against its store, at one moment.

    Args:
        verdict: What is to be thought of it.
        reasons: Why.
        hint: What to do about it; None where there is nothing.
        signals: What was seen, each with its time and source.
        limits: What was taken for fresh.
        at: When, in UTC.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    hint: str | None
    signals: Signals
    limits: Limits
    at: datetime

    @property
    def is_fresh(self) -> bool:
        """Whether the table may be built on: it is fresh, or only lagging."""
        return self.verdict in {Verdict.FRESH, Verdict.LAGGING}

    def require(self) -> None:
        """Stop unless the table may be built on.

        Raises:
            GateError: It is stale, has drifted, or that cannot be told.
        """
        if not self.is_fresh:
            raise GateError(
                f"{self.signals.table} is {self.verdict}: {'; '.join(self.reasons)}; nothing was "
                "started",
                hint=self.hint or "look at it with `dicomfilter freshness`",
            )

    def facts(self) -> list[tuple[str, str]]:
        """List what was seen, for people: a name and a sentence each."""
        return [*self.signals.rows(self.at), ("verdict", f"{self.verdict}: {self._why()}")]

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as JSON has it."""
        return {
            "verdict": str(self.verdict),
            "fresh": self.is_fresh,
            "reasons": list(self.reasons),
            "hint": self.hint,
            "max_age_s": self.limits.max_age.total_seconds(),
            "max_drift": self.limits.max_drift,
            "at": self.at.isoformat(),
            **self.signals.to_dict(),
        }

    def _why(self) -> str:
        return "; ".join(self.reasons)


def judge(signals: Signals, limits: Limits, at: datetime) -> Freshness:
    """Come to a verdict.

    Args:
        signals: What was seen.
        limits: What is taken for fresh.
        at: The time now.

    Returns:
        The verdict, with its reasons.
    """
    verdict, reasons, hint = _judged(signals, limits, at)
    return Freshness(verdict, tuple(reasons), hint, signals, limits, at)


_Judged = tuple[Verdict, list[str], str | None]
"""A verdict, why, and what to do about it."""


def _judged(signals: Signals, limits: Limits, at: datetime) -> _Judged:
    aged = _age(signals, limits, at)
    if signals.missing:
        return Verdict.UNKNOWN, [*signals.missing], "ask for the permission that is missing"
    if signals.pending is not None:
        return _of_folder(signals)
    if signals.store is None:
        return _by_age(signals, aged)
    return _of_store(signals, limits, aged)


def _of_store(signals: Signals, limits: Limits, aged: _Aged) -> _Judged:
    """Judge by the numbers of a store."""
    differs = signals.differs(limits)
    if not differs:
        return _alike(signals, aged)
    if signals.explained:
        return Verdict.LAGGING, [differs, "what is that recent explains it"], None
    if signals.cohort is not None and not signals.cohort.differs(limits):
        return _of_others(signals, differs)
    if aged.is_old:
        return Verdict.STALE, [differs, aged.said], _remedy(signals)
    return Verdict.DRIFTED, [differs], _remedy(signals)


class _Aged(NamedTuple):
    """Whether a table is too old, None where that is unknown, and a sentence about it."""

    is_old: bool | None
    said: str


def _age(signals: Signals, limits: Limits, at: datetime) -> _Aged:
    """Tell whether the table is too old, as far as it is known when it was written."""
    if signals.written is None:
        return _Aged(None, "when it was last written is not known")
    age = at - signals.written + signals.staleness
    return _Aged(age > limits.max_age, f"it was last written {span(age)} ago")


def _by_age(signals: Signals, aged: _Aged) -> _Judged:
    """Judge where there is no store to compare with."""
    compare = "name its STORE to compare them"
    if aged.is_old is None:
        return Verdict.UNKNOWN, [aged.said], compare
    if aged.is_old and signals.may_be_streamed:
        why = f"{aged.said}, and whether its store was quiet since is not known"
        return Verdict.UNKNOWN, [why], compare
    if aged.is_old:
        return Verdict.STALE, [aged.said], "write it anew"
    if signals.streaming_rows:
        return Verdict.LAGGING, [aged.said, "rows are still streaming"], None
    return Verdict.FRESH, [f"{aged.said}; its store was not asked"], None


def _alike(signals: Signals, aged: _Aged) -> _Judged:
    """Judge a table whose numbers are those of its store, which does not prove it equal."""
    if signals.cohort is not None and signals.cohort.unasked:
        why = f"{counted(signals.cohort.unasked, 'study', 'studies')} of the cohort were not asked"
        return Verdict.UNKNOWN, [why], "raise --max-requests, or narrow the cohort"
    if signals.streamed is False and aged.is_old:
        why = f"{aged.said}, and its store does not stream to it"
        return Verdict.STALE, [why], _remedy(signals)
    if signals.streamed is False and aged.is_old is None:
        return Verdict.UNKNOWN, [aged.said], None
    alike = "its numbers are those of the store"
    if signals.streaming_rows or signals.recent:
        return Verdict.LAGGING, [alike, "some changes are younger than 10 minutes"], None
    return Verdict.FRESH, [alike], None


def _of_others(signals: Signals, differs: str) -> _Judged:
    """Judge a cohort that is as the store has it, of a table that is not."""
    cohort = signals.cohort
    alike = "the studies of the cohort are as in the store"
    if cohort is not None and cohort.unasked:
        return Verdict.UNKNOWN, [differs, "not all studies of the cohort were asked"], None
    if cohort is not None and cohort.is_named:
        return Verdict.FRESH, [alike, f"of others: {differs}"], None
    why = f"{alike}, and whether what the table lacks would belong to it is not known"
    return Verdict.UNKNOWN, [differs, why], _remedy(signals)


def _of_folder(signals: Signals) -> _Judged:
    pending = signals.pending
    if pending is None or not any((pending.added, pending.changed, pending.gone)):
        return Verdict.FRESH, ["it lists the folder as it is"], None
    found = f"{pending.added:,} new, {pending.changed:,} changed, {pending.gone:,} gone"
    hint = f"run `dicomfilter index FOLDER -o {signals.table} --update`"
    return Verdict.DRIFTED, [f"of the folder's instances {found}"], hint


def _remedy(signals: Signals) -> str:
    whole = "export the metadata once more with --write-disposition write-truncate"
    if signals.streamed:
        return f"rows over 1 MB are never streamed, nor is what was there before: {whole}"
    return whole
