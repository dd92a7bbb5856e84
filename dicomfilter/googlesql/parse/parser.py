"""The parser of GoogleSQL: a text as an unchecked tree of sqlglot's nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.googlesql.parse.expressions import expression
from dicomfilter.googlesql.parse.queries import item, query
from dicomfilter.googlesql.parse.reader import Grammar, Reader

if TYPE_CHECKING:
    from sqlglot import exp


def reader_of(sql: str) -> Reader:
    """Open a text at its first token."""
    return Reader(sql, Grammar(expression, query))


def piece(sql: str) -> exp.Expr:
    """Parse an expression, with a name behind AS or without."""
    reader = reader_of(sql)
    tree = item(reader)
    reader.expect_end()
    return tree
