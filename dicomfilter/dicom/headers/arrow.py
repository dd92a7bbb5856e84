"""Rows as Arrow batches, and batches of several schemas as one table."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dicomfilter.dicom.headers.element_columns import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from dicomfilter.dicom.headers.table_rows import Row


def schema_of(columns: Mapping[str, Column]) -> pa.Schema:
    """Give the schema of columns, in their order."""
    import pyarrow as pa

    return pa.schema([(name, type_of(column)) for name, column in columns.items()])


def type_of(column: Column) -> pa.DataType:
    """Give the type of a column's values."""
    import pyarrow as pa

    if column.type == "RECORD":
        one = pa.struct([(name, type_of(inner)) for name, inner in column.fields.items()])
    else:
        one = _types()[column.type]
    return pa.list_(one) if column.repeated else one


def columns_of(schema: pa.Schema) -> dict[str, Column]:
    """Give the columns of a schema: the inverse of ``schema_of``."""
    return {field.name: _column_of(field.type) for field in schema}


def _column_of(kind: pa.DataType) -> Column:
    import pyarrow as pa

    if pa.types.is_list(kind):
        one = _column_of(kind.value_type)
        return Column(one.type, repeated=True, fields=one.fields)
    if pa.types.is_struct(kind):
        return Column("RECORD", fields={field.name: _column_of(field.type) for field in kind})
    return Column(next(name for name, own in _types().items() if own == kind))


def batch_of(rows: Sequence[Row], columns: Mapping[str, Column]) -> pa.RecordBatch:
    """Put rows into a batch.

    Args:
        rows: Values by column; one that is missing has none.
        columns: The columns, in their order.

    Returns:
        The rows; an array that is missing is empty rather than NULL, as in BigQuery.
    """
    import pyarrow as pa

    schema = schema_of(columns)
    arrays = [
        conformed(pa.array([row.get(field.name) for row in rows], field.type), field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def conformed(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Give an array the type of the whole table.

    Fields that it lacks are NULL or empty.

    Args:
        array: Of a type with the same fields, or fewer.
        kind: The type.

    Returns:
        The same values; arrays in it that are NULL are empty.
    """
    import pyarrow as pa

    if pa.types.is_list(kind):
        if array.null_count:
            array = _without_nulls(array)
        inner = conformed(array.flatten(), kind.value_type)
        # Offsets count from the beginning of the flattened values, whatever was cut off before.
        offsets = array.offsets
        first = offsets[0].as_py() if len(offsets) else 0
        if first:
            import pyarrow.compute as pc

            offsets = pc.subtract(offsets, first)
        return pa.ListArray.from_arrays(offsets, inner, type=kind)
    if not pa.types.is_struct(kind):
        return array
    arrays = []
    children = array.flatten()
    for field in kind:
        index = array.type.get_field_index(field.name)
        if index < 0:
            arrays.append(missing(field.type, len(array)))
        else:
            arrays.append(conformed(children[index], field.type))
    mask = array.is_null() if array.null_count else None
    return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=mask)


def missing(kind: pa.DataType, length: int) -> pa.Array:
    """Give a column that has no values: NULLs, or empty arrays."""
    import pyarrow as pa

    if not pa.types.is_list(kind):
        return pa.nulls(length, kind)
    offsets = pa.array([0] * (length + 1), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.nulls(0, kind.value_type), type=kind)


def _without_nulls(array: pa.ListArray) -> pa.ListArray:
    """Give lists of which the NULL ones are empty."""
    import numpy as np
    import pyarrow as pa

    values, offsets = array.flatten(), array.value_lengths().fill_null(0)
    bounds = np.concatenate(([0], np.cumsum(offsets.to_numpy(zero_copy_only=False)))).astype(
        "int32"
    )
    return pa.ListArray.from_arrays(pa.array(bounds), values, type=array.type)


@cache
def _types() -> dict[str, pa.DataType]:
    import pyarrow as pa

    return {
        "STRING": pa.string(),
        "INTEGER": pa.int64(),
        "FLOAT": pa.float64(),
        "DATE": pa.date32(),
        "TIME": pa.time64("us"),
        "TIMESTAMP": pa.timestamp("us", "UTC"),
    }
