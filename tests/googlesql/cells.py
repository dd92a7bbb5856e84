"""Cells of the golden files as Python values, and whether two results are the same."""

from __future__ import annotations

import base64
import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_READERS: dict[Kind, Callable[[Any], object]] = {
    Kind.FLOAT64: float,
    Kind.NUMERIC: lambda v: Decimal(v.removeprefix("n:")),
    Kind.BYTES: lambda v: base64.b64decode(v.removeprefix("b64:")),
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.DATETIME: datetime.fromisoformat,
    Kind.TIMESTAMP: datetime.fromisoformat,
    Kind.JSON: lambda v: v.removeprefix("json:"),
}


def decode(of: SqlType, cell: Any) -> Any:
    """Read a cell of a golden file: a struct is a dict by field name, an array a list."""
    if cell is None:
        return None
    if of.kind is Kind.ARRAY:
        return [decode(of.element, item) for item in cell]
    if of.kind is Kind.STRUCT:
        return {
            n or f"_field_{place}": decode(t, item)
            for place, ((n, t), item) in enumerate(zip(of.fields, cell, strict=True), 1)
        }
    return _READERS.get(of.kind, lambda v: v)(cell)


def same_rows(
    ours: Sequence[Sequence[Any]],
    theirs: Sequence[Sequence[Any]],
    *,
    ordered: bool,
    loose: bool = False,
) -> bool:
    """Tell whether two results hold the same rows, in the same order if that was asked for.

    Args:
        ours: Rows.
        theirs: Other rows.
        ordered: Whether their order counts.
        loose: Whether that of the elements of arrays does not.
    """
    if len(ours) != len(theirs):
        return False
    left, right = list(map(_row, ours)), list(map(_row, theirs))
    if loose:
        left, right = (
            [list(map(_loose, row)) for row in left],
            [list(map(_loose, row)) for row in right],
        )
    if not ordered:
        left, right = sorted(left, key=repr), sorted(right, key=repr)
    return left == right


def _row(row: Sequence[Any]) -> list[object]:
    return [_canonical(cell) for cell in row]


def _loose(cell: object) -> object:
    """Sort the elements of arrays."""
    match cell:
        case ("list", list() as items):
            return ("list", sorted(map(_loose, items), key=repr))
        case (str() as name, list() as items):
            return (name, list(map(_loose, items)))
    return cell


def _canonical(cell: Any) -> object:
    """Bring a value to a form that says its type and compares by ``==``."""
    found: object = cell
    match cell:
        case dict():
            found = [_canonical(item) for item in cell.values()]
        case list() | tuple():
            found = [_canonical(item) for item in cell]
        case float():
            found = "nan" if math.isnan(cell) else 0.0 if cell == 0 else float(f"{cell:.12g}")
        case Decimal():
            found = cell.normalize() + 0
        case datetime() if cell.tzinfo:
            return ("timestamp", cell.timestamp())
        case str() if cell[:1] in ("{", "["):
            found = _json(cell)
    return (type(cell).__name__, found)


def _json(text: str) -> str:
    def integer(digits: str) -> float:  # of more than 64 bits, which BigQuery keeps as FLOAT64
        return int(digits) if -(2**63) <= int(digits) < 2**64 else float(digits)

    try:
        return json.dumps(json.loads(text, parse_int=integer), sort_keys=True)
    except ValueError:
        return text
