"""The cases, run against the DuckDB and the sqlglot that are installed."""

from __future__ import annotations

import gc
from datetime import date
from typing import TYPE_CHECKING, Any

from dicomfilter.engines.meaning.cases import FAILS, ROW, TABLE, Case, cases, cell, rows
from dicomfilter.engines.meaning.verdict import Failure, Verdict
from dicomfilter.engines.session import begin
from dicomfilter.errors import DicomFilterError
from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.types.parameters import bind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import duckdb
    import pyarrow as pa

    from dicomfilter.engines.meaning.cases import Rows
    from dicomfilter.engines.meaning.verdict import Release
    from dicomfilter.schema import TableSchema

TODAY = date(2020, 3, 1)
"""The day on which the cases are evaluated."""
_STORED = "stored_rows"
_NUMBER = "stored_number"
_AT_ONCE = 24
"""How many expressions one query computes; DuckDB takes more than linear time to plan many."""


def prove(release: Release) -> Verdict:
    """Run all cases.

    Args:
        release: What is installed.

    Returns:
        The verdict.

    Raises:
        DicomFilterError: There is no memory to run them.
    """
    tried, held = cases(), rows()
    collects = gc.isenabled()
    gc.disable()  # a tenth of the time goes into looking through trees that are all in use
    try:
        return _proved(release, tried, held)
    finally:
        if collects:
            gc.enable()


def _proved(release: Release, tried: list[Case], held: Rows) -> Verdict:
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        try:
            runner = Runner(connection, held)
            failures = list(runner.failures(tried))
        except duckdb.OutOfMemoryException as error:
            raise DicomFilterError(
                f"there is no memory to find out what {release} answers", hint="free some memory"
            ) from error
    return Verdict.of(release, tried, failures)


class Runner:
    """Runs cases over the table.

    Args:
        connection: To DuckDB; gets the settings of the product and the table.
        held: The table.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, held: Rows) -> None:
        from dicomfilter.googlesql.duckdb.nodes import duckdb_type

        self._connection, self._held = connection, held
        begin(connection)
        columns = ", ".join(
            f'"{column.name}" {duckdb_type(column.type).sql("duckdb")}' for column in held.schema
        )
        connection.execute(f"CREATE TABLE {_STORED} ({_NUMBER} INTEGER, {columns})")
        marks = ", ".join("?" for _ in (_NUMBER, *held.schema))
        numbered = [(number, *row) for number, row in enumerate(held.rows)]
        connection.executemany(f"INSERT INTO {_STORED} VALUES ({marks})", numbered)  # noqa: S608 - our own names

    def failures(self, tried: Sequence[Case]) -> Iterator[Failure]:
        """Run cases, and give one failure for each that does not hold."""
        valued: dict[tuple[int, ...], list[Case]] = {}
        failing: dict[int, list[Case]] = {}
        queries: list[Case] = []
        for case in tried:
            if case.is_query:
                queries.append(case)
                continue
            answered = tuple(n for n, one in enumerate(case.answer) if one != FAILS)
            if answered:
                valued.setdefault(answered, []).append(case)
            if len(answered) < len(case.answer):
                first = next(n for n, one in enumerate(case.answer) if one == FAILS)
                failing.setdefault(first, []).append(case)
        found = dict[str, Failure]()
        for failure in (
            *self._values(valued),
            *self._errors(failing),
            *self._queries(queries),
        ):
            found.setdefault(failure.sql, failure)
        yield from found.values()

    def _values(self, valued: dict[tuple[int, ...], list[Case]]) -> Iterator[Failure]:
        for numbers, group in valued.items():
            self._take(numbers)
            for first in range(0, len(group), _AT_ONCE):
                yield from self._batch(group[first : first + _AT_ONCE], numbers)

    def _batch(self, group: list[Case], numbers: Sequence[int]) -> Iterator[Failure]:
        listed = ", ".join(f"({case.sql}) AS v{n}" for n, case in enumerate(group))
        ran = self._try(f"SELECT {ROW}, {listed} FROM {TABLE}")  # noqa: S608 - the cases' own text
        if isinstance(ran, Exception):
            if len(group) == 1:
                yield _failure(group[0], "a value", type(ran).__name__)
            else:  # at least one of them fails; which, each tells for itself
                for case in group:
                    yield from self._batch([case], numbers)
            return
        schema, table = ran
        places = {name: n for n, name in enumerate(table.column(0).to_pylist())}
        of = list(schema)
        for n, case in enumerate(group, 1):
            values = table.column(n).to_pylist()
            for number in numbers:
                expected, name = case.answer[number], self._held.names[number]
                found = cell(of[n].type, values[places[name]]) if name in places else "no row"
                if not _same(found, expected):
                    yield _failure(case, expected, found)
                    break

    def _errors(self, failing: dict[int, list[Case]]) -> Iterator[Failure]:
        import duckdb

        for number, group in failing.items():
            self._take((number,))
            for case in group:
                ran = self._try(f"SELECT ({case.sql}) AS v FROM {TABLE}")  # noqa: S608 - the case's own text
                if isinstance(ran, duckdb.DataError):
                    continue
                found = type(ran).__name__ if isinstance(ran, Exception) else "a value"
                yield _failure(case, "an error", found)

    def _queries(self, queries: list[Case]) -> Iterator[Failure]:
        self._take(range(len(self._held.rows)))
        for case in queries:
            ran = self._try(case.sql)
            if isinstance(ran, Exception):
                yield _failure(case, "rows", type(ran).__name__)
                continue
            schema, table = ran
            lists = [column.to_pylist() for column in table.columns]
            found = answer(schema, zip(*lists, strict=True), is_ordered=case.is_ordered)
            if not _same(found, list(case.answer)):
                yield _failure(case, list(case.answer), found)

    def _try(self, sql: str) -> tuple[TableSchema, pa.Table] | Exception:
        """Run a query; give back an error that may come of another meaning, or another tree."""
        import duckdb
        from sqlglot.errors import SqlglotError

        try:
            return self._run(sql)
        except (duckdb.OutOfMemoryException, duckdb.InterruptException):
            raise
        except (
            *(duckdb.Error, DicomFilterError, SqlglotError, ArithmeticError, AssertionError),
            *(AttributeError, LookupError, TypeError, ValueError),
        ) as error:
            return error

    def _take(self, numbers: Sequence[int]) -> None:
        """Fill the table with some of the rows."""
        self._connection.execute(
            f"CREATE OR REPLACE TABLE {TABLE} AS SELECT * EXCLUDE ({_NUMBER}) FROM {_STORED} "  # noqa: S608 - our own names
            f"WHERE {_NUMBER} IN ({', '.join(map(str, numbers))})"
        )

    def _run(self, sql: str) -> tuple[TableSchema, pa.Table]:
        checked = check_query(sql, {TABLE: self._held.schema})
        values = bind(checked.parameters, today=TODAY)
        relation = self._connection.sql(to_duckdb(checked.tree), params=values or None)
        return checked.schema, relation.to_arrow_table()


def answer(schema: TableSchema, rows_: Iterable[Sequence[Any]], *, is_ordered: bool) -> list[Any]:
    """Write the rows of a query, sorted where they have no order."""
    found = [
        [cell(column.type, value) for column, value in zip(schema, row, strict=True)]
        for row in rows_
    ]
    return found if is_ordered else sorted(found, key=repr)


def _same(found: object, expected: object) -> bool:
    return repr(found) == repr(expected)


def _failure(case: Case, expected: object, found: object) -> Failure:
    return Failure(case.sql, case.of, str(expected), str(found))
