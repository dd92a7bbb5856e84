"""The check of queries: clauses in their order, and the columns that come out.

Source: GoogleSQL reference, "Query syntax"; "Aliases and scope".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError, TableError
from dicomfilter.googlesql import aggregates, grouping, items, kinds, sources
from dicomfilter.googlesql.checker import Checker
from dicomfilter.googlesql.reader import start, unsupported
from dicomfilter.googlesql.scope import Scope, Source, identifier
from dicomfilter.googlesql.sources import Tables
from dicomfilter.schema import Column, Kind, TableSchema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dicomfilter.parameters import Parameter


def check(
    query: exp.Query, tables: Mapping[str, TableSchema], parameters: Mapping[str, Parameter]
) -> tuple[exp.Query, TableSchema]:
    """Check a whole query.

    Args:
        query: As parsed.
        tables: The tables that it may name.
        parameters: Those that it may name, by lower-cased name.

    Returns:
        Its canonical tree, and its columns.

    Raises:
        PredicateError: GoogleSQL refuses it, or it is not taken.
    """
    known = Tables({name: tuple(schema) for name, schema in tables.items()}, parameters)
    checked, columns = _query(query, known)
    try:
        return checked, TableSchema(columns)
    except TableError as error:
        raise PredicateError(
            f"Duplicate column names in the result are not supported: {error.message}",
            offset=start(query),
            hint="give each column its own name with AS",
        ) from error


def _query(node: exp.Expr, tables: Tables) -> tuple[exp.Query, tuple[Column, ...]]:
    with_ = node.args.get("with_")
    checked_with = None
    if with_ is not None:
        checked_with, tables = _with(with_, tables)
    if isinstance(node, exp.Union):
        checked, columns = _union(node, tables)
    elif isinstance(node, exp.Subquery):
        inner, columns = _query(node.this, tables)
        checked = exp.Subquery(this=inner)
        if node.args.get("order") is not None:
            checked.set("order", _outer_order(node.args["order"], columns, tables))
    elif isinstance(node, exp.Select):
        checked, columns = _select(node, tables)
    else:
        raise unsupported(type(node).__name__.upper(), offset=start(node))
    limit = node.args.get("limit")
    if limit is not None:
        checked.set("limit", exp.Limit(expression=_limit(limit.expression, tables)))
    if checked_with is not None:
        checked.set("with_", checked_with)
    return checked, columns


def _with(node: exp.With, tables: Tables) -> tuple[exp.With, Tables]:
    checked = []
    names: set[str] = set()
    for cte in node.expressions:
        name = cte.args["alias"].this
        if name.name.lower() in names:
            raise PredicateError(f"Duplicate alias {name.name} for WITH", offset=start(name))
        names.add(name.name.lower())
        inner, columns = _query(cte.this, tables)
        alias = exp.TableAlias(this=identifier(name.name))
        checked.append(exp.CTE(this=inner, alias=alias))
        tables = tables.with_table(name.name, columns)
    return exp.With(expressions=checked), tables


def _union(node: exp.Union, tables: Tables) -> tuple[exp.Query, tuple[Column, ...]]:
    left, columns = _query(node.this, tables)
    right, others = _query(node.expression, tables)
    if len(columns) != len(others):
        raise PredicateError(
            "Queries in UNION ALL have mismatched column count; "
            f"query 1 has {len(columns)} columns, query 2 has {len(others)} columns",
            offset=start(node.expression),
        )
    for number, (column, other) in enumerate(zip(columns, others, strict=True), 1):
        if column.type != other.type:
            raise PredicateError(
                f"Column {number} in UNION ALL has incompatible types: {column.type}, {other.type}",
                offset=start(node.expression),
                hint="CAST one of them",
            )
        if column.type.kind in (Kind.STRUCT, Kind.ARRAY, Kind.JSON):
            raise unsupported(f"UNION ALL of {column.type}", offset=start(node))
    checked = exp.Union(this=left, expression=right, distinct=False)
    if node.args.get("order") is not None:
        checked.set("order", _outer_order(node.args["order"], columns, tables))
    return checked, columns


def _outer_order(node: exp.Expr, columns: tuple[Column, ...], tables: Tables) -> exp.Expr:
    """Check an ORDER BY that sees only the columns that come out."""
    scope = Scope((Source("", columns),), tables.parameters)
    return grouping.ordering(Checker(scope, clause="ORDER BY clause"), node, [], len(columns))


def _select(node: exp.Select, tables: Tables) -> tuple[exp.Query, tuple[Column, ...]]:
    from_, joins, found = sources.check(node, tables, _query)
    plain = Scope(found, tables.parameters)
    listed = items.check(node.expressions, plain)
    aliases = items.aliases(listed)
    named = Scope(found, tables.parameters, aliases=aliases)
    checked = exp.Select(expressions=listed, from_=from_, joins=joins or None)
    where = node.args.get("where")
    if where is not None:
        checked.set("where", exp.Where(this=Checker(plain).condition(where.this)))
    group, keys = grouping.group(node.args.get("group"), named, listed)
    if group is not None:
        checked.set("group", group)
    grouped = group is not None or _has_aggregates(listed)
    having = node.args.get("having")
    if having is not None:
        checked.set("having", _having(having, named, grouped=grouped))
        grouped = True
    qualify = node.args.get("qualify")
    if qualify is not None:
        checked.set("qualify", _qualify(qualify, named, listed, grouped=grouped))
    distinct = bool(node.args.get("distinct"))
    if distinct:
        checked.set("distinct", exp.Distinct())
        items.require_groupable(listed, plain)
    order = node.args.get("order")
    if order is not None:
        checker = Checker(named, clause="ORDER BY clause", aggregates=grouped)
        checked.set(
            "order",
            grouping.ordering(
                checker, order, listed, len(items.columns(listed, plain)), only_listed=distinct
            ),
        )
    if grouped:
        grouping.require_grouped(checked, keys)
    return checked, items.columns(listed, plain)


def _having(node: exp.Expr, scope: Scope, *, grouped: bool) -> exp.Having:
    checker = Checker(scope, clause="HAVING clause", aggregates=True)
    checked = exp.Having(this=checker.condition(node.this))
    if not grouped and not _has_aggregates([checked]):
        raise PredicateError(
            "The HAVING clause requires GROUP BY or aggregation to be present",
            offset=start(node.this),
            hint="write the condition behind WHERE",
        )
    return checked


def _qualify(node: exp.Expr, scope: Scope, listed: list[exp.Expr], *, grouped: bool) -> exp.Qualify:
    checker = Checker(scope, clause="QUALIFY clause", aggregates=grouped, windows=True)
    checked = exp.Qualify(this=checker.condition(node.this))
    if not any(isinstance(part, exp.Window) for e in (checked, *listed) for part in e.walk()):
        raise PredicateError(
            "The QUALIFY clause requires a window function to be present",
            offset=start(node.this),
            hint="write the condition behind WHERE",
        )
    return checked


def _has_aggregates(listed: list[exp.Expr]) -> bool:
    return any(aggregates.is_aggregate(part) for item in listed for part in item.walk())


def _limit(node: exp.Expr, tables: Tables) -> exp.Expr:
    checked = Checker(Scope((), tables.parameters), clause="LIMIT").check(node)
    if kinds.kind(checked) is not Kind.INT64:
        raise PredicateError(
            f"LIMIT expects an integer literal or parameter, not {kinds.of(checked)}",
            offset=start(node),
        )
    return checked
