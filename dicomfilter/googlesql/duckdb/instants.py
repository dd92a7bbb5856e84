"""Points in time, their civil times in a zone, and GoogleSQL's range of years.

A TIMESTAMP is reckoned with in microseconds: DuckDB's own ways through its time zones cost ten
times as much. Only a zone with a name needs them.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from sqlglot import exp

from dicomfilter.googlesql.check import zones
from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.zone_clocks import FIRST_YEAR, LAST_YEAR
from dicomfilter.schema import Kind, SqlType

FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and last point in time of GoogleSQL, in microseconds since 1970."""
US = {
    "MICROSECOND": 1,
    "MILLISECOND": 1_000,
    "SECOND": 1_000_000,
    "MINUTE": 60_000_000,
    "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000,
}
"""Units in microseconds."""
_RANGES = {
    Kind.DATE: ("0001-01-01", "9999-12-31"),
    Kind.DATETIME: ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
    Kind.TIMESTAMP: ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"),
}


def plus(node: exp.Expr, number: int) -> exp.Expr:
    """Add a constant, unless it is 0."""
    if number == 0:
        return node
    sign = exp.Add if number > 0 else exp.Sub
    return nodes.operate(sign, node, nodes.number(abs(number)))


def micros(value: exp.Expr) -> exp.Expr:
    """Count microseconds: since 1970, or since midnight."""
    return nodes.call("epoch_us", value)


def outside(value: exp.Expr, low: exp.Expr, high: exp.Expr) -> exp.Expr:
    """Test for a value out of bounds, which is computed once."""
    return nodes.negation(exp.Between(this=nodes.wrap(value.copy()), low=low, high=high))


def outside_numbers(value: exp.Expr, low: int, high: int) -> exp.Expr:
    """Test for a number out of bounds."""
    return outside(value, nodes.number(low), nodes.number(high))


def within(value: exp.Expr, of: SqlType, *, instead: exp.Expr | None = None) -> exp.Expr:
    """Fail where a value is out of GoogleSQL's range, the years 1 to 9999.

    Args:
        value: Translated.
        of: Its GoogleSQL type.
        instead: What comes out in its place, if not the value.
    """
    problem = nodes.error(f"{of} out of range", of)
    return nodes.case((_outside_range(value, of), problem), default=instead or value)


def writable(at: exp.Expr) -> exp.Expr:
    """Refuse a civil time of the years 0 and 10000, which BigQuery writes in a zone."""
    of = kinds.DATETIME
    problem = nodes.refusal("the years 0 and 10000 are not taken", of)
    return nodes.case((_outside_range(at, of), problem), default=at)


def _outside_range(value: exp.Expr, of: SqlType) -> exp.Expr:
    low, high = (nodes.cast(nodes.text(end), of) for end in _RANGES[of.kind])
    return outside(value, low, high)


def civil(moment: exp.Expr, zone: str = "UTC") -> exp.Expr:
    """Tell the civil time at a point in time, as DuckDB's TIMESTAMP.

    It may be out of range, unless the zone is UTC or has a name.

    Args:
        moment: A translated TIMESTAMP.
        zone: A time zone that was checked.
    """
    minutes = zones.offset_minutes(zone)
    if minutes is None:
        at = nodes.call("timezone", nodes.text(zone), moment.copy())
        return _known(moment, kinds.TIMESTAMP, at, kinds.DATETIME)
    return nodes.call("make_timestamp", plus(micros(moment), minutes * US["MINUTE"]))


def instant(at: exp.Expr, zone: str = "UTC") -> exp.Expr:
    """Tell the point in time at a civil time; it may be out of range."""
    minutes = zones.offset_minutes(zone)
    if minutes is None:
        return _first_instant(at, zone)
    return nodes.call("make_timestamptz", plus(micros(at), -minutes * US["MINUTE"]))


def _first_instant(at: exp.Expr, zone: str) -> exp.Expr:
    """Find the first of two points in time at which clocks that are put back show the same.

    DuckDB finds the second. The first is reckoned with the distance from UTC of a day before.
    """
    name = nodes.text(zone)
    found = nodes.call("timezone", name, at.copy())
    before = nodes.call("make_timestamptz", plus(micros(found.copy()), -US["DAY"]))
    distance = nodes.operate(
        exp.Sub, micros(nodes.call("timezone", name.copy(), before)), micros(before.copy())
    )
    first = nodes.call("make_timestamptz", nodes.operate(exp.Sub, micros(at.copy()), distance))
    shown = nodes.call("timezone", name.copy(), first.copy())
    moment = nodes.case((nodes.operate(exp.EQ, shown, at.copy()), first), default=found)
    return _known(at, kinds.DATETIME, moment, kinds.TIMESTAMP)


def _known(value: exp.Expr, of: SqlType, result: exp.Expr, to: SqlType) -> exp.Expr:
    """Fail in years of which DuckDB and BigQuery may know different clocks."""
    low, high = (
        nodes.cast(nodes.text(end if of.kind is Kind.DATETIME else f"{end}+00"), of)
        for end in (f"{FIRST_YEAR}-01-02 00:00:00", f"{LAST_YEAR}-12-31 00:00:00")
    )
    years = f"before {FIRST_YEAR} and after {LAST_YEAR}"
    problem = nodes.refusal(f"{years} time zones with a name are not taken", to)
    return nodes.case((outside(value, low, high), problem), default=result)


def ahead(moment: exp.Expr, zone: str, *, colon: str = ":", whole: bool = True) -> exp.Expr:
    """Write how far a zone is ahead of UTC.

    Args:
        moment: A translated TIMESTAMP.
        zone: A time zone that was checked.
        colon: What stands between hours and minutes.
        whole: Whether minutes that are 0 are left out.
    """
    minutes = zones.offset_minutes(zone)
    if minutes is not None:
        hours, rest = divmod(abs(minutes), 60)
        tail = "" if whole and not rest else f"{colon}{rest:02d}"
        return nodes.text(f"{'-' if minutes < 0 else '+'}{hours:02d}{tail}")
    difference = nodes.operate(exp.Sub, micros(civil(moment.copy(), zone)), micros(moment.copy()))
    distance = nodes.operate(exp.IntDiv, difference, nodes.number(US["MINUTE"]))
    size = nodes.call("abs", distance.copy())
    sign = nodes.case(
        (nodes.operate(exp.LT, distance, nodes.number(0)), nodes.text("-")), default=nodes.text("+")
    )
    hours_text = _two_digits(nodes.operate(exp.IntDiv, size.copy(), nodes.number(60)))
    rest_number = nodes.operate(exp.Mod, size, nodes.number(60))
    tail_text: exp.Expr = exp.Paren(
        this=exp.DPipe(this=nodes.text(colon), expression=_two_digits(rest_number.copy()))
    )
    if whole:
        is_whole = nodes.operate(exp.EQ, rest_number, nodes.number(0))
        tail_text = nodes.case((is_whole, nodes.text("")), default=tail_text)
    joined = exp.DPipe(this=exp.DPipe(this=sign, expression=hours_text), expression=tail_text)
    return exp.Paren(this=joined)


def _two_digits(number: exp.Expr) -> exp.Expr:
    return nodes.call("lpad", nodes.cast(number, kinds.STRING), nodes.number(2), nodes.text("0"))
