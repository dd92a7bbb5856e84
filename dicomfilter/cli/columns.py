"""``dicomfilter columns``: what a predicate can name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Json
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.schema import Column

_EXAMPLES = {
    Kind.STRING: "{} = 'X'",
    Kind.BYTES: "{} IS NOT NULL",
    Kind.INT64: "{} > 1",
    Kind.FLOAT64: "{} > 1.5",
    Kind.NUMERIC: "{} > 1.5",
    Kind.BOOL: "{}",
    Kind.DATE: "{} >= '2021-01-31'",
    Kind.TIME: "{} >= '08:30:00'",
    Kind.DATETIME: "{} >= '2021-01-31 08:30:00'",
    Kind.TIMESTAMP: "{} >= '2021-01-31 08:30:00+00'",
    Kind.ARRAY: "'X' IN UNNEST({})",
}


def columns(
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="bq://project.dataset.table, idc, or a file.")
    ],
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="A part of the names.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> int:
    """List a table's columns with types and examples.

    Example: dicomfilter columns idc Study
    """
    from dicomfilter.engines import open_engine

    with open_engine([table]) as engine:
        schema = engine.schema()
    found = [c for c in schema if pattern.lower() in c.name.lower()]
    if as_json:
        rows = [{"name": c.name, "type": str(c.type), "example": _example(c)} for c in found]
        typer.echo(json.dumps({"columns": rows}))
        return 0
    from dicomfilter.cli.tables import table as show

    if not found:
        near = ", ".join(schema.nearest(pattern))
        messages.note(
            f"no column of {len(schema.columns)} has {pattern!r} in its name"
            + (f"; did you mean {near}?" if near else "")
        )
        return 0
    show(("column", "type", "example"), [[c.name, str(c.type), _example(c)] for c in found])
    return 0


def _example(column: Column) -> str:
    """Write a predicate over a column, as it has to be written."""
    from dicomfilter.fragments import spelled

    name, kind = spelled(column.name), column.type.kind
    element = column.type.element
    if kind is Kind.STRUCT and column.type.fields:
        inner = column.type
        while inner.kind is Kind.STRUCT and inner.fields:
            field, inner = inner.fields[0]
            name = f"{name}.{spelled(field)}"
        kind = inner.kind
    if kind is Kind.ARRAY and element is not None and element.kind is Kind.STRUCT:
        return f"ARRAY_LENGTH({name}) > 0"
    return _EXAMPLES.get(kind, "{} IS NOT NULL").format(name)
