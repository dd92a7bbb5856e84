"""What a checked query is made of, by the names that people know.

Each construct is proved by cases of its own (`dicomfilter.engines.meaning`), so it is as narrow as
what DuckDB or sqlglot may change: a function, an operator on a type, a cast between two types, a
clause.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import aggregates
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.words import SAFE
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SILENT: tuple[type[exp.Expr], ...] = (
    exp.Boolean,
    exp.Column,
    exp.Literal,
    exp.Null,
    exp.Paren,
    exp.Parameter,
    exp.Subquery,
)
"""What every case has: if these change, nothing holds."""
WORDS: dict[type[exp.Expr], str] = {
    exp.And: "AND",
    exp.Array: "[...]",
    exp.BitwiseAnd: "&",
    exp.BitwiseLeftShift: "<<",
    exp.BitwiseNot: "~",
    exp.BitwiseOr: "|",
    exp.BitwiseRightShift: ">>",
    exp.BitwiseXor: "^",
    exp.Case: "CASE",
    exp.DPipe: "||",
    exp.Dot: "a field",
    exp.Exists: "EXISTS",
    exp.Having: "HAVING",
    exp.Is: "IS",
    exp.Like: "LIKE",
    exp.Not: "NOT",
    exp.Or: "OR",
    exp.Qualify: "QUALIFY",
    exp.Struct: "STRUCT",
    exp.Tuple: "STRUCT",
    exp.Where: "WHERE",
    exp.With: "WITH",
}
TYPED: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Between: "BETWEEN",
    exp.Div: "/",
    exp.EQ: "=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.In: "IN",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.Mul: "*",
    exp.NEQ: "!=",
    exp.Neg: "unary -",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.Sub: "-",
}
"""Operators that are translated by the type of what stands at their left."""
_CLAUSES: dict[str, str] = {
    "distinct": "SELECT DISTINCT",
    "group": "GROUP BY",
    "kind": "SELECT AS STRUCT",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "order": "ORDER BY",
}


def constructs(tree: exp.Expr) -> Iterator[tuple[str, exp.Expr]]:
    """Name what a tree is made of.

    Args:
        tree: Checked, with types.

    Yields:
        The name of each construct, and the node where it stands; a name as often as it occurs.
    """
    for node in tree.walk():
        for name in _names(node):
            yield name, node


def _names(node: exp.Expr) -> Iterator[str]:
    if type(node) in WORDS:
        yield WORDS[type(node)]
    elif type(node) in TYPED:
        yield f"{TYPED[type(node)]} of {_kind(node.this)}"
        if isinstance(node, exp.In) and not node.expressions:
            yield "IN UNNEST" if node.args.get("unnest") is not None else "IN (SELECT)"
    for of, rule in _RULES:
        if isinstance(node, of):
            yield from rule(node)


def _kind(node: exp.Expr) -> str:
    kind = kinds.kind(node)
    return "NULL" if kind is None else kind.value


def _cast(node: exp.Expr) -> Iterator[str]:
    of, to = kinds.of(node.this), kinds.of(node)
    if of is None or of == to or to is None or isinstance(node.this, exp.Null):
        return
    word = "SAFE_CAST" if isinstance(node, exp.TryCast) else "CAST"
    yield f"{word}({of.kind.value} AS {to.kind.value})"


def _call(node: exp.Expr) -> Iterator[str]:
    name = node.name
    if name.startswith(SAFE):
        yield "SAFE"
        name = name.removeprefix(SAFE)
    if name not in aggregates.NAMES:
        yield name
        return
    yield f"{name} OVER" if isinstance(node.parent, exp.Window) else name
    modified = aggregates.Modified.of(node)
    if modified.distinct:
        yield f"{name}(DISTINCT)"
    if modified.nulls is not None:
        yield f"{name}({'IGNORE' if modified.nulls is exp.IgnoreNulls else 'RESPECT'} NULLS)"
    if modified.order is not None:
        yield f"{name}(ORDER BY)"
    if modified.limit is not None:
        yield f"{name}(LIMIT)"


def _extract(node: exp.Expr) -> Iterator[str]:
    yield f"EXTRACT({node.this.name.upper()})"


def _bracket(node: exp.Expr) -> Iterator[str]:
    yield f"[] of {_kind(node.this)}"


def _join(node: exp.Expr) -> Iterator[str]:
    yield f"{node.args.get('side') or node.args.get('kind') or 'INNER'} JOIN"


def _unnest(node: exp.Expr) -> Iterator[str]:
    if not isinstance(node.parent, exp.In):
        yield "UNNEST" if node.args.get("offset") is None else "UNNEST WITH OFFSET"


def _star(node: exp.Expr) -> Iterator[str]:
    yield from (f"* {word}" for name, word in _OF_STAR.items() if node.args.get(name))


def _window(node: exp.Expr) -> Iterator[str]:
    if node.args.get("spec") is not None:
        yield f"a frame of {node.args['spec'].args['kind']}"
    if node.args.get("partition_by"):
        yield "PARTITION BY"


def _query(node: exp.Expr) -> Iterator[str]:
    yield from (word for name, word in _CLAUSES.items() if node.args.get(name))
    if isinstance(node, exp.SetOperation):
        word = type(node).__name__.upper()
        yield f"{word} {'DISTINCT' if node.args['distinct'] else 'ALL'}"
    order = node.args.get("order")
    for key in order.expressions if order is not None else ():
        if kinds.kind(key.this) is Kind.FLOAT64:
            yield "ORDER BY of FLOAT64"


_OF_STAR = {"except_": "EXCEPT", "replace": "REPLACE"}
_RULES: tuple[tuple[type[exp.Expr], Callable[[exp.Expr], Iterator[str]]], ...] = (
    (exp.Anonymous, _call),
    (exp.Bracket, _bracket),
    (exp.Cast, _cast),
    (exp.Extract, _extract),
    (exp.Join, _join),
    (exp.Query, _query),
    (exp.Star, _star),
    (exp.Unnest, _unnest),
    (exp.Window, _window),
)
