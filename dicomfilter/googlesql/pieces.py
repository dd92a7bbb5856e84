"""The small pieces of GoogleSQL that queries are composed of."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlglot import exp

UID_COLUMNS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
UID_NAMES = ("study", "series", "instance")
"""What our own queries call the three UIDs, coarsest first."""

# LTRIM of study and series rather than a regular expression: these repeat row after row, and
# DuckDB then evaluates a plain function once per distinct value of a dictionary-encoded vector.
_USABLE = {
    "StudyInstanceUID": "LTRIM(StudyInstanceUID, '0123456789.') = '' AND StudyInstanceUID != ''",
    "SeriesInstanceUID": "LTRIM(SeriesInstanceUID, '0123456789.') = '' AND SeriesInstanceUID != ''",
    "SOPInstanceUID": "NOT REGEXP_CONTAINS(SOPInstanceUID, r'[^0-9.]') AND SOPInstanceUID != ''",
}
_IRREGULAR = {
    name: rf"REGEXP_CONTAINS({name}, r'\.\.|^\.|\.$|^0[0-9]|\.0[0-9]') OR LENGTH({name}) > 64"
    for name in UID_NAMES
}


@cache
def _parsed(sql: str) -> exp.Expr:
    from dicomfilter.googlesql.parse.parser import piece

    return piece(sql)


def fragment(sql: str) -> exp.Expr:
    """Parse a piece of GoogleSQL that stands in the source as it is.

    Args:
        sql: Constant text; values and names from outside never come this way.

    Returns:
        A tree of its own, free to be changed.
    """
    return _parsed(sql).copy()


def usable(columns: Iterable[str]) -> exp.Expr:
    """Compose the test that all of a row's UIDs can stand in a line; never NULL."""
    return fragment(f"COALESCE({' AND '.join(_USABLE[c] for c in columns)}, FALSE)")


def short(names: Iterable[str]) -> exp.Expr:
    """Compose the test that no UID of a line is longer than the standard allows."""
    return fragment(" AND ".join(f"LENGTH({name}) <= 64" for name in names))


def irregular(names: Iterable[str]) -> exp.Expr:
    """Compose the test that a UID of a line breaks the standard; NULL names none."""
    return fragment(f"COALESCE({' OR '.join(_IRREGULAR[n] for n in names)}, FALSE)")


def column(name: str) -> exp.Column:
    """Name a column of the table, in its own spelling, quoted."""
    from sqlglot import exp

    return exp.column(exp.to_identifier(name, quoted=True))


def joined_key(columns: Sequence[str]) -> exp.Expr:
    """Compose one value of several UIDs; no two lists of usable UIDs share it."""
    from sqlglot import exp

    if len(columns) == 1:
        return column(columns[0])
    parts: list[exp.Expr] = []
    for name in columns:
        parts += [exp.Literal.string("/"), column(name)]
    return exp.func("CONCAT", *parts[1:])


def conjunction(conditions: Iterable[exp.Expr]) -> exp.Expr | None:
    """AND conditions, each in parentheses of its own; None where there are none."""
    from sqlglot import exp

    parts = [exp.paren(condition.copy()) for condition in conditions]
    return exp.and_(*parts, copy=False, wrap=False) if parts else None


def spelled(name: str) -> str:
    """Spell a column for GoogleSQL: in backticks where reserved or odd.

    >>> spelled("Rows"), spelled("Modality")
    ('`Rows`', 'Modality')
    """
    from sqlglot import exp

    from dicomfilter.googlesql.types.words import RESERVED

    plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) and name.upper() not in RESERVED
    return exp.to_identifier(name, quoted=not plain).sql("bigquery")


def is_random(tree: exp.Expr) -> bool:
    """Tell whether a condition is another one each time that it is computed."""
    from sqlglot import exp

    return any(call.name == "RAND" for call in tree.find_all(exp.Anonymous))
