"""The parser of what operators join: names, literals, calls, casts, CASE.

Source: GoogleSQL reference, "Conditional expressions"; "Conversion functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError, UsageError
from dicomfilter.googlesql import expressions, kinds, literals, queries
from dicomfilter.googlesql.lexer import Mark
from dicomfilter.googlesql.reader import at, start, unsupported
from dicomfilter.googlesql.words import DATE_PARTS
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.reader import Reader

_NUMBERS = (Mark.INTEGER, Mark.FLOAT)


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
        if reader.token.word in ("-", "+"):
            reader.refuse("a sign after a sign", hint="leave one of the signs out")
        return at(exp.Neg(this=unary(reader)), token.offset)
    if token.word == "+":
        reader.refuse("the sign +", hint="leave it out")
    return _path(reader, _primary(reader))


def _path(reader: Reader, node: exp.Expr) -> exp.Expr:
    while reader.token.word == "." and reader.peek().word != "*":
        if not isinstance(node, exp.Column | exp.Dot):
            reader.refuse("a field of what is no column", hint="name the column and its fields")
        reader.advance()
        if reader.peek().word == "(":
            reader.refuse(f"a function of {node.name}", hint="call the function by its name alone")
        node = at(exp.Dot(this=node, expression=reader.field()), start(node) or 0)
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
    return reader.refuse("a literal of type BYTES", hint="give it as a parameter of type BYTES")


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
        arguments.append(at(exp.Distinct(expressions=[expressions.expression(reader)]), offset))
    elif reader.token.word != ")":
        arguments.append(_argument(reader))
    while reader.accept(","):
        arguments.append(_argument(reader))
    call = at(exp.Anonymous(this=name.word, expressions=arguments), name.offset)
    if reader.token.word == "ORDER" and name.word == "STRING_AGG":
        ordering = queries.order(reader)
        ordering.set("this", arguments[-1])
        call.set("expressions", [*arguments[:-1], ordering])
    reader.expect(")")
    if reader.token.word == "OVER":
        return queries.over(reader, call)
    return call


def _argument(reader: Reader) -> exp.Expr:
    if reader.token.word != "INTERVAL":
        return expressions.expression(reader)
    offset = reader.advance().offset
    count = expressions.expression(reader, expressions.SUM)
    unit = reader.advance()
    if unit.word not in DATE_PARTS:
        raise unsupported(
            f"the unit {unit.text}", offset=unit.offset, hint=f"use {', '.join(DATE_PARTS)}"
        )
    return at(exp.Interval(this=count, unit=exp.Var(this=unit.word)), offset)


def _parenthesised(reader: Reader) -> exp.Expr:
    offset = reader.expect("(").offset
    if reader.token.word in ("SELECT", "WITH"):
        reader.refuse("a subquery as a value", hint="give the value as a parameter")
    inner = expressions.expression(reader)
    if reader.token.word == ",":
        reader.refuse("a row of values in parentheses", hint="compare the columns one by one")
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
    subject = None if reader.token.word == "WHEN" else expressions.expression(reader)
    branches = []
    while reader.accept("WHEN"):
        condition = expressions.expression(reader)
        reader.expect("THEN")
        branches.append(exp.If(this=condition, true=expressions.expression(reader)))
    if not branches:
        reader.unexpected("Expected keyword WHEN but got")
    default = expressions.expression(reader) if reader.accept("ELSE") else None
    reader.expect("END")
    return at(exp.Case(this=subject, ifs=branches, default=default), offset)


def _cast(reader: Reader) -> exp.Expr:
    name = reader.advance()
    reader.expect("(")
    value = expressions.expression(reader)
    reader.expect("AS")
    word = reader.advance()
    try:
        to = SqlType.parse(word.text)
    except UsageError as error:
        raise PredicateError(f"Type not found: {word.text}", offset=word.offset) from error
    if reader.token.word != ")":
        reader.refuse("a type with parameters or a format in a cast", hint="name the bare type")
    reader.expect(")")
    of = exp.TryCast if name.word == "SAFE_CAST" else exp.Cast
    return at(of(this=value, to=kinds.to_node(to).copy()), name.offset)


def _extract(reader: Reader) -> exp.Expr:
    offset = reader.advance().offset
    reader.expect("(")
    part = reader.advance()
    if part.mark is not Mark.NAME or reader.token.word == "(":
        raise unsupported(f"EXTRACT({part.text})", offset=part.offset)
    reader.expect("FROM")
    value = expressions.expression(reader)
    if reader.token.word != ")":
        reader.refuse("EXTRACT with a time zone")
    reader.expect(")")
    return at(exp.Extract(this=at(exp.Var(this=part.word), part.offset), expression=value), offset)


def _today(reader: Reader) -> exp.Expr:
    offset = reader.advance().offset
    if reader.accept("(") and not reader.accept(")"):
        reader.refuse("CURRENT_DATE with a time zone", hint="leave it out; days are UTC days")
    return at(exp.CurrentDate(), offset)


def _interval(reader: Reader) -> exp.Expr:
    return reader.refuse("an INTERVAL here", hint="write DATE_SUB(StudyDate, INTERVAL 30 DAY)")


def _exists(reader: Reader) -> exp.Expr:
    return reader.refuse("EXISTS", hint="search an array with 'X' IN UNNEST(ImageType)")


def _array(reader: Reader) -> exp.Expr:
    return reader.refuse("ARRAY", hint="search an array with 'X' IN UNNEST(ImageType)")


def _struct(reader: Reader) -> exp.Expr:
    return reader.refuse("STRUCT", hint="compare the fields one by one")


_SPECIAL: dict[str, Callable[[Reader], exp.Expr]] = {
    "(": _parenthesised,
    "NULL": _constant,
    "TRUE": _constant,
    "FALSE": _constant,
    "CASE": _case,
    "CAST": _cast,
    "SAFE_CAST": _cast,
    "EXTRACT": _extract,
    "CURRENT_DATE": _today,
    "EXISTS": _exists,
    "ARRAY": _array,
    "STRUCT": _struct,
    "IF": _call,
    "INTERVAL": _interval,
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
