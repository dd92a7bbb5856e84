"""Where columns come from: tables, and what stands behind FROM.

Source: GoogleSQL reference, "Query syntax", range variables.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from dicomfilter.googlesql.names import is_anonymous

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from sqlglot import exp

    from dicomfilter.googlesql.scope import Scope
    from dicomfilter.googlesql.standing import Stand
    from dicomfilter.parameters import Parameter
    from dicomfilter.schema import Column, SqlType

    QueryCheck = Callable[
        [exp.Expr, "Tables", "Scope | None"], tuple[exp.Query, tuple[Column, ...]]
    ]
    Rules = Mapping[type[exp.Expr], Callable[[Any, exp.Expr], exp.Expr]]


@dataclass(frozen=True)
class Source:
    """What a FROM clause brings into scope.

    Args:
        name: How the query calls it; empty where it has no name.
        columns: Its columns; several may share a name.
        is_value: Whether the name stands for a value, as of an UNNEST, and not for a row.
        key: What DuckDB's text calls it, which nothing else in the query is called.
        node: Its tree.
        is_offset: Whether it is the place in an array, counted from 0.
        is_stored: Whether it is a table, whose arrays are not NULL and hold none.
    """

    name: str
    columns: tuple[Column, ...]
    is_value: bool = False
    key: str = ""
    node: exp.Expr | None = field(default=None, compare=False)
    is_offset: bool = False
    is_stored: bool = False

    @cached_property
    def _index(self) -> dict[str, list[Column]]:
        index: dict[str, list[Column]] = {}
        for column in self.columns:
            index.setdefault(column.name.lower(), []).append(column)
        return index

    def find(self, name: str) -> list[Column]:
        """List the columns of a name, in any case: none, one, or several."""
        return self._index.get(name.lower(), []) if not is_anonymous(name) else []

    @property
    def fields(self) -> tuple[tuple[str, SqlType], ...]:
        """The fields of a value that is a STRUCT: they have names of their own here."""
        return self.columns[0].type.fields if self.is_value else ()

    def has(self, name: str) -> bool:
        """Tell whether a column, a field or the whole is called so."""
        return (
            bool(self.find(name))
            or (bool(self.name) and self.name.lower() == name.lower())
            or any(known.lower() == name.lower() for known, _ in self.fields)
        )


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables and parameters that a query may name.

    Args:
        columns: The columns of each table by its name.
        parameters: By lower-cased name.
        check_query: Checks a query in a query.
        rules: What checks each kind of node.
        local: The columns of what WITH names, by lower-cased name; these hide tables.
        keys: What sources are called so far in DuckDB's text, lower-cased; it grows.
        stand: The table that an unknown name stands for, if there is one.
    """

    columns: Mapping[str, tuple[Column, ...]]
    parameters: Mapping[str, Parameter]
    check_query: QueryCheck
    rules: Rules
    local: Mapping[str, tuple[str, tuple[Column, ...]]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    stand: Stand | None = None

    def with_table(self, name: str, columns: tuple[Column, ...]) -> Tables:
        """Add a table of a WITH clause."""
        return replace(self, local={**self.local, name.lower(): (name, columns)})

    def find(self, name: str, offset: int | None) -> tuple[str, tuple[Column, ...]] | None:
        """Find a table: its own spelling, and its columns."""
        local = self.local.get(name.lower())
        if local is not None:
            return local
        if self.stand is not None:
            name = self.stand.behind(name, offset)
        found = self.columns.get(name)
        return None if found is None else (name, found)

    def key(self, name: str) -> str:
        """Make a name that is no other source's in the query."""
        base = key = name or "t"
        number = 1
        while key.lower() in self.keys:
            number += 1
            key = f"{base}_{number}"
        self.keys.add(key.lower())
        return key
