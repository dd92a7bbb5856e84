"""Query parameters: named, typed, bound; never formatted into SQL."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import singledispatch
from typing import TYPE_CHECKING, Self

from dicomfilter.errors import ParameterError, UsageError
from dicomfilter.googlesql.types import values
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NULL = "NULL"
CURRENT_DATE = "current_date"
"""What queries call the date of the run; no parameter of a person's may be called that."""


class Origin(StrEnum):
    """Where a parameter comes from."""

    USER = "user"
    """Given by name, as with ``--param``."""
    LITERAL = "literal"
    """A literal of a predicate, lifted when it was checked."""
    CLOCK = "clock"
    """The date of the run, bound when the query runs so that a replay can bind it again."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named, typed value of a query; ``str()`` and ``parse()`` are inverses.

    Args:
        name: Without ``@``.
        type: Its GoogleSQL type.
        value: A Python value of that type (str, int, float, bool, bytes, decimal.Decimal,
            datetime.date, time, naive datetime for DATETIME, aware for TIMESTAMP, a tuple for an
            ARRAY), or None for NULL and for a parameter that is not bound yet. Not in the
            ``repr``, as it may be a patient's.
        origin: Where it comes from.
        is_public: Whether it is nothing of a patient's, and is always recorded.
    """

    name: str
    type: SqlType
    value: object = field(default=None, repr=False)
    origin: Origin = Origin.USER
    is_public: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a parameter as ``bq query --parameter`` takes it.

        Args:
            text: ``name:TYPE:value``. An empty type is STRING; an ARRAY's value is a JSON list;
                ``NULL`` is NULL except for a STRING, where it is those four letters; everything
                behind the second colon is the value.

        Returns:
            The parameter.

        Raises:
            ParameterError: Another shape, no such type, or no value of the type.

        >>> Parameter.parse("n:INT64:10").value
        10
        >>> Parameter.parse("start::2021-01-31").type.kind
        <Kind.STRING: 'STRING'>
        """
        name, first, rest = text.partition(":")
        type_text, second, value = rest.partition(":")
        if not first or not second or not _NAME.fullmatch(name):
            raise ParameterError(
                f"{text!r} is not a parameter",
                hint="write name:TYPE:value, as in n:INT64:10 or patient_id::19045",
            )
        try:
            of = SqlType.parse(type_text or Kind.STRING)
        except UsageError as error:
            raise ParameterError(f"@{name}: {error.message}", hint=error.hint) from error
        try:
            return cls(name, of, _read(of, value))
        except ValueError as error:
            raise ParameterError(
                f"@{name}: {value!r} is not of type {of}: {error}", hint=_EXAMPLES.get(of.kind)
            ) from error

    @classmethod
    def of(cls, name: str, value: object) -> Self:
        """Make a parameter of a Python value, with the type that goes with it.

        Args:
            name: Without ``@``.
            value: As `Parameter` holds it, or a list or set of such.

        Returns:
            The parameter.

        Raises:
            ParameterError: No GoogleSQL name, or no GoogleSQL type holds the value.

        >>> str(Parameter.of("ids", ["19045", "19046"]).type)
        'ARRAY<STRING>'
        """
        if not _NAME.fullmatch(name):
            raise ParameterError(f"{name!r} is not a parameter's name", hint="use letters and _")
        if isinstance(value, list | tuple | set | frozenset):
            items = tuple(value)
            types = {_type_of(name, item) for item in items} or {SqlType(Kind.STRING)}
            if len(types) > 1:
                found = ", ".join(sorted(map(str, types)))
                raise ParameterError(
                    f"@{name} mixes {found}", hint="give all values of a list the same type"
                )
            return cls(name, SqlType(Kind.ARRAY, types.pop()), items)
        return cls(name, _type_of(name, value), value)

    def __str__(self) -> str:
        return f"{self.name}:{self.type}:{_write(self.type, self.value)}"


def bind(parameters: Iterable[Parameter], *, today: date) -> dict[str, object]:
    """Give the values of parameters as DuckDB takes them by name.

    Args:
        parameters: Those of a checked query.
        today: The date of the run, in UTC.

    Returns:
        Values by name; an array is a list.
    """
    bound: dict[str, object] = {}
    for parameter in parameters:
        value = today if parameter.origin is Origin.CLOCK else parameter.value
        bound[parameter.name] = list(value) if isinstance(value, tuple) else value
    return bound


def require_used(given: Iterable[Parameter], used: Iterable[Parameter]) -> None:
    """Make sure that no given parameter is left over: it is most often misspelt.

    Args:
        given: What the user gave.
        used: What the checked conditions and queries name.

    Raises:
        ParameterError: One is not used.
    """
    names = {parameter.name.lower() for parameter in used}
    unused = [parameter.name for parameter in given if parameter.name.lower() not in names]
    if unused:
        plural = "s" if len(unused) > 1 else ""
        raise ParameterError(
            f"unused parameter{plural}: {', '.join('@' + name for name in unused)}",
            hint=f"write @{unused[0]} where the value belongs, or leave the parameter out",
        )


_EXAMPLES = {
    Kind.INT64: "write a whole number as 10",
    Kind.FLOAT64: "write a number as 2.5",
    Kind.NUMERIC: "write a number as 2.5",
    Kind.DATE: "write a date as 2021-01-31",
    Kind.TIME: "write a time as 08:30:00",
    Kind.DATETIME: "write a date and time as 2021-01-31 08:30:00",
    Kind.TIMESTAMP: "write a point in time as 2021-01-31 08:30:00+00",
    Kind.BOOL: "write true or false",
    Kind.ARRAY: 'write a JSON list, as in ["CT", "MR"]',
    Kind.BYTES: "write bytes in base64",
}


def _read(of: SqlType, text: str) -> object:
    if of.kind is Kind.ARRAY and of.element is not None:
        items = json.loads(text, parse_float=str, parse_int=str)
        if not isinstance(items, list):
            raise ValueError("not a JSON list")
        return tuple(_read_item(of.element, item) for item in items)
    if text == _NULL and of.kind is not Kind.STRING:
        return None
    return values.read(of.kind, text)


def _read_item(of: SqlType, item: object) -> object:
    if isinstance(item, bool):
        item = str(item)
    if not isinstance(item, str):
        raise ValueError("an array holds plain values, and no NULL")  # noqa: TRY004 - of the text
    return values.read(of.kind, item)


def _write(of: SqlType, value: object) -> str:
    if value is None:
        return _NULL
    if of.element is not None and isinstance(value, tuple):
        return json.dumps([_write(of.element, item) for item in value], ensure_ascii=False)
    return _text(value)


@singledispatch
def _text(value: object) -> str:
    """Write a value as `values.read` reads it."""
    return str(value)


@_text.register
def _(value: bool) -> str:  # noqa: FBT001 - it is the value
    return str(value).lower()


@_text.register
def _(value: bytes) -> str:
    return base64.b64encode(value).decode()


@_text.register(date)
@_text.register(time)
def _(value: date | time) -> str:
    return value.isoformat()


@_text.register
def _(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat(" ")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ") + "+00"


_PYTHON_KINDS: tuple[tuple[type, Kind], ...] = (
    (str, Kind.STRING),
    (bool, Kind.BOOL),
    (int, Kind.INT64),
    (float, Kind.FLOAT64),
    (Decimal, Kind.NUMERIC),
    (bytes, Kind.BYTES),
    (datetime, Kind.DATETIME),
    (date, Kind.DATE),
    (time, Kind.TIME),
)
"""In an order in which a subclass stands before its base."""


def _type_of(name: str, value: object) -> SqlType:
    kind = next((kind for of, kind in _PYTHON_KINDS if isinstance(value, of)), None)
    if kind is None:
        raise ParameterError(
            f"@{name}: GoogleSQL has no type for a {type(value).__name__}",
            hint="give text, a number, a date, or a list of one of these",
        )
    if isinstance(value, datetime) and value.tzinfo is not None:
        kind = Kind.TIMESTAMP
    if isinstance(value, int | Decimal) and kind in (Kind.INT64, Kind.NUMERIC):
        try:
            values.read_number(kind, value)
        except ValueError as error:
            raise ParameterError(f"@{name}: {value} is out of the range of {kind}") from error
    return SqlType(kind)
