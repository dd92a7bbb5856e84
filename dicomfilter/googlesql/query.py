"""Queries as values: a GoogleSQL tree, what it binds, and how a build stages it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from dicomfilter.googlesql.types.parameters import Parameter

METADATA = "metadata"
"""The name by which queries call the table."""
STAGE = "stage"
"""The name by which further queries call what a staging query selected."""

_BARE = re.compile(r"[^\W\d][\w-]*([.][\w-]+)*")
"""A name that GoogleSQL takes without backticks, dots and all."""


def table_name(text: str) -> str | None:
    """Read the name of a table as a query writes it, with backticks or without.

    Args:
        text: As in ``a.b.c``, ```a.b.c``` or ```a`.b.`c```.

    Returns:
        The parts with dots between them, which is how a query's tables are looked up; None where
        the text is no name.

    >>> table_name("`my-project.dicom`.all"), table_name("a b"), table_name("`a b`")
    ('my-project.dicom.all', None, 'a b')
    """
    parts = re.findall(r"`([^`]+)`|([^`.]+)", text)
    if "`" in text and ".".join(f"`{q}`" if q else b for q, b in parts) != text:
        return None
    name = text.replace("`", "")
    is_name = name.isprintable() and bool(name.strip()) if "`" in text else _BARE.fullmatch(name)
    return name if is_name else None


@dataclass(frozen=True, slots=True)
class Query:
    """A GoogleSQL query over tables by name, with all its parameters bound.

    Args:
        tree: The query; tables are called ``metadata`` and ``stage``.
        parameters: What it binds, by name.
    """

    tree: exp.Query
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Staging:
    """The one scan of a build, whose result further queries call ``stage``.

    Args:
        query: The rows to stage, de-duplicated, with a column ``usable``.
        shortcut: A way round the grouping where the rows turn out to be clean; None where the
            grouping does more than drop duplicates.
    """

    query: Query
    shortcut: Shortcut | None = None


@dataclass(frozen=True, slots=True)
class Shortcut:
    """How an engine may presume that nothing has to be grouped or set aside.

    Where the lines made of ``rows`` turn out to be sound and no two alike, ``rows`` are those of
    the staging query. An engine for which a second scan costs nothing need keep none of them.

    Args:
        rows: The selected rows, as if all of them were usable and alone.
        short: The test that no UID of a row is too long; a GoogleSQL tree over ``rows``.
        words: What stands before each UID in a line.
    """

    rows: Query
    short: exp.Expr
    words: tuple[str, ...]
