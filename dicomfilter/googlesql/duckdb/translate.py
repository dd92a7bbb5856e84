"""A checked tree as DuckDB's: every kind of node by name, anything else refused.

The rewrites and why they are needed stand in the modules `*rewrites`.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from itertools import count
from threading import local
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import holding
from dicomfilter.googlesql.check import aggregates, functions, raising
from dicomfilter.googlesql.check.scope import NAMED, PLACE, SOURCE
from dicomfilter.googlesql.duckdb import (
    array_functions,
    arrays,
    bits,
    casts,
    date_formats,
    dates,
    failing,
    floats,
    formats,
    hashes,
    jsons,
    moments,
    nodes,
    numbers,
    numerics,
    predicates,
    regexps,
    strings,
    structs,
    subqueries,
    temporal_casts,
)
from dicomfilter.googlesql.duckdb.aggregates import call as aggregate
from dicomfilter.googlesql.duckdb.aggregates import window
from dicomfilter.googlesql.duckdb.functions import call as safe_call
from dicomfilter.googlesql.holding import SIZE, Frame
from dicomfilter.googlesql.parse.lifting import GIVEN
from dicomfilter.googlesql.parse.reader import start
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.words import SAFE
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable


MAX_NODES = 20_000
"""The largest translation of an expression; rewrites that name an operand twice can multiply."""
MAX_COPIES = 12
"""How often a subquery may stand in a translation: with 36 DuckDB plans for a minute."""


def expression(node: exp.Expr) -> exp.Expr:
    """Translate a checked expression, by the kind of its node.

    Args:
        node: GoogleSQL, with types.

    Returns:
        DuckDB's tree of the same meaning; the given one is not changed.

    Raises:
        PredicateError: A node has no verified translation.
    """
    if not _work.frames:
        _work.begin()
    known = _work.known.get(id(node))
    translated = _translated(node) if known is None else known[1]
    if not _work.frames:
        return translated
    if known is None:
        _work.known[id(node)] = node, translated
    frame = _work.frames[-1]
    return frame.hold(node, translated) if frame.holds else translated.copy()


class _Work(local):
    """What is being translated: the nodes around, and what is translated already."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.begin()

    def begin(self) -> None:
        self.known: dict[int, tuple[exp.Expr, exp.Expr]] = {}
        self.names = count(1)

    def name(self) -> str:
        return f"_given_{next(self.names)}"


_work = _Work()


def _translated(node: exp.Expr) -> exp.Expr:
    rule = _RULES.get(type(node))
    if rule is None:
        raise PredicateError(
            f"{type(node).__name__} has no translation for the embedded engine", refused=True
        )
    frame = Frame(node)
    _work.frames.append(frame)
    try:
        rewritten = failing.looked_at(node, rule(node), expression)
    finally:
        _work.frames.pop()
    translated = frame.settled(rewritten, _work.name)
    translated.meta.pop(SIZE, None)
    translated.meta[SIZE] = holding.size(translated)
    if translated.meta[SIZE] > MAX_NODES and not isinstance(node, exp.Connector | exp.Paren):
        raise PredicateError(
            "the expression is too complex for the embedded engine",
            offset=start(node),
            hint="split it into several conditions",
            refused=True,
        )
    if isinstance(node, exp.Subquery | exp.Predicate | exp.Anonymous):
        _refuse_copies(node, translated)
    return translated


def _refuse_copies(node: exp.Expr, translated: exp.Expr) -> None:
    given = len(list(node.find_all(exp.Select)))
    copies = len(list(translated.find_all(exp.Select))) if given else 0
    if copies > MAX_COPIES * max(1, given):
        raise PredicateError(
            "a subquery would be computed too often by the embedded engine",
            offset=start(node),
            hint="put it into FROM and join it",
            refused=True,
        )


def _column(node: exp.Expr) -> exp.Expr:
    name, table = exp.Identifier(this=node.name, quoted=True), None
    if node.meta.get(NAMED):
        table = exp.Identifier(this=node.meta[SOURCE], quoted=True)
    column: exp.Expr = exp.Column(this=name, table=table)
    if node.meta.get(PLACE):
        column = exp.Paren(this=exp.Sub(this=column, expression=nodes.number(1)))
    return column


def _field(node: exp.Expr) -> exp.Expr:
    if kinds.kind(node.this) is Kind.JSON:
        return jsons.part(node, expression)
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


def _with_expression(
    rule: Callable[[exp.Expr, Callable[[exp.Expr], exp.Expr]], exp.Expr],
) -> Callable[[exp.Expr], exp.Expr]:
    return lambda node: rule(node, expression)


def _is(node: exp.Expr) -> exp.Expr:
    if isinstance(node.expression, exp.Null):
        return nodes.is_null(expression(node.this))
    return exp.Is(this=nodes.wrap(expression(node.this)), expression=_boolean(node.expression))


def _like(node: exp.Expr) -> exp.Expr:
    pattern = node.expression.meta.get(GIVEN)
    if isinstance(pattern, str) and "\\" not in pattern:  # which alone is more than DuckDB knows
        text, plain = expression(node.this), expression(node.expression)
        return exp.Like(this=nodes.wrap(text), expression=nodes.wrap(plain))
    return strings.like(expression(node.this), expression(node.expression))


def _case(node: exp.Expr) -> exp.Expr:
    branches = [(expression(b.this), expression(b.args["true"])) for b in node.args["ifs"]]
    default = node.args.get("default")
    return nodes.case(*branches, default=expression(default) if default is not None else None)


def _negative(node: exp.Expr) -> exp.Expr:
    value = expression(node.this)
    if kinds.kind(node) is Kind.INT64:  # the smallest has no opposite, which DuckDB's - overlooks
        return nodes.call("subtract", nodes.number(0), value)
    return exp.Neg(this=nodes.wrap(value))


_CHECKED: dict[type[exp.Expr], str] = {exp.Add: "add", exp.Sub: "subtract", exp.Mul: "multiply"}
"""What DuckDB calls its operators. To the signs it does algebra that loses an overflow."""


def _arithmetic(node: exp.Expr) -> exp.Expr:
    left, right = expression(node.this), expression(node.expression)
    of = kinds.of(node)
    if of is not None and of.kind is Kind.FLOAT64:
        return floats.arithmetic(type(node), left, right)
    if failing.exchanges(node):
        left, right = right, left
    if of is not None and of.kind is Kind.NUMERIC:
        if isinstance(node, exp.Mul):
            return numerics.multiply(left, right, nodes.error("numeric overflow", of))
        return nodes.cast(exp.Paren(this=nodes.operate(type(node), left, right)), of)
    return nodes.call(_CHECKED[type(node)], left, right)


def _cast(node: exp.Expr) -> exp.Expr:
    of, to = kinds.of(node.this), kinds.of(node)
    assert to is not None  # noqa: S101 - a checked cast has its type
    if of is None:
        return nodes.cast(nodes.null(), to)
    if of == to:  # of what has no type in its own text, as ARRAY<STRING>[]
        return expression(node.this)
    is_temporal = of.kind in kinds.TEMPORAL or to.kind in kinds.TEMPORAL
    cast = temporal_casts.cast if is_temporal else casts.cast
    of_json = jsons.number(node, expression)
    if of_json is not None:
        return of_json
    return cast(expression(node.this), of, to, safe=isinstance(node, exp.TryCast))


def _extract(node: exp.Expr) -> exp.Expr:
    return dates.extract(node, expression)


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
    "LOWER": strings.lower,
    "STARTS_WITH": _renamed("starts_with"),
    "UPPER": strings.upper,
}


def _text(node: exp.Expr) -> exp.Expr:
    of = kinds.of(node)
    return expression(node) if of is None else temporal_casts.to_text(expression(node), of)


def _join(node: exp.Expr) -> exp.Expr:
    return strings.concat(_text(node.this), _text(node.expression))


def _window(node: exp.Expr) -> exp.Expr:
    return window(node, expression)


def _exists(node: exp.Expr) -> exp.Expr:
    return subqueries.exists(node, expression)


def _subquery(node: exp.Expr) -> exp.Expr:
    return subqueries.scalar(node, expression)


_CALLS: dict[str, Callable[[exp.Expr, Callable[[exp.Expr], exp.Expr]], exp.Expr]] = {
    "ARRAY": subqueries.array,
    **raising.CALLS,
    **array_functions.CALLS,
    **bits.CALLS,
    **dates.CALLS,
    **date_formats.CALLS,
    **hashes.CALLS,
    **moments.CALLS,
    **numbers.MATHEMATICAL,
    **numbers.CALLS,
    **date_formats.PARSED,
    **jsons.CALLS,
    **formats.CALLS,
    **regexps.CALLS,
    **strings.CALLS,
}


def _call(node: exp.Expr, expression: Callable[[exp.Expr], exp.Expr] = expression) -> exp.Expr:
    name = node.name
    if name.startswith(SAFE):
        return safe_call(node, expression, _call)
    if name in _CALLS:
        return _CALLS[name](node, expression)
    if name in aggregates.NAMES:
        return aggregate(node, expression)
    if name == "CONCAT":
        return strings.concat(*(_text(argument) for argument in node.expressions))
    rule = _FUNCTIONS.get(name)
    if rule is None:
        raise PredicateError(
            f"{name} has no translation for the embedded engine",
            offset=start(node),
            hint=functions.NOT_ON_FILES.get(name),
            refused=True,
        )
    return rule(*(expression(argument) for argument in node.expressions))


_RULES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    **{of: _with_expression(rule) for of, rule in predicates.RULES.items()},
    exp.Array: _with_expression(arrays.literal),
    exp.Bracket: _with_expression(arrays.subscript),
    exp.Struct: _with_expression(structs.literal),
    exp.Tuple: _with_expression(structs.literal),
    exp.Column: _column,
    exp.Dot: _field,
    exp.Parameter: _parameter,
    exp.Literal: _literal,
    exp.Null: _null,
    exp.Boolean: _boolean,
    exp.Paren: _paren,
    exp.Not: _not,
    exp.And: _with_expression(predicates.connector),
    exp.Or: _with_expression(predicates.connector),
    exp.Is: _is,
    exp.Like: _like,
    exp.Case: _case,
    exp.Neg: _negative,
    exp.Add: _arithmetic,
    exp.Sub: _arithmetic,
    exp.Mul: _arithmetic,
    exp.Div: _with_expression(numbers.divide),
    exp.BitwiseAnd: _with_expression(bits.operator),
    exp.BitwiseLeftShift: _with_expression(bits.operator),
    exp.BitwiseNot: _with_expression(bits.invert),
    exp.BitwiseOr: _with_expression(bits.operator),
    exp.BitwiseRightShift: _with_expression(bits.operator),
    exp.BitwiseXor: _with_expression(bits.operator),
    exp.DPipe: _join,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Extract: _extract,
    exp.Anonymous: _call,
    exp.Window: _window,
    exp.Exists: _exists,
    exp.Subquery: _subquery,
}
