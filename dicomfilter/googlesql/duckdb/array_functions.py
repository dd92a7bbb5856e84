"""Functions of arrays: NULL and errors as GoogleSQL has them."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

MAX_ELEMENTS = 16_000
"""The longest array that is generated; BigQuery's own limit is said nowhere."""
_HUGE = exp.DataType(this=exp.DataType.Type.INT128)
_WEEK = 7


def _arguments(node: exp.Expr, translate: Translate) -> list[exp.Expr]:
    return [translate(argument) for argument in node.expressions]


def _type(node: exp.Expr) -> SqlType:
    of = kinds.of(node)
    assert of is not None  # noqa: S101 - a checked call has its type
    return of


def _any_null(values: list[exp.Expr]) -> exp.Expr:
    return nodes.either(*(nodes.is_null(value.copy()) for value in values))


def _concat(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Join arrays; NULL if one is, where DuckDB leaves it out."""
    values = _arguments(node, translate)
    nothing = nodes.cast(nodes.null(), _type(node))
    return nodes.case((_any_null(values), nothing), default=nodes.call("list_concat", *values))


def _reverse(node: exp.Expr, translate: Translate) -> exp.Expr:
    return nodes.call("list_reverse", *_arguments(node, translate))


def _end(node: exp.Expr, translate: Translate) -> exp.Expr:
    (value,) = _arguments(node, translate)
    empty = nodes.operate(exp.EQ, nodes.call("len", value.copy()), nodes.number(0))
    place = nodes.number(1) if node.name == "ARRAY_FIRST" else exp.Neg(this=nodes.number(1))
    problem = nodes.error(f"{node.name} of an empty array", _type(node))
    return nodes.case((empty, problem), default=nodes.call("list_extract", value, place))


def _generate(node: exp.Expr, translate: Translate) -> exp.Expr:
    first, last, *steps = _arguments(node, translate)
    step = steps[0] if steps else nodes.number(1)
    return _series(first, last, step, _type(node))


def _series(first: exp.Expr, last: exp.Expr, step: exp.Expr, of: SqlType) -> exp.Expr:
    """Count from a number to another; DuckDB is never asked for more than is taken."""
    by = nodes.call("nullif", step.copy(), nodes.number(0))
    span = nodes.operate(exp.Sub, exp.Cast(this=last.copy(), to=_HUGE.copy()), first.copy())
    steps = nodes.operate(exp.IntDiv, span, by)
    long = nodes.operate(exp.GTE, steps, nodes.number(MAX_ELEMENTS))
    end = nodes.case((long.copy(), first.copy()), default=last.copy())
    return nodes.case(
        (_any_null([first, last, step]), nodes.cast(nodes.null(), of)),
        (
            nodes.operate(exp.EQ, step.copy(), nodes.number(0)),
            nodes.error("Sequence step cannot be 0", of),
        ),
        (long, nodes.error(f"Cannot generate arrays with more than {MAX_ELEMENTS} elements", of)),
        default=nodes.call("generate_series", first, end, by.copy()),
    )


def _generate_dates(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Count days by their numbers, and take these for dates again."""
    first, last = (_number_of(translate(day)) for day in node.expressions[:2])
    step = nodes.number(1)
    if len(node.expressions) > 2:
        interval = node.expressions[2]
        step = translate(interval.this)
        if interval.args["unit"].name == "WEEK":
            step = exp.Paren(this=nodes.operate(exp.Mul, step, nodes.number(_WEEK)))
    numbers = _series(first, last, step, SqlType(Kind.ARRAY, kinds.INT64))
    number = exp.Identifier(this="number")
    moved = nodes.operate(
        exp.Add,
        _epoch(),
        exp.Cast(this=exp.Column(this=number.copy()), to=exp.DataType(this=exp.DataType.Type.INT)),
    )
    return nodes.call("list_transform", numbers, exp.Lambda(this=moved, expressions=[number]))


def _epoch() -> exp.Expr:
    return nodes.cast(nodes.text("1970-01-01"), kinds.DATE)


def _number_of(day: exp.Expr) -> exp.Expr:
    return nodes.cast(exp.Paren(this=nodes.operate(exp.Sub, day, _epoch())), kinds.INT64)


def _bucket(node: exp.Expr, translate: Translate) -> exp.Expr:
    point, array = _arguments(node, translate)
    item = exp.Identifier(this="item")
    below = nodes.operate(exp.LTE, exp.Column(this=item.copy()), point.copy())
    found = nodes.call("list_filter", array, exp.Lambda(this=below, expressions=[item]))
    has_null = nodes.operate(
        exp.NEQ, nodes.call("len", array.copy()), nodes.call("list_count", array.copy())
    )
    sorted_ = nodes.operate(exp.NEQ, nodes.call("list_sort", array.copy()), array.copy())
    problem = nodes.error("Elements of RANGE_BUCKET must be in ascending order", kinds.INT64)
    return nodes.case(
        (_any_null([point, array]), nodes.cast(nodes.null(), kinds.INT64)),
        (nodes.either(has_null, sorted_), problem),
        default=nodes.call("len", found),
    )


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    "ARRAY_CONCAT": _concat,
    "ARRAY_FIRST": _end,
    "ARRAY_LAST": _end,
    "ARRAY_REVERSE": _reverse,
    "GENERATE_ARRAY": _generate,
    "GENERATE_DATE_ARRAY": _generate_dates,
    "RANGE_BUCKET": _bucket,
}
