"""The check of what compares and connects: operators that return BOOL.

Source: GoogleSQL reference, "Operators": comparison, IN, IS, LIKE, logical.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import coercion, structs, subqueries
from dicomfilter.googlesql.check.advice import advice
from dicomfilter.googlesql.parse.reader import LISTED, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dicomfilter.googlesql.check.checker import Checker
    from dicomfilter.schema import SqlType

_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}


_OF_STRUCTS = ("operator =", "operator !=", "operator IN")
"""What compares structs; they have no order."""


def _comparison(checker: Checker, node: exp.Expr) -> exp.Expr:
    sign = _SIGNS[type(node)]
    operands = [checker.check(node.this), checker.check(node.expression)]
    for operand in operands:
        if kinds.of(operand) is None:
            raise PredicateError(
                f"Operands of {sign} cannot be literal NULL",
                offset=start(operand),
                hint="write IS NULL or IS NOT NULL",
            )
    left, right = _compared(f"operator {sign}", operands)
    return kinds.typed(type(node)(this=left, expression=right), kinds.BOOL)


def _compared(what: str, operands: Sequence[exp.Expr]) -> list[exp.Expr]:
    """Bring operands to the one type in which they are compared."""
    for operand in operands:
        if kinds.kind(operand) is Kind.ARRAY:
            raise PredicateError(
                f"{what.removeprefix('operator ')} is not defined for arguments of type "
                f"{kinds.of(operand)}",
                offset=start(operand),
                hint=advice(what, operands),
            )
    if any(isinstance(operand, structs.CONSTRUCTORS) for operand in operands) or all(
        kinds.kind(operand) is Kind.STRUCT for operand in operands
    ):
        if what not in _OF_STRUCTS:
            raise PredicateError(
                f"{what.removeprefix('operator ')} is not defined for arguments of type "
                f"{kinds.of(operands[0])}",
                offset=start(operands[0]),
                hint="compare the fields one by one",
            )
        if not all(kinds.kind(operand) is Kind.STRUCT for operand in operands):
            raise coercion.no_signature(what, operands)
        return structs.alike(what, operands)
    of = coercion.common(operands)
    if of is None:
        raise coercion.no_signature(what, operands)
    if of.kind not in kinds.COMPARABLE:
        raise unsupported(
            f"a comparison of {of}", offset=start(operands[0]), hint=advice(what, operands)
        )
    return [coercion.coerce(operand, of) for operand in operands]


def _distinct(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check IS [NOT] DISTINCT FROM, where NULL is a value, and NaN one that equals itself."""
    operands = [checker.check(node.this), checker.check(node.expression)]
    left, right = _compared("operator IS DISTINCT FROM", operands)
    return kinds.typed(type(node)(this=left, expression=right), kinds.BOOL)


def _between(checker: Checker, node: exp.Expr) -> exp.Expr:
    operands = [checker.check(node.args[name]) for name in ("this", "low", "high")]
    value, low, high = _compared("operator BETWEEN", operands)
    return kinds.typed(exp.Between(this=value, low=low, high=high), kinds.BOOL)


def _in(checker: Checker, node: exp.Expr) -> exp.Expr:
    value = checker.check(node.this)
    if node.args.get("unnest") is not None:
        return _in_array(checker, value, node.args["unnest"].expressions[0])
    if node.args.get("query") is not None:
        return subqueries.in_query(checker, value, node)
    items = [checker.check(item) for item in node.expressions]
    operands = [value, *items]
    value, *items = _compared("operator IN", operands)
    return kinds.typed(exp.In(this=value, expressions=items), kinds.BOOL)


def _in_array(checker: Checker, value: exp.Expr, array: exp.Expr) -> exp.Expr:
    array = checker.check(array)
    of = kinds.of(array)
    if of is None or of.kind is not Kind.ARRAY or of.element is None:
        raise PredicateError(
            "Second argument of IN UNNEST must be an array but was " + str(of or "NULL"),
            offset=start(array),
            hint="write IN ('X', 'Y') for a list of values",
        )
    if of.element.kind not in kinds.COMPARABLE or not coercion.can(value, of.element):
        raise coercion.no_signature("operator IN UNNEST", [value, array], hint=_in_array_hint(of))
    unnest = kinds.typed(exp.Unnest(expressions=[array]), of)
    value = coercion.coerce(value, of.element)
    return kinds.typed(exp.In(this=value, unnest=unnest), kinds.BOOL)


def _in_array_hint(of: SqlType) -> str:
    return f"compare with a value of type {of.element}"


def _is(checker: Checker, node: exp.Expr) -> exp.Expr:
    right = node.expression
    if isinstance(right, exp.Null):
        left = checker.check(node.this)
        if isinstance(left, exp.Null):
            kinds.typed(left, kinds.INT64)
        return kinds.typed(
            exp.Is(this=left, expression=kinds.typed(exp.Null(), kinds.of(left))), kinds.BOOL
        )
    left = checker.condition(node.this, "The operand of IS TRUE and IS FALSE")
    right = kinds.typed(exp.Boolean(this=right.this), kinds.BOOL)
    return kinds.typed(exp.Is(this=left, expression=right), kinds.BOOL)


def _like(checker: Checker, node: exp.Expr) -> exp.Expr:
    operands = [checker.check(node.this), checker.check(node.expression)]
    if node.meta.get(LISTED):
        operands = [o if kinds.of(o) else coercion.null_of(kinds.STRING) for o in operands]
    for operand in operands:
        if kinds.of(operand) is None:
            raise PredicateError("Operands of LIKE cannot be literal NULL", offset=start(operand))
    if any(kinds.kind(operand) is Kind.BYTES for operand in operands):
        raise unsupported("LIKE on BYTES", offset=start(node))
    if not all(coercion.can(operand, kinds.STRING) for operand in operands):
        raise coercion.no_signature("operator LIKE", operands)
    text, pattern = (coercion.coerce(operand, kinds.STRING) for operand in operands)
    if isinstance(pattern, exp.Literal) and ends_in_escape(pattern.name):
        raise PredicateError(
            "LIKE pattern ends with a backslash",
            offset=start(pattern),
            hint=r"write r'...\\' to look for a backslash",
            refused=True,  # BigQuery does so over rows, where there are any
        )
    return kinds.typed(exp.Like(this=text, expression=pattern), kinds.BOOL)


def ends_in_escape(pattern: str) -> bool:
    r"""Tell whether a LIKE pattern ends in a backslash that escapes nothing.

    >>> ends_in_escape("a\\\\"), ends_in_escape("a\\")
    (False, True)
    """
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1


def _not(checker: Checker, node: exp.Expr) -> exp.Expr:
    inner = _operand(checker, node.this, "NOT")
    return kinds.typed(exp.Not(this=inner), kinds.BOOL)


def _connector(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check AND or OR; a long chain is a loop, not a recursion."""
    of, word = type(node), "AND" if isinstance(node, exp.And) else "OR"
    operands: list[exp.Expr] = []
    here = node
    while type(here) is of:
        operands.append(here.expression)
        here = here.this
    checked = _operand(checker, here, word)
    for operand in reversed(operands):
        right = _operand(checker, operand, word)
        checked = kinds.typed(of(this=checked, expression=right), kinds.BOOL)
    return checked


def _operand(checker: Checker, node: exp.Expr, word: str) -> exp.Expr:
    checked = checker.check(node)
    if kinds.of(checked) is None:
        if word == "NOT":
            raise PredicateError("Operands of NOT cannot be literal NULL", offset=start(node))
        return kinds.typed(checked, kinds.BOOL)
    if kinds.kind(checked) is not Kind.BOOL:
        raise coercion.no_signature(
            f"operator {word}", [checked], hint="compare it with something, as in Modality = 'CT'"
        )
    return checked


RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    **dict.fromkeys(_SIGNS, _comparison),
    exp.NullSafeEQ: _distinct,
    exp.NullSafeNEQ: _distinct,
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Like: _like,
    exp.Not: _not,
    exp.And: _connector,
    exp.Or: _connector,
}
