"""Dates and times written and read by a format."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import date_formats, zones
from dicomfilter.googlesql.duckdb import instants, nodes
from dicomfilter.googlesql.duckdb.instants import micros, plus
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


_SPACE = r"[ \t\n\x0b\f\r]"
_YEAR = "[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9]"
_SHORT_YEAR = "[1-9][0-9]{0,3}|0[1-9][0-9]{0,2}|00[1-9][0-9]?|000[1-9]"
_FAR_YEAR = rf"^{_SPACE}*(0000|10000|0{{1,3}}([^0-9]|$))"
_MARK = "x"
"""Stands before a text, so that one that does not match is no date either."""


@dataclass(frozen=True, slots=True)
class _Field:
    """The digits of an element.

    Args:
        full: The form with all digits it may have.
        short: The form with fewer.
        default: What it is where the format has no such element.
    """

    full: str
    short: str
    default: str


_FIELDS = {
    "Y": _Field(_YEAR, _SHORT_YEAR, "1970"),
    "m": _Field("0[1-9]|1[0-2]", "[1-9]", "1"),
    "d": _Field("0[1-9]|[12][0-9]|3[01]", "[1-9]", "1"),
    "H": _Field("[01][0-9]|2[0-3]", "[0-9]", "0"),
    "M": _Field("[0-5][0-9]", "[0-9]", "0"),
    "S": _Field("[0-5][0-9]", "[0-9]", "0"),
    "z": _Field("", "", ""),
}
_LONG_YEAR = _Field(f"0(?:{_YEAR})", _SHORT_YEAR, "1970")
"""BigQuery reads a fifth digit where no element follows, and the first can only be 0."""
_AHEAD = {
    "%z": r"[+-](?:(?:0[0-9]|1[0-3])(?:[0-5][0-9])?|14(?:00)?)",
    "%Ez": r"[+-](?:(?:0[0-9]|1[0-3])(?::?[0-5][0-9])?|14(?::?00)?)|Z",
}
"""How far ahead of UTC a time is, as the last element."""
_LEAP_SECOND = _Field("60", "60", "0")


def _form(elements: Sequence[str], second: _Field) -> tuple[str, dict[str, str]]:
    """Write a format as a regular expression.

    Args:
        elements: Elements, spaces and texts.
        second: The form of seconds.

    Returns:
        The expression, and by element the groups with its digits.
    """
    form, groups, count = "", dict[str, str](), 0
    for place, element in enumerate(elements):
        following = [*elements[place + 1 : place + 3], "", ""]
        if not element.startswith("%"):
            form += f"{_SPACE}*" if element.isspace() else re.escape(element)
            continue
        name, before_digits = element[-1], _has_digits(following[0])
        field = second if name == "S" else _FIELDS[name]
        if element == "%Y" and not following[0].startswith("%"):
            field = _LONG_YEAR
        if name == "z":
            written = [f"({_AHEAD[element]})"]
        elif before_digits or element == "%E4Y":
            written = [f"({field.full})"]
        elif following[0].isspace() and _has_digits(following[1]):
            written = [f"(?:({field.full})", f"|({field.short}){_SPACE})"]
        elif name == "S":
            written = [f"({field.full}|{field.short})", _FRACTIONS.get(element, "()")]
        else:
            written = [f"({field.full}|{field.short})"]
        form += "".join(written)
        groups[name] = "".join(f"\\{count + n}" for n in range(1, len(written) + 1))
        count += len(written)
    return form, groups


def _has_digits(element: str) -> bool:
    return element.startswith("%") and not element.endswith("z")


_FRACTIONS = {
    "%E*S": r"(?:(\.[0-9]{1,6})[0-9]*)?",
    **{f"%E{digits}S": rf"(\.[0-9]{{1,{digits}}})?" for digits in range(1, 7)},
}


def _read(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate PARSE_DATE, PARSE_TIME, PARSE_DATETIME and PARSE_TIMESTAMP."""
    pattern, given, *zone = node.expressions
    of, text = kinds.of(node), translate(given)
    assert of is not None  # noqa: S101 - a checked call has its type
    elements = date_formats.split(pattern.name)
    form, groups = _form(elements, _FIELDS["S"])
    parts = {name: groups.get(name, field.default) for name, field in _FIELDS.items()}
    day, clock = "{Y}-{m}-{d}".format(**parts), "{H}:{M}:{S}{z}".format(**parts)
    written = {Kind.DATE: day, Kind.TIME: clock}.get(of.kind, f"{day} {clock}")
    plain = nodes.call(
        "regexp_replace",
        nodes.operate(exp.DPipe, nodes.text(_MARK), text.copy()),
        nodes.text(_whole(_MARK + f"{_SPACE}*" + form)),
        nodes.text(written),
    )
    target = kinds.DATETIME if of.kind is Kind.TIMESTAMP and "z" not in groups else of
    value = nodes.try_cast(plain, target)
    if "z" in groups:
        value = instants.within(value, of)
    elif of.kind is Kind.TIMESTAMP:
        value = instants.instant(value, zone[0].name if zone else "UTC")
        if zone and zones.is_shifted(zone[0].name):
            value = instants.within(value, of)
    known = nodes.negation(nodes.is_null(text.copy()))
    problems = [(known, nodes.error(f"text that is no {of} of this format", of))]
    if "S" in groups:
        leap, _ = _form(elements, _LEAP_SECOND)
        matches = nodes.call("regexp_matches", text.copy(), nodes.text(_whole(f"{_SPACE}*" + leap)))
        problems.insert(0, (matches, nodes.refusal("a second of 60 is not taken", of)))
    if "z" in groups or zone:  # which BigQuery may read, if the moment is in the years 1 to 9999
        far = nodes.call("regexp_matches", text.copy(), nodes.text(_FAR_YEAR))
        problems.insert(0, (far, nodes.refusal("a year out of range is not taken", of)))
    quick = None if zone else _quick(elements, text, is_time=of.kind is Kind.TIME)
    if quick is None:
        return nodes.call("coalesce", value, nodes.case(*problems))
    at = nodes.cast(quick, target)
    found = instants.instant(at) if of.kind is Kind.TIMESTAMP else at
    return nodes.call("coalesce", found, value, nodes.case(*problems))


def _quick(elements: Sequence[str], text: exp.Expr, *, is_time: bool) -> exp.Expr | None:
    """Read a text of just the digits of a format by DuckDB's own reader, which is much faster.

    It reads what BigQuery reads, and besides that space at the ends, and the year 0.

    Returns:
        A TIMESTAMP, or NULL where another way has to be tried; None where there is no such reader.
    """
    fields = [element for element in elements if element.startswith("%")]
    texts = [element for element in elements if not element.startswith("%")]
    at_ends = elements[0] in fields and elements[-1] in fields
    if not at_ends or not set(fields) <= _PLAIN or any(part.isspace() for part in texts):
        return None
    if (elements[0] == "%Y") is is_time:
        return None
    size = sum(4 if field == "%Y" else 2 for field in fields) + sum(map(len, texts))
    conditions = [
        nodes.operate(exp.EQ, nodes.call("strlen", text.copy()), nodes.number(size)),
        nodes.operate(exp.GTE, text.copy(), nodes.text("0")),
        nodes.operate(exp.GTE, nodes.call("right", text.copy(), nodes.number(1)), nodes.text("0")),
    ]
    if not is_time:
        year_0 = nodes.call("starts_with", text.copy(), nodes.text("0000"))
        conditions.append(nodes.negation(year_0))
    read = nodes.call("try_strptime", text.copy(), nodes.text("".join(elements)))
    return nodes.case((nodes.both(*conditions), read))


_PLAIN = {"%Y", "%m", "%d", "%H", "%M", "%S"}


def _whole(form: str) -> str:
    return rf"^{form}{_SPACE}*\x00?$"


PARSED: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    f"PARSE_{of}": _read for of in kinds.TEMPORAL
}
"""The functions of this family, by name."""
