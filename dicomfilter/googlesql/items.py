"""The check of the list behind SELECT: its items, their names and types.

Source: GoogleSQL reference, "Query syntax", SELECT statement, SELECT list; "Implicit aliases".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import kinds
from dicomfilter.googlesql.aggregates import group_key
from dicomfilter.googlesql.checker import Checker
from dicomfilter.googlesql.reader import at, start, unsupported
from dicomfilter.googlesql.scope import Source, identifier, nearest
from dicomfilter.schema import Column, Kind

if TYPE_CHECKING:
    from dicomfilter.googlesql.scope import Scope


def check(parsed: list[exp.Expr], scope: Scope) -> list[exp.Expr]:
    """Check the items of a SELECT list.

    Args:
        parsed: Its items.
        scope: What FROM brings.

    Returns:
        The checked items: expressions, Aliases, Stars and Columns that are ``table.*``.

    Raises:
        PredicateError: GoogleSQL refuses one, or it is not taken.
    """
    checker = Checker(scope, clause="SELECT list", aggregates=True, windows=True)
    return [_item(checker, item) for item in parsed]


def _item(checker: Checker, item: exp.Expr) -> exp.Expr:
    if isinstance(item, exp.Star):
        return _star(item, checker.scope.sources, item)
    if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
        table = item.args["table"]
        for source in checker.scope.sources:
            if source.name.lower() == table.name.lower():
                star = _star(item.this, (source,), item)
                return at(exp.Column(this=star, table=identifier(source.name)), start(item) or 0)
        raise PredicateError(f"Unrecognized name: {table.name}", offset=start(item), hint="write *")
    if isinstance(item, exp.Alias):
        value = _value(checker, item.this)
        alias = exp.Alias(this=value, alias=identifier(item.alias))
        return at(kinds.typed(alias, kinds.of(value)), start(item) or 0)
    return _value(checker, item)


def _value(checker: Checker, node: exp.Expr) -> exp.Expr:
    value = checker.check(node)
    if kinds.of(value) is None:
        kinds.typed(value, kinds.INT64)
    return value


def _star(star: exp.Star, sources: tuple[Source, ...], node: exp.Expr) -> exp.Star:
    known = [column for source in sources for column in source.columns]
    names = [column.name for column in known]
    if any(
        source.is_value and c.type.kind is Kind.STRUCT for source in sources for c in source.columns
    ):
        raise unsupported("* over an UNNEST of STRUCT", offset=start(node), hint="name the columns")
    left_out: list[exp.Identifier] = []
    for name in star.args.get("except_") or []:
        found = [known for known in names if known.lower() == name.name.lower()]
        if not found:
            guess = nearest(name.name, names)
            raise PredicateError(
                f"Column {name.name} in SELECT * EXCEPT list does not exist",
                offset=start(name),
                hint=f"did you mean {guess}?" if guess else None,
            )
        if found[0].lower() in [out.name.lower() for out in left_out]:
            raise PredicateError(
                f"Duplicate column {name.name} in SELECT * EXCEPT list", offset=start(name)
            )
        left_out.append(identifier(found[0]))
    return at(exp.Star(except_=left_out or None), start(node) or 0)


def columns(listed: list[exp.Expr], scope: Scope) -> tuple[Column, ...]:
    """Name and type the columns that a SELECT list gives.

    Args:
        listed: Checked items.
        scope: What FROM brings.

    Returns:
        The columns in order; what has no name is called ``f0_`` and so on, as in BigQuery.
    """
    found: list[Column] = []
    unnamed = 0
    for item in listed:
        if isinstance(item, exp.Star):
            found.extend(_starred(item, scope.sources))
        elif isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
            table = item.args["table"].name
            found.extend(_starred(item.this, tuple(s for s in scope.sources if s.name == table)))
        else:
            name = name_of(item)
            if not name:
                name = f"f{unnamed}_"
                unnamed += 1
            of = kinds.of(item)
            found.append(Column(name, of if of is not None else kinds.INT64))
    return tuple(found)


def _starred(star: exp.Star, sources: tuple[Source, ...]) -> list[Column]:
    out = {name.name.lower() for name in star.args.get("except_") or []}
    return [c for s in sources for c in s.columns if c.name.lower() not in out]


def name_of(item: exp.Expr) -> str:
    """Find the name of an item: its alias, or the last of a path; maybe empty."""
    if isinstance(item, exp.Alias):
        return str(item.alias)
    if isinstance(item, exp.Dot):
        return str(item.expression.name)
    return item.name if isinstance(item, exp.Column) else ""


def aliases(listed: list[exp.Expr]) -> dict[str, list[tuple[int, exp.Expr]]]:
    """Collect what the later clauses may call by an alias, by lower-cased name."""
    found: dict[str, list[tuple[int, exp.Expr]]] = {}
    for place, item in enumerate(listed, 1):
        name = name_of(item)
        if name and name != "*":
            found.setdefault(name.lower(), []).append((place, item))
    return found


def require_groupable(listed: list[exp.Expr], scope: Scope) -> None:
    """Make sure that SELECT DISTINCT can tell the rows apart as GoogleSQL does."""
    for item in listed:
        if not isinstance(item, exp.Star) and not isinstance(item.this, exp.Star):
            group_key(item)
    for column in columns(listed, scope):
        if column.type.kind in (Kind.FLOAT64, Kind.ARRAY, Kind.STRUCT, Kind.JSON):
            raise unsupported(f"SELECT DISTINCT of {column.type} ({column.name})", offset=None)
