"""Arrays as GoogleSQL has them: places that are not there, IN UNNEST."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import floats, jsons, nodes
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.values import INT64_MAX
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]


def literal(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate ``[a, b]``; one without elements has to say its type."""
    of = kinds.of(node)
    plain = exp.Array(expressions=[translate(item) for item in node.expressions])
    return plain if node.expressions or of is None else nodes.cast(plain, of)


def subscript(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate a place in brackets behind an array, or behind JSON."""
    of = kinds.of(node)
    if kinds.kind(node.this) is Kind.JSON:
        return jsons.part(node, translate)
    assert of is not None  # noqa: S101 - a checked element has its type
    return element(
        translate(node.this),
        translate(node.expressions[0]),
        of,
        first=node.args.get("offset") or 0,
        safe=bool(node.args.get("safe")),
    )


def element(array: exp.Expr, place: exp.Expr, of: SqlType, *, first: int, safe: bool) -> exp.Expr:
    """Take an element; DuckDB counts from 1, from the end too, and fails nowhere.

    Args:
        array: Translated.
        place: Translated.
        of: The GoogleSQL type of the element.
        first: The number of the first place, 0 or 1.
        safe: Whether a place that is not there is NULL, and not an error.

    Returns:
        DuckDB's tree.
    """
    low = nodes.operate(exp.GTE, place.copy(), nodes.number(first))
    from_one = place.copy() if first else nodes.operate(exp.Add, place.copy(), nodes.number(1))
    found = nodes.call("list_extract", array, from_one)
    if safe:  # DuckDB gives NULL behind the end
        if first:
            return nodes.case((low, found))
        addable = nodes.operate(exp.LT, place.copy(), nodes.number(INT64_MAX))
        return nodes.case((nodes.both(low, addable), found))
    size = nodes.call("len", array.copy())
    high = nodes.operate(exp.LTE if first else exp.LT, place.copy(), size)
    unknown = nodes.either(nodes.is_null(array.copy()), nodes.is_null(place.copy()))
    return nodes.case(
        (nodes.both(low, high), found),
        (nodes.negation(unknown), nodes.error("Array index is out of bounds", of)),
    )


def in_parameter(value: exp.Expr, array: exp.Expr, kind: Kind | None) -> exp.Expr:
    """Look up in a bound array by a hash join: fast with a million values."""
    of_array = exp.Select(expressions=[nodes.call("unnest", array)])
    found = exp.In(this=nodes.wrap(value), query=exp.Subquery(this=of_array))
    if kind is not Kind.FLOAT64:
        return found
    return floats.is_in_nothing(value, array, found)


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
    return floats.is_in_nothing(value, array, found)
