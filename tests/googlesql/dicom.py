"""The tables over which the golden cases and the fuzz run: ten rows, and a few of edge values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.nodes import duckdb_type
from dicomfilter.parameters import Parameter, bind
from dicomfilter.schema import Column, SqlType, TableSchema
from tests.googlesql.cells import decode

if TYPE_CHECKING:
    from collections.abc import Sequence

TODAY = date(2020, 3, 1)
"""The day on which expressions are evaluated, the day after the first row's study."""
GOLDEN = Path(__file__).parent.parent / "golden"
NAME = "d"
EDGES = "e"
"""The ends of types, odd spellings, combining characters: no golden case is about these rows."""
_FILES = {NAME: "dicom_table.json", EDGES: "dicom_edges.json"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table in memory.

    Args:
        schema: Its columns.
        rows: Python values, a struct a dict, an array a list.
    """

    schema: TableSchema
    rows: list[list[Any]]


@cache
def table(name: str = NAME) -> Table:
    """Read a table."""
    stored = json.loads((GOLDEN / _FILES[name]).read_text(encoding="utf-8"))
    schema = TableSchema(tuple(Column(n, SqlType.parse(t)) for n, t in stored["columns"]))
    rows = [
        [decode(column.type, cell) for column, cell in zip(schema, row, strict=True)]
        for row in stored["rows"]
    ]
    return Table(schema, rows)


def tables() -> dict[str, Table]:
    """Read the tables, by name."""
    return {name: table(name) for name in _FILES}


def connect() -> duckdb.DuckDBPyConnection:
    """Open the embedded engine with the tables, set as the product sets it."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET default_null_order = 'nulls_last'")
    connection.execute("SET integer_division = false")
    for name, held in tables().items():
        columns = ", ".join(
            f'"{column.name}" {duckdb_type(column.type).sql("duckdb")}' for column in held.schema
        )
        connection.execute(f"CREATE TABLE {name} ({columns})")
        marks = ", ".join("?" for _ in held.schema)
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", held.rows)
    return connection


@dataclass(frozen=True, slots=True)
class Result:
    """What the embedded engine answers.

    Args:
        columns: Names and types.
        rows: Python values.
        ordered: Whether the query asks for an order.
    """

    columns: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]
    ordered: bool


def run(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    *,
    parameters: Sequence[Parameter] = (),
    today: date,
) -> Result:
    """Check, translate and run a query over the tables."""
    schemas = {name: held.schema for name, held in tables().items()}
    checked = check_query(sql, schemas, parameters=parameters)
    values = bind(checked.parameters, today=today)
    fetched = connection.sql(to_duckdb(checked.tree), params=values).to_arrow_table()
    rows = list(zip(*(column.to_pylist() for column in fetched.columns), strict=True))
    columns = [(column.name, str(column.type)) for column in checked.schema]
    return Result(columns, rows, ordered=checked.tree.args.get("order") is not None)


def value(connection: duckdb.DuckDBPyConnection, expression: str, *given: Parameter) -> object:
    """Evaluate an expression over the first row: a CT of LUNG1-001, 512 rows, 5 mm, 2020-02-29."""
    sql = f"SELECT {expression} AS x FROM d WHERE SOPInstanceUID = '1.2.840.3.1'"
    (row,) = run(connection, sql, parameters=given, today=TODAY).rows
    return row[0]


def assert_value(connection: duckdb.DuckDBPyConnection, expression: str, expected: object) -> None:
    """Evaluate an expression over the first row, and compare value and type."""
    found = value(connection, expression)
    assert found == expected, found
    assert isinstance(found, type(expected)), type(found)
