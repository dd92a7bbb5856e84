"""What GoogleSQL converts unasked, and nothing else.

Source: GoogleSQL reference, "Conversion rules": coercion, literal coercion, parameter coercion,
supertypes.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check.advice import advice
from dicomfilter.googlesql.parse.literals import EXAMPLES, spelled
from dicomfilter.googlesql.parse.reader import START, at, start, unsupported
from dicomfilter.googlesql.types import kinds, values
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALWAYS = {
    Kind.INT64: (Kind.NUMERIC, Kind.FLOAT64),
    Kind.NUMERIC: (Kind.FLOAT64,),
    Kind.DATE: (Kind.DATETIME,),
}
_LITERALS = {Kind.STRING: kinds.TEMPORAL, Kind.FLOAT64: (Kind.NUMERIC,)}
_PARAMETERS = {Kind.STRING: kinds.TEMPORAL}
_FUNCTIONS = ("current_date", "current_datetime", "current_time", "current_timestamp")
"""Parameters that are no one's but stand for a function."""


def common(nodes: Sequence[exp.Expr]) -> SqlType | None:
    """Find the type that all of some operands share or coerce to.

    Args:
        nodes: Checked operands.

    Returns:
        The type of one of them, to which the others coerce; None if there is none. Where all
        are untyped NULLs, INT64, as GoogleSQL has it.
    """
    if all(kinds.of(node) is None for node in nodes):
        return kinds.INT64
    # what is no literal has the say; a literal 1.5 becomes NUMERIC beside NUMERIC
    ranked = sorted(
        (node for node in nodes if kinds.of(node) is not None),
        key=lambda node: (isinstance(node, exp.Literal), kinds.kind(node) is Kind.FLOAT64),
    )
    for node in ranked:
        candidate = kinds.of(node)
        if candidate is not None and all(_joins(other, node, candidate) for other in nodes):
            return candidate
    return None


def _joins(other: exp.Expr, node: exp.Expr, candidate: SqlType) -> bool:
    """Tell whether an operand coerces to another's type; a parameter gives a parameter none."""
    if isinstance(node, exp.Parameter) and isinstance(other, exp.Parameter):
        given = node.name not in _FUNCTIONS
        of = kinds.of(other)
        if given and of is not None and of != candidate:
            return candidate.kind in _ALWAYS.get(of.kind, ())
    return can(other, candidate)


def can(node: exp.Expr, to: SqlType) -> bool:
    """Tell whether an operand coerces to a type, whatever its value."""
    of = kinds.of(node)
    if of is None or of == to:
        return True
    if to.kind in _ALWAYS.get(of.kind, ()):
        return True
    if isinstance(node, exp.Literal):
        return to.kind in _LITERALS.get(of.kind, ())
    if isinstance(node, exp.Parameter):
        return to.kind in _PARAMETERS.get(of.kind, ())
    return False


def coerce(node: exp.Expr, to: SqlType) -> exp.Expr:
    """Convert an operand to a type to which it coerces.

    Args:
        node: A checked operand of which `can` holds.
        to: The type.

    Returns:
        The operand itself where it has the type, a literal of the type, or a cast.

    Raises:
        PredicateError: A literal has no value of the type.
    """
    of = kinds.of(node)
    if of == to:
        return node
    if of is None:
        return kinds.typed(node, to)
    if isinstance(node, exp.Literal):
        return _literal(node, of.kind, to)
    cast = kinds.typed(exp.Cast(this=node, to=kinds.to_node(to).copy()), to)
    offset = start(node)
    return cast if offset is None else at(cast, offset)


def null_of(of: SqlType) -> exp.Expr:
    """Make a NULL that keeps its type where nothing else says it."""
    if of == kinds.INT64:
        return kinds.typed(exp.Null(), of)
    null = kinds.typed(exp.Null(), None)
    return kinds.typed(exp.Cast(this=null, to=kinds.to_node(of).copy()), of)


def empty_of(of: SqlType) -> exp.Expr:
    """Make an array without elements, which is written as ``ARRAY<T>[]``."""
    bare = kinds.typed(exp.Array(expressions=[]), of)
    return kinds.typed(exp.Cast(this=bare, to=kinds.to_node(of).copy()), of)


def _literal(node: exp.Literal, of: Kind, to: SqlType) -> exp.Expr:
    value = node.meta["value"]
    try:
        if of in kinds.NUMBERS:
            exact = Decimal(node.name) if of is Kind.FLOAT64 else value
            if of is Kind.FLOAT64 and to.kind is Kind.NUMERIC:
                rounded = values.to_nine_places(exact)
                if rounded != exact and "e" in node.name.lower():
                    raise ValueError("rounded in GoogleSQL's own way")  # noqa: TRY301 - one answer
                exact = rounded
            value = values.read_number(to.kind, exact)
        elif of is Kind.DATE:
            value = values.read(Kind.DATETIME, str(value))
        else:
            value = values.read(to.kind, value)
    except ValueError as error:
        if of is Kind.FLOAT64 or (to.kind is Kind.TIMESTAMP and "/" in node.name):
            raise unsupported(
                f"{node.name} as {to}", offset=start(node), hint=EXAMPLES.get(to.kind)
            ) from error
        raise PredicateError(
            f'Could not cast literal "{node.name}" to type {to}',
            offset=start(node),
            hint=spelled(node.name, to.kind),
        ) from error
    converted = exp.Literal(this=node.this, is_string=node.is_string)
    converted.meta.update({"value": value, START: node.meta.get(START)})
    return kinds.typed(converted, to)


def no_signature(
    what: str, nodes: Sequence[exp.Expr], *, hint: str | None = None
) -> PredicateError:
    """Make the error for operands that no signature takes, in GoogleSQL's words.

    Args:
        what: ``operator =`` or ``function LOWER``.
        nodes: The operands.
        hint: A way round, else one is found.
    """
    if any(kinds.of(node) is None and isinstance(node, exp.Null) for node in nodes):
        return unsupported(f"{what} of NULL", offset=start(nodes[0]), hint=hint or "leave NULL out")
    names = ", ".join(str(kinds.of(node) or "NULL") for node in nodes)
    plural = "s" if len(nodes) > 1 else ""
    return PredicateError(
        f"No matching signature for {what} for argument type{plural}: {names}",
        offset=start(nodes[0]) if nodes else None,
        hint=hint or advice(what, nodes),
    )
