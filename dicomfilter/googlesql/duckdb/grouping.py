"""ORDER BY as BigQuery has it: a NaN comes before all numbers (S16)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check.scope import ALIAS
from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.parse.lifting import KEEP
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Translate = Callable[[exp.Expr], exp.Expr]


def keys(
    order: exp.Expr,
    translate: Translate,
    listed: Sequence[exp.Expr] = (),
    *,
    inline: bool = False,
) -> list[exp.Expr]:
    """Translate the keys of an ORDER BY.

    Args:
        order: Checked.
        translate: Translates a key.
        listed: The SELECT list: a place in it of type FLOAT64 becomes the item, for its rewrite.
        inline: Whether each place and each alias becomes the item, as the list goes away.

    Returns:
        DuckDB's keys, two for one of type FLOAT64.
    """
    found: list[exp.Expr] = []
    for ordered in order.expressions:
        place = _place(ordered.this)
        if place is not None and listed and (inline or _is_float(ordered.this)):
            item = listed[place - 1]
            value = translate(item.this if isinstance(item, exp.Alias) else item)
        else:
            value = plain(ordered.this, translate)
        values = [value]
        if _is_float(ordered.this):
            number = nodes.case(
                (nodes.is_null(value.copy()), nodes.null()),
                (nodes.call("isnan", value.copy()), nodes.number(0)),
                default=nodes.number(1),
            )
            values.insert(0, number)
        found.extend(
            exp.Ordered(
                this=key, desc=ordered.args["desc"], nulls_first=ordered.args["nulls_first"]
            )
            for key in values
        )
    return found


def _place(key: exp.Expr) -> int | None:
    """Tell which item a key is, by its place or by its alias."""
    if isinstance(key, exp.Literal) and key.meta.get(KEEP):
        return int(key.name)
    place = key.meta.get(ALIAS)
    return None if place is None else int(place)


def _is_float(key: exp.Expr) -> bool:
    return kinds.kind(key) is Kind.FLOAT64


def plain(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate, but leave places in the list and limits the numbers they are."""
    if isinstance(node, exp.Literal) and node.meta.get(KEEP):
        return exp.Literal.number(node.name)
    return translate(node)
