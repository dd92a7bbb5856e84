"""Structs as GoogleSQL has them: compared by place, not by name (S05)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import structs
from dicomfilter.googlesql.duckdb import floats, nodes
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Translate = Callable[[exp.Expr], exp.Expr]


def literal(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate a constructor; a field without a name gets that of BigQuery's API."""
    of, values = kinds.of(node), structs.parts(node)
    assert of is not None  # noqa: S101 - a checked constructor has its type
    assert values is not None  # noqa: S101 - and its fields
    fields = [
        exp.PropertyEQ(this=exp.Identifier(this=name, quoted=True), expression=translate(value))
        for name, value in zip(nodes.field_names(of), values, strict=True)
    ]
    return exp.Struct(expressions=fields)


def compare(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate ``=`` and ``!=``: all fields are the same, or not."""
    same = _same(node.this, node.expression, translate)
    return nodes.negation(same) if isinstance(node, exp.NEQ) else same


def is_in(value: exp.Expr, items: Sequence[exp.Expr], translate: Translate) -> exp.Expr:
    """Translate IN: the same as one of the items."""
    return exp.Paren(this=nodes.either(*(_same(value, item, translate) for item in items)))


def _same(left: exp.Expr, right: exp.Expr, translate: Translate) -> exp.Expr:
    fields = zip(structs.parts(left) or (), structs.parts(right) or (), strict=True)
    return exp.Paren(this=nodes.both(*(_same_field(a, b, translate) for a, b in fields)))


def _same_field(left: exp.Expr, right: exp.Expr, translate: Translate) -> exp.Expr:
    kind = kinds.kind(left)
    if kind is Kind.STRUCT:
        return _same(left, right, translate)
    if kind is Kind.FLOAT64:
        return floats.compare(exp.EQ, translate(left), translate(right))
    return nodes.operate(exp.EQ, translate(left), translate(right))
