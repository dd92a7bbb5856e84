"""Single queries at the edges of the language, asked of the evaluator as the test runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.googlesql.dicom import GOLDEN
from tests.googlesql.grammar import PARAMETERS

if TYPE_CHECKING:
    import duckdb

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(300)]


def queries(name: str) -> list[str]:
    lines = (GOLDEN / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("--")]


FAILING = queries("run_time_errors.sql")
EDGES = queries("googlesql_edges.sql")


@pytest.mark.parametrize("sql", FAILING)
def test_what_fails_in_bigquery_gives_no_rows_here(
    sql: str, connection: duckdb.DuckDBPyConnection
) -> None:
    from tests.googlesql.differential import Verdict, compare
    from tests.googlesql.oracle import Refusal, oracle

    theirs = oracle().ask(sql)
    assert isinstance(theirs, Refusal)
    assert theirs.at_run_time, theirs.message
    assert compare(connection, sql).verdict is Verdict.BOTH_REFUSE


def test_most_of_it_fails_as_it_runs_and_is_not_refused_beforehand(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    from dicomfilter.errors import PredicateError
    from tests.googlesql.dicom import run
    from tests.googlesql.differential import TODAY

    refused = []
    for sql in FAILING:
        try:
            run(connection, sql, today=TODAY)
        except PredicateError as error:
            refused += [sql] if error.refused else []
        except Exception:  # noqa: BLE001, S110 - DuckDB's, of any kind
            pass
    assert len(refused) < len(FAILING) / 10, refused


@pytest.mark.parametrize("sql", EDGES)
def test_the_edges_of_the_language_are_where_google_has_them(
    sql: str, connection: duckdb.DuckDBPyConnection
) -> None:
    from tests.googlesql.differential import Verdict, compare

    found = compare(connection, sql, PARAMETERS)
    assert found.verdict is Verdict.SAME, found
