"""Why DuckDB is not given what GoogleSQL says, a construct at a time.

These are what a person is told who asks; the rewrites themselves are its neighbours.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.check.aggregates import Modified
from dicomfilter.googlesql.types import kinds
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

_FUNCTIONS = {
    "ARRAY_AGG": "a NULL in the array is an error, and no rows make no NULL",
    "CONCAT": "NULL makes NULL, and numbers and times are written as BigQuery writes them",
    "COUNTIF": "no rows count 0, not NULL",
    "DATE_ADD": "the outcome is a DATE, not a point in time, and years end with 9999",
    "DATE_DIFF": "weeks begin with Sunday",
    "DATE_SUB": "the outcome is a DATE, not a point in time, and years begin with 1",
    "DATE_TRUNC": "weeks begin with Sunday, and the outcome is a DATE",
    "DIV": "division by zero is an error, not NULL",
    "FORMAT_DATE": "some elements mean something else to strftime",
    "FORMAT_DATETIME": "some elements mean something else to strftime",
    "FORMAT_TIMESTAMP": "some elements mean something else to strftime, and a zone is not left out",
    "GREATEST": "NULL makes NULL, and NaN makes NaN",
    "JSON_VALUE": "only scalars are given, and numbers keep their text",
    "LAST_DAY": "weeks end with Saturday",
    "LEAST": "NULL makes NULL, and NaN makes NaN",
    "LN": "what has no logarithm is an error",
    "LOG": "what has no logarithm is an error",
    "LOG10": "what has no logarithm is an error",
    "LOWER": "a few letters have another lower case",
    "MAX": "NaN is the outcome wherever it is met",
    "MIN": "NaN is the outcome wherever it is met",
    "MOD": "division by zero is an error, not NULL",
    "PARSE_DATE": "another text is an error, and blanks are read as BigQuery reads them",
    "REGEXP_EXTRACT": "no match makes NULL, not an empty text",
    "REGEXP_REPLACE": "every match is replaced, not the first one",
    "ROUND": "halves are rounded away from zero",
    "SAFE_DIVIDE": "division by zero makes NULL, as does overflow",
    "SPLIT": "no text makes no parts",
    "SQRT": "a negative number is an error",
    "SUBSTR": "position 0 is position 1, and one before the start is the start",
    "SUM": "overflow is an error",
    "TIMESTAMP_DIFF": "whole units that have passed are counted, not boundaries",
    "TIMESTAMP_TRUNC": "weeks begin with Sunday",
    "TRIM": "every blank of Unicode is taken off, not the space alone",
    "UPPER": "ß becomes SS",
}
_OPERATORS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Like: ("LIKE", r"\ makes the next character plain, which DuckDB must be told"),
    exp.Div: ("/", "division by zero is an error, and whole numbers are divided as FLOAT64"),
    exp.Bracket: ("[]", "places are counted from 0 with OFFSET, and one outside is an error"),
    exp.BitwiseRightShift: (">>", "the sign is shifted like any bit"),
    exp.Extract: ("EXTRACT", "weekdays are counted from 1, weeks from Sunday"),
    exp.DPipe: ("||", "numbers and times are written as BigQuery writes them"),
}
_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In)
_CASTS = {
    Kind.INT64: "only whole numbers are read, and halves are rounded away from zero",
    Kind.FLOAT64: "what BigQuery does not read as a number is none here either",
    Kind.NUMERIC: "there are 29 digits before the point and 9 behind",
    Kind.DATE: "only YYYY-MM-DD is a date",
    Kind.BOOL: "only true and false are read",
    Kind.STRING: "numbers and times are written as BigQuery writes them",
}


def reasons(tree: exp.Expr) -> dict[str, str]:
    """Say of a checked tree what is rewritten for DuckDB, and why.

    Args:
        tree: Canonical GoogleSQL, with types.

    Returns:
        Reasons by construct, in the order of the text; each construct once.
    """
    found: dict[str, str] = {}
    for node in tree.walk(bfs=False):
        for construct, why in _of(node):
            found.setdefault(construct, why)
    return found


def is_unordered(node: exp.Expr) -> bool:
    """Tell whether an aggregate gathers values in an order that nothing says."""
    if not isinstance(node, exp.Anonymous) or node.name not in ("ARRAY_AGG", "STRING_AGG"):
        return False
    return Modified.of(node).order is None and not isinstance(node.parent, exp.Window)


def _of(node: exp.Expr) -> Iterator[tuple[str, str]]:
    if is_unordered(node):
        yield f"{node.name} without ORDER BY", "any order is right; here values are in their own"
    if isinstance(node, exp.Anonymous) and node.name in _FUNCTIONS:
        yield node.name, _FUNCTIONS[node.name]
    elif isinstance(node, exp.Cast):
        to = kinds.of(node)
        if to is not None and to.kind in _CASTS:
            word = "SAFE_CAST" if isinstance(node, exp.TryCast) else "CAST"
            yield f"{word} AS {to}", _CASTS[to.kind]
    elif type(node) in _OPERATORS:
        yield _OPERATORS[type(node)]
    elif isinstance(node, exp.Unnest) and node.args.get("offset"):
        yield "WITH OFFSET", "places are counted from 0"
    elif isinstance(node, exp.Ordered) and kinds.kind(node.this) is Kind.FLOAT64:
        yield "ORDER BY", "NaN comes first, behind NULL"
    elif isinstance(node, _COMPARISONS) and kinds.kind(node.this) is Kind.FLOAT64:
        yield "comparison of FLOAT64", "NaN is equal to nothing, and neither less nor greater"
