"""Regular expressions: matches, groups and places as BigQuery gives them."""

from __future__ import annotations

import duckdb
import pytest

from dicomfilter.googlesql.types.parameters import Parameter
from tests.googlesql.dicom import value
from tests.googlesql.metadata import canonical, refused


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (r"REGEXP_EXTRACT(PatientAge, r'^(\d+)Y$')", "063"),
        (r"REGEXP_EXTRACT(PatientAge, r'^\d+')", "063"),
        (r"REGEXP_EXTRACT(PatientAge, r'^(\d+)M$')", None),
        ("REGEXP_EXTRACT(PatientAge, '(x)?Y')", None),
        ("REGEXP_EXTRACT(PatientAge, 'x*')", ""),
        ("REGEXP_EXTRACT(PatientAge, NULL)", None),
        ("REGEXP_EXTRACT(PatientAge, @nothing)", None),
        (r"REGEXP_EXTRACT(PatientAge, @digits)", "063"),
        (r"REGEXP_EXTRACT(PatientID, r'\d', 6)", "0"),
        (r"REGEXP_EXTRACT(PatientID, r'\d', 1, 2)", "0"),
        (r"REGEXP_EXTRACT(PatientID, '^0', 7)", "0"),
        (r"REGEXP_EXTRACT(PatientID, r'\d', 100)", None),
        (r"REGEXP_EXTRACT(PatientID, r'\d', 1, 9)", None),
        (r"SAFE.REGEXP_EXTRACT(PatientID, r'\d', 0)", None),
        (r"REGEXP_SUBSTR(PatientID, r'\d+')", "1"),
        (r"REGEXP_EXTRACT_ALL(PatientID, r'\d+')", ["1", "001"]),
        (r"REGEXP_EXTRACT_ALL(PatientID, r'(\d)\d*')", ["1", "0"]),
        ("REGEXP_EXTRACT_ALL(PatientID, '(x)?0')", ["", ""]),
        ("REGEXP_EXTRACT_ALL(PatientID, 'x')", []),
        (r"ARRAY_LENGTH(REGEXP_EXTRACT_ALL(PatientID, r'\d'))", 4),
        (r"REGEXP_REPLACE(PatientID, r'\D', '')", "1001"),
        (r"REGEXP_REPLACE(PatientID, r'(\w)-(\w)', r'\2-\1')", "LUNG0-101"),
        (r"REGEXP_REPLACE(PatientID, '0', r'\\')", r"LUNG1-\\1"),
        ("REGEXP_REPLACE('äé', '', '-')", "-ä-é-"),
        ("REGEXP_REPLACE(PatientID, 'x', NULL)", None),
        ("REGEXP_CONTAINS(PatientID, CONCAT('^', 'LUNG'))", True),
    ],
)
def test_a_match_is_bigquerys(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    given = (Parameter("nothing", Parameter.of("x", "").type), Parameter.of("digits", r"^\d+"))
    named = [parameter for parameter in given if f"@{parameter.name}" in expression]
    assert value(connection, expression, *named) == expected


@pytest.mark.parametrize(
    "expression",
    [
        r"REGEXP_EXTRACT(PatientID, r'\d', 0)",
        r"REGEXP_EXTRACT(PatientID, r'\d', 1, 0)",
        r"REGEXP_REPLACE(PatientID, 'x', r'\1')",
        r"REGEXP_REPLACE(PatientID, 'x', r'\d')",
        "REGEXP_CONTAINS(PatientID, CONCAT('(', PatientID))",
        "REGEXP_EXTRACT_ALL(PatientID, 'x*')",
        r"REGEXP_EXTRACT(PatientID, r'\b', 1, 2)",
    ],
)
def test_where_bigquery_fails_or_we_cannot_tell_the_query_fails(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


@pytest.mark.parametrize(
    ("condition", "message", "at"),
    [
        ("REGEXP_EXTRACT(PatientID, '(a)(b)') = 'a'", "more than 1 capturing group", "'(a)"),
        ("REGEXP_EXTRACT(PatientID, '(') = 'a'", "Cannot parse regular expression", "'('"),
        ("REGEXP_CONTAINS(PatientID, '*')", "Cannot parse regular expression", "'*'"),
        ("REGEXP_REPLACE(PatientID, '(', 'a') = 'a'", "Cannot parse regular expression", "'('"),
        ("REGEXP_EXTRACT(PatientID, Modality) = 'a'", "a pattern from the table", "Modality"),
        ("REGEXP_EXTRACT(PatientID, 'x*', 2) = 'a'", "matches an empty text", "'x*'"),
        ("REGEXP_EXTRACT(`Hash`, b'a') = b'a'", "REGEXP_EXTRACT on BYTES", "REGEXP"),
        ("REGEXP_INSTR(PatientID, 'a') = 1", "REGEXP_INSTR", "REGEXP_INSTR"),
        ("REGEXP_EXTRACT(`Rows`, 'a') = 'a'", "No matching signature", "`Rows`"),
    ],
)
def test_what_is_not_taken_is_named_with_its_place(condition: str, message: str, at: str) -> None:
    refused(condition, message, at)


def test_a_pattern_is_lifted_like_every_literal() -> None:
    assert canonical("REGEXP_EXTRACT(PatientID, '19045') = 'a'") == (
        "REGEXP_EXTRACT(PatientID, @p1) = @p2"
    )
