"""What stands behind FROM as DuckDB's: each source with a name of its own."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check.joins import EQUAL
from dicomfilter.googlesql.check.scope import NAMED, SOURCE
from dicomfilter.googlesql.check.sources import COLUMN
from dicomfilter.googlesql.duckdb import nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]


def source(node: exp.Expr, translate: Translate, query: Translate) -> exp.Expr:
    """Translate a source.

    Args:
        node: A checked Table, Subquery or Unnest.
        translate: Translates expressions.
        query: Translates queries.

    Returns:
        DuckDB's tree. Its name is the one that the checker found to be free, and it has none where
        none is needed.
    """
    key: str = node.meta.get(SOURCE, "")
    if not key or not isinstance(node, exp.Unnest | exp.Table | exp.Subquery):
        raise PredicateError(
            f"{type(node).__name__} behind FROM has no translation for the embedded engine",
            refused=True,
        )
    if isinstance(node, exp.Unnest):
        return unnest(node, translate)
    is_named = node.args.get("alias") is not None or bool(node.meta.get(NAMED))
    columns = [quoted(node.meta[COLUMN])] if COLUMN in node.meta else []
    if isinstance(node, exp.Table) and not columns:
        is_named = is_named and (key != node.name or node.args.get("alias") is not None)
    alias = exp.TableAlias(this=quoted(key), columns=columns) if is_named else None
    if isinstance(node, exp.Table):
        return exp.Table(this=quoted(node.name), alias=alias)
    return exp.Subquery(this=query(node.this), alias=alias)


def unnest(node: exp.Expr, translate: Translate, *, placed: bool = False) -> exp.Unnest:
    """Translate UNNEST; places count from 1 in DuckDB, here from 0 (S01).

    Args:
        node: Checked.
        translate: Translates expressions.
        placed: Whether to number the elements even if the query does not ask for it.
    """
    key: str = node.meta[SOURCE]
    offset = node.args.get("offset")
    columns = [quoted(node.meta[COLUMN])]
    if offset is not None or placed:
        columns.append(quoted(place_name(node)))
    return exp.Unnest(
        expressions=[translate(node.expressions[0])],
        alias=exp.TableAlias(this=quoted(key), columns=columns),
        offset=True if len(columns) > 1 else None,
    )


def unnested(node: exp.Expr) -> list[exp.Unnest]:
    """List the arrays of which a checked SELECT takes the elements."""
    from_ = node.args.get("from_")
    all_ = [from_, *(node.args.get("joins") or [])] if from_ is not None else []
    return [each.this for each in all_ if isinstance(each.this, exp.Unnest)]


def element(node: exp.Unnest) -> exp.Expr:
    """Name the element that a checked UNNEST brings."""
    column = exp.Column(this=quoted(node.meta[COLUMN]))
    column.meta.update({SOURCE: node.meta[SOURCE], NAMED: True})
    return column


def place_name(node: exp.Expr) -> str:
    """Name the column with the places of an UNNEST."""
    offset = node.args.get("offset")
    return "$place" if offset is None else str(offset.name)


def join(node: exp.Expr, translate: Translate, query: Translate) -> exp.Join:
    """Translate a join; USING becomes the comparison that it stands for."""
    joined = source(node.this, translate, query)
    if node.args.get("kind") == "CROSS":
        return exp.Join(this=joined, kind="CROSS")
    pairs = node.meta.get(EQUAL)
    condition: exp.Expr
    if pairs is not None:
        condition = nodes.both(
            *(nodes.operate(exp.EQ, translate(left), translate(right)) for left, right in pairs)
        )
    elif node.args.get("on") is not None:
        condition = translate(node.args["on"])
    else:
        condition = nodes.boolean(True)
    return exp.Join(this=joined, side=node.args.get("side"), on=condition)


def quoted(name: str) -> exp.Identifier:
    """Write a name for DuckDB."""
    return exp.Identifier(this=name, quoted=True)
