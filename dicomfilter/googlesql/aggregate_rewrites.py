"""Aggregates where DuckDB means something else than GoogleSQL."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import kinds, nodes
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_NAMES = {
    "ANY_VALUE": "any_value",
    "COUNT": "count",
    "LOGICAL_AND": "bool_and",
    "LOGICAL_OR": "bool_or",
    "MAX": "max",
    "MIN": "min",
    "ROW_NUMBER": "row_number",
}


def call(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate a checked call of an aggregate function.

    Args:
        node: The call.
        translate: Translates what it holds.

    Returns:
        DuckDB's call of the same meaning.
    """
    name, arguments = node.name, node.expressions
    if not arguments or isinstance(arguments[0], exp.Star):
        return nodes.call(_NAMES[name], *(exp.Star() for _ in arguments))
    first = arguments[0]
    distinct = isinstance(first, exp.Distinct)
    value = translate(first.expressions[0] if distinct else first)
    if name == "STRING_AGG":
        return _string_agg(value, arguments[1], translate, distinct=distinct)
    if distinct:
        value = exp.Distinct(expressions=[value])
    rule = _RULES.get((name, kinds.kind(first)))
    return rule(value) if rule is not None else nodes.call(_NAMES[name], value)


def count_if(condition: exp.Expr) -> exp.Expr:
    """Count rows; over no rows it is 0, where DuckDB's count_if is NULL (S20)."""
    return nodes.call("count", nodes.case((condition, nodes.number(1))))


def sum_integers(value: exp.Expr) -> exp.Expr:
    """Sum to an INT64, with BigQuery's error beyond; DuckDB sums to a wider type."""
    return nodes.cast(nodes.call("sum", value), kinds.INT64)


def sum_floats(value: exp.Expr) -> exp.Expr:
    """Sum doubles, with BigQuery's error where finite ones overflow."""
    total = nodes.call("sum", value)
    infinite = nodes.call("bool_or", nodes.call("isinf", value.copy()))
    overflows = nodes.both(nodes.call("isinf", total.copy()), nodes.negation(infinite))
    return nodes.case((overflows, nodes.error("double overflow", kinds.FLOAT64)), default=total)


def sum_exact(value: exp.Expr) -> exp.Expr:
    """Sum NUMERIC, which both do exactly."""
    return nodes.cast(nodes.call("sum", value), kinds.NUMERIC)


def extreme_float(name: str, value: exp.Expr) -> exp.Expr:
    """Let a NaN win over all (S16); DuckDB takes it for the greatest number."""
    nan = nodes.cast(nodes.text("nan"), kinds.FLOAT64)
    any_nan = nodes.call("bool_or", nodes.call("isnan", value.copy()))
    return nodes.case((any_nan, nan), default=nodes.call(name, value))


def _string_agg(
    value: exp.Expr, order: exp.Expr, translate: Translate, *, distinct: bool
) -> exp.Expr:
    first = exp.Distinct(expressions=[value]) if distinct else value
    keys = [
        exp.Ordered(this=value.copy(), desc=key.args["desc"], nulls_first=key.args["nulls_first"])
        for key in order.expressions
    ]
    last = exp.Order(this=translate(order.this), expressions=keys)
    return nodes.call("string_agg", first, last)


_RULES: dict[tuple[str, Kind | None], Callable[[exp.Expr], exp.Expr]] = {
    ("COUNTIF", Kind.BOOL): count_if,
    ("SUM", Kind.INT64): sum_integers,
    ("SUM", Kind.FLOAT64): sum_floats,
    ("SUM", Kind.NUMERIC): sum_exact,
    ("MIN", Kind.FLOAT64): lambda value: extreme_float("min", value),
    ("MAX", Kind.FLOAT64): lambda value: extreme_float("max", value),
}
