"""The check of JSON: fields, places, and the functions that take it apart.

Source: GoogleSQL reference, "JSON functions"; "Operators", field access and JSON subscript.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import coercion, moments
from dicomfilter.googlesql.parse.lifting import KEEP
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import json_paths, kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.googlesql.check.checker import Checker

STEPS = "steps"
"""The key of a node's ``meta`` with the steps of its path, as of `jsonpaths`."""
_JSON = SqlType(Kind.JSON)
_TEXTS = SqlType(Kind.ARRAY, kinds.STRING)
_PARTS = SqlType(Kind.ARRAY, _JSON)
_BY_PATH: dict[str, tuple[SqlType, bool, bool]] = {
    "JSON_EXTRACT": (_JSON, True, False),
    "JSON_EXTRACT_ARRAY": (_PARTS, True, True),
    "JSON_EXTRACT_SCALAR": (kinds.STRING, True, True),
    "JSON_EXTRACT_STRING_ARRAY": (_TEXTS, True, True),
    "JSON_QUERY": (_JSON, False, False),
    "JSON_QUERY_ARRAY": (_PARTS, False, True),
    "JSON_VALUE": (kinds.STRING, False, True),
    "JSON_VALUE_ARRAY": (_TEXTS, False, True),
}
"""The type that comes back, whether names are quoted in the legacy way, and whether the path may
be left out."""
_OF_VALUE = {
    "BOOL": kinds.BOOL,
    "FLOAT64": kinds.FLOAT64,
    "INT64": kinds.INT64,
    "JSON_TYPE": kinds.STRING,
    "LAX_BOOL": kinds.BOOL,
    "LAX_FLOAT64": kinds.FLOAT64,
    "LAX_INT64": kinds.INT64,
    "LAX_STRING": kinds.STRING,
    "STRING": kinds.STRING,
}


def subscript(value: exp.Expr, place: exp.Expr, *, bare: bool) -> exp.Expr:
    """Check ``Extra['Manufacturer']`` and ``Extra.tags[0]``.

    Args:
        value: Checked, of type JSON.
        place: Checked.
        bare: Whether the place stands alone, not in OFFSET or another word.

    Returns:
        The part, a JSON; NULL where there is none.
    """
    kind = kinds.kind(place)
    if not bare or kind not in (Kind.STRING, Kind.INT64):
        raise PredicateError(
            f"Subscript access using [{kinds.of(place) or 'NULL'}] is not supported on values of "
            "type JSON",
            offset=start(place),
            hint="write Extra.tags[0] or Extra['tags']",
        )
    name = place.name if isinstance(place, exp.Literal) else ""
    if not (json_paths.is_key(name) if kind is Kind.STRING else json_paths.is_place(name)):
        raise unsupported(
            "a place in JSON that is no plain number or name",
            offset=start(place),
            hint="write Extra.tags[0] or Extra['tags']",
        )
    place.meta[KEEP] = True
    found = exp.Bracket(this=value, expressions=[place])
    return kinds.typed(found, _JSON)


def _by_path(checker: Checker, node: exp.Expr) -> exp.Expr:
    result, legacy, optional = _BY_PATH[node.name]
    arguments = [checker.check(argument) for argument in node.expressions]
    if not 1 <= len(arguments) <= 2 or (len(arguments) == 1 and not optional):
        raise coercion.no_signature(f"function {node.name}", arguments or [node])
    _require_json(node, arguments)
    steps: tuple[json_paths.Step, ...] | None = ()
    if len(arguments) == 2:
        path = arguments[1]
        if kinds.of(path) not in (None, kinds.STRING):
            raise coercion.no_signature(f"function {node.name}", arguments)
        if not isinstance(path, exp.Literal):
            raise unsupported(
                "a JSONPath that is no literal",
                offset=start(path),
                hint="write it between quotes: '$.Manufacturer'",
            )
        steps = json_paths.read(path.name, legacy=legacy)
        path.meta[KEEP] = True
    if steps is None:
        raise unsupported(
            f"the JSONPath {arguments[1].name}",
            offset=start(arguments[1]),
            hint="write $.a['b c'][0]" if legacy else 'write $.a."b c"[0]',
        )
    made = exp.Anonymous(this=node.name, expressions=arguments)
    made.meta[STEPS] = steps
    return kinds.typed(made, result)


def _of_value(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments = [checker.check(argument) for argument in node.expressions]
    if node.name == "STRING" and not any(kinds.kind(a) is Kind.JSON for a in arguments):
        return moments.CHECKS[node.name](checker, node)
    if node.name == "FLOAT64" and len(arguments) == 2:
        raise unsupported("FLOAT64 with a mode", offset=start(node), hint="leave it out")
    if len(arguments) != 1:
        raise coercion.no_signature(f"function {node.name}", arguments or [node])
    _require_json(node, arguments)
    made = exp.Anonymous(this=node.name, expressions=arguments)
    return kinds.typed(made, _OF_VALUE[node.name])


def _require_json(node: exp.Expr, arguments: list[exp.Expr]) -> None:
    kind = kinds.kind(arguments[0])
    if kind is Kind.JSON:
        return
    if kind in (Kind.STRING, None) and node.name in _BY_PATH:
        raise unsupported(
            f"{node.name} of a text",
            offset=start(arguments[0]),
            hint="use a column of type JSON",
        )
    hint = "use a column of type JSON" if node.name in _BY_PATH else None
    raise coercion.no_signature(f"function {node.name}", arguments, hint=hint)


CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {
    **dict.fromkeys(_BY_PATH, _by_path),
    **dict.fromkeys(_OF_VALUE, _of_value),
}
"""The rules of these functions, by name."""
SAFE = frozenset(CHECKS)
"""Those that SAFE may stand before."""
