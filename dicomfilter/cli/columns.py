"""``dicomfilter columns``: what a predicate can name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import completion, messages, profiles
from dicomfilter.cli.options import Json, MaximumBytesBilled, Quiet
from dicomfilter.cli.terminal import echo
from dicomfilter.engines.protocol import DEFAULT_MAXIMUM_BYTES_BILLED, EngineOptions
from dicomfilter.errors import UsageError
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.schema import SqlType


def columns(
    context: typer.Context,
    table: Annotated[
        str | None,
        typer.Argument(
            metavar="TABLE",
            help="bq://project.dataset.table, idc, or a file.",
            envvar=profiles.TABLE_VARIABLE,
            autocompletion=completion.tables,
            show_default=False,
        ),
    ] = None,
    pattern: Annotated[
        str,
        typer.Argument(
            metavar="PATTERN",
            help="A part of the names.",
            autocompletion=completion.columns,
            show_default=False,
        ),
    ] = "",
    maximum_bytes_billed: MaximumBytesBilled = DEFAULT_MAXIMUM_BYTES_BILLED,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """List a table's columns with types and examples.

    Example: dicomfilter columns idc Study
    """
    from dicomfilter.cohorts.examples import example_of
    from dicomfilter.engines import open_engine

    name, pattern = _chosen(context, table, pattern)
    options = EngineOptions(maximum_bytes_billed, command="columns")
    with open_engine([name], options=options) as engine:
        schema = engine.schema()
    found = [c for c in schema if pattern.lower() in c.name.lower()]
    messages.warnings(schema.caveats)
    if as_json:
        rows = [{"name": c.name, "type": str(c.type), "example": example_of(c)} for c in found]
        echo(json.dumps({"columns": rows}))
        return 0
    from dicomfilter.cli.table_output import table as show

    if not found:
        near = ", ".join(schema.nearest(pattern))
        if not quiet:
            messages.note(
                f"no column of {len(schema.columns)} has {pattern!r} in its name"
                + (f"; did you mean {near}?" if near else "")
            )
        return 0
    show(("column", "type", "example"), [[c.name, _brief(c.type), example_of(c)] for c in found])
    return 0


def _chosen(context: typer.Context, table: str | None, pattern: str) -> tuple[str, str]:
    """Tell the table from the pattern: one word is a pattern where the table is known."""
    from dicomfilter.engines import is_bigquery
    from dicomfilter.engines.duckdb.files import looks_like_files

    if table is None:
        raise UsageError("no TABLE is named", hint="name bq://project.dataset.table, idc or files")
    known = profiles.default(context, "table")
    is_word = table != known and not (is_bigquery(table) or looks_like_files(table))
    return (known, table) if known and is_word and not pattern else (table, pattern)


def _brief(of: SqlType) -> str:
    """Write a type with at most two fields of a STRUCT: a sequence may have hundreds."""
    if of.element is not None:
        return f"ARRAY<{_brief(of.element)}>"
    if of.kind is not Kind.STRUCT:
        return str(of)
    names = [name for name, _ in of.fields[:2]]
    return f"STRUCT<{', '.join([*names, *(['...'] if len(of.fields) > len(names) else [])])}>"
