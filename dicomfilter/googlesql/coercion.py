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
from dicomfilter.googlesql import kinds, values
from dicomfilter.googlesql.expressions import EXAMPLES
from dicomfilter.googlesql.reader import START, at, start, unsupported
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


def common(nodes: Sequence[exp.Expression]) -> SqlType | None:
    """Find the type that all of some operands share or coerce to.

    Args:
        nodes: Checked operands.

    Returns:
        The type of one of them, to which the others coerce; None if there is none. Where all
        are untyped NULLs, INT64, as GoogleSQL has it.
    """
    typed = [of for of in map(kinds.of, nodes) if of is not None]
    if not typed:
        return kinds.INT64
    for candidate in typed:
        if all(can(node, candidate) for node in nodes):
            return candidate
    return None


def can(node: exp.Expression, to: SqlType) -> bool:
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


def coerce(node: exp.Expression, to: SqlType) -> exp.Expression:
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


def _literal(node: exp.Literal, of: Kind, to: SqlType) -> exp.Expression:
    value = node.meta["value"]
    try:
        if of in kinds.NUMBERS:
            exact = Decimal(node.name) if of is Kind.FLOAT64 else value
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
            hint=EXAMPLES.get(to.kind),
        ) from error
    converted = exp.Literal(this=node.this, is_string=node.is_string)
    converted.meta.update({"value": value, START: node.meta.get(START)})
    return kinds.typed(converted, to)


def no_signature(
    what: str, nodes: Sequence[exp.Expression], *, hint: str | None = None
) -> PredicateError:
    """Make the error for operands that no signature takes, in GoogleSQL's words.

    Args:
        what: ``operator =`` or ``function LOWER``.
        nodes: The operands.
        hint: A way round, else one is found.
    """
    names = ", ".join(str(kinds.of(node) or "NULL") for node in nodes)
    plural = "s" if len(nodes) > 1 else ""
    return PredicateError(
        f"No matching signature for {what} for argument type{plural}: {names}",
        offset=start(nodes[0]) if nodes else None,
        hint=hint or advice(nodes),
    )


def advice(nodes: Sequence[exp.Expression]) -> str | None:
    """Find a way round for operands that do not go together, in DICOM's terms."""
    by_kind: dict[Kind | None, exp.Expression] = {}
    for node in nodes:
        by_kind.setdefault(kinds.kind(node), node)
    text, number = by_kind.get(Kind.STRING), _first(by_kind, kinds.NUMBERS)
    moment = _first(by_kind, kinds.TEMPORAL)
    if Kind.ARRAY in by_kind:
        column = _name(by_kind[Kind.ARRAY]) or "ImageType"
        return f"search an array with 'X' IN UNNEST({column})"
    if Kind.STRUCT in by_kind:
        return _struct_advice(by_kind[Kind.STRUCT])
    if text is not None and number is not None:
        if isinstance(number, exp.Literal):
            wanted = f"'{number.name}'"
            return f"put the number between quotes, {wanted}, or write SAFE_CAST({_name(text)} AS INT64)" if _name(text) else f"put the number between quotes, {wanted}"
        if isinstance(text, exp.Literal):
            return f"leave out the quotes: {text.name}" if text.name else None
        return f"write SAFE_CAST({_name(text) or '...'} AS INT64)"
    if moment is not None and number is not None:
        return EXAMPLES.get(kinds.kind(moment) or Kind.DATE)
    if text is not None and moment is not None:
        return f"write SAFE_CAST({_name(text) or '...'} AS {kinds.kind(moment)})"
    if text is not None and Kind.BOOL in by_kind:
        return "write TRUE or FALSE without quotes"
    return None


def _first(by_kind: dict[Kind | None, exp.Expression], of: Sequence[Kind]) -> exp.Expression | None:
    return next((by_kind[kind] for kind in of if kind in by_kind), None)


def _name(node: exp.Expression) -> str:
    return node.sql(dialect="bigquery") if isinstance(node, exp.Column | exp.Dot) else ""


def _struct_advice(node: exp.Expression) -> str | None:
    of, name = kinds.of(node), _name(node)
    if of is None or not name:
        return "compare the fields one by one"
    while of.kind is Kind.STRUCT and of.fields:
        field, of = of.fields[0]
        name += f".{field}"
    return f"compare a field, as in {name} = 'X'"
