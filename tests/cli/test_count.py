"""``dicomfilter count``: its numbers, and what each clause leaves over."""

from __future__ import annotations

import duckdb
import pytest
from idc_index_data import IDC_INDEX_PARQUET_FILEPATH

from tests.cli.running import call
from tests.cli.terminal import too_wide

FEMALE, SECTIONAL, RECENT = (
    "PatientSex = 'F'",
    "Modality IN ('MR', 'CT')",
    "StudyDate >= '2010-01-01'",
)
EXAMPLE = ["count", "idc", "--where", FEMALE, "--where", SECTIONAL, "--where", RECENT]


def independently(*conditions: str) -> list[int]:
    """Count in the index without any of our own."""
    where = " AND ".join(f"({condition})" for condition in conditions) or "TRUE"
    (row,) = duckdb.sql(
        "SELECT count(DISTINCT PatientID), count(DISTINCT StudyInstanceUID), count(*), "
        "sum(instanceCount)::BIGINT, round(sum(series_size_MB * 1000000))::BIGINT "
        f"FROM '{IDC_INDEX_PARQUET_FILEPATH}' WHERE {where}"
    ).fetchall()
    return list(row)


def test_attrition_gives_what_independent_queries_give() -> None:
    steps = call(*EXAMPLE, "--attrition", "--json").object["attrition"]

    clauses = [FEMALE, SECTIONAL, RECENT]
    assert [step["label"] for step in steps] == [None, *clauses]
    for number, step in enumerate(steps):
        *left, size = step["left"].values()
        *expected, expected_size = independently(*clauses[:number])
        assert left == expected
        assert size == pytest.approx(expected_size, abs=2)
        if number:
            *alone, size = step["alone"].values()
            *expected, expected_size = independently(clauses[number - 1])
            assert alone == expected
            assert size == pytest.approx(expected_size, abs=2)


def test_attrition_is_a_table_of_four_lines_a_clause() -> None:
    shown = call(*EXAMPLE, "--attrition").out.splitlines()
    assert too_wide(shown) == []
    assert shown[0].split() == ["clause", "patients", "studies", "series", "instances", "size"]
    rest = ("excluded", "of it, no value", "it alone")
    assert [line[:25].strip() for line in shown[2:]] == [
        "(all)",
        *(text for clause in (FEMALE, SECTIONAL, RECENT) for text in (clause, *rest)),
    ]
    patients, studies, series, instances, _ = independently(FEMALE, SECTIONAL, RECENT)
    assert f"{patients:,} {studies:,} {series:,} {instances:,}" in " ".join(shown[-4].split())


@pytest.mark.usefixtures("desk")
def test_a_count_alone_is_one_object_or_one_row() -> None:
    asked = ["count", "metadata.parquet", "--where", "Modality = 'CT'"]
    assert call(*asked, "--json").object == {
        "patients": 3,
        "studies": 3,
        "series": 3,
        "instances": 9,
        "size_bytes": 900,
        "unusable_rows": 0,
    }
    ended = call(*asked)
    assert ended.err == ""
    assert ended.out.splitlines()[2].split() == ["3", "3", "3", "9", "900", "bytes"]


@pytest.mark.usefixtures("desk")
def test_sizes_and_instances_that_the_table_does_not_know_are_unknown() -> None:
    found = call("count", "sizeless.parquet", "--json").object
    assert (found["patients"], found["instances"], found["size_bytes"]) == (None, None, None)
    assert (found["studies"], found["series"]) == (1, 2)
    assert call("count", "sizeless.parquet").out.split()[-2:] == ["unknown", "unknown"]


@pytest.mark.usefixtures("desk")
def test_a_count_of_nothing_is_no_failure() -> None:
    ended = call("count", "metadata.parquet", "--where", "Modality = 'XA'", "--json")
    assert ended.object["instances"] == 0


@pytest.mark.usefixtures("desk")
def test_all_rows_need_not_be_asked_for_where_nothing_is_written() -> None:
    assert call("count", "metadata.parquet", "--json").object["instances"] == 18
    assert call("count", "metadata.parquet", "--all", "--json").object["instances"] == 18


@pytest.mark.usefixtures("desk")
def test_rows_that_make_no_line_are_told() -> None:
    ended = call("count", "bad.parquet", "--json")
    assert ended.object["unusable_rows"] == 2
    assert "2 rows have unusable UIDs and are not counted" in ended.err


@pytest.mark.usefixtures("desk")
def test_rows_without_a_date_are_told_where_an_age_is_asked_for() -> None:
    ended = call("count", "bad.parquet", "--since", "365d")
    assert ended.status == 0
    assert "StudyDate" in ended.err
