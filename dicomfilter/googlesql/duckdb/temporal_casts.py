"""Casts among dates, times and texts, as GoogleSQL means them (S07, S10).

DuckDB reads more texts, and writes fractions of a second in another way.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from sqlglot import exp

from dicomfilter.googlesql.check import zones
from dicomfilter.googlesql.duckdb import casts, instants, nodes
from dicomfilter.googlesql.duckdb.instants import US, civil, instant, micros, within
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

_YEAR_0 = "0000"
_DAY = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_MINUTES = r"([01]?[0-9]|2[0-3]):[0-5]?[0-9]"
_FRACTION = r"(\.[0-9]{1,6})?"
_CLOCK = rf"{_MINUTES}:[0-5]?[0-9]{_FRACTION}"
_LEAP = rf"{_MINUTES}:60{_FRACTION}"
_ZONE = r"([Zz]| UTC)?"
_AHEAD = r"( UTC)?[+-]((0?[0-9]|1[0-3])(:[0-5][0-9])?|14(:00)?)"
_ODD_TIMESTAMP = (
    rf"[0-9]{{5}}-.*|{_YEAR_0}-12-31[ Tt].*|{_DAY}[ Tt]{_LEAP}.*|{_DAY}[ Tt][+-].*"
    rf"|{_DAY}[ Tt]{_CLOCK} [A-Za-z][A-Za-z0-9_/+:-]+|{_DAY}[ Tt]{_CLOCK}( UTC)?[+-][0-9:]{{3,5}}"
)
"""What BigQuery may read and we do not: names of zones, years of five digits, seconds of 60."""


def cast(node: exp.Expr, of: SqlType, to: SqlType, *, safe: bool) -> exp.Expr:
    """Cast from or to a date or time.

    Args:
        node: Translated.
        of: Its GoogleSQL type.
        to: The GoogleSQL type to cast to.
        safe: Whether what does not go is NULL, and not an error.

    Returns:
        DuckDB's tree.
    """
    if of.kind is not Kind.STRING:
        return convert(node, of, to)
    value = nodes.case(*_READERS[to.kind](node))
    if safe:
        return value
    known = nodes.negation(nodes.is_null(node.copy()))
    return nodes.call("coalesce", value, nodes.case((known, nodes.error(f"Bad {to} value", to))))


Branches = list[tuple[exp.Expr, exp.Expr]]


def _reads(node: exp.Expr, form: str) -> exp.Expr:
    return nodes.call("regexp_full_match", node.copy(), nodes.text(form))


def _is_after_year_0(node: exp.Expr) -> exp.Expr:
    return nodes.negation(nodes.call("starts_with", node.copy(), nodes.text(_YEAR_0)))


def _leap(node: exp.Expr, form: str, to: SqlType) -> tuple[exp.Expr, exp.Expr]:
    """Fail on a second of 60, which BigQuery takes for the next minute."""
    return _reads(node, form), nodes.refusal("a second of 60 is not taken in a cast", to)


def _date(node: exp.Expr) -> Branches:
    plain = nodes.try_cast(node.copy(), kinds.DATE)
    return [(nodes.both(_reads(node, _DAY), _is_after_year_0(node)), plain)]


def _time(node: exp.Expr) -> Branches:
    return [
        (_reads(node, _CLOCK), nodes.try_cast(node.copy(), kinds.TIME)),
        _leap(node, _LEAP, kinds.TIME),
    ]


def _civil(text: exp.Expr) -> exp.Expr:
    spaced = nodes.call("regexp_replace", text, nodes.text("[Tt]"), nodes.text(" "))
    return nodes.try_cast(spaced, kinds.DATETIME)


def _datetime(node: exp.Expr) -> Branches:
    form = rf"{_DAY}([ Tt]{_CLOCK})?"
    return [
        (nodes.both(_reads(node, form), _is_after_year_0(node)), _civil(node.copy())),
        _leap(node, rf"{_DAY}[ Tt]{_LEAP}", kinds.DATETIME),
    ]


def _timestamp(node: exp.Expr) -> Branches:
    of = kinds.TIMESTAMP
    local = nodes.call(
        "regexp_extract", node.copy(), nodes.text(rf"^{_DAY}([ Tt]{_CLOCK})?"), nodes.number(0)
    )
    plain = rf"{_DAY}([ Tt]{_CLOCK}{_ZONE})?"
    shifted = rf"{_DAY}[ Tt]{_CLOCK}{_AHEAD}"
    moment = instant(_civil(local.copy()))
    minus = nodes.call("regexp_matches", node.copy(), nodes.text(r"-[0-9:]+$"))
    hours = nodes.call(
        "regexp_extract", node.copy(), nodes.text(r"[+-]([0-9]+)(:[0-9]+)?$"), nodes.number(1)
    )
    minutes = nodes.call(
        "regexp_extract", node.copy(), nodes.text(r"[+-][0-9]+:([0-9]+)$"), nodes.number(1)
    )
    ahead = nodes.operate(
        exp.Add,
        nodes.operate(exp.Mul, nodes.try_cast(hours, kinds.INT64), nodes.number(60)),
        nodes.call("coalesce", nodes.try_cast(minutes, kinds.INT64), nodes.number(0)),
    )
    distance = nodes.operate(exp.Mul, ahead, nodes.number(US["MINUTE"]))
    signed = nodes.case((minus, exp.Neg(this=distance.copy())), default=distance)
    us = nodes.operate(exp.Sub, micros(_civil(local)), signed)
    is_in_range = nodes.negation(instants.outside_numbers(us, instants.FIRST_US, instants.LAST_US))
    of_zone = nodes.case((is_in_range, nodes.call("make_timestamptz", us)))
    other = nodes.refusal("a time zone, year or second that is not taken in a cast", of)
    return [
        (nodes.both(_reads(node, plain), _is_after_year_0(node)), moment),
        (nodes.both(_reads(node, shifted), _is_after_year_0(node)), of_zone),
        (_reads(node, _ODD_TIMESTAMP), other),
    ]


_READERS = {
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.DATETIME: _datetime,
    Kind.TIMESTAMP: _timestamp,
}


def convert(value: exp.Expr, of: SqlType, to: SqlType, zone: str = "UTC") -> exp.Expr:
    """Make a date or time of another.

    Args:
        value: Translated.
        of: Its GoogleSQL type.
        to: Another one with dates or times, or STRING.
        zone: Where a TIMESTAMP is looked at.

    Returns:
        DuckDB's tree; it fails where the civil time is out of range.
    """
    if of == to:
        return value
    if of.kind is Kind.TIMESTAMP:
        return _of_moment(value, to, zone)
    if to.kind is Kind.TIMESTAMP:
        at = value if of.kind is Kind.DATETIME else nodes.cast(value, kinds.DATETIME)
        moment = instant(at, zone)
        return within(moment, to) if zones.is_shifted(zone) else moment
    if to.kind is Kind.STRING:
        return casts.to_text(value, of)
    return nodes.cast(value, to)


def to_text(value: exp.Expr, of: SqlType) -> exp.Expr:
    """Write a value as BigQuery writes it, a TIMESTAMP in UTC.

    Args:
        value: Translated.
        of: Its GoogleSQL type.
    """
    if of.kind is Kind.TIMESTAMP:
        return convert(value, of, kinds.STRING)
    return casts.to_text(value, of)


def _of_moment(moment: exp.Expr, to: SqlType, zone: str) -> exp.Expr:
    at = civil(moment, zone)
    is_shifted = zones.is_shifted(zone)
    if to.kind is Kind.STRING:
        shown = instants.writable(at) if is_shifted else at
        text = casts.to_text(shown, kinds.DATETIME)
        return exp.Paren(this=exp.DPipe(this=text, expression=instants.ahead(moment, zone)))
    if to.kind is not Kind.TIME and is_shifted:
        at = within(at, kinds.DATETIME)
    return nodes.cast(at, to)
