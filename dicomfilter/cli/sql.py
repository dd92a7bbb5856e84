"""``dicomfilter sql``: what the dialect makes of a text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli.options import Json, OtherTables, Params
from dicomfilter.cli.selecting import other_tables
from dicomfilter.errors import UsageError

if TYPE_CHECKING:
    from dicomfilter.explanation import Explanation
    from dicomfilter.schema import TableSchema

_SHOWN_COLUMNS = 40


def sql(
    text: Annotated[str, typer.Argument(metavar="SQL", help="A condition, or a whole SELECT.")],
    tables: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TABLE]",
            help="Whose columns it names; by default every keyword of the standard.",
            envvar="DICOMFILTER_TABLE",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only whether BigQuery would take it.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="What the embedded engine runs, and why so; default.")
    ] = False,
    param: Params = None,
    table: OtherTables = None,
    as_json: Json = False,
) -> int:
    """Say what the dialect makes of a text.

    Example: dicomfilter sql "EXTRACT(DAYOFWEEK FROM StudyDate) IN (1, 7)" idc --explain
    """
    from dicomfilter.explanation import explain as explained
    from dicomfilter.parameters import Parameter, require_used

    if check and explain:
        raise UsageError("--check and --explain exclude each other", hint="drop one of the two")
    given = [Parameter.parse(one) for one in param or ()]
    found = explained(text, _schemas(tables, table or ()), parameters=given)
    require_used(given, found.parameters)
    if as_json:
        typer.echo(json.dumps(_document(found)))
    elif check:
        typer.echo("BigQuery takes it")
    else:
        _show(found)
    return 0


def _schemas(tables: list[str] | None, others: list[str] | tuple[()]) -> dict[str, TableSchema]:
    from dicomfilter.engines import EngineOptions, open_engine
    from dicomfilter.explanation import standard_schema
    from dicomfilter.query import METADATA

    named = other_tables(others)
    if not tables:
        if named:
            raise UsageError("--table goes with a TABLE", hint="name the table that is metadata")
        return {METADATA: standard_schema()}
    with open_engine(tables, options=EngineOptions(command="sql", others=named)) as engine:
        return engine.schemas()


def _document(found: Explanation) -> dict[str, object]:
    return {
        "googlesql": found.googlesql,
        "parameters": [str(parameter) for parameter in found.parameters],
        "duckdb": found.duckdb,
        "rewritten": dict(found.rewritten),
        "columns": {column.name: str(column.type) for column in found.columns},
    }


def _show(found: Explanation) -> None:
    """Print parts that can be pasted as they are, each under a comment."""
    parts = [("GoogleSQL", found.googlesql)]
    if found.parameters:
        parts.append(("parameters", "\n".join(f"--   {p}" for p in found.parameters)))
    if found.columns:
        names = [f"--   {column.name} {column.type}" for column in found.columns[:_SHOWN_COLUMNS]]
        if len(found.columns) > _SHOWN_COLUMNS:
            names.append(f"--   and {len(found.columns) - _SHOWN_COLUMNS:,} more")
        parts.append(("columns that come out", "\n".join(names)))
    parts.append(("what DuckDB runs", found.duckdb))
    if found.rewritten:
        width = max(len(construct) for construct, _ in found.rewritten)
        lines = [f"--   {construct:{width}}  {why}" for construct, why in found.rewritten]
        parts.append(("rewritten, because in GoogleSQL", "\n".join(lines)))
    typer.echo("\n\n".join(f"-- {title}\n{text}" for title, text in parts))
