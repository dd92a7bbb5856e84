"""The check of functions of arrays.

Source: GoogleSQL reference, "Array functions"; "Mathematical functions", RANGE_BUCKET.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import arrays, coercion
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

_UNITS = ("DAY", "WEEK")
_BUCKETS = (Kind.BOOL, Kind.BYTES, Kind.INT64, Kind.NUMERIC, Kind.STRING, *kinds.TEMPORAL)
"""Types of RANGE_BUCKET; of FLOAT64 a NaN would have to be looked for in the array."""


def _arguments(checker: Checker, node: exp.Expr, *counts: int) -> list[exp.Expr]:
    arguments = [checker.check(argument) for argument in node.expressions]
    if len(arguments) not in counts:
        raise coercion.no_signature(f"function {node.name}", arguments or [node])
    return arguments


def _call(name: str, arguments: list[exp.Expr], of: SqlType) -> exp.Expr:
    return kinds.typed(exp.Anonymous(this=name, expressions=arguments), of)


def _element(node: exp.Expr, argument: exp.Expr) -> SqlType:
    of = kinds.of(argument)
    if of is None or of.element is None:
        raise coercion.no_signature(f"function {node.name}", [argument])
    return of.element


def _same(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ARRAY_REVERSE."""
    arguments = _arguments(checker, node, 1)
    return _call(node.name, arguments, SqlType(Kind.ARRAY, _element(node, arguments[0])))


def _end(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ARRAY_FIRST and ARRAY_LAST."""
    arguments = _arguments(checker, node, 1)
    return _call(node.name, arguments, _element(node, arguments[0]))


def _concat(checker: Checker, node: exp.Expr) -> exp.Expr:
    operands = [checker.check(argument) for argument in node.expressions]
    if not operands:
        raise PredicateError(
            "No matching signature for function ARRAY_CONCAT with no arguments", offset=start(node)
        )
    return join(operands)


def join(operands: list[exp.Expr]) -> exp.Expr:
    """Check ARRAY_CONCAT, or ``||`` of arrays.

    Args:
        operands: Checked.
    """
    for operand in operands:
        if kinds.kind(operand) is not Kind.ARRAY:
            raise PredicateError(
                "The argument to ARRAY_CONCAT must be an array type but was "
                f"{kinds.of(operand) or 'NULL'}",
                offset=start(operand),
            )
    alike = arrays.alike(operands)
    if alike is None:
        raise coercion.no_signature("function ARRAY_CONCAT", operands)
    return _call("ARRAY_CONCAT", *alike)


def _generate(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = _arguments(checker, node, 2, 3)
    of = coercion.common(arguments)
    if of is None or of.kind not in kinds.NUMBERS:
        raise coercion.no_signature("function GENERATE_ARRAY", arguments)
    if of != kinds.INT64:
        raise unsupported(f"GENERATE_ARRAY of {of}", offset=start(node))
    arguments = [coercion.coerce(argument, of) for argument in arguments]
    return _call(node.name, arguments, SqlType(Kind.ARRAY, of))


def _generate_dates(checker: Checker, node: exp.Expr) -> exp.Expr:
    dates = [checker.check(argument) for argument in node.expressions[:2]]
    steps = node.expressions[2:]
    if len(dates) != 2 or not all(coercion.can(day, kinds.DATE) for day in dates):
        raise coercion.no_signature("function GENERATE_DATE_ARRAY", dates or [node])
    dates = [coercion.coerce(day, kinds.DATE) for day in dates]
    return _call(node.name, [*dates, *(_step(checker, step) for step in steps)], _DATES)


_DATES = SqlType(Kind.ARRAY, kinds.DATE)


def _step(checker: Checker, step: exp.Expr) -> exp.Expr:
    if not isinstance(step, exp.Interval):
        raise coercion.no_signature("function GENERATE_DATE_ARRAY", [checker.check(step)])
    count, unit = checker.check(step.this), step.args["unit"].name
    if unit not in _UNITS or not coercion.can(count, kinds.INT64):
        raise unsupported(
            f"GENERATE_DATE_ARRAY by {unit}", offset=start(step), hint="use INTERVAL 1 DAY or WEEK"
        )
    checked = exp.Interval(this=coercion.coerce(count, kinds.INT64), unit=exp.Var(this=unit))
    return kinds.typed(checked, SqlType(Kind.INTERVAL))


def _bucket(checker: Checker, node: exp.Expr) -> exp.Expr:
    point, array = _arguments(checker, node, 2)
    element = _element(node, array)
    if element.kind not in _BUCKETS:
        raise unsupported(f"RANGE_BUCKET of {element}", offset=start(node))
    if not coercion.can(point, element):
        raise coercion.no_signature("function RANGE_BUCKET", [point, array])
    if point.find(exp.Query) is not None:
        raise unsupported(
            "RANGE_BUCKET of a subquery", offset=start(node), hint="put the subquery into FROM"
        )
    of = kinds.of(point)
    if of is not None and of != element and not isinstance(point, exp.Literal):
        raise coercion.no_signature("function RANGE_BUCKET", [point, array])
    return _call(node.name, [coercion.coerce(point, element), array], kinds.INT64)


CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {
    "ARRAY_CONCAT": _concat,
    "ARRAY_FIRST": _end,
    "ARRAY_LAST": _end,
    "ARRAY_REVERSE": _same,
    "GENERATE_ARRAY": _generate,
    "GENERATE_DATE_ARRAY": _generate_dates,
    "RANGE_BUCKET": _bucket,
}
SAFE = frozenset(CHECKS)
