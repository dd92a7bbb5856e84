"""Views that give a file's columns the exact types of a BigQuery table.

DuckDB's types are mapped to GoogleSQL's. Some of them can hold values that no GoogleSQL type holds,
such as nanoseconds: a column of such a type is read where all its values are exact, else it is left
out and named. A column that holds text although the service's metadata export writes another type
for its DICOM keyword is read as that type: what does not parse is NULL, and is counted where a
selection reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter import dictionary
from dicomfilter.schema import Column, Kind, LeftOut, SqlType, TableSchema

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
    "float": Kind.FLOAT64,
    "double": Kind.FLOAT64,
    "date": Kind.DATE,
    "time": Kind.TIME,
    "timestamp": Kind.DATETIME,
    "timestamp_s": Kind.DATETIME,
    "timestamp_ms": Kind.DATETIME,
    "timestamp with time zone": Kind.TIMESTAMP,
}
_NUMERIC_DIGITS, _NUMERIC_SCALE = 29, 9
"""Of a NUMERIC: the most digits before the point, and behind it."""
_WHOLE = (Kind.INT64, Kind.NUMERIC)
_BY_VALUE: dict[str, tuple[Kind, ...]] = {
    "ubigint": _WHOLE,
    "hugeint": _WHOLE,
    "uhugeint": _WHOLE,
    "bignum": _WHOLE,
    "timestamp_ns": (Kind.DATETIME,),
    "timestamptz_ns": (Kind.TIMESTAMP,),
    "time_ns": (Kind.TIME,),
    "time with time zone": (Kind.TIME,),  # Arrow before 22 called each time of day so in Parquet
}
"""Types that hold more than GoogleSQL's: the kinds that may hold the values there are, in order."""
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


@dataclass(frozen=True, slots=True)
class View:
    """How the columns of a file are read.

    Args:
        columns: Those that have a GoogleSQL type, in the file's order.
        left_out: The others.
        notes: What a person should know of how the files are read.
    """

    columns: tuple[Reading, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def schema(self) -> TableSchema:
        """The columns that GoogleSQL sees."""
        columns = tuple(reading.column for reading in self.columns)
        return TableSchema(columns, self.left_out, self.notes)


def view_of(relation: duckdb.DuckDBPyRelation) -> View:
    """Work out how each column of a file is read.

    Args:
        relation: The file as DuckDB sees it; a column whose type depends on its values is read.

    Returns:
        The columns, and which are left out.
    """
    columns, left_out = [], []
    for name, kind in zip(relation.columns, relation.types, strict=True):
        stored = _stored(relation, name, kind)
        if stored is None:
            left_out.append(LeftOut(name, _odd(kind).upper()))
        else:
            columns.append(_reading(name, stored))
    return View(tuple(columns), tuple(left_out))


def _reading(name: str, stored: SqlType) -> Reading:
    from sqlglot import exp

    source = exp.column(exp.to_identifier(name, quoted=True))
    wanted = _wanted(name, stored)
    if wanted is None:
        return Reading(Column(name, stored), _cast(source, stored))
    return Reading(Column(name, wanted), _PARSERS[wanted.kind](source), is_parsed=True)


def _stored(relation: duckdb.DuckDBPyRelation, name: str, found: DuckDBPyType) -> SqlType | None:
    """Find the type that holds each value of a column exactly; None where there is none."""
    options = dict.fromkeys(_type(found, choice) for choice in range(len(_WHOLE)))
    if not _is_by_value(found):
        return next(iter(options))
    return next((of for of in options if of and _holds(relation, name, found, of)), None)


def _holds(relation: duckdb.DuckDBPyRelation, name: str, found: DuckDBPyType, of: SqlType) -> bool:
    """Tell whether all values of a column come back from another type as they were."""
    import duckdb
    from duckdb.sqltypes import DuckDBPyType

    stored = duckdb.ColumnExpression(name)
    back = stored.cast(DuckDBPyType(duckdb_type(of))).cast(found)
    proof = duckdb.FunctionExpression("bool_and", back == stored)
    try:
        ((holds,),) = relation.aggregate([proof]).fetchall()
    except (duckdb.ConversionException, duckdb.OutOfRangeException):
        return False
    return holds is not False


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


def _type(found: DuckDBPyType, choice: int = 0) -> SqlType | None:
    """Map a DuckDB type to GoogleSQL's.

    Args:
        found: DuckDB's.
        choice: Which of the kinds is meant, where several may hold the values.

    Returns:
        GoogleSQL's; None where it has none like it.
    """
    name = found.id
    if name in ("list", "array"):
        element = _type(dict(_children(found))["child"], choice)
        return SqlType(Kind.ARRAY, element) if element and element.kind is not Kind.ARRAY else None
    if name == "struct":
        fields = tuple((n, _type(t, choice)) for n, t in _children(found))
        known = tuple((n, t) for n, t in fields if t is not None)
        return SqlType(Kind.STRUCT, fields=known) if known and len(known) == len(fields) else None
    if name == "decimal":
        return SqlType(Kind.NUMERIC)
    if str(found) == "JSON":
        return SqlType(Kind.JSON)
    if name in _BY_VALUE:
        kinds = _BY_VALUE[name]
        return SqlType(kinds[min(choice, len(kinds) - 1)])
    kind = _KINDS.get(name)
    return SqlType(kind) if kind else None


def _is_by_value(found: DuckDBPyType) -> bool:
    """Tell whether a type, or a part of it, may hold what GoogleSQL's does not."""
    if found.id == "decimal":
        (_, precision), (_, scale) = found.children
        whole, fraction = int(str(precision)) - int(str(scale)), int(str(scale))
        return whole > _NUMERIC_DIGITS or fraction > _NUMERIC_SCALE
    return found.id in _BY_VALUE or any(_is_by_value(part) for _, part in _parts(found))


def _odd(found: DuckDBPyType) -> str:
    """Name the type, or the part of a nested one, that GoogleSQL does not have.

    By its kind alone: the members of an enumeration are values of a patient's, too.
    """
    parts = [part for _, part in _parts(found)]
    if found.id in ("list", "array") and parts and parts[0].id in ("list", "array"):
        return "list of lists"
    odd = next((part for part in parts if _type(part) is None), None)
    odd = odd or next((part for part in parts if _is_by_value(part)), None)
    return found.id if odd is None else _odd(odd)


def _parts(found: DuckDBPyType) -> list[tuple[str, DuckDBPyType]]:
    return _children(found) if found.id in ("list", "array", "struct") else []


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
