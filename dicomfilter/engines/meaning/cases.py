"""The cases that prove a release: expressions and queries with Google's answers.

`make cases` writes them, from `tests/golden/meaning.sql`.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from dicomfilter.schema import Column, Kind, SqlType, TableSchema

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "d"
"""The table of which all cases are about."""
ROW = "SOPInstanceUID"
"""The column that names a row."""
FAILS = "#!"
"""What stands where BigQuery fails instead of giving a value."""
_MARK = "#"

Cell = Any
"""A value, or what JSON holds in its place."""
_READERS: dict[Kind, Callable[[Cell], Cell]] = {
    Kind.FLOAT64: float,
    Kind.NUMERIC: lambda v: Decimal(v.removeprefix("n:")),
    Kind.BYTES: lambda v: base64.b64decode(v.removeprefix("b64:")),
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.DATETIME: datetime.fromisoformat,
    Kind.TIMESTAMP: datetime.fromisoformat,
    Kind.JSON: lambda v: v.removeprefix("json:"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One text whose answer is known.

    Args:
        sql: An expression over the columns of the table, or a whole query.
        of: The constructs that it is made of.
        answer: Of an expression, a cell for each row of the table, `FAILS` where it fails; of a
            query, its rows.
        is_query: Whether it is a whole query.
        is_ordered: Whether the rows of a query have an order.
    """

    sql: str
    of: tuple[str, ...]
    answer: tuple[Any, ...]
    is_query: bool = False
    is_ordered: bool = False

    @classmethod
    def parse(cls, line: str) -> Case:
        """Read a line of the file."""
        read = json.loads(line)
        answer = read["rows"] if "rows" in read else read["cells"]
        return cls(
            read["sql"], tuple(read["of"]), tuple(answer), "rows" in read, bool(read.get("ordered"))
        )

    def __str__(self) -> str:
        """Write the line of the file."""
        written: dict[str, Any] = {"of": self.of, "sql": self.sql}
        if self.is_ordered:
            written["ordered"] = True
        written["rows" if self.is_query else "cells"] = self.answer
        return json.dumps(written, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Rows:
    """The table.

    Args:
        schema: Its columns.
        rows: Python values, a struct a dict, an array a list.
    """

    schema: TableSchema
    rows: tuple[tuple[Any, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What each row is called."""
        place = [column.name for column in self.schema].index(ROW)
        return tuple(row[place] for row in self.rows)


def text() -> bytes:
    """Read the files as they are, for a digest."""
    here = files(__package__)
    return (here / "cases.ndjson").read_bytes() + (here / "rows.json").read_bytes()


def cases() -> list[Case]:
    """Read the cases."""
    lines = (files(__package__) / "cases.ndjson").read_text(encoding="utf-8").split("\n")
    return [Case.parse(line) for line in lines if line]


def rows() -> Rows:
    """Read the table: ordinary rows, and NULL, empty, NaN and extreme values."""
    stored = json.loads((files(__package__) / "rows.json").read_text(encoding="utf-8"))
    schema = TableSchema(tuple(Column(n, SqlType.parse(t)) for n, t in stored["columns"]))
    return Rows(
        schema,
        tuple(
            tuple(decode(column.type, cell) for column, cell in zip(schema, row, strict=True))
            for row in stored["rows"]
        ),
    )


def decode(of: SqlType, stored: Cell) -> Cell:
    """Read a cell of the table; a struct becomes a dict, an array a list."""
    if stored is None:
        return None
    if of.kind is Kind.ARRAY and of.element is not None:
        return [decode(of.element, item) for item in stored]
    if of.kind is Kind.STRUCT:
        return {
            name or f"_field_{place}": decode(kind, item)
            for place, ((name, kind), item) in enumerate(zip(of.fields, stored, strict=True), 1)
        }
    reader = _READERS.get(of.kind)
    return stored if reader is None else reader(stored)


def cell(of: SqlType, value: Cell) -> Cell:
    """Write a value so that equal values have equal texts, and others have not.

    FLOAT64 keeps 12 digits, as the last ones of a sine differ between machines.
    """
    if isinstance(value, dict) and of.kind is Kind.STRUCT:
        pairs = zip(of.fields, value.values(), strict=True)
        return [cell(kind, item) for (_, kind), item in pairs]
    if isinstance(value, list) and of.element is not None:
        return [cell(of.element, item) for item in value]
    if isinstance(value, str):
        if of.kind is Kind.JSON:
            return f"{_MARK}json {_json(value)}"
        return f"{_MARK}{value}" if value.startswith(_MARK) else value
    if value is None or type(value) in (bool, int):
        return value
    return f"{_MARK}{type(value).__name__} {_plain(value)}"


def _plain(value: Cell) -> str:
    match value:
        case float():
            return "0" if value == 0 else format(value, ".12g")
        case Decimal():
            return f"{value.normalize() + 0:f}"
        case bytes():
            return value.hex()
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat()
        case date() | time():
            return value.isoformat()
    return str(value)


def _json(stored: str) -> str:
    """Write a JSON value in one form; an integer of more than 64 bits is FLOAT64 in BigQuery."""

    def integer(digits: str) -> float:
        return int(digits) if -(2**63) <= int(digits) < 2**64 else float(digits)

    try:
        return json.dumps(json.loads(stored, parse_int=integer), sort_keys=True)
    except ValueError:
        return stored
