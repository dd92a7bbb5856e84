"""Casts among texts, numbers, BOOL and BYTES."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from tests.googlesql.dicom import value
from tests.googlesql.metadata import refused

FLOAT = "SAFE_CAST('{}' AS FLOAT64)"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("5.0", "5"),
        ("-0.0", "0"),
        ("0.1", "0.1"),
        ("1e15", "1e+15"),
        ("123456.7", "123456.7"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("0.3333333333333333", "0.33333333333333331"),
        ("9007199254740993", "9007199254740992"),
        ("1e-5", "1e-05"),
        ("5e-324", "4.94065645841247e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("nan", "nan"),
        ("-inf", "-inf"),
    ],
)
def test_a_float_is_written_as_bigquery_writes_it(
    number: str, text: str, connection: duckdb.DuckDBPyConnection
) -> None:
    expression = FLOAT.format(number)
    assert value(connection, f"CAST({expression} AS STRING)") == text
    assert value(connection, f"CONCAT({expression}, '!')") == f"{text}!"
    assert value(connection, f"CAST(-(-({expression})) AS STRING)") == text


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("CAST(SliceThickness * 0.5 AS INT64)", 3),
        ("CAST(SliceThickness * -0.5 AS INT64)", -3),
        (f"CAST({FLOAT.format('0.49999999999999994')} AS INT64)", 0),
        (f"SAFE_CAST({FLOAT.format('9223372036854775807')} AS INT64)", None),
        (f"SAFE_CAST({FLOAT.format('nan')} AS INT64)", None),
        (f"CAST({FLOAT.format('5e-10')} AS NUMERIC)", Decimal("1E-9")),
        (f"CAST({FLOAT.format('1.5e-9')} AS NUMERIC)", Decimal("1E-9")),
        (f"CAST({FLOAT.format('1e23')} AS NUMERIC)", Decimal(99999999999999991611392)),
        (f"SAFE_CAST({FLOAT.format('inf')} AS NUMERIC)", None),
        ("CAST(KVP / 16 AS INT64)", 8),
        ("CAST(NUMERIC '-2.5' AS INT64)", -3),
        ("SAFE_CAST(NUMERIC '9223372036854775807.5' AS INT64)", None),
        ("SAFE_CAST(' +1.50 ' AS NUMERIC)", Decimal("1.5")),
        ("SAFE_CAST('.5' AS NUMERIC)", Decimal("0.5")),
        ("SAFE_CAST('1.0000000005' AS NUMERIC)", Decimal("1.000000001")),
        ("SAFE_CAST('1.5e-8' AS NUMERIC)", Decimal("1.5E-8")),
        ("SAFE_CAST('12.5E+01' AS NUMERIC)", Decimal(125)),
        ("SAFE_CAST('0x10' AS NUMERIC)", None),
        ("SAFE_CAST('1_000' AS NUMERIC)", None),
        ("SAFE_CAST('' AS NUMERIC)", None),
        ("SAFE_CAST('100000000000000000000000000000' AS NUMERIC)", None),
        ("SAFE_CAST('TrUe' AS BOOL)", True),
        ("SAFE_CAST('false' AS BOOL)", False),
        ("SAFE_CAST('1' AS BOOL)", None),
        ("SAFE_CAST(' true' AS BOOL)", None),
        ("CAST(`Rows` AS BOOL)", True),
        ("CAST(IsPhantom AS INT64)", 0),
        ("CAST('né' AS BYTES)", "né".encode()),
        ("CAST(CAST('né' AS BYTES) AS STRING)", "né"),
        ("SAFE_CAST(b'\\xff' AS STRING)", None),
        ("SAFE_CAST(NULL AS BOOL)", None),
    ],
)
def test_a_cast_is_bigquerys(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    found = value(connection, expression)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "expression",
    [
        f"CAST({FLOAT.format('1e19')} AS INT64)",
        f"CAST({FLOAT.format('nan')} AS NUMERIC)",
        "CAST('x' AS NUMERIC)",
        "CAST('yes' AS BOOL)",
        "CAST('1' AS BOOL)",
        "CAST(b'\\xff' AS STRING)",
        "SAFE_CAST('5e-10' AS NUMERIC)",
        "SAFE_CAST('1e28' AS NUMERIC)",
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
        ("SAFE_CAST(CAST(PatientID AS BYTES) AS STRING) = 'a'", "of computed BYTES", "SAFE_CAST"),
        ("KVP = 5e-10", "5e-10 as NUMERIC", "5e-10"),
    ],
)
def test_what_is_not_taken_is_named_with_its_place(condition: str, message: str, at: str) -> None:
    error = refused(condition, message, at)
    assert error.hint


@pytest.mark.parametrize(
    ("condition", "message", "at"),
    [
        ("CAST(KVP AS BOOL)", "Invalid cast from NUMERIC to BOOL", "CAST"),
        ("CAST(`Rows` AS BYTES) = b'a'", "Invalid cast from INT64 to BYTES", "CAST"),
        ("SAFE_CAST(Extra AS STRING) = 'a'", "Invalid cast from JSON to STRING", "SAFE_CAST"),
    ],
)
def test_a_cast_that_bigquery_does_not_have_is_refused_in_its_words(
    condition: str, message: str, at: str
) -> None:
    refused(condition, message, at)
