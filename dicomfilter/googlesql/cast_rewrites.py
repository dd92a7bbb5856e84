"""Casts as GoogleSQL means them; DuckDB reads more texts, and rounds (S09, S10)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import nodes
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    pass

_FORMS = {
    Kind.INT64: r"\s*[+-]?([0-9]+|0[xX][0-9a-fA-F]+)\s*",
    Kind.FLOAT64: (
        r"(?i)\s*[+-]?([0-9]+\.?[0-9]*(e[+-]?[0-9]+)?|\.[0-9]+(e[+-]?[0-9]+)?|inf|infinity|nan)\s*"
    ),
    Kind.DATE: r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}",
}
"""The texts that GoogleSQL reads as a value of the type."""


def cast(node: exp.Expression, of: SqlType, to: SqlType, *, safe: bool) -> exp.Expression:
    """Cast, with an error or with NULL for what does not go."""
    if of.kind is Kind.NUMERIC and to.kind is Kind.FLOAT64:
        return nodes.cast(nodes.cast(node, SqlType(Kind.STRING)), to)
    if of.kind is not Kind.STRING:
        return nodes.cast(node, to)
    bare = nodes.call("trim", node.copy())
    reads = nodes.call("regexp_full_match", node.copy(), nodes.text(_FORMS[to.kind]))
    converted = nodes.try_cast(bare, to) if safe else nodes.cast(bare, to)
    if safe:
        return nodes.case((reads, converted))
    given = nodes.negation(nodes.is_null(node))
    return nodes.case((reads, converted), (given, nodes.error(f"Bad {to} value")))
