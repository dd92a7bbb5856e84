"""The check of structs: built, compared field by field, brought to one type.

Source: GoogleSQL reference, "Data types", struct type; "Operators", comparison operators.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import coercion
from dicomfilter.googlesql.check.constructors import build
from dicomfilter.googlesql.parse.operands import DECLARED
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import identifier
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dicomfilter.googlesql.check.checker import Checker


def literal(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check ``STRUCT(a AS x, b)``, ``STRUCT<x T>(a)`` or ``(a, b)``."""
    declared: SqlType | None = node.meta.get(DECLARED)
    names: list[str] = []
    values: list[exp.Expr] = []
    for field in node.expressions:
        named = isinstance(field, exp.PropertyEQ)
        names.append(field.this.name if named else "")
        values.append(checker.check(field.expression if named else field))
    if declared is not None:
        if len(declared.fields) != len(values):
            raise PredicateError(
                f"STRUCT type has {len(declared.fields)} fields but constructor call has "
                f"{len(values)} fields",
                offset=start(node),
            )
        names = [name for name, _ in declared.fields]
        values = [
            _coerced(value, of) for value, (_, of) in zip(values, declared.fields, strict=True)
        ]
    if not values:
        raise unsupported("a STRUCT without fields", offset=start(node))
    if any(names) or len(values) == 1:
        for name, value in zip(names, values, strict=True):
            if not name and isinstance(value, exp.Column | exp.Dot):  # would get its name
                raise unsupported("a nameless field of a STRUCT", offset=start(value))
    given = [name.lower() for name in names if name]
    if len(set(given)) < len(given):
        raise unsupported(
            "a STRUCT with two fields of one name",
            offset=start(node),
            hint="give each field its own name with AS",
        )
    return build(names, values)


def _coerced(value: exp.Expr, of: SqlType) -> exp.Expr:
    if kinds.of(value) is None:
        return coercion.null_of(of)
    if not coercion.can(value, of):
        raise PredicateError(
            f"Struct field of type {kinds.of(value)} does not coerce to {of}", offset=start(value)
        )
    return coercion.coerce(value, of)


CONSTRUCTORS = (exp.Struct, exp.Tuple)
"""What builds a STRUCT."""


def as_type(node: exp.Expr, of: SqlType) -> exp.Expr:
    """Give the fields of a constructor the names and types of a STRUCT.

    Args:
        node: Checked.
        of: The type.

    Raises:
        PredicateError: It is no constructor, or a field does not coerce.
    """
    values = parts(node) if isinstance(node, CONSTRUCTORS) else None
    if kinds.of(node) == of:
        return node
    if values is None or len(values) != len(of.fields):
        raise unsupported(f"{kinds.of(node)} as {of}", offset=start(node))
    fields = [
        as_type(value, field) if field.kind is Kind.STRUCT else _coerced(value, field)
        for value, (_, field) in zip(values, of.fields, strict=True)
    ]
    return build([name for name, _ in of.fields], fields)


def parts(node: exp.Expr) -> list[exp.Expr] | None:
    """Take a checked STRUCT apart.

    Args:
        node: A constructor, or anything whose fields have names.

    Returns:
        Its fields, each with its type; None where a field cannot be named.
    """
    if isinstance(node, CONSTRUCTORS):
        return [f.expression if isinstance(f, exp.PropertyEQ) else f for f in node.expressions]
    of = kinds.of(node)
    if of is None or not all(name for name, _ in of.fields):
        return None
    return [
        kinds.typed(exp.Dot(this=node.copy(), expression=identifier(name)), field)
        for name, field in of.fields
    ]


def alike(what: str, operands: Sequence[exp.Expr], *, compared: bool = True) -> list[exp.Expr]:
    """Bring structs to one type, in which they are compared.

    Args:
        what: How a message calls the operator.
        operands: Checked; constructors get the fields coerced, others must fit as they are.
        compared: Whether fields must be of a type that can be compared.

    Returns:
        The operands, fields alike in number and type.

    Raises:
        PredicateError: They cannot be compared.
    """
    taken = [_taken(operand) for operand in operands]
    if len({len(fields) for fields in taken}) != 1:
        raise coercion.no_signature(what, operands)
    columns = [
        _column(what, list(column), operands, compared=compared)
        for column in zip(*taken, strict=True)
    ]
    rebuilt: list[exp.Expr] = []
    for place, operand in enumerate(operands):
        fields = [column[place] for column in columns]
        if isinstance(operand, CONSTRUCTORS):
            of = kinds.of(operand)
            assert of is not None  # noqa: S101 - a checked constructor has its type
            rebuilt.append(build([name for name, _ in of.fields], fields))
        elif fields == taken[place]:
            rebuilt.append(operand)
        else:
            raise unsupported(
                f"a comparison of {kinds.of(operand)} with another type",
                offset=start(operand),
                hint="compare the fields one by one",
            )
    return rebuilt


def _taken(operand: exp.Expr) -> list[exp.Expr]:
    fields = parts(operand)
    if fields is None:
        raise unsupported("a STRUCT without names", offset=start(operand))
    # a NULL is an INT64 where nothing else is said, but here the other side says
    return [
        kinds.typed(exp.Null(), None) if isinstance(field, exp.Null) else field for field in fields
    ]


def _column(
    what: str, fields: list[exp.Expr], operands: Sequence[exp.Expr], *, compared: bool
) -> list[exp.Expr]:
    """Bring the fields of one place to one type."""
    if any(kinds.kind(field) is Kind.STRUCT for field in fields):
        if not all(kinds.kind(field) is Kind.STRUCT for field in fields):
            raise coercion.no_signature(what, operands)
        return alike(what, fields, compared=compared)
    if not compared and any(kinds.kind(field) is Kind.ARRAY for field in fields):
        return _arrays(what, fields, operands)
    of = coercion.common(fields)
    if of is None:
        raise coercion.no_signature(what, operands)
    if compared and of.kind not in kinds.COMPARABLE:
        raise PredicateError(
            f"{what} is not defined for arguments of type {kinds.of(operands[0])}",
            offset=start(operands[0]),
            hint="compare the fields one by one",
        )
    return [coercion.coerce(field, of) for field in fields]


def _arrays(what: str, fields: list[exp.Expr], operands: Sequence[exp.Expr]) -> list[exp.Expr]:
    """Make sure that arrays of one place are of one type; one without elements is ARRAY<INT64>."""
    types = {of for field in fields if (of := kinds.of(field)) is not None}
    if len(types) > 1:
        raise coercion.no_signature(what, operands)
    of = types.pop()
    return [coercion.null_of(of) if kinds.of(field) is None else field for field in fields]


RULES: dict[type[exp.Expr], Callable[[Checker, exp.Expr], exp.Expr]] = {
    exp.Struct: literal,
    exp.Tuple: literal,
}
