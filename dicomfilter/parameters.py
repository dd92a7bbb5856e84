"""Query parameters: named, typed, bound; never formatted into SQL."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dicomfilter.schema import SqlType


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
    """A named, typed value of a query.

    Args:
        name: Without ``@``.
        type: Its GoogleSQL type.
        value: A Python value of that type (str, int, float, bool, bytes, decimal.Decimal,
            datetime.date, time, naive datetime for DATETIME, aware for TIMESTAMP, a tuple for an
            ARRAY), or None for NULL and for a parameter that is not bound yet.
        origin: Where it comes from.
    """

    name: str
    type: SqlType
    value: object = None
    origin: Origin = Origin.USER
