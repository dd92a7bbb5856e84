"""A translator that is broken in one place is noticed by the fuzz: else the fuzz is blind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import duckdb

    from tests.googlesql.hunt import Sample
    from tests.googlesql.mutations import Mutation

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("mutations"),  # the samples are made once
]

DROPPED = [
    ("duckdb.floats", "compare", "nan"),
    ("duckdb.dates", "extract", "DAYOFWEEK"),
    ("duckdb.arrays", "in_column", ""),
    ("duckdb.strings", "like", ""),
    ("check.predicates", "_compared", "of is None"),
    ("check.functions", "_plain", "not fits"),
]
"""Rewrites first, then checks: module, function, and what the dropped line holds."""


@pytest.fixture(scope="module")
def samples(connection: duckdb.DuckDBPyConnection) -> list[Sample]:
    from tests.googlesql.hunt import random_samples

    return random_samples(connection, "20261121", 500, families=["plain"], profiled=False)


def mutations(module: str, function: str, text: str) -> list[Mutation]:
    from tests.googlesql.mutations import all_mutations

    return [
        mutation
        for mutation in all_mutations()
        if (mutation.module, mutation.function) == (module, function) and text in mutation.text
    ]


@pytest.mark.parametrize(("module", "function", "text"), DROPPED)
def test_what_is_dropped_from_the_translator_is_noticed(
    module: str,
    function: str,
    text: str,
    connection: duckdb.DuckDBPyConnection,
    samples: list[Sample],
) -> None:
    from tests.googlesql.hunt import Outcome, hunt

    outcomes = [
        hunt(connection, mutation, samples)[0] for mutation in mutations(module, function, text)
    ]
    assert Outcome.NOTICED in outcomes


def test_a_mutation_is_undone() -> None:
    from tests.googlesql.mutations import broken_by

    (mutation,) = mutations("check.functions", "_plain", "not fits")
    from dicomfilter.googlesql.check import functions

    code = functions._plain.__code__
    with broken_by(mutation):
        assert functions._plain.__code__ is not code
    assert functions._plain.__code__ is code
