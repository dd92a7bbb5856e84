"""Text as Python values of GoogleSQL types, in the forms GoogleSQL reads.

Source: GoogleSQL reference, "Data types", canonical formats, and "Conversion rules".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import TYPE_CHECKING

from dicomfilter.googlesql.types import zone_clocks
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
NUMERIC_SCALE = 9
_NUMERIC_LIMIT = Decimal(10) ** 29
_DIGITS = 100
"""More than any NUMERIC and any literal that could become one has."""
_FARTHEST_ZONE = timedelta(hours=14)

_DATE = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
_TIME = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2}):(?P<second>[0-9]{1,2})"
    r"(?:\.(?P<fraction>[0-9]{1,6}))?"
)
_AHEAD = r"(?P<sign>[+-])(?P<zone_hour>[0-9]{1,2})(?::(?P<zone_minute>[0-9]{2}))?"
_ZONE_NAME = r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){1,2}"
_ZONE = rf"[Zz]| UTC|(?: UTC)?{_AHEAD}| (?P<zone>{_ZONE_NAME})"
_DATE_ONLY = re.compile(_DATE)
_TIME_ONLY = re.compile(_TIME)
_DATETIME = re.compile(f"{_DATE}(?:[ Tt]{_TIME})?")
_TIMESTAMP = re.compile(f"{_DATE}(?:[ Tt]{_TIME}(?:{_ZONE})?)?")
_INTEGER = re.compile(r"[+-]?(?:[0-9]+|0[xX][0-9a-fA-F]+)")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_FLOAT = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity|nan))"
)


def read(kind: Kind, text: str) -> object:
    """Read a value of a type without parts.

    Args:
        kind: Its type.
        text: As GoogleSQL's CAST from STRING reads it, without space around.

    Returns:
        A Python value as `dicomfilter.googlesql.types.parameters.Parameter` holds it.

    Raises:
        ValueError: The text is no such value, or not in the type's range.

    >>> read(Kind.DATE, "2020-2-9")
    datetime.date(2020, 2, 9)
    """
    reader = _READERS.get(kind)
    if reader is None:
        raise ValueError(f"there are no {kind} values in text")
    return reader(text)


def read_number(kind: Kind, number: Decimal | float) -> int | float | Decimal:
    """Convert a number, without loss where the type is exact.

    Raises:
        ValueError: The type cannot hold it.
    """
    if kind is Kind.FLOAT64:
        converted = float(number)
        if converted in (float("inf"), float("-inf")):
            raise ValueError("out of range")
        return converted
    exact = Decimal(str(number)) if isinstance(number, float) else Decimal(number)
    if kind is Kind.INT64:
        if exact != exact.to_integral_value() or not INT64_MIN <= exact <= INT64_MAX:
            raise ValueError("out of range")
        return int(exact)
    with localcontext(prec=_DIGITS):
        exponent = exact.normalize().as_tuple().exponent
        large = abs(exact) >= _NUMERIC_LIMIT
    if large or not isinstance(exponent, int) or -exponent > NUMERIC_SCALE:
        raise ValueError("out of range")
    return exact


def to_nine_places(number: Decimal) -> Decimal:
    """Round as a NUMERIC does, halves away from zero.

    >>> to_nine_places(Decimal("120.50000000001"))
    Decimal('120.500000000')
    """
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or number.adjusted() >= _DIGITS // 2:
        return number
    with localcontext(prec=_DIGITS):
        return number.quantize(Decimal(1).scaleb(-NUMERIC_SCALE), ROUND_HALF_UP)


def _string(text: str) -> str:
    return text


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text) or len(text) > 400:
        raise ValueError("not an integer")
    value = int(text, 16 if "x" in text.lower() else 10)
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("out of range")
    return value


def _float(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise ValueError("not a number")
    return float(text)


def _numeric(text: str) -> int | float | Decimal:
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a number")
    try:
        return read_number(Kind.NUMERIC, Decimal(text))
    except InvalidOperation as error:
        raise ValueError("not a number") from error


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("neither true nor false")
    return text.lower() == "true"


def _json(text: str) -> str:
    json.loads(text)
    return text


def _match(pattern: re.Pattern[str], text: str) -> dict[str, str | None]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError("not of that form")
    return match.groupdict()


def _date(text: str) -> date:
    return _make_date(_match(_DATE_ONLY, text))


def _time(text: str) -> time:
    return _make_time(_match(_TIME_ONLY, text))


def _datetime(text: str) -> datetime:
    parts = _match(_DATETIME, text)
    return datetime.combine(_make_date(parts), _make_time(parts))


def _timestamp(text: str) -> datetime:
    parts = _match(_TIMESTAMP, text)
    at = datetime.combine(_make_date(parts), _make_time(parts))
    if parts["zone"]:
        return zone_clocks.instant(at, parts["zone"])
    ahead = timedelta()
    if parts["sign"]:
        hours, minutes = int(parts["zone_hour"] or 0), int(parts["zone_minute"] or 0)
        ahead = timedelta(hours=hours, minutes=minutes)
        if minutes > 59 or ahead > _FARTHEST_ZONE:
            raise ValueError("no such time zone")
    try:
        return (at + ahead if parts["sign"] == "-" else at - ahead).replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error


def _make_date(parts: dict[str, str | None]) -> date:
    return date(int(parts["year"] or 0), int(parts["month"] or 0), int(parts["day"] or 0))


def _make_time(parts: dict[str, str | None]) -> time:
    fraction = (parts["fraction"] or "").ljust(6, "0")
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    return time(hour, minute, second, int(fraction))


_READERS: dict[Kind, Callable[[str], object]] = {
    Kind.STRING: _string,
    Kind.BYTES: _bytes,
    Kind.INT64: _integer,
    Kind.FLOAT64: _float,
    Kind.NUMERIC: _numeric,
    Kind.BOOL: _bool,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.DATETIME: _datetime,
    Kind.TIMESTAMP: _timestamp,
    Kind.JSON: _json,
}
