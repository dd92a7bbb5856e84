"""Columns of Arrow as the bytes that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray


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


def numbers_of(column: pa.Array) -> NDArray[Any]:
    """Give the numbers of a column without copying them.

    By its bytes, for Arrow's own way imports pandas wherever that is installed.

    Args:
        column: Of integers, none of them NULL, or a slice of such.

    Returns:
        An array of the same type; it is not to be written to.
    """
    import numpy as np

    dtype = np.dtype(str(column.type))
    offset = column.offset * dtype.itemsize
    return np.frombuffer(column.buffers()[1], dtype, len(column), offset)
