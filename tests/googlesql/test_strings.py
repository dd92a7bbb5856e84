"""Texts: where DuckDB counts, trims and turns round some other way, and where BigQuery fails."""

from __future__ import annotations

import duckdb
import pytest

from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.types.parameters import bind
from dicomfilter.schema import Column, SqlType, TableSchema
from tests.googlesql.dicom import TODAY, value
from tests.googlesql.metadata import refused

ACCENT = "e\u0301"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SUBSTR(PatientID, 1, 4)", "LUNG"),
        ("SUBSTR(PatientID, 0, 4)", "LUNG"),
        ("SUBSTR(PatientID, -3)", "001"),
        ("SUBSTR(PatientID, -100, 3)", "LUN"),
        ("SUBSTR(PatientID, 10)", ""),
        ("SUBSTRING(PatientID, 9223372036854775807)", ""),
        ("SUBSTR(PatientID, 2, 9223372036854775807)", "UNG1-001"),
        ("SUBSTR(PatientID, -9223372036854775808, 2)", "LU"),
        ("SUBSTR(PatientID, 1, NULL)", None),
        ("SUBSTR(CAST(NULL AS STRING), 1, -1)", None),
        ("ARRAY_TO_STRING([CAST(NULL AS STRING), NULL], '-')", ""),
        ("LEFT(PatientID, 4)", "LUNG"),
        ("LEFT('äöü', 2)", "äö"),
        ("LEFT(PatientID, 9223372036854775807)", "LUNG1-001"),
        ("RIGHT(PatientID, 3)", "001"),
        ("RIGHT(PatientID, 0)", ""),
        ("TRIM('\\t\\u00a0 a\\u2028\\u3000')", "a"),
        ("TRIM('\\u200b a ')", "\u200b a"),
        ("LTRIM('  a ')", "a "),
        ("RTRIM('a\\n')", "a"),
        ("RTRIM(PatientID, '0123456789')", "LUNG1-"),
        ("TRIM(PatientID, '')", "LUNG1-001"),
        ("REPLACE(PatientID, '-', '')", "LUNG1001"),
        ("REPLACE(PatientID, '', 'x')", "LUNG1-001"),
        ("LPAD('7', 3, '0')", "007"),
        ("LPAD(PatientID, 4)", "LUNG"),
        ("RPAD('a', 4, 'äö')", "aäöä"),
        ("REPEAT('ab', 3)", "ababab"),
        ("REPEAT('', 9223372036854775807)", ""),
        (f"REVERSE('{ACCENT}a')", "a\u0301e"),
        ("STRPOS(PatientID, '-')", 6),
        ("STRPOS(PatientID, '')", 1),
        ("INSTR(PatientID, 'x')", 0),
        ("CHAR_LENGTH('né')", 2),
        (f"CHARACTER_LENGTH('{ACCENT}')", 2),
        ("BYTE_LENGTH('né')", 3),
        ("OCTET_LENGTH(`Hash`)", 2),
        ("LENGTH(`Hash`)", 2),
        ("ASCII('')", 0),
        ("ASCII('aä')", 97),
        ("UNICODE('')", 0),
        ("UNICODE('é')", 233),
        ("CHR(955)", "λ"),
        ("TRANSLATE(PatientID, '-0', '_')", "LUNG1_1"),
        ("SPLIT(PatientID, '-')", ["LUNG1", "001"]),
        ("SPLIT('a,,b')", ["a", "", "b"]),
        ("SPLIT('', ',')", [""]),
        ("SPLIT('', '')", [""]),
        ("SPLIT(NULLIF(PatientID, PatientID), '')", []),
        ("ARRAY_LENGTH(SPLIT(REPLACE(PatientID, PatientID, ''), ''))", 1),
        ("SPLIT('', REPLACE('-', '-', ''))[SAFE_OFFSET(0)]", ""),
        ("SPLIT('', NULLIF('-', '-'))", []),
        ("ARRAY_LENGTH(SPLIT('', NULLIF('-', '-')))", None),
        ("REVERSE('')", ""),
        ("TRANSLATE(PatientID, '', '')", "LUNG1-001"),
        ("TRANSLATE('', 'a', 'b')", ""),
        (f"SPLIT('{ACCENT}', '')", ["e", "\u0301"]),
        ("SPLIT(PatientID, NULL)", []),
        ("ARRAY_LENGTH(SPLIT(PatientID, NULL))", None),
        ("ARRAY_TO_STRING(ImageType, '/')", "ORIGINAL/PRIMARY/AXIAL"),
        ("ARRAY_TO_STRING(ImageType, NULL)", None),
        ("ARRAY_TO_STRING(JSON_VALUE_ARRAY(Extra, '$.tags'), ',', 'none')", "a,b"),
        ("'CT' LIKE ANY ('M%', 'C%')", True),
        ("'CT' LIKE ALL ('M%', 'C%')", False),
        ("'001' IN UNNEST(SPLIT(PatientID, '-'))", True),
        ("SAFE.SUBSTR(PatientID, 1, -1)", None),
        ("SAFE.LPAD(PatientID, 20, '')", None),
        ("IF(Modality = 'MR', LEFT(PatientID, -1), 'not asked')", "not asked"),
    ],
)
def test_a_text_is_what_bigquery_makes_of_it(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    found = value(connection, expression)
    assert found == expected
    assert type(found) is type(expected)


def test_a_column_is_not_taken_for_an_element() -> None:
    schema = TableSchema(
        (Column("item", SqlType.parse("STRING")), Column("a", SqlType.parse("ARRAY<STRING>")))
    )
    sql = "SELECT ARRAY_TO_STRING(a, '-', item) AS x FROM t"
    checked = check_query(sql, {"t": schema})
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT 'none' AS item, ['a', NULL, 'b'] AS a")
        values = bind(checked.parameters, today=TODAY)
        assert connection.execute(to_duckdb(checked.tree), values).fetchall() == [("a-none-b",)]


@pytest.mark.parametrize(
    "expression",
    [
        "SUBSTR(PatientID, 1, -1)",
        "LEFT(PatientID, -1)",
        "RIGHT(PatientID, -1)",
        "LPAD(PatientID, -1)",
        "RPAD(PatientID, 2, '')",
        "REPEAT(PatientID, -1)",
        "REPEAT('ab', 1000000)",
        "LPAD(PatientID, 2000000)",
        "ASCII('ä')",
        "CHR(-1)",
        "CHR(55296)",
        "CHR(9223372036854775807)",
        "TRANSLATE(PatientID, 'aa', 'xy')",
        "SAFE.SUBSTR(CAST(CAST(PatientID AS INT64) AS STRING), 1, 1)",
    ],
)
def test_where_bigquery_fails_the_query_fails(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


@pytest.mark.parametrize(
    ("condition", "message", "at"),
    [
        ("LEFT(`Hash`, 1) = b'a'", "LEFT on BYTES", "LEFT"),
        ("REVERSE(`Hash`) = b'a'", "REVERSE on BYTES", "REVERSE"),
        ("SUBSTR(PatientID, '1') = 'a'", "No matching signature for function SUBSTR", "PatientID"),
        ("SUBSTR(PatientID) = 'a'", "No matching signature for function SUBSTR", "PatientID"),
        ("TRIM(`Rows`) = 'a'", "No matching signature for function TRIM", "`Rows`"),
        ("INSTR(PatientID, 'a', -1) = 1", "INSTR from a position on", "INSTR"),
        ("CONTAINS_SUBSTR(PatientID, 'a')", "CONTAINS_SUBSTR", "CONTAINS"),
        (
            "ARRAY_TO_STRING(ImageType, ',', (SELECT MIN(t) FROM UNNEST(ImageType) t)) = 'a'",
            "a subquery for what is NULL",
            "(SELECT",
        ),
        ("PatientID NOT LIKE ANY ('a')", "NOT LIKE ANY", "("),
        ("PatientID LIKE ANY UNNEST(ImageType)", "LIKE ANY of this", "UNNEST"),
    ],
)
def test_what_is_not_taken_is_named_with_its_place(condition: str, message: str, at: str) -> None:
    error = refused(condition, message, at)
    assert error.hint
