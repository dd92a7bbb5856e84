"""Queries over the ten rows, and queries as values: what comes out, and what is refused.

The evaluator says the same of all of them (`test_the_evaluator_says_so`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_condition, check_query, to_duckdb, to_googlesql
from dicomfilter.googlesql.check import aggregates
from tests.documents import codes, part
from tests.googlesql.dicom import run, tables
from tests.googlesql.metadata import PARAMETERS, SCHEMA, TABLES, marked, query_problem

TODAY = date(2026, 11, 21)
FIRST = "1.2.840.3.1"


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return run(connection, sql, today=TODAY).rows


def selected(connection: duckdb.DuckDBPyConnection, condition: str) -> list[int]:
    """Give the numbers of the rows of which a condition holds."""
    found = rows(connection, f"SELECT SOPInstanceUID FROM d WHERE {condition}")
    return sorted(int(uid.rpartition(".")[2]) for (uid,) in found)


CONDITIONS = {
    "EXISTS (SELECT 1 FROM UNNEST(ImageType) AS t WHERE t = 'DERIVED')": [2, 7, 9],
    "NOT EXISTS (SELECT 1 FROM UNNEST(ImageType) t WHERE t LIKE '%PRIMARY')": [2, 4, 5, 8],
    "EXISTS (SELECT 1 FROM UNNEST(ImageType) t WITH OFFSET o WHERE o = 0 AND t = 'ORIGINAL')": [
        1,
        3,
        6,
        10,
    ],
    "EXISTS (SELECT 1 FROM UNNEST(ImageType) WITH OFFSET WHERE offset = 3)": [3, 7],
    "EXISTS (SELECT 1 FROM UNNEST(ProcedureCodeSequence) c WHERE c.CodeValue = '24627-2')": [1, 2],
    "EXISTS (SELECT * FROM UNNEST(ProcedureCodeSequence) WHERE CodeMeaning LIKE '%t%')": [
        1,
        2,
        7,
        8,
    ],
    "EXISTS (SELECT 1 FROM d.ProcedureCodeSequence WHERE CodingSchemeDesignator = 'SRT')": [2],
    "EXISTS (SELECT 1 FROM UNNEST(ImageType) t WHERE t = Modality)": [4],
    "(SELECT COUNT(*) FROM UNNEST(ProcedureCodeSequence)) > 1": [2, 7],
    "(SELECT COUNT(*) FROM UNNEST(ImageType)) = 0": [5],
    "(SELECT t FROM UNNEST(ImageType) t WITH OFFSET o WHERE o = 1) = 'SECONDARY'": [2],
    "(SELECT MAX(x) FROM UNNEST(PixelSpacing) x) >= 1": [3, 6],
    "(SELECT LOGICAL_AND(x < 1) FROM UNNEST(PixelSpacing) x)": [1, 2, 7, 8, 9, 10],
    "Modality IN (SELECT PatientSex FROM d)": [4],
    "'PRIMARY' NOT IN (SELECT t FROM UNNEST(ImageType) t)": [2, 4, 5, 8],
    "PatientID NOT IN (SELECT PatientID FROM d WHERE Modality = 'MG')": [1, 2, 3, 4, 6, 8, 9, 10],
    "PatientID NOT IN (SELECT PatientID FROM d WHERE Modality IS NULL)": [],
    "PatientID NOT IN (SELECT PatientID FROM d WHERE FALSE)": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    "SliceThickness IN (SELECT SliceThickness FROM d)": [1, 2, 3, 4, 6, 8, 9, 10],
    "EXISTS (SELECT 1 FROM d AS y WHERE y.PatientID = d.PatientID AND y.Modality != d.Modality)": [
        1,
        2,
    ],
    "`Rows` = (SELECT MAX(`Rows`) FROM d)": [7],
    "ARRAY_LENGTH(ARRAY(SELECT t FROM UNNEST(ImageType) t WHERE t > 'N')) = 2": [1, 6, 8, 10],
    "'b' IN UNNEST(ARRAY(SELECT CONCAT(LOWER(t), 'b') FROM UNNEST(ImageType) t))": [4, 7],
}


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS.items())
def test_a_query_in_a_condition_selects_rows(
    condition: str, expected: list[int], connection: duckdb.DuckDBPyConnection
) -> None:
    assert selected(connection, condition) == expected


SELECTS: dict[str, list[tuple[Any, ...]]] = {
    "SELECT 1, 'a' AS b, NULL": [(1, "a", None)],
    "SELECT x, o FROM UNNEST(['a', 'b']) AS x WITH OFFSET o ORDER BY o DESC": [("b", 1), ("a", 0)],
    f"SELECT t, o FROM d, d.ImageType t WITH OFFSET o WHERE SOPInstanceUID = '{FIRST}' ORDER BY o": [
        ("ORIGINAL", 0),
        ("PRIMARY", 1),
        ("AXIAL", 2),
    ],
    f"SELECT ARRAY(SELECT t FROM UNNEST(ImageType) t ORDER BY t) FROM d WHERE SOPInstanceUID = '{FIRST}'": [
        (["AXIAL", "ORIGINAL", "PRIMARY"],)
    ],
    f"SELECT ARRAY(SELECT AS STRUCT t AS a, o AS b FROM UNNEST(ImageType) t WITH OFFSET o ORDER BY b DESC LIMIT 1) FROM d WHERE SOPInstanceUID = '{FIRST}'": [
        ([{"a": "AXIAL", "b": 2}],)
    ],
    f"SELECT (SELECT AS STRUCT `Rows` AS r, Modality AS m).m FROM d WHERE SOPInstanceUID = '{FIRST}'": [
        ("CT",)
    ],
    "SELECT c.CodeValue, n FROM (SELECT ProcedureCodeSequence AS s, 1 AS n FROM d) x, x.s c WHERE n = 1 AND c.CodeValue < '24606'": [
        ("24558-9", 1),
        ("24605-8", 1),
        ("24605-8", 1),
    ],
    "SELECT d.Modality, t FROM d LEFT JOIN UNNEST(ImageType) AS t ON t = 'AXIAL' WHERE Modality LIKE 'C%' ORDER BY 1": [
        ("CT", "AXIAL"),
        ("CT ", None),
    ],
    "SELECT a.Modality AS m, b.Modality AS n FROM d a JOIN d b USING (PatientID) WHERE a.SOPInstanceUID < b.SOPInstanceUID": [
        ("CT", "ct")
    ],
    "SELECT PatientID, COUNT(*) FROM d a JOIN d b USING (PatientID) GROUP BY PatientID HAVING COUNT(*) > 1": [
        ("LUNG1-001", 4)
    ],
    "SELECT a.x, b.y FROM (SELECT 1 AS x) a FULL JOIN (SELECT 2 AS y) b ON a.x = b.y ORDER BY 1": [
        (None, 2),
        (1, None),
    ],
    "SELECT a.x, b.y FROM (SELECT 1 AS x) a RIGHT JOIN (SELECT 2 AS y) b ON a.x = b.y": [(None, 2)],
    "SELECT PatientName.* FROM d WHERE Modality = 'PT'": [("Yamada^Tarou", "山田^太郎")],
    "SELECT x.* EXCEPT (b) REPLACE (a + 1 AS a), 9 AS c FROM (SELECT 1 AS a, 2 AS b) x": [(2, 9)],
    "SELECT `Rows` > 500 AS big, COUNT(*) AS n FROM d GROUP BY ALL ORDER BY n, big": [
        (None, 1),
        (False, 3),
        (True, 6),
    ],
    "SELECT SliceThickness AS s, COUNT(*) FROM d GROUP BY s ORDER BY s LIMIT 3 OFFSET 1": [
        (pytest.approx(float("nan"), nan_ok=True), 1),
        (-1.0, 1),
        (0.0, 1),
    ],
    "SELECT SliceThickness FROM d ORDER BY 1 DESC LIMIT 2": [(float("inf"),), (5.0,)],
    "SELECT KVP FROM d INTERSECT DISTINCT SELECT 0.3": [(Decimal("0.3"),)],
    "SELECT StudyDate FROM d WHERE Modality = 'CT' UNION ALL SELECT '2020-3-1' ORDER BY 1 DESC": [
        (date(2020, 3, 1),),
        (date(2020, 2, 29),),
    ],
    "SELECT 1 AS x UNION ALL SELECT 2.5 UNION ALL SELECT NULL ORDER BY x": [
        (None,),
        (1.0,),
        (2.5,),
    ],
    "SELECT Modality FROM d WHERE Modality < 'D' EXCEPT DISTINCT SELECT 'CT' ORDER BY 1": [
        ("",),
        ("CT ",),
    ],
    "SELECT AVG(KVP), AVG(`Rows`), SUM(DISTINCT Columns) FROM d WHERE `Rows` = 512": [
        (Decimal("84.750000000"), 512.0, 1023)
    ],
    "SELECT AVG(x) FROM UNNEST([NUMERIC '1', NUMERIC '1', NUMERIC '0']) x": [
        (Decimal("0.666666667"),)
    ],
    "SELECT AVG(x) FROM UNNEST([NUMERIC '-1', NUMERIC '-1', NUMERIC '0']) x": [
        (Decimal("-0.666666667"),)
    ],
    "SELECT STDDEV(x), VAR_POP(x), COUNT(x) FROM UNNEST([1, 2, 3, NULL]) x": [
        (1.0, pytest.approx(2 / 3), 3)
    ],
    "SELECT STDDEV(x), STDDEV_POP(x) FROM UNNEST([1]) x": [(None, 0.0)],
    "SELECT VARIANCE(SliceThickness) FROM d": [(pytest.approx(float("nan"), nan_ok=True),)],
    "SELECT STRING_AGG(Modality ORDER BY SOPInstanceUID DESC LIMIT 2) FROM d": [("SEG,CT ",)],
    "SELECT STRING_AGG(DISTINCT PatientSex, '|' ORDER BY PatientSex) FROM d": [("|F|M|O|f",)],
    "SELECT ARRAY_AGG(DISTINCT PatientSex IGNORE NULLS ORDER BY PatientSex DESC LIMIT 2) FROM d": [
        (["f", "O"],)
    ],
    "SELECT ARRAY_AGG(Modality ORDER BY Modality) FROM d WHERE FALSE": [([],)],
    "SELECT Modality, ARRAY_AGG(PatientAge IGNORE NULLS) AS a FROM d WHERE Modality IS NULL GROUP BY 1 HAVING a IS NULL": [
        (None, [])
    ],
    "SELECT ANY_VALUE(ImageType) FROM d WHERE Modality = 'SEG'": [(["DERIVED", "PRIMARY"],)],
    "SELECT x, RANK() OVER (ORDER BY x) AS r, SUM(x) OVER (ORDER BY x) AS s, LAG(x, 1, 0) OVER (ORDER BY x) AS l FROM UNNEST([1, 2, 2, 3]) x ORDER BY x, l": [
        (1, 1, 1, 0),
        (2, 2, 5, 1),
        (2, 2, 5, 2),
        (3, 4, 8, 2),
    ],
    "SELECT x, MAX(x) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS m, FIRST_VALUE(x) OVER w AS f FROM UNNEST([3, 1, 2]) x WINDOW w AS (ORDER BY x DESC) ORDER BY x": [
        (1, 2, 3),
        (2, 3, 3),
        (3, 3, 3),
    ],
    "SELECT x FROM UNNEST([3, 1, 2]) x WHERE TRUE QUALIFY ROW_NUMBER() OVER (ORDER BY x) = 2": [
        (2,)
    ],
    "WITH q AS (SELECT Modality AS m FROM d WHERE Modality > 'S') SELECT a.m, b.m AS n FROM q a CROSS JOIN q b WHERE a.m < b.m ORDER BY 1, 2": [
        ("SEG", "US"),
        ("SEG", "ct"),
        ("US", "ct"),
    ],
    "SELECT IF(Modality = 'none', ERROR('no'), Modality) FROM d WHERE Modality = 'CT'": [("CT",)],
}


@pytest.mark.parametrize(("sql", "expected"), SELECTS.items())
def test_a_query_gives_rows(
    sql: str, expected: list[tuple[Any, ...]], connection: duckdb.DuckDBPyConnection
) -> None:
    found = run(connection, sql, today=TODAY)
    assert (
        found.rows == expected
        if found.ordered
        else sorted(found.rows, key=repr) == sorted(expected, key=repr)
    )


FAILING = {
    "SELECT (SELECT t FROM UNNEST(ImageType) t) FROM d": "More than one row",
    "SELECT ARRAY(SELECT CodeValue FROM UNNEST(ProcedureCodeSequence)) FROM d": "null element",
    "SELECT ARRAY_AGG(Modality) FROM d": "null element",
    "SELECT a FROM (SELECT ARRAY_AGG(Modality) AS a FROM d)": "null element",
    "SELECT * FROM (SELECT ARRAY_AGG(Modality) AS a FROM d)": "null element",
    "SELECT SUM(x) FROM UNNEST([9223372036854775807, 1]) x": "out of range",
    "SELECT SUM(x) OVER (ORDER BY x) FROM UNNEST([9223372036854775807, 1]) x": "out of range",
    "SELECT ERROR('so it is')": "so it is",
}


@pytest.mark.parametrize(("sql", "message"), FAILING.items())
def test_what_fails_in_bigquery_fails_here(
    sql: str, message: str, connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises(duckdb.Error, match=message):
        run(connection, sql, today=TODAY)


@pytest.mark.oracle
@pytest.mark.timeout(120)
def test_the_evaluator_says_so(connection: duckdb.DuckDBPyConnection) -> None:
    from tests.googlesql.differential import Verdict, compare

    texts = [f"SELECT SOPInstanceUID FROM d WHERE {condition}" for condition in CONDITIONS]
    for sql in (*texts, *SELECTS, *FAILING):
        found = compare(connection, sql)
        assert found.verdict in (Verdict.SAME, Verdict.BOTH_REFUSE), found


REFUSED = [
    ("SELECT Modality FROM metadata TABLESAMPLE SYSTEM (1 PERCENT)", "TABLESAMPLE", "TABLESAMPLE"),
    ("SELECT 1 FROM metadata NATURAL JOIN metadata AS b", "NATURAL behind FROM", "NATURAL"),
    ("SELECT 1 FROM metadata PIVOT(COUNT(*) FOR Modality IN ('CT'))", "PIVOT", "PIVOT"),
    ("SELECT 1 FROM metadata UNPIVOT(v FOR k IN (`Rows`))", "UNPIVOT", "UNPIVOT"),
    ("FROM metadata |> SELECT Modality", "pipe syntax", "FROM"),
    ("WITH RECURSIVE q AS (SELECT 1) SELECT 1", "WITH RECURSIVE", "RECURSIVE"),
    ("SELECT AS STRUCT 1 AS a", "SELECT AS STRUCT of a whole query", "SELECT"),
    ("SELECT AS VALUE 1", "SELECT AS VALUE", "VALUE"),
    ("SELECT 1 FROM (metadata JOIN metadata AS b ON TRUE)", "a join in parentheses", "metadata"),
    ("SELECT Modality FROM metadata GROUP BY ROLLUP(Modality)", "GROUP BY ROLLUP", "ROLLUP"),
    ("SELECT 1 AS x INTERSECT ALL SELECT 1", "INTERSECT ALL", "ALL"),
    ("SELECT APPROX_COUNT_DISTINCT(Modality) FROM metadata", "APPROX_COUNT_DISTINCT", "APPROX"),
    ("SELECT CORR(`Rows`, `Rows`) FROM metadata", "CORR", "CORR"),
    (
        "SELECT MAX(Modality HAVING MAX StudyDate) FROM metadata",
        "HAVING in an aggregate",
        "HAVING",
    ),
    (
        "SELECT RANK() OVER (ORDER BY Modality GROUPS 1 PRECEDING) FROM metadata",
        "a window frame of GROUPS",
        "GROUPS",
    ),
    (
        "SELECT 1 FROM metadata AS a WHERE EXISTS"
        " (SELECT MAX(a.Modality) FROM UNNEST(a.ImageType) AS t)",
        "MAX of a column of the query around it",
        "MAX",
    ),
    (
        "SELECT a.Modality FROM (SELECT Modality, PatientID AS Modality FROM metadata) AS a",
        "a query in a query with two columns modality",
        "(SELECT",
    ),
    (
        "SELECT a.Modality FROM metadata a FULL JOIN metadata b USING (PatientID)"
        " WHERE PatientID = 'x'",
        "PatientID of both sides of a FULL JOIN",
        "PatientID =",
    ),
]


@pytest.mark.parametrize(("sql", "message", "at"), REFUSED)
def test_what_is_not_taken_is_refused_by_name_with_a_way_round(
    sql: str, message: str, at: str
) -> None:
    error = query_problem(sql)
    assert error.refused
    assert message in error.message
    assert error.hint
    assert marked(error, len(at)) == at


REJECTED = [
    ("SELECT 1 WHERE TRUE", "cannot have a WHERE clause", "WHERE"),
    ("SELECT DISTINCT 1", "cannot use SELECT DISTINCT", "SELECT"),
    ("SELECT *", "SELECT * must have a FROM clause", "*"),
    ("SELECT COUNT(*)", "not allowed in SELECT without FROM", "SELECT"),
    (
        "SELECT 1 UNION ALL SELECT 2 EXCEPT DISTINCT SELECT 3",
        "Different set operations",
        "EXCEPT",
    ),
    ("SELECT (SELECT 1, 2)", "more than one column", "SELECT 1"),
    ("SELECT 1 IN (SELECT 1, 2)", "only one output column", "SELECT 1, 2"),
    ("SELECT 'a' IN (SELECT 1)", "uncomparable types STRING and INT64", "'a'"),
    ("SELECT ARRAY(SELECT ImageType FROM metadata)", "nested arrays", "ARRAY"),
    ("SELECT f0_ FROM (SELECT 1 + 1)", "Unrecognized name: f0_", "f0_"),
    ("SELECT a.nix FROM metadata AS a", "Unrecognized name: nix", "nix"),
    (
        "SELECT 1 FROM metadata AS a JOIN metadata AS a ON TRUE",
        "Duplicate table alias a",
        "metadata AS a ON",
    ),
    ("SELECT Modality FROM metadata AS a, metadata AS b", "Modality is ambiguous", "Modality"),
    ("SELECT 1 FROM metadata AS a JOIN metadata AS b", "Expected keyword ON", ""),
    (
        "SELECT 1 FROM metadata AS a JOIN metadata AS b USING (nix)",
        "nix in USING clause not found on left side",
        "nix",
    ),
    (
        "SELECT COUNT(*) OVER (PARTITION BY SliceThickness) FROM metadata",
        "Partitioning by expressions of type FLOAT64",
        "SliceThickness",
    ),
    ("SELECT RANK() OVER () FROM metadata", "Window ORDER BY is required", "RANK"),
    ("SELECT COUNT(*) OVER w FROM metadata", "Unrecognized window alias w", "w FROM"),
    (
        "SELECT LAG(Modality) OVER (ORDER BY Modality ROWS 1 PRECEDING) FROM metadata",
        "framing clause is not allowed for LAG",
        "ROWS",
    ),
    (
        "SELECT LENGTH(LOWER(Modality)) FROM metadata GROUP BY LOWER(Modality)",
        "neither grouped nor aggregated",
        "Modality))",
    ),
    (
        "SELECT Modality FROM metadata WHERE EXISTS"
        " (SELECT 1 FROM metadata AS b WHERE b.nix = Modality)",
        "Unrecognized name: nix",
        "nix",
    ),
    (
        "SELECT (WITH q AS (SELECT t FROM UNNEST(ImageType) AS t) SELECT COUNT(*) FROM q)"
        " FROM metadata",
        "Unrecognized name: ImageType",
        "ImageType",
    ),
    ("SELECT x.* FROM UNNEST([1]) AS x", "Dot-star is not supported for type INT64", "x.*"),
]


@pytest.mark.parametrize(("sql", "message", "at"), REJECTED)
def test_what_bigquery_rejects_is_rejected_and_said_where(sql: str, message: str, at: str) -> None:
    error = query_problem(sql)
    assert message in error.message
    assert marked(error, max(1, len(at)))[: len(at)] == at


CANONICAL = [
    "SELECT EXISTS(SELECT t FROM UNNEST(ImageType) AS t WITH OFFSET AS o WHERE t = Modality AND"
    " o = @n) FROM metadata",
    "SELECT ARRAY(SELECT AS STRUCT t FROM UNNEST(ImageType) AS t ORDER BY t LIMIT 3) FROM metadata",
    "SELECT a.Modality FROM metadata AS a LEFT JOIN metadata AS b ON a.PatientID = b.PatientID",
    "SELECT PatientID FROM metadata AS a JOIN metadata AS b USING (PatientID)",
    "SELECT * REPLACE (LOWER(Modality) AS Modality) FROM metadata",
    "SELECT PatientName.* FROM metadata",
    "SELECT Modality FROM metadata UNION DISTINCT SELECT PatientID FROM metadata ORDER BY 1 LIMIT 3"
    " OFFSET 2",
    "SELECT SUM(`Rows`) OVER (PARTITION BY Modality ORDER BY StudyDate ROWS BETWEEN 1 PRECEDING AND"
    " CURRENT ROW) AS s FROM metadata",
    "SELECT ARRAY_AGG(DISTINCT Modality IGNORE NULLS ORDER BY Modality DESC LIMIT 2) FROM metadata",
    "SELECT Modality, COUNT(*) FROM metadata GROUP BY ALL",
    "SELECT Modality IN (SELECT PatientID FROM metadata) FROM metadata",
]


@pytest.mark.parametrize("sql", CANONICAL)
def test_a_canonical_query_reads_back_as_itself(sql: str) -> None:
    checked = check_query(sql, TABLES, parameters=PARAMETERS)
    text = to_googlesql(checked.tree)
    again = check_query(text, TABLES, parameters=checked.parameters)
    assert to_googlesql(again.tree) == text
    assert to_duckdb(again.tree) == to_duckdb(checked.tree)
    assert text.replace(" ASC", "") == sql


def test_an_equal_expression_keeps_its_literals_where_that_matters() -> None:
    sql = (
        "SELECT ARRAY_AGG(DISTINCT CONCAT(Modality, 'x') ORDER BY CONCAT(Modality, 'x'))"
        " FROM metadata"
    )
    checked = check_query(sql, TABLES)
    assert [parameter.name for parameter in checked.parameters] == ["p1"]
    assert to_googlesql(checked.tree).count("@p1") == 2
    grouped = "SELECT COUNT(*) FROM metadata GROUP BY `Rows` + 1 ORDER BY `Rows` + 1"
    assert [p.name for p in check_query(grouped, TABLES).parameters] == ["p1"]


def test_a_condition_looks_at_one_row_and_its_arrays() -> None:
    condition = "PatientID IN (SELECT PatientID FROM metadata)"
    with pytest.raises(PredicateError, match="a subquery over a table in a condition") as caught:
        check_condition(condition, SCHEMA)
    assert caught.value.refused
    assert "--sql" in str(caught.value.hint)
    forgotten = "EXISTS (SELECT 1 FROM ImageType AS t WHERE t = 'X')"
    with pytest.raises(PredicateError) as caught:
        check_condition(forgotten, SCHEMA)
    assert caught.value.hint == "write UNNEST(ImageType)"
    own = "EXISTS (SELECT 1 FROM UNNEST(ImageType) AS t WHERE t = 'X')"
    assert check_condition(own, SCHEMA).columns == ("ImageType",)


def test_names_of_sources_never_clash_in_duckdb(connection: duckdb.DuckDBPyConnection) -> None:
    sql = (
        "SELECT d.Modality FROM d WHERE EXISTS (SELECT 1 FROM d AS D2 WHERE D2.PatientID ="
        " d.PatientID AND EXISTS (SELECT 1 FROM UNNEST(ImageType) AS d2 WHERE d2 = 'DERIVED'))"
    )
    assert sorted(rows(connection, sql)) == [("CT",), ("MG",), ("SEG",), ("ct",)]


def test_moments_come_through_a_union(connection: duckdb.DuckDBPyConnection) -> None:
    sql = (
        "SELECT StudyDate FROM d WHERE Modality = 'CT'"
        " UNION ALL SELECT AcquisitionDateTime FROM d WHERE Modality = 'CT'"
    )
    assert sorted(rows(connection, sql)) == [
        (datetime(2020, 2, 29),),  # noqa: DTZ001 - a DATETIME has no zone
        (datetime(2020, 2, 29, 8, 31, 5, 250000),),  # noqa: DTZ001 - nor has this
    ]


@pytest.mark.parametrize(
    ("expression", "joins"),
    [
        ("EXISTS (SELECT 1 FROM UNNEST(ImageType) AS t WHERE t = Modality)", False),
        ("EXISTS (SELECT 1 FROM UNNEST(ImageType) WITH OFFSET AS o WHERE o = 2)", False),
        ("(SELECT COUNT(*) FROM UNNEST(ImageType) AS t WHERE t LIKE 'A%') > 0", False),
        ("(SELECT COUNTIF(t = 'A') FROM UNNEST(ImageType) AS t) > 0", False),
        ("(SELECT LOWER(t) FROM UNNEST(ImageType) AS t WITH OFFSET AS o WHERE o = 0) = 'a'", False),
        ("'a' IN UNNEST(ARRAY(SELECT LOWER(t) FROM UNNEST(ImageType) AS t))", False),
        ("EXISTS (SELECT 1 FROM UNNEST(ImageType) AS t, UNNEST(ImageType) AS u)", True),
        ("(SELECT MAX(t) FROM UNNEST(ImageType) AS t) = 'a'", True),
        ("EXISTS (SELECT 1 FROM UNNEST(ImageType) AS t WHERE t IN (SELECT 'a'))", True),
        ("EXISTS (SELECT CONCAT(t, 'x') FROM UNNEST(ImageType) AS t)", True),
    ],
)
def test_a_look_at_single_elements_needs_no_join(expression: str, joins: bool) -> None:  # noqa: FBT001 - what is expected
    checked = check_query(f"SELECT PatientID FROM metadata WHERE {expression}", TABLES)
    text = to_duckdb(checked.tree)
    assert ("UNNEST(" in text) is joins, text


def test_the_names_of_elements_hide_no_column(connection: duckdb.DuckDBPyConnection) -> None:
    condition = (
        "EXISTS (SELECT 1 FROM UNNEST(ImageType) AS PatientID WHERE PatientID = 'AXIAL'"
        " AND d.PatientID = 'LUNG1-001' AND EXISTS (SELECT 1 FROM UNNEST(ProcedureCodeSequence) AS d"
        " WHERE d.CodeValue = '24627-2' AND PatientID = 'AXIAL'))"
    )
    assert selected(connection, condition) == [1]


def test_the_pages_name_all_aggregate_and_window_functions() -> None:
    assert codes(part("aggregates")) == sorted(aggregates.NAMES)


def test_the_tables_of_the_tests_are_there() -> None:
    assert {"d", "e"} <= set(tables())
