"""The check of FORMAT_* and PARSE_*, and the elements of their formats.

Source: GoogleSQL reference, "Format elements".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import coercion, dates, zones
from dicomfilter.googlesql.parse.lifting import KEEP
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

_TOKEN = re.compile(r"%E4Y|%E[0-9*]S|%E.|%O.|%.|%|\s+|[^%\s]+", re.DOTALL)
_COMPOSED = {
    "%D": "%m/%d/%y",
    "%F": "%Y-%m-%d",
    "%R": "%H:%M",
    "%T": "%H:%M:%S",
    "%X": "%H:%M:%S",
    "%c": "%a %b %e %H:%M:%S %Y",
    "%h": "%b",
    "%x": "%m/%d/%y",
}
"""What an element says in others, when it is written."""
_SECONDS = frozenset(("%S", "%E*S", *(f"%E{digits}S" for digits in range(7))))
_DATE = frozenset(("%E4Y", *(f"%{letter}" for letter in "ABCGQUVWYabdejmuwy")))
_CLOCK = frozenset(("%H", "%I", "%M", "%p")) | _SECONDS
_WRITTEN = {
    Kind.DATE: _DATE | {"%D", "%F", "%h", "%x"},
    Kind.TIME: _CLOCK | {"%R", "%T", "%X"},
    Kind.DATETIME: _DATE | _CLOCK | {*_COMPOSED, "%s"},
    Kind.TIMESTAMP: _DATE | _CLOCK | {*_COMPOSED, "%s", "%Z", "%z", "%Ez"},
}
_READ_DATE = frozenset(("%Y", "%E4Y", "%m", "%d"))
_READ_CLOCK = frozenset(("%H", "%M")) | _SECONDS
_READ = {
    Kind.DATE: _READ_DATE,
    Kind.TIME: _READ_CLOCK,
    Kind.DATETIME: _READ_DATE | _READ_CLOCK,
    Kind.TIMESTAMP: _READ_DATE | _READ_CLOCK | {"%z", "%Ez"},
}
_GROUPS = 9
"""As many fields can be taken out of a text at once."""


def split(pattern: str) -> list[str]:
    """Take a format apart.

    Args:
        pattern: The format.

    Returns:
        Its elements, spaces and texts, in order; elements that stand for several, as these.

    >>> split("%F at %H")
    ['%Y', '-', '%m', '-', '%d', ' ', 'at', ' ', '%H']
    """
    elements: list[str] = []
    for element in _TOKEN.findall(pattern):
        elements += split(_COMPOSED[element]) if element in _COMPOSED else [element]
    return elements


def _pattern(checker: Checker, node: exp.Expr, what: str) -> exp.Literal:
    """Check a format, which stays a literal."""
    found = checker.check(node)
    if (
        not isinstance(found, exp.Literal)
        or kinds.kind(found) is not Kind.STRING
        or not found.name.isascii()
        or not found.name.isprintable()
        or not found.name
    ):
        raise unsupported(
            f"{what} with a format that is no literal of ASCII characters",
            offset=start(node),
            hint=f"write {what}('%Y%m%d', ...)",
        )
    found.meta[KEEP] = True
    return found


def _refuse(element: str, what: str, node: exp.Expr, allowed: frozenset[str]) -> None:
    raise unsupported(
        f"the format element {element} in {what}",
        offset=start(node),
        hint=f"use {' '.join(sorted(allowed))}",
    )


def _write(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check FORMAT_DATE, FORMAT_TIME, FORMAT_DATETIME and FORMAT_TIMESTAMP."""
    name, home = node.name, Kind(node.name.removeprefix("FORMAT_"))
    if len(node.expressions) not in (2, 3):
        raise coercion.no_signature(f"function {name}", [node])
    pattern = _pattern(checker, node.expressions[0], name)
    value = checker.check(node.expressions[1])
    of = _written(home, value)
    if not coercion.can(value, of):
        raise coercion.no_signature(f"function {name}", [pattern, value])
    zone = [zones.check(checker, argument) for argument in node.expressions[2:]]
    if zone and (home, of.kind) != (Kind.TIMESTAMP, Kind.TIMESTAMP):
        raise coercion.no_signature(f"function {name}", [pattern, value, *zone])
    allowed = _WRITTEN[of.kind] | {"%%", "%n", "%t"}
    for element in _TOKEN.findall(pattern.name):
        is_zone_name = element == "%Z" and zone and zones.offset_minutes(zone[0].name) != 0
        if element.startswith("%") and (element not in allowed or is_zone_name):
            _refuse(element, name, node.expressions[0], allowed)
    return dates.typed_call(name, [pattern, coercion.coerce(value, of), *zone], kinds.STRING)


def _written(home: Kind, value: exp.Expr) -> SqlType:
    """Find the type as which a value is written; it is the value's own where there are days."""
    kind = kinds.kind(value)
    if home is Kind.TIME or kind not in (Kind.DATE, Kind.DATETIME, Kind.TIMESTAMP):
        return SqlType(home)
    return kinds.DATETIME if kind is Kind.DATE and home is not Kind.DATE else SqlType(kind)


def _read(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check PARSE_DATE, PARSE_TIME, PARSE_DATETIME and PARSE_TIMESTAMP."""
    name, home = node.name, Kind(node.name.removeprefix("PARSE_"))
    if len(node.expressions) not in (2, 3):
        raise coercion.no_signature(f"function {name}", [node])
    pattern = _pattern(checker, node.expressions[0], name)
    value = checker.check(node.expressions[1])
    if not coercion.can(value, kinds.STRING):
        raise coercion.no_signature(f"function {name}", [pattern, value])
    zone = [zones.check(checker, argument) for argument in node.expressions[2:]]
    if zone and home is not Kind.TIMESTAMP:
        raise coercion.no_signature(f"function {name}", [pattern, value, *zone])
    allowed = _READ[home] - {"%z", "%Ez"} if zone else _READ[home]
    if zone and not pattern.name.startswith(("%Y", "%E4Y")):
        raise unsupported(f"{name} in a zone without %Y first", offset=start(node.expressions[0]))
    _check_reading(pattern.name, name, node.expressions[0], allowed)
    text = coercion.coerce(value, kinds.STRING)
    return dates.typed_call(name, [pattern, text, *zone], SqlType(home))


def _check_reading(pattern: str, what: str, place: exp.Expr, allowed: frozenset[str]) -> None:
    """Make sure that a format reads a text in one way only."""
    elements = _TOKEN.findall(pattern.rstrip())
    fields = [element for element in elements if element.startswith("%")]
    for element in fields:
        if element not in allowed:
            _refuse(element, what, place, allowed)
    names = [element[-1] for element in fields]
    if not fields or len(set(names)) < len(names):
        raise unsupported(f"{what} with an element twice or none at all", offset=start(place))
    if any(re.search("[0-9]", element) for element in elements if not element.startswith("%")):
        raise unsupported(f"{what} with digits in the format", offset=start(place))
    if fields[-1][-1] == "z" and (elements[0] not in ("%Y", "%E4Y") or elements[-1] != fields[-1]):
        raise unsupported(f"{what} with %z not behind all", offset=start(place))
    before = elements[:-2] if fields[-1][-1] == "z" else elements[:-1]
    if any(element in _SECONDS - {"%S"} for element in before):
        raise unsupported(f"{what} with something behind %E*S", offset=start(place))
    spaced = sum(
        element.isspace() and elements[n - 1].startswith("%") and elements[n + 1].startswith("%")
        for n, element in enumerate(elements[:-1])
    )
    if len(fields) + spaced + 1 > _GROUPS:
        raise unsupported(f"{what} with so many spaces in the format", offset=start(place))


CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {
    **{f"FORMAT_{of}": _write for of in kinds.TEMPORAL},
    **{f"PARSE_{of}": _read for of in kinds.TEMPORAL},
}
"""The functions of this family, by name."""
SAFE = frozenset(CHECKS)
"""Those that may stand behind SAFE: all that fails in them where BigQuery fails is guarded."""
