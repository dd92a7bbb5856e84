"""Dates and times written by a format (S15)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import date_formats, instants, kinds, nodes, zones
from dicomfilter.googlesql.instants import micros, plus
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_ALIKE = frozenset(f"%{letter}" for letter in "ABHIMSUVWabdjmpuwy")
"""Elements that DuckDB writes as GoogleSQL does."""
_PADDED_SOMEWHERE = ("%F", "%G", "%c")
"""Elements in which some machines of Google's give years four digits, and some do not."""
_CONSTANT = {"%%": "%", "%n": "\n", "%t": "\t"}


def _write(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate FORMAT_DATE, FORMAT_TIME, FORMAT_DATETIME and FORMAT_TIMESTAMP."""
    pattern, given, *zone_given = node.expressions
    zone = zone_given[0].name if zone_given else "UTC"
    moment, kind = translate(given), kinds.kind(given)
    value = moment
    if kind is Kind.TIMESTAMP:
        value = instants.civil(value, zone)
        if zones.is_shifted(zone):
            value = instants.writable(value)
    elif kind is Kind.TIME:
        day = nodes.cast(nodes.text("1970-01-01"), kinds.DATE)
        value = nodes.operate(exp.Add, day, value)
    joined, *others = _pieces(pattern.name, value, moment, zone=zone)
    for piece in others:
        joined = exp.DPipe(this=nodes.wrap(joined), expression=nodes.wrap(piece))
    if not any(element in pattern.name for element in _PADDED_SOMEWHERE):
        return exp.Paren(this=joined)
    early = nodes.operate(exp.LT, nodes.call("year", value.copy()), nodes.number(1000))
    problem = nodes.refusal("years before 1000 are not taken in such a format", kinds.STRING)
    return nodes.case((early, problem), default=joined)


def _pieces(pattern: str, value: exp.Expr, moment: exp.Expr, *, zone: str) -> list[exp.Expr]:
    """Write what a format is made of; all that DuckDB writes alike at once."""
    pieces: list[exp.Expr] = []
    plain = ""
    for element in date_formats.split(pattern):
        if element in _ALIKE:
            plain += element
            continue
        if not element.startswith("%") or element in _CONSTANT:
            plain += _CONSTANT.get(element, element).replace("%", "%%")
            continue
        if plain:
            pieces.append(_strftime(value, plain))
            plain = ""
        if element in ("%Z", "%z", "%Ez"):
            pieces.append(_zone(element, moment, zone))
        else:
            pieces.append(_since_1970(moment) if element == "%s" else _piece(element, value))
    return [*pieces, _strftime(value, plain)] if plain else pieces


def _strftime(value: exp.Expr, pattern: str) -> exp.Expr:
    return nodes.call("strftime", value.copy(), nodes.text(pattern))


def _zone(element: str, moment: exp.Expr, zone: str) -> exp.Expr:
    if element == "%Z":
        shown: exp.Expr = nodes.text("UTC")
    else:
        colon = ":" if element == "%Ez" else ""
        shown = instants.ahead(moment.copy(), zone, colon=colon, whole=False)
    # NULL where there is no moment
    return nodes.case((nodes.negation(nodes.is_null(moment.copy())), shown))


def _piece(element: str, value: exp.Expr) -> exp.Expr:
    """Write an element that DuckDB lacks, or pads in another way."""
    year = nodes.call("year", value.copy())
    if element == "%E4Y":
        return _strftime(value, "%Y")
    if element == "%C":
        return _padded(nodes.operate(exp.IntDiv, year, nodes.number(100)), "0")
    if element == "%e":
        return _padded(nodes.call("day", value.copy()), " ")
    if element.endswith("S"):
        return _seconds(element, value)
    number = {"%Y": "year", "%G": "isoyear", "%Q": "quarter"}[element]
    return nodes.cast(nodes.call(number, value.copy()), kinds.STRING)


def _since_1970(moment: exp.Expr) -> exp.Expr:
    since_year_1 = plus(micros(moment.copy()), -instants.FIRST_US)  # so that // rounds down
    seconds = nodes.operate(exp.IntDiv, since_year_1, nodes.number(1_000_000))
    return nodes.cast(plus(seconds, instants.FIRST_US // 1_000_000), kinds.STRING)


def _padded(number: exp.Expr, character: str) -> exp.Expr:
    text = nodes.cast(number, kinds.STRING)
    return nodes.call("lpad", text, nodes.number(2), nodes.text(character))


def _seconds(element: str, value: exp.Expr) -> exp.Expr:
    """Write seconds with a fraction, cut off and not rounded."""
    full = _strftime(value, "%S.%f")
    if element == "%E*S":
        return nodes.call("regexp_replace", full, nodes.text(r"\.?0+$"), nodes.text(""))
    digits = int(element[2])
    return nodes.call("left", full, nodes.number(3 + digits if digits else 2))


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    f"FORMAT_{of}": _write for of in kinds.TEMPORAL
}
"""The functions of this family, by name."""
