"""A filter file as a value of a notebook: calculated with, looked at, written."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from weakref import finalize

from dicomfilter.engines.duckdb.spill import Spill
from dicomfilter.errors import DicomFilterError, EmptyFilterError
from dicomfilter.faces import facts_html
from dicomfilter.filters.algebra.comparing import Diff, diff
from dicomfilter.filters.algebra.deriving import Target, calculator, difference_result
from dicomfilter.filters.algebra.inputs import open_sources
from dicomfilter.filters.algebra.picks import Result
from dicomfilter.filters.lines.findings import MEMORY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.filters.algebra.deriving import Derived
    from dicomfilter.filters.algebra.inputs import Input
    from dicomfilter.filters.algebra.picks import Algebra
    from dicomfilter.filters.algebra.splitting import How, Split
    from dicomfilter.filters.lines.summaries import Summary

    class HasEngine(Protocol):
        """A table, as a notebook has it."""

        @property
        def engine(self) -> Engine:
            """Where it is."""


_KEPT = "filter.txt"


class FilterFile:
    """A filter file, as the set of the instances under its lines.

    ``a | b``, ``a & b`` and ``a - b`` are filter files too; they lie in a private temporary folder
    until they are written. An empty one can be calculated with, and not written.

    Args:
        uri: A path, or ``gs://bucket/object``.
        memory_limit: What is kept in memory before it is spilled to a temporary folder.
    """

    def __init__(self, uri: str | os.PathLike[str], *, memory_limit: str = MEMORY_LIMIT) -> None:
        self.uri = os.fspath(uri)
        self._memory_limit = memory_limit
        self._operation = ""
        self.inputs: tuple[Input, ...] = ()
        self._result: Result | None = None

    def __fspath__(self) -> str:
        return self.uri

    @property
    def is_empty(self) -> bool:
        """Whether it was calculated, and nothing is left."""
        return self._result is not None and not self._result.levels.total

    def __or__(self, other: FilterFile) -> FilterFile:
        return self.union(other)

    def __and__(self, other: FilterFile) -> FilterFile:
        return self.intersect(other)

    def __sub__(self, other: FilterFile) -> FilterFile:
        return self.subtract(other)

    def union(self, *others: FilterFile) -> FilterFile:
        """Calculate what this or any other filter has."""
        files = [file for file in (self, *others) if not file.is_empty]
        return self._calculated("union", files)

    def intersect(self, *others: FilterFile) -> FilterFile:
        """Calculate what this and all other filters have."""
        files = [self, *others]
        return self._calculated("intersection", [] if any(f.is_empty for f in files) else files)

    def subtract(
        self, *others: FilterFile, against: Engine | HasEngine | None = None
    ) -> FilterFile:
        """Calculate what this filter has beyond all others.

        Args:
            *others: What is taken out.
            against: The table that tells what is left of a study or series where a part of it is
                taken out.

        Raises:
            UsageError: A part is to be taken out of a line, and no table tells what is left.
        """
        files = [] if self.is_empty else [self, *(f for f in others if not f.is_empty)]
        return self._calculated("difference", files, against=_engine(against))

    def diff(self, other: FilterFile, *, against: Engine | HasEngine | None = None) -> Diff:
        """Compare with another filter; see ``dicomfilter diff``."""
        if self.is_empty or other.is_empty:
            raise EmptyFilterError("an empty filter has nothing to compare", hint="see `is_empty`")
        return diff(self, other, against=_engine(against), memory_limit=self._memory_limit)

    def expand(self, table: Engine | HasEngine) -> FilterFile:
        """Name every instance (or series, by a series index) under the lines.

        Args:
            table: What knows them.

        Raises:
            UsageError: It knows nothing under a line.
        """
        from dicomfilter.filters.algebra.expansion import expanded

        engine = _engine(table)
        assert engine is not None  # noqa: S101 - for the types alone
        made = self._empty("expansion")
        with ExitStack() as stack:
            algebra = stack.enter_context(self._opened([self]))
            result = stack.enter_context(
                expanded(algebra.union(), engine, memory_limit=self._memory_limit)
            )
            made.keep(algebra.inputs, result)
        return made

    def split(self, out: str, how: How, *, against: Engine | HasEngine | None = None) -> Split:
        """Write it in parts; see ``dicomfilter split``."""
        from dicomfilter.filters.algebra.splitting import split

        return split(self, out, how, against=_engine(against), memory_limit=self._memory_limit)

    def lines(self) -> Iterator[pa.RecordBatch]:
        """Read the lines, each once and none covered by another.

        Yields:
            Batches with the column ``text``, a line a row.
        """
        from dicomfilter.filters.lines.lines import texts

        if self.is_empty:
            return
        with self._opened([self]) as algebra:
            yield from map(texts, algebra.union().blocks())

    def summary(self) -> Summary:
        """Count what the lines name; see ``dicomfilter summary``."""
        from dicomfilter.filters.lines.summaries import summary

        return summary(self.uri, memory_limit=self._memory_limit)

    def write(
        self, out: str | os.PathLike[str], *, overwrite: bool = False, manifest: str | None = None
    ) -> Derived:
        """Write it, normalised, with a manifest that names its inputs.

        Args:
            out: A path, ``gs://bucket/object``, or ``-`` for standard output.
            overwrite: Whether a file that is there may be replaced.
            manifest: Where the manifest goes; None for beside it.

        Raises:
            EmptyFilterError: It is empty; nothing was written.
            DestinationError: The destination cannot be written, or exists.
        """
        target = Target(os.fspath(out), overwrite, manifest)
        if self._result is not None:
            target.check([one.uri for one in self.inputs])
            return target.write(self._operation, self.inputs, self._result)
        target.check([self.uri])
        with self._opened([self]) as algebra:
            pick = algebra.union()
            result = Result(pick.levels, pick.studies, pick.series, pick.blocks)
            return target.write("union", algebra.inputs, result)

    @contextmanager
    def _opened(self, files: Iterable[FilterFile]) -> Iterator[Algebra]:
        with (
            open_sources([file.uri for file in files]) as sources,
            calculator(sources, self._memory_limit) as algebra,
        ):
            yield algebra

    def _empty(self, operation: str) -> FilterFile:
        folder = Spill.make()
        made = FilterFile(Path(folder.path) / _KEPT, memory_limit=self._memory_limit)
        made._operation = operation
        finalize(made, folder.remove)
        return made

    def _calculated(
        self, operation: str, files: list[FilterFile], *, against: Engine | None = None
    ) -> FilterFile:
        from dicomfilter.filters.lines.findings import LevelCounts

        made = self._empty(operation)
        if not files:
            made.keep((), Result(LevelCounts(), 0, 0, lambda: iter(())))
            return made
        with self._opened(files) as algebra, ExitStack() as stack:
            if operation == "difference":
                result = difference_result(algebra.minus(), against, stack, self._memory_limit)
            else:
                pick = algebra.union() if operation == "union" else algebra.common()
                result = Result(pick.levels, pick.studies, pick.series, pick.blocks)
            named = chain.from_iterable(
                file.inputs or (one,) for file, one in zip(files, algebra.inputs, strict=True)
            )
            made.keep(tuple(named), result)
        return made

    def keep(self, inputs: tuple[Input, ...], result: Result) -> None:
        """Take in what was calculated, before its sources are closed."""
        path = Path(self.uri)
        path.touch(mode=0o600)
        with path.open("wb") as file:
            for block in result.blocks():
                file.write(block)

        def blocks() -> Iterator[bytes]:
            if result.levels.total:
                with self._opened([self]) as algebra:
                    yield from algebra.union().blocks()

        self.inputs = inputs
        self._result = Result(
            result.levels, result.studies, result.series, blocks, result.warnings, result.details
        )

    def __repr__(self) -> str:
        if self._result is None:
            return f"<FilterFile {self.uri}>"
        return f"<FilterFile, a {self._operation}: {self._result.levels.total:,} lines>"

    def _repr_html_(self) -> str:
        return facts_html(self.facts())

    def facts(self) -> list[tuple[str, str]]:
        """Count what its lines name; of a file that is unusable, say why."""
        called = self.uri if self._result is None else f"a {self._operation}, not yet written"
        if self.is_empty:
            return [("filter", called), ("lines", "0")]
        try:
            _, *found = self.summary().facts()
        except DicomFilterError as wrong:
            return [("filter", called), ("unusable", wrong.message)]
        return [("filter", called), *found]


def _engine(table: Engine | HasEngine | None) -> Engine | None:
    found: Engine | None = getattr(table, "engine", None) or table  # type: ignore[assignment]
    return found
