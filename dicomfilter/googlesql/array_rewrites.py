"""IN UNNEST as GoogleSQL has it: of a column, and of a bound parameter."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from sqlglot import exp

from dicomfilter.googlesql import float_rewrites, nodes
from dicomfilter.schema import Kind


def in_parameter(value: exp.Expr, array: exp.Expr, kind: Kind | None) -> exp.Expr:
    """Look up in a bound array by a hash join: fast with a million values."""
    of_array = exp.Select(expressions=[nodes.call("unnest", array)])
    found = exp.In(this=nodes.wrap(value), query=exp.Subquery(this=of_array))
    if kind is not Kind.FLOAT64:
        return found
    return float_rewrites.is_in_nothing(value, array, found)


def in_column(value: exp.Expr, array: exp.Expr, kind: Kind | None) -> exp.Expr:
    """Look up in a row's array: FALSE if it is NULL or empty, else NULL as IN has it."""
    size = nodes.call("coalesce", nodes.call("len", array.copy()), nodes.number(0))
    has_null = nodes.operate(
        exp.NEQ, nodes.call("len", array.copy()), nodes.call("list_count", array.copy())
    )
    unknown = nodes.either(nodes.is_null(value.copy()), has_null)
    found = nodes.both(
        nodes.operate(exp.GT, size, nodes.number(0)),
        nodes.case(
            (nodes.call("list_contains", array.copy(), value.copy()), nodes.boolean(True)),
            (unknown, nodes.null()),
            default=nodes.boolean(False),
        ),
    )
    if kind is not Kind.FLOAT64:
        return found
    return float_rewrites.is_in_nothing(value, array, found)
