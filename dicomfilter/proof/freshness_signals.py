"""What is seen of a table of metadata and of its store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dicomfilter.counts import counted
from dicomfilter.proof.freshness_limits import span

if TYPE_CHECKING:
    from datetime import datetime

    from dicomfilter.dicom.headers.survey import Changes
    from dicomfilter.proof.freshness_limits import Limits


@dataclass(frozen=True, slots=True)
class Held:
    """How much a table or a store holds.

    Args:
        studies: Studies.
        series: Series.
        instances: Instances; None where a table does not know.
    """

    studies: int
    series: int
    instances: int | None

    def __str__(self) -> str:
        instances = "unknown" if self.instances is None else f"{self.instances:,}"
        studies = counted(self.studies, "study", "studies")
        return f"{studies}, {self.series:,} series, {instances} instances"


@dataclass(frozen=True, slots=True)
class CohortSeen:
    """The studies of a cohort, asked of the store one by one.

    Args:
        studies: Studies of the cohort.
        asked: Those that were asked for.
        larger: Those of which the store has more instances.
        smaller: Those of which it has fewer.
        gone: Those that it does not have.
        instances: Instances that the table has of the asked.
        more: Instances that only the store has, at least.
        fewer: Instances that only the table has, at least.
        is_named: Whether the cohort is a list of names, which nothing new can belong to.
    """

    studies: int
    asked: int
    larger: int = 0
    smaller: int = 0
    gone: int = 0
    instances: int = 0
    more: int = 0
    fewer: int = 0
    is_named: bool = False

    @property
    def unasked(self) -> int:
        """How many studies were not asked for."""
        return self.studies - self.asked

    def differs(self, limits: Limits) -> bool:
        """Tell whether the cohort is another in the store."""
        return max(self.more, self.fewer) > limits.max_drift * self.instances

    def __str__(self) -> str:
        equal = self.asked - self.larger - self.smaller - self.gone
        words = [f"{counted(self.asked, 'study', 'studies')} asked one by one: {equal:,} equal"]
        if self.larger:
            words.append(f"{self.larger:,} larger in the store ({self.more:,} instances)")
        if self.smaller or self.gone:
            lost = self.smaller + self.gone
            words.append(f"{lost:,} smaller or gone there ({self.fewer:,} instances)")
        if self.unasked:
            words.append(f"{self.unasked:,} not asked")
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Signals:
    """What was seen.

    Args:
        table: The table's URI.
        store: The store's name; None where none was named.
        written: When the table was last written; None where unknown.
        newest: The newest change that one of its rows tells of.
        streamed: Whether the store streams to the table; None where unknown.
        may_be_streamed: Whether a table of its kind can be streamed to.
        streaming_rows: At least so many rows are still streaming.
        streaming_since: The oldest of them.
        staleness: How old what a query reads may be.
        held: What the table holds, in its current state.
        deleted: Instances that the table says are deleted; None where it does not say.
        recent: Instances that changed within the last ten minutes.
        in_store: What the store holds, by metrics that may lag behind.
        cohort: The cohort's studies; None where the store as a whole is meant.
        pending: What an index of the folder would change; None for stores of the service.
        missing: What could not be asked, and why.
        sources: Where each of these is from.
    """

    table: str
    store: str | None = None
    written: datetime | None = None
    newest: datetime | None = None
    streamed: bool | None = None
    may_be_streamed: bool = False
    streaming_rows: int = 0
    streaming_since: datetime | None = None
    staleness: timedelta = timedelta(0)
    held: Held | None = None
    deleted: int | None = None
    recent: int = 0
    in_store: Held | None = None
    cohort: CohortSeen | None = None
    pending: Changes | None = None
    missing: tuple[str, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)

    def differs(self, limits: Limits) -> str:
        """Say by how much table and store differ, beyond what is allowed; empty for not."""
        if self.cohort is not None and self.cohort.differs(limits):
            return f"of the cohort: {self.cohort}"
        if self.held is None or self.in_store is None:
            return ""
        more = self._more
        if more is None:
            more = self.in_store.series - self.held.series
            kind, whole = "series", self.in_store.series
        else:
            kind, whole = "instances", self.in_store.instances or 0
        if abs(more) > limits.max_drift * whole:
            where = "the store and not in the table" if more > 0 else "the table and not the store"
            return f"{abs(more):,} {kind} are in {where}"
        behind = self.in_store.studies - self.held.studies
        if abs(behind) > limits.max_drift * self.in_store.studies:
            return f"the numbers of studies differ by {abs(behind):,}"
        return ""

    @property
    def explained(self) -> bool:
        """Whether what is still streaming, or just came, is all that differs."""
        more = self._more
        if self.cohort is not None and (self.cohort.more or self.cohort.fewer):
            return (
                self.cohort.more <= self.streaming_rows and self.cohort.fewer <= self.recent
            ) and (more is None or more <= self.streaming_rows)
        if more is None or more == 0:
            return False
        return more <= self.streaming_rows if more > 0 else -more <= self.recent

    @property
    def _more(self) -> int | None:
        held, there = self.held, self.in_store
        if held is None or there is None or held.instances is None or there.instances is None:
            return None
        return there.instances - held.instances

    def rows(self, at: datetime) -> list[tuple[str, str]]:
        """List what was seen, for people."""
        about = [self.table]
        if self.streamed is not None:
            about.append("streamed by the store" if self.streamed else "not streamed to")
        about += [f"written {span(at - self.written)} ago"] if self.written else []
        about += [f"newest change {span(at - self.newest)} ago"] if self.newest else []
        if self.streaming_rows:
            about.append(f"about {self.streaming_rows:,} rows are streaming")
        found = [("table", ", ".join(about))]
        if self.in_store is not None:
            found.append(("store", f"{self.in_store} (metrics may lag behind)"))
        if self.held is not None:
            after = f" after {self.deleted:,} deletions" if self.deleted else ""
            found.append(("table", f"{self.held}{after}"))
        if self.cohort is not None:
            found.append(("cohort", str(self.cohort)))
        if self.pending is not None:
            found.append(("store", f"{self.store}, its files compared with the table's list"))
        return found + [("unknown", why) for why in self.missing]

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as JSON has it."""
        from dataclasses import asdict

        document = asdict(self)
        for name in ("written", "newest", "streaming_since"):
            moment = getattr(self, name)
            document[name] = None if moment is None else moment.isoformat()
        document["staleness_s"] = self.staleness.total_seconds()
        del document["staleness"]
        document["missing"] = list(self.missing)
        return document
