"""The check of what works on bits.

Source: GoogleSQL reference, "Operators", bitwise operators; "Bit functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

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

_SIGNS: dict[type[exp.Expr], str] = {
    exp.BitwiseAnd: "&",
    exp.BitwiseOr: "|",
    exp.BitwiseXor: "^",
    exp.BitwiseLeftShift: "<<",
    exp.BitwiseRightShift: ">>",
}
_SHIFTS = ("<<", ">>")


def _operator(checker: Checker, node: exp.Expr) -> exp.Expr:
    sign = _SIGNS[type(node)]
    operands = [checker.check(node.this), checker.check(node.expression)]
    for operand in operands:
        if kinds.of(operand) is None and sign not in _SHIFTS:
            raise PredicateError(
                f"Operands of {sign} cannot be literal NULL", offset=start(operand)
            )
    if kinds.kind(operands[0]) is Kind.BYTES:
        raise unsupported(f"{sign} on BYTES", offset=start(node))
    if not all(coercion.can(operand, kinds.INT64) for operand in operands):
        raise coercion.no_signature(f"operator {sign}", operands)
    left, right = (coercion.coerce(operand, kinds.INT64) for operand in operands)
    return kinds.typed(type(node)(this=left, expression=right), kinds.INT64)


def _not(checker: Checker, node: exp.Expr) -> exp.Expr:
    operand = checker.check(node.this)
    if kinds.of(operand) is None:
        raise PredicateError("Operands of ~ cannot be literal NULL", offset=start(operand))
    if kinds.kind(operand) is Kind.BYTES:
        raise unsupported("~ on BYTES", offset=start(node))
    if kinds.of(operand) != kinds.INT64:
        raise coercion.no_signature("operator ~", [operand])
    return kinds.typed(exp.BitwiseNot(this=operand), kinds.INT64)


def _count(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = [checker.check(argument) for argument in node.expressions]
    if len(arguments) == 1 and kinds.kind(arguments[0]) is Kind.BYTES:
        raise unsupported("BIT_COUNT of BYTES", offset=start(node))
    if len(arguments) != 1 or not coercion.can(arguments[0], kinds.INT64):
        raise coercion.no_signature("function BIT_COUNT", arguments or [node])
    value = coercion.coerce(arguments[0], kinds.INT64)
    return kinds.typed(exp.Anonymous(this=node.name, expressions=[value]), kinds.INT64)


CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {"BIT_COUNT": _count}
SAFE = frozenset(CHECKS)
RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    **dict.fromkeys(_SIGNS, _operator),
    exp.BitwiseNot: _not,
}
