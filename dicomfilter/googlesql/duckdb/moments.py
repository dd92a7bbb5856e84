"""What makes dates and times: of parts, each other, text, counts of seconds."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import nodes, temporal_casts
from dicomfilter.googlesql.duckdb.instants import (
    FIRST_US,
    LAST_US,
    US,
    micros,
    outside,
    outside_numbers,
    plus,
    within,
)
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Translate = Callable[[exp.Expr], exp.Expr]

_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""The first and last day of GoogleSQL, in days since 1970."""


def _make(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate DATE(...), TIME(...), DATETIME(...), TIMESTAMP(...), STRING(...)."""
    to, given = kinds.of(node), node.expressions
    assert to is not None  # noqa: S101 - a checked call has its type
    values = [translate(argument) for argument in given]
    if len(given) >= 3:
        return _of_numbers(values, to)
    of = kinds.of(given[0])
    assert of is not None  # noqa: S101 - by its check
    if len(given) == 2 and kinds.kind(given[1]) is Kind.TIME:
        return exp.Paren(this=exp.Add(this=nodes.wrap(values[0]), expression=nodes.wrap(values[1])))
    if of.kind is Kind.STRING:
        return temporal_casts.cast(values[0], of, to, safe=False)
    return temporal_casts.convert(values[0], of, to, given[1].name if len(given) == 2 else "UTC")


def _of_numbers(values: Sequence[exp.Expr], to: SqlType) -> exp.Expr:
    """Make a date or time of numbers, of which the seconds may be 60."""
    unknown = nodes.either(*(nodes.is_null(value.copy()) for value in values))
    problems: list[exp.Expr] = []
    calendar = values[:-3] if to.kind is Kind.DATETIME else values
    result: exp.Expr | None = None
    if to.kind is not Kind.TIME:
        year, month, day = calendar
        first = nodes.call("make_date", year.copy(), month.copy(), nodes.number(1))
        days = nodes.call("day", nodes.call("last_day", first))
        problems += [
            outside_numbers(year, 1, 9999),
            outside_numbers(month, 1, 12),
            outside(day, nodes.number(1), days),
        ]
        result = nodes.call("make_date", *calendar)
    if to.kind is not Kind.DATE:
        clock = values[-3:]
        problems += [
            outside_numbers(value, 0, most) for value, most in zip(clock, (23, 59, 60), strict=True)
        ]
        hour, minute, second = (
            nodes.operate(exp.Mul, value, nodes.number(US[unit]))
            for value, unit in zip(clock, ("HOUR", "MINUTE", "SECOND"), strict=True)
        )
        sum_us = nodes.operate(exp.Add, nodes.operate(exp.Add, hour, minute), second)
        span = nodes.call("to_microseconds", sum_us)
        begin = result or nodes.cast(nodes.text("00:00:00"), to)
        result = exp.Paren(this=exp.Add(this=nodes.wrap(begin), expression=span))
    assert result is not None  # noqa: S101 - one of the two
    if to.kind is Kind.DATETIME:
        result = within(result, to)
    failing = [(problem, nodes.error(f"no such {to}", to)) for problem in problems]
    return nodes.case((unknown, nodes.cast(nodes.null(), to)), *failing, default=result)


def _unix(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate UNIX_DATE, UNIX_SECONDS, UNIX_MILLIS and UNIX_MICROS."""
    value = translate(node.expressions[0])
    if node.name == "UNIX_DATE":
        return nodes.operate(exp.Sub, value, nodes.cast(nodes.text("1970-01-01"), kinds.DATE))
    unit = _UNIX_UNITS[node.name]
    if unit == 1:
        return micros(value)
    since_year_1 = plus(micros(value), -FIRST_US)  # never negative, so that // rounds down
    units = nodes.operate(exp.IntDiv, since_year_1, nodes.number(unit))
    return plus(units, FIRST_US // unit)


_UNIX_UNITS = {"UNIX_SECONDS": 1_000_000, "UNIX_MILLIS": 1_000, "UNIX_MICROS": 1}
_FROM_UNITS = {
    "TIMESTAMP_SECONDS": 1_000_000,
    "TIMESTAMP_MILLIS": 1_000,
    "TIMESTAMP_MICROS": 1,
}


def _from_unix(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate DATE_FROM_UNIX_DATE, TIMESTAMP_SECONDS, _MILLIS and _MICROS."""
    of, count = kinds.of(node), translate(node.expressions[0])
    assert of is not None  # noqa: S101 - a checked call has its type
    if of.kind is Kind.DATE:
        low, high = _FIRST_DAY, _LAST_DAY
        result = _days_after_1970(count.copy())
    else:
        unit = _FROM_UNITS[node.name]
        low, high = FIRST_US // unit, LAST_US // unit
        result = nodes.call(
            "make_timestamptz", nodes.operate(exp.Mul, count.copy(), nodes.number(unit))
        )
    problem = nodes.error(f"{node.name} out of range", of)
    return nodes.case((outside_numbers(count, low, high), problem), default=result)


def _days_after_1970(count: exp.Expr) -> exp.Expr:
    """Make a date of a number of days, which must be in range."""
    whole = exp.Cast(this=count, to=exp.DataType(this=exp.DataType.Type.INT))
    return nodes.operate(exp.Add, nodes.cast(nodes.text("1970-01-01"), kinds.DATE), whole)


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    **dict.fromkeys(("DATE", "TIME", "DATETIME", "TIMESTAMP", "STRING"), _make),
    **dict.fromkeys(("UNIX_DATE", *_UNIX_UNITS), _unix),
    **dict.fromkeys(("DATE_FROM_UNIX_DATE", *_FROM_UNITS), _from_unix),
}
"""The functions of this family, by name."""
