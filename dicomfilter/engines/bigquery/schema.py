"""BigQuery's schemas as ours, and as Arrow's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.schema import Column, Kind, LeftOut, SqlType, TableSchema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from google.cloud.bigquery import SchemaField

_LEGACY = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}


def table_schema(fields: Iterable[SchemaField]) -> TableSchema:
    """Describe a BigQuery table in GoogleSQL's types.

    Columns, and fields of structs, of types that DICOM metadata has no use for (GEOGRAPHY, RANGE)
    are left out by name, so that a table that has one can still be read.

    Args:
        fields: As BigQuery's client gives them: legacy type names and modes.

    Returns:
        The columns, descriptions kept.
    """
    columns = [(field, sql_type(field)) for field in fields]
    return TableSchema(
        tuple(Column(f.name, of, f.description or "") for f, of in columns if of is not None),
        tuple(lost for field, of in columns for lost in _left_out(field, of)),
    )


def _left_out(field: SchemaField, of: SqlType | None, within: str = "") -> Iterator[LeftOut]:
    """Name what of a column has no type, by its path."""
    path = f"{within}{field.name}"
    if of is None:
        yield LeftOut(path, field.field_type)
        return
    for inner in field.fields:
        yield from _left_out(inner, sql_type(inner), f"{path}.")


def sql_type(field: SchemaField) -> SqlType | None:
    """Tell a field's GoogleSQL type; None where it is of no kind that we know.

    Args:
        field: For example RECORD with mode REPEATED.

    Returns:
        For example ``ARRAY<STRUCT<CodeValue STRING>>``.
    """
    kind = str(field.to_api_repr().get("type")).upper()
    name = _LEGACY.get(kind, kind)
    if name not in Kind.__members__:
        return None
    inner = ((f.name, sql_type(f)) for f in field.fields)
    fields = tuple((n, t) for n, t in inner if t is not None)
    if field.fields and not fields:
        return None
    of = SqlType(Kind(name), fields=fields)
    return SqlType(Kind.ARRAY, of) if field.mode == "REPEATED" else of


def arrow_schema(schema: TableSchema) -> pa.Schema:
    """Tell the Arrow types in which rows of a table travel."""
    import pyarrow as pa

    return pa.schema([(column.name, arrow_type(column.type)) for column in schema])


def arrow_type(of: SqlType) -> pa.DataType:
    """Tell the Arrow type of a GoogleSQL type.

    Args:
        of: Any type of a table.

    Returns:
        The type that BigQuery's Storage Read API gives.

    Source:
        BigQuery documentation, "Use the BigQuery Storage Read API", Arrow schema details.

    >>> str(arrow_type(SqlType.parse("ARRAY<STRUCT<At TIMESTAMP>>")))
    'list<item: struct<At: timestamp[us, tz=UTC]>>'
    """
    import pyarrow as pa

    if of.element is not None:
        return pa.list_(arrow_type(of.element))
    if of.kind is Kind.STRUCT:
        return pa.struct([(name, arrow_type(inner)) for name, inner in of.fields])
    return {
        Kind.STRING: pa.string(),
        Kind.JSON: pa.string(),
        Kind.BYTES: pa.binary(),
        Kind.INT64: pa.int64(),
        Kind.FLOAT64: pa.float64(),
        Kind.NUMERIC: pa.decimal128(38, 9),
        Kind.BIGNUMERIC: pa.decimal256(76, 38),
        Kind.BOOL: pa.bool_(),
        Kind.DATE: pa.date32(),
        Kind.TIME: pa.time64("us"),
        Kind.DATETIME: pa.timestamp("us"),
        Kind.TIMESTAMP: pa.timestamp("us", tz="UTC"),
        Kind.INTERVAL: pa.month_day_nano_interval(),
    }[of.kind]
