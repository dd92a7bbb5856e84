"""Regular expressions, which in GoogleSQL are those of the RE2 library."""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.reader import start

if TYPE_CHECKING:
    from dicomfilter.googlesql.scope import Scope


def check(scope: Scope, pattern: exp.Expr) -> None:
    """Make sure that a pattern is one, where its value is known.

    Args:
        scope: Knows the values of parameters.
        pattern: The checked argument.

    Raises:
        PredicateError: RE2 does not read it.
    """
    value: object = None
    if isinstance(pattern, exp.Literal):
        value = pattern.name
    elif isinstance(pattern, exp.Parameter):
        value = scope.parameters[pattern.name.lower()].value
    if not isinstance(value, str):
        return
    problem = _problem(value)
    if problem:
        raise PredicateError(
            f"Cannot parse regular expression: {problem}",
            offset=start(pattern),
            hint=r"write it as RE2 wants it, in a raw string: r'^\d+Y$'",
        )


@lru_cache(maxsize=256)
def _problem(pattern: str) -> str:
    """Ask DuckDB, whose regular expressions are RE2's too; empty where it is a pattern."""
    import duckdb

    with duckdb.connect() as connection:
        try:
            connection.execute("SELECT regexp_matches('', ?)", [pattern]).fetchall()
        except duckdb.InvalidInputException as error:
            return str(error).split(":", 1)[-1].strip()
    return ""
