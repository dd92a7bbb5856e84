"""Views that give a file's columns the exact types of a BigQuery table.

DuckDB's types are mapped to GoogleSQL's. A column that holds text although the service's metadata
export writes another type for its DICOM keyword is read as that type: what does not parse is NULL,
and is counted where a selection reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter import dictionary
from dicomfilter.schema import Column, Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb
    from duckdb.sqltypes import DuckDBPyType
    from sqlglot import exp

SERVICE_COLUMNS = {
    "LastUpdated": SqlType(Kind.TIMESTAMP),
    "BlobStorageSize": SqlType(Kind.INT64),
    "StructuredStorageSize": SqlType(Kind.INT64),
}
"""Columns that the service adds and that a text file cannot type.

Source: schema SchemaJSON of the Cloud Healthcare API."""

_KINDS = {
    "varchar": Kind.STRING,
    "null": Kind.STRING,  # nothing is known of it but its name
    "enum": Kind.STRING,
    "uuid": Kind.STRING,
    "json": Kind.JSON,
    "blob": Kind.BYTES,
    "boolean": Kind.BOOL,
    "tinyint": Kind.INT64,
    "smallint": Kind.INT64,
    "integer": Kind.INT64,
    "bigint": Kind.INT64,
    "utinyint": Kind.INT64,
    "usmallint": Kind.INT64,
    "uinteger": Kind.INT64,
    "ubigint": Kind.NUMERIC,
    "float": Kind.FLOAT64,
    "double": Kind.FLOAT64,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "time with time zone": Kind.TIME,  # what Arrow before 22 called each time of day in Parquet
    "timestamp": Kind.DATETIME,
    "timestamp_s": Kind.DATETIME,
    "timestamp_ms": Kind.DATETIME,
    "timestamp_ns": Kind.DATETIME,
    "timestamp with time zone": Kind.TIMESTAMP,
}
_DUCKDB = {
    Kind.STRING: "VARCHAR",
    Kind.BYTES: "BLOB",
    Kind.INT64: "BIGINT",
    Kind.FLOAT64: "DOUBLE",
    Kind.NUMERIC: "DECIMAL(38, 9)",
    Kind.BOOL: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.DATETIME: "TIMESTAMP",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.JSON: "JSON",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How one column of a file is read.

    Args:
        column: What it becomes.
        expression: The DuckDB expression that reads it.
        is_parsed: Whether text is parsed into it, so that a value may be lost.
    """

    column: Column
    expression: exp.Expr
    is_parsed: bool = False


def readings(relation: duckdb.DuckDBPyRelation) -> tuple[Reading, ...]:
    """Work out how each column of a file is read.

    Args:
        relation: The file as DuckDB sees it.

    Returns:
        One reading a column, in the file's order; columns of types that BigQuery does not have
        are left out.
    """
    pairs = zip(relation.columns, relation.types, strict=True)
    found = (_reading(name, kind) for name, kind in pairs)
    return tuple(reading for reading in found if reading is not None)


def _reading(name: str, found: DuckDBPyType) -> Reading | None:
    from sqlglot import exp

    stored = _type(found)
    if stored is None:
        return None
    source = exp.column(exp.to_identifier(name, quoted=True))
    wanted = _wanted(name, stored)
    if wanted is None:
        return Reading(Column(name, stored), _cast(source, stored))
    return Reading(Column(name, wanted), _PARSERS[wanted.kind](source), is_parsed=True)


def _wanted(name: str, stored: SqlType) -> SqlType | None:
    """Say which type the service would write, where a column holds text instead."""
    if stored.kind is not Kind.STRING:
        return None
    wanted = next((t for n, t in SERVICE_COLUMNS.items() if n.lower() == name.lower()), None)
    if wanted is None and (entry := dictionary.find(name)) is not None:
        wanted = dictionary.service_type(entry)
    if wanted is None or wanted.kind is Kind.STRING:
        return None
    return wanted if wanted.kind in _PARSERS else None


def _type(found: DuckDBPyType) -> SqlType | None:
    """Map a DuckDB type to GoogleSQL's; None where BigQuery has none like it."""
    name = found.id
    if name in ("list", "array"):
        element = _type(dict(_children(found))["child"])
        return SqlType(Kind.ARRAY, element) if element and element.kind is not Kind.ARRAY else None
    if name == "struct":
        fields = tuple((n, _type(t)) for n, t in _children(found))
        known = tuple((n, t) for n, t in fields if t is not None)
        return SqlType(Kind.STRUCT, fields=known) if known and len(known) == len(fields) else None
    if name == "decimal":
        (_, precision), (_, scale) = found.children
        whole, fraction = int(str(precision)) - int(str(scale)), int(str(scale))
        return SqlType(Kind.NUMERIC) if whole <= 29 and fraction <= 9 else None
    if str(found) == "JSON":
        return SqlType(Kind.JSON)
    kind = _KINDS.get(name)
    return SqlType(kind) if kind else None


def _children(found: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    """List the named parts of a nested type; an array's size is a number and no part of it."""
    from duckdb.sqltypes import DuckDBPyType

    return [(name, part) for name, part in found.children if isinstance(part, DuckDBPyType)]


def duckdb_type(of: SqlType) -> str:
    """Spell a GoogleSQL type as DuckDB does.

    >>> duckdb_type(SqlType.parse("ARRAY<STRUCT<CodeValue STRING>>"))
    'STRUCT("CodeValue" VARCHAR)[]'
    """
    if of.kind is Kind.ARRAY and of.element is not None:
        return f"{duckdb_type(of.element)}[]"
    if of.kind is Kind.STRUCT:
        quoted = ", ".join('"' + n.replace('"', '""') + f'" {duckdb_type(t)}' for n, t in of.fields)
        return f"STRUCT({quoted})"
    return _DUCKDB[of.kind]


def _cast(source: exp.Expr, to: SqlType) -> exp.Expr:
    from sqlglot import exp

    cast = exp.cast(source, exp.DataType.build(duckdb_type(to), dialect="duckdb"))
    if to.kind is Kind.ARRAY:  # BigQuery stores no NULL array
        return exp.func("COALESCE", cast, exp.Array(expressions=[]))
    return cast


def _parsed(sql: str) -> Callable[[exp.Expr], exp.Expr]:
    """Make a parser of text out of constant DuckDB SQL over a column called ``x``."""

    def parse(source: exp.Expr) -> exp.Expr:
        import sqlglot

        tree = sqlglot.parse_one(sql, dialect="duckdb")
        for x in tree.find_all(sqlglot.exp.Column):
            x.replace(source.copy())
        return tree

    return parse


_PARSERS: dict[Kind, Callable[[exp.Expr], exp.Expr]] = {
    # ISO as the service writes it and YYYYMMDD as DICOM does. A full regular expression would cost
    # more than the scan; what DuckDB accepts beside these (blanks around, years before 1, infinity)
    # is told apart by place.
    Kind.DATE: _parsed(
        "CASE WHEN x >= '0001' AND x < ':' AND right(x, 1) BETWEEN '0' AND '9' THEN "
        "CASE length(x) WHEN 10 THEN CASE WHEN substr(x, 5, 1) = '-' AND substr(x, 8, 1) = '-' "
        "THEN TRY_CAST(x AS DATE) END "
        "WHEN 8 THEN CAST(try_strptime(x, '%Y%m%d') AS DATE) END END"
    ),
    Kind.TIME: _parsed(
        "CASE WHEN regexp_full_match(x, '[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?') "
        "THEN TRY_CAST(x AS TIME) "
        "WHEN regexp_full_match(x, '[0-9]{6}([.][0-9]{1,6})?') THEN TRY_CAST("
        "substr(x, 1, 2) || ':' || substr(x, 3, 2) || ':' || substr(x, 5) AS TIME) END"
    ),
    Kind.TIMESTAMP: _parsed(
        "CASE WHEN x >= '0001' AND x < ':' "
        "THEN TRY_CAST(regexp_replace(x, ' ?(UTC|Z)$', '+00') AS TIMESTAMPTZ) END"
    ),
    Kind.INT64: _parsed(
        "CASE WHEN regexp_full_match(x, '[+-]?[0-9]+') THEN TRY_CAST(x AS BIGINT) END"
    ),
    Kind.FLOAT64: _parsed(
        "CASE WHEN regexp_full_match(x, '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?') "
        "THEN TRY_CAST(x AS DOUBLE) END"
    ),
}
