"""The check of set operations: UNION, INTERSECT, EXCEPT.

Source: GoogleSQL reference, "Query syntax", set operators; "Conversion rules", supertypes.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import coercion, structs
from dicomfilter.googlesql.check.aggregates import is_groupable, is_stored_array
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import is_anonymous
from dicomfilter.schema import Column, Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dicomfilter.googlesql.check.scope import Scope, Tables

TO = "to"
"""The key of the ``meta`` of an operand with its columns' names, types, and those they are cast
to."""


def check(
    node: exp.SetOperation, tables: Tables, outer: Scope | None
) -> tuple[exp.Query, tuple[Column, ...]]:
    """Check a set operation.

    Args:
        node: As parsed.
        tables: What may be named.
        outer: The names around it.

    Returns:
        The checked tree, and its columns, which have the first operand's names.

    Raises:
        PredicateError: The columns do not fit, or not as DuckDB has it.
    """
    word = f"{type(node).__name__.upper()} {'DISTINCT' if node.args['distinct'] else 'ALL'}"
    parsed: list[exp.Expr] = []
    here: exp.Expr = node
    while type(here) is type(node) and (here is node or here.args.get("with_") is None):
        parsed.insert(0, here.expression)
        here = here.this
    parsed.insert(0, here)
    checked = [tables.check_query(operand, tables, outer) for operand in parsed]
    first = checked[0][1]
    for number, (_, columns) in enumerate(checked, 1):
        if len(columns) != len(first):
            raise PredicateError(
                f"Queries in {word} have mismatched column count; query 1 has {len(first)} "
                f"columns, query {number} has {len(columns)} columns",
                offset=start(parsed[number - 1]),
            )
    types = [
        _common(place, [(tree, columns[place]) for tree, columns in checked], word, parsed[-1])
        for place in range(len(first))
    ]
    distinct = bool(node.args["distinct"])
    for place, of in enumerate(types):
        alike = is_groupable(of) or all(_is_stored(tree, place) for tree, _ in checked)
        if distinct and not alike:
            raise unsupported(f"{word} of {of}", offset=start(node), hint="select single columns")
        if of.kind is Kind.STRUCT and any(not name for name, _ in of.fields):
            raise unsupported(f"{word} of a STRUCT without names", offset=start(node))
    for tree, columns in checked:
        if [column.type for column in columns] != types:
            tree.meta[TO] = [
                (own.name, _settled(tree, place, own.type, of), of)
                for place, (own, of) in enumerate(zip(columns, types, strict=True))
            ]
    joined = checked[0][0]
    for tree, _ in checked[1:]:
        joined = type(node)(this=joined, expression=tree, distinct=distinct)
    return joined, tuple(Column(column.name, of) for column, of in zip(first, types, strict=True))


def _common(
    place: int, columns: list[tuple[exp.Query, Column]], word: str, last: exp.Expr
) -> SqlType:
    """Find the type of a column, to which those of all operands coerce."""
    values = [_value(tree, column, place) for tree, column in columns]
    of = coercion.common(values) or _common_struct(
        [_item(tree, place) or value for (tree, _), value in zip(columns, values, strict=True)]
    )
    if of is not None:
        return of
    if all(column.type.kind is Kind.STRUCT for _, column in columns):
        raise unsupported(
            f"{word} of structs with other names",
            offset=start(last),
            hint="give their fields the same names",
        )
    found = ", ".join(dict.fromkeys(str(column.type) for _, column in columns))
    raise PredicateError(
        f"Column {place + 1} in {word} has incompatible types: {found}",
        offset=start(last),
        hint="CAST one of them",
    )


def _common_struct(values: Sequence[exp.Expr]) -> SqlType | None:
    """Find the type to which STRUCTs coerce by place; it has the names of the first."""
    known = [value for value in values if not isinstance(value, exp.Null) and kinds.of(value)]
    types = [of for value in known if (of := kinds.of(value)) is not None]
    if (
        any(of.kind is not Kind.STRUCT for of in types)
        or len({len(of.fields) for of in types}) != 1
    ):
        return None
    fields: list[tuple[str, SqlType]] = []
    for place, (name, _) in enumerate(types[0].fields):
        own = [_field(value, of, place) for value, of in zip(known, types, strict=True)]
        found = coercion.common(own) or _common_struct(own)
        if found is None:
            return None
        fields.append((name, found))
    return SqlType(Kind.STRUCT, fields=tuple(fields))


def _field(value: exp.Expr, of: SqlType, place: int) -> exp.Expr:
    """Give what stands for a field in coercion: its literal where it is one."""
    parts = structs.parts(value) if isinstance(value, structs.CONSTRUCTORS) else None
    if parts is not None and isinstance(
        parts[place], (exp.Literal, exp.Parameter, *structs.CONSTRUCTORS)
    ):
        return parts[place]
    return _any_of(of.fields[place][1])


def _any_of(of: SqlType) -> exp.Expr:
    return kinds.typed(exp.Column(this=exp.Identifier(this="x")), of)


def _value(tree: exp.Query, column: Column, place: int) -> exp.Expr:
    """Give what stands for a column in coercion: its literal where it is one."""
    item = _item(tree, place)
    if isinstance(item, exp.Null):
        return kinds.typed(exp.Null(), None)
    if isinstance(item, exp.Literal | exp.Parameter) and kinds.of(item) == column.type:
        return item
    return _any_of(column.type)


def _settled(tree: exp.Query, place: int, own: SqlType, of: SqlType) -> SqlType:
    """Give a literal its type at once, which may be one to which nothing else is cast."""
    value = _item(tree, place)
    if value is None or own == of:
        return own
    if isinstance(value, structs.CONSTRUCTORS):
        value.replace(structs.as_type(value.copy(), of))
        return of
    if not isinstance(value, exp.Literal | exp.Null):
        return own
    if of.kind is Kind.STRUCT:
        value.replace(coercion.null_of(of))
        return of
    value.replace(coercion.coerce(value.copy(), of))
    return of


def _item(tree: exp.Query, place: int) -> exp.Expr | None:
    if not isinstance(tree, exp.Select) or len(tree.expressions) <= place:
        return None
    if tree.args.get("kind") is not None:  # whose items are fields
        return None
    item = tree.expressions[place]
    found = item.this if isinstance(item, exp.Alias) else item
    return found if isinstance(found, exp.Expr) else None


def _is_stored(tree: exp.Query, place: int) -> bool:
    item = _item(tree, place)
    return item is not None and is_stored_array(item)


def require_distinct_names(columns: tuple[Column, ...], node: exp.Expr) -> None:
    """Refuse an inner query with two columns of a name, which DuckDB renames."""
    names = [column.name.lower() for column in columns if not is_anonymous(column.name)]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise unsupported(
            f"a query in a query with two columns {double}",
            offset=start(node),
            hint="give each column its own name with AS",
        )
