"""The check of regular expressions, which in GoogleSQL are those of RE2.

Source: GoogleSQL reference, "String functions", REGEXP_CONTAINS and those behind it.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check.strings import Overload, overloaded
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from dicomfilter.googlesql.check.checker import Checker
    from dicomfilter.googlesql.check.scope import Scope


GROUPS = "groups"
"""The key of a call's ``meta`` with the number of groups in its pattern, counted to two."""
_TEXT = kinds.STRING
_EXTRACTION = (Overload((_TEXT, _TEXT, kinds.INT64, kinds.INT64), _TEXT, 2),)
_REPLACEMENT = (Overload((_TEXT, _TEXT, _TEXT), _TEXT),)
_EXTRACTIONS = (Overload((_TEXT, _TEXT), SqlType(Kind.ARRAY, _TEXT)),)
_TEST = (Overload((_TEXT, _TEXT), kinds.BOOL),)


@dataclass(frozen=True, slots=True)
class Pattern:
    """What RE2 says of a pattern.

    Args:
        problem: Why it is none; empty where it is one.
        groups: The number of its capturing groups, 2 for all above 1.
        is_empty: Whether it matches an empty text.
    """

    problem: str
    groups: int
    is_empty: bool = False


def _contains(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments, result = overloaded(checker, node, _TEST)
    _check(checker.scope, arguments[1])
    return _made(node.name, arguments, result)


def _extract(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check what takes out of a text; how, depends on the pattern, which must be known."""
    arguments, result = overloaded(checker, node, _OVERLOADS[node.name])
    pattern = _check(checker.scope, arguments[1])
    if pattern is None:
        raise unsupported(
            f"{node.name} with a pattern from the table",
            offset=start(arguments[1]),
            hint="write the pattern as a string or give it as a parameter",
        )
    if pattern.groups > 1:
        raise PredicateError(
            "Regular expressions passed into extraction functions must not have more than 1 "
            "capturing group",
            offset=start(arguments[1]),
            hint="write (?:...) for the groups that are not wanted",
            refused=True,  # BigQuery does so over rows, where there are any
        )
    if pattern.is_empty and len(arguments) > 2:
        raise unsupported(
            f"{node.name} from a position with a pattern that matches an empty text",
            offset=start(arguments[1]),
            hint="use SUBSTR for the position",
        )
    made = _made(node.name, arguments, result)
    made.meta[GROUPS] = pattern.groups
    return made


def _replace(checker: Checker, node: exp.Expr) -> exp.Expr:
    arguments, result = overloaded(checker, node, _REPLACEMENT)
    _check(checker.scope, arguments[1])
    return _made(node.name, arguments, result)


def _made(name: str, arguments: list[exp.Expr], result: SqlType) -> exp.Expr:
    return kinds.typed(exp.Anonymous(this=name, expressions=arguments), result)


def _check(scope: Scope, argument: exp.Expr) -> Pattern | None:
    """Make sure that a pattern is one, where its value is known; else None."""
    if isinstance(argument, exp.Null):
        return Pattern("", 0)
    value: object = argument
    if isinstance(argument, exp.Literal):
        value = argument.name
    elif isinstance(argument, exp.Parameter):
        value = scope.parameters[argument.name.lower()].value
    if value is None:
        return Pattern("", 0)
    if not isinstance(value, str):
        return None
    pattern = _look(value)
    if pattern.problem:
        raise PredicateError(
            f"Cannot parse regular expression: {pattern.problem}",
            offset=start(argument),
            hint=r"write it as RE2 wants it, in a raw string: r'^\d+Y$'",
            refused=True,  # BigQuery does so over rows, where there are any
        )
    return pattern


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Open an engine without data, once, as that takes longer than many patterns."""
    import duckdb

    return duckdb.connect(config={"threads": 1})


@lru_cache(maxsize=256)
def _look(pattern: str) -> Pattern:
    """Ask DuckDB, whose regular expressions are RE2's too."""
    import duckdb

    with _engine().cursor() as connection:
        try:
            found = connection.execute("SELECT regexp_matches('', ?)", [pattern]).fetchone()
        except duckdb.InvalidInputException as error:
            return Pattern(str(error).split(":", 1)[-1].strip(), 0)
        is_empty = found == (True,)
        for groups in range(2):
            try:  # a replacement may not name a group that is not there
                given = [pattern, f"\\{groups + 1}"]
                connection.execute("SELECT regexp_replace('', ?, ?)", given).fetchall()
            except duckdb.InvalidInputException:
                return Pattern("", groups, is_empty)
    return Pattern("", 2, is_empty)


_OVERLOADS = {
    "REGEXP_EXTRACT": _EXTRACTION,
    "REGEXP_EXTRACT_ALL": _EXTRACTIONS,
    "REGEXP_SUBSTR": _EXTRACTION,
}
CHECKS: dict[str, Callable[[Checker, exp.Expr], exp.Expr]] = {
    "REGEXP_CONTAINS": _contains,
    "REGEXP_REPLACE": _replace,
    **dict.fromkeys(_OVERLOADS, _extract),
}
"""The rules of these functions, by name."""
SAFE = frozenset(_OVERLOADS)
"""Those that SAFE may stand before: their pattern is known, so that it cannot fail."""
