"""The embedded engine: DuckDB over files and the index of IDC."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any

from dicomfilter.engines import meaning
from dicomfilter.engines.closing import Closing
from dicomfilter.engines.duckdb.failures import arrived, told
from dicomfilter.engines.duckdb.files import find_files
from dicomfilter.engines.duckdb.interruption import interruptible
from dicomfilter.engines.duckdb.relations import Opened, allow, create_view
from dicomfilter.engines.duckdb.spill import Spill
from dicomfilter.engines.duckdb.views import View
from dicomfilter.engines.line_proof import Proof
from dicomfilter.engines.protocol import EngineOptions, Estimate, Staged
from dicomfilter.engines.session import begin, lock, query_cursor
from dicomfilter.errors import UsageError
from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.query import METADATA, STAGE, Query, Shortcut, Staging

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import duckdb
    import pyarrow as pa

    from dicomfilter.engines.duckdb.files import Files
    from dicomfilter.engines.protocol import Fingerprint
    from dicomfilter.googlesql.types.parameters import Parameter
    from dicomfilter.schema import TableSchema

_BATCH_ROWS = 20_000
"""Rows of an Arrow batch: about 4 MB of lines, small beside the memory of a scan."""


@dataclass
class DuckDbEngine(Closing):
    """Runs GoogleSQL over local files, locked away from everything else.

    Args:
        files: What the table is.
        connection: The session; the engine closes it.
        view: How each column is read.
        spill: The folder for what does not fit into memory; removed on closing.
        beside: Further tables, by what queries call them.
    """

    files: Files
    connection: duckdb.DuckDBPyConnection
    view: View
    spill: Spill
    beside: dict[str, Opened] = field(default_factory=dict)
    _staged: dict[str, tuple[Shortcut | None, TableSchema]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)
    _is_closed: bool = False

    @property
    def uri(self) -> str:
        """The table, as it was named."""
        return self.files.name

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that the tables are read from."""
        others = (path for other in self.beside.values() for path in other.files.paths)
        return tuple(dict.fromkeys((*self.files.paths, *others)))

    def schema(self) -> TableSchema:
        """List the columns that GoogleSQL sees, with their exact types."""
        return self.view.schema

    @property
    def others(self) -> dict[str, str]:
        """The tables beside it, as they were named."""
        return {name: other.files.name for name, other in self.beside.items()}

    def schemas(self) -> dict[str, TableSchema]:
        """List the columns of every table, by what queries call it."""
        others = {name: other.view.schema for name, other in self.beside.items()}
        return {METADATA: self.schema(), **others}

    def fingerprint(self) -> Fingerprint:
        """Tell the files' present state."""
        found = self.files.fingerprint()
        if not self.beside:
            return found
        digests = [other.files.fingerprint().digest for other in self.beside.values()]
        return replace(
            found, digest=sha256("\n".join([found.digest, *digests]).encode()).hexdigest()
        )

    def text(self, query: Query) -> str:
        """Render a query as DuckDB would run it."""
        return self._render(query, staged=None)[0]

    def estimate(self, query: Query, *more: Query) -> Estimate:
        """Check queries; a local scan costs nothing that could be told beforehand."""
        for each in (query, *more):
            self._render(each, staged=None)
        return Estimate(tables=(self.uri,))

    def unparsed(self, names: Sequence[str]) -> dict[str, int]:
        """Count the texts that could not be parsed into their column's type.

        Args:
            names: Columns that a selection reads.

        Returns:
            By column, how many values were lost; only columns that lost any.
        """
        from sqlglot import exp

        wanted = {name.lower() for name in names}
        parsed = [r for r in self.view.columns if r.is_parsed and r.column.name.lower() in wanted]
        if not parsed:
            return {}
        sums = []
        for reading in parsed:
            stored = exp.column(exp.to_identifier(reading.column.name, quoted=True))
            lost = exp.and_(
                stored.is_(exp.null()).not_(), reading.expression.copy().is_(exp.null())
            )
            sums.append(exp.func("count_if", lost, dialect="duckdb"))
        query = exp.select(*sums).from_(exp.to_table("source"))
        (counts,) = self._run(query.sql("duckdb"), {})
        return {
            reading.column.name: int(count)
            for reading, count in zip(parsed, counts, strict=True)
            if count
        }

    def stage(self, staging: Staging, *, presume: bool = False) -> Staged:
        """Select once; keep the rows only where they have to be grouped."""
        name = f"stage_{next(self._numbers)}"
        if presume and staging.shortcut is not None:
            _, _, schema = self._rendered(staging.shortcut.rows, staged=None)
            self._staged[name] = (staging.shortcut, schema)
            return Staged(name, is_presumed=True)
        text, values, schema = self._rendered(staging.query, staged=None)
        self._run(f"CREATE TABLE {name} AS {text}", values)
        self._staged[name] = (None, schema)
        return Staged(name)

    def rows(self, query: Query, *, staged: Staged | None = None) -> pa.RecordBatchReader:
        """Run a query; its answer streams as it is computed."""
        text, values = self._render(query, staged=staged)
        return self._stream(text, values)

    def lines(self, query: Query, *, staged: Staged) -> pa.RecordBatchReader:
        """Run the query of a stage's lines, and prove what was presumed of them."""
        import pyarrow as pa

        shortcut, _ = self._staged[staged.name]
        if shortcut is None:
            return self.rows(query, staged=staged)
        tree = query.tree.select(shortcut.short.as_("short"))
        text, values = self._render(Query(tree, query.parameters), staged=staged)
        text = f"SELECT line, short, hash(line) AS hash FROM ({text})"  # noqa: S608 - our own names around a rendered tree
        found = self._stream(text, values)

        def proved() -> Iterator[pa.RecordBatch]:
            with Proof(shortcut.words) as proof:
                for batch in found:
                    yield proof.add(batch)
                proof.finish()

        return pa.RecordBatchReader.from_batches(pa.schema([found.schema.field(0)]), proved())

    def _stream(self, text: str, values: dict[str, object]) -> pa.RecordBatchReader:
        cursor = self._cursor()

        def run() -> pa.RecordBatchReader:
            return cursor.sql(text, params=values or None).to_arrow_reader(_BATCH_ROWS)

        found = told(self.files, lambda: interruptible(cursor, run, beside=_load_arrow))
        import pyarrow as pa

        return pa.RecordBatchReader.from_batches(found.schema, self._passed_on(found))

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """Open a cursor for one query: an answer that nobody reads holds up no other query."""
        if self._is_closed:
            raise self._closed()
        return told(self.files, lambda: query_cursor(self.connection))

    def _closed(self) -> UsageError:
        return UsageError(f"{self.uri} is closed", hint="open the table again")

    def _passed_on(self, found: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        """Pass batches on while the table is open."""
        for batch in _streamed(found, self.files):
            if self._is_closed:
                raise self._closed()
            yield batch

    def close(self) -> None:
        """Close the session and remove what it spilled."""
        self._is_closed = True
        self.connection.close()
        self.spill.remove()

    def _render(self, query: Query, *, staged: Staged | None) -> tuple[str, dict[str, object]]:
        text, values, _ = self._rendered(query, staged=staged)
        return text, values

    def _rendered(
        self, query: Query, *, staged: Staged | None
    ) -> tuple[str, dict[str, object], TableSchema]:
        from sqlglot import exp

        tables, parameters, tree = self.schemas(), query.parameters, query.tree
        if staged is not None:
            shortcut, schema = self._staged[staged.name]
            behind = shortcut.rows if shortcut is not None else None
            tree = tree.copy()
            for table in list(tree.find_all(exp.Table)):
                if table.name == STAGE and behind is None:
                    table.replace(exp.to_table(staged.name))
                elif table.name == STAGE and behind is not None:
                    table.replace(behind.tree.copy().subquery(STAGE))
            if behind is None:
                tables = {staged.name: schema}
            else:
                parameters += behind.parameters
        checked = check_query(tree, tables, parameters=parameters)
        meaning.require(checked.tree)
        return to_duckdb(checked.tree), _values(checked.parameters), checked.schema

    def _run(self, text: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
        cursor = self._cursor()

        def run() -> list[tuple[Any, ...]]:
            return cursor.execute(text, values or None).fetchall()

        return told(self.files, lambda: interruptible(cursor, run))


def open_duckdb(tables: Sequence[str], *, options: EngineOptions) -> DuckDbEngine:
    """Open local files as a metadata table.

    Args:
        tables: Files, folders, globs, or ``idc``.
        options: ``memory_limit`` is DuckDB's.

    Returns:
        The engine; close it after use.

    Raises:
        TableNotFoundError: No such file.
        TableError: The files cannot be read as what their names say.
        UsageError: The memory limit is not one.
    """
    import duckdb

    files = find_files(tables)
    beside = {name: find_files([uri]) for name, uri in options.others}
    spill = Spill.make()
    connection = None
    try:
        connection = duckdb.connect(config={"temp_directory": spill.path})
        engine = DuckDbEngine(files, connection, View(()), spill)
        told(files, lambda: _prepare(engine, beside, options))
    except BaseException:
        if connection is not None:
            connection.close()
        spill.remove()
        raise
    return engine


def _prepare(engine: DuckDbEngine, beside: dict[str, Files], options: EngineOptions) -> None:
    """Make the views of a session, then lock it."""
    connection = engine.connection
    if options.memory_limit is not None:
        _limit(connection, options.memory_limit)
    begin(connection)
    engine.view = create_view(connection, engine.files, METADATA, "source")
    for number, (name, found) in enumerate(beside.items(), 1):
        view = told(found, partial(create_view, connection, found, name, f"source_{number}"))
        engine.beside[name] = Opened(found, view)
    allow(connection, [engine.files, *beside.values()])
    lock(connection)


def _load_arrow() -> None:
    """Import what takes the answer, while it is computed."""
    import numpy as np  # noqa: F401 - to have it loaded
    import pyarrow as pa  # noqa: F401 - likewise


def _values(parameters: Iterable[Parameter]) -> dict[str, object]:
    """Give parameters, which are all bound by now, as DuckDB takes them."""
    return {p.name: list(p.value) if isinstance(p.value, tuple) else p.value for p in parameters}


def _limit(connection: duckdb.DuckDBPyConnection, memory_limit: str) -> None:
    # DuckDB takes -1 for no limit at all, and a share of a memory that it only estimates.
    if not re.fullmatch(r"[0-9]{1,9}([.][0-9]{1,9})? ?[KMGT]i?B", memory_limit, re.IGNORECASE):
        raise UsageError(f"{memory_limit!r} is not an amount of memory", hint="write 4GB")
    connection.execute("SET memory_limit = $limit", {"limit": memory_limit})


def _streamed(found: pa.RecordBatchReader, files: Files) -> Iterator[pa.RecordBatch]:
    """Pass batches on; an error may come with any of them, and Arrow gives only its words."""
    while True:
        try:
            batch = told(files, lambda: next(found, None))
            failure = None
        except OSError as error:
            failure = arrived(error, files)
        if failure is not None:
            raise failure
        if batch is None:
            return
        yield batch
