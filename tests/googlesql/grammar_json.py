"""JSON: fields and places, and the functions that take it apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.googlesql.family import Family

if TYPE_CHECKING:
    from tests.googlesql.family import Maker
    from tests.googlesql.grammar import Grammar

_PATHS = (
    "'$'",
    "'$.Manufacturer'",
    "'$.dose'",
    "'$.n'",
    "'$.tags'",
    "'$.tags[0]'",
    "'$.tags[1]'",
    "'$.nested.x'",
    "'$.flag'",
    "'$[1]'",
    "'$.1'",
    "'$.\"n\"'",
    "'$.missing.deeper'",
    "\"$['n']\"",
    "'n'",
)
_PARTS = (
    "Extra.Manufacturer Extra.dose Extra.n Extra.tags Extra.tags[0] Extra['tags'][1] Extra[1]"
    " Extra.nested.x Extra.flag Extra.manufacturer d.Extra.n Extra.n.deeper Extra['n']"
).split()
_LAX = {
    "STRING": "LAX_STRING",
    "INT64": "LAX_INT64",
    "FLOAT64": "LAX_FLOAT64",
    "BOOL": "LAX_BOOL",
}
_STRICT = {"STRING": "STRING", "INT64": "INT64", "FLOAT64": "FLOAT64", "BOOL": "BOOL"}


def _json(g: Grammar) -> str:
    """Make a JSON."""
    if g.chance(0.3):
        return g.column("JSON")
    if g.chance(0.2):
        return f"{g.pick(['JSON_QUERY', 'JSON_EXTRACT'])}({g.column('JSON')}, {g.pick(_PATHS)})"
    return g.pick(_PARTS)


def _by_path(*names: str) -> Maker:
    def make(g: Grammar, _: int) -> str:
        path = f", {g.pick(_PATHS)}" if g.chance(0.8) else ""
        return f"{g.pick(names)}({_json(g)}{path})"

    return make


def _of_value(name: str) -> Maker:
    return lambda g, d: f"{name}({_json(g)})"


_TEXT = _by_path("JSON_VALUE", "JSON_EXTRACT_SCALAR")
FAMILY = Family(
    values={
        "STRING": [_TEXT, _TEXT, _of_value("JSON_TYPE"), _of_value(_LAX["STRING"])],
        "INT64": [
            _of_value(_LAX["INT64"]),
            lambda g, d: f"SAFE_CAST({_TEXT(g, d)} AS INT64)",
            lambda g, d: f"ARRAY_LENGTH(JSON_QUERY_ARRAY({_json(g)}, {g.pick(_PATHS)}))",
        ],
        "FLOAT64": [
            _of_value(_LAX["FLOAT64"]),
            lambda g, d: f"SAFE_CAST({_TEXT(g, d)} AS FLOAT64)",
        ],
        "BOOL": [_of_value(_LAX["BOOL"])],
        "ARRAY<STRING>": [_by_path("JSON_VALUE_ARRAY", "JSON_EXTRACT_STRING_ARRAY")],
    },
    failing={of: [_of_value(name)] for of, name in _STRICT.items()},
    conditions=[
        lambda g, d: f"{_json(g)} IS{g.pick(['', ' NOT'])} NULL",
        lambda g, d: f"{_TEXT(g, d)} = {g.pick(['GE', '3', '12.5', 'a', 'true', '1000.0'])!r}",
        lambda g, d: f"'a' IN UNNEST({_by_path('JSON_VALUE_ARRAY')(g, d)})",
    ],
    queries=[
        lambda g, d: f"SELECT SOPInstanceUID, {_json(g)} AS v FROM {g.source()}",
        lambda g, d: (
            "SELECT SOPInstanceUID, "
            f"{_by_path('JSON_QUERY_ARRAY', 'JSON_EXTRACT_ARRAY')(g, d)} AS v FROM {g.source()}"
        ),
        lambda g, d: (
            f"SELECT {_TEXT(g, d)} AS k, COUNT(*) AS n FROM {g.source()} GROUP BY k ORDER BY k"
        ),
    ],
)
