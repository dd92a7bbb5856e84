"""Regular expressions as GoogleSQL has them, around the same RE2.

DuckDB writes no match as an empty text (S21), as it writes a group that took no part, and it
finds an empty match at the end of a text where BigQuery finds none.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check.regexps import GROUPS
from dicomfilter.googlesql.duckdb import nodes
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    Translate = Callable[[exp.Expr], exp.Expr]

_TEXTS = SqlType(Kind.ARRAY, kinds.STRING)
_FARTHEST = 2**32 - 1
"""The largest place in a text that DuckDB takes; no text is as long."""


def _arguments(node: exp.Expr, translate: Translate) -> list[exp.Expr]:
    return [translate(argument) for argument in node.expressions]


def _contains(node: exp.Expr, translate: Translate) -> exp.Expr:
    return nodes.call("regexp_matches", *_arguments(node, translate))


def _all(text: exp.Expr, pattern: exp.Expr, group: int) -> exp.Expr:
    return nodes.call("regexp_extract_all", text.copy(), pattern.copy(), nodes.number(group))


def _extract(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Take out a match, the first or as asked for; NULL where there is none."""
    text, pattern, *numbers = _arguments(node, translate)
    groups: int = node.meta[GROUPS]
    if not numbers:
        return nodes.call("list_extract", _all(text, pattern, groups), nodes.number(1))
    place, which = numbers[0], numbers[1] if len(numbers) > 1 else nodes.number(1)
    branches = [
        (nodes.either(*(nodes.is_null(x.copy()) for x in (text, pattern, *numbers))), nodes.null()),
        (_below_one(place), nodes.error("Position must be positive", kinds.STRING)),
        (_below_one(which), nodes.error("Occurrence must be positive", kinds.STRING)),
    ]
    rest = nodes.call("substr", text, nodes.call("least", place, nodes.number(_FARTHEST)))
    if len(numbers) > 1:  # behind an empty match the two engines go on differently
        empty = nodes.call("list_contains", _all(rest, pattern, 0), nodes.text(""))
        problem = nodes.refusal("an occurrence of an empty match is not taken", kinds.STRING)
        branches.append((empty, problem))
    found = nodes.call("list_extract", _all(rest, pattern, groups), which)
    return nodes.case(*branches, default=found)


def _below_one(number: exp.Expr) -> exp.Expr:
    return nodes.operate(exp.LT, number.copy(), nodes.number(1))


def _extract_all(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Take out all matches; after an empty one the two engines go on differently."""
    text, pattern = _arguments(node, translate)
    groups: int = node.meta[GROUPS]
    empty = nodes.call("list_contains", _all(text, pattern, 0), nodes.text(""))
    found = _all(text, pattern, groups)
    if groups:  # a group that took no part is an empty text
        item = exp.Identifier(this="item")
        shown = nodes.call("coalesce", exp.Column(this=item.copy()), nodes.text(""))
        shown = exp.Lambda(this=shown, expressions=[item])
        found = nodes.call("list_transform", found, shown)
    problem = nodes.refusal("REGEXP_EXTRACT_ALL of empty matches is not taken", _TEXTS)
    return nodes.case((empty, problem), default=found)


def _replace(node: exp.Expr, translate: Translate) -> exp.Expr:
    return nodes.call("regexp_replace", *_arguments(node, translate), nodes.text("g"))


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    "REGEXP_CONTAINS": _contains,
    "REGEXP_EXTRACT": _extract,
    "REGEXP_EXTRACT_ALL": _extract_all,
    "REGEXP_REPLACE": _replace,
    "REGEXP_SUBSTR": _extract,
}
"""The translations of these functions, by name."""
