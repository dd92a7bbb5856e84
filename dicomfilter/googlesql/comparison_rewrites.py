"""Comparisons, BETWEEN and IN, by the type of what is compared."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import (
    array_rewrites,
    failing,
    float_rewrites,
    kinds,
    nodes,
    struct_rewrites,
    subquery_rewrites,
)
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]


_EXCHANGED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}
"""Signs that change when the operands change places."""


def _compare(node: exp.Expr, translate: Translate) -> exp.Expr:
    if kinds.kind(node.this) is Kind.STRUCT:
        return struct_rewrites.compare(node, translate)
    left, right = translate(node.this), translate(node.expression)
    if kinds.kind(node.this) is Kind.FLOAT64:
        return float_rewrites.compare(type(node), left, right)
    if failing.exchanges(node):
        return nodes.operate(_EXCHANGED.get(type(node), type(node)), right, left)
    return nodes.operate(type(node), left, right)


def _distinct(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate IS [NOT] DISTINCT FROM, to which a NaN and the two zeros are alike in both."""
    return nodes.operate(type(node), translate(node.this), translate(node.expression))


def _between(node: exp.Expr, translate: Translate) -> exp.Expr:
    value, low, high = (translate(node.args[name]) for name in ("this", "low", "high"))
    if kinds.kind(node.this) is Kind.FLOAT64:
        return nodes.both(
            float_rewrites.compare(exp.GTE, value, low),
            float_rewrites.compare(exp.LTE, value.copy(), high),
        )
    return exp.Between(this=nodes.wrap(value), low=nodes.wrap(low), high=nodes.wrap(high))


def _in(node: exp.Expr, translate: Translate) -> exp.Expr:
    kind = kinds.kind(node.this)
    if kind is Kind.STRUCT and node.expressions:
        return struct_rewrites.is_in(node.this, node.expressions, translate)
    query, unnest = node.args.get("query"), node.args.get("unnest")
    if query is not None:
        return subquery_rewrites.is_in(node, kind, translate)
    value = translate(node.this)
    items = node.expressions
    if unnest is not None:
        array = unnest.expressions[0]
        if isinstance(array, exp.Parameter):
            return array_rewrites.in_parameter(value, translate(array), kind)
        if not isinstance(array, exp.Array) or not array.expressions:
            return array_rewrites.in_column(value, translate(array), kind)
        items = array.expressions
    listed = [translate(item) for item in items]
    if kind is Kind.FLOAT64:
        same = (float_rewrites.compare(exp.EQ, value.copy(), item) for item in listed)
        return nodes.either(*same)
    return exp.In(this=nodes.wrap(value), expressions=listed)


RULES: dict[type[exp.Expr], Callable[[exp.Expr, Translate], exp.Expr]] = {
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), _compare),
    exp.Between: _between,
    exp.In: _in,
    exp.NullSafeEQ: _distinct,
    exp.NullSafeNEQ: _distinct,
}
