"""The check of GROUP BY and ORDER BY, and of what may stand beside them.

Source: GoogleSQL reference, "Query syntax", GROUP BY clause, ORDER BY clause.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import aggregates, items
from dicomfilter.googlesql.check.checker import Checker
from dicomfilter.googlesql.check.fields import root
from dicomfilter.googlesql.check.scope import ALIAS, SOURCE
from dicomfilter.googlesql.parse.lifting import KEEP, share
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import is_anonymous
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.googlesql.check.scope import Scope

    Keys = list[tuple[exp.Expr, exp.Expr]]
    """What a query groups by, each key with a form of it in which equal ones are equal."""

PLACES = "places"
"""The key of the ``meta`` of GROUP BY ALL with the places of the items that it groups by."""
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
    if node.args.get("all"):
        return _group_all(listed, {source.key for source in scope.sources})
    checker = Checker(scope, clause="GROUP BY clause")
    bare = Checker(replace(scope, aliases={}), clause="GROUP BY clause")
    places: list[exp.Expr] = []
    keys: list[exp.Expr] = []
    for key in node.expressions:
        place = _place(key, len(listed)) or _hiding(key, scope)
        if place is None:
            checked = (checker if isinstance(key, exp.Column) else bare).check(key)
            place = _listed(checked, listed) if _is_alike(checked) else None
        if place is None:
            if isinstance(checked, _CONSTANTS):
                raise PredicateError(
                    "Cannot GROUP BY literal values", offset=start(key), hint="group by a column"
                )
            _refuse_constant(checked, key)
            keys.append(aggregates.group_key(checked))
            places.append(checked)
        else:
            value = _grouped_item(listed[place - 1], place, key)
            keys.append(value)
            plain = isinstance(value, exp.Column)
            places.append(value.copy() if plain else _number(place, key))
    return exp.Group(expressions=places), keys


def _grouped_item(item: exp.Expr, place: int, key: exp.Expr) -> exp.Expr:
    """Make sure that rows can be grouped by an item of the list."""
    if items.is_star(item):
        raise unsupported("a group by *", offset=start(key), hint="name the columns")
    value = _value(item)
    if aggregates.has_aggregates([value]) or aggregates.has_windows([value]):
        raise PredicateError(
            f"Aggregate functions are not allowed in GROUP BY: item {place}", offset=start(key)
        )
    _refuse_constant(value, key)
    return aggregates.group_key(value)


def _refuse_constant(value: exp.Expr, key: exp.Expr) -> None:
    if aggregates.is_constant(value):
        raise unsupported("a group by a constant", offset=start(key), hint="leave it out")


def _group_all(listed: list[exp.Expr], own: set[str]) -> tuple[exp.Group, list[exp.Expr]]:
    """Check GROUP BY ALL: by each item that is no aggregate, nor of a query around it alone."""
    keys: list[exp.Expr] = []
    places: list[int] = []
    for place, item in enumerate(listed, 1):
        if items.is_star(item):
            raise unsupported("GROUP BY ALL of *", offset=start(item), hint="name the columns")
        value = _value(item)
        if aggregates.has_windows([value]):
            raise unsupported(
                "GROUP BY ALL beside a window function", offset=start(item), hint="name the columns"
            )
        around = {column.meta.get(SOURCE) for column in value.find_all(exp.Column)}
        if not aggregates.has_aggregates([value]) and (not around or around & own):
            if value.find(exp.Column) is None or value.find(exp.Query) is not None:
                raise unsupported(
                    "GROUP BY ALL beside a constant or a subquery",
                    offset=start(item),
                    hint="name the columns",
                )
            keys.append(aggregates.group_key(value))
            places.append(place)
    if not keys and not aggregates.has_aggregates(listed):
        raise unsupported(
            "GROUP BY ALL without a key", offset=start(listed[0]), hint="name the columns"
        )
    checked = exp.Group(expressions=[], all=True)
    checked.meta[PLACES] = places
    return checked, keys


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
    """Check a key that is the place of a column."""
    if any(items.is_star(item) for item in listed):
        raise unsupported("a place in a list with *", offset=start(key), hint="name the column")
    of = kinds.of(listed[place - 1]) if listed else scope.sources[0].columns[place - 1].type
    if of is None or of.kind not in kinds.COMPARABLE:
        raise PredicateError(
            f"ORDER BY does not support expressions of type {of or 'NULL'}", offset=start(key)
        )
    if not listed and of.kind is Kind.FLOAT64:
        return _column_at(place, key, scope)
    return kinds.typed(_number(place, key), of)


def _column_at(place: int, key: exp.Expr, scope: Scope) -> exp.Expr:
    """Name the column at a place, for a rewrite that a bare number could not carry."""
    column = scope.sources[0].columns[place - 1]
    if is_anonymous(column.name) or len(scope.sources[0].find(column.name)) > 1:
        raise unsupported(
            f"an order by the place of a {column.type} without a name",
            offset=start(key),
            hint="give the column a name with AS",
        )
    return scope.resolve(at(exp.Column(this=exp.Identifier(this=column.name)), start(key) or 0))


def _named(
    checker: Checker, key: exp.Expr, listed: list[exp.Expr], *, only_listed: bool
) -> exp.Expr:
    """Check a key that is an expression; one that is an item becomes its place."""
    if isinstance(key, exp.Literal):
        raise unsupported("an order by a constant", offset=start(key), hint="leave it out")
    checked = checker.check(key)
    if only_listed:
        checked = _without_casts(checked)
    of = kinds.of(checked)
    if of is None or of.kind not in kinds.COMPARABLE:
        raise PredicateError(
            f"ORDER BY does not support expressions of type {of or 'NULL'}", offset=start(key)
        )
    place = _listed(checked, listed)
    named = all(ALIAS in c.meta or _listed(c, listed) for c in checked.find_all(exp.Column))
    if only_listed and named and not _is_path(checked):
        raise unsupported(
            "an order by an expression behind SELECT DISTINCT",
            offset=start(key),
            hint="order by a column of the list",
        )
    if only_listed and (place is None or not _is_path(checked)):
        raise PredicateError(
            "ORDER BY clause expression references a column which is not visible after "
            "SELECT DISTINCT",
            offset=start(key),
            hint="order by a column of the list",
        )
    has_star = any(items.is_star(item) for item in listed)
    if place is None or isinstance(checked, exp.Column) or has_star:
        return checked
    return kinds.typed(_number(place, key), of)


def _hiding(key: exp.Expr, scope: Scope) -> int | None:
    """Find the item that a key means by its alias alone, although a column has the name too."""
    found = scope.aliases.get(key.name.lower(), []) if isinstance(key, exp.Column) else []
    if len(found) > 1:
        names = {item.name for _, item in found if isinstance(item, exp.Column)}
        if len(names) == 1 and all(isinstance(item, exp.Column) for _, item in found):
            return None
        raise PredicateError(
            f"Name {key.name} in GROUP BY clause is ambiguous; it may refer to multiple columns in "
            "the SELECT-list",
            offset=start(key),
            hint="give one of them another name with AS",
        )
    is_column = bool(found) and not isinstance(found[0][1], exp.Column)
    return found[0][0] if is_column else None


def _shadowing(key: exp.Expr, scope: Scope) -> int | None:
    """Find the item that a bare name means although a column has it too: here an alias wins."""
    found = scope.aliases.get(key.name.lower(), []) if isinstance(key, exp.Column) else []
    is_column = any(source.has(key.name) for source in scope.sources)
    if len(found) != 1 or not is_column:
        return None
    place, item = found[0]
    is_itself = isinstance(item, exp.Column) and len(scope.sources) == 1
    return None if is_itself else place


def require_grouped(select: exp.Select, keys: list[exp.Expr], scope: Scope) -> None:
    """Make sure that each item stands on keys and aggregates alone.

    Args:
        select: The checked SELECT.
        keys: The expressions that it groups by.
        scope: What FROM brings.

    Raises:
        PredicateError: A column is neither grouped nor aggregated.
    """
    known = [(_identity(key), key) for key in keys]
    own = {source.key for source in scope.sources}
    for item in select.expressions:
        if items.is_star(item):
            raise PredicateError(
                "Star expansion expression references columns which are neither grouped nor "
                "aggregated",
                offset=start(item),
                hint="name the columns",
            )
        _grouped(_value(item), known, own, "SELECT list", is_whole=True)
    for name in ("having", "qualify"):
        clause = select.args.get(name)
        if clause is not None:
            _grouped(clause.this, known, own, f"{name.upper()} clause")
    order = select.args.get("order")
    for ordered in order.expressions if order is not None else ():
        _grouped(ordered.this, known, own, "ORDER BY clause", is_whole=True)


def _grouped(
    node: exp.Expr, keys: Keys, own: set[str], clause: str, *, is_whole: bool = False
) -> None:
    """Refuse what is not grouped; within an expression only columns and their fields can be."""
    if aggregates.is_aggregate(node) or ALIAS in node.meta:
        return
    is_named = isinstance(_bare(node), exp.Column | exp.Dot)
    identity = _identity(node) if is_whole or is_named else None
    for known, key in keys:
        if node is key or (identity is not None and known == identity and _is_alike(node)):
            if node is not key:
                share(key, node)
            return
    if isinstance(node, exp.Column):
        if node.meta.get(SOURCE, "") not in own:
            return
        raise PredicateError(
            f"{clause} expression references column {node.name} which is neither grouped nor "
            "aggregated",
            offset=start(node),
            hint=f"add {node.name} to GROUP BY, or write ANY_VALUE({node.name})",
        )
    for part in node.iter_expressions():
        _grouped(part, keys, own, clause)


def _is_alike(node: exp.Expr) -> bool:
    """Tell whether an expression is the same as an equal one.

    One with a query in it is not, nor one that makes a STRUCT.
    """
    return node.find(exp.Query, exp.Struct, exp.Tuple) is None


def _is_path(node: exp.Expr) -> bool:
    """Tell whether an expression is a column or a field of one."""
    return isinstance(root(node), exp.Column)


def _bare(node: exp.Expr) -> exp.Expr:
    """Look behind casts to the type that a value has, which BigQuery does not see."""
    of = kinds.of(node.this) if isinstance(node, exp.Cast) else None
    return _bare(node.this) if of is not None and of == kinds.of(node) else node


def _without_casts(node: exp.Expr) -> exp.Expr:
    """Leave such casts out, wherever in an expression they are."""
    found: exp.Expr = _bare(node).copy()
    for part in list(found.find_all(exp.Cast)):
        if _bare(part) is not part:
            part.replace(_bare(part))
    return found


def _identity(node: exp.Expr) -> exp.Expr:
    """Write an expression so that equal ones are equal, whether or not a table is named."""
    found = _without_casts(node)
    for column in found.find_all(exp.Column):
        if SOURCE in column.meta:
            column.set("table", exp.Identifier(this=column.meta[SOURCE], quoted=True))
    return found


def _place(key: exp.Expr, width: int) -> int | None:
    """Read a key that is a number; None where it is not."""
    if not isinstance(key, exp.Literal) or kinds.kind(key) is not Kind.INT64:
        return None
    place = key.meta["value"]
    if not isinstance(place, int) or not 1 <= place <= width:
        raise PredicateError(
            f"{key.name} is not the place of an item: the list has {width}",
            offset=start(key),
            hint="name a column",
            refused=kinds.kind(key) in (Kind.NUMERIC, *kinds.TEMPORAL),
        )
    return place


def _listed(node: exp.Expr, listed: list[exp.Expr]) -> int | None:
    """Find the place of the item that a key is, or names."""
    if ALIAS in node.meta:
        return int(node.meta[ALIAS])
    wanted = _identity(node)
    same = (
        place
        for place, item in enumerate(listed, 1)
        if not items.is_star(item) and _identity(_value(item)) == wanted
    )
    return next(same, None)


def _value(item: exp.Expr) -> exp.Expr:
    value = item.this if isinstance(item, exp.Alias) else item
    assert isinstance(value, exp.Expr)  # noqa: S101 - an alias is of something
    return value


def _number(place: int, key: exp.Expr) -> exp.Expr:
    number = exp.Literal.number(place)
    number.meta[KEEP] = True
    return at(kinds.typed(number, kinds.INT64), start(key) or 0)
