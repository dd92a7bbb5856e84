"""The parser of GoogleSQL: a text as an unchecked tree of sqlglot's nodes."""

from __future__ import annotations

from dicomfilter.googlesql.expressions import expression
from dicomfilter.googlesql.queries import query
from dicomfilter.googlesql.reader import Grammar, Reader


def reader_of(sql: str) -> Reader:
    """Open a text at its first token."""
    return Reader(sql, Grammar(expression, query))
