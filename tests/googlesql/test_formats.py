"""FORMAT: the plain elements, written as BigQuery writes them."""

from __future__ import annotations

import duckdb
import pytest

from dicomfilter.googlesql.types.parameters import Parameter
from tests.googlesql.dicom import value
from tests.googlesql.metadata import refused


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("FORMAT('%s-%d', PatientID, `Rows`)", "LUNG1-001-512"),
        ("FORMAT('%05d', -3)", "-0003"),
        ("FORMAT('%5d|%-5d|%+d', 1, 2, 3)", "    1|2    |+3"),
        ("FORMAT('%i', 7)", "7"),
        ("FORMAT('%.2f', SliceThickness)", "5.00"),
        ("FORMAT('%f', 0.1)", "0.100000"),
        ("FORMAT('%.2f', 2.675)", "2.67"),
        ("FORMAT('%.0f', 2.5)", "2"),
        ("FORMAT('%.1f', -SliceThickness * 0.0)", "0.0"),
        ("FORMAT('%.1f', -CAST('nan' AS FLOAT64))", "nan"),
        ("FORMAT('%d%% {} {0}', `Rows`)", "512% {} {0}"),
        ("FORMAT('%t', StudyDate)", "2020-02-29"),
        ("FORMAT('%t|%t|%t', KVP, IsPhantom, StudyTime)", "120|false|08:30:00"),
        ("FORMAT('%t', CAST(NULL AS INT64))", "NULL"),
        ("FORMAT('%d', CAST(NULL AS INT64))", None),
        ("FORMAT('none')", "none"),
        ("FORMAT(@pattern, `Rows`)", "= 00512"),
    ],
)
def test_a_value_is_written_into_a_pattern(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    given = [Parameter.of("pattern", "= %05d")] if "@pattern" in expression else []
    assert value(connection, expression, *given) == expected


def test_a_number_of_which_printf_knows_not_all_digits_is_not_written(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(duckdb.Error, match="so large"):
        value(connection, "FORMAT('%.1f', 1e300)")


@pytest.mark.parametrize(
    ("condition", "message", "at"),
    [
        ("FORMAT('%T', Modality) = 'a'", "FORMAT with %T", "'%T'"),
        ("FORMAT('%10s', Modality) = 'a'", "FORMAT with %10s", "'%10s'"),
        ("FORMAT('%e', SliceThickness) = 'a'", "FORMAT with %e", "'%e'"),
        ("FORMAT(\"%'d\", `Rows`) = 'a'", "FORMAT with %'d", '"%'),
        ("FORMAT('%%t', `Rows`) = 'a'", "FORMAT with %%t", "'%%t'"),
        ("FORMAT(Modality, `Rows`) = 'a'", "a pattern from the table", "Modality"),
        ("FORMAT('%d', SliceThickness) = 'a'", "Invalid type for %d", "SliceThickness"),
        ("FORMAT('%f', `Rows`) = 'a'", "Invalid type for %f", "`Rows`"),
        ("FORMAT('%t', SliceThickness) = 'a'", "%t of FLOAT64", "SliceThickness"),
        ("FORMAT('%.1f', KVP) = 'a'", "%f of NUMERIC", "KVP"),
        ("FORMAT('%d') = 'a'", "0 values for 1 elements", "FORMAT"),
        ("FORMAT('a', 1) = 'a'", "1 values for 0 elements", "FORMAT"),
        ("FORMAT(1) = 'a'", "No matching signature for function FORMAT", "1"),
    ],
)
def test_what_is_not_taken_is_named_with_its_place(condition: str, message: str, at: str) -> None:
    error = refused(condition, message, at)
    assert error.hint or "signature" in message
