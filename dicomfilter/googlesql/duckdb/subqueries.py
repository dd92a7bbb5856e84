"""Queries as values, as DuckDB's: EXISTS, IN, ARRAY, and of one value."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check import aggregates, structs
from dicomfilter.googlesql.check.scope import SOURCE
from dicomfilter.googlesql.check.sets import TO
from dicomfilter.googlesql.check.subqueries import ROWS, is_alone, rows_beside
from dicomfilter.googlesql.duckdb import grouping, list_functions, nodes, selects, sources
from dicomfilter.googlesql.duckdb.sources import quoted
from dicomfilter.googlesql.parse.reader import start
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.schema import SqlType

    Translate = Callable[[exp.Expr], exp.Expr]

_VALUE, _ROWS, _FOUND = "$value", "$rows", "$found"


def exists(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate EXISTS."""
    found = list_functions.exists(node.this, translate)
    if found is not None:
        return found
    return exp.Exists(this=selects.query(node.this, translate))


def scalar(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate a query that gives one value, or NULL; more fail in DuckDB too."""
    found = list_functions.scalar(node.this, translate)
    if found is not None:
        return found
    return exp.Subquery(this=selects.query(node.this, translate))


def is_in(node: exp.Expr, kind: Kind | None, translate: Translate) -> exp.Expr:
    """Translate ``x IN (SELECT ...)``; a NaN is in nothing (S16)."""
    if kind is Kind.STRUCT:
        return _is_row_in(node, translate)
    value = translate(node.this)
    rows = selects.query(node.args["query"].this, translate)
    if kind is Kind.FLOAT64:
        column = exp.Column(this=quoted(_VALUE), table=quoted(_ROWS))
        number = nodes.either(
            nodes.is_null(column.copy()), nodes.negation(nodes.call("isnan", column.copy()))
        )
        rows = exp.Select(
            expressions=[column],
            from_=exp.From(this=_rows(rows, [_VALUE])),
            where=exp.Where(this=number),
        )
    return exp.In(this=nodes.wrap(value), query=exp.Subquery(this=rows))


def _is_row_in(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate ``(a, b) IN (SELECT ...)``; the fields are compared by place."""
    if node.parent is None or not is_alone(node):  # as where conditions are composed
        raise rows_beside(start(node))
    rows: SqlType = node.meta[ROWS]
    value = exp.Column(this=quoted(_FOUND), table=quoted(_ROWS))
    conditions: list[exp.Expr] = []
    for part, name in zip(structs.parts(node.this) or (), nodes.field_names(rows), strict=True):
        own = translate(part)
        field = nodes.call("struct_extract", value.copy(), nodes.text(name))
        conditions.append(nodes.operate(exp.EQ, field, own))
        if kinds.kind(part) is Kind.FLOAT64:
            conditions.append(nodes.negation(nodes.call("isnan", own.copy())))
    found = exp.Select(
        expressions=[nodes.number(1)],
        from_=exp.From(this=_rows(selects.query(node.args["query"].this, translate), [_FOUND])),
        where=exp.Where(this=nodes.both(*conditions)),
    )
    return exp.Exists(this=found)


def _rows(query: exp.Expr, columns: list[str]) -> exp.Subquery:
    alias = exp.TableAlias(this=quoted(_ROWS), columns=[quoted(name) for name in columns])
    return exp.Subquery(this=query, alias=alias)


def array(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate ``ARRAY(SELECT ...)``, in the query's order and never NULL."""
    query = node.expressions[0]
    while isinstance(query, exp.Subquery) and not _is_ordered(query):
        query = query.this
    listed = list_functions.array(query, translate)
    if listed is None:
        plain = isinstance(query, exp.Select) and not query.args.get("distinct")
        listed = _of_select(query, translate) if plain else _of_rows(query, translate)
    return nodes.call("coalesce", listed, exp.Array(expressions=[]))


def _is_ordered(query: exp.Expr) -> bool:
    return any(query.args.get(name) is not None for name in ("order", "limit", "offset", "with_"))


def _of_select(query: exp.Select, translate: Translate) -> exp.Expr:
    """Gather the item of a SELECT, with the keys of its order."""
    order = query.args.get("order")
    bare = query.copy()
    for name in ("order", "limit", "offset", "with_"):
        bare.set(name, None)
    translated = selects.select(bare, translate)
    item = translated.expressions[0]
    value = item.this if isinstance(item, exp.Alias) else item
    keys = (
        grouping.keys(
            order,
            selects.inlining(query.expressions, translate),
            query.expressions,
            inline=True,
        )
        if order is not None
        else []
    )
    if not keys:
        keys = _places(query, translated)
    looks_around = query.args.get("group") is not None or query.args.get("having") is not None
    if (
        looks_around
        or not _has_own(query)
        or aggregates.has_aggregates(query.expressions)
        or aggregates.has_windows(query.expressions)
        or query.args.get("qualify") is not None
    ):
        names = [_VALUE, *(f"key_{place}" for place in range(len(keys)))]
        translated.set(
            "expressions",
            [
                exp.Alias(this=part, alias=quoted(name))
                for part, name in zip([value, *(key.this for key in keys)], names, strict=True)
            ],
        )
        own = [exp.Column(this=quoted(name), table=quoted(_ROWS)) for name in names]
        keys = [
            exp.Ordered(this=column, desc=key.args["desc"], nulls_first=key.args["nulls_first"])
            for column, key in zip(own[1:], keys, strict=True)
        ]
        value = own[0]
        translated = exp.Select(from_=exp.From(this=_rows(translated, names)))
    return _gathered(query, translated, value, keys, translate)


def _has_own(query: exp.Select) -> bool:
    """Tell whether a query's item is of its own sources, as DuckDB wants in an aggregate."""
    from_ = query.args.get("from_")
    nodes_ = [from_, *(query.args.get("joins") or [])] if from_ is not None else []
    own = {node.this.meta.get(SOURCE) for node in nodes_}
    return any(part.meta.get(SOURCE) in own for part in aggregates.parts(query.expressions))


def _places(query: exp.Select, translated: exp.Select) -> list[exp.Expr]:
    """Give an array made of one array without an order that array's own."""
    from_ = query.args.get("from_")
    if from_ is None or not isinstance(from_.this, exp.Unnest) or query.args.get("joins"):
        return []
    if any(query.args.get(name) for name in ("group", "having", "qualify")):
        return []
    if aggregates.has_aggregates(query.expressions):
        return []
    unnest = translated.args["from_"].this
    name = sources.place_name(from_.this)
    if unnest.args.get("offset") is None:
        unnest.args["alias"].append("columns", quoted(name))
        unnest.set("offset", True)
    table = unnest.args["alias"].this
    place = exp.Column(this=quoted(name), table=quoted(table.name))
    return [exp.Ordered(this=place, desc=False, nulls_first=False)]


def _type_of(query: exp.Expr) -> SqlType | None:
    """Tell the type of a query's one column, of which all operands of a set operation are."""
    while not isinstance(query, exp.Select):
        casts = query.meta.get(TO)
        if casts is not None:
            of: SqlType = casts[0][2]
            return of
        query = query.this
    return kinds.of(query.expressions[0])


def _of_rows(query: exp.Expr, translate: Translate) -> exp.Expr:
    """Gather the rows of a query that is no plain SELECT; its order is by its one column."""
    order = query.args.get("order")
    bare = query.copy()
    for name in ("order", "limit", "offset", "with_"):
        bare.set(name, None)
    rows = _rows(selects.query(bare, translate), [_VALUE])
    value = exp.Column(this=quoted(_VALUE), table=quoted(_ROWS))
    item = kinds.typed(value.copy(), _type_of(query))
    keys = (
        grouping.keys(order, lambda _: value.copy(), [item], inline=True)
        if order is not None
        else []
    )
    translated = exp.Select(from_=exp.From(this=rows))
    return _gathered(query, translated, value, keys, translate)


def _gathered(
    query: exp.Expr,
    translated: exp.Select,
    value: exp.Expr,
    keys: list[exp.Expr],
    translate: Translate,
) -> exp.Expr:
    ordered = exp.Order(this=value, expressions=keys) if keys else value
    translated.set("expressions", [nodes.call("list", ordered)])
    with_ = query.args.get("with_")
    if with_ is not None:
        holder = exp.Select(expressions=[], with_=with_.copy())
        translated.set("with_", selects.with_(holder.args["with_"], translate))
    listed: exp.Expr = exp.Subquery(this=translated)
    limit, offset = query.args.get("limit"), query.args.get("offset")
    if limit is None:
        return listed
    count = nodes.cast(grouping.plain(limit.expression, translate), kinds.INT64)
    if offset is None:
        return nodes.call("list_slice", listed, nodes.number(1), count)
    skipped = nodes.cast(grouping.plain(offset.expression, translate), kinds.INT64)
    first = exp.Paren(this=exp.Add(this=skipped, expression=nodes.number(1)))
    last = exp.Paren(this=exp.Add(this=skipped.copy(), expression=count))
    return nodes.call("list_slice", listed, first, last)
