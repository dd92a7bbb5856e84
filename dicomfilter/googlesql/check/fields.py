"""Fields of a STRUCT and members of JSON, by their names.

Source: GoogleSQL reference, "Operators", field access operator, JSON subscript operator.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import json_paths, kinds
from dicomfilter.googlesql.types.names import identifier, nearest
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.schema import SqlType


def field_of(node: exp.Expr, name: exp.Identifier) -> exp.Expr:
    """Find a field of a checked value.

    Args:
        node: A STRUCT.
        name: As written.

    Returns:
        The field, with its type and in its owner's spelling.

    Raises:
        PredicateError: The value has no fields, or none of that name.
    """
    of: SqlType | None = kinds.of(node)
    if of is not None and of.kind is Kind.JSON:
        return _member(node, name, of)
    found = of.field(name.name) if of is not None else None
    if found is not None:
        dot = exp.Dot(this=node, expression=identifier(found[0]))
        return at(kinds.typed(dot, found[1]), start(node) or 0)
    shown = node.sql(dialect="bigquery")
    if of is None or of.kind is not Kind.STRUCT:
        raise PredicateError(
            f"Cannot access field {name.name} on a value with type {of}",
            offset=start(name),
            hint=_instead(shown, name.name, of),
        )
    names = [known for known, _ in of.fields]
    guess = nearest(name.name, names)
    raise PredicateError(
        f"Field name {name.name} does not exist in {shown}"
        + (f"; Did you mean {guess}?" if guess else ""),
        offset=start(name),
        hint=f"its fields are {', '.join(names)}",
    )


def _instead(shown: str, name: str, of: SqlType | None) -> str:
    if of is None or of.kind is not Kind.ARRAY:
        return f"write {shown} alone"
    if of.element is not None and of.element.field(name) is not None:
        inside = f"SELECT 1 FROM UNNEST({shown}) AS x WHERE x.{name} = 'X'"  # noqa: S608 - for eyes
        return f"write EXISTS ({inside})"
    return f"search an array with 'X' IN UNNEST({shown})"


def _member(node: exp.Expr, name: exp.Identifier, of: SqlType) -> exp.Expr:
    """Find a member of JSON, whose names have their case; NULL where there is none."""
    if not json_paths.is_key(name.name) or name.name.isdecimal():
        raise unsupported(
            f"a member of the name {name.name}",
            offset=start(name),
            hint="take it out with JSON_QUERY",
        )
    dot = exp.Dot(this=node, expression=identifier(name.name))
    return at(kinds.typed(dot, of), start(node) or 0)


def fields_of(node: exp.Expr, names: list[exp.Identifier]) -> exp.Expr:
    """Follow a path of fields, each as of `field_of`."""
    for name in names:
        node = field_of(node, name)
    return node


def root(node: exp.Expr) -> exp.Expr:
    """Find the column whose field a node is."""
    while isinstance(node, exp.Dot):
        node = node.this
    return node
