"""Comparisons, BETWEEN and IN by type; AND and OR beside what may fail."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import arrays, failing, floats, nodes, structs, subqueries
from dicomfilter.googlesql.duckdb.failing import may_fail
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Translate = Callable[[exp.Expr], exp.Expr]


_SIGNS = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE)


def connector(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate AND or OR; a long chain is a loop, not a recursion."""
    of = type(node)
    operands: list[exp.Expr] = []
    here = node
    while type(here) is of:
        operands.append(here.expression)
        here = here.this
    operands.append(here)
    operands.reverse()
    if any(map(may_fail, operands)):
        return connect(node, operands, translate)
    translated = nodes.wrap(translate(operands[0]))
    for operand in operands[1:]:
        translated = of(this=translated, expression=nodes.wrap(translate(operand)))
    return translated


def connect(node: exp.Expr, operands: Sequence[exp.Expr], translate: Translate) -> exp.Expr:
    """Translate AND or OR of which an operand may fail.

    Args:
        node: The connector.
        operands: Its operands, checked.
        translate: Translates them.

    Returns:
        DuckDB's tree, which fails if an operand fails for a row that the scan gives.
    """
    of = type(node)
    of_scan = [part for part in operands if of is exp.And and _is_where(node) and _scans(part)]
    rest = [part for part in operands if not any(part is other for other in of_scan)]
    found = _all_looked_at(of, [translate(part) for part in rest])
    if not of_scan:
        return found
    first = nodes.both(*map(translate, of_scan))
    if not rest:
        return first
    return nodes.both(first, nodes.case((first.copy(), found), default=nodes.boolean(False)))


def _all_looked_at(of: type[exp.Expr], operands: Sequence[exp.Expr]) -> exp.Expr:
    """Join by the least or greatest of 0 for FALSE, 1 for NULL and 2 for TRUE."""
    if len(operands) < 2:
        return operands[0] if operands else nodes.boolean(True)
    found = nodes.call("least" if of is exp.And else "greatest", *map(_rank, operands))
    return nodes.case(
        (nodes.operate(exp.EQ, found, nodes.number(0)), nodes.boolean(False)),
        (nodes.operate(exp.EQ, found.copy(), nodes.number(2)), nodes.boolean(True)),
    )


def _rank(operand: exp.Expr) -> exp.Expr:
    integer = exp.Cast(this=operand, to=exp.DataType(this=exp.DataType.Type.INT))
    return nodes.call("coalesce", nodes.operate(exp.Mul, integer, nodes.number(2)), nodes.number(1))


def _is_where(node: exp.Expr) -> bool:
    """Tell whether a connector is a part of WHERE that alone leaves out a row."""
    here = node.parent
    while isinstance(here, exp.And | exp.Paren):
        here = here.parent
    return isinstance(here, exp.Where)


def _scans(node: exp.Expr) -> bool:
    """Tell whether a condition compares a column with constants."""
    if isinstance(node, _SIGNS):
        parts = (node.this, node.expression)
        return any(isinstance(part, exp.Column) for part in parts) and any(map(_is_constant, parts))
    if isinstance(node, exp.Between):
        bounds = (node.args["low"], node.args["high"])
        return isinstance(node.this, exp.Column) and all(map(_is_constant, bounds))
    unnest = node.args.get("unnest") if isinstance(node, exp.In) else None
    return unnest is not None and isinstance(node.this, exp.Column) and _is_constant(unnest)


def _is_constant(node: exp.Expr) -> bool:
    return node.find(exp.Column, exp.Select) is None and not may_fail(node)


_EXCHANGED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}
"""Signs that change when the operands change places."""


def _compare(node: exp.Expr, translate: Translate) -> exp.Expr:
    if kinds.kind(node.this) is Kind.STRUCT:
        return structs.compare(node, translate)
    left, right = translate(node.this), translate(node.expression)
    if kinds.kind(node.this) is Kind.FLOAT64:
        return floats.compare(type(node), left, right)
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
            floats.compare(exp.GTE, value, low),
            floats.compare(exp.LTE, value.copy(), high),
        )
    return exp.Between(this=nodes.wrap(value), low=nodes.wrap(low), high=nodes.wrap(high))


def _in(node: exp.Expr, translate: Translate) -> exp.Expr:
    kind = kinds.kind(node.this)
    if kind is Kind.STRUCT and node.expressions:
        return structs.is_in(node.this, node.expressions, translate)
    query, unnest = node.args.get("query"), node.args.get("unnest")
    if query is not None:
        return subqueries.is_in(node, kind, translate)
    value = translate(node.this)
    items = node.expressions
    if unnest is not None:
        array = unnest.expressions[0]
        if isinstance(array, exp.Parameter):
            return arrays.in_parameter(value, translate(array), kind)
        if not isinstance(array, exp.Array) or not array.expressions:
            return arrays.in_column(value, translate(array), kind)
        items = array.expressions
    listed = [translate(item) for item in items]
    if kind is Kind.FLOAT64:
        same = (floats.compare(exp.EQ, value.copy(), item) for item in listed)
        return nodes.either(*same)
    return exp.In(this=nodes.wrap(value), expressions=listed)


RULES: dict[type[exp.Expr], Callable[[exp.Expr, Translate], exp.Expr]] = {
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), _compare),
    exp.Between: _between,
    exp.In: _in,
    exp.NullSafeEQ: _distinct,
    exp.NullSafeNEQ: _distinct,
}
