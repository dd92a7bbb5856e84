"""Where queries run: one Protocol, and the engine that a table's URI names.

A query is a GoogleSQL tree; an engine renders it for its own dialect, binds the parameters and
answers in Arrow batches. No Python object is ever made per row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    import pyarrow as pa

    from dicomfilter.googlesql.query import Query, Staging
    from dicomfilter.schema import TableSchema


DEFAULT_MAXIMUM_BYTES_BILLED = 1 << 40
"""1 TiB: what one query may scan unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What a staging query left behind.

    Args:
        name: Where it is, as the engine names it.
        schema: Its columns.
        is_presumed: Whether the engine took the staging's shortcut, and has yet to prove every
            row usable, regular and alone.
        bytes_processed: Bytes that the scan read; None where the engine does not say.
        jobs: The remote jobs that ran, by id.
    """

    name: str
    is_presumed: bool = False
    bytes_processed: int | None = None
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a query would cost.

    Args:
        bytes_processed: Bytes that it would scan; None where the engine does not say.
        tables: The tables that it would read.
    """

    bytes_processed: int | None = None
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells two states of a table apart.

    Args:
        uri: The table, as it was named.
        rows: How many rows it holds; None where unknown.
        size_bytes: How large it is.
        modified: When it last changed, ISO 8601 in UTC; None where unknown.
        digest: A digest of the above and of what else the engine knows (file names, an etag).
        names: The names that together make the table; none where ``uri`` alone names it.
    """

    uri: str
    rows: int | None
    size_bytes: int | None
    modified: str | None
    digest: str
    names: tuple[str, ...] = ()


LIBRARY: Final = "library"
"""What stands for a command where there is none, and an engine serves a whole session."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine may spend.

    Args:
        maximum_bytes_billed: Bytes that one BigQuery job may bill, and all of one command together.
        temp_dataset: ``project.dataset`` for staged tables; None for BigQuery's own.
        memory_limit: Memory of the embedded engine, as DuckDB writes it; None for its default.
        command: The command that runs, for job labels.
        others: Further tables that a query may name: what it calls them, and their URIs.
    """

    maximum_bytes_billed: int = DEFAULT_MAXIMUM_BYTES_BILLED
    temp_dataset: str | None = None
    memory_limit: str | None = None
    command: str = LIBRARY
    others: tuple[tuple[str, str], ...] = ()


class Engine(Protocol):
    """Runs queries over a metadata table, and closes what it opened."""

    @property
    def uri(self) -> str:
        """The table, as it was named."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that tables are read from; none for tables of BigQuery."""

    def schema(self) -> TableSchema:
        """Read the table's columns."""

    @property
    def others(self) -> dict[str, str]:
        """The tables beside it: what queries call them, and their URIs."""

    def schemas(self) -> dict[str, TableSchema]:
        """Read the columns of every table that a query may name, by what it calls them."""

    def fingerprint(self) -> Fingerprint:
        """Tell the table's present state; the digest is that of all tables."""

    def text(self, query: Query) -> str:
        """Render a query as the engine would run it, for people to read."""

    def estimate(self, query: Query, *more: Query) -> Estimate:
        """Say what queries would cost together, without running them.

        Raises:
            CostLimitError: They would scan more than the limit.
        """

    def unparsed(self, names: Sequence[str]) -> dict[str, int]:
        """Count the texts that could not be read as their column's type, by column.

        A table of BigQuery's has its types, and never any.
        """

    def stage(self, staging: Staging, *, presume: bool = False) -> Staged:
        """Run the one scan and keep its result.

        Args:
            staging: What to keep.
            presume: Whether the engine may take the staging's shortcut, if it has a use for one.

        Raises:
            CostLimitError: It would scan more than the limit; nothing ran.
        """

    def rows(self, query: Query, *, staged: Staged | None = None) -> pa.RecordBatchReader:
        """Run a query over ``metadata``, or over ``stage`` where one is given."""

    def lines(self, query: Query, *, staged: Staged) -> pa.RecordBatchReader:
        """Run the query of a stage's lines, and prove what was presumed of them.

        Args:
            query: Has one column, ``line``.
            staged: The stage.

        Raises:
            UnprovedError: With any batch, or at the end: the lines that came so far are not to
                be used.
        """

    def close(self) -> None:
        """Give back what the engine holds, staged tables included."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class ShardExporter(Protocol):
    """An engine that can write to Cloud Storage by itself."""

    def export_shards(self, query: Query, *, staged: Staged, folder: str) -> int | None:
        """Write the rows of a query into Cloud Storage, past this process.

        Args:
            query: Has one STRING column; each value becomes a line.
            staged: The stage that it asks.
            folder: ``gs://bucket/prefix/``, with nothing there yet.

        Returns:
            How many lines were written; None where the engine does not say.

        Raises:
            RemoteError: It cannot write there.
        """
