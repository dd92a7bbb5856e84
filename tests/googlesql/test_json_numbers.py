"""Numbers of JSON as text: right, or refused; never other digits than BigQuery's."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import duckdb
import pytest
from sqlglot import exp

from dicomfilter.googlesql.duckdb import json_casts, nodes
from dicomfilter.googlesql.types import kinds

if TYPE_CHECKING:
    from collections.abc import Sequence


def written(numbers: Sequence[float]) -> list[str | None]:
    """Write numbers; None for those that are refused."""
    text = json_casts.write(exp.Column(this=exp.Identifier(this="x"))).sql("duckdb")
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT TRY({text}) FROM (SELECT unnest(?::DOUBLE[]) AS x)",
            [list(numbers)],
        ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (12.5, "12.5"),
        (-0.1, "-0.1"),
        (1000.0, "1000.0"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1.5e-7, "1.5e-07"),
        (1e-7, "1e-07"),
        (0.3, "0.3"),
        (123456789012345.6, "123456789012345.6"),
        (1e15, "1e+15"),
        (-1e15, "-1e+15"),
        (1234567890123456.0, "1.234567890123456e+15"),
        (1e16, "1e+16"),
        (1e22, "1e+22"),
        (1e-300, "1e-300"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ],
)
def test_a_number_is_written_with_the_fewest_digits(number: float, text: str) -> None:
    assert written([number]) == [text]


@pytest.mark.parametrize("number", [5.24234, 6.49e-04, -9.9e21, 1.03502440e02, 661612561502879.25])
def test_a_number_of_which_bigquery_writes_more_digits_is_refused(number: float) -> None:
    assert written([number]) == [None]


def test_few_numbers_are_refused_and_the_others_say_what_they_are() -> None:
    chance = random.Random(7)
    numbers = [round(chance.uniform(-1000, 1000), chance.randrange(7)) for _ in range(5000)]
    texts = written(numbers)
    assert texts.count(None) < len(numbers) * 0.02
    for number, text in zip(numbers, texts, strict=True):
        assert text in (None, repr(number))


def test_a_refusal_is_none_that_safe_would_silence() -> None:
    tree = json_casts.write(nodes.cast(nodes.text("1"), kinds.FLOAT64))
    assert not any(nodes.BIGQUERYS in node.meta for node in tree.walk())
