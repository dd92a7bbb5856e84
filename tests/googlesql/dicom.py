"""The ten rows, rich in hazards, over which the golden cases and the fuzz run."""

from __future__ import annotations

import json
from dataclasses import dataclass
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
    from datetime import date

GOLDEN = Path(__file__).parent.parent / "golden"
NAME = "d"


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
def table() -> Table:
    """Read the table."""
    stored = json.loads((GOLDEN / "dicom_table.json").read_text(encoding="utf-8"))
    schema = TableSchema(tuple(Column(n, SqlType.parse(t)) for n, t in stored["columns"]))
    rows = [
        [decode(column.type, cell) for column, cell in zip(schema, row, strict=True)]
        for row in stored["rows"]
    ]
    return Table(schema, rows)


def connect() -> duckdb.DuckDBPyConnection:
    """Open the embedded engine with the table, set as the product sets it."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET default_null_order = 'nulls_last'")
    connection.execute("SET integer_division = false")
    columns = ", ".join(
        f'"{column.name}" {duckdb_type(column.type).sql("duckdb")}' for column in table().schema
    )
    connection.execute(f"CREATE TABLE {NAME} ({columns})")
    marks = ", ".join("?" for _ in table().schema)
    connection.executemany(f"INSERT INTO {NAME} VALUES ({marks})", table().rows)
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
    """Check, translate and run a query over the table."""
    checked = check_query(sql, {NAME: table().schema}, parameters=parameters)
    values = bind(checked.parameters, today=today)
    fetched = connection.sql(to_duckdb(checked.tree), params=values).to_arrow_table()
    rows = list(zip(*(column.to_pylist() for column in fetched.columns), strict=True))
    columns = [(column.name, str(column.type)) for column in checked.schema]
    return Result(columns, rows, ordered=checked.tree.args.get("order") is not None)
