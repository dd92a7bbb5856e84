"""The parser of expressions: GoogleSQL's precedence, and only what is taken.

Source: GoogleSQL reference, "Operators", precedence; "Conditional expressions"; "Conversion".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import primaries
from dicomfilter.googlesql.reader import at, start

if TYPE_CHECKING:
    from dicomfilter.googlesql.reader import Reader

_OR, _AND, _NOT, _COMPARISON, SUM, _PRODUCT = range(1, 7)
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
    "+": (SUM, exp.Add),
    "-": (SUM, exp.Sub),
    "*": (_PRODUCT, exp.Mul),
    "||": (_PRODUCT, exp.DPipe),
}
_NOT_TAKEN = {
    "/": "compare a * b with c instead of a with c / b",
    "[": "search an array with 'X' IN UNNEST(ImageType)",
    **dict.fromkeys(("&", "|", "^", "~", "<<", ">>", "COLLATE"), None),
}
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
        left = primaries.unary(reader)
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


def _negate(node: exp.Expr, *, negated: bool) -> exp.Expr:
    return _at_left(exp.Not(this=node), node) if negated else node


def _is(reader: Reader, left: exp.Expr) -> exp.Expr:
    token = reader.token
    if token.word not in ("NULL", "TRUE", "FALSE"):
        if token.word in ("UNKNOWN", "DISTINCT"):
            reader.refuse(f"IS {token.word}", hint="write IS NULL or a comparison")
        reader.unexpected("Expected keyword NULL but got")
    reader.advance()
    right = exp.Null() if token.word == "NULL" else exp.Boolean(this=token.word == "TRUE")
    return _at_left(exp.Is(this=left, expression=at(right, token.offset)), left)


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
    if reader.token.word in ("SELECT", "WITH"):
        reader.refuse("a subquery in IN", hint="give the values as a parameter: IN UNNEST(@ids)")
    items = [expression(reader)]
    while reader.accept(","):
        items.append(expression(reader))
    reader.expect(")")
    return exp.In(this=left, expressions=items)
