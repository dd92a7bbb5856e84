"""Columns of Arrow as the bytes that they are.

To look at a value of Python's, Arrow imports pandas wherever that is installed, which takes a third
of a second. So what comes from Python goes into a column by its bytes, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

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

    Args:
        column: Of integers, none of them NULL, or a slice of such.

    Returns:
        An array of the same type; it is not to be written to.
    """
    import numpy as np

    dtype = np.dtype(str(column.type))
    offset = column.offset * dtype.itemsize
    return np.frombuffer(column.buffers()[1], dtype, len(column), offset)


def column_of(numbers: NDArray[Any]) -> pa.Array:
    """Make a column of numbers.

    Args:
        numbers: Contiguous, of an integer's type; they are not copied.
    """
    import pyarrow as pa

    kind = pa.type_for_alias(str(numbers.dtype))
    return pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(numbers)])


def texts_of(values: Sequence[str]) -> pa.StringArray:
    """Make a column of texts.

    >>> texts_of(["a", "", "bc"]).to_pylist()
    ['a', '', 'bc']
    """
    import numpy as np
    import pyarrow as pa

    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers).cast(pa.string())


def number(value: int, kind: str) -> pa.Scalar:
    """Make one number of a type that numpy and Arrow have.

    >>> number(7, "uint8").as_py()
    7
    """
    import numpy as np

    return column_of(np.array([value], kind))[0]


def no_rows(schema: pa.Schema) -> pa.RecordBatch:
    """Make a batch of no rows."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)
