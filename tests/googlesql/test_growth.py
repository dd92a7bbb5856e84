"""Texts do not grow out of hand, however deep a query nests, and still mean the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.googlesql import check_query, to_duckdb
from tests.googlesql.dicom import TODAY, run, tables
from tests.googlesql.test_golden import TAKEN, name, parameters

if TYPE_CHECKING:
    import duckdb

DEPTH = 8
NESTED = {
    "SPLIT({}, '-')[OFFSET(0)]": ("PatientID", "SPLIT(PatientID, '-')[OFFSET(0)]"),
    "SPLIT({}, '-')[SAFE_OFFSET(0)]": ("PatientID", "SPLIT(PatientID, '-')[SAFE_OFFSET(0)]"),
    "LOWER({})": ("PatientID", "LOWER(PatientID)"),
    "TRIM({})": ("SeriesDescription", "TRIM(SeriesDescription)"),
    "ROUND({}, 1)": ("SliceThickness", "ROUND(SliceThickness, 1)"),
    "ROUND({}, SeriesNumber)": ("SliceThickness", "ROUND(SliceThickness, SeriesNumber)"),
    "({} + 1)": ("SliceThickness", "SliceThickness + 8"),
    "MOD({}, 97)": ("`Rows`", "MOD(`Rows`, 97)"),
    "CAST(CAST({} AS STRING) AS INT64)": ("`Rows`", "`Rows`"),
    "CAST(CAST({} AS STRING) AS FLOAT64)": ("SliceThickness", "SliceThickness"),
    "SAFE_CAST(SAFE_CAST({} AS STRING) AS NUMERIC)": ("KVP", "KVP"),
    "DATE_ADD({}, INTERVAL 1 MONTH)": ("StudyDate", "DATE_ADD(StudyDate, INTERVAL 8 MONTH)"),
    "DATE_TRUNC({}, WEEK)": ("StudyDate", "DATE_TRUNC(StudyDate, WEEK)"),
    "PARSE_DATE('%Y%m%d', FORMAT_DATE('%Y%m%d', {}))": ("StudyDate", "StudyDate"),
    "TIMESTAMP_ADD({}, INTERVAL 1 HOUR)": (
        "IngestTime",
        "TIMESTAMP_ADD(IngestTime, INTERVAL 8 HOUR)",
    ),
    "GREATEST({}, 1)": ("SliceThickness", "GREATEST(SliceThickness, 1)"),
    "NULLIF({}, 0.0)": ("SliceThickness", "NULLIF(SliceThickness, 0.0)"),
    "REVERSE({})": ("PatientID", "PatientID"),
}
"""What is nested eight times, in what, and what that comes to for rows with at most 10 places,
and dates that are no last of a month."""
SANE = (
    "SOPInstanceUID IN ('1.2.840.3.1', '1.2.840.3.2', '1.2.840.3.6') AND SeriesNumber BETWEEN 1 "
    "AND 10"
)


def nested(form: str, value: str, depth: int) -> str:
    for _ in range(depth):
        value = form.format(value)
    return value


@pytest.mark.parametrize("form", NESTED)
def test_what_is_nested_eight_times_is_answered_in_a_text_of_bounded_length(
    connection: duckdb.DuckDBPyConnection, form: str
) -> None:
    value, plain = NESTED[form]
    deep = f"SELECT SOPInstanceUID, {nested(form, value, DEPTH)} AS v FROM d WHERE {SANE}"
    checked = check_query(deep, {"d": tables()["d"].schema})
    assert len(to_duckdb(checked.tree)) <= 80 * len(deep) + 4096
    found = sorted(run(connection, deep, today=TODAY).rows)
    shallow = f"SELECT SOPInstanceUID, {plain} AS v FROM d WHERE {SANE}"
    assert found == sorted(run(connection, shallow, today=TODAY).rows)


@pytest.mark.parametrize("case", TAKEN, ids=name)
def test_a_golden_query_grows_by_little(case: dict[str, str]) -> None:
    schemas = {key: held.schema for key, held in tables().items()}
    checked = check_query(case["sql"], schemas, parameters=parameters(case))
    assert len(to_duckdb(checked.tree)) <= 20 * len(case["sql"]) + 4096


def test_a_thousand_patterns_are_answered(connection: duckdb.DuckDBPyConnection) -> None:
    patterns = " OR ".join(f"SeriesDescription LIKE '%x{number}%'" for number in range(1000))
    sql = f"SELECT SOPInstanceUID FROM d WHERE {patterns} OR SeriesDescription LIKE 'CHEST%'"
    assert len(to_duckdb(check_query(sql, {"d": tables()["d"].schema}).tree)) < 5 * len(sql)
    assert run(connection, sql, today=TODAY).rows == [("1.2.840.3.1",)]


def test_a_random_number_is_drawn_once_for_all_that_a_rewrite_asks_of_it(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    many = "UNNEST(GENERATE_ARRAY(1, 10000)) AS n"
    sql = f"SELECT COUNTIF(RAND() BETWEEN 0.1 AND 0.2), MAX(MOD(CAST(RAND() * 9 AS INT64), 10)) FROM {many}"
    ((within, most),) = run(connection, sql, today=TODAY).rows
    assert 800 < within < 1200
    assert most == 9
