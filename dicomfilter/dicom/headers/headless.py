"""DICOM data without the head that a file of it has."""

from __future__ import annotations

import struct
from itertools import product
from typing import Final

from dicomfilter.dicom.headers.elements import looks_explicit, standard_vrs
from dicomfilter.dicom.headers.scanning import STANDARD_VRS

_PLACES: Final = (0, 128, 132)
"""Where a data set may begin: at once, and behind a preamble or a head that lacks its letters."""
_LAST_GROUP: Final = 0x0040
"""Data sets begin with a group up to this one."""
_GROUP_LENGTH: Final = 4


def begins_like_dicom(data: bytes) -> bool:
    """Tell whether bytes begin as DICOM does that lacks its head.

    >>> begins_like_dicom(bytes.fromhex("08000500") + b"CS" + bytes([10, 0]) + b"ISO_IR 100")
    True
    >>> begins_like_dicom(b"GIF89a" + bytes(200)), begins_like_dicom(bytes(500))
    (False, False)
    """
    return data[:4] == b"DICM" or any(
        _is_element(data, at, order=order) for at, order in product(_PLACES, "<>")
    )


def _is_element(data: bytes, at: int, *, order: str) -> bool:
    """Tell whether an element is at a place, and another behind it as far as can be seen."""
    if at + 8 > len(data):
        return False
    group, number = struct.unpack_from(f"{order}HH", data, at)
    if group > _LAST_GROUP:
        return False
    if looks_explicit(data, at):
        return data[at + 4 : at + 6] in STANDARD_VRS
    (length,) = struct.unpack_from(f"{order}I", data, at + 4)
    if not number:
        return length == _GROUP_LENGTH  # type: ignore[no-any-return]
    is_known = group << 16 | number in standard_vrs() and length % 2 == 0
    return is_known and _is_followed(data, at + 8 + length, group, order=order)


def _is_followed(data: bytes, at: int, group: int, *, order: str) -> bool:
    """Tell whether a later element may be at a place, or that is far behind what is known."""
    if at + 8 > len(data):
        return at < 1 << 16
    (number,) = struct.unpack_from(f"{order}H", data, at)
    return group <= number <= _LAST_GROUP  # type: ignore[no-any-return]
