"""Arithmetic with dates and times, and their parts, as GoogleSQL has them.

DuckDB makes timestamps of dates, counts weekdays from 0 and boundaries instead of elapsed time,
and knows years far outside of 1 to 9999.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import zones
from dicomfilter.googlesql.check.date_parts import WEEKS
from dicomfilter.googlesql.check.dates import IN_ZONE
from dicomfilter.googlesql.duckdb import instants, nodes
from dicomfilter.googlesql.duckdb.instants import FIRST_US, LAST_US, US, micros, plus
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_FIRST = "0001-01-01"
"""The first day of GoogleSQL, a Monday."""
_UNITS = {
    "DAY": ("to_days", 3_652_058),
    "WEEK": ("to_weeks", 521_722),
    "MONTH": ("to_months", 119_987),
    "QUARTER": ("to_quarters", 39_995),
    "YEAR": ("to_years", 9_998),
}
"""DuckDB's intervals, and how many of them GoogleSQL's range has at most."""
_PARTS = {
    "YEAR": "year",
    "ISOYEAR": "isoyear",
    "QUARTER": "quarter",
    "MONTH": "month",
    "ISOWEEK": "weekofyear",
    "DAY": "day",
    "DAYOFYEAR": "dayofyear",
    "HOUR": "hour",
    "MINUTE": "minute",
    "SECOND": "second",
}
_CIVIL = {Kind.DATETIME, Kind.DATE, Kind.TIME}


def _int(node: exp.Expr) -> exp.Expr:
    return exp.Cast(this=node, to=exp.DataType(this=exp.DataType.Type.INT))


def _first_day() -> exp.Expr:
    return nodes.cast(nodes.text(_FIRST), kinds.DATE)


def _type_of(node: exp.Expr) -> SqlType:
    of = kinds.of(node)
    assert of is not None  # noqa: S101 - a checked argument has its type
    return of


def extract(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Take a part of a date or time (S12).

    Args:
        node: The checked EXTRACT.
        translate: Translates its argument.

    Returns:
        DuckDB's tree: a week begins with Sunday as 1, in DuckDB as 0, and milliseconds do not
        contain the seconds.
    """
    part, of = node.this.name, _type_of(node.expression)
    if IN_ZONE in node.meta and part != "DATE":  # of the years 0 and 10000 too
        moment, zone = node.expression.expressions
        value = instants.civil(translate(moment), zone.name)
    else:
        value = translate(node.expression)
    if of.kind is Kind.TIMESTAMP:
        value = instants.civil(value)
    if part in ("DATE", "TIME", "DATETIME"):
        return nodes.cast(value, SqlType(Kind(part)))
    if part == "DAYOFWEEK":
        return plus(nodes.call("dayofweek", value), 1)
    if part in ("MILLISECOND", "MICROSECOND"):
        modulus = nodes.number(1_000_000 // US[part])
        return nodes.operate(exp.Mod, nodes.call(part.lower(), value), modulus)
    if part in _PARTS:
        return nodes.call(_PARTS[part], value)
    # the weeks of a year: the first begins with the first day that begins weeks
    weekday = nodes.call("dayofweek", value.copy())
    since = nodes.operate(exp.Mod, plus(weekday, 7 - WEEKS[part]), nodes.number(7))
    before = nodes.operate(exp.Sub, plus(nodes.call("dayofyear", value), 6), since)
    return nodes.operate(exp.IntDiv, before, nodes.number(7))


def _shift(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Move a date or time; a DATE stays one (S08), and leaving the calendar is an error."""
    value, span = node.expressions
    of, unit = _type_of(value), span.args["unit"].name
    sign = exp.Add if node.name.endswith("_ADD") else exp.Sub
    moved, count = translate(value), translate(span.this)
    if of.kind is Kind.TIME:
        return _turned(moved, count, unit, sign)
    if unit in US and not (unit == "DAY" and of.kind in _CIVIL):
        return _moved_exactly(moved, count, US[unit], of=of, sign=sign)
    name, most = _UNITS[unit]
    distance = _int(_bounded(count, most))
    if of.kind is Kind.DATE and unit in ("DAY", "WEEK"):
        days = distance if unit == "DAY" else nodes.operate(exp.Mul, distance, nodes.number(7))
        result = nodes.operate(sign, moved.copy(), days)
    else:
        result = nodes.operate(sign, moved.copy(), nodes.call(name, distance))
    return nodes.case(
        (_is_too_far(moved, count, most), nodes.error(f"{of} out of range", of)),
        default=instants.within(result, of, instead=nodes.cast(result, of)),
    )


def _is_too_far(value: exp.Expr, count: exp.Expr, most: int) -> exp.Expr:
    far = instants.outside_numbers(count, -most, most)
    return nodes.both(far, nodes.negation(nodes.is_null(value.copy())))


def _bounded(count: exp.Expr, most: int) -> exp.Expr:
    """Turn a number that is too far into NULL, which no conversion fails on."""
    near = exp.Between(
        this=nodes.wrap(count.copy()), low=exp.Neg(this=nodes.number(most)), high=nodes.number(most)
    )
    return nodes.case((near, count.copy()))


def _moved_exactly(
    value: exp.Expr, count: exp.Expr, unit: int, *, of: SqlType, sign: type[exp.Expr]
) -> exp.Expr:
    most = (LAST_US - FIRST_US) // unit
    distance = nodes.operate(exp.Mul, _bounded(count, most), nodes.number(unit))
    result = nodes.operate(sign, micros(value.copy()), distance)
    problem = nodes.error(f"{of} out of range", of)
    make = "make_timestamptz" if of.kind is Kind.TIMESTAMP else "make_timestamp"
    return nodes.case(
        (_is_too_far(value, count, most), problem),
        (instants.outside_numbers(result, FIRST_US, LAST_US), problem.copy()),
        default=nodes.call(make, result),
    )


def _turned(value: exp.Expr, count: exp.Expr, unit: str, sign: type[exp.Expr]) -> exp.Expr:
    """Move a time of day, which begins anew after midnight."""
    a_day = nodes.number(US["DAY"] // US[unit])
    rest = nodes.operate(exp.Mod, count, a_day)
    span = nodes.call("to_microseconds", nodes.operate(exp.Mul, rest, nodes.number(US[unit])))
    return nodes.operate(sign, value, span)


def _difference(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Count boundaries between two values; of a TIMESTAMP, what has elapsed (S14)."""
    first, second, part = node.expressions
    of, unit = _type_of(first), part.name
    left, right = translate(first), translate(second)
    if of.kind is Kind.TIMESTAMP:
        elapsed = nodes.operate(exp.Sub, micros(left), micros(right))
        return nodes.operate(exp.IntDiv, elapsed, nodes.number(US[unit]))
    if unit in US and unit != "DAY":
        # from the year 1 on, so that // rounds down
        begin = 0 if of.kind is Kind.TIME else -FIRST_US
        counts = [
            nodes.operate(exp.IntDiv, plus(micros(value), begin), nodes.number(US[unit]))
            for value in (left, right)
        ]
        return nodes.operate(exp.Sub, *counts)
    if of.kind is Kind.DATETIME:
        left, right = (nodes.cast(value, kinds.DATE) for value in (left, right))
    if unit == "DAY":
        return nodes.operate(exp.Sub, left, right)
    if unit in WEEKS:
        return nodes.operate(exp.Sub, _weeks(left, unit), _weeks(right, unit))
    if unit == "ISOYEAR":
        return nodes.operate(exp.Sub, nodes.call("isoyear", left), nodes.call("isoyear", right))
    return nodes.call("date_diff", nodes.text(unit.lower()), right, left)


def _days(day: exp.Expr, week: str) -> exp.Expr:
    """Count the days since the week of the year 1 began."""
    since = nodes.operate(exp.Sub, day, _first_day())
    return plus(since, (1 - WEEKS[week]) % 7)


def _weeks(day: exp.Expr, week: str) -> exp.Expr:
    return nodes.operate(exp.IntDiv, _days(day, week), nodes.number(7))


def _week_start(day: exp.Expr, week: str) -> exp.Expr:
    """Find the first day of a week (S13); it may be before the year 1."""
    over = nodes.operate(exp.Mod, _days(day.copy(), week), nodes.number(7))
    return nodes.operate(exp.Sub, day, _int(over))


def _cut(node: exp.Expr, translate: Translate) -> exp.Expr:
    value, part, *zone = node.expressions
    of, unit = _type_of(value), part.name
    whole = translate(value)
    if of.kind is Kind.TIMESTAMP:
        return _cut_moment(whole, unit, zone[0].name if zone else "UTC")
    if of.kind is Kind.TIME:
        midnight = nodes.cast(nodes.text("00:00:00"), of)
        over = nodes.operate(exp.Mod, micros(whole.copy()), nodes.number(US[unit]))
        kept = nodes.call("to_microseconds", nodes.operate(exp.Sub, micros(whole), over))
        return nodes.operate(exp.Add, midnight, kept)
    result = _cut_civil(whole, unit, of)
    return instants.within(result, of) if _may_leave(unit) else result


def _may_leave(unit: str) -> bool:
    """Tell whether the year 1 begins within such a unit; it begins with a Monday."""
    return WEEKS.get(unit, 1) != 1


def _cut_civil(value: exp.Expr, unit: str, of: SqlType) -> exp.Expr:
    """Find where a unit of a date or civil time begins; it may be before the year 1."""
    if unit == "MICROSECOND" or (unit == "DAY" and of.kind is Kind.DATE):
        return value
    if unit in WEEKS:
        day = value if of.kind is Kind.DATE else nodes.cast(value, kinds.DATE)
        begin = _week_start(day, unit)
        return begin if of.kind is Kind.DATE else nodes.cast(begin, of)
    begin = nodes.call("date_trunc", nodes.text(unit.lower()), value)
    return nodes.cast(begin, of) if of.kind is Kind.DATE else begin


def _cut_moment(moment: exp.Expr, unit: str, zone: str) -> exp.Expr:
    of = kinds.TIMESTAMP
    at = instants.civil(moment.copy(), zone)
    begin = _cut_civil(at, unit, kinds.DATETIME)
    if unit in US and unit != "DAY":
        # the clocks may show a time twice: go back by what the clock has gone on
        over = nodes.operate(exp.Sub, micros(at.copy()), micros(begin))
        kept = nodes.operate(exp.Sub, micros(moment), over)
        result = nodes.call("make_timestamptz", kept)
    else:
        result = instants.instant(begin, zone)
    if zones.is_shifted(zone) or _may_leave(unit):
        return instants.within(result, of)
    return result


def _last_day(node: exp.Expr, translate: Translate) -> exp.Expr:
    value = node.expressions[0]
    unit = node.expressions[1].name if len(node.expressions) > 1 else "MONTH"
    day = translate(value)
    if _type_of(value).kind is Kind.DATETIME:
        day = nodes.cast(day, kinds.DATE)
    if unit == "MONTH":
        return nodes.call("last_day", day)
    if unit in WEEKS:
        return instants.within(plus(_week_start(day, unit), 6), kinds.DATE)
    if unit == "ISOYEAR":  # of 52 or 53 weeks: 53 weeks on is in the next one
        begin = nodes.cast(nodes.call("date_trunc", nodes.text("isoyear"), day), kinds.DATE)
        following = nodes.call("date_trunc", nodes.text("isoyear"), plus(begin, 371))
        return instants.within(plus(nodes.cast(following, kinds.DATE), -1), kinds.DATE)
    months = {"QUARTER": 2, "YEAR": 11}[unit]
    begin = nodes.call("date_trunc", nodes.text(unit.lower()), day)
    in_last = nodes.operate(exp.Add, begin, nodes.call("to_months", nodes.number(months)))
    return nodes.call("last_day", in_last)


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    **{f"{of}_{sign}": _shift for of in kinds.TEMPORAL for sign in ("ADD", "SUB")},
    **{f"{of}_DIFF": _difference for of in kinds.TEMPORAL},
    **{f"{of}_TRUNC": _cut for of in kinds.TEMPORAL},
    "LAST_DAY": _last_day,
}
"""The functions of this family, by name."""
