"""Queries as DuckDB's: every column with its name, every order with its NULLs."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import items, kinds, nodes
from dicomfilter.googlesql.lifting import KEEP
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]


def query(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate a checked query.

    Args:
        node: SELECT, UNION ALL or a query in parentheses.
        translate: Translates expressions.

    Returns:
        DuckDB's tree of the same meaning; the given one is not changed.

    Raises:
        PredicateError: A part has no verified translation.
    """
    translated: exp.Expr
    if isinstance(node, exp.Select):
        translated = _select(node, translate)
    elif isinstance(node, exp.Union):
        translated = exp.Union(
            this=query(node.this, translate),
            expression=query(node.expression, translate),
            distinct=False,
        )
    elif isinstance(node, exp.Subquery):
        translated = exp.Subquery(this=query(node.this, translate))
    else:
        raise _unknown(node)
    order, limit, with_ = (node.args.get(name) for name in ("order", "limit", "with_"))
    if order is not None:
        translated.set("order", exp.Order(expressions=order_keys(order, translate)))
    if limit is not None:
        translated.set("limit", exp.Limit(expression=_plain(limit.expression, translate)))
    if with_ is not None:
        tables = [
            exp.CTE(this=query(cte.this, translate), alias=_table_alias(cte.args["alias"].this))
            for cte in with_.expressions
        ]
        translated.set("with_", exp.With(expressions=tables))
    return translated


def _select(node: exp.Select, translate: Translate) -> exp.Select:
    select = exp.Select(
        expressions=_items(node.expressions, translate),
        distinct=exp.Distinct() if node.args.get("distinct") else None,
        from_=exp.From(this=_source(node.args["from_"].this, translate)),
    )
    joins = [
        exp.Join(this=_source(join.this, translate), kind="CROSS")
        for join in node.args.get("joins") or []
    ]
    if joins:
        select.set("joins", joins)
    for name, of in (("where", exp.Where), ("having", exp.Having), ("qualify", exp.Qualify)):
        clause = node.args.get(name)
        if clause is not None:
            select.set(name, of(this=translate(clause.this)))
    group = node.args.get("group")
    if group is not None:
        keys = [_plain(key, translate) for key in group.expressions]
        select.set("group", exp.Group(expressions=keys))
    return select


def _items(listed: list[exp.Expr], translate: Translate) -> list[exp.Expr]:
    """Translate the list; what has no name gets BigQuery's."""
    translated: list[exp.Expr] = []
    unnamed = 0
    for item in listed:
        if isinstance(item, exp.Star):
            translated.append(_star(item))
        elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            table = _quoted(item.args["table"])
            translated.append(exp.Column(this=_star(item.this), table=table))
        else:
            name = items.name_of(item)
            if not name:
                name, unnamed = f"f{unnamed}_", unnamed + 1
            value = translate(item.this if isinstance(item, exp.Alias) else item)
            translated.append(exp.Alias(this=value, alias=_named(name)))
    return translated


def _star(star: exp.Star) -> exp.Star:
    left_out = [_quoted(name) for name in star.args.get("except_") or []]
    return exp.Star(except_=left_out or None)


def _source(node: exp.Expr, translate: Translate) -> exp.Expr:
    alias = node.args.get("alias")
    if isinstance(node, exp.Unnest):
        name = node.alias_column_names[0]
        table = exp.TableAlias(this=_named(name), columns=[_named(name)])
        array = translate(node.expressions[0])
        return exp.Unnest(expressions=[array], alias=table)
    table_alias = _table_alias(alias.this) if alias is not None else None
    if isinstance(node, exp.Subquery):
        return exp.Subquery(this=query(node.this, translate), alias=table_alias)
    if isinstance(node, exp.Table):
        return exp.Table(this=_quoted(node.this), alias=table_alias)
    raise _unknown(node)


def order_keys(order: exp.Expr, translate: Translate) -> list[exp.Expr]:
    """Translate the keys of an ORDER BY; a NaN comes before all numbers (S16)."""
    keys: list[exp.Expr] = []
    for ordered in order.expressions:
        value = _plain(ordered.this, translate)
        values = [value]
        if kinds.kind(ordered.this) is Kind.FLOAT64:
            number = nodes.case(
                (nodes.is_null(value.copy()), nodes.null()),
                (nodes.call("isnan", value.copy()), nodes.number(0)),
                default=nodes.number(1),
            )
            values.insert(0, number)
        keys.extend(
            exp.Ordered(
                this=key, desc=ordered.args["desc"], nulls_first=ordered.args["nulls_first"]
            )
            for key in values
        )
    return keys


def _plain(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate, but leave a place in the list and a limit the bare numbers that they are."""
    if isinstance(node, exp.Literal) and node.meta.get(KEEP):
        return exp.Literal.number(node.name)
    return translate(node)


def _table_alias(name: exp.Identifier) -> exp.TableAlias:
    return exp.TableAlias(this=_quoted(name))


def _quoted(name: exp.Expr) -> exp.Identifier:
    return _named(name.name)


def _named(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=True)


def _unknown(node: exp.Expr) -> PredicateError:
    return PredicateError(
        f"{type(node).__name__} has no translation for the embedded engine", refused=True
    )
