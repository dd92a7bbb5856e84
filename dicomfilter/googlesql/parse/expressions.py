"""The parser of expressions: GoogleSQL's precedence, and only what is taken.

Source: GoogleSQL reference, "Operators", precedence; "Conditional expressions"; "Conversion".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse import operands
from dicomfilter.googlesql.parse.reader import LISTED, LOOSEST, SUM, at, start
from dicomfilter.googlesql.types.words import QUERY_BEGINS

if TYPE_CHECKING:
    from dicomfilter.googlesql.parse.reader import Reader

_OR, _AND, _NOT, _COMPARISON, _BIT_OR, _BIT_XOR, _BIT_AND, _SHIFT = range(LOOSEST, SUM)
_PRODUCT = SUM + 1
"""How tightly operators bind, the loosest first."""
_COMPARISONS: dict[str, type[exp.Expr]] = {
    "=": exp.EQ,
    "!=": exp.NEQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}
_LEFT_TO_RIGHT: dict[str, tuple[int, type[exp.Expr]]] = {
    "OR": (_OR, exp.Or),
    "AND": (_AND, exp.And),
    "|": (_BIT_OR, exp.BitwiseOr),
    "^": (_BIT_XOR, exp.BitwiseXor),
    "&": (_BIT_AND, exp.BitwiseAnd),
    "<<": (_SHIFT, exp.BitwiseLeftShift),
    ">>": (_SHIFT, exp.BitwiseRightShift),
    "+": (SUM, exp.Add),
    "-": (SUM, exp.Sub),
    "*": (_PRODUCT, exp.Mul),
    "/": (_PRODUCT, exp.Div),
    "||": (_PRODUCT, exp.DPipe),
}
_NOT_TAKEN = {"COLLATE": None}
"""Operators of GoogleSQL that are refused by name, with a way round."""


def expression(reader: Reader, floor: int = _OR) -> exp.Expr:
    """Read an expression.

    Args:
        reader: At its first token; afterwards behind its last.
        floor: The loosest operator that may still bind here.

    Returns:
        Its tree, unchecked.
    """
    if reader.token.word == "NOT" and floor <= _NOT:
        offset = reader.advance().offset
        left: exp.Expr = at(exp.Not(this=expression(reader, _NOT)), offset)
    else:
        left = operands.unary(reader)
    compared = False
    while True:
        word = reader.token.word
        if word in _NOT_TAKEN:
            reader.refuse(f"the operator {word}", hint=_NOT_TAKEN[word])
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
            return left


def _at_left(node: exp.Expr, left: exp.Expr) -> exp.Expr:
    offset = start(left)
    return node if offset is None else at(node, offset)


def _comparison(reader: Reader, left: exp.Expr) -> exp.Expr | None:
    """Read what compares, in GoogleSQL not chained; None where nothing does."""
    word = reader.token.word
    if word in _COMPARISONS:
        reader.advance()
        right = expression(reader, _COMPARISON + 1)
        return _at_left(_COMPARISONS[word](this=left, expression=right), left)
    if word == "IS":
        reader.advance()
        return _is(reader, left, negated=reader.accept("NOT"))
    negated = word == "NOT" and reader.peek().word in ("LIKE", "IN", "BETWEEN")
    if negated:
        reader.advance()
    if reader.accept("LIKE"):
        if reader.token.word in ("ANY", "SOME", "ALL"):
            return _like_any(reader, left, negated=negated)
        found: exp.Expr = exp.Like(this=left, expression=expression(reader, _COMPARISON + 1))
    elif reader.accept("IN"):
        found = _in(reader, left)
    elif reader.accept("BETWEEN"):
        low = expression(reader, _COMPARISON + 1)
        reader.expect("AND")
        found = exp.Between(this=left, low=low, high=expression(reader, _COMPARISON + 1))
    else:
        return None
    return _negate(_at_left(found, left), negated=negated)


def _like_any(reader: Reader, left: exp.Expr, *, negated: bool) -> exp.Expr:
    """Read LIKE ANY, SOME or ALL of a list, which says the same as several LIKE."""
    word = reader.advance().word
    if negated:
        reader.refuse(f"NOT LIKE {word}", hint="say it with NOT LIKE, AND and OR")
    if reader.token.word != "(" or reader.peek().word in ("SELECT", "WITH"):
        reader.refuse(f"LIKE {word} of this", hint="list the patterns: LIKE ANY ('A%', 'B%')")
    reader.advance()
    of = exp.And if word == "ALL" else exp.Or
    joined: exp.Expr | None = None
    while joined is None or reader.accept(","):
        pattern = expression(reader)
        like = _at_left(exp.Like(this=left.copy(), expression=pattern), left)
        like.meta[LISTED] = True
        joined = like if joined is None else _at_left(of(this=joined, expression=like), left)
    reader.expect(")")
    return _at_left(exp.Paren(this=joined), left)


def _negate(node: exp.Expr, *, negated: bool) -> exp.Expr:
    return _at_left(exp.Not(this=node), node) if negated else node


def _is(reader: Reader, left: exp.Expr, *, negated: bool) -> exp.Expr:
    if reader.accept("DISTINCT", "FROM"):
        of = exp.NullSafeEQ if negated else exp.NullSafeNEQ
        return _at_left(of(this=left, expression=expression(reader, _COMPARISON + 1)), left)
    token = reader.token
    if token.word not in ("NULL", "TRUE", "FALSE"):
        if token.word == "UNKNOWN":
            reader.refuse("IS UNKNOWN", hint="write IS NULL")
        reader.unexpected("Expected keyword NULL but got")
    reader.advance()
    right = exp.Null() if token.word == "NULL" else exp.Boolean(this=token.word == "TRUE")
    found = _at_left(exp.Is(this=left, expression=at(right, token.offset)), left)
    return _negate(found, negated=negated)


def _in(reader: Reader, left: exp.Expr) -> exp.Expr:
    if reader.accept("UNNEST"):
        reader.expect("(")
        array = expression(reader)
        reader.expect(")")
        return exp.In(this=left, unnest=exp.Unnest(expressions=[array]))
    if reader.token.word != "(":
        hint = "write 'X' IN UNNEST(ImageType) for an array, 'X' IN ('Y', 'Z') for a list"
        raise PredicateError(
            'Syntax error: Expected "(" or keyword UNNEST after IN',
            offset=reader.token.offset,
            hint=hint,
        )
    reader.advance()
    if reader.token.word in QUERY_BEGINS:
        found = exp.In(this=left, query=exp.Subquery(this=reader.query()))
        reader.expect(")")
        return found
    items = [expression(reader)]
    while reader.accept(","):
        items.append(expression(reader))
    reader.expect(")")
    return exp.In(this=left, expressions=items)
