"""Dates as GoogleSQL has them; DuckDB makes timestamps, weekdays from 0."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes

_FIRST_DAY, _LAST_DAY = "0001-01-01", "9999-12-31"
_PARTS = {"YEAR": "year", "MONTH": "month", "DAY": "day", "DAYOFWEEK": "dayofweek"}
_UNITS = {
    "DAY": "to_days",
    "WEEK": "to_weeks",
    "MONTH": "to_months",
    "QUARTER": "to_quarters",
    "YEAR": "to_years",
}


def extract(part: str, day: exp.Expr) -> exp.Expr:
    """Take a part of a date; a week begins with Sunday as 1, in DuckDB as 0 (S12)."""
    taken = nodes.call(_PARTS[part], day)
    if part != "DAYOFWEEK":
        return taken
    return exp.Paren(this=exp.Add(this=taken, expression=nodes.number(1)))


def shift(name: str, day: exp.Expr, count: exp.Expr, unit: str) -> exp.Expr:
    """Move a date; it stays a DATE (S08), and leaving the calendar is an error."""
    sign = exp.Add if name == "DATE_ADD" else exp.Sub
    integer = exp.Cast(this=count, to=exp.DataType(this=exp.DataType.Type.INT))
    moved = exp.Paren(this=sign(this=nodes.wrap(day), expression=nodes.call(_UNITS[unit], integer)))
    low, high = (nodes.cast(nodes.text(end), kinds.DATE) for end in (_FIRST_DAY, _LAST_DAY))
    outside = nodes.either(
        nodes.operate(exp.LT, moved.copy(), low), nodes.operate(exp.GT, moved.copy(), high)
    )
    return nodes.case(
        (outside, nodes.error("date out of range", kinds.DATE)),
        default=nodes.cast(moved, kinds.DATE),
    )
