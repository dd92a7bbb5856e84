"""``dicomfilter query`` and ``dicomfilter queries``: the named queries."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages, terminal
from dicomfilter.cli.options import (
    MaximumBytesBilled,
    MemoryLimit,
    OtherTables,
    Quiet,
    TablesIfAny,
)
from dicomfilter.cli.selecting import other_tables, read_sql
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import UsageError
from dicomfilter.visible import visible

if TYPE_CHECKING:
    import pyarrow as pa

_TIB = 1 << 40


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


def _names(incomplete: str) -> list[str]:
    from dicomfilter.cohorts.named_queries import named_queries

    return [query.name for query in named_queries() if query.name.startswith(incomplete)]


Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="A query of `dicomfilter queries`; none with --sql.",
        autocompletion=_names,
        show_default=False,
    ),
]


def query(
    context: typer.Context,
    name: Name = None,
    tables: TablesIfAny = None,
    sql: Annotated[
        Path | None,
        typer.Option(
            "--sql", metavar="FILE", help="One whole SELECT instead; the table is called metadata."
        ),
    ] = None,
    table: OtherTables = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="NAME:TYPE:VALUE", help="A value for @NAME of the query."),
    ] = None,
    maximum_bytes_billed: MaximumBytesBilled = _TIB,
    memory_limit: MemoryLimit = None,
    output_format: Annotated[
        Format, typer.Option("--format", metavar="table|json|csv|parquet", help="The form of rows.")
    ] = (Format.TABLE),
    quiet: Quiet = False,
) -> int:
    """Run a named query, or a SELECT of your own.

    Example: dicomfilter query recent-studies idc --param n:INT64:10
    """
    from datetime import UTC, datetime

    from dicomfilter.cohorts.named_queries import find_query, run_query
    from dicomfilter.cohorts.select import answer
    from dicomfilter.engines import open_engine
    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.googlesql.types.parameters import Parameter

    named = _named(context, name, tables or [], is_own=sql is not None)
    if not named.tables:
        raise UsageError("no TABLE is named", hint="name bq://project.dataset.table, idc or files")
    if sql is None and named.query is None:
        raise UsageError("no query is named", hint="see `dicomfilter queries`, or give --sql FILE")
    if table and sql is None:
        raise UsageError("--table goes with --sql", hint="add --sql FILE")
    found = find_query(named.query) if named.query is not None else None
    text = read_sql(sql) if sql is not None else ""
    parameters = [Parameter.parse(one) for one in param or ()]
    options = EngineOptions(
        maximum_bytes_billed, None, memory_limit, "query", other_tables(table or ())
    )
    today = datetime.now(UTC).date()
    remark = _said_to_nobody if quiet else messages.note
    with open_engine(named.tables, options=options) as engine:
        for schema in engine.schemas().values():
            messages.warnings(schema.caveats)
        if found is not None:
            rows = run_query(engine, found, parameters=parameters, today=today)
        else:
            rows = answer(engine, text, parameters=parameters, today=today, remark=remark)
        _PRINTERS[output_format](rows)
    return 0


def _said_to_nobody(_text: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class _Named:
    query: str | None
    tables: list[str]


def _named(context: typer.Context, name: str | None, tables: list[str], *, is_own: bool) -> _Named:
    """Tell the query from the tables: beside a SELECT of one's own, all names are tables."""
    if not is_own or name is None:
        return _Named(name, tables)
    source = context.get_parameter_source("tables")
    is_typed = source is not None and source.name == "COMMANDLINE"
    return _Named(None, [name, *(tables if is_typed else [])])


def queries(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="One to be shown.", autocompletion=_names),
    ] = None,
) -> int:
    """List the named queries, or show one.

    Example: dicomfilter queries recent-studies
    """
    from dicomfilter.cohorts.named_queries import find_query, named_queries

    if name is not None:
        echo(find_query(name).sql, nl=False)
        return 0
    from dicomfilter.cli.table_output import table

    rows = [
        [query.name, query.about, ", ".join(f"{n}:{t}" for n, t in query.parameters)]
        for query in named_queries()
    ]
    table(("query", "about", "parameters"), rows)
    return 0


def _print_table(rows: pa.RecordBatchReader) -> None:
    from dicomfilter.cli.table_output import table

    numbers = [f.name for f in rows.schema if str(f.type).startswith(("int", "double", "decimal"))]
    cells = (
        ["" if value is None else _shown(value) for value in row.values()]
        for batch in rows
        for row in batch.to_pylist()
    )
    table(rows.schema.names, cells, right=numbers)


def _shown(value: object) -> str:
    """Write a value as text: records and arrays as JSON, whatever else as it is."""
    if isinstance(value, dict | list):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def _print_json(rows: pa.RecordBatchReader) -> None:
    document = [row for batch in rows for row in batch.to_pylist()]
    echo(visible(json.dumps(document, default=str, ensure_ascii=False, indent=2), keep="\n"))


def _print_csv(rows: pa.RecordBatchReader) -> None:
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.PythonFile(terminal.binary(), mode="w")  # not closed: it is not ours
    # CSV has no records and no arrays: they are JSON there.
    nested = {field.name for field in rows.schema if pa.types.is_nested(field.type)}
    types = [pa.string() if f.name in nested else f.type for f in rows.schema]
    schema = pa.schema(list(zip(rows.schema.names, types, strict=True)))
    with csv.CSVWriter(sink, schema) as writer:
        for batch in rows:
            columns = [
                pa.array(
                    [None if v is None else _shown(v) for v in column.to_pylist()], pa.string()
                )
                if name in nested
                else column
                for name, column in zip(schema.names, batch.columns, strict=True)
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))


def _print_parquet(rows: pa.RecordBatchReader) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    if sys.stdout.isatty():
        raise UsageError("a terminal cannot show Parquet", hint="redirect it: … > rows.parquet")
    sink = pa.PythonFile(sys.stdout.buffer, mode="w")  # not closed: it is not ours
    with parquet.ParquetWriter(sink, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)


_PRINTERS = {
    Format.TABLE: _print_table,
    Format.JSON: _print_json,
    Format.CSV: _print_csv,
    Format.PARQUET: _print_parquet,
}
