"""Casts with FORMAT, as the functions FORMAT_* that say the same.

Source: GoogleSQL reference, "Format clause for CAST".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.parse.literals import literal
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.googlesql.check.checker import Checker
    from dicomfilter.schema import SqlType

_DAY = {"YYYY": "%E4Y", "MM": "%m", "DDD": "%j", "DD": "%d"}
_CLOCK = {"HH24": "%H", "HH12": "%I", "HH": "%I", "MI": "%M", "SS": "%S"}
_NAMES = {"MONTH": "%B", "MON": "%b", "DAY": "%A", "DY": "%a"}
_ELEMENTS = {
    Kind.DATE: _DAY | _NAMES,
    Kind.TIME: _CLOCK,
    Kind.DATETIME: _DAY | _NAMES | _CLOCK,
    Kind.TIMESTAMP: _DAY | _NAMES | _CLOCK,
}
"""What of a moment can be written, in any case, and what FORMAT_* calls it."""
_TOKEN = re.compile(
    r"HH24|HH12|HH|YYYY|MONTH|MON|MM|MI|DDD|DD|DAY|DY|SS|[-./,';: ]+|\"[^\"\\\\]*\"", re.IGNORECASE
)
"""Elements, the signs that stand for themselves, and texts between quotes."""
_CASES = {"UPPER": str.upper, "LOWER": str.lower, "": str.capitalize}
"""How names are written: as their element is."""


def written(checker: Checker, node: exp.Expr, to: SqlType) -> exp.Expr:
    """Check a cast with a format.

    Args:
        checker: Of the clause.
        node: As parsed.
        to: What it casts to.

    Returns:
        A checked call that says the same.

    Raises:
        PredicateError: It is of another type, or the format is not taken.
    """
    value, form = node.this, node.args["format"]
    of = kinds.of(checker.check(value.copy()))
    elements = _ELEMENTS.get(of.kind) if of is not None else None
    if elements is None or to != kinds.STRING or not _is_text(form):
        raise unsupported(
            f"a cast from {of or 'NULL'} to {to} with FORMAT",
            offset=start(node),
            hint="use PARSE_DATE and its like to read, FORMAT_DATE and its like to write",
        )
    assert of is not None  # noqa: S101 - by the above
    parts = [
        _part(f"FORMAT_{of.kind}", pattern, case, value, start(form) or 0)
        for pattern, case in _patterns(form, elements)
    ]
    call = parts[0] if len(parts) == 1 else exp.Anonymous(this="CONCAT", expressions=parts)
    return checker.check(at(call, start(node) or 0))


def _is_text(form: exp.Expr) -> bool:
    return isinstance(form, exp.Literal) and form.is_string and bool(form.name)


def _patterns(form: exp.Expr, elements: dict[str, str]) -> list[tuple[str, str]]:
    """Read a format as parts, each a pattern of FORMAT_* and the case of its names."""
    text, place = form.name, 0
    found: list[tuple[str, str]] = []
    while place < len(text):
        token = _TOKEN.match(text, place)
        said = token.group() if token is not None else text[place:]
        element = elements.get(said.upper())
        if element is None and (token is None or said[0].isalpha()):
            raise unsupported(
                f"the format element {said[:20]} in a cast",
                offset=start(form),
                hint=f"use {' '.join(elements)}, or FORMAT_DATE and its like",
            )
        case = ""
        if element is None:
            element = said.strip('"').replace("%", "%%")
        elif said.upper() in _NAMES:
            case = next((case for case, cased in _CASES.items() if cased(said) == said), "?")
        if case == "?":
            raise unsupported(f"the case of {said} in a cast", offset=start(form))
        if found and found[-1][1] == case:
            found[-1] = (found[-1][0] + element, case)
        else:
            found.append((element, case))
        place += len(said)
    return found


def _part(name: str, pattern: str, case: str, value: exp.Expr, offset: int) -> exp.Expr:
    written_as = literal(Kind.STRING, pattern, pattern, offset)
    call: exp.Expr = exp.Anonymous(this=name, expressions=[written_as, value.copy()])
    return exp.Anonymous(this=case, expressions=[call]) if case else call
