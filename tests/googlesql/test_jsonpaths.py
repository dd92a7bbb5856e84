"""JSONPath: the steps of a path, and what is none."""

from __future__ import annotations

import pytest

from dicomfilter.googlesql.types import json_paths


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$", ()),
        ("$.a", ("a",)),
        ("$.a.b[0][12]", ("a", "b", 0, 12)),
        ('$."a b"."c.d"', ("a b", "c.d")),
        ("$.00100020.Value[0]", ("00100020", "Value", 0)),
        ("$.7", ("7",)),
    ],
)
def test_a_path_is_taken_apart(path: str, steps: tuple[object, ...]) -> None:
    assert json_paths.read(path, legacy=False) == steps


def test_the_legacy_way_quotes_names_in_brackets() -> None:
    assert json_paths.read("$['a b'][0].c", legacy=True) == ("a b", 0, "c")
    assert json_paths.read("$['a']", legacy=False) is None
    assert json_paths.read('$."a"', legacy=True) is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "$a",
        "$.",
        "$..a",
        "$.*",
        "$[*]",
        "$[-1]",
        "$[01]",
        "$[1",
        "$.a b",
        '$."a',
        '$.""',
        '$."a\\"b"',
        "$.a ",
        " $.a",
        "$.é",
        "lax $.a",
        "$[9999999999]",
    ],
)
def test_what_is_no_path_or_not_taken_has_no_steps(path: str) -> None:
    assert json_paths.read(path, legacy=False) is None
