"""The parser of what operators join: names, literals, calls, casts, CASE.

Source: GoogleSQL reference, "Conditional expressions"; "Conversion functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql import (
    composites,
    date_forms,
    kinds,
    literals,
    overs,
    words,
)
from dicomfilter.googlesql.lexer import Mark
from dicomfilter.googlesql.reader import at, start, unsupported
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.reader import Reader

_NUMBERS = (Mark.INTEGER, Mark.FLOAT)


PLUS = "plus"
"""The key of a parenthesis' ``meta`` that says that it stands for the sign ``+``."""


def unary(reader: Reader) -> exp.Expr:
    """Read an operand, with a sign before it and fields behind it.

    Args:
        reader: At its first token; afterwards behind its last.

    Returns:
        Its tree, unchecked.
    """
    token = reader.token
    if token.word == "-":
        reader.advance()
        if reader.token.mark in _NUMBERS:
            return literals.number(reader, "-", token.offset)
        return at(exp.Neg(this=unary(reader)), token.offset)
    if token.word == "~":
        reader.advance()
        return at(exp.BitwiseNot(this=unary(reader)), token.offset)
    if token.word == "+":
        reader.advance()
        signed = at(exp.Paren(this=unary(reader)), token.offset)
        signed.meta[PLUS] = True
        return signed
    return _path(reader, _primary(reader))


def _path(reader: Reader, node: exp.Expr) -> exp.Expr:
    """Read the fields and places behind an operand."""
    while True:
        if reader.token.word == "[":
            node = composites.subscript(reader, node)
        elif reader.token.word == "." and reader.peek().word != "*":
            reader.advance()
            if reader.peek().word == "(":
                reader.refuse(
                    f"a function of {node.name}", hint="call the function by its name alone"
                )
            node = at(exp.Dot(this=node, expression=reader.field()), start(node) or 0)
        else:
            return node


def _primary(reader: Reader) -> exp.Expr:
    read = _BY_MARK.get(reader.token.mark, _word)
    return read(reader)


def _unsigned(reader: Reader) -> exp.Expr:
    return literals.number(reader, "", reader.token.offset)


def _string(reader: Reader) -> exp.Expr:
    token = reader.advance()
    return literals.literal(Kind.STRING, token.value, token.value, token.offset)


def _bytes(reader: Reader) -> exp.Expr:
    token = reader.advance()
    return literals.literal(Kind.BYTES, token.value, token.value.encode("latin-1"), token.offset)


def _parameter(reader: Reader) -> exp.Expr:
    token = reader.advance()
    return at(exp.Parameter(this=exp.Var(this=token.value)), token.offset)


def _word(reader: Reader) -> exp.Expr:
    """Read what begins with a word or a sign: a form of its own, a literal, a call, a name."""
    token, following = reader.token, reader.peek()
    special = _SPECIAL.get(token.word)
    if special is not None and (token.word in _BARE or following.word == "("):
        return special(reader)
    if token.mark is not Mark.NAME:
        reader.unexpected()
    if following.mark in (Mark.STRING, Mark.BYTES) and token.word in literals.TYPED:
        return literals.typed(reader)
    if following.mark is Mark.STRING and token.word in literals.NOT_TAKEN:
        reader.refuse(f"a literal of type {token.word}", hint=literals.NOT_TAKEN[token.word])
    if token.word == "SAFE" and following.word == "." and reader.peek(3).word == "(":
        reader.accept("SAFE", ".")
        call = _call(reader)
        if not isinstance(call, exp.Anonymous):
            raise unsupported("SAFE before a window function", offset=token.offset)
        call.set("this", f"{words.SAFE}{call.name}")
        return at(call, token.offset)
    return _call(reader) if following.word == "(" else _column(reader)


def _column(reader: Reader) -> exp.Expr:
    offset = reader.token.offset
    return at(exp.Column(this=reader.name()), offset)


def _call(reader: Reader) -> exp.Expr:
    """Read a call of a function, with DISTINCT where an aggregate stands."""
    name = reader.advance()
    reader.expect("(")
    arguments: list[exp.Expr] = []
    if reader.token.word == "*" and name.word == "COUNT":
        arguments.append(at(exp.Star(), reader.advance().offset))
    elif reader.token.word == "DISTINCT":
        offset = reader.advance().offset
        arguments.append(at(exp.Distinct(expressions=[reader.expression()]), offset))
    elif reader.token.word != ")":
        arguments.append(reader.expression())
    while reader.accept(","):
        arguments.append(reader.expression())
    call = at(exp.Anonymous(this=name.word, expressions=arguments), name.offset)
    overs.modifiers(reader, call)
    reader.expect(")")
    if reader.token.word == "OVER":
        return overs.over(reader, call)
    return call


def _parenthesised(reader: Reader) -> exp.Expr:
    offset = reader.expect("(").offset
    if reader.token.word in words.QUERY_BEGINS:
        found = exp.Subquery(this=reader.query())
        reader.expect(")")
        return at(found, offset)
    inner = reader.expression()
    if reader.token.word == ",":
        return composites.row(reader, inner, offset)
    reader.expect(")")
    if isinstance(inner, exp.Binary | exp.Not | exp.In | exp.Between | exp.Neg) and not isinstance(
        inner, exp.Dot
    ):
        return at(exp.Paren(this=inner), offset)
    return inner


def _constant(reader: Reader) -> exp.Expr:
    token = reader.advance()
    if token.word == "NULL":
        return at(kinds.typed(exp.Null(), None), token.offset)
    return at(kinds.typed(exp.Boolean(this=token.word == "TRUE"), kinds.BOOL), token.offset)


def _case(reader: Reader) -> exp.Expr:
    offset = reader.expect("CASE").offset
    subject = None if reader.token.word == "WHEN" else reader.expression()
    branches = []
    while reader.accept("WHEN"):
        condition = reader.expression()
        reader.expect("THEN")
        branches.append(exp.If(this=condition, true=reader.expression()))
    if not branches:
        reader.unexpected("Expected keyword WHEN but got")
    default = reader.expression() if reader.accept("ELSE") else None
    reader.expect("END")
    return at(exp.Case(this=subject, ifs=branches, default=default), offset)


def _cast(reader: Reader) -> exp.Expr:
    name = reader.advance()
    reader.expect("(")
    value = reader.expression()
    reader.expect("AS")
    to = composites.type_(reader)
    form = reader.expression() if reader.accept("FORMAT") else None
    if reader.token.word == "(":
        reader.refuse("a type with parameters", hint="use SUBSTR or ROUND, which cut as they say")
    if reader.token.word == "AT":
        reader.refuse("AT TIME ZONE in a cast", hint="write FORMAT_TIMESTAMP('%Y%m%d', x, zone)")
    reader.expect(")")
    of = exp.TryCast if name.word == "SAFE_CAST" else exp.Cast
    return at(of(this=value, to=kinds.to_node(to).copy(), format=form), name.offset)


def _exists(reader: Reader) -> exp.Expr:
    offset = reader.expect("EXISTS").offset
    reader.expect("(")
    found = exp.Exists(this=reader.query())
    reader.expect(")")
    return at(found, offset)


def _array(reader: Reader) -> exp.Expr:
    return composites.array(reader)


def _struct(reader: Reader) -> exp.Expr:
    return composites.struct(reader)


_SPECIAL: dict[str, Callable[[Reader], exp.Expr]] = {
    "(": _parenthesised,
    "NULL": _constant,
    "TRUE": _constant,
    "FALSE": _constant,
    "CASE": _case,
    "CAST": _cast,
    "SAFE_CAST": _cast,
    "EXTRACT": date_forms.extract,
    "CURRENT_DATE": date_forms.today,
    "CURRENT_DATETIME": date_forms.now,
    "CURRENT_TIME": date_forms.now,
    "CURRENT_TIMESTAMP": date_forms.now,
    "EXISTS": _exists,
    "ARRAY": _array,
    "STRUCT": _struct,
    "IF": _call,
    "LEFT": _call,
    "RIGHT": _call,
    "INTERVAL": date_forms.interval,
    "[": _array,
}
_BARE = (
    "(",
    "INTERVAL",
    "NULL",
    "TRUE",
    "FALSE",
    "CASE",
    "CURRENT_DATE",
    "CURRENT_DATETIME",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "EXISTS",
    "ARRAY",
    "STRUCT",
    "[",
)
"""Those of them that need no parenthesis behind."""

_BY_MARK: dict[Mark, Callable[[Reader], exp.Expr]] = {
    Mark.INTEGER: _unsigned,
    Mark.FLOAT: _unsigned,
    Mark.STRING: _string,
    Mark.BYTES: _bytes,
    Mark.PARAMETER: _parameter,
    Mark.QUOTED: _column,
}
