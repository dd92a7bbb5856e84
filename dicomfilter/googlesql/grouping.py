"""The check of GROUP BY and ORDER BY, and of what may stand beside them.

Source: GoogleSQL reference, "Query syntax", GROUP BY clause, ORDER BY clause.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import aggregates, kinds
from dicomfilter.googlesql.checker import Checker
from dicomfilter.googlesql.lifting import KEEP
from dicomfilter.googlesql.reader import at, start, unsupported
from dicomfilter.googlesql.scope import ALIAS
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.googlesql.scope import Scope

_CONSTANTS = (exp.Literal, exp.Boolean, exp.Null, exp.Parameter)


def group(
    node: exp.Expr | None, scope: Scope, listed: list[exp.Expr]
) -> tuple[exp.Group | None, list[exp.Expr]]:
    """Check GROUP BY.

    Args:
        node: The parsed clause, if there is one.
        scope: Names of FROM and aliases of the list.
        listed: The checked SELECT list.

    Returns:
        The checked clause, where a key that is an item is its place, and the keys themselves.

    Raises:
        PredicateError: A key is no place in the list, an aggregate, or of no type to group by.
    """
    if node is None:
        return None, []
    checker = Checker(scope, clause="GROUP BY clause")
    places: list[exp.Expr] = []
    keys: list[exp.Expr] = []
    for key in node.expressions:
        place = _place(key, len(listed))
        if place is None:
            checked = checker.check(key)
            place = _listed(checked, listed)
        if place is None:
            if isinstance(checked, _CONSTANTS):
                raise PredicateError(
                    "Cannot GROUP BY literal values", offset=start(key), hint="group by a column"
                )
            if checked.find(exp.Literal):
                raise unsupported(
                    "a group by an expression with literals in it",
                    offset=start(key),
                    hint="put the expression into the SELECT list and group by its place",
                )
            places.append(aggregates.group_key(checked))
            keys.append(checked)
            continue
        item = listed[place - 1]
        if isinstance(item, exp.Star) or isinstance(item.this, exp.Star):
            raise unsupported("a group by *", offset=start(key), hint="name the columns")
        value = _value(item)
        if any(
            aggregates.is_aggregate(part) or isinstance(part, exp.Window) for part in value.walk()
        ):
            raise PredicateError(
                f"Aggregate functions are not allowed in GROUP BY: item {place}", offset=start(key)
            )
        if isinstance(value, _CONSTANTS):
            raise unsupported("a group by a constant", offset=start(key), hint="leave it out")
        aggregates.group_key(value)
        places.append(_number(place, key) if not isinstance(value, exp.Column) else value.copy())
        keys.append(value)
    return exp.Group(expressions=places), keys


def ordering(
    checker: Checker,
    node: exp.Expr,
    listed: list[exp.Expr],
    width: int,
    *,
    only_listed: bool = False,
) -> exp.Order:
    """Check the ORDER BY of a query.

    Args:
        checker: Of the clause.
        node: The parsed clause.
        listed: The checked SELECT list; empty where only its columns are seen.
        width: How many columns come out.
        only_listed: Whether nothing but items may be named, as behind DISTINCT.

    Returns:
        The checked clause.

    Raises:
        PredicateError: A key is no place in the list, or of a type without order.
    """
    keys: list[exp.Expr] = []
    for ordered in node.expressions:
        key = ordered.this
        place = _place(key, width) or _shadowing(key, checker.scope)
        if place is not None:
            checked = _at_place(place, key, listed, checker.scope)
        else:
            checked = _named(checker, key, listed, only_listed=only_listed)
        keys.append(
            exp.Ordered(
                this=checked, desc=ordered.args["desc"], nulls_first=ordered.args["nulls_first"]
            )
        )
    return exp.Order(expressions=keys)


def _at_place(place: int, key: exp.Expr, listed: list[exp.Expr], scope: Scope) -> exp.Expr:
    """Check a key that is the place of a column; its type must need no rewrite."""
    if _has_star(listed):
        raise unsupported("a place in a list with *", offset=start(key), hint="name the column")
    of = kinds.of(listed[place - 1]) if listed else scope.sources[0].columns[place - 1].type
    if of is None or of.kind not in kinds.COMPARABLE or of.kind is Kind.FLOAT64:
        raise unsupported(f"an order by the place of a {of}", offset=start(key))
    return _number(place, key)


def _named(
    checker: Checker, key: exp.Expr, listed: list[exp.Expr], *, only_listed: bool
) -> exp.Expr:
    """Check a key that is an expression; one that is an item becomes its place."""
    checked = checker.check(key)
    of = kinds.of(checked)
    if of is None or of.kind not in kinds.COMPARABLE:
        raise PredicateError(
            f"ORDER BY does not support expressions of type {of or 'NULL'}", offset=start(key)
        )
    if not listed and of.kind is Kind.FLOAT64:
        raise unsupported("an order of FLOAT64 behind UNION ALL", offset=start(key))
    place = _listed(checked, listed)
    if only_listed and place is None:
        raise PredicateError(
            "ORDER BY clause expression references a column which is not visible after "
            "SELECT DISTINCT",
            offset=start(key),
            hint="order by a column of the list",
        )
    plain = isinstance(checked, exp.Column) or of.kind is Kind.FLOAT64
    return checked if place is None or plain or _has_star(listed) else _number(place, key)


def _has_star(listed: list[exp.Expr]) -> bool:
    return any(isinstance(i, exp.Star) or isinstance(i.this, exp.Star) for i in listed)


def _shadowing(key: exp.Expr, scope: Scope) -> int | None:
    """Find the item that a bare name means although a column has it too: here an alias wins."""
    items = scope.aliases.get(key.name.lower(), []) if isinstance(key, exp.Column) else []
    is_column = any(source.find(key.name) for source in scope.sources)
    if len(items) != 1 or not is_column or not isinstance(items[0][1], exp.Alias):
        return None
    return items[0][0]


def require_grouped(select: exp.Select, keys: list[exp.Expr]) -> None:
    """Make sure that each item stands on keys and aggregates alone.

    Args:
        select: The checked SELECT.
        keys: The expressions that it groups by.

    Raises:
        PredicateError: A column is neither grouped nor aggregated.
    """
    for item in select.expressions:
        if isinstance(item, exp.Star) or isinstance(item.this, exp.Star):
            raise PredicateError(
                "Star expansion expression references columns which are neither grouped nor "
                "aggregated",
                offset=start(item),
                hint="name the columns",
            )
        _grouped(_value(item), keys, "SELECT list")
    for name in ("having", "qualify"):
        clause = select.args.get(name)
        if clause is not None:
            _grouped(clause.this, keys, f"{name.upper()} clause")
    order = select.args.get("order")
    for ordered in order.expressions if order is not None else ():
        _grouped(ordered.this, keys, "ORDER BY clause")


def _grouped(node: exp.Expr, keys: list[exp.Expr], clause: str) -> None:
    if node in keys or aggregates.is_aggregate(node) or ALIAS in node.meta:
        return
    if isinstance(node, exp.Column):
        raise PredicateError(
            f"{clause} expression references column {node.name} which is neither grouped nor "
            "aggregated",
            offset=start(node),
            hint=f"add {node.name} to GROUP BY, or write ANY_VALUE({node.name})",
        )
    for part in node.iter_expressions():
        _grouped(part, keys, clause)


def _place(key: exp.Expr, width: int) -> int | None:
    """Read a key that is a number; None where it is not."""
    if not isinstance(key, exp.Literal):
        return None
    place = key.meta["value"]
    if not isinstance(place, int) or not 1 <= place <= width:
        raise PredicateError(
            f"{key.name} is not the place of an item: the list has {width}",
            offset=start(key),
            hint="name a column",
        )
    return place


def _listed(node: exp.Expr, listed: list[exp.Expr]) -> int | None:
    """Find the place of the item that a key is, or names."""
    if ALIAS in node.meta:
        return int(node.meta[ALIAS])
    same = (place for place, item in enumerate(listed, 1) if _value(item) == node)
    return next(same, None)


def _value(item: exp.Expr) -> exp.Expr:
    value = item.this if isinstance(item, exp.Alias) else item
    assert isinstance(value, exp.Expr)  # noqa: S101 - an alias is of something
    return value


def _number(place: int, key: exp.Expr) -> exp.Expr:
    number = exp.Literal.number(place)
    number.meta[KEEP] = True
    return at(kinds.typed(number, kinds.INT64), start(key) or 0)
