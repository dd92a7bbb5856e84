"""The parts of dates and times: their names, and which of them stands where.

Source: GoogleSQL reference, "Date functions", "Time functions", "Datetime functions" and
"Timestamp functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.reader import at, start
from dicomfilter.googlesql.types.words import CALENDAR, CLOCK
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

WEEKDAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
WEEKS = {"WEEK": 0, "ISOWEEK": 1, **{f"WEEK({day})": n for n, day in enumerate(WEEKDAYS)}}
"""The kinds of weeks, with the day that each begins with, Sunday as 0."""
_COARSE = (*WEEKS, "MONTH", "QUARTER", "YEAR", "ISOYEAR")
_OF_DAY = ("DAY", *_COARSE)
_READ = ("YEAR", "ISOYEAR", "QUARTER", "MONTH", *WEEKS, "DAY", "DAYOFWEEK", "DAYOFYEAR")

SHIFTED: Mapping[Kind, Collection[str]] = {
    Kind.DATE: CALENDAR,
    Kind.DATETIME: (*CLOCK, *CALENDAR),
    Kind.TIMESTAMP: (*CLOCK, "DAY"),
    Kind.TIME: CLOCK,
}
"""By type, the units of ``*_ADD`` and ``*_SUB``."""
COUNTED: Mapping[Kind, Collection[str]] = {
    Kind.DATE: _OF_DAY,
    Kind.DATETIME: (*CLOCK, *_OF_DAY),
    Kind.TIMESTAMP: (*CLOCK, "DAY"),
    Kind.TIME: CLOCK,
}
"""By type, the units of ``*_DIFF``."""
CUT: Mapping[Kind, Collection[str]] = {
    Kind.DATE: _OF_DAY,
    Kind.DATETIME: (*CLOCK, *_OF_DAY),
    Kind.TIMESTAMP: (*CLOCK, *_OF_DAY),
    Kind.TIME: CLOCK,
}
"""By type, the units of ``*_TRUNC``."""
ENDED: Mapping[Kind, Collection[str]] = {Kind.DATE: _COARSE, Kind.DATETIME: _COARSE}
"""By type, the units of LAST_DAY."""
EXTRACTED: Mapping[Kind, Collection[str]] = {
    Kind.DATE: _READ,
    Kind.DATETIME: (*_READ, *CLOCK, "DATE", "TIME"),
    Kind.TIMESTAMP: (*_READ, *CLOCK, "DATE", "TIME", "DATETIME"),
    Kind.TIME: CLOCK,
}
"""By type, the parts of EXTRACT."""


def read(node: exp.Expr, what: str, allowed: Collection[str], of: Kind) -> exp.Expr:
    """Read the name of a part, which the parser takes for a column or a call.

    Args:
        node: As parsed.
        what: The function, for the message.
        allowed: The parts that may stand here.
        of: The type of the function's argument.

    Returns:
        The part.

    Raises:
        PredicateError: There is no such part, or it may not stand here.
    """
    name = ""
    if isinstance(node, exp.Var | exp.Column):
        name = node.name.upper()
    elif isinstance(node, exp.Anonymous) and len(node.expressions) == 1:
        name = f"{node.name.upper()}({node.expressions[0].name.upper()})"
    if name not in allowed:
        known = any(name in table.get(of, ()) for table in (SHIFTED, CUT, EXTRACTED))
        message = (
            f"{what} does not support the {name} date part when the argument is {of} type"
            if known or name in (*CLOCK, *_OF_DAY)
            else f"A valid date part name is required but found {name or 'something else'}"
        )
        shown = [part for part in allowed if not part.startswith("WEEK(")]
        raise PredicateError(message, offset=start(node), hint=f"use {', '.join(shown)}")
    part = exp.Var(this=name)
    offset = start(node)
    return part if offset is None else at(part, offset)
