"""How DuckDB is set, so that no default of it decides about a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_EVERYWHERE = (
    "Calendar = 'gregorian'",
    "TimeZone = 'UTC'",  # else that of the machine
    "arrow_large_buffer_size = false",
    "arrow_lossless_conversion = false",
    "arrow_output_list_view = false",
    "arrow_output_version = '1.0'",
    "autoinstall_known_extensions = false",
    "autoload_known_extensions = false",
    "binary_as_string = false",  # bytes of a Parquet file are no text unless it says so
    "default_collation = ''",  # texts are compared by their code points
    "default_null_order = 'nulls_last'",
    "default_order = 'ascending'",
    "dialect_compatibility_mode = 'none'",
    "disable_timestamptz_casts = false",
    "enable_geoparquet_conversion = false",
    "errors_as_json = false",  # errors are told apart by their first words
    "ieee_floating_point_ops = true",  # what BigQuery refuses is refused by the rewrites
    "integer_division = false",
    "order_by_non_integer_literal = false",
    "preserve_identifier_case = 'preserve_case'",
    "preserve_insertion_order = false",  # rows have no order that a query does not ask for
    "python_enable_replacements = false",  # a table is never a variable of the caller's
    "scalar_subquery_error_on_multiple_rows = true",
)
"""Settings of DuckDB that decide about a value, an order or an error; none is left to a default."""
_OF_A_CURSOR = ("SET streaming_buffer_size = '64MB'",)  # 1 MB: workers then wait for the reader
_HAS_BAR = "SELECT current_setting('enable_progress_bar')"
"""Asked first: a notebook without ipywidgets has none, and may not even switch it off."""
_NO_BAR = "SET enable_progress_bar = false"
_LOCK = (
    "SET allowed_configs = ['streaming_buffer_size', 'enable_progress_bar']",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def begin(connection: duckdb.DuckDBPyConnection) -> None:
    """Set what decides about values, for a connection and all of its cursors."""
    for statement in _EVERYWHERE:
        connection.execute(f"SET GLOBAL {statement}")
    _set_cursor(connection)


def lock(connection: duckdb.DuckDBPyConnection) -> None:
    """Let no query read another file, or set anything that matters."""
    for statement in _LOCK:
        connection.execute(statement)


def query_cursor(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Open a cursor with the settings that DuckDB keeps for each by itself."""
    cursor = connection.cursor()
    _set_cursor(cursor)
    return cursor


def _set_cursor(cursor: duckdb.DuckDBPyConnection) -> None:
    for statement in _OF_A_CURSOR:
        cursor.execute(statement)
    if cursor.execute(_HAS_BAR).fetchall() == [(True,)]:
        cursor.execute(_NO_BAR)
