"""``dicomfilter query`` and ``dicomfilter queries``: the named queries."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli.options import MaximumBytesBilled, MemoryLimit, Tables
from dicomfilter.errors import UsageError

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
    from dicomfilter.queries import named_queries

    return [query.name for query in named_queries() if query.name.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A query of `dicomfilter queries`.", autocompletion=_names),
]


def query(
    name: Name,
    tables: Tables,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="NAME:TYPE:VALUE", help="A value for @NAME of the query."),
    ] = None,
    maximum_bytes_billed: MaximumBytesBilled = _TIB,
    memory_limit: MemoryLimit = None,
    output_format: Annotated[
        Format, typer.Option("--format", metavar="table|json|csv|parquet", help="The form of rows.")
    ] = (Format.TABLE),
) -> int:
    """Run a named query over a table's current state.

    Example: dicomfilter query recent-studies idc --param n:INT64:10
    """
    from datetime import UTC, datetime

    from dicomfilter.engines import EngineOptions, open_engine
    from dicomfilter.parameters import Parameter
    from dicomfilter.queries import find_query, run_query

    found = find_query(name)
    parameters = [Parameter.parse(text) for text in param or ()]
    options = EngineOptions(maximum_bytes_billed, None, memory_limit, "query")
    with open_engine(tables, options=options) as engine:
        today = datetime.now(UTC).date()
        rows = run_query(engine, found, parameters=parameters, today=today)
        _PRINTERS[output_format](rows)
    return 0


def queries(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="One to be shown.", autocompletion=_names),
    ] = None,
) -> int:
    """List the named queries, or show one.

    Example: dicomfilter queries recent-studies
    """
    from dicomfilter.queries import find_query, named_queries

    if name is not None:
        typer.echo(find_query(name).sql, nl=False)
        return 0
    from dicomfilter.cli.tables import table

    rows = [
        [query.name, query.about, ", ".join(f"{n}:{t}" for n, t in query.parameters)]
        for query in named_queries()
    ]
    table(("query", "about", "parameters"), rows)
    return 0


def _print_table(rows: pa.RecordBatchReader) -> None:
    from dicomfilter.cli.tables import table

    numbers = [f.name for f in rows.schema if str(f.type).startswith(("int", "double", "decimal"))]
    cells = (
        ["" if value is None else str(value) for value in row.values()]
        for batch in rows
        for row in batch.to_pylist()
    )
    table(rows.schema.names, cells, right=numbers)


def _print_json(rows: pa.RecordBatchReader) -> None:
    document = [row for batch in rows for row in batch.to_pylist()]
    typer.echo(json.dumps(document, default=str, ensure_ascii=False, indent=2))


def _print_csv(rows: pa.RecordBatchReader) -> None:
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.PythonFile(sys.stdout.buffer, mode="w")  # not closed: it is not ours
    with csv.CSVWriter(sink, rows.schema) as writer:
        for batch in rows:
            writer.write_batch(batch)


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
