"""The parser of arrays, structs, subscripts and of types with parts.

Source: GoogleSQL reference, "Operators", array subscript operator; "Data types", constructing an
array, constructing a struct.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.lexer import Mark
from dicomfilter.googlesql.reader import at, start
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from dicomfilter.googlesql.reader import Reader

DECLARED = "declared"
"""The key of an array's or a struct's ``meta`` with the type written before it."""
_PLACES = {
    "OFFSET": (0, False),
    "ORDINAL": (1, False),
    "SAFE_OFFSET": (0, True),
    "SAFE_ORDINAL": (1, True),
}
_OTHER_NAMES = {"BOOLEAN": "BOOL", "DECIMAL": "NUMERIC", "BIGDECIMAL": "BIGNUMERIC"}
_INTEGERS = ("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT")


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
    name = "INT64" if name in _INTEGERS else name
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
