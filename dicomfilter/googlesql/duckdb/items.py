"""The list behind SELECT as DuckDB's: its names, and arrays as they come out."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import items
from dicomfilter.googlesql.check.aggregates import Modified
from dicomfilter.googlesql.check.fields import root
from dicomfilter.googlesql.check.scope import NAMED, STORED
from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.duckdb.sources import quoted
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import ANONYMOUS, is_anonymous
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]


def named_items(
    node: exp.Select, translate: Translate, *, is_whole: bool
) -> list[tuple[str | None, exp.Expr]]:
    """Translate the list, each item with its name; None for DuckDB's own star.

    Args:
        node: The SELECT.
        translate: Translates expressions.
        is_whole: Whether what has no name gets BigQuery's, as it then comes out.
    """
    found: list[tuple[str | None, exp.Expr]] = []
    for item in node.expressions:
        star = items.star_in(item)
        if star is None:
            value = item.this if isinstance(item, exp.Alias) else item
            found.append((items.name_of(item), _out(value, translate, is_whole=is_whole)))
            continue
        replaced = {a.alias.lower(): a.this for a in star.args.get("replace") or []}
        expanded: list[exp.Expr] | None = star.meta.get(items.EXPANDED)
        if expanded is None:
            found.append((None, _star(star, translate)))
            continue
        for column in expanded:
            name = items.name_of(column)
            value = replaced.get(name.lower(), column)
            found.append((name, _out(value, translate, is_whole=is_whole)))
    unnamed = 0
    named: list[tuple[str | None, exp.Expr]] = []
    for place, (shown, value) in enumerate(found, 1):
        if shown is None or (shown and not is_anonymous(shown)):
            named.append((shown, value))
        elif is_whole:
            named.append((f"f{unnamed}_", value))
            unnamed += 1
        else:
            named.append((f"{ANONYMOUS}{place}", value))
    return named


def _out(value: exp.Expr, translate: Translate, *, is_whole: bool) -> exp.Expr:
    """Translate an item; an array that comes out is never NULL, nor is one of its elements."""
    translated, of = translate(value), kinds.of(value)
    if not is_whole or of is None or value.meta.get(STORED):
        named = is_whole and value.meta.get(NAMED) and of is not None and of.kind is Kind.ARRAY
        return nodes.call("coalesce", translated, _empty(of)) if named and of else translated
    if of.kind is not Kind.ARRAY and not _holds_array(of):
        return translated
    return _come_out(translated, of, may_hold_null=_may_hold_null(value))


def _holds_array(of: SqlType) -> bool:
    """Tell whether an array lies within a STRUCT."""
    inner = of.element if of.kind is Kind.ARRAY and of.element is not None else of
    return any(field.kind is Kind.ARRAY or _holds_array(field) for _, field in inner.fields)


def _empty(of: SqlType) -> exp.Expr:
    return nodes.cast(exp.Array(expressions=[]), of)


def _come_out(
    translated: exp.Expr, of: SqlType, *, may_hold_null: bool = True, depth: int = 0
) -> exp.Expr:
    """Make arrays what BigQuery writes: empty where one is NULL, an error if an element is."""
    if of.kind is Kind.STRUCT and _holds_array(of):
        return _struct_out(translated, of, depth)
    if of.kind is not Kind.ARRAY or of.element is None:
        return translated
    whole = nodes.call("coalesce", translated, _empty(of))
    inner = _holds_array(of)
    if not may_hold_null and not inner:
        return whole
    item = exp.Identifier(this=f"element {depth}" if depth else "element", quoted=True)
    element: exp.Expr = exp.Column(this=item.copy())
    missing = nodes.is_null(element.copy())
    problem = nodes.error("Array cannot have a null element", of.element)
    if inner:
        element = _come_out(element, of.element, depth=depth + 1)
    checked = nodes.case((missing, problem), default=element)
    return nodes.call("list_transform", whole, exp.Lambda(this=checked, expressions=[item]))


def _struct_out(translated: exp.Expr, of: SqlType, depth: int) -> exp.Expr:
    def rebuilt(given: exp.Expr) -> exp.Expr:
        fields = [
            exp.PropertyEQ(
                this=quoted(name),
                expression=_come_out(
                    nodes.call("struct_extract", given.copy(), nodes.text(name)),
                    field,
                    depth=depth + 1,
                ),
            )
            for name, (_, field) in zip(nodes.field_names(of), of.fields, strict=True)
        ]
        none = nodes.cast(nodes.null(), of)
        return nodes.case(
            (nodes.is_null(given.copy()), none), default=exp.Struct(expressions=fields)
        )

    return nodes.named([translated], rebuilt, name=f"_out{depth}", small=8)


def _may_hold_null(value: exp.Expr) -> bool:
    """Tell whether an array may hold a NULL, as one that was stored does not."""
    if isinstance(value, exp.Column | exp.Dot):
        return not root(value).meta.get(STORED)
    if isinstance(value, exp.Anonymous) and value.name == "ARRAY_AGG":
        return Modified.of(value).nulls is not exp.IgnoreNulls
    plain = isinstance(value, exp.Parameter)
    return not (plain or (isinstance(value, exp.Anonymous) and value.name == "SPLIT"))


def _star(star: exp.Star, translate: Translate) -> exp.Star:
    left_out = [quoted(name.name) for name in star.args.get("except_") or []]
    replaced = [
        exp.Alias(this=translate(item.this), alias=quoted(item.alias))
        for item in star.args.get("replace") or []
    ]
    return exp.Star(except_=left_out or None, replace=replaced or None)
