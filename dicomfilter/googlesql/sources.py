"""The check of what stands behind FROM: tables, queries in parentheses, arrays.

Source: GoogleSQL reference, "Query syntax", FROM clause, UNNEST operator, WITH clause.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import kinds
from dicomfilter.googlesql.checker import Checker
from dicomfilter.googlesql.reader import at, start, unsupported
from dicomfilter.googlesql.scope import Scope, Source, identifier, nearest
from dicomfilter.schema import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dicomfilter.parameters import Parameter

    QueryCheck = Callable[[exp.Expr, "Tables"], tuple[exp.Query, tuple[Column, ...]]]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables and parameters that a query may name.

    Args:
        columns: The columns of each table by its name; names of WITH hide the others.
        parameters: By lower-cased name.
    """

    columns: Mapping[str, tuple[Column, ...]]
    parameters: Mapping[str, Parameter]

    def with_table(self, name: str, columns: tuple[Column, ...]) -> Tables:
        """Add a table of a WITH clause."""
        return Tables({**self.columns, name: columns}, self.parameters)


def check(
    select: exp.Expr, tables: Tables, check_query: QueryCheck
) -> tuple[exp.From, list[exp.Expr], tuple[Source, ...]]:
    """Check FROM with its comma and CROSS joins.

    Args:
        select: The parsed SELECT.
        tables: What may be named.
        check_query: Checks a query in parentheses.

    Returns:
        The checked FROM, its joins, and what they bring into scope.

    Raises:
        PredicateError: There is no such table, two share a name, an UNNEST is of no array.
    """
    first, source = _source(select.args["from_"].this, tables, (), check_query)
    sources, joins = [source], list[exp.Expr]()
    for join in select.args.get("joins") or []:
        if not isinstance(join.this, exp.Unnest):
            raise unsupported(
                "a join of tables",
                offset=start(join.this),
                hint="join in a table beforehand; CROSS JOIN UNNEST(array) is taken",
            )
        joined, source = _source(join.this, tables, tuple(sources), check_query)
        taken = [s.name.lower() for s in sources if s.name]
        if source.name.lower() in taken:
            raise PredicateError(
                f"Duplicate table alias {source.name} in the same FROM clause",
                offset=start(join.this),
            )
        joins.append(exp.Join(this=joined, kind="CROSS"))
        sources.append(source)
    return exp.From(this=first), joins, tuple(sources)


def _source(
    node: exp.Expr, tables: Tables, before: tuple[Source, ...], check_query: QueryCheck
) -> tuple[exp.Expr, Source]:
    if isinstance(node, exp.Unnest):
        return _unnest(node, tables, before)
    alias = node.args.get("alias")
    name = alias.this if alias is not None else None
    table_alias = exp.TableAlias(this=identifier(name.name)) if name is not None else None
    if isinstance(node, exp.Subquery):
        inner, columns = check_query(node.this, tables)
        checked: exp.Expr = exp.Subquery(this=inner, alias=table_alias)
        return checked, Source(name.name if name is not None else "", columns)
    found = tables.columns.get(node.name)
    if found is None:
        guess = nearest(node.name, tables.columns)
        raise PredicateError(
            f"Table not found: {node.name}" + (f"; Did you mean {guess}?" if guess else ""),
            offset=start(node),
            hint=f"this query may name {', '.join(tables.columns)}",
        )
    checked = exp.Table(this=identifier(node.name), alias=table_alias)
    return checked, Source(name.name if name is not None else node.name, found)


def _unnest(
    node: exp.Unnest, tables: Tables, before: tuple[Source, ...]
) -> tuple[exp.Expr, Source]:
    if not before:
        raise unsupported(
            "FROM UNNEST alone", offset=start(node), hint="FROM metadata, UNNEST(...)"
        )
    checker = Checker(Scope(before, tables.parameters), clause="FROM clause")
    array = checker.check(node.expressions[0])
    of = kinds.of(array)
    if of is None or of.kind is not Kind.ARRAY or of.element is None:
        raise PredicateError(
            f"Values referenced in UNNEST must be arrays. UNNEST contains expression of type {of}",
            offset=start(array),
        )
    alias = node.args.get("alias")
    if alias is None or not isinstance(array, exp.Column | exp.Dot):
        raise unsupported(
            "UNNEST without a name" if alias is None else "UNNEST of this",
            offset=start(node),
            hint="write UNNEST(ImageType) AS image_type",
        )
    name = alias.columns[0].name
    table_alias = exp.TableAlias(columns=[identifier(name)])
    unnest = exp.Unnest(expressions=[array], alias=table_alias)
    source = Source(name, (Column(name, of.element),), is_value=True)
    return at(kinds.typed(unnest, of), start(node) or 0), source
