"""Arithmetic with dates and times, their parts and differences, run."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import duckdb
import pytest

from dicomfilter.googlesql import check_condition, to_googlesql
from tests.googlesql.dicom import assert_value, value
from tests.googlesql.metadata import SCHEMA, canonical, lifted, refused


def at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type, misc]  # noqa: DTZ001 - a DATETIME has no zone


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("DATE_ADD(DATE '2020-01-31', INTERVAL 1 MONTH)", date(2020, 2, 29)),
        ("DATE_ADD('2020-02-29', INTERVAL -1 YEAR)", date(2019, 2, 28)),
        ("DATE_SUB(StudyDate, INTERVAL 2 QUARTER)", date(2019, 8, 29)),
        ("DATE_ADD(StudyDate, INTERVAL NULL DAY)", None),
        ("DATE_ADD(DATETIME '2020-01-31 10:00:00', INTERVAL 1 MONTH)", at(2020, 2, 29, 10, 0)),
        (
            "DATETIME_SUB(DATETIME '2020-01-01 00:00:00', INTERVAL 1 MICROSECOND)",
            at(2019, 12, 31, 23, 59, 59, 999999),
        ),
        ("DATETIME_ADD(DATETIME '2020-01-31 10:00:00', INTERVAL 13 MONTH)", at(2021, 2, 28, 10, 0)),
        (
            "DATETIME_ADD(AcquisitionDateTime, INTERVAL 90 MINUTE)",
            at(2020, 2, 29, 10, 1, 5, 250000),
        ),
        (
            "TIMESTAMP_ADD(TIMESTAMP '2020-01-01 00:00:00+00', INTERVAL -1 DAY)",
            utc(2019, 12, 31, 0, 0),
        ),
        (
            "TIMESTAMP_SUB('2020-01-01', INTERVAL 5 MILLISECOND)",
            utc(2019, 12, 31, 23, 59, 59, 995000),
        ),
        ("TIME_ADD(TIME '23:00:00', INTERVAL 90 MINUTE)", time(0, 30)),
        (
            "TIME_SUB(TIME '10:00:00', INTERVAL -9223372036854775808 MICROSECOND)",
            time(14, 0, 54, 775808),
        ),
        ("StudyDate + 1", date(2020, 3, 1)),
        ("1 + StudyDate", date(2020, 3, 1)),
        ("StudyDate - `Rows`", date(2018, 10, 5)),
        ("StudyDate + INTERVAL 1 DAY", at(2020, 3, 1, 0, 0)),
        ("INTERVAL 1 MONTH + StudyDate", at(2020, 3, 29, 0, 0)),
        ("AcquisitionDateTime - INTERVAL 5 SECOND", at(2020, 2, 29, 8, 31, 0, 250000)),
        ("IngestTime - INTERVAL 1 DAY", utc(2020, 2, 29, 0, 30)),
        ("CAST(NULL AS DATE) + 9223372036854775807", None),
        ("SAFE.DATE_ADD(StudyDate, INTERVAL 9223372036854775807 DAY)", None),
        ("SAFE.DATETIME_ADD(AcquisitionDateTime, INTERVAL 9223372036854775807 SECOND)", None),
    ],
)
def test_a_date_moves_as_bigquery_moves_it(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    assert_value(connection, expression, expected)


@pytest.mark.parametrize(
    "expression",
    [
        "DATE_ADD(DATE '9999-12-31', INTERVAL 1 DAY)",
        "DATE_SUB(DATE '0001-01-01', INTERVAL 1 YEAR)",
        "DATE '9999-12-31' + 1",
        "DATE_ADD(StudyDate, INTERVAL 9223372036854775807 WEEK)",
        "DATETIME_ADD(DATETIME '9999-12-31 23:59:59', INTERVAL 1 SECOND)",
        "TIMESTAMP_SUB(TIMESTAMP '0001-01-01 00:00:00+00', INTERVAL 1 MICROSECOND)",
        "TIMESTAMP_ADD(IngestTime, INTERVAL 9223372036854775807 DAY)",
        "DATE_TRUNC(DATE '0001-01-01', WEEK)",
        "TIMESTAMP_TRUNC(TIMESTAMP '0001-01-01 10:45:00+00', WEEK)",
        "LAST_DAY(DATE '9999-12-31', WEEK)",
        "LAST_DAY(DATE '9999-12-31', ISOYEAR)",
    ],
)
def test_leaving_the_calendar_fails(expression: str, connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("DATE_DIFF(DATE '2020-12-31', DATE '2020-01-01', YEAR)", 0),
        ("DATE_DIFF(DATE '2017-10-15', DATE '2017-10-14', WEEK)", 1),
        ("DATE_DIFF(DATE '2017-12-18', DATE '2017-12-17', WEEK(MONDAY))", 1),
        ("DATE_DIFF(DATE '2017-12-18', DATE '2017-12-17', ISOWEEK)", 1),
        ("DATE_DIFF(DATE '2017-12-30', DATE '2014-12-30', ISOYEAR)", 2),
        ("DATE_DIFF(DATE '9999-12-31', DATE '0001-01-01', DAY)", 3652058),
        ("DATE_DIFF(DATE '0001-01-01', DATE '9999-12-31', WEEK(SATURDAY))", -521722),
        ("DATE_DIFF(StudyDate, PatientBirthDate, QUARTER)", 252),
        ("DATE_DIFF(NULL, StudyDate, DAY)", None),
        (
            "DATETIME_DIFF(DATETIME '2017-10-15 00:00:00', DATETIME '2017-10-14 23:59:59.5', SECOND)",
            1,
        ),
        (
            "DATETIME_DIFF(DATETIME '1960-01-01 00:00:00.5', DATETIME '1960-01-01 00:00:01.4', SECOND)",
            -1,
        ),
        ("DATETIME_DIFF(AcquisitionDateTime, StudyDate, HOUR)", 8),
        ("DATETIME_DIFF(DATE '2020-01-31', DATE '2020-01-01', HOUR)", 720),
        (
            "TIMESTAMP_DIFF(TIMESTAMP '2020-01-01 10:00:00', TIMESTAMP '2020-01-01 11:30:00', HOUR)",
            -1,
        ),
        ("TIMESTAMP_DIFF(TIMESTAMP '2018-08-14', TIMESTAMP '2018-10-14', DAY)", -61),
        (
            "TIMESTAMP_DIFF(TIMESTAMP '9999-12-31 23:59:59.999999', TIMESTAMP '0001-01-01 00:00:00', MICROSECOND)",
            315537897599999999,
        ),
        ("TIME_DIFF(TIME '10:00:00.9', TIME '10:00:01.1', SECOND)", -1),
        ("TIME_DIFF('10:00:00', StudyTime, MINUTE)", 90),
    ],
)
def test_a_difference_counts_boundaries_or_what_has_elapsed(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    assert_value(connection, expression, expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("DATE_TRUNC(DATE '2020-03-04', WEEK)", date(2020, 3, 1)),
        ("DATE_TRUNC(DATE '2020-03-01', WEEK(MONDAY))", date(2020, 2, 24)),
        ("DATE_TRUNC(DATE '2020-03-04', WEEK(TUESDAY))", date(2020, 3, 3)),
        ("DATE_TRUNC(DATE '0001-01-03', ISOWEEK)", date(1, 1, 1)),
        ("DATE_TRUNC(DATE '2021-01-01', ISOYEAR)", date(2019, 12, 30)),
        ("DATE_TRUNC(StudyDate, QUARTER)", date(2020, 1, 1)),
        ("DATE_TRUNC(AcquisitionDateTime, HOUR)", at(2020, 2, 29, 8, 0)),
        (
            "DATETIME_TRUNC(DATETIME '1960-02-29 10:30:00.123456', MILLISECOND)",
            at(1960, 2, 29, 10, 30, 0, 123000),
        ),
        ("DATETIME_TRUNC(AcquisitionDateTime, WEEK)", at(2020, 2, 23, 0, 0)),
        ("TIMESTAMP_TRUNC(IngestTime, MONTH)", utc(2020, 3, 1, 0, 0)),
        ("TIMESTAMP_TRUNC(IngestTime, DAY, 'America/New_York')", utc(2020, 2, 29, 5, 0)),
        (
            "TIMESTAMP_TRUNC(TIMESTAMP '2020-11-01 06:45:00', HOUR, 'America/New_York')",
            utc(2020, 11, 1, 6, 0),
        ),
        (
            "TIMESTAMP_TRUNC(TIMESTAMP '2020-01-01 10:45:00', HOUR, '+05:30')",
            utc(2020, 1, 1, 10, 30),
        ),
        ("TIME_TRUNC(TIME '10:11:12.123456', MINUTE)", time(10, 11)),
        ("LAST_DAY(StudyDate)", date(2020, 2, 29)),
        ("LAST_DAY(StudyDate, WEEK)", date(2020, 2, 29)),
        ("LAST_DAY(DATE '0001-01-01', WEEK)", date(1, 1, 6)),
        ("LAST_DAY(StudyDate, QUARTER)", date(2020, 3, 31)),
        ("LAST_DAY(StudyDate, ISOYEAR)", date(2021, 1, 3)),
        ("LAST_DAY(DATETIME '2020-02-01 10:00:00', YEAR)", date(2020, 12, 31)),
        ("SAFE.DATE_TRUNC(DATE '0001-01-01', WEEK)", None),
    ],
)
def test_a_unit_begins_and_ends_where_bigquery_lets_it(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    assert_value(connection, expression, expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("EXTRACT(WEEK FROM DATE '2020-01-04')", 0),
        ("EXTRACT(WEEK FROM DATE '2020-01-05')", 1),
        ("EXTRACT(WEEK(MONDAY) FROM DATE '2020-01-05')", 0),
        ("EXTRACT(ISOWEEK FROM DATE '2021-01-03')", 53),
        ("EXTRACT(ISOYEAR FROM DATE '2021-01-03')", 2020),
        ("EXTRACT(DAYOFWEEK FROM DATE '2020-03-01')", 1),
        ("EXTRACT(DAYOFYEAR FROM DATE '2020-12-31')", 366),
        ("EXTRACT(QUARTER FROM IngestTime)", 1),
        ("EXTRACT(MILLISECOND FROM DATETIME '1960-01-01 10:00:01.123456')", 123),
        ("EXTRACT(MICROSECOND FROM TIME '10:00:01.123456')", 123456),
        ("EXTRACT(SECOND FROM DATETIME '1960-01-01 10:00:05.9')", 5),
        ("EXTRACT(DATE FROM AcquisitionDateTime)", date(2020, 2, 29)),
        ("EXTRACT(TIME FROM IngestTime)", time(0, 30)),
        ("EXTRACT(DATETIME FROM IngestTime)", at(2020, 3, 1, 0, 30)),
        ("EXTRACT(DAYOFWEEK FROM IngestTime AT TIME ZONE 'America/New_York')", 7),
        ("EXTRACT(DATE FROM IngestTime AT TIME ZONE '-11')", date(2020, 2, 29)),
        ("EXTRACT(DATETIME FROM IngestTime AT TIME ZONE 'Asia/Kolkata')", at(2020, 3, 1, 6, 0)),
    ],
)
def test_a_part_is_bigquerys(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    assert_value(connection, expression, expected)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("StudyDate + 1 = '2020-01-01'", "DATE_ADD(StudyDate, INTERVAL (@p1) DAY) = @p2"),
        (
            "StudyDate - INTERVAL 1 MONTH < '2020-01-01'",
            "DATETIME_SUB(CAST(StudyDate AS DATETIME), INTERVAL (@p1) MONTH) < @p2",
        ),
        (
            "EXTRACT(HOUR FROM LastUpdated AT TIME ZONE 'Asia/Tokyo') = 3",
            "EXTRACT(HOUR FROM DATETIME(LastUpdated, 'Asia/Tokyo')) = @p1",
        ),
        (
            "date_trunc(studydate, week(monday)) = '2020-01-06'",
            "DATE_TRUNC(StudyDate, WEEK(MONDAY)) = @p1",
        ),
        ("EXTRACT(WEEK(MONDAY) FROM StudyDate) = 1", "EXTRACT(WEEK(MONDAY) FROM StudyDate) = @p1"),
        (
            "SAFE.DATE_ADD(StudyDate, INTERVAL 1 DAY) IS NULL",
            "SAFE.DATE_ADD(StudyDate, INTERVAL (@p1) DAY) IS NULL",
        ),
        ("(StudyDate + 1) IS NULL", "DATE_ADD(StudyDate, INTERVAL (@p1) DAY) IS NULL"),
        ("CURRENT_DATE('UTC') = StudyDate", "@current_date = StudyDate"),
    ],
)
def test_a_condition_on_dates_has_one_canonical_form_that_reads_back(
    sql: str, expected: str
) -> None:
    checked = check_condition(sql, SCHEMA)
    found = to_googlesql(checked.tree)
    assert found == expected
    assert canonical(found, checked.parameters) == found


def test_an_operator_lifts_its_interval_like_a_function() -> None:
    assert lifted("StudyDate - INTERVAL 2 WEEK > '2020-01-01'")[0] == ("p1", "INT64", 2)


@pytest.mark.parametrize(
    ("sql", "message", "at", "hint"),
    [
        (
            "DATE_ADD(StudyDate, INTERVAL 1 HOUR) IS NULL",
            "DATE_ADD does not support the HOUR date part when the argument is DATE type",
            "HOUR",
            "DAY",
        ),
        (
            "TIMESTAMP_ADD(LastUpdated, INTERVAL 1 MONTH) IS NULL",
            "TIMESTAMP_ADD does not support the MONTH date part when the argument is TIMESTAMP",
            "MONTH",
            "DAY",
        ),
        (
            "DATE_TRUNC(StudyDate, DECADE) IS NULL",
            "A valid date part name is required but found DECADE",
            "DECADE",
            "YEAR",
        ),
        ("DATE_TRUNC(StudyDate, WEEK(FOO)) IS NULL", "required but found WEEK(FOO)", "WEEK", "DAY"),
        ("DATE_DIFF(StudyDate, StudyDate) > 1", "function DATE_DIFF", "StudyDate", None),
        ("DATE_DIFF(StudyDate, LastUpdated, DAY) > 1", "DATE, TIMESTAMP", "StudyDate", None),
        ("StudyDate - StudyDate > 1", "the INTERVAL between", "StudyDate", "DATE_DIFF"),
        ("StudyDate + 1.5 = StudyDate", "operator +", "StudyDate", "DATE_SUB"),
        ("StudyDate * 2 = StudyDate", None, "StudyDate", None),
        ("StudyTime + INTERVAL 1 HOUR = StudyTime", "operator +", "StudyTime", None),
        ("INTERVAL 1 DAY = INTERVAL 1 DAY", "an INTERVAL here", "INTERVAL", "DATE_SUB"),
        ("StudyDate - INTERVAL '1' DAY = StudyDate", "INTERVAL of text", "'1'", "INTERVAL 30 DAY"),
        ("StudyDate - INTERVAL 4000000 DAY = StudyDate", "out of range", "INTERVAL", None),
        (
            "StudyDate - INTERVAL `Rows` DAY = StudyDate",
            "computed length",
            "INTERVAL",
            "DATETIME_SUB",
        ),
        (
            "EXTRACT(YEAR FROM Modality) = 1",
            "EXTRACT wants a date or time",
            "Modality",
            "StudyDate",
        ),
        ("EXTRACT(HOUR FROM StudyDate) = 1", "does not support the HOUR", "HOUR", "DAYOFWEEK"),
        (
            "EXTRACT(HOUR FROM AcquisitionDateTime AT TIME ZONE 'UTC') = 1",
            "does not support AT TIME ZONE",
            "'UTC'",
            "leave it out",
        ),
        ("CURRENT_TIMESTAMP() > LastUpdated", "CURRENT_TIMESTAMP", "CURRENT", "--param now"),
        ("CURRENT_DATE('Asia/Tokyo') = StudyDate", "another time zone", "'Asia/Tokyo'", "UTC"),
    ],
)
def test_a_refusal_on_dates_says_why_where_and_a_way_round(
    sql: str, message: str | None, at: str, hint: str | None
) -> None:
    error = refused(sql, message or "", at)
    assert (hint or "") in (error.hint or "")
