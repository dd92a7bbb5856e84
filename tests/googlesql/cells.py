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

_PREFIXED = {"n:", "b64:", "json:"}
_READERS: dict[Kind, Callable[[Any], object]] = {
    Kind.FLOAT64: float,
    Kind.NUMERIC: lambda v: Decimal(v.removeprefix("n:")),
    Kind.BYTES: lambda v: base64.b64decode(v.removeprefix("b64:")),
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.DATETIME: datetime.fromisoformat,
    Kind.TIMESTAMP: lambda v: datetime.fromisoformat(v.replace("Z", "+00:00")),
    Kind.JSON: lambda v: v.removeprefix("json:"),
}


def decode(of: SqlType, cell: Any) -> Any:  # noqa: ANN401 - it is JSON
    """Read a cell of a golden file: a struct is a dict by field name, an array a list."""
    if cell is None:
        return None
    if of.kind is Kind.ARRAY:
        return [decode(of.element, item) for item in cell]
    if of.kind is Kind.STRUCT:
        return {n: decode(t, item) for (n, t), item in zip(of.fields, cell, strict=True)}
    return _READERS.get(of.kind, lambda v: v)(cell)


def same_rows(
    ours: Sequence[Sequence[Any]], theirs: Sequence[Sequence[Any]], *, ordered: bool
) -> bool:
    """Tell whether two results hold the same rows, in the same order if that was asked for."""
    if len(ours) != len(theirs):
        return False
    left, right = list(map(_row, ours)), list(map(_row, theirs))
    if not ordered:
        left, right = sorted(left, key=repr), sorted(right, key=repr)
    return left == right


def _row(row: Sequence[Any]) -> list[object]:
    return [_canonical(cell) for cell in row]


def _canonical(cell: Any) -> object:  # noqa: ANN401 - any Python value
    """Bring a value to a form that says its type and compares by ``==``."""
    if isinstance(cell, dict):
        return ("struct", [_canonical(item) for item in cell.values()])
    if isinstance(cell, list | tuple):
        return ("array", [_canonical(item) for item in cell])
    if isinstance(cell, float):
        if math.isnan(cell):
            return ("float", "nan")
        return ("float", 0.0 if cell == 0 else float(f"{cell:.12g}"))
    if isinstance(cell, Decimal):
        return ("numeric", cell.normalize() + 0)
    if isinstance(cell, datetime):
        return (
            "timestamp" if cell.tzinfo else "datetime",
            cell.timestamp() if cell.tzinfo else cell,
        )
    if isinstance(cell, str) and cell[:1] in ("{", "["):
        try:
            return ("json", json.dumps(json.loads(cell), sort_keys=True))
        except ValueError:
            return ("str", cell)
    return (type(cell).__name__, cell)
