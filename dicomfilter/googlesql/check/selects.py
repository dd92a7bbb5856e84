"""The check of queries: clauses in their order, and the columns that come out.

Source: GoogleSQL reference, "Query syntax"; "Aliases and scope".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import ParameterError, PredicateError, TableError
from dicomfilter.googlesql.check import aggregates, grouping, items, sets
from dicomfilter.googlesql.check.checker import Checker
from dicomfilter.googlesql.check.rules import RULES
from dicomfilter.googlesql.check.scope import Scope, Source, Tables
from dicomfilter.googlesql.check.sources import From
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import VALUE, identifier, is_anonymous
from dicomfilter.schema import Column, Kind, SqlType, TableSchema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dicomfilter.googlesql.check.stand_ins import Stand
    from dicomfilter.googlesql.types.parameters import Parameter


def check(query: exp.Query, tables: Tables) -> tuple[exp.Query, TableSchema]:
    """Check a whole query.

    Args:
        query: As parsed.
        tables: What it may name.

    Returns:
        Its canonical tree, and its columns.

    Raises:
        PredicateError: GoogleSQL refuses it, or it is not taken.
    """
    checked, columns = _query(query, tables, None)
    if any(column.name == VALUE for column in columns):
        raise unsupported(
            "SELECT AS STRUCT of a whole query",
            offset=start(query),
            hint="leave AS STRUCT out: its fields come out as columns",
        )
    try:
        return checked, TableSchema(tuple(_named(columns)))
    except TableError as error:
        raise PredicateError(
            f"Duplicate column names in the result are not supported: {error.message}",
            offset=start(query),
            hint="give each column its own name with AS",
        ) from error


def known_tables(
    tables: Mapping[str, TableSchema],
    parameters: Mapping[str, Parameter],
    stand: Stand | None = None,
) -> Tables:
    """Gather what a query may name, or a condition in its subqueries."""
    columns = {name: tuple(schema) for name, schema in tables.items()}
    return Tables(columns, parameters, _query, RULES, stand=stand)


def _named(columns: tuple[Column, ...]) -> list[Column]:
    """Name what has no name ``f0_`` and so on, as BigQuery does."""
    named: list[Column] = []
    unnamed = 0
    for column in columns:
        if is_anonymous(column.name):
            named.append(replace(column, name=f"f{unnamed}_"))
            unnamed += 1
        else:
            named.append(column)
    return named


def _query(
    node: exp.Expr, tables: Tables, outer: Scope | None
) -> tuple[exp.Query, tuple[Column, ...]]:
    with_ = node.args.get("with_")
    checked_with = None
    if with_ is not None:
        checked_with, tables = _with(with_, tables)
    checked: exp.Query
    if isinstance(node, exp.SetOperation):
        checked, columns = sets.check(node, tables, outer)
    elif isinstance(node, exp.Subquery):
        inner, columns = _query(node.this, tables, outer)
        checked = exp.Subquery(this=inner)
    elif isinstance(node, exp.Select):
        checked, columns = _select(node, tables, outer)
    else:
        raise unsupported(type(node).__name__.upper(), offset=start(node))
    if not isinstance(node, exp.Select) and node.args.get("order") is not None:
        checked.set("order", _outer_order(node.args["order"], columns, tables))
    for name, of in (("limit", exp.Limit), ("offset", exp.Offset)):
        clause = node.args.get(name)
        if clause is not None:
            checked.set(name, of(expression=_limit(clause.expression, tables, name.upper())))
    if checked_with is not None:
        checked.set("with_", checked_with)
    return checked, columns


def _with(node: exp.With, tables: Tables) -> tuple[exp.With, Tables]:
    """Check WITH, whose queries see nothing of a query around them."""
    checked = []
    names: set[str] = set()
    for cte in node.expressions:
        name = cte.args["alias"].this
        if name.name.lower() in names:
            raise PredicateError(f"Duplicate alias {name.name} for WITH", offset=start(name))
        names.add(name.name.lower())
        inner, columns = _query(cte.this, tables, None)
        sets.require_distinct_names(columns, cte.this)
        alias = exp.TableAlias(this=identifier(name.name))
        checked.append(exp.CTE(this=inner, alias=alias))
        tables = tables.with_table(name.name, columns)
    return exp.With(expressions=checked), tables


def _outer_order(node: exp.Expr, columns: tuple[Column, ...], tables: Tables) -> exp.Expr:
    """Check an ORDER BY that sees only the columns that come out."""
    scope = Scope((Source("", columns),), tables.parameters, tables.rules)
    return grouping.ordering(Checker(scope, clause="ORDER BY clause"), node, [], len(columns))


def _select(
    node: exp.Select, tables: Tables, outer: Scope | None
) -> tuple[exp.Query, tuple[Column, ...]]:
    is_struct = node.args.get("kind") is not None
    plain = Scope((), tables.parameters, tables.rules, outer=outer, tables=tables, named=is_struct)
    checked = exp.Select(kind="STRUCT" if is_struct else None, expressions=[])
    has_from = node.args.get("from_") is not None
    if has_from:
        from_, joins = From(plain, tables).check(node)
        checked.set("from_", from_)
        checked.set("joins", joins or None)
    where = node.args.get("where")
    if where is not None:
        checked.set("where", exp.Where(this=Checker(plain).condition(where.this)))
    plain.windows = {w.name.lower(): w for w in node.args.get("windows") or []}
    listed = items.check(node.expressions, plain)
    checked.set("expressions", listed)
    if not has_from:
        _require_no_from(node, listed)
        return checked, _columns(listed, plain, is_struct=is_struct)
    named = replace(plain, aliases=items.aliases(listed))
    after = replace(named, prefers_aliases=True)
    group, keys = grouping.group(node.args.get("group"), named, listed)
    if group is not None:
        checked.set("group", group)
    grouped = group is not None or aggregates.has_aggregates(listed)
    having = node.args.get("having")
    if having is not None:
        checked.set("having", _having(having, after, listed, grouped=grouped))
        grouped = True
    qualify = node.args.get("qualify")
    if qualify is not None:
        checked.set("qualify", _qualify(qualify, after, listed, grouped=grouped))
    distinct = bool(node.args.get("distinct"))
    if distinct:
        checked.set("distinct", exp.Distinct())
        items.require_groupable(listed, plain)
    order = node.args.get("order")
    columns = items.columns(listed, plain)
    if order is not None:
        checker = Checker(after, clause="ORDER BY clause", aggregates=grouped, windows=True)
        checked.set(
            "order", grouping.ordering(checker, order, listed, len(columns), only_listed=distinct)
        )
    if grouped:
        grouping.require_grouped(checked, keys, plain)
    return checked, _columns(listed, plain, is_struct=is_struct)


def _columns(listed: list[exp.Expr], scope: Scope, *, is_struct: bool) -> tuple[Column, ...]:
    columns = items.columns(listed, scope)
    if not is_struct:
        return columns
    fields = tuple(("" if is_anonymous(c.name) else c.name, c.type) for c in columns)
    names = [name.lower() for name, _ in fields if name]
    if len(set(names)) < len(names):
        raise unsupported(
            "SELECT AS STRUCT with two fields of one name",
            offset=start(listed[0]),
            hint="give each field its own name with AS",
        )
    return (Column(VALUE, SqlType(Kind.STRUCT, fields=fields)),)


def _require_no_from(node: exp.Select, listed: list[exp.Expr]) -> None:
    """Refuse what a SELECT without FROM cannot have."""
    if node.args.get("distinct"):
        raise PredicateError(
            "Query without FROM clause cannot use SELECT DISTINCT", offset=start(node)
        )
    if aggregates.has_aggregates(listed) or aggregates.has_windows(listed):
        raise PredicateError(
            "Aggregate and window functions are not allowed in SELECT without FROM clause",
            offset=start(node),
            hint="select FROM metadata",
        )


def _having(node: exp.Expr, scope: Scope, listed: list[exp.Expr], *, grouped: bool) -> exp.Having:
    checker = Checker(scope, clause="HAVING clause", aggregates=True)
    checked = exp.Having(this=checker.condition(node.this))
    if not grouped and not aggregates.has_aggregates([checked]):
        raise PredicateError(
            "The HAVING clause requires GROUP BY or aggregation to be present",
            offset=start(node.this),
            hint="write the condition behind WHERE",
        )
    constants = {item.alias.lower() for item in listed if aggregates.is_constant(item)}
    columns = {column.name.lower() for column in checked.find_all(exp.Column)}
    if (
        columns <= constants
        and checked.find(exp.Query) is None
        and not aggregates.has_aggregates([checked])
    ):
        raise unsupported("a HAVING of constants", offset=start(node.this), hint="leave it out")
    return checked


def _qualify(node: exp.Expr, scope: Scope, listed: list[exp.Expr], *, grouped: bool) -> exp.Qualify:
    checker = Checker(scope, clause="QUALIFY clause", aggregates=grouped, windows=True)
    checked = exp.Qualify(this=checker.condition(node.this))
    if not aggregates.has_windows([checked, *listed]):
        raise PredicateError(
            "The QUALIFY clause requires a window function to be present",
            offset=start(node.this),
            hint="write the condition behind WHERE",
        )
    return checked


def _limit(node: exp.Expr, tables: Tables, word: str) -> exp.Expr:
    checked = Checker(Scope((), tables.parameters, tables.rules), clause=word).check(node)
    if kinds.kind(checked) is not Kind.INT64:
        raise PredicateError(
            f"{word} expects an integer literal or parameter, not {kinds.of(checked)}",
            offset=start(node),
        )
    value = node.meta.get("value")
    if isinstance(node, exp.Parameter):
        given = tables.parameters[node.name.lower()]
        if not isinstance(given.value, int) or given.value < 0:
            raise ParameterError(
                f"@{given.name} is a limit, which must not be null or negative",
                hint=f"write --param {given.name}:INT64:10",
            )
    elif not isinstance(value, int) or value < 0:
        raise PredicateError(
            f"{word} must not be null or negative", offset=start(node), hint=f"write {word} 10"
        )
    return checked
