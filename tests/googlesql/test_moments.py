"""What makes dates and times, their casts and their time zones, run."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import duckdb
import pytest

from tests.googlesql.dicom import assert_value, value
from tests.googlesql.metadata import canonical, refused


def at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type, misc]  # noqa: DTZ001 - a DATETIME has no zone


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("DATE(2020, 2, 29)", date(2020, 2, 29)),
        ("DATE(2020, 13, NULL)", None),
        ("DATE(AcquisitionDateTime)", date(2020, 2, 29)),
        ("DATE(IngestTime)", date(2020, 3, 1)),
        ("DATE(IngestTime, 'America/New_York')", date(2020, 2, 29)),
        ("DATE('2020-1-5')", date(2020, 1, 5)),
        ("DATETIME(2020, 12, 31, 23, 59, 60)", at(2021, 1, 1, 0, 0)),
        ("DATETIME(StudyDate, StudyTime)", at(2020, 2, 29, 8, 30)),
        ("DATETIME('2020-01-01', TIME '10:00:00')", at(2020, 1, 1, 10, 0)),
        ("DATETIME(IngestTime, 'Asia/Tokyo')", at(2020, 3, 1, 9, 30)),
        ("DATETIME(IngestTime, 'UTC-3')", at(2020, 2, 29, 21, 30)),
        ("TIME(23, 59, 60)", time(0, 0)),
        ("TIME(NULL, 99, 99)", None),
        ("TIME(IngestTime, '+05:30')", time(6, 0)),
        ("TIME(AcquisitionDateTime)", time(8, 31, 5, 250000)),
        ("TIMESTAMP(StudyDate)", utc(2020, 2, 29, 0, 0)),
        ("TIMESTAMP(StudyDate, '-11')", utc(2020, 2, 29, 11, 0)),
        ("TIMESTAMP('2020-01-01 10:00:00')", utc(2020, 1, 1, 10, 0)),
        ("TIMESTAMP('2020-01-01 10:00:00', 'Asia/Tokyo')", utc(2020, 1, 1, 1, 0)),
        ("TIMESTAMP(DATETIME '2020-03-08 02:30:00', 'America/New_York')", utc(2020, 3, 8, 7, 30)),
        ("TIMESTAMP(DATETIME '2020-11-01 01:30:00', 'America/New_York')", utc(2020, 11, 1, 5, 30)),
        ("TIMESTAMP(DATETIME '2020-11-01 02:30:00', 'America/New_York')", utc(2020, 11, 1, 7, 30)),
        ("STRING(StudyDate)", "2020-02-29"),
        ("STRING(TIME '10:00:00.1')", "10:00:00.100"),
        ("STRING(IngestTime)", "2020-03-01 00:30:00+00"),
        ("STRING(IngestTime, 'Asia/Kolkata')", "2020-03-01 06:00:00+05:30"),
        ("STRING(IngestTime, '-03')", "2020-02-29 21:30:00-03"),
        ("UNIX_DATE(DATE '0001-01-01')", -719162),
        ("UNIX_SECONDS(TIMESTAMP '1960-01-01 00:00:00.5')", -315619200),
        ("UNIX_MILLIS(TIMESTAMP '1969-12-31 23:59:59.9995')", -1),
        ("UNIX_MICROS(TIMESTAMP '0001-01-01 00:00:00')", -62135596800000000),
        ("DATE_FROM_UNIX_DATE(-719162)", date(1, 1, 1)),
        ("TIMESTAMP_SECONDS(253402300799)", utc(9999, 12, 31, 23, 59, 59)),
        ("TIMESTAMP_MILLIS(-1)", utc(1969, 12, 31, 23, 59, 59, 999000)),
        ("TIMESTAMP_MICROS(1583022600000000)", utc(2020, 3, 1, 0, 30)),
        ("SAFE.DATE(2020, 2, 30)", None),
        ("SAFE.TIMESTAMP_SECONDS(9223372036854775807)", None),
        ("SAFE.DATE('2020-01-05')", date(2020, 1, 5)),
        ("IngestTime = '2020-02-29 19:30:00 America/New_York'", True),
    ],
)
def test_a_date_or_time_is_made_as_bigquery_makes_it(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    assert_value(connection, expression, expected)


@pytest.mark.parametrize(
    "expression",
    [
        "DATE(2020, 2, 30)",
        "DATE(0, 1, 1)",
        "DATE(9223372036854775807, 1, 1)",
        "DATETIME(2020, 1, 1, 24, 0, 0)",
        "DATETIME(9999, 12, 31, 23, 59, 60)",
        "TIME(0, 60, 0)",
        "TIMESTAMP(DATETIME '9999-12-31 23:30:00', '-01:00')",
        "DATE(TIMESTAMP '0001-01-01 00:30:00', '-01:00')",
        "DATE_FROM_UNIX_DATE(2932897)",
        "TIMESTAMP_SECONDS(-62135596801)",
        "TIMESTAMP_MICROS(9223372036854775807)",
        "TIMESTAMP(StudyDateStr)",
    ],
)
def test_what_is_no_date_or_time_fails(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("CAST(StudyDate AS TIMESTAMP)", utc(2020, 2, 29, 0, 0)),
        ("CAST(IngestTime AS DATE)", date(2020, 3, 1)),
        ("CAST(IngestTime AS TIME)", time(0, 30)),
        ("CAST(IngestTime AS DATETIME)", at(2020, 3, 1, 0, 30)),
        ("CAST(AcquisitionDateTime AS TIMESTAMP)", utc(2020, 2, 29, 8, 31, 5, 250000)),
        ("CAST(AcquisitionDateTime AS DATE)", date(2020, 2, 29)),
        ("CAST(TIMESTAMP '0001-01-01 00:00:00.000001' AS STRING)", "0001-01-01 00:00:00.000001+00"),
        ("CAST(DATETIME '2020-01-01 00:00:00.25' AS STRING)", "2020-01-01 00:00:00.250"),
        ("CAST(TIME '00:00:00.000250' AS STRING)", "00:00:00.000250"),
        ("CONCAT(IngestTime, '/', StudyTime)", "2020-03-01 00:30:00+00/08:30:00"),
        ("SAFE_CAST(CONCAT('12:5:6.5') AS TIME)", time(12, 5, 6, 500000)),
        ("SAFE_CAST(CONCAT('12:5') AS TIME)", None),
        ("SAFE_CAST(CONCAT('24:00:00') AS TIME)", None),
        ("SAFE_CAST(CONCAT('2020-1-5t1:2:3') AS DATETIME)", at(2020, 1, 5, 1, 2, 3)),
        ("SAFE_CAST(CONCAT('2020-01-05 1:2:3.') AS DATETIME)", None),
        ("SAFE_CAST(CONCAT(' 2020-01-05') AS DATETIME)", None),
        ("SAFE_CAST(CONCAT('0000-01-05') AS DATETIME)", None),
        ("SAFE_CAST(CONCAT('2020-01-05') AS TIMESTAMP)", utc(2020, 1, 5, 0, 0)),
        ("SAFE_CAST(CONCAT('2020-01-05 1:2:3Z') AS TIMESTAMP)", utc(2020, 1, 5, 1, 2, 3)),
        ("SAFE_CAST(CONCAT('2020-01-05 1:2:3 UTC') AS TIMESTAMP)", utc(2020, 1, 5, 1, 2, 3)),
        ("SAFE_CAST(CONCAT('2020-01-05 1:2:3 Z') AS TIMESTAMP)", None),
        (
            "SAFE_CAST(CONCAT('2020-01-05 1:2:3.25-05:30') AS TIMESTAMP)",
            utc(2020, 1, 5, 6, 32, 3, 250000),
        ),
        ("SAFE_CAST(CONCAT('2020-01-05 1:2:3 UTC+5') AS TIMESTAMP)", utc(2020, 1, 4, 20, 2, 3)),
        ("SAFE_CAST(CONCAT('0001-01-01 00:00:00+05') AS TIMESTAMP)", None),
        ("SAFE_CAST(CONCAT('2020-01-05+05') AS TIMESTAMP)", None),
    ],
)
def test_a_cast_is_bigquerys(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    assert_value(connection, expression, expected)


@pytest.mark.parametrize(
    "expression",
    [
        "SAFE_CAST(CONCAT('12:00:60') AS TIME)",
        "SAFE_CAST(CONCAT('2020-01-05 12:00:60') AS DATETIME)",
        "SAFE_CAST(CONCAT('2020-01-05 12:00:00 Asia/Tokyo') AS TIMESTAMP)",
        "SAFE_CAST(CONCAT('02020-01-05') AS TIMESTAMP)",
        "SAFE_CAST(CONCAT('2020-01-05 12:00:00+0530') AS TIMESTAMP)",
        "DATE(TIMESTAMP '1960-01-01 00:00:00+00', 'Europe/Berlin')",
        "SAFE.TIMESTAMP(DATE '1969-12-31', 'Europe/Berlin')",
        "SAFE.STRING(TIMESTAMP '0001-01-01 00:00:00+00', '-05')",
    ],
)
def test_what_bigquery_answers_and_we_cannot_fails_even_behind_safe(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


def test_a_zone_stays_in_the_canonical_text() -> None:
    assert canonical("DATE(LastUpdated, 'Asia/Tokyo') = '2020-01-01'") == (
        "DATE(LastUpdated, 'Asia/Tokyo') = @p1"
    )


@pytest.mark.parametrize(
    ("sql", "message", "at", "hint"),
    [
        ("DATE(Modality) = '2020-01-01'", "DATE of a text", "Modality", "SAFE_CAST(x AS DATE)"),
        ("DATE('2020-01-01 10:00:00') = StudyDate", "DATE of this text", "'2020", "DATE '2021"),
        ("DATE(StudyTime) = StudyDate", "function DATE", "StudyTime", None),
        ("DATE(NULL) = StudyDate", "DATE of NULL", "NULL", "CAST(NULL AS DATE)"),
        ("DATE(2020, 1) = StudyDate", None, "2020", None),
        ("DATE(2020, 1, 'x') = StudyDate", "function DATE", "2020", None),
        ("TIME('10:00:00') = StudyTime", "function TIME", "'10", "write TIME '08:30:00'"),
        ("DATE(StudyDate, 'UTC') = StudyDate", "function DATE", "StudyDate", None),
        ("DATE(LastUpdated, 'Nowhere') = StudyDate", "'Nowhere'", "'Nowhere'", "Europe/Berlin"),
        ("DATE(LastUpdated, 'posix/UTC') = StudyDate", "'posix/UTC'", "'posix", "Europe/Berlin"),
        ("DATE(LastUpdated, '+15') = StudyDate", "the time zone '+15'", "'+15'", "'+01:00'"),
        ("DATE(LastUpdated, Modality) = StudyDate", "no literal text", "Modality", "'+01:00'"),
        ("UNIX_SECONDS(StudyDate) = 1", "function UNIX_SECONDS", "StudyDate", None),
        ("STRING(`Rows`) = '1'", "function STRING", "`Rows`", None),
        ("CAST(StudyDate AS TIME) = StudyTime", "from DATE to TIME", "CAST", None),
    ],
)
def test_a_refusal_of_a_conversion_says_why_where_and_a_way_round(
    sql: str, message: str | None, at: str, hint: str | None
) -> None:
    error = refused(sql, message or "", at)
    assert (hint or "") in (error.hint or "")
