"""What became of a filter's images at a destination, as a value."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import finalize

from dicomfilter.counts import counted, human_size
from dicomfilter.engines.arrow_bytes import bytes_of
from dicomfilter.engines.duckdb.spill import Spill
from dicomfilter.errors import EmptyFilterError
from dicomfilter.faces import table_html
from dicomfilter.filters.algebra.deriving import Target, derived_manifest
from dicomfilter.filters.algebra.picks import Result
from dicomfilter.filters.lines.findings import LevelCounts
from dicomfilter.filters.sidecars import write_rows
from dicomfilter.proof import comparison_sql as sql
from dicomfilter.storage.protocol import Written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    import duckdb
    import pandas as pd
    import pyarrow as pa

    from dicomfilter.engines.protocol import Fingerprint
    from dicomfilter.filters.algebra.deriving import Derived
    from dicomfilter.filters.algebra.inputs import Input
    from dicomfilter.proof.started import Started

MEMORY_LIMIT = "128MB"
"""What is kept in memory; the rest is compared in a private file."""
THREADS = "2"
"""Each thread wants memory of its own, and a listing is waited for anyway."""
_WRITE_MEMORY_LIMIT = "64MB"
_BATCH = 10_000
_OF_NOTHING = "AAAAAA=="
"""The CRC32C of no bytes, as Cloud Storage writes it."""
COMPLETE = "complete"
"""The one verdict that means all is well."""
_ROWS = {
    "missing": "SELECT study, series, instance, reason FROM missing ORDER BY ALL",
    "unexpected": "SELECT study, series, instance, reason FROM unexpected "
    "WHERE reason <> 'left-over' ORDER BY ALL",
}
_SAID = {
    "deleted": "deleted since",
    "empty": "of 0 bytes",
    "older": "there from before",
    "frames": "with frames missing",
    "another-instance": "with another instance in the file",
    "too-large-to-transcode": "over 1 GB for transcoding",
    "no-pixels": "without pixels",
    "not-in-table": "not in the table",
    "later": "stored or changed after the start",
    "fewer": "fewer than counted",
    "unknown": "unknown",
}
"""What people are told of a reason."""


class Kept:
    """A private folder with the tables of a comparison, removed with it."""

    def __init__(self) -> None:
        spill = Spill.make()
        self.folder = spill.path
        self.database = f"{spill.path}/verify.duckdb"
        self._remove = finalize(self, spill.remove)

    def remove(self) -> None:
        """Remove it; again does nothing."""
        self._remove()


@dataclass(frozen=True, slots=True)
class Numbers:
    """How many instances are what; see Verification.

    Args:
        expected: That the filter asks for.
        arrived: Of these, that are there.
        missing: Of these, that are not.
        unproved_instances: Of these, of which it cannot be told.
        unproved_lines: Lines of the filter of which it is not known what is under them.
        by_count: Of the expected, those of which only the number is known.
        unexpected: That are there, newer than the export, and were not asked for.
        left_over: The same, older than the export.
        doubled: That have more rows than one.
        empty: Files of 0 bytes, among the missing.
        others: Names that no export makes.
        listed: Names or rows that were looked at.
        delivered: That are there of what the filter names, known to metadata or not.
        size_bytes: Of the files that arrived.
    """

    expected: int
    arrived: int
    missing: int
    unproved_instances: int
    unproved_lines: int
    by_count: int
    unexpected: int
    left_over: int
    doubled: int
    empty: int
    others: int
    listed: int
    delivered: int
    size_bytes: int

    @property
    def unproved(self) -> int:
        """Instances and lines of which it cannot be told."""
        return self.unproved_instances + self.unproved_lines

    def verdict(self, *, one_way: bool) -> str:
        """Say what it comes to: what is surely wrong first, then what cannot be told.

        Args:
            one_way: Whether only what was asked for counts.
        """
        if not self.delivered and not self.arrived and not self.unproved_instances:
            return "nothing-arrived"
        if self.missing:
            return "incomplete"
        if (self.unexpected and not one_way) or self.doubled:
            return "unexpected"
        return "unproved" if self.unproved else COMPLETE


@dataclass(frozen=True, slots=True)
class Verification:
    """A filter compared with what a destination holds.

    Args:
        filter_uri: The filter, as it was named.
        destination: The destination, likewise.
        numbers: How many instances are what.
        reasons: How many are missing for which reason.
        one_way: Whether only what was asked for counts.
        levels: The lines that can still arrive, by level.
        started: The export that should have filled the destination.
        listed: When the destination was looked at, ISO 8601 in UTC.
        pages: In how many pages its listing came.
        read: How many files were opened to compare their UIDs.
        expanded: How many lines of studies and series the filter has.
        against: The state of the table that knew what lines hold; None for none.
        warnings: What a person should know.
    """

    filter_uri: str
    destination: str
    numbers: Numbers
    reasons: dict[str, int]
    one_way: bool
    levels: LevelCounts
    started: Started
    listed: str
    pages: int
    read: int = 0
    expanded: int = 0
    against: Fingerprint | None = None
    warnings: tuple[str, ...] = ()
    _inputs: tuple[Input, ...] = field(default=(), repr=False)
    _kept: Kept | None = field(default=None, repr=False)

    @property
    def verdict(self) -> str:
        """What it comes to, in a word.

        ``complete``, ``incomplete``, ``unexpected``, ``unproved`` or ``nothing-arrived``.
        """
        return self.numbers.verdict(one_way=self.one_way)

    @property
    def is_complete(self) -> bool:
        """Whether all that was asked for is there, and nothing is left in doubt."""
        return self.verdict == COMPLETE

    @property
    def agrees_with_counters(self) -> bool | None:
        """Whether the export counted as many successes as arrived; None if unsaid."""
        counters = self.started.counters
        if counters is None or not counters.is_said:
            return None
        return counters.success == self.numbers.delivered

    def missing(self) -> pd.DataFrame:
        """List what did not arrive.

        Returns:
            Columns ``study``, ``series``, ``instance`` and ``reason``. Where only the number of a
            series' instances is known, one row stands for it, without an instance.
        """
        return self._frame("missing")

    def unexpected(self) -> pd.DataFrame:
        """List what is there and was not asked for; see ``missing``."""
        return self._frame("unexpected")

    def write_list(self, which: str, uri: str, *, overwrite: bool = False) -> str:
        """Write ``missing`` or ``unexpected`` as CSV that only its owner may read.

        Raises:
            DestinationError: It cannot be written, or exists.
        """
        with self.opened() as connection:
            rows = connection.sql(_ROWS[which]).to_arrow_reader(_BATCH)
            return write_rows(uri, rows, overwrite=overwrite)

    def retry_filter(self, out: str | PathLike[str], *, overwrite: bool = False) -> Derived:
        """Write a filter of what can still arrive.

        Exported to the same place, it completes the set.

        Args:
            out: A path, ``gs://bucket/object``, or ``-`` for standard output.
            overwrite: Whether a file that is there may be replaced.

        Returns:
            The filter file: no line of it is wider than one of the filter that was verified.

        Raises:
            EmptyFilterError: Nothing is missing that can still arrive; nothing was written.
            DestinationError: It cannot be written, or exists.
        """
        if not self.levels.total:
            raise EmptyFilterError(
                "nothing is missing that can still arrive; no filter file was written",
                hint="see `missing()` for what is missing and why",
            )
        return self._write("retry", "retry", str(out), overwrite=overwrite)

    def delivered_filter(self, out: str | PathLike[str], *, overwrite: bool = False) -> Derived:
        """Write a filter of the instances that arrived, for ``build --new-since``.

        Raises:
            EmptyFilterError: None did; nothing was written.
            DestinationError: It cannot be written, or exists.
        """
        if not self.numbers.delivered:
            raise EmptyFilterError("nothing arrived; no filter file was written")
        return self._write("delivered", "delivery", str(out), overwrite=overwrite)

    def nothing_delivered(self) -> str:
        """Write down that nothing arrived, as the manifest of a filter that there is not.

        Returns:
            The manifest's text.
        """
        nothing = Result(LevelCounts(), 0, 0, lambda: iter(()), details=self._details())
        written = Written("", 0, _OF_NOTHING, None)
        return derived_manifest("delivery", self._inputs, nothing, written)

    def to_dict(self) -> dict[str, Any]:
        """Give it as ``--json`` shows it, without the files that were written."""
        numbers, counters = self.numbers, self.started.counters
        return {
            "verdict": self.verdict,
            "filter": self.filter_uri,
            "destination": self.destination,
            "expected": numbers.expected,
            "arrived": numbers.arrived,
            "size_bytes": numbers.size_bytes,
            "by_count": numbers.by_count,
            "missing": {"count": numbers.missing, "reasons": self.reasons},
            "unexpected": {"count": numbers.unexpected},
            "left_over": {"count": numbers.left_over},
            "doubled": {"count": numbers.doubled},
            "suspicious": {
                "empty": numbers.empty,
                "another_instance": self.reasons.get("another-instance", 0),
            },
            "unproved": {
                "lines": numbers.unproved_lines,
                "instances": numbers.unproved_instances,
            },
            "others": {"count": numbers.others},
            "operation": self.started.operation,
            "since": self.started.moment,
            "counters": counters and {"success": counters.success, "failure": counters.failure},
            "agrees_with_counters": self.agrees_with_counters,
            "retry": {"lines": self.levels.total},
            "listed": {
                "at": self.listed,
                "pages": self.pages,
                "names": numbers.listed,
                "read": self.read,
            },
            "against": self.against and asdict(self.against),
            "warnings": list(self.warnings),
        }

    def rows(self) -> list[tuple[str, str, str]]:
        """Give it as a table of a name, a number and words, most important rows only."""
        numbers = self.numbers
        found = [("asked for", f"{numbers.expected:,}", self._asked())]
        size = f"{human_size(numbers.size_bytes)} " if numbers.size_bytes else ""
        since = f", since {self.started.since:%Y-%m-%d %H:%M:%S}Z" if self.started.since else ""
        found.append(("arrived", f"{numbers.arrived:,}", f"{size}in {self.destination}{since}"))
        why = ", ".join(f"{count:,} {_SAID[reason]}" for reason, count in self.reasons.items())
        found.append(("missing", f"{numbers.missing:,}", why))
        found.append(("unexpected", f"{numbers.unexpected:,}", ""))
        more = (
            ("left over", numbers.left_over, "older than the export: not of this one"),
            ("doubled", numbers.doubled, "have several rows: exported twice by appending?"),
            ("suspicious", numbers.empty, "of 0 bytes, counted as missing"),
            ("others", numbers.others, "names that no export makes"),
            ("unproved", numbers.unproved, self._unproved()),
        )
        found += [(name, f"{count:,}", words) for name, count, words in more if count]
        found.append(("verdict", self.verdict, ""))
        return found

    def _asked(self) -> str:
        table = f"as {self.against.uri} knows them" if self.against and self.expanded else ""
        if self.numbers.by_count:
            return f"instances, {self.numbers.by_count:,} of them known by number alone"
        return f"instances, {table}" if table else "instances"

    def _unproved(self) -> str:
        lines, images = self.numbers.unproved_lines, self.numbers.unproved_instances
        words = []
        if lines:
            words.append(f"{counted(lines, 'line')} of unknown content: name --against or --store")
        if images:
            words.append(f"{counted(images, 'image')} of an unknown number of frames")
        return ", ".join(words)

    def __repr__(self) -> str:
        rows = self.rows()
        return "\n".join(
            f"{name:<11}{number:>12}  {words}".rstrip() for name, number, words in rows
        )

    def _repr_html_(self) -> str:
        return table_html((), self.rows(), named=True, right={1})

    def _frame(self, which: str) -> pd.DataFrame:
        from dicomfilter.cohorts.display import frame

        with self.opened() as connection:
            return frame(connection.sql(_ROWS[which]).to_arrow_table())

    def _write(self, table: str, operation: str, out: str, *, overwrite: bool) -> Derived:
        target = Target(out, overwrite)
        target.check([one.uri for one in self._inputs])
        with self.opened() as connection:
            (counts,) = connection.execute(sql.RETRY_COUNTS.format(table=table)).fetchall()
            result = Result(
                LevelCounts(*counts[:3]),
                counts[3],
                counts[4],
                lambda: _blocks(connection, table),
                details=self._details(),
            )
            return target.write(operation, self._inputs, result)

    def _details(self) -> dict[str, Any]:
        return {
            "against": self.against and asdict(self.against),
            "destination": self.destination,
            "verdict": self.verdict,
            "verified": self.listed,
            "since": self.started.moment,
            "numbers": {
                "expected": self.numbers.expected,
                "arrived": self.numbers.arrived,
                "missing": self.numbers.missing,
                "unexpected": self.numbers.unexpected,
            },
        }

    @contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the tables of the comparison, to read them."""
        import duckdb

        assert self._kept is not None  # noqa: S101 - for the types alone
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _WRITE_MEMORY_LIMIT,
            "threads": THREADS,
            "temp_directory": self._kept.folder,
            "preserve_insertion_order": "false",
        }
        database = self._kept.database
        with duckdb.connect(database, read_only=True, config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection


def _blocks(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[bytes]:
    batches: Iterator[pa.RecordBatch] = iter(
        connection.sql(sql.TEXT.format(table=table)).to_arrow_reader(_BATCH)
    )
    for batch in batches:
        yield bytes(bytes_of(batch.column(0)))
