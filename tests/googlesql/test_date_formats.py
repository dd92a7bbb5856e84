"""Dates and times written and read by a format."""

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
        ("FORMAT_DATE('%Y%m%d', StudyDate)", "20200229"),
        (
            "FORMAT_DATE('%A %a %B %b %C %d %e %j %m %Q %u %w %y', DATE '2020-03-08')",
            "Sunday Sun March Mar 20 08  8 068 03 1 7 0 20",
        ),
        (
            "FORMAT_DATE('%U %W %V %G %F %D %x %h', DATE '2021-01-03')",
            "01 00 53 2020 2021-01-03 01/03/21 01/03/21 Jan",
        ),
        ("FORMAT_DATE('%Y-%m', DATE '0987-01-02')", "987-01"),
        ("FORMAT_DATE('%E4Y', DATE '0987-01-02')", "0987"),
        ("FORMAT_DATE('100%%', StudyDate)", "100%"),
        ("FORMAT_DATE('%Y', NULL)", None),
        ("FORMAT_DATETIME('%c', AcquisitionDateTime)", "Sat Feb 29 08:31:05 2020"),
        ("FORMAT_DATETIME('%I:%M %p', DATETIME '2020-01-01 00:05:00')", "12:05 AM"),
        (
            "FORMAT_DATETIME('%E*S %E0S %E3S %E6S %S', AcquisitionDateTime)",
            "05.25 05 05.250 05.250000 05",
        ),
        ("FORMAT_DATETIME('%s', DATETIME '1960-01-01 00:00:00.5')", "-315619200"),
        ("FORMAT_TIME('%R %T %E*S', TIME '15:06:07.120')", "15:06 15:06:07 07.12"),
        ("FORMAT_TIMESTAMP('%F %T %Z %z %Ez', IngestTime)", "2020-03-01 00:30:00 UTC +0000 +00:00"),
        (
            "FORMAT_TIMESTAMP('%H %z %Ez %s', IngestTime, 'America/New_York')",
            "19 -0500 -05:00 1583022600",
        ),
        ("FORMAT_TIMESTAMP('%H %z %Ez %s', IngestTime, '+05:30')", "06 +0530 +05:30 1583022600"),
        ("FORMAT_TIMESTAMP('%z', CAST(NULL AS TIMESTAMP))", None),
        ("FORMAT_DATE('%F %H', IngestTime)", "2020-03-01 00"),
        ("FORMAT_DATETIME('%F %H', StudyDate)", "2020-02-29 00"),
    ],
)
def test_a_format_is_written_as_bigquery_writes_it(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    assert_value(connection, expression, expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SAFE.PARSE_DATE('%Y%m%d', '20200229')", date(2020, 2, 29)),
        ("SAFE.PARSE_DATE('%Y%m%d', '20200230')", None),
        ("SAFE.PARSE_DATE('%Y%m%d', '2020229')", None),
        ("SAFE.PARSE_DATE('%Y%m%d', '2020025')", date(2020, 2, 5)),
        ("SAFE.PARSE_DATE('%Y%m%d', '00000101')", None),
        ("SAFE.PARSE_DATE('%Y%m%d', '00010101')", date(1, 1, 1)),
        ("SAFE.PARSE_DATE('%Y%m%d', ' 20200229 ')", date(2020, 2, 29)),
        ("SAFE.PARSE_DATE('%Y%m%d', '20200229x')", None),
        ("SAFE.PARSE_DATE('%Y%m%d', '')", None),
        ("SAFE.PARSE_DATE('%Y%m%d', NULL)", None),
        ("SAFE.PARSE_DATE('%Y-%m-%d', '2020-1-5')", date(2020, 1, 5)),
        ("SAFE.PARSE_DATE('%Y-%m-%d', '02020-1-5')", date(2020, 1, 5)),
        ("SAFE.PARSE_DATE('%Y-%m-%d', '20-1-5')", date(20, 1, 5)),
        ("SAFE.PARSE_DATE('%Y %m %d', '20201 5')", None),
        ("SAFE.PARSE_DATE('%Y %m %d', '020201 5')", date(2020, 1, 5)),
        ("SAFE.PARSE_DATE('%Y %m %d', '2020 131')", None),
        ("SAFE.PARSE_DATE('%E4Y %m', '20201')", date(2020, 1, 1)),
        ("SAFE.PARSE_DATE('%m%Y', '122020')", date(2020, 12, 1)),
        ("SAFE.PARSE_TIME('%H %M', '123')", time(12, 3)),
        ("SAFE.PARSE_TIME('%H %M', '12')", None),
        ("SAFE.PARSE_TIME('%H %M', '2512')", None),
        ("SAFE.PARSE_TIME('%H%M%S', '083005')", time(8, 30, 5)),
        ("SAFE.PARSE_TIME('%H%M%S', '240000')", None),
        ("SAFE.PARSE_TIME('%H%M%S', '0830')", None),
        ("SAFE.PARSE_TIME('%H%M%E*S', '083005.123456789')", time(8, 30, 5, 123456)),
        ("SAFE.PARSE_TIME('%H%M%E6S', '083005.1234567')", None),
        ("SAFE.PARSE_TIME('%H%M%E*S', '083005.')", None),
        ("PARSE_DATETIME('%Y%m%d%H%M%S', '20200229083105')", at(2020, 2, 29, 8, 31, 5)),
        ("SAFE.PARSE_DATETIME('%H:%M', '8:30')", at(1970, 1, 1, 8, 30)),
        (
            "SAFE.PARSE_DATETIME('%Y-%m-%dT%H:%M:%E*S', '2020-12-31T8:3:5.25')",
            at(2020, 12, 31, 8, 3, 5, 250000),
        ),
        ("PARSE_TIMESTAMP('%Y%m%d %H%M%S', '20200301 003000')", utc(2020, 3, 1, 0, 30)),
        ("PARSE_TIMESTAMP('%Y%m%d', '20200301', 'Asia/Tokyo')", utc(2020, 2, 29, 15, 0)),
        ("SAFE.PARSE_TIMESTAMP('%Y%m%d', '00010101', '+05')", None),
        (
            "SAFE.PARSE_TIMESTAMP('%Y%m%d%H%M%E*S%z', '20200301003000.5-0330')",
            utc(2020, 3, 1, 4, 0, 0, 500000),
        ),
        ("SAFE.PARSE_TIMESTAMP('%Y%m%d%H%M%S%z', '20200301003000+1')", None),
        ("SAFE.PARSE_TIMESTAMP('%Y%m%d%H%M%S%z', '20200301003000+1401')", None),
        (
            "SAFE.PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%S%Ez', '2020-03-01T00:30:00Z')",
            utc(2020, 3, 1, 0, 30),
        ),
        ("SAFE.PARSE_TIMESTAMP('%Y-%m-%dT%H:%M:%S%Ez', '0001-01-01T00:30:00+01:00')", None),
        ("PARSE_DATE('%Y%m%d', StudyDateStr) = StudyDate", True),
    ],
)
def test_a_text_is_read_as_bigquery_reads_it(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    assert_value(connection, expression, expected)


@pytest.mark.parametrize(
    "expression",
    [
        "PARSE_DATE('%Y%m%d', '20200230')",
        "PARSE_DATE('%Y%m%d', '2020-02-29')",
        "PARSE_TIME('%H%M%S', '240000')",
        "PARSE_DATETIME('%Y%m%d', '')",
        "PARSE_TIMESTAMP('%Y%m%d%H', '9999123123', '-05')",
    ],
)
def test_a_text_of_another_form_fails(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


@pytest.mark.parametrize(
    "expression",
    [
        "SAFE.PARSE_TIME('%H%M%S', '235960')",
        "SAFE.PARSE_DATETIME('%Y%m%d %H:%M:%E*S', '20200101 8:3:60.5')",
        "FORMAT_DATE('%F', DATE '0987-01-02')",
        "SAFE.PARSE_TIMESTAMP('%Y%m%d%z', '00001231-05')",
        "SAFE.PARSE_TIMESTAMP('%Y-%m-%d', '10000-1-1', '+05')",
    ],
)
def test_what_bigquery_answers_and_we_cannot_fails_even_behind_safe(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


def test_a_format_stays_in_the_canonical_text() -> None:
    assert canonical("FORMAT_DATE('%Y%m', StudyDate) = '202001'") == (
        "FORMAT_DATE('%Y%m', StudyDate) = @p1"
    )


@pytest.mark.parametrize(
    ("sql", "message", "at", "hint"),
    [
        ("FORMAT_DATE('%H', StudyDate) = 'x'", "the format element %H", "'%H'", "%Y"),
        ("FORMAT_DATE('%Ey', StudyDate) = 'x'", "the format element %Ey", "'%Ey'", "%Y"),
        ("FORMAT_DATE('%', StudyDate) = 'x'", "the format element %", "'%'", "%Y"),
        ("FORMAT_DATE(Modality, StudyDate) = 'x'", "no literal of ASCII", "Modality", "'%Y%m%d'"),
        ("FORMAT_DATE('Jänner', StudyDate) = 'x'", "no literal of ASCII", "'J", "'%Y%m%d'"),
        ("FORMAT_DATE('%Y', Modality) = 'x'", "function FORMAT_DATE", "'%Y'", None),
        ("FORMAT_DATE('%Y', StudyDate, 'UTC') = 'x'", "function FORMAT_DATE", "'%Y'", None),
        ("FORMAT_TIMESTAMP('%Z', LastUpdated, '+01') = 'x'", "element %Z", "'%Z'", "%Ez"),
        ("PARSE_DATE('%F', Modality) = StudyDate", "the format element %F", "'%F'", "%Y %d %m"),
        ("PARSE_DATE('%y%m%d', Modality) = StudyDate", "element %y", "'%y%m%d'", "%Y"),
        ("PARSE_DATE('%H', Modality) = StudyDate", "the format element %H", "'%H'", "%Y"),
        ("PARSE_TIMESTAMP('%z', Modality) = LastUpdated", "%z not behind all", "'%z'", None),
        ("PARSE_TIMESTAMP('%m%Y', Modality, '+01') = LastUpdated", "%Y first", "'%m%Y'", None),
        ("PARSE_DATE('x', Modality) = StudyDate", "none at all", "'x'", None),
        ("PARSE_DATE('%Y%E4Y', Modality) = StudyDate", "twice", "'%Y%E4Y'", None),
        ("PARSE_DATE('%Y1', Modality) = StudyDate", "digits in the format", "'%Y1'", None),
        ("PARSE_TIME('%E*S:%M', Modality) = StudyTime", "behind %E*S", "'%E*S", None),
        ("PARSE_DATE('%Y%m%d', StudyDate) = StudyDate", "function PARSE_DATE", "'%Y", None),
        (
            "PARSE_DATETIME('%Y %m %d %H %M %S', Modality) = AcquisitionDateTime",
            "so many spaces",
            "'%Y",
            None,
        ),
    ],
)
def test_a_refusal_of_a_format_says_why_where_and_a_way_round(
    sql: str, message: str, at: str, hint: str | None
) -> None:
    error = refused(sql, message, at)
    assert (hint or "") in (error.hint or "")
