"""What compressed frames say of themselves, read before anything is decoded.

A decoder makes room for what the head of a frame says. It is compared with what the data set says,
so that a kilobyte does not take gigabytes, and a frame of another size is not taken for this one. A
frame that ends in the middle is found here too: decoders fill up what is missing with grey.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

from dicomfilter.dicom.pixels.syntaxes import Coding
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ITEM: Final = b"\xfe\xff\x00\xe0"
_DELIMITER: Final = b"\xfe\xff\xdd\xe0"
_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_START_OF_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_BOXES_BYTES: Final = 1 << 16
"""Within which the codestream begins where it is wrapped into the boxes of a JP2 file."""
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
"""The markers of JPEG and JPEG-LS that begin a frame."""
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Those that no length follows."""
_LEAST_TILE: Final = 1024
"""Pixels of a tile of JPEG 2000; its decoder keeps some kilobytes for each."""
_MOST_RLE: Final = 64
"""Bytes that one of RLE becomes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a frame holds.

    Args:
        rows: Its height.
        columns: Its width.
        samples: How many samples a pixel has.
        bits: How many bits a sample has.
    """

    rows: int
    columns: int
    samples: int
    bits: int

    def __str__(self) -> str:
        return f"{self.rows} x {self.columns} x {self.samples} samples of {self.bits} bits"


def check_items(source: BinaryIO) -> None:
    """Make sure that compressed Pixel Data are whole, as far as their items go.

    Args:
        source: A file at the start of the value, up to its end or to the delimiter after the last
            item; it is there again afterwards.

    Raises:
        SourceError: An item ends behind the file, or is none.
    """
    start = source.tell()
    end = source.seek(0, 2)
    source.seek(start)
    while (head := source.read(8)) and head[:4] != _DELIMITER:
        length = int.from_bytes(head[4:], "little")
        if len(head) < 8 or head[:4] != _ITEM or source.tell() + length > end:
            raise SourceError("its compressed pixels end in the middle, or are none")
        source.seek(length, 1)
    source.seek(start)


def check_frame(frame: bytes, coding: Coding, expected: Shape) -> None:
    """Compare a frame with what the data set says of it.

    Args:
        frame: The compressed frame.
        coding: How it is compressed.
        expected: What the data set says, with Bits Allocated.

    Raises:
        SourceError: It is another, or none, or ends early.
    """
    if coding is Coding.RLE:
        _check_rle(frame, expected)
        return
    found = _SHAPES[coding](frame)
    if found is None:
        raise SourceError(f"its frames are not {coding.value}, as its transfer syntax says")
    fits = found.bits <= max(8, expected.bits)  # single bits come in bytes
    sizes = (found.rows, found.columns, found.samples)
    if sizes != (expected.rows, expected.columns, expected.samples) or not fits:
        raise SourceError(f"a frame has {found} where the data set says {expected}")
    if _EOI not in frame.rstrip(b"\0")[-8:]:
        raise SourceError("a frame ends before its image does")


def shape_of_jpeg(frame: bytes) -> Shape | None:
    """Read the head of JPEG or JPEG-LS; None where it is neither.

    >>> shape_of_jpeg(bytes.fromhex("ffd8 ffe0 0004 0000 ffc0 000b 08 0040 0020 01 00 11 00"))
    Shape(rows=64, columns=32, samples=1, bits=8)
    """
    if not frame.startswith(_SOI):
        return None
    for marker, at in _segments(frame):
        if marker in _FRAMES and len(frame) >= at + 8:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", frame, at + 2)
            return Shape(rows, columns, samples, bits)
    return None


def _segments(frame: bytes) -> Iterator[tuple[int, int]]:
    """Walk over the segments of JPEG; yield each marker and where its length stands."""
    at = len(_SOI)
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        at += 2
        if marker == 0xFF:  # a byte that only fills
            at -= 1
        elif marker not in _ALONE:
            yield marker, at
            at += int.from_bytes(frame[at : at + 2])


def shape_of_jpeg_2000(frame: bytes) -> Shape | None:
    """Read the head of JPEG 2000 or HTJ2K; None where it is neither.

    Source:
        ISO/IEC 15444-1, A.5.1: the SIZ segment.
    """
    start = frame.find(_START_OF_CODESTREAM, 0, _BOXES_BYTES)
    if start < 0 or len(frame) < start + 45:
        return None
    size = struct.unpack_from(">8IH", frame, start + 8)
    width, height, left, top, tile_width, tile_height, _, _, samples = size
    columns, rows = width - left, height - top
    if not tile_width or not tile_height or columns <= 0 or rows <= 0:
        return None
    components = frame[start + 42 : start + 42 + 3 * samples]
    if len(components) < 3 * samples or any(step != 1 for step in _steps(components)):
        return None
    tiles = -(-columns // tile_width) * -(-rows // tile_height)
    if tiles > max(_LEAST_TILE, rows * columns // _LEAST_TILE):
        return None
    bits = max((depth & 0x7F) + 1 for depth in components[::3]) if samples else 0
    return Shape(rows, columns, samples, bits)


def _steps(components: bytes) -> bytes:
    """Give how far apart the samples of components are, across and down."""
    return bytes(step for at, step in enumerate(components) if at % 3)


def _check_rle(frame: bytes, expected: Shape) -> None:
    """Compare the segments of RLE with what they have to hold.

    Source:
        DICOM PS3.5, G.5.
    """
    segments = -(-expected.bits // 8) * expected.samples
    if len(frame) < 64 or int.from_bytes(frame[:4], "little") != segments:
        raise SourceError(f"a frame has no {segments} segments of RLE")
    offsets = struct.unpack_from(f"<{segments}I", frame, 4)
    ends = (*offsets[1:], len(frame))
    for start, end in zip(offsets, ends, strict=True):
        room = (end - start) * _MOST_RLE
        if not 64 <= start <= end <= len(frame) or room < expected.rows * expected.columns:
            raise SourceError("a frame ends before its image does")


_SHAPES: Final[dict[Coding, Callable[[bytes], Shape | None]]] = {
    Coding.JPEG: shape_of_jpeg,
    Coding.JPEG_LOSSLESS: shape_of_jpeg,
    Coding.JPEG_LS: shape_of_jpeg,
    Coding.JPEG_2000: shape_of_jpeg_2000,
    Coding.HTJ2K: shape_of_jpeg_2000,
}
