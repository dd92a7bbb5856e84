"""Where queries run: one Protocol, and the engine that a table's URI names.

A query is a GoogleSQL tree; an engine renders it for its own dialect, binds the parameters and
answers in Arrow batches. No Python object is ever made per row.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dicomfilter.engines.protocol import Engine, EngineOptions
from dicomfilter.errors import TableError
from dicomfilter.named import named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike


def is_bigquery(uri: str) -> bool:
    """Tell whether a table's name is BigQuery's rather than a file's.

    >>> is_bigquery("bq://p.d.t"), is_bigquery("my-proj:imaging.metadata"), is_bigquery("a.b.c")
    (True, True, True)
    >>> is_bigquery("metadata/part.0.parquet"), is_bigquery("metadata.parquet"), is_bigquery("idc")
    (False, False, False)
    """
    from dicomfilter.engines.duckdb.files import looks_like_files

    if uri.startswith("bq://"):
        return True
    if looks_like_files(uri):
        return False
    return uri.count(".") >= 2 or ":" in uri


def open_engine(
    tables: Sequence[str | PathLike[str]], *, options: EngineOptions | None = None
) -> Engine:
    """Open the engine that the table's name asks for.

    Args:
        tables: A BigQuery table (``bq://project.dataset.table``), ``idc``, or one or more files,
            folders or quoted globs of Parquet, NDJSON, CSV or DuckDB.
        options: How the engine may spend.

    Returns:
        The engine, opened; close it after use.

    Raises:
        TableError: The names are of no kind that can be read together.
    """
    options = options or EngineOptions()
    texts = [named(table) for table in tables]
    options = replace(options, others=tuple((name, named(uri)) for name, uri in options.others))
    every = [*texts, *(uri for _, uri in options.others)]
    remote = [is_bigquery(table) for table in every]
    if any(remote[len(texts) :]) != any(remote[: len(texts)]) and options.others:
        raise TableError(
            f"{' and '.join(every)} cannot be joined: some are files, some BigQuery's",
            hint="load the files into BigQuery, or export the tables",
        )
    if any(remote):
        from dicomfilter.engines.bigquery.engine import open_bigquery

        return open_bigquery(texts, options=options)
    from dicomfilter.engines.duckdb.engine import open_duckdb

    return open_duckdb(texts, options=options)
