"""Trees as text: canonical GoogleSQL, and DuckDB's SQL."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot.errors import ErrorLevel, SqlglotError

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.duckdb import selects, translate

if TYPE_CHECKING:
    from sqlglot import exp


def to_googlesql(tree: exp.Expr, *, pretty: bool = False) -> str:
    """Write a tree as GoogleSQL; see `dicomfilter.googlesql.to_googlesql`."""
    return _render(tree, "bigquery", pretty=pretty)


def to_duckdb(tree: exp.Query) -> str:
    """Translate a query to DuckDB's SQL; see `dicomfilter.googlesql.to_duckdb`."""
    return _render(selects.query(tree, translate.expression, is_whole=True), "duckdb")


def _render(tree: exp.Expr, dialect: str, *, pretty: bool = False) -> str:
    try:
        return tree.sql(
            dialect=dialect, pretty=pretty, unsupported_level=ErrorLevel.RAISE, comments=False
        )
    except SqlglotError as error:
        raise PredicateError(f"the query cannot be written: {error}", refused=True) from error
    except RecursionError as error:
        raise PredicateError(
            "the query is nested too deeply",
            hint="leave out parentheses that say nothing",
            refused=True,
        ) from error
