"""What a check gives back: the canonical tree, what it binds, and what it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from dicomfilter.googlesql.types.parameters import Parameter
    from dicomfilter.schema import TableSchema


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked boolean condition over one table.

    Args:
        tree: Canonical GoogleSQL; every expression has its ``type``, every literal is a parameter.
        parameters: The lifted literals, the caller's parameters that are used and, where the
            condition asks for it, ``current_date``; in order of first use.
        columns: The top-level columns referenced, in the table's spelling and order of first use.
    """

    tree: exp.Expression
    parameters: tuple[Parameter, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """A checked query.

    Args:
        tree: Canonical GoogleSQL; every expression has its ``type``.
        parameters: As of `Checked`.
        schema: The columns that come out.
        table: What it calls the table that every name stands for, where one does.
    """

    tree: exp.Query
    parameters: tuple[Parameter, ...]
    schema: TableSchema
    table: str | None = None
