"""The check of the list behind SELECT: its items, their names and types.

Source: GoogleSQL reference, "Query syntax", SELECT statement, SELECT list; "Implicit aliases".
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check.aggregates import group_key, is_groupable
from dicomfilter.googlesql.check.checker import Checker
from dicomfilter.googlesql.check.fields import field_of
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import ANONYMOUS, identifier, is_anonymous, nearest
from dicomfilter.schema import Column, Kind

if TYPE_CHECKING:
    from dicomfilter.googlesql.check.scope import Scope, Source

EXPANDED = "expanded"
"""The key of a star's ``meta`` with its columns, where DuckDB's star would not mean them."""


def check(parsed: list[exp.Expr], scope: Scope) -> list[exp.Expr]:
    """Check the items of a SELECT list.

    Args:
        parsed: Its items.
        scope: What FROM brings.

    Returns:
        The checked items: expressions, Aliases, and stars alone or behind a table or a STRUCT.

    Raises:
        PredicateError: GoogleSQL refuses one, or it is not taken.
    """
    checker = Checker(scope, clause="SELECT list", aggregates=True, windows=True)
    return [_item(checker, item) for item in parsed]


def is_star(item: exp.Expr) -> bool:
    """Tell whether an item stands for several columns."""
    return star_in(item) is not None


def star_in(item: exp.Expr) -> exp.Star | None:
    """Find the star of an item that stands for several columns."""
    held = item.expression if isinstance(item, exp.Dot) else item.this
    found = item if isinstance(item, exp.Star) else held
    return found if isinstance(found, exp.Star) else None


def _item(checker: Checker, item: exp.Expr) -> exp.Expr:
    if is_star(item):
        return _starred(checker, item)
    if isinstance(item, exp.Alias):
        value = _value(checker, item.this)
        alias = exp.Alias(this=value, alias=identifier(item.alias))
        return at(kinds.typed(alias, kinds.of(value)), start(item) or 0)
    value = _value(checker, item)
    if isinstance(item, exp.Column) and isinstance(value, exp.Struct):  # a row, called as its table
        alias = exp.Alias(this=value, alias=identifier(item.name))
        return at(kinds.typed(alias, kinds.of(value)), start(item) or 0)
    return value


def _value(checker: Checker, node: exp.Expr) -> exp.Expr:
    value = checker.check(node)
    if kinds.of(value) is None:
        kinds.typed(value, kinds.INT64)
    return value


def _starred(checker: Checker, item: exp.Expr) -> exp.Expr:
    scope, star = checker.scope, star_in(item)
    assert star is not None  # noqa: S101 - by the caller
    if isinstance(item, exp.Star):
        if not scope.sources:
            raise PredicateError(
                "SELECT * must have a FROM clause", offset=start(item), hint="select FROM metadata"
            )
        checked = _star(checker, star, scope.sources)
        if len(scope.sources) > 1 or scope.named or not _is_plain(scope.sources):
            checked.meta[EXPANDED] = _expanded(checked, _all(scope))
        return at(checked, start(item) or 0)
    if isinstance(item, exp.Column):
        table = item.args["table"]
        of = next(
            (s for s in scope.sources if s.name.lower() == table.name.lower() and not s.fields),
            None,
        )
        if of is not None and not of.is_value:
            checked = _star(checker, star, (of,))
            if len(scope.sources) > 1 or scope.named or not _is_plain((of,)):
                checked.meta[EXPANDED] = _expanded(checked, scope.columns_of(of))
            return at(exp.Column(this=checked, table=identifier(of.name)), start(item) or 0)
        path: exp.Expr = exp.Column(this=table)
    else:
        path = item.this
    return _of_struct(checker, star, path, item)


def _of_struct(checker: Checker, star: exp.Star, path: exp.Expr, item: exp.Expr) -> exp.Expr:
    """Check ``PatientName.*``."""
    value = checker.check(path)
    of = kinds.of(value)
    if of is None or of.kind is not Kind.STRUCT:
        raise PredicateError(
            f"Dot-star is not supported for type {of or 'NULL'}",
            offset=start(item),
            hint="name the column alone",
        )
    if star.args.get("except_") or star.args.get("replace"):
        raise unsupported(
            "EXCEPT or REPLACE behind the star of a STRUCT", offset=start(item), hint="name fields"
        )
    if any(not name for name, _ in of.fields):
        raise unsupported("the star of a STRUCT without names", offset=start(item))
    checked = exp.Star()
    checked.meta[EXPANDED] = [
        field_of(value.copy(), exp.Identifier(this=name)) for name, _ in of.fields
    ]
    return at(exp.Dot(this=value, expression=checked), start(item) or 0)


def _is_plain(sources: tuple[Source, ...]) -> bool:
    """Tell whether DuckDB's star means the same columns, by the same names and as they come out."""
    return not any(
        source.is_value
        or any(
            is_anonymous(c.name) or (c.type.kind is Kind.ARRAY and not source.is_stored)
            for c in source.columns
        )
        for source in sources
    )


def _all(scope: Scope) -> list[exp.Expr]:
    """List the columns of a star over several sources; those of USING come once and first."""
    first: list[exp.Expr] = []
    for name, merged in scope.merged.items():
        if merged is None:
            raise unsupported(
                "* over a FULL JOIN with USING", offset=None, hint=f"name the columns, {name} too"
            )
        first.append(merged.copy())
    rest = [column for source in scope.sources for column in scope.columns_of(source)]
    return first + [c for c in rest if name_of(c).lower() not in scope.merged]


def _star(checker: Checker, star: exp.Star, sources: tuple[Source, ...]) -> exp.Star:
    names = [name for source in sources for name in _names(source)]
    left_out: list[exp.Identifier] = []
    for name in star.args.get("except_") or []:
        found = _among(name, names, "EXCEPT")
        if found.lower() in [out.name.lower() for out in left_out]:
            raise PredicateError(
                f"Duplicate column {name.name} in SELECT * EXCEPT list", offset=start(name)
            )
        left_out.append(identifier(found))
    if left_out and len(left_out) == len(names):
        raise PredicateError(
            "SELECT * expands to zero columns after applying EXCEPT", offset=start(star)
        )
    replaced: list[exp.Expr] = []
    for item in star.args.get("replace") or []:
        found = _among(item.args["alias"], names, "REPLACE")
        taken = [other.name.lower() for other in left_out]
        if found.lower() in [*taken, *(other.alias.lower() for other in replaced)]:
            raise PredicateError(
                f"Column {found} is named twice behind SELECT *", offset=start(item)
            )
        value = _value(checker, item.this)
        replaced.append(
            kinds.typed(exp.Alias(this=value, alias=identifier(found)), kinds.of(value))
        )
    return exp.Star(except_=left_out or None, replace=replaced or None)


def _names(source: Source) -> list[str]:
    return [name for name, _ in source.fields] or [c.name for c in source.columns]


def _among(name: exp.Identifier, names: list[str], word: str) -> str:
    found = [known for known in names if known.lower() == name.name.lower()]
    if not found:
        guess = nearest(name.name, [n for n in names if not is_anonymous(n)])
        raise PredicateError(
            f"Column {name.name} in SELECT * {word} list does not exist",
            offset=start(name),
            hint=f"did you mean {guess}?" if guess else None,
        )
    return found[0]


def _expanded(star: exp.Star, listed: list[exp.Expr]) -> list[exp.Expr]:
    out = {name.name.lower() for name in star.args.get("except_") or []}
    return [column for column in listed if name_of(column).lower() not in out]


def columns(listed: list[exp.Expr], scope: Scope) -> tuple[Column, ...]:
    """Name and type the columns that a SELECT list gives.

    Args:
        listed: Checked items.
        scope: What FROM brings.

    Returns:
        The columns in order; what has no name is called ``$1`` and so on, by its place.
    """
    found: list[Column] = []
    for item in listed:
        star = star_in(item)
        if star is None:
            found.append(_column(item, item))
            continue
        replaced = {a.alias.lower(): a for a in star.args.get("replace") or []}
        expanded: list[exp.Expr] | None = star.meta.get(EXPANDED)
        if expanded is not None:
            found.extend(_column(c, replaced.get(name_of(c).lower(), c)) for c in expanded)
        else:
            found.extend(_plain(item, star, replaced, scope))
    return tuple(
        Column(f"{ANONYMOUS}{place}", column.type)
        if not column.name or is_anonymous(column.name)
        else column
        for place, column in enumerate(found, 1)
    )


def _column(item: exp.Expr, value: exp.Expr) -> Column:
    of = kinds.of(value)
    return Column(name_of(item), of if of is not None else kinds.INT64)


def _plain(
    item: exp.Expr, star: exp.Star, replaced: dict[str, exp.Expr], scope: Scope
) -> list[Column]:
    table = item.args["table"].name if isinstance(item, exp.Column) else None
    out = {name.name.lower() for name in star.args.get("except_") or []}
    return [
        _column(replaced[c.name.lower()], replaced[c.name.lower()])
        if c.name.lower() in replaced
        else c
        for s in scope.sources
        if table is None or s.name == table
        for c in s.columns
        if c.name.lower() not in out
    ]


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
        if name and not is_star(item):
            found.setdefault(name.lower(), []).append((place, item))
    return found


def require_groupable(listed: list[exp.Expr], scope: Scope) -> None:
    """Make sure that SELECT DISTINCT can tell the rows apart as GoogleSQL does."""
    for item in listed:
        if not is_star(item):
            group_key(item.this if isinstance(item, exp.Alias) else item)
    for column in columns([item for item in listed if is_star(item)], scope):
        if not is_groupable(column.type):
            raise unsupported(f"SELECT DISTINCT of {column.type} ({column.name})", offset=None)
