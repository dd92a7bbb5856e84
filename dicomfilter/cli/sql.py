"""``dicomfilter sql``: what the dialect makes of a text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import completion, messages
from dicomfilter.cli.options import Json, OtherTables, Params, Quiet
from dicomfilter.cli.selecting import other_tables
from dicomfilter.cli.self_test import report_self_test
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import FindingsError, UsageError

if TYPE_CHECKING:
    from dicomfilter.cohorts.explanation import Explanation, Judgement
    from dicomfilter.schema import TableSchema

_SHOWN_COLUMNS = 40


def sql(
    text: Annotated[
        str | None,
        typer.Argument(metavar="SQL", help="A condition, or a whole SELECT.", show_default=False),
    ] = None,
    tables: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TABLE]",
            help="Whose columns it names; by default every keyword of the standard.",
            envvar="DICOMFILTER_TABLE",
            autocompletion=completion.tables,
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only whether BigQuery would take it.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="What the embedded engine runs, and why so; default.")
    ] = False,
    self_test: Annotated[
        bool,
        typer.Option("--self-test", help="What the installed DuckDB answers as BigQuery does."),
    ] = False,
    param: Params = None,
    table: OtherTables = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Say what the dialect makes of a text.

    Example: dicomfilter sql "EXTRACT(DAYOFWEEK FROM StudyDate) IN (1, 7)" idc --explain
    """
    from dicomfilter.cohorts.explanation import explain as explained
    from dicomfilter.cohorts.explanation import judge
    from dicomfilter.googlesql.types.parameters import Parameter, require_used

    if check and explain:
        raise UsageError("--check and --explain exclude each other", hint="drop one of the two")
    if self_test:
        return report_self_test(as_json=as_json)
    if text is None:
        raise UsageError("no SQL is given", hint="write it as the first argument")
    given = [Parameter.parse(one) for one in param or ()]
    known = _known(tables, table or ())
    if check:
        found = judge(
            text,
            known.schemas,
            parameters=given,
            standing=known.standing,
            is_standard=known.uri is None,
            on_files=known.on_files,
        )
        if found.found is not None:
            require_used(given, found.found.parameters)
            _remark(known, found.found.table, quiet=quiet)
        return _judged(found, as_json=as_json)
    explanation = explained(
        text,
        known.schemas,
        parameters=given,
        standing=known.standing,
        on_files=known.on_files,
    )
    require_used(given, explanation.parameters)
    _remark(known, explanation.table, quiet=quiet)
    if as_json:
        echo(json.dumps(_document(explanation)))
    else:
        _show(explanation)
    return 0


@dataclass(frozen=True, slots=True)
class _Known:
    """The tables that a text may name, and the one for which any name stands."""

    schemas: dict[str, TableSchema]
    uri: str | None = None
    standing: str | None = None

    @property
    def on_files(self) -> bool:
        """Whether the installed DuckDB would look through the table."""
        from dicomfilter.engines import is_bigquery

        return self.uri is not None and not is_bigquery(self.uri)


def _known(tables: list[str] | None, others: list[str] | tuple[()]) -> _Known:
    from dicomfilter.cohorts.explanation import standard_schema
    from dicomfilter.cohorts.select import standing_in
    from dicomfilter.engines import open_engine
    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.googlesql.query import METADATA

    named = other_tables(others)
    if not tables:
        if named:
            raise UsageError("--table goes with a TABLE", hint="name the table that is metadata")
        return _Known({METADATA: standard_schema()}, standing=METADATA)
    with open_engine(tables, options=EngineOptions(command="sql", others=named)) as engine:
        return _Known(engine.schemas(), engine.uri, standing_in(engine))


def _remark(known: _Known, table: str | None, *, quiet: bool) -> None:
    """Say so where a name of the text's own stands for the table."""
    from dicomfilter.googlesql.query import METADATA

    if not quiet and table not in (None, METADATA):
        messages.note(f"{table} stands for {known.uri or 'a table of the standard'}")


def _judged(found: Judgement, *, as_json: bool) -> int:
    """Print the verdict, and why; whatever keeps a text from running is told as an error is."""
    from dicomfilter.cohorts.explanation import Verdict

    if as_json:
        document: dict[str, object] = {"verdict": found.verdict.name.lower().replace("_", "-")}
        if found.found is not None:
            document |= _document(found.found)
        if found.error is not None:
            document |= {"message": found.error.message, "hint": found.error.hint}
        echo(json.dumps(document))
    else:
        echo(found.verdict)
    if found.error is not None:
        messages.error(found.error)
    statuses = {Verdict.REFUSED: UsageError.exit_status, Verdict.UNKNOWN: FindingsError.exit_status}
    return statuses.get(found.verdict, 0)


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
    parts.append(("what DuckDB runs", found.duckdb or ""))
    if found.rewritten:
        width = max(len(construct) for construct, _ in found.rewritten)
        lines = [f"--   {construct:{width}}  {why}" for construct, why in found.rewritten]
        parts.append(("rewritten, because in GoogleSQL", "\n".join(lines)))
    echo("\n\n".join(f"-- {title}\n{text}" for title, text in parts))
