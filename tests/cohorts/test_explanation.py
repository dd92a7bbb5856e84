"""What the dialect makes of a text: both forms, and why they differ."""

from __future__ import annotations

import duckdb
import pytest
import sqlglot

from dicomfilter.cohorts.explanation import explain, is_select, standard_schema
from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.duckdb import hazards
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import Column, SqlType, TableSchema
from tests.tables import INSTANCES

TABLES = {"metadata": INSTANCES}
WIDE = TableSchema(
    tuple(
        Column(name, SqlType.parse(of))
        for name, of in {
            "s": "STRING",
            "i": "INT64",
            "f": "FLOAT64",
            "d": "DATE",
            "t": "TIMESTAMP",
            "dt": "DATETIME",
            "j": "JSON",
            "a": "ARRAY<STRING>",
        }.items()
    )
)
EXAMPLES = {
    "LIKE": "s LIKE 'a\\\\_%'",
    "/": "i / 2 > 1",
    "[]": "a[OFFSET(0)] = 'x'",
    ">>": "i >> 1 = 2",
    "EXTRACT": "EXTRACT(DAYOFWEEK FROM d) = 1",
    "||": "s || s = 'x'",
    "comparison of FLOAT64": "f > 2",
    "SAFE_CAST AS INT64": "SAFE_CAST(s AS INT64) = 1",
    "CAST AS DATE": "CAST(s AS DATE) = d",
    "UPPER": "UPPER(s) = 'X'",
    "SUBSTR": "SUBSTR(s, 0, 2) = 'x'",
    "DATE_DIFF": "DATE_DIFF(d, DATE '2020-01-01', WEEK) = 1",
    "DATE_TRUNC": "DATE_TRUNC(d, WEEK) = d",
    "DATE_SUB": "DATE_SUB(d, INTERVAL 1 DAY) = d",
    "REGEXP_EXTRACT": "REGEXP_EXTRACT(s, 'x') IS NULL",
    "REGEXP_REPLACE": "REGEXP_REPLACE(s, 'x', 'y') = s",
    "TIMESTAMP_DIFF": "TIMESTAMP_DIFF(t, t, DAY) = 0",
    "SAFE_DIVIDE": "SAFE_DIVIDE(i, 2) > 1",
    "JSON_VALUE": "JSON_VALUE(j, '$.a') = 'x'",
    "MOD": "MOD(i, 2) = 0",
}


def test_a_condition_is_told_in_both_dialects_with_what_it_binds() -> None:
    found = explain("Modality LIKE 'C\\\\_%'", TABLES)
    assert found.googlesql == "Modality LIKE @p1"
    assert [str(parameter) for parameter in found.parameters] == ["p1:STRING:C\\_%"]
    assert "ESCAPE" in found.duckdb
    assert dict(found.rewritten).keys() == {"LIKE"}
    assert found.columns == ()


def test_a_select_is_told_with_the_columns_that_come_out() -> None:
    found = explain(
        "SELECT Modality, COUNT(*) AS n FROM metadata WHERE Modality = @m GROUP BY 1",
        TABLES,
        parameters=[Parameter.of("m", "CT")],
    )
    assert [str(column.type) for column in found.columns] == ["STRING", "INT64"]
    assert found.rewritten == ()


@pytest.mark.parametrize("construct", EXAMPLES)
def test_what_is_said_to_be_rewritten_is_not_what_a_plain_translation_gives(
    construct: str,
) -> None:
    found = explain(EXAMPLES[construct], {"metadata": WIDE})
    assert construct in dict(found.rewritten)
    plain = sqlglot.transpile(
        f"SELECT * FROM metadata WHERE {EXAMPLES[construct]}", read="bigquery", write="duckdb"
    )
    assert found.duckdb != plain[0]
    duckdb.extract_statements(found.duckdb)


def test_nothing_is_said_of_what_means_the_same() -> None:
    found = explain("s = 'x' AND i IN (1, 2) AND d >= DATE '2020-01-01'", {"metadata": WIDE})
    assert found.rewritten == ()


def test_every_reason_is_a_sentence_and_of_a_function_that_is_taken() -> None:
    from dicomfilter.googlesql.check import aggregates, functions

    known = {*functions.NAMES, *aggregates.NAMES}
    assert set(hazards._FUNCTIONS) - known == set()
    for why in (*hazards._FUNCTIONS.values(), *hazards._CASTS.values()):
        assert why[0].islower() or not why[0].isalpha() or why.startswith(("DuckDB", "NULL", "NaN"))
        assert not why.endswith(".")


@pytest.mark.parametrize("sql", ["SELECT 1", "(SELECT 1)", "with a AS (SELECT 1) SELECT 2"])
def test_a_select_is_told_from_a_condition(sql: str) -> None:
    assert is_select(sql)
    assert not is_select("SELECTED = 1")


def test_without_a_table_the_columns_are_the_standards() -> None:
    schema = standard_schema()
    assert str(schema.find("StudyDate").type) == "DATE"  # type: ignore[union-attr]
    assert schema.find("PatientName") is not None
    assert schema.find("ProcedureCodeSequence") is None
    with pytest.raises(PredicateError):
        explain("StudyDate = 20210101", {"metadata": schema})
