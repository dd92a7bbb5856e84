"""AND and OR beside what may fail, whichever operand is looked at first.

DuckDB leaves out an operand that another one decides, in an order that changes while it runs.
Google's evaluator looks at all operands, except for rows that a column compared with a constant
leaves out of the scan.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import nodes
from dicomfilter.googlesql.failing import may_fail

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
