"""The parser of expressions: GoogleSQL's own precedence, and nothing beyond what is taken.

Source: GoogleSQL reference, "Operators", precedence; "Conditional expressions"; "Conversion".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError, UsageError
from dicomfilter.googlesql import kinds, values
from dicomfilter.googlesql.lexer import Mark
from dicomfilter.googlesql.reader import Reader, at, start, unsupported
from dicomfilter.googlesql.words import DATE_PARTS
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT = range(1, 7)
_COMPARISONS: dict[str, type[exp.Binary]] = {
    "=": exp.EQ,
    "!=": exp.NEQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
_LEFT_TO_RIGHT: dict[str, tuple[int, type[exp.Binary]]] = {
    "OR": (_OR, exp.Or),
    "AND": (_AND, exp.And),
    "+": (_SUM, exp.Add),
    "-": (_SUM, exp.Sub),
    "*": (_PRODUCT, exp.Mul),
    "||": (_PRODUCT, exp.DPipe),
}
_NOT_TAKEN = ("/", "&", "|", "^", "~", "<<", ">>", "[", "COLLATE")
"""Operators of GoogleSQL that are refused by name."""
_TYPED_LITERALS = ("DATE", "TIME", "DATETIME", "TIMESTAMP", "NUMERIC")
_NUMBERS = (Mark.INTEGER, Mark.FLOAT)


def expression(reader: Reader, floor: int = _OR) -> exp.Expression:
    """Read an expression.

    Args:
        reader: At its first token; afterwards behind its last.
        floor: The loosest operator that may still bind here.

    Returns:
        Its tree, unchecked.
    """
    if reader.token.word == "NOT" and floor <= _NOT:
        offset = reader.advance().offset
        left: exp.Expression = at(exp.Not(this=expression(reader, _NOT)), offset)
    else:
        left = _unary(reader)
    compared = False
    while True:
        word = reader.token.word
        level, of = _LEFT_TO_RIGHT.get(word, (0, exp.And))
        if level >= floor and not (compared and level > _COMPARISON):
            reader.advance()
            left = _at_left(of(this=left, expression=expression(reader, level + 1)), left)
            compared = compared or level < _COMPARISON
        elif floor <= _COMPARISON and not compared and not isinstance(left, exp.Not):
            found = _comparison(reader, left)
            if found is None:
                return left
            left, compared = found, True
        else:
            if word in _NOT_TAKEN:
                reader.refuse(f"the operator {word}")
            return left


def _at_left(node: exp.Expression, left: exp.Expression) -> exp.Expression:
    offset = start(left)
    return node if offset is None else at(node, offset)


def _comparison(reader: Reader, left: exp.Expression) -> exp.Expression | None:
    """Read what compares, in GoogleSQL not chained; None where nothing does."""
    word = reader.token.word
    if word in _COMPARISONS:
        reader.advance()
        right = expression(reader, _COMPARISON + 1)
        return _at_left(_COMPARISONS[word](this=left, expression=right), left)
    if word == "IS":
        reader.advance()
        negated = reader.accept("NOT")
        return _negate(_is(reader, left), negated=negated)
    negated = word == "NOT" and reader.peek().word in ("LIKE", "IN", "BETWEEN")
    if negated:
        reader.advance()
    if reader.accept("LIKE"):
        if reader.token.word in ("ANY", "SOME", "ALL"):
            reader.refuse(f"LIKE {reader.token.word}", hint="join several LIKE with OR")
        pattern = expression(reader, _COMPARISON + 1)
        return _negate(_at_left(exp.Like(this=left, expression=pattern), left), negated=negated)
    if reader.accept("IN"):
        return _negate(_at_left(_in(reader, left), left), negated=negated)
    if reader.accept("BETWEEN"):
        low = expression(reader, _COMPARISON + 1)
        reader.expect("AND")
        between = exp.Between(this=left, low=low, high=expression(reader, _COMPARISON + 1))
        return _negate(_at_left(between, left), negated=negated)
    return None


def _negate(node: exp.Expression, *, negated: bool) -> exp.Expression:
    return _at_left(exp.Not(this=node), node) if negated else node


def _is(reader: Reader, left: exp.Expression) -> exp.Expression:
    token = reader.token
    if token.word not in ("NULL", "TRUE", "FALSE"):
        if token.word in ("UNKNOWN", "DISTINCT"):
            reader.refuse(f"IS {token.word}", hint="write IS NULL or a comparison")
        reader.unexpected("Expected keyword NULL but got")
    reader.advance()
    right = exp.Null() if token.word == "NULL" else exp.Boolean(this=token.word == "TRUE")
    return _at_left(exp.Is(this=left, expression=at(right, token.offset)), left)


def _in(reader: Reader, left: exp.Expression) -> exp.Expression:
    if reader.accept("UNNEST"):
        reader.expect("(")
        array = expression(reader)
        reader.expect(")")
        return exp.In(this=left, unnest=exp.Unnest(expressions=[array]))
    if reader.token.word != "(":
        hint = "write 'X' IN UNNEST(ImageType) for an array, 'X' IN ('Y', 'Z') for a list"
        raise PredicateError(
            "Syntax error: Expected \"(\" or keyword UNNEST after IN",
            offset=reader.token.offset,
            hint=hint,
        )
    reader.advance()
    if reader.token.word in ("SELECT", "WITH"):
        reader.refuse("a subquery in IN", hint="give the values as a parameter: IN UNNEST(@ids)")
    items = [expression(reader)]
    while reader.accept(","):
        items.append(expression(reader))
    reader.expect(")")
    return exp.In(this=left, expressions=items)


def _unary(reader: Reader) -> exp.Expression:
    token = reader.token
    if token.word == "-":
        reader.advance()
        if reader.token.mark in _NUMBERS:
            return _number(reader, "-", token.offset)
        if reader.token.word in ("-", "+"):
            reader.refuse("a sign after a sign", hint="leave one of the signs out")
        return at(exp.Neg(this=_unary(reader)), token.offset)
    if token.word == "+":
        reader.refuse("the sign +", hint="leave it out")
    return _path(reader, _primary(reader))


def _path(reader: Reader, node: exp.Expression) -> exp.Expression:
    while reader.token.word == "." and reader.peek().word != "*":
        if not isinstance(node, exp.Column | exp.Dot):
            reader.refuse("a field of what is no column", hint="name the column and its fields")
        reader.advance()
        if reader.peek().word == "(":
            reader.refuse(f"a function of {node.name}", hint="call the function by its name alone")
        node = _at_left(exp.Dot(this=node, expression=reader.field()), node)
    return node


def _primary(reader: Reader) -> exp.Expression:
    token = reader.token
    if token.mark in _NUMBERS:
        return _number(reader, "", token.offset)
    if token.mark is Mark.STRING:
        reader.advance()
        return literal(Kind.STRING, token.value, token.value, token.offset)
    if token.mark is Mark.BYTES:
        reader.refuse("a literal of type BYTES", hint="give it as a parameter of type BYTES")
    if token.mark is Mark.PARAMETER:
        reader.advance()
        return at(exp.Parameter(this=exp.Var(this=token.value)), token.offset)
    if token.mark is Mark.QUOTED:
        return _column(reader)
    special = _SPECIAL.get(token.word)
    if special is not None and (token.word in _BARE or reader.peek().word == "("):
        return special(reader)
    if token.mark is not Mark.NAME:
        reader.unexpected()
    if reader.peek().mark in (Mark.STRING, Mark.BYTES) and token.word in _TYPED_LITERALS:
        return _typed_literal(reader)
    if reader.peek().word == "(":
        return _call(reader)
    return _column(reader)


def _column(reader: Reader) -> exp.Expression:
    offset = reader.token.offset
    return at(exp.Column(this=reader.name()), offset)


def literal(kind: Kind, text: str, value: object, offset: int) -> exp.Expression:
    """Make a literal; its value stands in its ``meta``."""
    node = exp.Literal(this=text, is_string=kind not in kinds.NUMBERS)
    node.meta["value"] = value
    return at(kinds.typed(node, SqlType(kind)), offset)


def _number(reader: Reader, sign: str, offset: int) -> exp.Expression:
    token = reader.advance()
    text = sign + token.text
    kind = Kind.INT64 if token.mark is Mark.INTEGER else Kind.FLOAT64
    try:
        value = values.read(kind, text)
        if kind is Kind.FLOAT64:
            values.read_number(kind, float(text))
    except ValueError as error:
        name = "integer" if kind is Kind.INT64 else "floating point"
        raise PredicateError(f"Invalid {name} literal: {text}", offset=offset) from error
    return literal(kind, str(value) if kind is Kind.INT64 else text, value, offset)


def _typed_literal(reader: Reader) -> exp.Expression:
    word, token = reader.advance(), reader.advance()
    kind = Kind(word.word)
    try:
        if token.mark is Mark.BYTES:
            raise ValueError("bytes")  # noqa: TRY301 - one answer to both
        value = values.read(kind, token.value)
    except ValueError as error:
        raise PredicateError(
            f'Invalid {kind} literal "{token.value}"',
            offset=token.offset,
            hint=EXAMPLES.get(kind),
        ) from error
    return literal(kind, token.value, value, word.offset)


EXAMPLES = {
    Kind.DATE: "write a date as '2021-01-31'",
    Kind.TIME: "write a time as '08:30:00'",
    Kind.DATETIME: "write a date and time as '2021-01-31 08:30:00'",
    Kind.TIMESTAMP: "write a point in time as '2021-01-31 08:30:00+00'",
    Kind.NUMERIC: "write a number with at most 29 digits before and 9 behind the point",
}


def _call(reader: Reader) -> exp.Expression:
    """Read a call of a function, with DISTINCT where an aggregate stands."""
    name = reader.advance()
    reader.expect("(")
    arguments: list[exp.Expression] = []
    if reader.token.word == "*" and name.word == "COUNT":
        arguments.append(at(exp.Star(), reader.advance().offset))
    elif reader.token.word == "DISTINCT":
        offset = reader.advance().offset
        arguments.append(at(exp.Distinct(expressions=[expression(reader)]), offset))
    elif reader.token.word != ")":
        arguments.append(_argument(reader))
    while reader.accept(","):
        arguments.append(_argument(reader))
    call = at(exp.Anonymous(this=name.word, expressions=arguments), name.offset)
    if reader.token.word == "ORDER" and name.word == "STRING_AGG":
        from dicomfilter.googlesql import queries  # noqa: PLC0415 - the two grammars nest

        ordering = queries.order(reader)
        ordering.set("this", arguments[-1])
        call.set("expressions", [*arguments[:-1], ordering])
    reader.expect(")")
    if reader.token.word == "OVER":
        from dicomfilter.googlesql import queries  # noqa: PLC0415 - the two grammars nest

        return queries.over(reader, call)
    return call


def _argument(reader: Reader) -> exp.Expression:
    if reader.token.word != "INTERVAL":
        return expression(reader)
    offset = reader.advance().offset
    count = expression(reader, _SUM)
    unit = reader.advance()
    if unit.word not in DATE_PARTS:
        raise unsupported(
            f"the unit {unit.text}", offset=unit.offset, hint=f"use {', '.join(DATE_PARTS)}"
        )
    return at(exp.Interval(this=count, unit=exp.Var(this=unit.word)), offset)


def _parenthesised(reader: Reader) -> exp.Expression:
    offset = reader.expect("(").offset
    if reader.token.word in ("SELECT", "WITH"):
        reader.refuse("a subquery as a value", hint="give the value as a parameter")
    inner = expression(reader)
    if reader.token.word == ",":
        reader.refuse("a row of values in parentheses", hint="compare the columns one by one")
    reader.expect(")")
    if isinstance(inner, exp.Binary | exp.Not | exp.In | exp.Between | exp.Neg) and not isinstance(
        inner, exp.Dot
    ):
        return at(exp.Paren(this=inner), offset)
    return inner


def _constant(reader: Reader) -> exp.Expression:
    token = reader.advance()
    if token.word == "NULL":
        return at(kinds.typed(exp.Null(), None), token.offset)
    return at(kinds.typed(exp.Boolean(this=token.word == "TRUE"), kinds.BOOL), token.offset)


def _case(reader: Reader) -> exp.Expression:
    offset = reader.expect("CASE").offset
    subject = None if reader.token.word == "WHEN" else expression(reader)
    branches = []
    while reader.accept("WHEN"):
        condition = expression(reader)
        reader.expect("THEN")
        branches.append(exp.If(this=condition, true=expression(reader)))
    if not branches:
        reader.unexpected("Expected keyword WHEN but got")
    default = expression(reader) if reader.accept("ELSE") else None
    reader.expect("END")
    return at(exp.Case(this=subject, ifs=branches, default=default), offset)


def _cast(reader: Reader) -> exp.Expression:
    name = reader.advance()
    reader.expect("(")
    value = expression(reader)
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


def _extract(reader: Reader) -> exp.Expression:
    offset = reader.advance().offset
    reader.expect("(")
    part = reader.advance()
    if part.mark is not Mark.NAME or reader.token.word == "(":
        raise unsupported(f"EXTRACT({part.text})", offset=part.offset)
    reader.expect("FROM")
    value = expression(reader)
    if reader.token.word != ")":
        reader.refuse("EXTRACT with a time zone")
    reader.expect(")")
    return at(exp.Extract(this=at(exp.Var(this=part.word), part.offset), expression=value), offset)


def _today(reader: Reader) -> exp.Expression:
    offset = reader.advance().offset
    if reader.accept("(") and not reader.accept(")"):
        reader.refuse("CURRENT_DATE with a time zone", hint="leave it out; days are UTC days")
    return at(exp.CurrentDate(), offset)


def _interval(reader: Reader) -> exp.Expression:
    return reader.refuse("an INTERVAL here", hint="write DATE_SUB(StudyDate, INTERVAL 30 DAY)")


def _exists(reader: Reader) -> exp.Expression:
    return reader.refuse("EXISTS", hint="search an array with 'X' IN UNNEST(ImageType)")


def _array(reader: Reader) -> exp.Expression:
    return reader.refuse("ARRAY", hint="search an array with 'X' IN UNNEST(ImageType)")


def _struct(reader: Reader) -> exp.Expression:
    return reader.refuse("STRUCT", hint="compare the fields one by one")


_SPECIAL: dict[str, Callable[[Reader], exp.Expression]] = {
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
_BARE = ("(", "INTERVAL", "NULL", "TRUE", "FALSE", "CASE", "CURRENT_DATE", "EXISTS", "ARRAY", "STRUCT", "[")
"""Those of them that need no parenthesis behind."""
