"""Blocks of lines as Arrow batches: their text, and what their bytes showed."""

from __future__ import annotations

import codecs
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Self

from dicomfilter.engines.arrow_bytes import column_of, no_rows, number
from dicomfilter.filters.lines.proofs import (
    holds_no_irregular_component,
    holds_only_paths,
    skeleton,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from dicomfilter.filters.lines.chunks import Wrapping


class Mark(IntFlag):
    """What only the bytes of a line show."""

    NUL = 1
    NON_ASCII = 2
    BOM = 4
    CRLF = 8


class Proof(IntEnum):
    """What is known of a whole block before any of its lines is looked at."""

    NONE = 0
    USABLE = 1
    """No UID of a line that has the shape of a path is unusable, except by being empty."""
    REGULAR = 2
    """Nor is one irregular, except by its length."""


_STAND_IN = 1
"""Takes the place of bytes that are not ASCII text; no path has it."""
_AS_TEXT = bytes(byte if 0 < byte < 0x80 else _STAND_IN for byte in range(256))


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines and what is known of them before any is looked at.

    Args:
        data: The lines, each ended by a newline.
        lines: How many there are.
        proof: What could be shown of all.
    """

    data: bytes
    lines: int
    proof: Proof

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Count lines and find out what can be shown of them at once."""
        bones = skeleton(data)
        lines = bones.count(b"\n")
        if not holds_only_paths(bones, lines):
            return cls(data, lines, Proof.NONE)
        regular = holds_no_irregular_component(data)
        return cls(data, lines, Proof.REGULAR if regular else Proof.USABLE)


def texts(data: bytes) -> pa.RecordBatch:
    r"""Split whole lines into their texts.

    Args:
        data: Lines, each ended by a newline.

    Returns:
        A row a line with its ``text``: ASCII without line end and byte order mark, in which
        ``\x01`` stands for each byte that is NUL or outside ASCII.
    """
    import pyarrow as pa

    data = _bare(data)
    if b"\0" in data or not data.isascii():
        data = data.translate(_AS_TEXT)
    return pa.record_batch([_split(data).view(pa.string())], ["text"])


def looks(data: bytes) -> pa.RecordBatch:
    """Split whole lines into their texts and say what is to be seen of their bytes.

    Args:
        data: Lines, each ended by a newline.

    Returns:
        A row a line: ``text`` as ``texts`` gives it; ``marks``, the sum of its ``Mark``;
        ``proof``, that of its block.
    """
    block = Block.of(data)
    known = block.proof is not Proof.NONE
    marks = _repeated(0, block.lines) if known else _marks(data)
    proof = _repeated(int(block.proof), block.lines)
    batch = texts(data)
    return batch.append_column("marks", marks).append_column("proof", proof)


def numbered(batches: Iterable[pa.RecordBatch], wrapping: Wrapping) -> Iterator[pa.RecordBatch]:
    """Put the number of its ``line``, from 1, into each row of batches in order.

    Args:
        batches: A row a line.
        wrapping: Its number of lines is counted.

    Yields:
        The batches with one more column.
    """
    for batch in batches:
        numbers = _counting(wrapping.lines + 1, len(batch))
        wrapping.lines += len(batch)
        yield batch.append_column("line", numbers)


def only(wanted: pa.ChunkedArray, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Take some rows out of batches of numbered lines.

    Args:
        wanted: Numbers of lines, in order.
        batches: As ``numbered`` makes them of texts.

    Yields:
        One batch, empty, and then one from each that has any.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = pa.schema([("text", pa.string()), ("line", pa.int64())])
    yield no_rows(schema)
    taken = 0
    for batch in batches:
        first = batch.column("line")[0].as_py()
        left = range(taken, len(wanted))
        count = bisect_left(left, first + len(batch), key=lambda at: wanted[at].as_py())
        if count:
            own = pc.subtract(wanted.slice(taken, count), number(first, "int64"))
            yield batch.take(own.combine_chunks())
        taken += count


def _bare(data: bytes) -> bytes:
    """Take carriage returns off the ends of lines, and byte order marks off their starts."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    if not data.isascii():  # far faster than to look for the mark
        data = (b"\n" + data).replace(b"\n" + codecs.BOM_UTF8, b"\n")[1:]
    return data


def _marks(data: bytes) -> pa.UInt8Array:
    """Look at the bytes of lines of which nothing is known; see ``looks``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lines, bare_lines = _split(data), _split(_bare(data))
    found = {
        Mark.CRLF: pc.ends_with(lines, b"\r"),
        Mark.BOM: pc.starts_with(lines, codecs.BOM_UTF8),
        Mark.NUL: pc.match_substring(lines, b"\0"),
        Mark.NON_ASCII: pc.invert(pc.string_is_ascii(bare_lines.view(pa.string()))),
    }
    marks = _repeated(0, len(lines))
    for mark, there in found.items():
        marks = pc.add(marks, pc.multiply(there.cast(pa.uint8()), number(int(mark), "uint8")))
    return marks


def _split(data: bytes) -> pa.BinaryArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    # Made by hand: pa.array([memoryview]) never lets go of its memory (pyarrow 26).
    offsets = pa.py_buffer(array("i", [0, len(data) - 1]))
    whole = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(data)])
    return pc.split_pattern(whole, b"\n").flatten()


def _counting(first: int, count: int) -> pa.Int64Array:
    import numpy as np

    return column_of(np.arange(first, first + count, dtype=np.int64))


def _repeated(value: int, count: int) -> pa.UInt8Array:
    import numpy as np

    return column_of(np.full(count, value, np.uint8))
