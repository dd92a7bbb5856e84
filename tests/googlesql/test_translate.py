"""Translations, run: where DuckDB would mean something else, and where BigQuery fails."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

import duckdb
import pytest

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.types.parameters import Parameter, bind
from dicomfilter.schema import SqlType
from tests.googlesql.dicom import TODAY, run, value
from tests.googlesql.metadata import TABLES


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("DATE_SUB(DATE '2020-03-31', INTERVAL 1 MONTH)", date(2020, 2, 29)),
        ("DATE_ADD(DATE '2020-02-29', INTERVAL 1 YEAR)", date(2021, 2, 28)),
        ("DATE_ADD(DATE '2020-02-29', INTERVAL -1 WEEK)", date(2020, 2, 22)),
        ("EXTRACT(DAYOFWEEK FROM DATE '2020-03-01')", 1),
        ("EXTRACT(DAYOFWEEK FROM DATE '2020-02-29')", 7),
        ("CURRENT_DATE() = DATE '2020-03-01'", True),
        ("SAFE_CAST('9.5' AS INT64)", None),
        ("SAFE_CAST(' 0x1F ' AS INT64)", 31),
        ("SAFE_CAST('-0x8000000000000000' AS INT64)", -(2**63)),
        ("SAFE_CAST('1_000' AS INT64)", None),
        ("SAFE_CAST('0x10' AS FLOAT64)", 16.0),
        ("SAFE_CAST('2020/02/29' AS DATE)", None),
        ("SAFE_CAST('2020-2-9' AS DATE)", date(2020, 2, 9)),
        ("CONCAT('a', NULL)", None),
        (
            "CONCAT(1, TRUE, DATE '2020-02-09', TIME '08:05:00.25', NUMERIC '1.50')",
            "1true2020-02-0908:05:00.2501.5",
        ),
        ("CONCAT(DATETIME '2020-02-09 08:05:00.000250')", "2020-02-09 08:05:00.000250"),
        ("UPPER('Straße')", "STRASSE"),
        ("'100%' LIKE r'100\\%'", True),
        ("'100x' LIKE r'100\\%'", False),
        ("r'a\\b' LIKE r'a\\\\b'", True),
        ("'x' IN UNNEST(ImageType)", False),
        ("REGEXP_CONTAINS('a\\nb', 'a.b')", False),
        ("0.1 + 0.2 = 0.3", False),
        ("9007199254740993 = 9007199254740992.0", True),
        ("LENGTH('né')", 2),
        ("SAFE_CAST('nan' AS FLOAT64) = SAFE_CAST('nan' AS FLOAT64)", False),
        ("SAFE_CAST('nan' AS FLOAT64) != 1.0", True),
        ("SAFE_CAST('nan' AS FLOAT64) > 1.0", False),
        ("SAFE_CAST('nan' AS FLOAT64) IN (1.0, NULL)", None),
    ],
)
def test_an_expression_has_bigquerys_value(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    found = value(connection, expression)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "DATE_ADD(DATE '9999-12-31', INTERVAL 1 DAY)",
        "DATE_SUB(DATE '0001-01-01', INTERVAL 1 DAY)",
        "DATE_ADD(StudyDate, INTERVAL 9223372036854775807 DAY)",
        "CAST('9.5' AS INT64)",
        "CAST('9223372036854775808' AS INT64)",
        "CAST('1_000' AS INT64)",
        "CAST('1e3' AS INT64)",
        "CAST(LOWER('2020-02-29 10:00:00') AS DATE)",
        "9223372036854775807 + `Rows`",
        "-9223372036854775808 - `Rows`",
        "`Rows` * 9223372036854775807",
        "1.7976931348623157e308 * `Rows`",
        "Modality LIKE CONCAT(Modality, '\\\\')",
        "LOWER('ΑΣ')",
        "UPPER('ﬁ')",
        "SAFE_CAST('0x1.8p3' AS FLOAT64)",
    ],
)
def test_where_bigquery_fails_or_we_cannot_tell_the_query_fails(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


def test_a_sum_beyond_int64_fails(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT SUM(9223372036854775807) AS x FROM d"
    with pytest.raises(duckdb.Error):
        run(connection, sql, today=TODAY)


@pytest.mark.parametrize(
    ("pattern", "found"), [("C_", True), (r"C\_", False), ("%t", False), ("", False)]
)
def test_a_pattern_may_be_a_parameter(
    pattern: str, *, found: bool, connection: duckdb.DuckDBPyConnection
) -> None:
    assert value(connection, "Modality LIKE @p", Parameter.of("p", pattern)) is found


def test_a_bound_pattern_that_ends_in_a_backslash_fails(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(duckdb.Error, match="backslash"):
        value(connection, "Modality LIKE @p", Parameter.of("p", "C\\"))


def test_a_bound_regular_expression_is_checked(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(PredicateError, match="regular expression"):
        value(connection, "REGEXP_CONTAINS(Modality, @p)", Parameter.of("p", "("))


@pytest.mark.parametrize(
    ("text", "of", "expected"),
    [
        ("'CT'", ["CT", "MR"], True),
        ("'XX'", ["CT", "MR"], False),
        ("'XX'", [], False),
        ("LOWER(NULL)", ["CT"], None),
        ("LOWER(NULL)", [], False),
    ],
)
def test_a_bound_list_is_looked_up(
    text: str, of: list[str], expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    assert value(connection, f"{text} IN UNNEST(@ids)", Parameter.of("ids", of)) is expected


def test_a_bound_null_list_holds_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    nothing = Parameter("ids", SqlType.parse("ARRAY<STRING>"), None)
    assert value(connection, "Modality IN UNNEST(@ids)", nothing) is False


def test_a_bound_list_is_looked_up_by_a_hash_join() -> None:
    ids = Parameter.of("ids", [f"P{n}" for n in range(100_000)])
    checked = check_query(
        "SELECT COUNT(*) AS n FROM metadata WHERE PatientID IN UNNEST(@ids)",
        TABLES,
        parameters=[ids],
    )
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE metadata AS SELECT 'P' || range AS PatientID FROM range(200000)"
        )
        begun = time.monotonic()
        values = bind(checked.parameters, today=TODAY)
        assert connection.execute(to_duckdb(checked.tree), values).fetchall() == [(100_000,)]
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("of", "given"),
    [
        ("STRING", "x"),
        ("INT64", -(2**63)),
        ("FLOAT64", 0.1),
        ("BOOL", True),
        ("DATE", date(2020, 2, 29)),
        ("TIMESTAMP", datetime(2020, 2, 29, 12, 30, 0, 250_000, tzinfo=UTC)),
        ("STRING", None),
        ("DATE", None),
    ],
)
def test_a_parameter_arrives_as_it_was_given(
    of: str, given: object, connection: duckdb.DuckDBPyConnection
) -> None:
    found = value(connection, "@x", Parameter("x", SqlType.parse(of), given))
    assert found == given


def test_columns_are_called_as_bigquery_calls_them() -> None:
    checked = check_query("SELECT COUNT(*), PatientID AS `my id` FROM metadata GROUP BY 2", TABLES)
    assert [c.name for c in checked.schema] == ["f0_", "my id"]
    assert '"my id"' in to_duckdb(checked.tree)


def test_what_was_not_checked_is_not_translated() -> None:
    from sqlglot import exp

    for tree in (
        exp.select(exp.func("READ_TEXT", exp.Literal.string("/etc/passwd"))).from_("metadata"),
        exp.select("a").from_("x").where(exp.column("a").like(exp.func("foo"))),
        exp.select("a").from_(exp.func("read_csv", exp.Literal.string("x"))),
        exp.except_(exp.select("a").from_("x"), exp.select("a").from_("y")),
    ):
        with pytest.raises(PredicateError):
            to_duckdb(tree)
