"""A checked tree as DuckDB's: every kind of node by name, anything else refused.

The rewrites and why they are needed stand in the modules `*rewrites`.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import (
    aggregate_rewrites,
    aggregates,
    array_rewrites,
    cast_rewrites,
    date_rewrites,
    float_rewrites,
    kinds,
    nodes,
    select_rewrites,
    text_rewrites,
)
from dicomfilter.googlesql.reader import start
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable


MAX_NODES = 20_000
"""The largest translation of an expression; rewrites that name an operand twice can multiply."""


def expression(node: exp.Expr) -> exp.Expr:
    """Translate a checked expression, by the kind of its node.

    Args:
        node: GoogleSQL, with types.

    Returns:
        DuckDB's tree of the same meaning; the given one is not changed.

    Raises:
        PredicateError: A node has no verified translation.
    """
    rule = _RULES.get(type(node))
    if rule is None:
        raise PredicateError(
            f"{type(node).__name__} has no translation for the embedded engine", refused=True
        )
    translated = rule(node)
    if isinstance(node, _MULTIPLYING) and sum(1 for _ in translated.walk()) > MAX_NODES:
        raise PredicateError(
            "the expression is too complex for the embedded engine",
            offset=start(node),
            hint="split it into several conditions",
            refused=True,
        )
    return translated


def _column(node: exp.Expr) -> exp.Expr:
    table = node.args.get("table")
    return exp.Column(
        this=exp.Identifier(this=node.name, quoted=True),
        table=exp.Identifier(this=table.name, quoted=True) if table else None,
    )


def _field(node: exp.Expr) -> exp.Expr:
    return nodes.call("struct_extract", expression(node.this), nodes.text(node.expression.name))


def _parameter(node: exp.Expr) -> exp.Expr:
    of = kinds.of(node)
    bare = exp.Parameter(this=exp.Var(this=node.name))
    return bare if of is None else nodes.cast(bare, of)


def _literal(node: exp.Expr) -> exp.Expr:
    of = kinds.of(node)
    bare = exp.Literal(this=node.this, is_string=node.args["is_string"])
    if of is None or of.kind is Kind.STRING:
        return bare
    return nodes.cast(bare, of)


def _null(node: exp.Expr) -> exp.Expr:
    of = kinds.of(node)
    return nodes.null() if of is None else nodes.cast(nodes.null(), of)


def _boolean(node: exp.Expr) -> exp.Expr:
    return nodes.boolean(bool(node.this))


def _paren(node: exp.Expr) -> exp.Expr:
    return nodes.wrap(expression(node.this))


def _not(node: exp.Expr) -> exp.Expr:
    return nodes.negation(expression(node.this))


def _connector(node: exp.Expr) -> exp.Expr:
    """Translate AND or OR; a long chain is a loop, not a recursion."""
    of = type(node)
    operands: list[exp.Expr] = []
    here = node
    while type(here) is of:
        operands.append(here.expression)
        here = here.this
    translated = nodes.wrap(expression(here))
    for operand in reversed(operands):
        translated = of(this=translated, expression=nodes.wrap(expression(operand)))
    return translated


def _comparison(node: exp.Expr) -> exp.Expr:
    left, right = expression(node.this), expression(node.expression)
    if kinds.kind(node.this) is Kind.FLOAT64:
        return float_rewrites.compare(type(node), left, right)
    return nodes.operate(type(node), left, right)


def _between(node: exp.Expr) -> exp.Expr:
    value, low, high = (expression(node.args[name]) for name in ("this", "low", "high"))
    if kinds.kind(node.this) is Kind.FLOAT64:
        return nodes.both(
            float_rewrites.compare(exp.GTE, value, low),
            float_rewrites.compare(exp.LTE, value.copy(), high),
        )
    return exp.Between(this=nodes.wrap(value), low=nodes.wrap(low), high=nodes.wrap(high))


def _in(node: exp.Expr) -> exp.Expr:
    value = expression(node.this)
    unnest = node.args.get("unnest")
    if unnest is not None:
        array = unnest.expressions[0]
        if isinstance(array, exp.Parameter):
            return array_rewrites.in_parameter(value, expression(array), kinds.kind(node.this))
        return array_rewrites.in_column(value, expression(array), kinds.kind(node.this))
    items = [expression(item) for item in node.expressions]
    if kinds.kind(node.this) is Kind.FLOAT64:
        return nodes.either(*(float_rewrites.compare(exp.EQ, value.copy(), item) for item in items))
    return exp.In(this=nodes.wrap(value), expressions=items)


def _is(node: exp.Expr) -> exp.Expr:
    if isinstance(node.expression, exp.Null):
        return nodes.is_null(expression(node.this))
    return exp.Is(this=nodes.wrap(expression(node.this)), expression=_boolean(node.expression))


def _like(node: exp.Expr) -> exp.Expr:
    return text_rewrites.like(expression(node.this), expression(node.expression))


def _case(node: exp.Expr) -> exp.Expr:
    branches = [(expression(b.this), expression(b.args["true"])) for b in node.args["ifs"]]
    default = node.args.get("default")
    return nodes.case(*branches, default=expression(default) if default is not None else None)


def _negative(node: exp.Expr) -> exp.Expr:
    return exp.Neg(this=nodes.wrap(expression(node.this)))


def _arithmetic(node: exp.Expr) -> exp.Expr:
    left, right = expression(node.this), expression(node.expression)
    of = kinds.of(node)
    if of is not None and of.kind is Kind.FLOAT64:
        return float_rewrites.arithmetic(type(node), left, right)
    plain = exp.Paren(this=nodes.operate(type(node), left, right))
    return nodes.cast(plain, of) if of is not None and of.kind is Kind.NUMERIC else plain


def _cast(node: exp.Expr) -> exp.Expr:
    of, to = kinds.of(node.this), kinds.of(node)
    assert to is not None  # noqa: S101 - a checked cast has its type
    if of is None:
        return nodes.cast(nodes.null(), to)
    return cast_rewrites.cast(expression(node.this), of, to, safe=isinstance(node, exp.TryCast))


def _extract(node: exp.Expr) -> exp.Expr:
    return date_rewrites.extract(node.this.name, expression(node.expression))


def _renamed(name: str) -> Callable[..., exp.Expr]:
    return lambda *arguments: nodes.call(name, *arguments)


def _if(condition: exp.Expr, true: exp.Expr, false: exp.Expr) -> exp.Expr:
    return nodes.case((condition, true), default=false)


_FUNCTIONS: dict[str, Callable[..., exp.Expr]] = {
    "ARRAY_LENGTH": _renamed("len"),
    "COALESCE": _renamed("coalesce"),
    "ENDS_WITH": _renamed("ends_with"),
    "IF": _if,
    "IFNULL": _renamed("coalesce"),
    "LENGTH": _renamed("length"),
    "LOWER": text_rewrites.lower,
    "LTRIM": _renamed("ltrim"),
    "REGEXP_CONTAINS": _renamed("regexp_matches"),
    "STARTS_WITH": _renamed("starts_with"),
    "UPPER": text_rewrites.upper,
}


def _text(node: exp.Expr) -> exp.Expr:
    of = kinds.of(node)
    return expression(node) if of is None else cast_rewrites.to_text(expression(node), of)


def _join(node: exp.Expr) -> exp.Expr:
    return text_rewrites.concat(_text(node.this), _text(node.expression))


def _window(node: exp.Expr) -> exp.Expr:
    partition = [expression(key) for key in node.args.get("partition_by") or []]
    order = node.args.get("order")
    keys = select_rewrites.order_keys(order, expression) if order is not None else []
    return exp.Window(
        this=expression(node.this),
        partition_by=partition,
        order=exp.Order(expressions=keys) if keys else None,
        over="OVER",
    )


def _call(node: exp.Expr) -> exp.Expr:
    name = node.name
    if name in ("DATE_ADD", "DATE_SUB"):
        day, interval = node.expressions
        return date_rewrites.shift(
            name, expression(day), expression(interval.this), interval.args["unit"].name
        )
    if name in aggregates.NAMES:
        return aggregate_rewrites.call(node, expression)
    if name == "CONCAT":
        return text_rewrites.concat(*(_text(argument) for argument in node.expressions))
    rule = _FUNCTIONS.get(name)
    if rule is None:
        raise PredicateError(f"{name} has no translation for the embedded engine", refused=True)
    return rule(*(expression(argument) for argument in node.expressions))


_MULTIPLYING = (exp.Predicate, exp.Add, exp.Sub, exp.Mul, exp.Anonymous, exp.Cast)

_RULES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Column: _column,
    exp.Dot: _field,
    exp.Parameter: _parameter,
    exp.Literal: _literal,
    exp.Null: _null,
    exp.Boolean: _boolean,
    exp.Paren: _paren,
    exp.Not: _not,
    exp.And: _connector,
    exp.Or: _connector,
    exp.EQ: _comparison,
    exp.NEQ: _comparison,
    exp.LT: _comparison,
    exp.LTE: _comparison,
    exp.GT: _comparison,
    exp.GTE: _comparison,
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Like: _like,
    exp.Case: _case,
    exp.Neg: _negative,
    exp.Add: _arithmetic,
    exp.Sub: _arithmetic,
    exp.Mul: _arithmetic,
    exp.DPipe: _join,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Extract: _extract,
    exp.Anonymous: _call,
    exp.Window: _window,
}
