"""The check of FORMAT, whose pattern must be known and plain.

Source: GoogleSQL reference, "String functions", FORMAT.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import coercion
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

ELEMENTS = "elements"
"""The key of a call's ``meta`` with the letter of each element, in order."""
_ELEMENT = re.compile(
    r"%(?:(?P<percent>%)|(?P<text>[st])|(?P<bare>i)|(?P<float>(?:\.[0-9]{1,2})?f)"
    r"|(?P<integer>[-+ 0]?(?:[1-9][0-9]?)?d))"
)
_AMBIGUOUS = re.compile("%%[ti]")
_TEXTS = (
    Kind.STRING,
    Kind.INT64,
    Kind.BOOL,
    Kind.NUMERIC,
    Kind.DATE,
    Kind.TIME,
    Kind.DATETIME,
    Kind.TIMESTAMP,
)
_KINDS = {"s": (Kind.STRING,), "t": _TEXTS, "d": (Kind.INT64,), "f": (Kind.FLOAT64,)}
_HINT = "use %s, %d, %05d, %.2f, %t and %%, or CONCAT and LPAD"


def _format(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = [checker.check(argument) for argument in node.expressions]
    if not arguments or not coercion.can(arguments[0], kinds.STRING):
        raise coercion.no_signature("function FORMAT", arguments or [node])
    pattern, *values = arguments
    value: object = None
    if isinstance(pattern, exp.Literal):
        value = pattern.name
    elif isinstance(pattern, exp.Parameter):
        value = checker.scope.parameters[pattern.name.lower()].value
    if not isinstance(value, str):
        raise unsupported(
            "FORMAT with a pattern from the table",
            offset=start(pattern),
            hint="write the pattern as a string",
        )
    letters = _read(value, pattern)
    if len(letters) != len(values):
        raise PredicateError(
            f"FORMAT has {len(values)} values for {len(letters)} elements of its pattern",
            offset=start(node),
            hint="give each element a value",
        )
    for letter, argument in zip(letters, values, strict=True):
        _check(letter, argument)
    made = exp.Anonymous(this="FORMAT", expressions=arguments)
    made.meta[ELEMENTS] = letters
    return kinds.typed(made, kinds.STRING)


def _read(pattern: str, node: exp.Expr) -> str:
    """Find the letters of the elements of a pattern."""
    letters = ""
    position = pattern.find("%")
    while position >= 0:
        match = _ELEMENT.match(pattern, position)
        if match is None or _AMBIGUOUS.match(pattern, position):
            shown = pattern[position : position + 4]
            raise unsupported(f"FORMAT with {shown}", offset=start(node), hint=_HINT)
        if not match["percent"]:
            letters += match["text"] or ("f" if match["float"] else "d")
        position = pattern.find("%", match.end())
    return letters


def _check(letter: str, argument: exp.Expr) -> None:
    kind = kinds.kind(argument)
    if kind in _KINDS[letter]:
        return
    if kind in (None, Kind.NUMERIC) or letter == "t":
        raise unsupported(
            f"%{letter} of {kinds.of(argument) or 'NULL'} in FORMAT",
            offset=start(argument),
            hint=_HINT,
        )
    raise PredicateError(
        f"Invalid type for %{letter} of FORMAT; Expected {_KINDS[letter][0]}; Got "
        f"{kinds.of(argument)}",
        offset=start(argument),
        hint="write %d for INT64, %f for FLOAT64, %s for STRING",
    )


CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {"FORMAT": _format}
"""The rule of FORMAT, by name."""
SAFE = frozenset(CHECKS)
"""SAFE may stand before it, as nothing of it fails."""
