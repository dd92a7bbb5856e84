"""Each golden case: answered as Google's evaluator does, or refused aloud; never otherwise."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import duckdb
import pytest

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, to_googlesql
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import SqlType
from tests.googlesql.cells import decode, same_rows
from tests.googlesql.dicom import GOLDEN, run, tables

CASES = [
    json.loads(line)
    for line in (GOLDEN / "googlesql_cases.ndjson").read_text(encoding="utf-8").splitlines()
]
VALID = [case for case in CASES if "error" not in case]
TAKEN = [case for case in VALID if case.get("taken")]
NOT_TAKEN = [case for case in VALID if not case.get("taken")]
INVALID = [case for case in CASES if "error" in case]
TODAY = date(2026, 11, 21)


def name(case: dict[str, Any]) -> str:
    return case["id"]


def parameters(case: dict[str, Any]) -> list[Parameter]:
    found = []
    for key, (type_text, cell) in case.get("parameters", {}).items():
        of = SqlType.parse(type_text)
        value = decode(of, cell)
        found.append(Parameter(key, of, tuple(value) if isinstance(value, list) else value))
    return found


@pytest.mark.parametrize("case", TAKEN, ids=name)
def test_the_answer_is_that_of_googles_evaluator(
    case: dict[str, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    answer = run(connection, case["sql"], parameters=parameters(case), today=TODAY)
    types = [SqlType.parse(of) for _, of in case["columns"]]
    rows = [[decode(of, cell) for of, cell in zip(types, row, strict=True)] for row in case["rows"]]
    assert [of for _, of in answer.columns] == [of for _, of in case["columns"]]
    assert same_rows(answer.rows, rows, ordered=answer.ordered), answer.rows


@pytest.mark.parametrize("case", TAKEN, ids=name)
def test_the_canonical_text_has_the_same_answer(
    case: dict[str, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    schemas = {name: held.schema for name, held in tables().items()}
    checked = check_query(case["sql"], schemas, parameters=parameters(case))
    text = to_googlesql(checked.tree)
    again = run(connection, text, parameters=checked.parameters, today=TODAY)
    answer = run(connection, case["sql"], parameters=parameters(case), today=TODAY)
    assert same_rows(again.rows, answer.rows, ordered=answer.ordered), text


@pytest.mark.parametrize("case", TAKEN, ids=name)
def test_columns_have_the_names_that_bigquery_gives(
    case: dict[str, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    answer = run(connection, case["sql"], parameters=parameters(case), today=TODAY)
    for (ours, _), (theirs, _) in zip(answer.columns, case["columns"], strict=True):
        if theirs:
            assert ours.lower() == theirs.lower()
        else:
            assert ours.startswith("f")
            assert ours.endswith("_")


@pytest.mark.parametrize("case", NOT_TAKEN, ids=name)
def test_what_is_not_taken_is_refused_and_says_so(
    case: dict[str, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises((PredicateError, duckdb.Error)) as caught:  # or fails, as of a NULL in an
        run(connection, case["sql"], parameters=parameters(case), today=TODAY)  # array put out
    if isinstance(caught.value, PredicateError):
        # A translation knows a tree alone, and refuses in its own name.
        assert caught.value.sql == case["sql"] or caught.value.refused
        assert caught.value.message


@pytest.mark.parametrize("case", INVALID, ids=name)
def test_what_bigquery_rejects_is_never_answered(
    case: dict[str, Any], connection: duckdb.DuckDBPyConnection
) -> None:
    with pytest.raises((PredicateError, duckdb.Error)):
        run(connection, case["sql"], parameters=parameters(case), today=TODAY)


@pytest.mark.parametrize("case", VALID, ids=name)
def test_what_bigquery_answers_is_never_refused_in_its_name(case: dict[str, Any]) -> None:
    schemas = {name: held.schema for name, held in tables().items()}
    try:
        check_query(case["sql"], schemas, parameters=parameters(case))
    except PredicateError as error:
        # What a query may give out is BigQuery's own rule, of which the evaluator knows nothing.
        assert error.refused or error.message.startswith("Duplicate column names in the result")


def test_enough_of_the_language_is_taken_to_be_worth_it() -> None:
    conditions = [case for case in VALID if case["sql"].startswith("SELECT SOPInstanceUID FROM d")]
    taken = [case for case in conditions if case.get("taken")]
    assert len(taken) >= len(conditions) * 0.93
    assert len(TAKEN) >= len(VALID) * 0.85
