"""The check of arithmetic: division, rounding, mathematical functions.

Source: GoogleSQL reference, "Mathematical functions"; "Operators", arithmetic operators.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import coercion
from dicomfilter.googlesql.parse.lifting import KEEP
from dicomfilter.googlesql.parse.reader import START, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

MAX_DIGITS = 15
"""The most places before or behind the point to which is rounded."""
_EXACT = (Kind.INT64, Kind.NUMERIC)
_SAME = ("ABS", "SAFE_NEGATE", "SIGN")
_EXACT_PAIRS = ("DIV", "MOD")
_PAIRS = ("SAFE_ADD", "SAFE_MULTIPLY", "SAFE_SUBTRACT")
_REAL = ("CEIL", "CEILING", "FLOOR")
_ROUNDING = ("ROUND", "TRUNC")
_FLOATING = ("EXP", "LN", "LOG10", "SQRT")
_ANGLES = ("ACOS", "ASIN", "ATAN", "COS", "COSH", "SIN", "SINH", "TAN", "TANH")
_FLOATING_PAIRS = ("LOG", "POW", "POWER")
_CLASSES = ("IS_INF", "IS_NAN")


def divide(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ``/``."""
    operands = [checker.check(node.this), checker.check(node.expression)]
    for operand in operands:
        if kinds.of(operand) is None:
            raise PredicateError("Operands of / cannot be literal NULL", offset=start(operand))
    of = _quotient(operands)
    if of is None:
        raise coercion.no_signature("operator /", operands)
    left, right = (coercion.coerce(operand, of) for operand in operands)
    return kinds.typed(exp.Div(this=left, expression=right), of)


def plus(node: exp.Expr) -> exp.Expr:
    """Check the checked operand of the sign ``+``, which says nothing."""
    if kinds.of(node) is None:
        raise PredicateError("Operands of + cannot be literal NULL", offset=start(node))
    if kinds.kind(node) not in kinds.NUMBERS:
        raise PredicateError(
            f"Operands of + must be numeric type but was {kinds.of(node)}", offset=start(node)
        )
    return node


def _quotient(operands: list[exp.Expr]) -> SqlType | None:
    """Find the type of a quotient: that of whole numbers is a FLOAT64."""
    of = _number(operands)
    return kinds.FLOAT64 if of == kinds.INT64 else of


def _number(operands: list[exp.Expr], among: tuple[Kind, ...] = kinds.NUMBERS) -> SqlType | None:
    of = coercion.common(operands)
    return of if of is not None and of.kind in among else None


def _arguments(checker: Checker, node: exp.Expr, *counts: int) -> list[exp.Expr]:
    arguments = [checker.check(argument) for argument in node.expressions]
    if len(arguments) not in counts:
        raise coercion.no_signature(f"function {node.name}", arguments or [node])
    return arguments


def _call(node: exp.Expr, arguments: list[exp.Expr], of: SqlType) -> exp.Expr:
    return kinds.typed(exp.Anonymous(this=node.name, expressions=arguments), of)


def _alike(node: exp.Expr, arguments: list[exp.Expr], of: SqlType | None) -> exp.Expr:
    if of is None:
        raise coercion.no_signature(f"function {node.name}", arguments)
    return _call(node, [coercion.coerce(argument, of) for argument in arguments], of)


def _same(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = _arguments(checker, node, 1)
    return _alike(node, arguments, _number(arguments))


def _exact_pair(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = _arguments(checker, node, 2)
    return _alike(node, arguments, _number(arguments, _EXACT))


def _pair(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = _arguments(checker, node, 2)
    return _alike(node, arguments, _number(arguments))


def _safe_divide(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = _arguments(checker, node, 2)
    return _alike(node, arguments, _quotient(arguments))


def _ieee_divide(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = _arguments(checker, node, 2)
    fits = _number(arguments) is not None
    return _alike(node, arguments, kinds.FLOAT64 if fits else None)


def _real(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check a function of one number that is NUMERIC of a NUMERIC, else FLOAT64."""
    arguments = _typed(node, _arguments(checker, node, 1))
    return _alike(node, arguments, _quotient(arguments))


def _typed(node: exp.Expr, arguments: list[exp.Expr]) -> list[exp.Expr]:
    for argument in arguments:
        if kinds.of(argument) is None:
            raise unsupported(f"{node.name}(NULL)", offset=start(argument), hint="write NULL")
    return arguments


def _rounding(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = _typed(node, _arguments(checker, node, 1, 2))
    value, places = arguments[0], arguments[1:]
    of = _quotient([value])
    if of is None or not all(coercion.can(place, kinds.INT64) for place in places):
        raise coercion.no_signature(f"function {node.name}", arguments)
    return _call(node, [coercion.coerce(value, of), *map(_places, places)], of)


def _places(node: exp.Expr) -> exp.Expr:
    """Take a number of places; one that is written stays so."""
    negative = isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal)
    literal = node.this if negative else node
    value = literal.meta.get("value") if isinstance(literal, exp.Literal) else None
    if value is None:
        return coercion.coerce(node, kinds.INT64)
    if not isinstance(value, int) or abs(value) > MAX_DIGITS:
        raise unsupported(
            "a number of places that is not from -15 to 15",
            offset=start(node),
            hint="write ROUND(SliceThickness, 2)",
        )
    return constant(-value if negative else value, start(node))


def constant(value: int, offset: int | None) -> exp.Expr:
    """Make a whole number that stays in the text."""
    made = exp.Literal(this=str(value), is_string=False)
    made.meta.update({KEEP: True, "value": value, START: offset})
    return kinds.typed(made, kinds.INT64)


def _floating(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check a function that is taken of FLOAT64 alone."""
    counts = (1, 2) if node.name == "LOG" else (1 if node.name in _FLOATING else 2,)
    arguments = _arguments(checker, node, *counts)
    of = _quotient(arguments)
    if of == kinds.NUMERIC:
        raise unsupported(
            f"{node.name} of NUMERIC",
            offset=start(node),
            hint="CAST the argument AS FLOAT64",
        )
    if all(kinds.of(argument) is None for argument in arguments):
        _typed(node, arguments)
    return _alike(node, arguments, of)


def _angle(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check a function that gives a FLOAT64 of any number."""
    arguments = _typed(node, _arguments(checker, node, 2 if node.name == "ATAN2" else 1))
    fits = _number(arguments) is not None
    return _alike(node, arguments, kinds.FLOAT64 if fits else None)


def _class(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = _arguments(checker, node, 1)
    if _number(arguments) is None:
        raise coercion.no_signature(f"function {node.name}", arguments)
    return _call(node, [coercion.coerce(arguments[0], kinds.FLOAT64)], kinds.BOOL)


def _extreme(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check GREATEST and LEAST."""
    arguments = [checker.check(argument) for argument in node.expressions]
    of = coercion.common(arguments) if arguments else None
    if of is not None and of.kind not in kinds.COMPARABLE:
        raise PredicateError(
            f"{node.name} is not defined for arguments of type {of}", offset=start(node)
        )
    return _alike(node, arguments or [node], of)


def _random(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check RAND, which is another number in each row and each run."""
    return _call(node, _arguments(checker, node, 0), kinds.FLOAT64)


CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(_EXACT_PAIRS, _exact_pair),
    **dict.fromkeys(_PAIRS, _pair),
    **dict.fromkeys(_REAL, _real),
    **dict.fromkeys(_ROUNDING, _rounding),
    **dict.fromkeys((*_FLOATING, *_FLOATING_PAIRS), _floating),
    **dict.fromkeys((*_ANGLES, "ATAN2"), _angle),
    **dict.fromkeys(_CLASSES, _class),
    "GREATEST": _extreme,
    "RAND": _random,
    "IEEE_DIVIDE": _ieee_divide,
    "LEAST": _extreme,
    "SAFE_DIVIDE": _safe_divide,
}
SAFE = frozenset(CHECKS) - {"RAND"}

RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Div: divide,
}
