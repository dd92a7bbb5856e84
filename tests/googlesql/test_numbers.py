"""Arithmetic: what BigQuery computes, where it fails, and what is not taken."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from tests.googlesql.dicom import TODAY, run, value
from tests.googlesql.metadata import canonical, marked, problem

NAN = "CAST('nan' AS FLOAT64)"
INFINITE = "CAST('inf' AS FLOAT64)"
MOST = "NUMERIC '99999999999999999999999999999.999999999'"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("`Rows` / 3", 512 / 3),
        ("1 / 2 * 2", 1.0),
        ("0 / `Rows`", 0.0),
        ("1e308 / 1e-1 IS NULL OR TRUE", None),
        (f"1.0 / {INFINITE}", 0.0),
        ("KVP / 7", Decimal("17.142857143")),
        ("NUMERIC '-2' / 3", Decimal("-0.666666667")),
        ("NUMERIC '0.000000001' / 2", Decimal("0.000000001")),
        ("NUMERIC '0.999999999' / NUMERIC '0.999999999'", Decimal(1)),
        (f"{MOST} / 3", Decimal("33333333333333333333333333333.333333333")),
        ("KVP / 2.5", Decimal(48)),
        ("MOD(-5, 3)", -2),
        ("MOD(-9223372036854775808, -1)", 0),
        ("MOD(NUMERIC '-5.5', 2)", Decimal("-1.5")),
        ("DIV(-7, 2)", -3),
        ("DIV(NUMERIC '-7.5', 2)", Decimal(-3)),
        ("MOD(CAST(NULL AS INT64), 0)", None),
        ("ABS(NUMERIC '-1.5')", Decimal("1.5")),
        ("SIGN(-2.5)", -1.0),
        ("ROUND(2.5)", 3.0),
        ("ROUND(-2.5)", -3.0),
        ("ROUND(0.49999999999999994)", 0.0),
        ("ROUND(2.675, 2)", 2.67),
        ("ROUND(0.125, 2)", 0.13),
        ("ROUND(-0.125, 2)", -0.13),
        ("ROUND(1.005, 2)", 1.0),
        ("ROUND(150.0, -2)", 200.0),
        ("ROUND(149.99999999999997, -2)", 100.0),
        ("ROUND(-250, -2)", -300.0),
        ("ROUND(526336 / 1048576, 2)", 0.5),
        (f"ROUND({INFINITE}, 2)", math.inf),
        ("ROUND(1e300, 2)", 1e300),
        ("ROUND(NUMERIC '-1.235', 2)", Decimal("-1.24")),
        ("ROUND(NUMERIC '150', -2)", Decimal(200)),
        ("TRUNC(0.29, 2)", 0.28),
        ("TRUNC(-2.789, 2)", -2.78),
        ("TRUNC(289.7, -2)", 200.0),
        ("TRUNC(NUMERIC '-2.7')", Decimal(-2)),
        ("FLOOR(-2.5)", -3.0),
        ("FLOOR(2)", 2.0),
        ("CEILING(NUMERIC '2.1')", Decimal(3)),
        ("GREATEST(1, 2.5, `Rows`)", 512.0),
        ("GREATEST(1, NULL)", None),
        ("LEAST('b', 'a')", "a"),
        ("GREATEST('2020-01-01', DATE '2019-01-01')", date(2020, 1, 1)),
        ("POW(2, 10)", 1024.0),
        ("POW(0, 0)", 1.0),
        (f"POW(1, {NAN})", 1.0),
        ("SQRT(2)", math.sqrt(2)),
        ("EXP(-1000)", 0.0),
        ("LOG(512, 2)", 9.0),
        ("LOG10(1000)", 3.0),
        ("SAFE_DIVIDE(1, 0)", None),
        ("SAFE_DIVIDE(1e308, 1e-10)", None),
        ("SAFE_DIVIDE(NUMERIC '1', 3)", Decimal("0.333333333")),
        ("SAFE_ADD(9223372036854775807, 1)", None),
        (f"SAFE_ADD({MOST}, 1)", None),
        (f"SAFE_SUBTRACT({MOST}, 1)", Decimal("99999999999999999999999999998.999999999")),
        (f"SAFE_MULTIPLY({MOST}, 2)", None),
        ("SAFE_MULTIPLY(1e300, 1e300)", None),
        ("SAFE_NEGATE(-9223372036854775808)", None),
        ("IEEE_DIVIDE(1, 0)", math.inf),
        (f"IS_NAN({NAN})", True),
        ("IS_INF(1)", False),
        ("NULLIF(1, 1.0)", None),
        ("NULLIF(Modality, 'MR')", "CT"),
        (f"IS_NAN(NULLIF({NAN}, {NAN}))", True),
        (f"{NAN} IS DISTINCT FROM {NAN}", False),
        ("NULL IS NOT DISTINCT FROM `Rows`", False),
        ("5 | 3 ^ 1", 7),
        ("7 & 3 << 1", 6),
        ("1 << 63", -(2**63)),
        ("1 << 64", 0),
        ("-5 >> 1", 9223372036854775805),
        ("~5 + 1", -5),
        ("BIT_COUNT(-1)", 64),
        ("- -5", 5),
        ("-+5", -5),
        ("+KVP", Decimal(120)),
        ("KVP = 120.00000000001", True),
        ("CASE `Rows` WHEN NULL THEN 1 ELSE 2 END", 2),
        ("CASE 9007199254740993 WHEN 9007199254740992.0 THEN 1 WHEN 1 THEN 3 END", 1),
        ("NULL IN (1, 2)", None),
        ("SAFE.LN(0)", None),
        ("SAFE.DIV(1, 0)", None),
        ("SAFE.ROUND(" + MOST + ")", None),
        ("IF(FALSE, 1 / 0, 2)", 2.0),
        ("COALESCE(1, LN(0))", 1.0),
        ("COS(0)", 1.0),
    ],
)
def test_an_expression_has_bigquerys_value(
    expression: str, expected: object, connection: duckdb.DuckDBPyConnection
) -> None:
    if expression.endswith("OR TRUE"):
        with pytest.raises(duckdb.Error):
            value(connection, expression)
        return
    found = value(connection, expression)
    assert (
        found == pytest.approx(expected, rel=1e-12)
        if isinstance(expected, float)
        else (found == expected)
    )
    assert type(found) is type(expected)


@pytest.mark.parametrize("name", ["GREATEST", "LEAST"])
def test_the_extreme_of_a_nan_is_a_nan(name: str, connection: duckdb.DuckDBPyConnection) -> None:
    found = value(connection, f"{name}(1.0, {NAN})")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize(
    "expression",
    [
        "1 / 0",
        "SliceThickness / 0",
        f"{NAN} / 0",
        "SliceThickness / 1e-310",
        "KVP / 0",
        f"{MOST} / NUMERIC '0.1'",
        "MOD(5, 0)",
        "DIV(-9223372036854775808, -1)",
        "DIV(KVP, 0)",
        "ABS(-9223372036854775808)",
        "- -9223372036854775808",
        f"ROUND({MOST})",
        f"CEIL({MOST})",
        "SQRT(-1)",
        "LN(0)",
        "LOG(8, 1)",
        "LOG10(-1)",
        "EXP(710)",
        "POW(0, -1)",
        "POW(-8, 0.5)",
        "ACOS(2)",
        "1 << -1",
        "SAFE.LN(1 / 0)",
        "FALSE AND 1 / `Rows` > SQRT(-1)",
    ],
)
def test_where_bigquery_fails_the_query_fails(
    expression: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error):
        value(connection, expression)


@pytest.mark.parametrize(
    ("sql", "at", "hint"),
    [
        ("ROUND(SliceThickness, 16) = 1", "16", "ROUND(SliceThickness, 2)"),
        ("ROUND(SliceThickness, 20) = 1", "20", "ROUND(SliceThickness, 2)"),
        ("POW(KVP, 2) > 1", "POW", "CAST the argument AS FLOAT64"),
        ("`Hash` & `Hash` = `Hash`", "`Hash`", ""),
        ("SAFE.IF(TRUE, 1, 2) = 1", "SAFE.IF", "without SAFE"),
    ],
)
def test_a_refusal_names_the_construct_and_a_way_round(sql: str, at: str, hint: str) -> None:
    error = problem(sql)
    assert error.refused
    assert marked(error, len(at)) == at
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("1 / NULL > 1", "Operands of / cannot be literal NULL"),
        ("MOD(5.5, 2) = 1", "No matching signature for function MOD for argument types"),
        ("`Rows` / '2' > 1", "No matching signature for operator /"),
        ("+Modality = 'x'", "Operands of + must be numeric type but was STRING"),
        ("~SliceThickness = 1", "No matching signature for operator ~"),
        ("`Rows` & 1.5 = 1", "No matching signature for operator &"),
        ("GREATEST(ImageType, ImageType) IS NULL", "GREATEST is not defined for arguments of type"),
        ("SAFE.NOPE(1) = 1", "Function NOPE is unknown"),
        ("ROUND('1') = 1", "No matching signature for function ROUND"),
        ("Modality = 'a' IS DISTINCT FROM TRUE", "Syntax error"),
    ],
)
def test_what_bigquery_rejects_is_rejected_in_its_words(sql: str, message: str) -> None:
    assert problem(sql).message.startswith(message)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ROUND(SliceThickness, 2) = 1", "ROUND(SliceThickness, 2) = @p1"),
        ("ROUND(SliceThickness, -2) = 1", "ROUND(SliceThickness, -2) = @p1"),
        ("safe.ln(SliceThickness) > 1", "SAFE.LN(SliceThickness) > @p1"),
        ("`Rows` / 2 > 1", "CAST(`Rows` AS FLOAT64) / @p1 > @p2"),
        ("`Rows` & 1 | 2 = 3", "`Rows` & @p1 | @p2 = @p3"),
        ("Modality IS NOT DISTINCT FROM 'a'", "Modality IS NOT DISTINCT FROM @p1"),
        ("+`Rows` > - -1", "`Rows` > -@p1"),
    ],
)
def test_the_canonical_form_reads_back(sql: str, expected: str) -> None:
    assert canonical(sql) == expected


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        # a column compared with a constant leaves rows out of the scan, before anything fails
        ("SOPInstanceUID = '1.2.840.3.1' AND `Rows` / Columns = 1", 1),
        ("`Rows` / Columns = 1 AND SOPInstanceUID = '1.2.840.3.1'", 1),
        ("Columns > 0 AND `Rows` / Columns = 1", 4),
        ("Columns BETWEEN 1 AND 4096 AND (`Rows` / Columns = 1 AND IsPhantom IS NOT NULL)", 4),
        ("IF(Columns != 0, `Rows` / Columns, 0) = 1 OR SeriesNumber = 1", 5),
    ],
)
def test_a_constant_bound_of_a_column_goes_first(
    condition: str, count: int, connection: duckdb.DuckDBPyConnection
) -> None:
    rows = run(connection, f"SELECT SOPInstanceUID FROM d WHERE {condition}", today=TODAY).rows
    assert len(rows) == count


@pytest.mark.parametrize(
    "condition",
    [
        "Columns != 0 AND `Rows` / Columns = 1",
        "Columns = 0 OR `Rows` / Columns = 1",
        "NOT (Columns > 0 AND `Rows` / Columns = 1)",
        "Modality IN ('CT') AND `Rows` / Columns = 1",
        "(Columns > 0 AND `Rows` / Columns = 1) OR IsPhantom",
    ],
)
def test_all_other_operands_of_and_and_or_are_looked_at(
    condition: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error, match="division by zero"):
        run(connection, f"SELECT SOPInstanceUID FROM d WHERE {condition}", today=TODAY)


def test_nested_rewrites_do_not_multiply(connection: duckdb.DuckDBPyConnection) -> None:
    by = " / ".join(["2"] * 12)
    assert value(connection, f"SliceThickness / {by}") == 5 / 2**12
    assert value(connection, "ROUND(KVP / 7 / 7 / 7 / 7, 3)") == Decimal("0.05")
    assert value(connection, "SAFE_DIVIDE(SAFE_DIVIDE(SAFE_DIVIDE(KVP, 2), 0), 3)") is None


def test_only_the_errors_of_the_function_itself_are_safe(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert value(connection, "SAFE.SQRT(SAFE.LN(0))") is None
    assert value(connection, "SAFE_DIVIDE(1, SAFE_DIVIDE(1, 0))") is None
    with pytest.raises(duckdb.Error, match="division by zero"):
        value(connection, "SAFE.SQRT(1 / (SeriesNumber - 2))")
    with pytest.raises(duckdb.Error, match="Floating point error"):
        value(connection, "SAFE_DIVIDE(LN(SeriesNumber - 2), 2)")
