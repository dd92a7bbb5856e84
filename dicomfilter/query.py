"""Queries as values: a GoogleSQL tree, what it binds, and how a build stages it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from dicomfilter.parameters import Parameter

METADATA = "metadata"
"""The name by which queries call the table."""
STAGE = "stage"
"""The name by which further queries call what a staging query selected."""


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
