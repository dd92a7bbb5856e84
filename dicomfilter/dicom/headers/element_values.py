"""Values of data elements as the columns of a metadata table hold them."""

from __future__ import annotations

import math
import re
import struct
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dicomfilter.dicom.headers.charsets import Charset

_PADDING = "\0 "
_WHOLE = frozenset((b"ST", b"LT", b"UT", b"UR"))
"""Text in which a backslash parts no values, and blanks at its beginning count."""
_NUMBERS = {
    b"US": "H",
    b"SS": "h",
    b"UL": "I",
    b"SL": "i",
    b"FL": "f",
    b"FD": "d",
}
_ONE = {
    (vr, little): struct.Struct(("<" if little else ">") + code)
    for vr, code in _NUMBERS.items()
    for little in (True, False)
}
NAME_PARTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
NAME_FORMS = ("Alphabetic", "Ideographic", "Phonetic")
_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})|([0-9]{4})[.]([0-9]{2})[.]([0-9]{2})")
_TIME = re.compile(r"([0-9]{2})(?::?([0-9]{2})(?::?([0-9]{2})(?:[.]([0-9]{1,6}))?)?)?")
_INSTANT = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})"
    r"(?:[.]([0-9]{1,6}))?)?)?)?)?)?([+-][0-9]{4})?"
)
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[Ee][+-]?[0-9]+)?")
INTEGERS = range(-(1 << 63), 1 << 63)
"""What a column of integers holds."""
_FURTHEST_EAST, _FURTHEST_WEST = 14 * 60, -12 * 60

Name = dict[str, dict[str, str]]


def texts(vr: bytes, value: bytes, charset: Charset) -> list[str]:
    r"""Give the texts of a value, without what pads them.

    Args:
        vr: Value representation.
        value: As stored.
        charset: The character set.

    Raises:
        UnicodeError: It is not in the character set.

    >>> from dicomfilter.dicom.headers.charsets import DEFAULT
    >>> texts(b"CS", b"ORIGINAL\\PRIMARY ", DEFAULT), texts(b"LT", b" a\\b ", DEFAULT)
    (['ORIGINAL', 'PRIMARY'], [' a\\b'])
    """
    plain = value.isascii() and b"\x1b" not in value
    text = value.decode("ascii") if plain else charset.decode(value)
    if vr in _WHOLE:
        return [text.rstrip(_PADDING)]
    if "\\" in text:
        return [part.strip(_PADDING) for part in text.split("\\")]
    return [text.strip(_PADDING)]


def numbers(vr: bytes, value: bytes, *, little: bool) -> tuple[float, ...]:
    """Give the numbers of a value in binary.

    Args:
        vr: US, SS, UL, SL, FL, FD or AT; a tag is one number.
        value: As stored.
        little: Whether it is in little-endian order.

    Raises:
        struct.error: Its length is no multiple of a number's.

    >>> numbers(b"US", bytes([1, 0, 0, 2]), little=True), numbers(b"AT", b"A0BC", little=False)
    ((1, 512), (1093681731,))
    """
    if vr == b"AT":
        halves = struct.unpack(f"{'<' if little else '>'}{len(value) // 2}H", value)
        if len(halves) % 2:
            raise struct.error
        return tuple(high << 16 | low for high, low in zip(halves[::2], halves[1::2], strict=True))
    one = _ONE[vr, little]
    if len(value) == one.size:
        return one.unpack(value)
    return struct.unpack(f"{'<' if little else '>'}{len(value) // one.size}{_NUMBERS[vr]}", value)


def is_number(vr: bytes) -> bool:
    """Tell whether a value representation is of numbers in binary, or of tags."""
    return vr in _NUMBERS or vr == b"AT"


@lru_cache(maxsize=1 << 14)
def day(text: str) -> date:
    """Read a DA.

    Raises:
        ValueError: It is none.

    >>> day("20210131"), day("2021.01.31")
    (datetime.date(2021, 1, 31), datetime.date(2021, 1, 31))
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError
    year, month, number = (int(part) for part in found.groups() if part is not None)
    return date(year, month, number)


@lru_cache(maxsize=1 << 14)
def clock(text: str) -> time:
    """Read a TM; what it leaves open is 0.

    Raises:
        ValueError: It is none.

    >>> clock("1030"), clock("235959.5")
    (datetime.time(10, 30), datetime.time(23, 59, 59, 500000))
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError
    hour, minute, second, fraction = found.groups()
    return time(int(hour), int(minute or 0), int(second or 0), _microseconds(fraction))


@lru_cache(maxsize=1 << 14)
def instant(text: str) -> datetime:
    """Read a DT: in UTC where it names no zone; what it leaves open is the earliest.

    Raises:
        ValueError: It is none.

    >>> instant("20210131103000.25+0130").isoformat()
    '2021-01-31T09:00:00.250000+00:00'
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError
    year, month, number, hour, minute, second, fraction, offset = found.groups()
    zone = UTC
    if offset is not None:
        sign = -1 if offset[0] == "-" else 1
        east = sign * (int(offset[1:3]) * 60 + int(offset[3:]))
        if not _FURTHEST_WEST <= east <= _FURTHEST_EAST or int(offset[3:]) > 59:
            raise ValueError
        zone = timezone(timedelta(minutes=east))
    local = datetime(
        int(year),
        int(month or 1),
        int(number or 1),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        _microseconds(fraction),
        zone,
    )
    try:
        return local.astimezone(UTC)
    except OverflowError as error:  # before the year 1, or after 9999
        raise ValueError from error


def whole_number(text: str) -> int:
    """Read an IS; Python's own reading takes more for a number.

    Raises:
        ValueError: It is none, or too large for a column.

    >>> whole_number("+12")
    12
    """
    number = int(text) if _WHOLE_NUMBER.fullmatch(text) else None
    if number is None or number not in INTEGERS:
        raise ValueError
    return number


def decimal(text: str) -> float:
    """Read a DS; Python's own reading takes more for a number.

    Raises:
        ValueError: It is none, or too large for a column.

    >>> decimal("1.5E2")
    150.0
    """
    number = float(text) if _DECIMAL.fullmatch(text) else math.inf
    if math.isinf(number):
        raise ValueError
    return number


def person(text: str) -> Name | None:
    """Read a PN.

    Returns:
        Its forms and their parts, as far as they are there; None where there is nothing.

    Raises:
        ValueError: It has more forms or parts than a name has.

    >>> person("Doe^Jane")
    {'Alphabetic': {'FamilyName': 'Doe', 'GivenName': 'Jane'}}
    >>> person("=山田^花子=")
    {'Ideographic': {'FamilyName': '山田', 'GivenName': '花子'}}
    """
    forms: Name = {}
    written = text.rstrip("=").split("=")
    if len(written) > len(NAME_FORMS):
        raise ValueError
    for form, name in zip(NAME_FORMS, written, strict=False):
        parts = name.rstrip("^ ").split("^")
        if len(parts) > len(NAME_PARTS):
            raise ValueError
        found = {
            part: stripped
            for part, given in zip(NAME_PARTS, parts, strict=False)
            if (stripped := given.strip(_PADDING))
        }
        if found:
            forms[form] = found
    return forms or None


def _microseconds(fraction: str | None) -> int:
    return int(fraction.ljust(6, "0")) if fraction else 0
