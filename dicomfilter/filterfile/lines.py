"""Blocks of lines as Arrow batches: what a line holds as text, and what was seen of its bytes."""

from __future__ import annotations

import codecs
from array import array
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING

from dicomfilter.filterfile.proofs import holds_no_irregular_component, holds_only_paths

if TYPE_CHECKING:
    import pyarrow as pa

    from dicomfilter.filterfile.chunks import Chunk


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
_AS_TEXT = bytes(byte if 0 < byte < 0x80 else _STAND_IN for byte in range(256))  # noqa: PLR2004 -- ASCII


def proof_of(chunk: Chunk) -> Proof:
    """Find out what can be shown of a whole block at once."""
    if not holds_only_paths(chunk.bones, chunk.lines):
        return Proof.NONE
    return Proof.REGULAR if holds_no_irregular_component(chunk.data) else Proof.USABLE


def line_schema() -> pa.Schema:
    """Describe the batches that ``line_batch`` makes."""
    import pyarrow as pa

    return pa.schema(
        [
            ("line", pa.int64()),
            ("marks", pa.uint8()),
            ("proof", pa.uint8()),
            ("text", pa.string()),
        ]
    )


def line_batch(chunk: Chunk, proof: Proof) -> pa.RecordBatch:
    r"""Split a block into lines.

    Args:
        chunk: The block.
        proof: What is known of it.

    Returns:
        A row a line: ``line``, its number; ``marks``, the sum of its ``Mark``; ``proof``; and
        ``text``, ASCII without line end and byte order mark, in which ``\x01`` stands for each
        byte that is NUL or outside ASCII.
    """
    import pyarrow as pa

    if proof is Proof.NONE:
        text, marks = _marked(chunk.data)
    else:
        text = _split(chunk.data).view(pa.string())
        marks = _repeated(0, chunk.lines, pa.uint8())
    columns = [
        _counting(chunk.first_line, chunk.lines),
        marks,
        _repeated(int(proof), chunk.lines, pa.uint8()),
        text,
    ]
    return pa.record_batch(columns, schema=line_schema())


def _split(data: bytes) -> pa.BinaryArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    # Made by hand: pa.array([memoryview]) never lets go of its memory (pyarrow 26).
    offsets = pa.py_buffer(array("i", [0, len(data) - 1]))
    whole = pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(data)])
    return pc.split_pattern(whole, b"\n").flatten()


def _counting(first: int, count: int) -> pa.Int64Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.add(pc.cumulative_sum(_repeated(1, count, pa.int64())), first - 1)


def _repeated(value: int, count: int, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    return pa.repeat(pa.scalar(value, kind), count)


def _marked(data: bytes) -> tuple[pa.StringArray, pa.UInt8Array]:
    """Look at the bytes of lines of which nothing is known; see ``line_batch``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bare = b"\n" + data.replace(b"\r\n", b"\n")
    bare = bare.replace(b"\n" + codecs.BOM_UTF8, b"\n")[1:]
    lines, bare_lines = _split(data), _split(bare)
    found = {
        Mark.CRLF: pc.ends_with(lines, b"\r"),
        Mark.BOM: pc.starts_with(lines, codecs.BOM_UTF8),
        Mark.NUL: pc.match_substring(lines, b"\0"),
        Mark.NON_ASCII: pc.invert(pc.string_is_ascii(bare_lines.view(pa.string()))),
    }
    marks = _repeated(0, len(lines), pa.uint8())
    for mark, there in found.items():
        marks = pc.add(marks, pc.multiply(there.cast(pa.uint8()), pa.scalar(int(mark), pa.uint8())))
    return _split(bare.translate(_AS_TEXT)).view(pa.string()), marks
