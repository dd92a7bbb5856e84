"""The parser of what stands behind FROM: tables, arrays, queries, joins.

Source: GoogleSQL reference, "Query syntax", FROM clause, JOIN operation, UNNEST operator.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.lexer import Mark
from dicomfilter.googlesql.overs import items
from dicomfilter.googlesql.reader import at
from dicomfilter.googlesql.words import RESERVED

if TYPE_CHECKING:
    from dicomfilter.googlesql.reader import Reader

IMPLICIT = "implicit"
"""The key of an Unnest's ``meta`` that says that it was written as a path of names alone."""
_SIDES = ("LEFT", "RIGHT", "FULL")
_REFUSED = {
    "NATURAL": "name the columns with USING",
    "TABLESAMPLE": "filter by a column, as in ENDS_WITH(SOPInstanceUID, '7')",
    "FOR": "the table is read as it is now",
    "MATCH_RECOGNIZE": "number the rows with window functions",
}
_RESHAPING = ("PIVOT", "UNPIVOT")


def from_(reader: Reader, select: exp.Select) -> None:
    """Read what stands behind FROM into a SELECT.

    Args:
        reader: Behind FROM; afterwards behind its last source.
        select: Gets ``from_`` and ``joins``.
    """
    select.set("from_", exp.From(this=_source(reader)))
    joins: list[exp.Expr] = []
    while True:
        offset = reader.token.offset
        if reader.accept(",") or reader.accept("CROSS", "JOIN"):
            joins.append(at(exp.Join(this=_source(reader), kind="CROSS"), offset))
            continue
        if reader.token.word in _REFUSED:
            word = reader.token.word
            reader.refuse(f"{word} behind FROM", hint=_REFUSED[word])
        side = _side(reader)
        if side is None:
            break
        joins.append(at(_joined(reader, side), offset))
    if joins:
        select.set("joins", joins)


def _side(reader: Reader) -> str | None:
    """Read the words of a join; empty for an inner one, None where none stands here."""
    word = reader.token.word
    if word in _SIDES:
        reader.advance()
        reader.accept("OUTER")
        reader.expect("JOIN")
        return word
    if reader.accept("INNER"):
        reader.expect("JOIN")
        return ""
    return "" if reader.accept("JOIN") else None


def _joined(reader: Reader, side: str) -> exp.Expr:
    source = _source(reader)
    join = exp.Join(this=source, side=side or None)
    if reader.accept("ON"):
        join.set("on", reader.expression())
    elif reader.accept("USING"):
        reader.expect("(")
        join.set("using", items(reader, lambda r: r.name()))
        reader.expect(")")
    elif not isinstance(source, exp.Unnest):
        reader.unexpected("Expected keyword ON or keyword USING but got")
    return join


def _source(reader: Reader) -> exp.Expr:
    offset = reader.token.offset
    if reader.token.word == "(":
        return at(_parenthesised(reader), offset)
    if reader.accept("UNNEST"):
        reader.expect("(")
        array = reader.expression()
        reader.expect(")")
        return at(_unnest(reader, array), offset)
    first = reader.name()
    path: exp.Expr = at(exp.Column(this=first), offset)
    names = [first.name]
    while reader.token.word in (".", "-"):
        if reader.advance().word == "-":  # as in a project's name
            names[-1] += "-" + reader.field().name
            continue
        field = reader.field()
        names.append(field.name)
        path = at(exp.Dot(this=path, expression=field), offset)
    if len(names) > 1:
        node = _unnest(reader, path)
        node.meta[IMPLICIT] = ".".join(names)
        return at(node, offset)
    table = exp.TableAlias(this=name) if (name := alias(reader)) else None
    return at(exp.Table(this=first, alias=table), offset)


def _parenthesised(reader: Reader) -> exp.Expr:
    reader.expect("(")
    if reader.token.word not in ("SELECT", "WITH", "(", "FROM"):
        reader.refuse("a join in parentheses", hint="join the tables one after the other")
    inner = reader.query()
    reader.expect(")")
    name = alias(reader)
    return exp.Subquery(this=inner, alias=exp.TableAlias(this=name) if name else None)


def _unnest(reader: Reader, array: exp.Expr) -> exp.Unnest:
    name = alias(reader)
    unnest = exp.Unnest(expressions=[array], alias=exp.TableAlias(columns=[name]) if name else None)
    if reader.accept("WITH"):
        offset = reader.token.offset
        reader.expect("OFFSET")
        unnest.set("offset", alias(reader) or at(exp.Identifier(this="offset"), offset))
    return unnest


def alias(reader: Reader) -> exp.Identifier | None:
    """Read the name that is given to what stood before, if one is."""
    if reader.accept("AS"):
        return reader.name()
    token, following = reader.token, reader.peek().word
    if token.word in _RESHAPING and following in ("(", "INCLUDE", "EXCLUDE"):
        reader.refuse(token.word, hint="write a column a case: SUM(IF(Modality = 'CT', 1, 0))")
    plain = token.mark is Mark.NAME and token.word not in RESERVED
    return reader.name() if plain or token.mark is Mark.QUOTED else None
