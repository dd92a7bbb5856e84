"""Names: which column of which table, which parameter; what was meant.

Source: GoogleSQL reference, "Query syntax", scope and range variables.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import kinds
from dicomfilter.googlesql.reader import at, start
from dicomfilter.googlesql.words import RESERVED
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dicomfilter.parameters import Parameter
    from dicomfilter.schema import Column, SqlType

ALIAS = "alias"
"""The key of a column's ``meta`` with the place of the item that it names by its alias."""

_OPERANDS = ("expression", "low", "high")
"""The places of a condition in which values mostly stand: behind a sign, in BETWEEN."""


@dataclass(frozen=True)
class Source:
    """What a FROM clause brings into scope.

    Args:
        name: How the query calls it; empty where it has no name.
        columns: Its columns; several may share a name.
        is_value: Whether the name stands for a value, as of an UNNEST, and not for a row.
    """

    name: str
    columns: tuple[Column, ...]
    is_value: bool = False

    @cached_property
    def _index(self) -> dict[str, list[Column]]:
        index: dict[str, list[Column]] = {}
        for column in self.columns:
            index.setdefault(column.name.lower(), []).append(column)
        return index

    def find(self, name: str) -> list[Column]:
        """List the columns of a name, in any case: none, one, or several."""
        return self._index.get(name.lower(), [])


@dataclass
class Scope:
    """The names that an expression may use.

    Args:
        sources: What FROM brings.
        parameters: By lower-cased name.
        used: The columns named so far, as keys, in order.
        aliases: Places and items of the SELECT list by lower-cased name, in clauses that see them.
    """

    sources: tuple[Source, ...]
    parameters: Mapping[str, Parameter]
    used: dict[str, None] = field(default_factory=dict)
    aliases: Mapping[str, list[tuple[int, exp.Expr]]] = field(default_factory=dict)

    def resolve(self, node: exp.Column | exp.Dot) -> exp.Expr:
        """Find what a path of names stands for.

        Args:
            node: ``a``, ``a.b`` or deeper, as parsed.

        Returns:
            The column, or the field of it, with its type and in its owner's spelling.

        Raises:
            PredicateError: There is no such name, or more than one.
        """
        names = _path(node)
        first, rest = names[0], names[1:]
        source = self._source(first)
        columns: list[tuple[str | None, Column]] = [
            (None, c) for s in self.sources for c in s.find(first.name)
        ]
        if source is not None and not source.is_value:
            if columns:
                raise _ambiguous(first)
            if not rest:
                raise PredicateError(
                    f"{first.name} is a table here, not a value",
                    offset=start(first),
                    hint="name one of its columns",
                )
            first, rest = rest[0], rest[1:]
            columns = [(source.name, c) for c in source.find(first.name)]
        aliased = self._aliased(names, columns)
        if aliased is not None:
            return aliased
        if not columns:
            raise self._unknown(first, source, is_operand=_is_operand(node))
        if len(columns) > 1:
            raise _ambiguous(first)
        table, column = columns[0]
        self.used.setdefault(column.name)
        found: exp.Expr = exp.Column(
            this=identifier(column.name), table=identifier(table) if table else None
        )
        found = at(kinds.typed(found, column.type), start(names[0]) or 0)
        for name in rest:
            found = _field(found, name)
        return found

    def _aliased(
        self, names: list[exp.Identifier], columns: list[tuple[str | None, Column]]
    ) -> exp.Expr | None:
        """Find the item of the SELECT list that is meant, if it is one and not a column."""
        name = names[0]
        items = self.aliases.get(name.name.lower(), [])
        if columns or not items:
            if not all(_is_column(item, columns) for _, item in items):
                raise _ambiguous(name)
            return None
        if len(items) > 1 or len(names) > 1:
            raise _ambiguous(name)
        place, item = items[0]
        reference = exp.Column(this=identifier(name.name))
        reference.meta[ALIAS] = place
        return at(kinds.typed(reference, kinds.of(item)), start(name) or 0)

    def _source(self, name: exp.Identifier) -> Source | None:
        return next((s for s in self.sources if s.name and _same(s.name, name)), None)

    def _unknown(
        self, name: exp.Identifier, source: Source | None, *, is_operand: bool
    ) -> PredicateError:
        among = (source,) if source else self.sources
        names = [column.name for s in among for column in s.columns]
        guess = nearest(name.name, names)
        hint = f"write {guess}" if guess else "run `dicomfilter columns` to see a table's names"
        if is_operand and not name.quoted:
            quote = f"put text between quotes: '{name.name}'"
            hint = f"{hint}, or {quote}" if guess else quote
        return PredicateError(
            f"Unrecognized name: {name.name}" + (f"; Did you mean {guess}?" if guess else ""),
            offset=start(name),
            hint=hint,
        )


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Find the name that was probably meant.

    >>> nearest("PatientIDD", ["PatientID", "StudyDate"])
    'PatientID'
    """
    by_lower = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def identifier(name: str) -> exp.Identifier:
    """Write a name, between backticks only where GoogleSQL wants it so."""
    plain = name.isascii() and name.isidentifier() and name.upper() not in RESERVED
    return exp.Identifier(this=name, quoted=not plain)


def _is_operand(node: exp.Expr) -> bool:
    """Tell whether a name stands where a value mostly stands, and may be a text without quotes."""
    if isinstance(node, exp.Dot):
        return False
    listed = isinstance(node.parent, exp.In) or bool(node.index)
    return node.arg_key in _OPERANDS or (node.arg_key == "expressions" and listed)


def _path(node: exp.Column | exp.Dot) -> list[exp.Identifier]:
    names: list[exp.Identifier] = []
    here: exp.Expr = node
    while isinstance(here, exp.Dot):
        names.insert(0, here.expression)
        here = here.this
    return [here.this, *names]


def _same(name: str, other: exp.Identifier) -> bool:
    return name.lower() == other.name.lower()


def _is_column(node: exp.Expr, columns: list[tuple[str | None, Column]]) -> bool:
    value = node.this if isinstance(node, exp.Alias) else node
    return isinstance(value, exp.Column) and any(value.name == c.name for _, c in columns)


def _ambiguous(name: exp.Identifier) -> PredicateError:
    return PredicateError(
        f"Column name {name.name} is ambiguous",
        offset=start(name),
        hint="put the table's name and a dot before it",
    )


def _field(node: exp.Expr, name: exp.Identifier) -> exp.Expr:
    of: SqlType | None = kinds.of(node)
    shown = node.sql(dialect="bigquery")
    if of is None or of.kind is not Kind.STRUCT:
        raise PredicateError(
            f"Cannot access field {name.name} on a value with type {of}",
            offset=start(name),
            hint=f"search an array with 'X' IN UNNEST({shown})"
            if of is not None and of.kind is Kind.ARRAY
            else f"write {shown} alone",
        )
    found = of.field(name.name)
    if found is None:
        names = [known for known, _ in of.fields]
        guess = nearest(name.name, names)
        raise PredicateError(
            f"Field name {name.name} does not exist in {shown}"
            + (f"; Did you mean {guess}?" if guess else ""),
            offset=start(name),
            hint=f"its fields are {', '.join(names)}",
        )
    dot = exp.Dot(this=node, expression=identifier(found[0]))
    return at(kinds.typed(dot, found[1]), start(node) or 0)
