"""Columns of Arrow as the bytes that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def bytes_of(column: pa.StringArray) -> memoryview:
    """Give the bytes of all values of a column, end to end, without copying them.

    Args:
        column: Of STRING, narrow or wide, or a slice of one.

    Returns:
        The bytes; those of a NULL are none.
    """
    import pyarrow as pa

    wide = pa.types.is_large_string(column.type)
    _, offsets, data = column.buffers()
    starts = memoryview(offsets).cast("q" if wide else "i")
    return memoryview(data)[starts[column.offset] : starts[column.offset + len(column)]]
