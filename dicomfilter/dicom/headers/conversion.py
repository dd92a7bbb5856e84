"""A stored value as what its column holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dicomfilter.dicom.headers.element_columns import KINDS, Kind
from dicomfilter.dicom.headers.element_values import (
    INTEGERS,
    clock,
    day,
    decimal,
    instant,
    is_number,
    numbers,
    person,
    texts,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.dicom.headers.charsets import Charset

_READERS: dict[Kind, Callable[[str], Any]] = {
    Kind.PERSON: person,
    Kind.DATE: day,
    Kind.TIME: clock,
    Kind.INSTANT: instant,
    Kind.INTEGER: whole_number,
    Kind.FLOAT: decimal,
}
_WRITTEN = frozenset(vr.encode() for vr in KINDS if vr != "SQ" and not is_number(vr.encode()))
WHOLE_NUMBERS = frozenset(vr.encode() for vr, kind in KINDS.items() if kind is Kind.INTEGER)
"""Value representations of integers, and of tags."""


def converted(kind: Kind, vr: bytes, value: bytes, charset: Charset, *, little: bool) -> list[Any]:
    r"""Convert a value into what its column holds.

    The column is the standard's, whatever representation the file gives: numbers are taken as
    text and text as numbers where that loses nothing.

    Args:
        kind: What the column holds.
        vr: Value representation.
        value: As stored.
        charset: The character set of text.
        little: Whether numbers are in little-endian order.

    Returns:
        The values; none where there is only padding.

    Raises:
        UnicodeError: It is not in the character set.
        ValueError: It cannot be converted.
        OverflowError: Likewise.
        struct.error: Likewise.

    >>> from dicomfilter.dicom.headers.charsets import DEFAULT
    >>> converted(Kind.TEXT, b"DS", b"0.5\\0.5 ", DEFAULT, little=True)
    ['0.5', '0.5']
    >>> converted(Kind.INTEGER, b"IS", b" 12", DEFAULT, little=True)
    [12]
    """
    if is_number(vr):
        return _numbers(kind, vr, numbers(vr, value, little=little))
    if vr not in _WRITTEN:
        raise ValueError
    written = texts(vr, value, charset)
    if kind is Kind.TEXT:
        return written if len(written) > 1 or written[0] else []
    read = _READERS[kind]
    return [made for text in written if text and (made := read(text)) is not None]


def _numbers(kind: Kind, vr: bytes, found: tuple[float, ...]) -> list[Any]:
    if kind is Kind.INTEGER:
        whole = [int(number) for number in found]
        if any(a != b or a not in INTEGERS for a, b in zip(whole, found, strict=True)):
            raise ValueError
        return whole
    if kind is Kind.FLOAT:
        return [float(number) for number in found]
    if kind is not Kind.TEXT:
        raise ValueError
    if vr == b"AT":
        return [f"({int(tag) >> 16:04X},{int(tag) & 0xFFFF:04X})" for tag in found]
    return [str(number) for number in found]
