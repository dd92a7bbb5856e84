"""The parser of operands: names, calls, casts, CASE, arrays, structs, dates."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse import literals, windows
from dicomfilter.googlesql.parse.lexer import Mark
from dicomfilter.googlesql.parse.reader import SUM, at, start, unsupported
from dicomfilter.googlesql.types import kinds, words
from dicomfilter.googlesql.types.words import DATE_PARTS
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.parse.reader import Reader


DECLARED = "declared"
"""The key of an array's or a struct's ``meta`` with the type written before it."""
_PLACES = {
    "OFFSET": (0, False),
    "ORDINAL": (1, False),
    "SAFE_OFFSET": (0, True),
    "SAFE_ORDINAL": (1, True),
}
_OTHER_NAMES = {"BOOLEAN": "BOOL", "DECIMAL": "NUMERIC", "BIGDECIMAL": "BIGNUMERIC"}
INTEGERS = ("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT")
"""Other names of INT64."""


def subscript(reader: Reader, node: exp.Expr) -> exp.Expr:
    """Read a place in brackets behind a value.

    Args:
        reader: At the bracket; afterwards behind its end.
        node: The value.

    Returns:
        A Bracket whose ``offset`` is the number of the first place, None where not said, and
        whose ``safe`` says whether a place that is not there is NULL.
    """
    reader.expect("[")
    first, safe = None, False
    word = reader.token.word
    if word in _PLACES and reader.peek().word == "(":
        first, safe = _PLACES[word]
        reader.advance()
        reader.expect("(")
        place = reader.expression()
        reader.expect(")")
    else:
        place = reader.expression()
    reader.expect("]")
    found = exp.Bracket(this=node, expressions=[place], offset=first, safe=safe)
    return at(found, start(node) or 0)


def array(reader: Reader) -> exp.Expr:
    """Read ``[a, b]``, ``ARRAY[a, b]`` or ``ARRAY<T>[a, b]``."""
    offset, declared = reader.token.offset, None
    if reader.token.word == "ARRAY":
        if reader.peek().word == "<":
            declared = type_(reader)
        else:
            reader.advance()
        if reader.token.word == "(":
            return _array_of_rows(reader, offset, declared)
    reader.expect("[")
    items = [] if reader.token.word == "]" else [reader.expression()]
    while reader.accept(","):
        items.append(reader.expression())
    reader.expect("]")
    node = at(exp.Array(expressions=items), offset)
    if declared is not None:
        node.meta[DECLARED] = declared
    return node


def _array_of_rows(reader: Reader, offset: int, declared: SqlType | None) -> exp.Expr:
    """Read what stands behind ARRAY where it is a query."""
    if declared is not None:
        reader.unexpected('Expected "[" but got')
    reader.expect("(")
    inner = reader.query()
    reader.expect(")")
    return at(exp.Anonymous(this="ARRAY", expressions=[inner]), offset)


def struct(reader: Reader) -> exp.Expr:
    """Read ``STRUCT(a AS x, b)`` or ``STRUCT<x T, U>(a, b)``."""
    offset, declared = reader.token.offset, None
    if reader.peek().word == "<":
        declared = type_(reader)
    else:
        reader.advance()
    reader.expect("(")
    fields = [] if reader.token.word == ")" else [_struct_field(reader, named=declared is None)]
    while reader.accept(","):
        fields.append(_struct_field(reader, named=declared is None))
    reader.expect(")")
    node = at(exp.Struct(expressions=fields), offset)
    if declared is not None:
        node.meta[DECLARED] = declared
    return node


def _struct_field(reader: Reader, *, named: bool) -> exp.Expr:
    value = reader.expression()
    if named and reader.accept("AS"):
        return exp.PropertyEQ(this=reader.name(), expression=value)
    if named and isinstance(value, exp.Column | exp.Dot):  # a name that comes by itself
        last = value.expression if isinstance(value, exp.Dot) else value.this
        name = at(exp.Identifier(this=last.name, quoted=last.quoted), start(last) or 0)
        return exp.PropertyEQ(this=name, expression=value)
    return value


def row(reader: Reader, first: exp.Expr, offset: int) -> exp.Expr:
    """Read the rest of ``(a, b)``, a struct whose fields have no names.

    Args:
        reader: At the first comma; afterwards behind the parenthesis.
        first: The first value.
        offset: Where the parenthesis opens.
    """
    values = [first]
    while reader.accept(","):
        values.append(reader.expression())
    reader.expect(")")
    return at(exp.Tuple(expressions=values), offset)


def type_(reader: Reader) -> SqlType:
    """Read a type, which may have parts.

    Args:
        reader: At its first word; afterwards behind its last sign.

    Returns:
        The type.

    Raises:
        PredicateError: There is no such type.
    """
    word = reader.token
    if word.mark is not Mark.NAME:
        reader.unexpected()
    name = _OTHER_NAMES.get(word.word, word.word)
    name = "INT64" if name in INTEGERS else name
    if name not in Kind.__members__:
        raise PredicateError(f"Type not found: {word.text}", offset=word.offset)
    reader.advance()
    kind = Kind(name)
    if kind not in (Kind.ARRAY, Kind.STRUCT):
        return SqlType(kind)
    reader.expect("<")
    if kind is Kind.ARRAY:
        element = type_(reader)
        reader.expect_angle()
        return SqlType(kind, element)
    fields = [_type_field(reader)]
    while reader.accept(","):
        fields.append(_type_field(reader))
    reader.expect_angle()
    return SqlType(kind, fields=tuple(fields))


def _type_field(reader: Reader) -> tuple[str, SqlType]:
    named = reader.peek().mark in (Mark.NAME, Mark.QUOTED)
    return (reader.field().name if named else "", type_(reader))


def interval(reader: Reader) -> exp.Expr:
    """Read an INTERVAL of one unit."""
    offset = reader.expect("INTERVAL").offset
    if reader.token.mark is Mark.STRING:
        reader.refuse("an INTERVAL of text", hint="write a number, as in INTERVAL 30 DAY")
    count = reader.expression(SUM)
    unit = reader.advance()
    if unit.word not in DATE_PARTS:
        raise unsupported(
            f"the unit {unit.text}", offset=unit.offset, hint=f"use {', '.join(DATE_PARTS)}"
        )
    node = exp.Interval(this=count, unit=exp.Var(this=unit.word))
    at(node.args["unit"], unit.offset)  # not before: the node makes a unit of its own
    return at(node, offset)


def extract(reader: Reader) -> exp.Expr:
    """Read EXTRACT; a time zone goes into its ``zone``."""
    offset = reader.advance().offset
    reader.expect("(")
    part = reader.advance()
    if part.mark is not Mark.NAME:
        raise unsupported(f"EXTRACT({part.text})", offset=part.offset)
    name = part.word
    if reader.accept("("):
        name += f"({reader.advance().word})"
        reader.expect(")")
    reader.expect("FROM")
    value = reader.expression()
    node = exp.Extract(this=at(exp.Var(this=name), part.offset), expression=value)
    if reader.accept("AT", "TIME", "ZONE"):
        node.set("zone", reader.expression())
    reader.expect(")")
    return at(node, offset)


def today(reader: Reader) -> exp.Expr:
    """Read CURRENT_DATE; a time zone goes into its ``this``."""
    offset = reader.advance().offset
    node = exp.CurrentDate()
    if reader.accept("(") and not reader.accept(")"):
        node.set("this", reader.expression())
        reader.expect(")")
    return at(node, offset)


def now(reader: Reader) -> exp.Expr:
    """Refuse the moment of the run, of which only the date is kept for a replay."""
    name = reader.token.word
    of = name.removeprefix("CURRENT_")
    return reader.refuse(
        name, hint=f"bind it as a parameter: --param now:{of}:...; CURRENT_DATE() is taken"
    )


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
            node = subscript(reader, node)
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
    windows.modifiers(reader, call)
    reader.expect(")")
    if reader.token.word == "OVER":
        return windows.over(reader, call)
    return call


def _parenthesised(reader: Reader) -> exp.Expr:
    offset = reader.expect("(").offset
    if reader.token.word in words.QUERY_BEGINS:
        found = exp.Subquery(this=reader.query())
        reader.expect(")")
        return at(found, offset)
    inner = reader.expression()
    if reader.token.word == ",":
        return row(reader, inner, offset)
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
    to = type_(reader)
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
    return array(reader)


def _struct(reader: Reader) -> exp.Expr:
    return struct(reader)


_SPECIAL: dict[str, Callable[[Reader], exp.Expr]] = {
    "(": _parenthesised,
    "NULL": _constant,
    "TRUE": _constant,
    "FALSE": _constant,
    "CASE": _case,
    "CAST": _cast,
    "SAFE_CAST": _cast,
    "EXTRACT": extract,
    "CURRENT_DATE": today,
    "CURRENT_DATETIME": now,
    "CURRENT_TIME": now,
    "CURRENT_TIMESTAMP": now,
    "EXISTS": _exists,
    "ARRAY": _array,
    "STRUCT": _struct,
    "IF": _call,
    "LEFT": _call,
    "RIGHT": _call,
    "INTERVAL": interval,
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
