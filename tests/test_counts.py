"""Numbers are exact, unknown where they are unknown, and spelled for people."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomfilter.counts import Coverage, counted, human_count, human_size, whole
from tests.tables import INSTANCES, SERIES_INDEX

ROW: dict[str, Any] = {
    "line_count": 6,
    "study_lines": 1,
    "series_lines": 2,
    "instance_lines": 3,
    "studies": 4,
    "series": 5,
    "matched": 7,
    "units": 8,
    "rejected": 9,
}


def test_a_coverage_of_instances_counts_instances() -> None:
    found = Coverage.of({**ROW, "size_bytes": 10}, INSTANCES)
    assert found == Coverage(
        lines=6,
        study_lines=1,
        series_lines=2,
        instance_lines=3,
        studies=4,
        series=5,
        matched_series=None,
        matched_instances=7,
        covered_instances=8,
        size_bytes=10,
        rejected_rows=9,
    )


def test_a_coverage_of_a_series_index_knows_instances_by_their_count() -> None:
    found = Coverage.of({**ROW, "instances": 80, "matched_instances": 70}, SERIES_INDEX)
    assert (found.matched_series, found.matched_instances, found.covered_instances) == (7, 70, 80)
    unknown = Coverage.of({**ROW, "instances": None}, SERIES_INDEX)
    assert (unknown.matched_instances, unknown.covered_instances) == (None, None)
    assert unknown.size_bytes is None


def test_sums_over_nothing_are_nothing() -> None:
    found = Coverage.of(dict.fromkeys((*ROW, "size_bytes")), INSTANCES)
    assert (found.lines, found.studies, found.matched_instances, found.rejected_rows) == (
        0,
        0,
        0,
        0,
    )
    assert found.size_bytes is None


def test_a_coverage_is_told_by_name() -> None:
    found = Coverage.of(ROW, INSTANCES)
    assert Coverage(**found.to_dict()) == found  # type: ignore[arg-type]
    assert list(found.to_dict())[:2] == ["lines", "study_lines"]


@given(st.integers(-(2**63), 2**127))
def test_a_sum_is_read_exactly(number: int) -> None:
    assert whole(number) == number
    assert whole(Decimal(number)) == number
    assert whole(str(number)) == number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        (float("-inf"), None),
        (Decimal("NaN"), None),
        (1.4, 1),
        (1.6, 2),
        (1e15, 10**15),
        (0, 0),
        (-3.0, -3),
    ],
)
def test_what_is_no_number_is_unknown(value: object, number: int | None) -> None:
    assert whole(value) == number


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "unknown"),
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.00 kB"),
        (9_990, "9.99 kB"),
        (12_340, "12.3 kB"),
        (123_400, "123 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (1_234_567_890, "1.23 GB"),
        (99_900_000_000_000, "99.9 TB"),
        (5 * 10**18, "5000 PB"),
    ],
)
def test_a_size_is_spelled_in_powers_of_ten(size: int | None, text: str) -> None:
    assert human_size(size) == text


@given(st.integers(1000, 10**18))
def test_a_spelled_size_is_the_size_to_three_digits(size: int) -> None:
    number, unit = human_size(size).split()
    power = ["kB", "MB", "GB", "TB", "PB"].index(unit) + 1
    assert float(number) * 1000**power == pytest.approx(size, rel=0.006)
    assert 1 <= float(number) <= 1000 or unit == "PB"


def test_counts_are_grouped_by_thousands_and_named() -> None:
    assert [human_count(n) for n in (None, 0, 999, 1000, 58_784_975)] == [
        "unknown",
        "0",
        "999",
        "1,000",
        "58,784,975",
    ]
    assert counted(0, "row") == "0 rows"
    assert counted(1, "study", "studies") == "1 study"
    assert counted(1234, "study", "studies") == "1,234 studies"
