"""The check of arrays: literals and subscripts.

Source: GoogleSQL reference, "Operators", array subscript operator; "Array functions".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import coercion, jsons, structs
from dicomfilter.googlesql.parse.operands import DECLARED
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dicomfilter.googlesql.check.checker import Checker

_FIRST = {0: "OFFSET", 1: "ORDINAL"}


def subscript(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ``a[OFFSET(n)]`` and its sisters."""
    value, place = checker.check(node.this), checker.check(node.expressions[0])
    first, safe = node.args.get("offset"), bool(node.args.get("safe"))
    of = kinds.of(value)
    if of is not None and of.kind is Kind.JSON:
        return jsons.subscript(value, place, bare=first is None)
    word = f"{'SAFE_' if safe else ''}{_FIRST[first]}" if first is not None else ""
    if of is None or of.kind is not Kind.ARRAY or of.element is None:
        shown = f"{word}({kinds.of(place)})" if word else str(kinds.of(place))
        raise PredicateError(
            f"Subscript access using [{shown}] is not supported on values of type {of or 'NULL'}",
            offset=start(value),
            hint="take a character of a text with SUBSTR" if of == kinds.STRING else None,
        )
    if not coercion.can(place, kinds.INT64):
        raise PredicateError(
            f"Array position in [] must be coercible to INT64 type, but has type {kinds.of(place)}",
            offset=start(place),
            hint="write [SAFE_OFFSET(0)] for the first element",
        )
    checked = exp.Bracket(
        this=value, expressions=[coercion.coerce(place, kinds.INT64)], offset=first, safe=safe
    )
    return kinds.typed(checked, of.element)


def literal(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ``[a, b]``, with or without a type before it."""
    items = [checker.check(item) for item in node.expressions]
    declared: SqlType | None = node.meta.get(DECLARED)
    if any(kinds.kind(item) is Kind.STRUCT for item in items):
        return _structs(items, declared)
    if declared is None:
        element = coercion.common(items) if items else kinds.INT64
        if element is None:
            found = ", ".join(sorted({str(kinds.of(item) or "NULL") for item in items}))
            raise PredicateError(
                f"Array elements of types {{{found}}} do not have a common supertype",
                offset=start(node),
                hint="give all elements the same type",
            )
    else:
        assert declared.element is not None  # noqa: S101 - by the parser
        element = declared.element
        for item in items:
            if not coercion.can(item, element):
                raise PredicateError(
                    f"Array element type {kinds.of(item)} does not coerce to {element}",
                    offset=start(item),
                )
    if element.kind is Kind.ARRAY:
        raise PredicateError(
            f"Cannot construct array with element type {element} because nested arrays are not "
            "supported",
            offset=start(node),
        )
    if element.kind not in (*kinds.COMPARABLE, Kind.STRUCT):
        raise unsupported(f"an array of {element}", offset=start(node))
    of = SqlType(Kind.ARRAY, element)
    checked: exp.Expr = exp.Array(expressions=[_element(item, element) for item in items])
    if not items and declared is not None:  # which is written as it was read, ARRAY<T>[]
        checked = exp.Cast(this=kinds.typed(checked, of), to=kinds.to_node(of).copy())
    return kinds.typed(checked, of)


def alike(operands: Sequence[exp.Expr]) -> tuple[list[exp.Expr], SqlType] | None:
    """Bring arrays to one type.

    Args:
        operands: Checked; at least one is an array.

    Returns:
        The operands with their type: ``[]`` and NULL take that of the others. None where the
        others differ, as an array is never converted.
    """
    typed = [operand for operand in operands if not _is_open(operand)]
    types = {kinds.of(operand) for operand in typed}
    if len(types) > 1:
        return None
    of = types.pop() if types else SqlType(Kind.ARRAY, kinds.INT64)
    if of is None or of.kind is not Kind.ARRAY:
        return None
    return [_filled(operand, of) for operand in operands], of


def _is_open(node: exp.Expr) -> bool:
    return kinds.of(node) is None or (isinstance(node, exp.Array) and not node.expressions)


def _filled(node: exp.Expr, of: SqlType) -> exp.Expr:
    if kinds.of(node) is None:
        return coercion.null_of(of)
    if not _is_open(node) or of.element == kinds.INT64:
        return node
    return coercion.empty_of(of)


def _structs(items: list[exp.Expr], declared: SqlType | None) -> exp.Expr:
    """Check an array of structs, which get the names of the first, or those declared."""
    element = declared.element if declared is not None else None
    if element is None:
        items = structs.alike("array", items, compared=False)
        element = kinds.of(items[0])
    assert element is not None  # noqa: S101 - the first is no NULL
    array = exp.Array(expressions=[structs.as_type(item, element) for item in items])
    return kinds.typed(array, SqlType(Kind.ARRAY, element))


def _element(item: exp.Expr, of: SqlType) -> exp.Expr:
    return coercion.null_of(of) if kinds.of(item) is None else coercion.coerce(item, of)


RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Array: literal,
    exp.Bracket: subscript,
}
