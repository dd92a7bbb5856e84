"""What BigQuery computes and fails over, DuckDB does not leave out beside a NULL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import duckdb

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    "condition",
    [
        "CAST(PatientID AS INT64) = @nonumber",
        "CAST(PatientID AS INT64) > 5 + @nonumber",
        "-CAST(PatientID AS INT64) + @nonumber IS NULL",
        "CONCAT(@nothing, CAST(DIV(1, 0) AS STRING)) = 'x'",
        "SAFE.DIV(DIV(1, 0), @nonumber) IS NULL",
        "DIV(1, 0) IS NOT DISTINCT FROM @nonumber",
        "NULLIF(@nonumber, DIV(1, 0)) IS NULL",
        "STRUCT(1, DIV(1, 0)) IS NULL",
        "(NULL, DIV(1, 0)) = (1, 2)",
        "(@letters, SUBSTR(Modality, -1, -1)) IN (('a', 'b'))",
        "1 IN (1, CAST(PatientID AS INT64))",
        "1.5 IN (1.5, CAST(PatientID AS FLOAT64))",
        "1 BETWEEN 2 AND CAST(PatientID AS INT64)",
        "@nonumber BETWEEN 2 AND CAST(PatientID AS INT64)",
        "NULL AND AcquisitionDateTime != DATETIME(SeriesNumber, 12, 29, 23, 60, 60)",
        "FALSE AND SUBSTR(PatientID, 1, @less) = 'a'",
        "CAST(PatientID AS INT64) = SeriesNumber + @nonumber",
        "CAST(PatientID AS INT64) = ABS(SeriesNumber * @nonumber)",
        "CHR(SeriesNumber - 100) = PatientID || @nothing",
        "CHR(SeriesNumber - 100) = REPLACE(PatientID, 'a', @nothing)",
        "CHR(SeriesNumber - 100) = CASE PatientID WHEN @nothing THEN 'x' END",
        "(CHR(SeriesNumber - 100) = 'a') = (PatientID = @nothing)",
        "STRING(Extra) = ImageType[SAFE_OFFSET(-1)]",
        "(SELECT DIV(SeriesNumber, 0)) = @nonumber",
        "DIV(SeriesNumber, 0) IN (SELECT @nonumber)",
    ],
)
def test_an_error_is_one_beside_what_decides(
    connection: duckdb.DuckDBPyConnection, condition: str
) -> None:
    from dicomfilter.googlesql.types.parameters import Parameter
    from tests.googlesql.differential import Verdict, compare
    from tests.googlesql.grammar import PARAMETERS

    parameters = [*PARAMETERS, Parameter.of("less", -1)]
    used = [p for p in parameters if f"@{p.name}" in condition]
    found = compare(connection, f"SELECT SOPInstanceUID FROM d WHERE {condition}", used)
    assert found.verdict is Verdict.BOTH_REFUSE, found.detail


@pytest.mark.parametrize(
    "condition",
    [
        "Columns + 1*2 + 2*3 + 3*4 + 4*5 + 5*6 + 6*7 + 7*8 + 8*9 + 9*10 + 10*11 + 11*12 > 5",
        "MOD(Columns + 1*2 + 2*3 + 3*4 + 4*5 + 5*6 + 6*7 + 7*8 + 8*9, 7) = 1",
        "REPLACE(" * 12 + "PatientID" + ", CHR(65), '')" * 12 + " = 'a'",
    ],
)
def test_what_cannot_be_null_is_written_once(
    connection: duckdb.DuckDBPyConnection, condition: str
) -> None:
    from tests.googlesql.differential import Verdict, compare

    found = compare(connection, f"SELECT SOPInstanceUID FROM d WHERE {condition}")
    assert found.verdict is Verdict.SAME, found.detail


@pytest.mark.timeout(20)
def test_many_nulls_are_answered(connection: duckdb.DuckDBPyConnection) -> None:
    from tests.googlesql.dicom import TODAY, run
    from tests.googlesql.grammar import PARAMETERS

    sql = f"SELECT KVP FROM d WHERE InstanceSize{' & @nonumber' * 30} = 1"
    given = [p for p in PARAMETERS if p.name == "nonumber"]
    assert run(connection, sql, parameters=given, today=TODAY).rows == []


@pytest.mark.parametrize("sign", ["+", "-", "*"])
def test_an_overflow_is_no_other_comparison(
    connection: duckdb.DuckDBPyConnection, sign: str
) -> None:
    from tests.googlesql.differential import Verdict, compare

    condition = f"9223372036854775807 {sign} (-2 - InstanceSize) > 5"
    found = compare(connection, f"SELECT SOPInstanceUID FROM e WHERE {condition}")
    assert found.verdict is Verdict.BOTH_REFUSE, found.detail


def test_a_value_that_is_there_is_compared_plainly() -> None:
    from dicomfilter.googlesql import check_query, to_duckdb
    from dicomfilter.googlesql.types.parameters import Parameter
    from tests.googlesql.dicom import tables

    schemas = {name: held.schema for name, held in tables().items()}
    sql = "SELECT SOPInstanceUID FROM d WHERE CAST(PatientID AS INT64) = @n"

    def text(given: Parameter) -> str:
        return to_duckdb(check_query(sql, schemas, parameters=[given]).tree)

    assert "HASH" not in text(Parameter.of("n", 5)).upper()
    assert "HASH" in text(Parameter.parse("n:INT64:NULL")).upper()


def test_a_subquery_that_a_rewrite_names_often_is_computed_once(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    from tests.googlesql.differential import Verdict, compare

    counted = "(SELECT COUNTIF(y.IsPhantom) FROM d AS y WHERE y.PatientID = d.PatientID)"
    sql = f"SELECT KVP FROM d WHERE KVP > MOD(SAFE.DIV(NUMERIC '0', {counted}), 5)"
    assert compare(connection, sql).verdict is Verdict.SAME


def test_rows_are_looked_at_before_groups(connection: duckdb.DuckDBPyConnection) -> None:
    from tests.googlesql.differential import Verdict, compare

    sql = "SELECT Modality FROM d WHERE DIV(1, 0) = 1 GROUP BY Modality HAVING Modality IS NULL"
    assert compare(connection, sql).verdict is Verdict.BOTH_REFUSE
    sql = "SELECT Modality FROM d WHERE DIV(Columns, 5) > 1 GROUP BY 1 HAVING Modality = 'CT'"
    assert compare(connection, sql).verdict is Verdict.SAME


@pytest.mark.parametrize(
    "condition",
    [
        "NULLIF(SeriesNumber, SeriesNumber) + (InstanceSize + 9223372036854775807) = 3",
        "SAFE_CAST('x' AS INT64) = CAST(PatientID AS INT64)",
        "SAFE_CAST(Modality AS DATE) < PARSE_DATE('%Y', PatientID)",
        "SAFE_CAST(Modality AS DATE) = DATE_ADD(PatientBirthDate, INTERVAL 9000 YEAR)",
        "JSON_VALUE(Extra, '$.zz') = ImageType[OFFSET(7)]",
        "CONCAT(JSON_VALUE(Extra, '$.zz'), ImageType[OFFSET(7)]) = 'x'",
        "IF(Modality = 'none', Modality, NULL) > CHR(SeriesNumber - 1000)",
        "REGEXP_EXTRACT(PatientID, 'zz+') LIKE ImageType[OFFSET(7)]",
        "(SELECT MAX(x) FROM UNNEST(ImageType) x WHERE x = 'zz') = ImageType[OFFSET(7)]",
        "ImageType[OFFSET(7)] = (SELECT MAX(x) FROM UNNEST(ImageType) x WHERE x = 'zz')",
        "ImageType[OFFSET(7)] IN (SELECT Modality FROM d WHERE FALSE)",
        "(Modality, ImageType[OFFSET(7)]) IN (SELECT AS STRUCT Modality, Modality FROM d WHERE FALSE)",
        "DATE_DIFF(SAFE_CAST(Modality AS DATE), PARSE_DATE('%Y', PatientID), DAY) > 3",
        "DATE_DIFF(PARSE_DATE('%Y', PatientID), SAFE_CAST(Modality AS DATE), DAY) > 3",
        "SUBSTR(NULLIF(Modality, Modality), CAST(PatientID AS INT64)) = 'a'",
        "NULLIF(Modality, Modality) IN UNNEST([ImageType[OFFSET(7)]])",
        "NULLIF(SeriesNumber, SeriesNumber) BETWEEN 1 AND CAST(PatientID AS INT64)",
        "-NULLIF(SeriesNumber, SeriesNumber) - DIV(1, SeriesNumber - SeriesNumber) = 1",
    ],
)
def test_an_error_is_one_beside_what_is_null_in_each_row(
    connection: duckdb.DuckDBPyConnection, condition: str
) -> None:
    from tests.googlesql.differential import Verdict, compare

    found = compare(connection, f"SELECT SOPInstanceUID FROM d WHERE {condition}")
    assert found.verdict is Verdict.BOTH_REFUSE, found.detail


@pytest.mark.parametrize(
    "condition",
    [
        "PatientAge = ImageType[OFFSET(7)]",
        "LOWER(PatientAge) = ImageType[OFFSET(7)]",
        "ImageType[OFFSET(7)] = PatientAge",
        "StudyDate = PARSE_DATE('%Y', PatientID)",
        "KVP * CAST(PatientID AS NUMERIC) > 1",
        "SliceThickness + CAST(PatientID AS FLOAT64) > 1",
        "Columns < CAST(PatientID AS INT64)",
        "CONCAT(PatientAge, CHR(SeriesNumber - 1000)) = 'x'",
    ],
)
def test_an_error_is_one_beside_a_column_of_parquet_that_is_null_in_each_row(
    connection: duckdb.DuckDBPyConnection, condition: str
) -> None:
    from tests.googlesql.differential import Verdict, compare

    found = compare(connection, f"SELECT SOPInstanceUID FROM void WHERE {condition}")
    assert found.verdict is Verdict.BOTH_REFUSE, found.detail


def test_operands_that_cannot_fail_are_compared_plainly() -> None:
    from dicomfilter.googlesql import check_query, to_duckdb
    from tests.googlesql.dicom import tables

    schemas = {name: held.schema for name, held in tables().items()}

    def text(condition: str) -> str:
        sql = f"SELECT SOPInstanceUID FROM d WHERE {condition}"
        return to_duckdb(check_query(sql, schemas).tree).upper()

    assert "HASH" not in text("SAFE_CAST(PatientAge AS INT64) > SeriesNumber")
    assert "HASH" not in text("SeriesNumber = CAST(PatientID AS INT64)")  # which is computed first
    assert "HASH" not in text("SeriesNumber + Columns + 2 > `Rows`")
    assert "HASH" in text("CAST(PatientAge AS INT64) = CAST(PatientID AS INT64)")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) AS n FROM (SELECT ImageType[OFFSET(7)] AS x FROM d)",
        "SELECT SOPInstanceUID FROM d WHERE EXISTS (SELECT ImageType[OFFSET(7)])",
        "WITH q AS (SELECT SOPInstanceUID, CAST(PatientID AS INT64) AS n FROM d) SELECT SOPInstanceUID FROM q",
        "SELECT a FROM (SELECT Modality AS a, PARSE_DATE('%Y', PatientID) AS b FROM d)",
        "SELECT x.SOPInstanceUID FROM (SELECT SOPInstanceUID, CHR(SeriesNumber - 1000) AS c FROM d) AS x",
    ],
)
def test_what_nothing_reads_may_be_left_out(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    from tests.googlesql.differential import Verdict, compare

    assert compare(connection, sql).verdict is Verdict.LEFT_OUT
