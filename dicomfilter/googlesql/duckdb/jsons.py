"""JSON as GoogleSQL has it; DuckDB keeps its text and its numbers (S06)."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check.jsons import STEPS
from dicomfilter.googlesql.duckdb import json_casts, moments, nodes
from dicomfilter.googlesql.duckdb.json_casts import is_a, kind_of
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dicomfilter.googlesql.types.json_paths import Step

    Translate = Callable[[exp.Expr], exp.Expr]

_TEXTS = SqlType(Kind.ARRAY, kinds.STRING)
_PARTS = SqlType(Kind.ARRAY, SqlType(Kind.JSON))
_TYPES = {
    "OBJECT": "object",
    "ARRAY": "array",
    "VARCHAR": "string",
    "BOOLEAN": "boolean",
    "NULL": "null",
    **dict.fromkeys(("BIGINT", "UBIGINT", "DOUBLE"), "number"),
}


def part(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Translate a member, ``Extra.a``, or a place, ``Extra.a[0]``, of checked JSON.

    Args:
        node: A Dot or a Bracket of type JSON.
        translate: Translates what it is part of.
    """
    path = ""
    here = node
    while _is_part(here):
        path = _path_of(here) + path
        here = here.this
    return nodes.call("json_extract", translate(here), nodes.text(f"${path}"))


def _is_part(node: exp.Expr) -> bool:
    inside = isinstance(node, exp.Dot | exp.Bracket) and kinds.kind(node.this) is Kind.JSON
    return inside and kinds.kind(node) is Kind.JSON


def _path_of(node: exp.Expr) -> str:
    if isinstance(node, exp.Dot):
        return _member(node.expression.name)
    (place,) = node.expressions
    return _member(place.name) if place.is_string else f"[{place.name}]"


def _member(name: str) -> str:
    return f'."{name}"'


def _follow(value: exp.Expr, steps: Sequence[Step]) -> exp.Expr:
    """Follow a JSONPath, in which a number is a place of an array or else the name of a member."""
    path = ""
    for step in steps:
        if isinstance(step, str) and not step.isdecimal():
            path += _member(step)
            continue
        named, placed = (
            nodes.call("json_extract", value.copy(), nodes.text(f"${path}{last}"))
            for last in (_member(str(step)), f"[{int(step)}]")
        )
        value, path = nodes.call("coalesce", named, placed), ""
    if not path:
        return value
    return nodes.call("json_extract", value, nodes.text(f"${path}"))


def _query(node: exp.Expr, translate: Translate) -> exp.Expr:
    return _follow(translate(node.expressions[0]), node.meta[STEPS])


def _value(node: exp.Expr, translate: Translate) -> exp.Expr:
    return json_casts.scalar(_query(node, translate))


def number(node: exp.Expr, translate: Translate) -> exp.Expr | None:
    """Translate a cast of JSON_VALUE to a number; None for another cast."""
    node, to, safe = node.this, kinds.of(node), isinstance(node, exp.TryCast)
    if to not in (kinds.FLOAT64, kinds.INT64):
        return None
    if not isinstance(node, exp.Anonymous) or CALLS.get(node.name) is not _value:
        return None
    return json_casts.number(_query(node, translate), to, safe=safe)


def _items(value: exp.Expr) -> exp.Expr:
    return nodes.call("json_extract", value.copy(), nodes.text("$[*]"))


def _query_array(node: exp.Expr, translate: Translate) -> exp.Expr:
    value = _query(node, translate)
    return nodes.case((is_a(value, "ARRAY"), nodes.cast(_items(value), _PARTS)))


def _value_array(node: exp.Expr, translate: Translate) -> exp.Expr:
    """Take the texts of an array, which is none if one of them is an array or an object."""
    value = _query(node, translate)
    item = exp.Identifier(this="item")
    one = exp.Column(this=item.copy())
    nested = exp.Lambda(this=is_a(one, "ARRAY", "OBJECT"), expressions=[item.copy()])
    texts = exp.Lambda(this=json_casts.scalar(one), expressions=[item.copy()])
    held = nodes.call("len", nodes.call("list_filter", _items(value), nested))
    flat = nodes.both(is_a(value, "ARRAY"), nodes.operate(exp.EQ, held, nodes.number(0)))
    found = nodes.call("list_transform", _items(value), texts)
    return nodes.case((flat, nodes.cast(found, _TEXTS)))


def _type(node: exp.Expr, translate: Translate) -> exp.Expr:
    value = translate(node.expressions[0])
    branches = [exp.If(this=nodes.text(ours), true=nodes.text(its)) for ours, its in _TYPES.items()]
    return exp.Paren(this=exp.Case(this=kind_of(value), ifs=branches))


def _cast(node: exp.Expr, translate: Translate) -> exp.Expr:
    if node.name == "STRING" and kinds.kind(node.expressions[0]) is not Kind.JSON:
        return moments.CALLS[node.name](node, translate)
    return json_casts.CASTS[node.name](translate(node.expressions[0]))


CALLS: dict[str, Callable[[exp.Expr, Translate], exp.Expr]] = {
    "JSON_EXTRACT": _query,
    "JSON_EXTRACT_ARRAY": _query_array,
    "JSON_EXTRACT_SCALAR": _value,
    "JSON_EXTRACT_STRING_ARRAY": _value_array,
    "JSON_QUERY": _query,
    "JSON_QUERY_ARRAY": _query_array,
    "JSON_TYPE": _type,
    "JSON_VALUE": _value,
    "JSON_VALUE_ARRAY": _value_array,
    **dict.fromkeys(json_casts.CASTS, _cast),
}
"""The translations of these functions, by name."""
