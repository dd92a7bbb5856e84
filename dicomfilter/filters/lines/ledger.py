"""What is known of every line of a filter file, which may exceed memory."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dicomfilter.engines.arrow_bytes import numbers_of
from dicomfilter.engines.duckdb.interruption import interruptible
from dicomfilter.engines.duckdb.spill import Spill
from dicomfilter.engines.line_proof import MIDDLE, repeated
from dicomfilter.errors import DicomFilterError, FilterFileError, UsageError
from dicomfilter.filters.lines import check_sql
from dicomfilter.filters.lines.chunks import BLANKS, Wrapping, open_source
from dicomfilter.filters.lines.findings import (
    MAX_LINES_SHOWN,
    MEMORY_LIMIT,
    Finding,
    Kind,
    LevelCounts,
    Report,
    in_order,
    wrapped,
)
from dicomfilter.filters.lines.lines import looks, numbered, only, texts
from dicomfilter.filters.lines.plain import Plain, may_be_plain, place_of, read_plain
from dicomfilter.storage.local.refusals import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import duckdb
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from dicomfilter.filters.lines.chunks import Source
    from dicomfilter.storage.digest import Digest

_WORKERS = 1
_SORTED = 1 << 25
"""Up to how many instances are told apart in memory, in 16 bytes each."""
_FEW = 200_000
"""Up to how many lines are read again one by one."""
_AHEAD = 4
"""How many blocks are prepared before they are asked for."""


@dataclass
class Ledger:
    """A session about one filter file.

    Args:
        source: The file.
        connection: A DuckDB session of its own.
        path: Where DuckDB may read it by itself; None if nowhere.
        plain: What is known of the file if DuckDB has read it by itself.
        wrapping: What the file is wrapped in, once it was read.
        levels: How many lines name what, once they were read.
    """

    source: Source
    connection: duckdb.DuckDBPyConnection
    path: str | None = None
    plain: Plain | None = None
    wrapping: Wrapping = field(default_factory=Wrapping)
    levels: LevelCounts = field(default_factory=LevelCounts)

    def read(self, digest: Digest | None = None) -> None:
        """Look at every line once.

        Args:
            digest: Takes in the bytes as they lie there.

        Raises:
            FilterFileError: The file is empty, damaged, or has a line longer than any can be.
            SourceError: It cannot be read.
        """
        if not self._read_plain(digest):
            batches = self._batches(looks, self.wrapping, digest)
            self.stream("source", batches, check_sql.READ)
        values = {"blanks": BLANKS.decode(), "header": self.wrapping.header}
        self.execute(check_sql.MEND, values)
        self.execute(check_sql.PATHS)
        self.levels = LevelCounts(*self.row(check_sql.LEVELS))

    def _read_plain(self, digest: Digest | None) -> bool:
        """Have DuckDB read the file, if that can be proved to be right."""
        if self.path is None or not may_be_plain(self.source):
            return False
        trial = None if digest is None else digest.fresh()
        with reading(self.source.uri):
            self.plain = read_plain(self.connection, self.path, trial)
        if self.plain is None:
            return False
        if digest is not None and trial is not None:
            digest.follow(trial)
        self.wrapping.lines = self.plain.levels.total
        self.wrapping.size_bytes = self.plain.size_bytes
        self.wrapping.ends = self.plain.ends
        return True

    def compare(self) -> None:
        """Find the lines that repeat, cover or contradict each other."""
        self._find_twice()
        self.execute(check_sql.SUSPECT)
        if self.levels.mixed:
            self.execute(check_sql.SUSPECT_COVERED)
        suspects = self.connection.sql(check_sql.SUSPECT_LINES).to_arrow_table()
        self._look(suspects.column("line"))
        self.execute(check_sql.REPEATS)

    def _find_twice(self) -> None:
        """Find the instances that come twice, by sorting their hashes on two cores if that fits."""
        import pyarrow as pa

        if self.levels.instance > _SORTED:
            self.execute(check_sql.TWICE)
            return
        low, high = (
            [*self._instances(*ends)] for ends in ((0, MIDDLE - 1), (MIDDLE, 2 * MIDDLE - 1))
        )
        found = repeated(low, high)
        column = pa.Array.from_buffers(pa.uint64(), len(found), [None, pa.py_buffer(found)])
        batches = iter([pa.record_batch([column], ["instance"])])
        self.stream("source", batches, check_sql.TWICE_SORTED)

    def _instances(self, low: int, high: int) -> Iterator[NDArray[np.uint64]]:
        """Give the hashes of instances, from one to another."""
        values = {"low": low, "high": high}
        for batch in self.connection.sql(check_sql.INSTANCES, params=values).to_arrow_reader():
            yield numbers_of(batch.column(0))

    def _look(self, wanted: pa.ChunkedArray) -> None:
        """Look at some lines again, as text."""
        again = Wrapping()
        if self.plain is not None and 0 < len(wanted) <= _FEW:
            if self.plain.is_changed():
                raise self.changed()
            with reading(self.source.uri):
                batches = iter([self.plain.texts(self.connection, wanted)])
            self.stream("source", batches, check_sql.LOOK)
            if self.plain.is_changed():
                raise self.changed()
            return
        blocks = self._batches(texts, again) if len(wanted) else iter(())
        self.stream("source", only(wanted, blocks), check_sql.LOOK)
        if len(wanted) and again != self.wrapping:
            raise self.changed()

    def findings(self) -> tuple[Finding, ...]:
        """Count what was found; ``compare`` must have been called.

        Returns:
            One finding a class, in the order of ``Kind``.
        """
        found = wrapped(self.wrapping, self.levels)
        values = {"shown": MAX_LINES_SHOWN}
        for statement in (check_sql.MARKED, check_sql.ODD, check_sql.REPEATED):
            for kind, count, lines in self.execute(statement, values).fetchall():
                if count:
                    found.append(Finding(Kind(kind), count, tuple(lines)))
        return in_order(*found)

    def report(self) -> Report:
        """Tell what was read and found; ``compare`` must have been called."""
        return Report(self.source.uri, self.wrapping.lines, self.levels, self.findings())

    def digest(self) -> str:
        """Sum up what the lines name, in whatever order and however they end.

        Returns:
            128 bits in hexadecimal, after what tells how they were made: only digests that were
            made alike can be compared.
        """
        version, low, high = self.row(check_sql.SUMS)
        return f"duckdb-{version}:{high or 0:016x}{low or 0:016x}"

    def changed(self) -> FilterFileError:
        """Say that the file was not the same when it was read again."""
        return FilterFileError(
            f"{self.source.uri} changed while it was read",
            hint="wait until it is complete, and try again",
        )

    def stream(self, name: str, batches: Iterator[pa.RecordBatch], statement: str) -> None:
        """Run a statement over batches; errors in making them come out as they are.

        Args:
            name: What the statement calls them.
            batches: At least one.
            statement: Constant SQL.
        """
        stream(self.connection, name, batches, statement)

    def execute(
        self, statement: str, values: Mapping[str, object] | None = None
    ) -> duckdb.DuckDBPyConnection:
        """Run a statement that reads nothing from Python, so that Ctrl-C ends it at once."""
        bound = dict(values) if values else None
        return interruptible(self.connection, lambda: self.connection.execute(statement, bound))

    def _batches(
        self,
        prepare: Callable[[bytes], pa.RecordBatch],
        wrapping: Wrapping,
        digest: Digest | None = None,
    ) -> Iterator[pa.RecordBatch]:
        return numbered(_prepared(prepare, self.source.blocks(wrapping, digest)), wrapping)

    def row(self, statement: str, **values: object) -> tuple[Any, ...]:
        """Run a statement that gives one row."""
        return self.execute(statement, values).fetchall()[0]


def stream(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    batches: Iterator[pa.RecordBatch],
    statement: str,
    values: Mapping[str, object] | None = None,
) -> None:
    """Run a statement over batches; errors in making them come out as they are.

    Args:
        connection: Runs it.
        name: What the statement calls them.
        batches: At least one.
        statement: Constant SQL.
        values: What it binds.
    """
    import duckdb
    import pyarrow as pa

    failed: list[BaseException] = []

    def guarded() -> Iterator[pa.RecordBatch]:
        try:
            yield first
            yield from batches
        except (DicomFilterError, KeyboardInterrupt) as error:
            failed.append(error)
            raise

    first = next(batches)
    reader = pa.RecordBatchReader.from_batches(first.schema, guarded())
    connection.register(name, reader)
    try:
        connection.execute(statement, dict(values) if values else None)
    except duckdb.Error:
        if failed:
            raise failed[0] from None
        raise
    except RuntimeError as error:  # DuckDB's own for what a signal's handler raised
        raise KeyboardInterrupt from error
    finally:
        connection.unregister(name)


@contextmanager
def open_ledger(uri: str, *, memory_limit: str = MEMORY_LIMIT) -> Iterator[Ledger]:
    """Open a session about a filter file.

    Args:
        uri: A path, or ``-`` for standard input.
        memory_limit: What the session keeps in memory before it spills, such as ``2GB``.

    Yields:
        The session; nothing was read yet.

    Raises:
        SourceNotFoundError: There is no such file.
        SourceError: It cannot be read.
        UsageError: The memory limit is none.
    """
    with open_source(uri) as source, ledger_of(source, memory_limit) as ledger:
        yield ledger


@contextmanager
def ledger_of(source: Source, memory_limit: str) -> Iterator[Ledger]:
    """Open a session about a filter file that can be read; see ``open_ledger``."""
    path = place_of(source)
    with open_session(memory_limit, () if path is None else (path,)) as connection:
        yield Ledger(source, connection, path)


@contextmanager
def open_session(
    memory_limit: str, paths: Sequence[str], *, database: str = ":memory:"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB that may read some files and nothing else.

    Args:
        memory_limit: What it keeps in memory, such as ``2GB``.
        paths: The files.
        database: A file of its own, where its tables are to be read again later.

    Raises:
        UsageError: The memory limit is none.
    """
    import duckdb

    with Spill.make() as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": folder.path,
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        try:
            connection = duckdb.connect(database, config=config | {"memory_limit": memory_limit})
        except duckdb.Error as error:
            raise UsageError(
                f"{memory_limit!r} is not an amount of memory", hint="write for example 2GB"
            ) from error
        with connection:
            if connection.execute(check_sql.HAS_BAR).fetchone() == (True,):
                connection.execute(check_sql.NO_BAR)
            if paths:
                connection.execute(check_sql.ALLOW, {"paths": list(paths)})
            connection.execute(check_sql.LOCK)
            yield connection


def _prepared(
    prepare: Callable[[bytes], pa.RecordBatch], blocks: Iterator[bytes]
) -> Iterator[pa.RecordBatch]:
    """Prepare blocks side by side, a few before they are asked for, in order."""
    waiting: deque[Any] = deque()
    with ThreadPoolExecutor(_WORKERS) as pool:
        for block in blocks:
            waiting.append(pool.submit(prepare, block))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
