"""What checks each kind of node, in one table."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import (
    arrays,
    bits,
    casts,
    coercion,
    dates,
    functions,
    moments,
    numbers,
    predicates,
    structs,
    subqueries,
    windows,
)
from dicomfilter.googlesql.check.fields import field_of
from dicomfilter.googlesql.parse.lifting import GIVEN
from dicomfilter.googlesql.parse.operands import PLUS
from dicomfilter.googlesql.parse.reader import start
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import nearest
from dicomfilter.googlesql.types.parameters import CURRENT_DATE
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

_SIGNS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}


def _name(checker: Checker, node: exp.Expr) -> exp.Expr:
    root = node
    while isinstance(root, exp.Dot):
        root = root.this
    if isinstance(root, exp.Column):
        assert isinstance(node, exp.Column | exp.Dot)  # noqa: S101 - by RULES
        return checker.scope.resolve(node)
    return field_of(checker.check(node.this), node.expression)


def _parameter(checker: Checker, node: exp.Expr) -> exp.Expr:
    found = checker.scope.parameters.get(node.name.lower())
    if found is None:
        guess = nearest(node.name, [p.name for p in checker.scope.parameters.values()])
        raise PredicateError(
            f"Query parameter '{node.name}' not found",
            offset=start(node),
            hint=f"did you mean @{guess}?"
            if guess
            else f"give it with --param {node.name}:TYPE:VALUE",
        )
    given = kinds.typed(exp.Parameter(this=exp.Var(this=found.name)), found.type)
    given.meta[GIVEN] = found.value
    return given


def _constant(_: Checker, node: exp.Expr) -> exp.Expr:
    return node


def _today(checker: Checker, node: exp.Expr) -> exp.Expr:
    if node.this is not None:
        moments.utc_only(checker, node.this)
    today = kinds.typed(exp.Parameter(this=exp.Var(this=CURRENT_DATE)), kinds.DATE)
    today.meta[GIVEN] = CURRENT_DATE
    return today


def _paren(checker: Checker, node: exp.Expr) -> exp.Expr:
    inner = checker.check(node.this)
    if PLUS in node.meta:
        return numbers.plus(inner)
    if isinstance(inner, exp.Anonymous):  # an operator that became a call
        return inner
    return kinds.typed(exp.Paren(this=inner), kinds.of(inner))


def _negative(checker: Checker, node: exp.Expr) -> exp.Expr:
    inner = checker.check(node.this)
    if kinds.of(inner) is None:
        raise PredicateError("Operands of - cannot be literal NULL", offset=start(node))
    if kinds.kind(inner) not in kinds.NUMBERS:
        raise coercion.no_signature("operator -", [inner])
    return kinds.typed(exp.Neg(this=inner), kinds.of(inner))


def _arithmetic(checker: Checker, node: exp.Expr) -> exp.Expr:
    sign = _SIGNS[type(node)]
    operands = [dates.operand(checker, side) for side in (node.this, node.expression)]
    for operand in operands:
        if kinds.of(operand) is None:
            raise PredicateError(
                f"Operands of {sign} cannot be literal NULL", offset=start(operand)
            )
    moved = dates.arithmetic(checker, node, operands)
    if moved is not None:
        return moved
    if not all(kinds.kind(operand) in kinds.NUMBERS for operand in operands):
        error = coercion.no_signature(f"operator {sign}", operands)
        # BigQuery reads a parameter of text as a date there; we do not.
        error.refused = any(
            isinstance(operand, exp.Parameter) and kinds.kind(operand) is Kind.STRING
            for operand in operands
        )
        raise error
    of = coercion.common(operands)
    if of is None:
        raise coercion.no_signature(f"operator {sign}", operands)
    left, right = (coercion.coerce(operand, of) for operand in operands)
    return kinds.typed(type(node)(this=left, expression=right), of)


RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Column: _name,
    exp.Dot: _name,
    exp.Parameter: _parameter,
    exp.Literal: _constant,
    exp.Null: _constant,
    exp.Boolean: _constant,
    exp.CurrentDate: _today,
    exp.Paren: _paren,
    exp.Neg: _negative,
    exp.Add: _arithmetic,
    exp.Sub: _arithmetic,
    exp.Mul: _arithmetic,
    exp.Cast: casts.cast,
    exp.TryCast: casts.cast,
    **arrays.RULES,
    **bits.RULES,
    **dates.RULES,
    **numbers.RULES,
    **predicates.RULES,
    **structs.RULES,
    **functions.RULES,
    **subqueries.RULES,
    **windows.RULES,
}
"""What checks each kind of node."""
