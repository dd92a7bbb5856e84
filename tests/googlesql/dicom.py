"""The tables over which the golden cases and the fuzz run: ten rows, and a few of edge values."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.duckdb.nodes import duckdb_type
from dicomfilter.googlesql.types.parameters import Parameter, bind
from dicomfilter.schema import Column, Kind, SqlType, TableSchema
from tests.googlesql.cells import decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TODAY = date(2020, 3, 1)
"""The day on which expressions are evaluated, the day after the first row's study."""
GOLDEN = Path(__file__).parent.parent / "golden"
NAME = "d"
EDGES = "e"
"""The ends of types, odd spellings, combining characters: no golden case is about these rows."""
VOID = "void"
"""The rows of both, with columns that are NULL in each row."""
_FILES = {NAME: "dicom_table.json", EDGES: "dicom_edges.json"}
_ABSENT = (
    *("PatientAge", "SeriesDescription", "StudyDateStr", "StudyDate", "StudyTime", "IsPhantom"),
    *("InstanceNumber", "Columns", "KVP", "SliceThickness", "PatientName", "Extra", "Hash"),
    *("PixelSpacing", "IngestTime"),
)


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
    return {**{name: table(name) for name in _FILES}, VOID: _void()}


@cache
def _void() -> Table:
    schema = table().schema
    rows = [
        [
            ([] if column.type.kind is Kind.ARRAY else None) if column.name in _ABSENT else cell
            for column, cell in zip(schema, row, strict=True)
        ]
        for row in (*table(NAME).rows, *table(EDGES).rows)
    ]
    return Table(schema, rows)


def connect(held: Mapping[str, Table] | None = None) -> duckdb.DuckDBPyConnection:
    """Open the embedded engine with the tables, set as the product sets it.

    Args:
        held: The tables by name, by default those of this module.
    """
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET default_null_order = 'nulls_last'")
    connection.execute("SET integer_division = false")
    for name, each in (tables() if held is None else held).items():
        columns = ", ".join(
            f'"{column.name}" {duckdb_type(column.type).sql("duckdb")}' for column in each.schema
        )
        connection.execute(f'CREATE TABLE "{name}" ({columns})')
        marks = ", ".join("?" for _ in each.schema)
        connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', each.rows)
        if name == VOID:
            _to_parquet(connection, name)
    return connection


def _to_parquet(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Have a table read from Parquet, where a column that is all NULL is known to be so."""
    path = _folder() / f"{name}.parquet"
    if not path.exists():
        connection.execute(f"COPY {name} TO '{path}.part' (FORMAT parquet)")
        Path(f"{path}.part").replace(path)
    connection.execute(f"DROP TABLE {name}")
    connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{path}')")


@cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="dicomfilter-void-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


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
    held: Mapping[str, Table] | None = None,
) -> Result:
    """Check, translate and run a query over the tables."""
    known = tables() if held is None else held
    schemas = {name: table.schema for name, table in known.items()}
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
