"""The schema that the tests of single rooms share, and a short way through the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_condition, check_query, to_googlesql
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import Column, SqlType, TableSchema

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMA = TableSchema(
    tuple(
        Column(name, SqlType.parse(of))
        for name, of in {
            "PatientID": "STRING",
            "PatientName": "STRUCT<Alphabetic STRUCT<FamilyName STRING, GivenName STRING>>",
            "StudyInstanceUID": "STRING",
            "StudyDate": "DATE",
            "StudyTime": "TIME",
            "AcquisitionDateTime": "DATETIME",
            "LastUpdated": "TIMESTAMP",
            "Modality": "STRING",
            "Rows": "INT64",
            "SliceThickness": "FLOAT64",
            "KVP": "NUMERIC",
            "IsPhantom": "BOOL",
            "Hash": "BYTES",
            "ImageType": "ARRAY<STRING>",
            "Extra": "JSON",
        }.items()
    )
)
TABLES = {"metadata": SCHEMA}
PARAMETERS = (
    Parameter.parse("start::2021-01-01"),
    Parameter.parse("n:INT64:10"),
    Parameter.parse('ids:ARRAY<STRING>:["a", "b"]'),
)


def canonical(sql: str, parameters: Sequence[Parameter] = PARAMETERS) -> str:
    """Check a condition and write it."""
    return to_googlesql(check_condition(sql, SCHEMA, parameters=parameters).tree)


def canonical_query(sql: str, parameters: Sequence[Parameter] = PARAMETERS) -> str:
    """Check a query and write it."""
    return to_googlesql(check_query(sql, TABLES, parameters=parameters).tree)


def lifted(sql: str) -> list[tuple[str, str, object]]:
    """Check a condition and list its parameters."""
    checked = check_condition(sql, SCHEMA, parameters=PARAMETERS)
    return [(p.name, str(p.type), p.value) for p in checked.parameters]


def problem(sql: str, parameters: Sequence[Parameter] = PARAMETERS) -> PredicateError:
    """Check a condition that must be refused, and give back why."""
    with pytest.raises(PredicateError) as caught:
        check_condition(sql, SCHEMA, parameters=parameters)
    assert caught.value.sql == sql
    return caught.value


def refused(sql: str, message: str, at: str) -> PredicateError:
    """Check a condition that must be refused in these words and for that part of it."""
    error = problem(sql)
    assert message in error.message, error.message
    assert marked(error, len(at)) == at, error.offset
    return error


def query_problem(sql: str, parameters: Sequence[Parameter] = PARAMETERS) -> PredicateError:
    """Check a query that must be refused, and give back why."""
    with pytest.raises(PredicateError) as caught:
        check_query(sql, TABLES, parameters=parameters)
    assert caught.value.sql == sql
    return caught.value


def marked(error: PredicateError, length: int = 1) -> str:
    """Cut out of the text what the caret of an error points at."""
    assert error.sql is not None
    assert error.offset is not None
    return error.sql[error.offset : error.offset + length]
