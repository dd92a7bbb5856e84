"""Conditions: what they become, and what is said of those that are none."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest

from dicomfilter.errors import ParameterError, PredicateError
from dicomfilter.googlesql import check_condition
from dicomfilter.googlesql.types.parameters import Origin, Parameter
from tests.googlesql.metadata import SCHEMA, canonical, lifted, marked, problem


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("modality = 'CT'", "Modality = @p1"),
        ("`rows` > 2", "`Rows` > @p1"),
        ("metadata.rows > 2", "metadata.`Rows` > @p1"),
        ("a = 1 OR TRUE", None),
        (
            "patientname.alphabetic.FAMILYNAME LIKE 'A%'",
            "PatientName.Alphabetic.FamilyName LIKE @p1",
        ),
        ("Modality NOT LIKE 'A%'", "NOT Modality LIKE @p1"),
        ("Modality NOT IN ('CT', 'MR')", "NOT Modality IN (@p1, @p2)"),
        ("`Rows` BETWEEN 1 AND 2 AND IsPhantom", "`Rows` BETWEEN @p1 AND @p2 AND IsPhantom"),
        ("StudyDate IS NOT NULL", "NOT StudyDate IS NULL"),
        ("IsPhantom IS NOT TRUE", "NOT IsPhantom IS TRUE"),
        ("((Modality)) = (('CT'))", "Modality = @p1"),
        ("NOT (Modality = 'CT' OR IsPhantom)", "NOT (Modality = @p1 OR IsPhantom)"),
        ("PatientID IN UNNEST(@ids)", "PatientID IN UNNEST(@ids)"),
        ("'ORIGINAL' IN UNNEST(ImageType)", "@p1 IN UNNEST(ImageType)"),
        ("StudyDate >= @START", "StudyDate >= CAST(@start AS DATE)"),
        ("SliceThickness > `Rows`", "SliceThickness > CAST(`Rows` AS FLOAT64)"),
        ("if(IsPhantom, 1, 2) = 1", "IF(IsPhantom, @p1, @p2) = @p3"),
        (
            "CASE Modality WHEN 'CT' THEN 1 ELSE NULL END = 1",
            "CASE WHEN Modality = @p1 THEN @p2 ELSE NULL END = @p3",
        ),
        ("StudyDate < CURRENT_DATE()", "StudyDate < @current_date"),
        ("StudyDate < CURRENT_DATE", "StudyDate < @current_date"),
        ("Modality || 'x' = 'CTx'", "Modality || @p1 = @p2"),
        ("-`Rows` < - 5", "-`Rows` < @p1"),
        ("EXTRACT(YEAR FROM StudyDate) = 2020", "EXTRACT(YEAR FROM StudyDate) = @p1"),
    ],
)
def test_a_condition_has_one_canonical_form(sql: str, expected: str | None) -> None:
    if expected is None:
        assert marked(problem(sql)) == "a"
    else:
        assert canonical(sql) == expected
        again = check_condition(
            sql,
            SCHEMA,
            parameters=[
                Parameter.parse("start::2021-01-01"),
                Parameter.parse('ids:ARRAY<STRING>:["a"]'),
            ],
        )
        assert canonical(expected, (*again.parameters,)) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("Modality = 'CT'", [("p1", "STRING", "CT")]),
        ("StudyDate >= '2010-1-2'", [("p1", "DATE", date(2010, 1, 2))]),
        ("StudyDate = DATE '2010-01-02'", [("p1", "DATE", date(2010, 1, 2))]),
        ("KVP > 1.5", [("p1", "NUMERIC", Decimal("1.5"))]),
        ("KVP > 2", [("p1", "NUMERIC", Decimal(2))]),
        ("SliceThickness > 2", [("p1", "FLOAT64", 2.0)]),
        ("`Rows` > 1.5", [("p1", "FLOAT64", 1.5)]),
        ("`Rows` = 0x10", [("p1", "INT64", 16)]),
        (
            "StudyDate > DATE_SUB(CURRENT_DATE(), INTERVAL 30 DAY)",
            [("current_date", "DATE", None), ("p1", "INT64", 30)],
        ),
        ("IsPhantom = TRUE", []),
        ("`Rows` = @n", [("n", "INT64", 10)]),
    ],
)
def test_every_literal_becomes_a_parameter_of_the_type_it_is_coerced_to(
    sql: str, expected: list[tuple[str, str, object]]
) -> None:
    assert lifted(sql) == expected


def test_no_value_stays_in_the_canonical_text() -> None:
    text = canonical("PatientID = 'DOE' AND StudyDate IN ('2020-01-01') AND `Rows` = 4711")
    assert not {"DOE", "2020", "4711"} & set(text.replace("'", " ").split())


def test_lifted_names_start_where_asked_and_skip_taken_ones() -> None:
    taken = Parameter.parse("P4::x")
    checked = check_condition("Modality IN ('a', 'b', @p4)", SCHEMA, parameters=[taken], first=3)
    assert [p.name for p in checked.parameters] == ["p3", "p5", "P4"]
    assert [p.origin for p in checked.parameters] == [Origin.LITERAL, Origin.LITERAL, Origin.USER]


def test_unused_parameters_are_left_out() -> None:
    assert lifted("IsPhantom") == []


def test_columns_are_listed_once_in_order_of_first_use() -> None:
    checked = check_condition(
        "modality = 'CT' AND PatientName.Alphabetic.FamilyName = 'x' AND Modality != 'x'", SCHEMA
    )
    assert checked.columns == ("Modality", "PatientName")


def test_the_clock_is_not_bound_at_check() -> None:
    checked = check_condition("StudyDate = CURRENT_DATE()", SCHEMA)
    assert [(p.origin, p.value) for p in checked.parameters] == [(Origin.CLOCK, None)]


def test_every_expression_has_its_type() -> None:
    from sqlglot import exp

    checked = check_condition(
        "Modality IN ('CT') AND NOT (StudyDate > '2020-01-01') AND LOWER(Modality) LIKE 'a%'"
        " AND IF(IsPhantom, SliceThickness, 1) > 2 AND 'x' IN UNNEST(ImageType)",
        SCHEMA,
    )
    plumbing = (exp.Identifier, exp.Var, exp.DataType, exp.ColumnDef)
    untyped = [n for n in checked.tree.walk() if n.type is None and not isinstance(n, plumbing)]
    assert not untyped


@pytest.mark.parametrize(
    ("sql", "message", "at", "hint"),
    [
        (
            "PatientID = 19045",
            "No matching signature for operator = for argument types: STRING, INT64",
            "PatientID",
            "'19045'",
        ),
        (
            "`Rows` = '512'",
            "No matching signature for operator = for argument types: INT64, STRING",
            "`Rows`",
            "leave out the quotes: 512",
        ),
        (
            "PatientIDD = 'x'",
            "Unrecognized name: PatientIDD; Did you mean PatientID?",
            "PatientIDD",
            "PatientID",
        ),
        ("Modality = CT", "Unrecognized name: CT", "CT", "put text between quotes: 'CT'"),
        ("Modality IN ('MR', CT)", "Unrecognized name: CT", "CT", "between quotes: 'CT'"),
        ("Modality BETWEEN CT AND 'MR'", "Unrecognized name: CT", "CT", "between quotes: 'CT'"),
        ("STARTS_WITH(Modality, CT)", "Unrecognized name: CT", "CT", "between quotes: 'CT'"),
        ("LOWER(Foo) = 'x'", "Unrecognized name: Foo", "Foo", "columns"),
        ("Foo = 'x'", "Unrecognized name: Foo", "Foo", "columns"),
        ("Modality = `CT`", "Unrecognized name: CT", "`CT`", "columns"),
        ("Modality = head.CT", "Unrecognized name: head", "head", "columns"),
        (
            "ImageType = 'X'",
            "= is not defined for arguments of type ARRAY<STRING>",
            "ImageType",
            "'X' IN UNNEST(ImageType)",
        ),
        (
            "PatientName = 'DOE'",
            (
                "No matching signature for operator = for argument types: STRUCT<Alphabetic "
                "STRUCT<FamilyName STRING, GivenName STRING>>, STRING"
            ),
            "PatientName",
            "PatientName.Alphabetic.FamilyName = 'DOE'",
        ),
        (
            "PatientName.Alphabetic.FamilyNam = 'x'",
            (
                "Field name FamilyNam does not exist in PatientName.Alphabetic; "
                "Did you mean FamilyName?"
            ),
            "FamilyNam",
            "FamilyName, GivenName",
        ),
        (
            "StudyDate = 20200101",
            "No matching signature for operator = for argument types: DATE, INT64",
            "StudyDate",
            "write DATE '2020-01-01'",
        ),
        (
            "StudyDate = '20200101'",
            'Could not cast literal "20200101" to type DATE',
            "'20200101'",
            "write DATE '2020-01-01'",
        ),
        (
            "StudyDate = 'last week'",
            'Could not cast literal "last week" to type DATE',
            "'last week'",
            "write a date as '2021-01-31'",
        ),
        ("StudyTime > '120000'", None, "'120000'", "write TIME '12:00:00'"),
        ("ImageType = 'PRIMARY'", None, "ImageType", "'PRIMARY' IN UNNEST(ImageType)"),
        (
            "ImageType LIKE 'PRI%'",
            None,
            "ImageType",
            "EXISTS (SELECT 1 FROM UNNEST(ImageType) AS x WHERE x LIKE 'PRI%')",
        ),
        ("EchoTime > 1", "Unrecognized name: EchoTime", "EchoTime", "EchoTime of DICOM is not in"),
        ("Rows = 512", "Syntax error: Unexpected keyword ROWS", "Rows", "`Rows`"),
        ("Hash IS NULL", "Syntax error: Unexpected keyword HASH", "Hash", "`Hash`"),
        ("Modality = NULL", "Operands of = cannot be literal NULL", "NULL", "IS NULL"),
        ("NOT NULL", "Operands of NOT cannot be literal NULL", "NULL", None),
        ("Modality LIKE NULL", "Operands of LIKE cannot be literal NULL", "NULL", None),
        ("`Rows`", "WHERE clause should return type BOOL, but returns INT64", "`Rows`", "compare"),
        (
            "`Rows` AND IsPhantom",
            "No matching signature for operator AND for argument type: INT64",
            "`Rows`",
            "compare",
        ),
        ("Modality LIKE 'a\\\\'", "LIKE pattern ends with a backslash", "'a\\\\'", None),
        ("Modality = 'a' = TRUE", 'Syntax error: Expected end of input but got "="', "=", None),
        ("Modality = NOT IsPhantom", "Syntax error: Unexpected keyword NOT", "NOT", None),
        (
            "Modality IN 'CT'",
            'Syntax error: Expected "(" or keyword UNNEST after IN',
            "'CT'",
            "UNNEST",
        ),
        ("Modality =", "Syntax error: Unexpected end of statement", "", None),
        ("Modality = @nix", "Query parameter 'nix' not found", "@nix", "--param nix:TYPE:VALUE"),
        ("Modality = @idz", "Query parameter 'idz' not found", "@idz", "did you mean @ids?"),
        ("LOWR(Modality) = 'x'", None, "LOWR", "did you mean LOWER?"),
        ("LOWER(Modality, 'x') = 'x'", None, "Modality", None),
        (
            "LENGTH(`Rows`) = 3",
            "No matching signature for function LENGTH for argument type: INT64",
            "`Rows`",
            None,
        ),
        ("REGEXP_CONTAINS(Modality, '(')", None, "'('", "RE2"),
        (
            "COUNT(*) > 1",
            "Aggregate function COUNT not allowed in WHERE clause",
            "COUNT",
            "dicomfilter count",
        ),
        ("CURRENT_DATE('Asia/Tokyo') = StudyDate", None, "'Asia/Tokyo'", "leave it out"),
        ("StudyDate - 1.5 = '2020-01-01'", None, "StudyDate", "DATE_SUB"),
    ],
)
def test_a_refusal_says_why_where_and_a_way_round(
    sql: str, message: str | None, at: str, hint: str | None
) -> None:
    error = problem(sql)
    if message is not None:
        assert error.message == message
    assert marked(error, max(1, len(at))) == at
    if hint is not None:
        assert hint in (error.hint or "")


@pytest.mark.parametrize(
    "sql",
    [
        "CONTAINS_SUBSTR(Modality, 'C')",
        "JSON_VALUE(Modality, '$.a') = 'x'",
        "FORMAT('%T', Modality) = '1'",
        "Modality NOT LIKE ANY ('a', 'b')",
        "ROUND(SliceThickness, 16) = 1",
        "POW(KVP, 2) > 1",
        "GENERATE_UUID() < 'a'",
        "CURRENT_TIMESTAMP() > LastUpdated",
    ],
)
def test_what_bigquery_takes_and_we_do_not_is_marked_as_refused(sql: str) -> None:
    assert problem(sql).refused


@pytest.mark.parametrize("sql", ["TRUE", "FALSE", "NULL", "'x'", "1", "(TRUE)", "@start", " TRUE "])
def test_a_value_is_no_condition(sql: str) -> None:
    error = problem(sql)
    assert "not a condition" in error.message
    assert "--all" in (error.hint or "")


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELECT 1", "SELECT"),
        ("select * from metadata", "SELECT"),
        ("WITH x AS (SELECT 1) SELECT 1", "WITH"),
        ("INSERT INTO metadata VALUES (1)", "INSERT"),
        ("UPDATE metadata SET a = 1", "UPDATE"),
        ("DELETE FROM metadata", "DELETE"),
        ("DROP TABLE metadata", "DROP"),
        ("CREATE TABLE x (a INT64)", "CREATE"),
        ("EXPORT DATA OPTIONS()", "EXPORT"),
        ("MERGE INTO x", "MERGE"),
    ],
)
def test_a_statement_is_called_by_its_word(sql: str, word: str) -> None:
    assert problem(sql).message == f"{word} begins a statement where a condition is wanted"


def test_a_column_may_be_called_like_a_statement() -> None:
    assert "Did you mean" not in problem("Show = 1").message
    assert problem("Show = 1").message == "Unrecognized name: Show"


@pytest.mark.parametrize("sql", ["", "  ", "-- nothing"])
def test_an_empty_condition_is_refused(sql: str) -> None:
    assert problem(sql).message == "the condition is empty"


def test_where_is_left_out() -> None:
    assert problem("WHERE Modality = 'CT'").hint == "leave out WHERE"


def test_a_parameter_does_not_take_the_type_of_another() -> None:
    day = Parameter.parse("day:DATE:2021-01-31")
    error = problem("@day <= @start", (day, Parameter.parse("start::2021-01-01")))
    assert error.message == (
        "No matching signature for operator <= for argument types: DATE, STRING"
    )
    check_condition("CURRENT_DATE() > @day", SCHEMA, parameters=[day])
    assert "CAST(@start AS DATE)" in canonical("CURRENT_DATE() > @start")


def test_two_parameters_of_one_name_are_refused() -> None:
    twice = [Parameter.parse("a::x"), Parameter.parse("A::y")]
    with pytest.raises(ParameterError, match="given twice"):
        check_condition("IsPhantom", SCHEMA, parameters=twice)


def test_the_name_of_the_clock_is_taken() -> None:
    mine = Parameter.parse("Current_Date:DATE:2020-01-01")
    with pytest.raises(ParameterError, match="date of the run"):
        check_condition("IsPhantom", SCHEMA, parameters=[mine])


def test_importing_the_package_loads_no_sql_library() -> None:
    code = (
        "import sys, dicomfilter.googlesql, dicomfilter.googlesql.types.parameters;"
        "sys.exit(bool({'sqlglot', 'duckdb'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_predicate_error_is_what_a_caller_would_expect() -> None:
    with pytest.raises(ValueError, match="Unrecognized"):
        check_condition("nix = 1", SCHEMA)
    assert issubclass(PredicateError, ValueError)
