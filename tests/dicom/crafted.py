"""DICOM files made byte by byte, so that anything can be wrong with them."""

from __future__ import annotations

import struct
import zlib

from dicomfilter.dicom.headers.scanning import _LONG

PREAMBLE = bytes(128) + b"DICM"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
UNDEFINED = 0xFFFFFFFF
UIDS = {0x00080018: "1.2.3.4", 0x0020000D: "1.2.3", 0x0020000E: "1.2.3.1"}


def tag_of(tag: int, order: str = "<") -> bytes:
    """Write a tag."""
    return struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)


def element(
    tag: int,
    vr: bytes,
    value: bytes | str = b"",
    *,
    length: int | None = None,
    implicit: bool = False,
) -> bytes:
    """Write an element, padded to an even length."""
    value = value.encode() if isinstance(value, str) else value
    value += (b"\0" if vr in (b"UI", b"OB", b"UN") else b" ") * (len(value) % 2)
    length = len(value) if length is None else length
    if implicit:
        return tag_of(tag) + struct.pack("<I", length) + value
    if vr in _LONG:
        return tag_of(tag) + vr + struct.pack("<HI", 0, length) + value
    return tag_of(tag) + vr + struct.pack("<H", length) + value


def item(value: bytes) -> bytes:
    """Write an item of a sequence, or a fragment."""
    return tag_of(0xFFFEE000) + struct.pack("<I", len(value)) + value


def words(*numbers: int) -> bytes:
    """Write numbers of 16 bits."""
    return struct.pack(f"<{len(numbers)}H", *numbers)


IMAGE = {
    **{tag: element(tag, b"UI", uid) for tag, uid in UIDS.items()},
    0x00080016: element(0x00080016, b"UI", "1.2.840.10008.5.1.4.1.1.7"),
    0x00280002: element(0x00280002, b"US", words(1)),
    0x00280004: element(0x00280004, b"CS", "MONOCHROME2"),
    0x00280010: element(0x00280010, b"US", words(2)),
    0x00280011: element(0x00280011, b"US", words(2)),
    0x00280100: element(0x00280100, b"US", words(16)),
    0x00280101: element(0x00280101, b"US", words(16)),
    0x00280102: element(0x00280102, b"US", words(15)),
    0x00280103: element(0x00280103, b"US", words(0)),
    0x00400254: element(0x00400254, b"LO", "CHEST"),
    0x7FE00010: element(0x7FE00010, b"OW", words(1, 2, 3, 4)),
}
"""The elements of a small image, by tag."""


def image(changes: dict[int, bytes] | None = None, *, behind: bytes = b"") -> bytes:
    """Write the data set of a small image, with other elements in their places."""
    elements = {**IMAGE, **(changes or {})}
    return b"".join(elements[tag] for tag in sorted(elements)) + behind


def file(body: bytes, *, syntax: str = EXPLICIT) -> bytes:
    """Write the head of a file before a data set."""
    meta = element(0x00020001, b"OB", b"\0\1") + element(0x00020010, b"UI", syntax)
    return PREAMBLE + element(0x00020000, b"UL", struct.pack("<I", len(meta))) + meta + body


def deflated(body: bytes, *, behind: bytes = b"", level: int = 9) -> bytes:
    """Write a file whose data set is deflated."""
    deflater = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return file(deflater.compress(body) + deflater.flush() + behind, syntax=DEFLATED)
