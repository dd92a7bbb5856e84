"""Names: which column of which table, which parameter; what was meant.

Source: GoogleSQL reference, "Query syntax", scope and range variables.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter import dictionary
from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check.constructors import build
from dicomfilter.googlesql.check.fields import field_of, fields_of, root
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import identifier, is_anonymous, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from dicomfilter.googlesql.check.stand_ins import Stand
    from dicomfilter.googlesql.types.parameters import Parameter
    from dicomfilter.schema import Column, SqlType

    QueryCheck = Callable[
        [exp.Expr, "Tables", "Scope | None"], tuple[exp.Query, tuple[Column, ...]]
    ]
    Rules = Mapping[type[exp.Expr], Callable[[Any, exp.Expr], exp.Expr]]


ALIAS = "alias"
"""The key of a column's ``meta`` with the place of the item that it names by its alias."""
INLINED = "inlined"
"""The key of the ``meta`` of such a column that DuckDB would take for another one."""
SOURCE = "source"
"""The key of a column's ``meta`` with what its source is called in DuckDB's text."""
STORED = "stored"
"""The key of the ``meta`` of a column of a table, not of a query."""
PLACE = "place"
"""The key of the ``meta`` of a column that is a place in an array."""
NAMED = "named"
"""The key of the ``meta`` of a column whose source must be named, and of that source's tree."""

UNKNOWN = "Unrecognized name: "
"""How BigQuery says that it knows no such column."""
_OPERANDS = ("expression", "low", "high")
"""The places of a condition in which values mostly stand: behind a sign, in BETWEEN."""


@dataclass
class Scope:
    """The names that an expression may use.

    Args:
        sources: What FROM brings.
        parameters: By lower-cased name.
        rules: What checks each kind of node.
        used: The columns named so far, as keys, in order.
        aliases: Places and items of the SELECT list by lower-cased name, in clauses that see them.
        merged: The columns that USING made one, by lower-cased name; None where no side has all.
        outer: The names around a subquery.
        tables: The tables that subqueries may name.
        windows: The parsed windows of the clause WINDOW, by lower-cased name.
        named: Whether columns must say of which source they are.
        prefers_aliases: Whether an alias hides a column of its name, as behind GROUP BY.
    """

    sources: tuple[Source, ...]
    parameters: Mapping[str, Parameter]
    rules: Rules
    used: dict[str, None] = field(default_factory=dict)
    aliases: Mapping[str, list[tuple[int, exp.Expr]]] = field(default_factory=dict)
    merged: Mapping[str, exp.Expr | None] = field(default_factory=dict)
    outer: Scope | None = None
    tables: Tables | None = None
    windows: Mapping[str, exp.Expr] = field(default_factory=dict)
    named: bool = False
    prefers_aliases: bool = False

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
        scope: Scope | None = self
        while scope is not None and not scope.has(names[0].name):
            scope = scope.outer
        if scope is None:
            source = self._source(names[0])
            raise self._unknown(names[0], source, is_operand=_is_operand(node))
        hides = scope.prefers_aliases and len(names) == 1
        hiding = scope._hiding(names[0]) if hides else None  # noqa: SLF001 - its own class
        found = hiding or scope._find(node, names)  # noqa: SLF001 - its own class
        if scope is not self:
            self._crossed(found, names[0])
        return found

    def has(self, name: str) -> bool:
        """Tell whether a name stands for something at this level."""
        return (
            any(source.has(name) for source in self.sources)
            or name.lower() in self.aliases
            or name.lower() in self.merged
        )

    def knows(self, name: str) -> bool:
        """Tell whether a name stands for something at this level or around it."""
        return self.has(name) or (self.outer is not None and self.outer.knows(name))

    def _crossed(self, found: exp.Expr, name: exp.Identifier) -> None:
        """Mark a column of a query around this one."""
        named = root(found)
        columns = named.find_all(exp.Column) if isinstance(named, exp.Struct) else [named]
        for column in columns:
            if SOURCE not in column.meta:
                raise unsupported(
                    f"the alias {name.name} in a subquery",
                    offset=start(name),
                    hint="write the expression that it stands for",
                )
            key = column.meta[SOURCE]
            _name(column, next(s for s in self.all_sources() if s.key == key))

    def _find(self, node: exp.Column | exp.Dot, names: list[exp.Identifier]) -> exp.Expr:
        first, rest = names[0], names[1:]
        source = self._source(first)
        if source is not None and source.is_value:
            return fields_of(self._column(source, source.columns[0], None, first), rest)
        if source is not None:
            return self._in_table(source, names)
        if first.name.lower() in self.merged:
            return fields_of(self._merged(first), rest)
        found = [
            (s, c) for s in self.sources for c in s.find(first.name) if not s.is_value or s.name
        ]
        parts = self._parts(first)
        aliased = self._aliased(names, [(None, column) for _, column in found], parts)
        if aliased is not None:
            return aliased
        if len(found) + len(parts) > 1:
            raise _ambiguous(first)
        if parts:
            return fields_of(self._column(parts[0], parts[0].columns[0], None, first), names)
        if not found:
            raise self._unknown(first, None, is_operand=_is_operand(node))
        return fields_of(self._column(*found[0], None, first), rest)

    def _in_table(self, source: Source, names: list[exp.Identifier]) -> exp.Expr:
        """Find what stands behind a table's name and a dot."""
        table, *rest = names
        if not rest:
            return self._row(source, table)
        found = source.find(rest[0].name)
        if len(found) > 1:
            raise _ambiguous(rest[0])
        if not found:
            raise self._unknown(rest[0], source, is_operand=False)
        return fields_of(self._column(source, found[0], source, table), rest[1:])

    def _row(self, source: Source, table: exp.Identifier) -> exp.Expr:
        """Make a STRUCT of a table's columns, which its name alone stands for."""
        names = [column.name for column in source.columns]
        if any(map(is_anonymous, names)) or len({name.lower() for name in names}) < len(names):
            raise unsupported(
                f"{table.name}, a table with columns that have no name of their own, as a value",
                offset=start(table),
                hint="give each column its own name with AS",
            )
        columns = [self._column(source, column, source, table) for column in source.columns]
        return at(build(names, columns), start(table) or 0)

    def _merged(self, name: exp.Identifier) -> exp.Expr:
        """Give the column that USING made of two."""
        merged = self.merged[name.name.lower()]
        if merged is None:
            raise unsupported(
                f"{name.name} of both sides of a FULL JOIN",
                offset=start(name),
                hint=f"write COALESCE(a.{name.name}, b.{name.name})",
            )
        return at(merged.copy(), start(name) or 0)

    def _parts(self, name: exp.Identifier) -> list[Source]:
        """List the values that have a field of a name, which can do without theirs."""
        return [
            source
            for source in self.sources
            for known, _ in source.fields
            if known.lower() == name.name.lower()
        ]

    def _column(
        self, source: Source, column: Column, named: Source | None, name: exp.Identifier
    ) -> exp.Expr:
        self.used.setdefault(column.name)
        table = identifier(named.name) if named is not None else None
        found: exp.Expr = exp.Column(this=identifier(column.name), table=table)
        found.meta[SOURCE] = source.key
        if source.is_offset:
            found.meta[PLACE] = True
        if source.is_stored:
            found.meta[STORED] = True
        crowded = len(self.sources) > 1 or self.outer is not None or source.is_value
        if self.named or crowded or named is not None:
            _name(found, source)
        return at(kinds.typed(found, column.type), start(name) or 0)

    def columns_of(self, source: Source) -> list[exp.Expr]:
        """List the columns of a source as expressions name them, if they could."""
        if source.fields:
            whole = self._column(source, source.columns[0], None, exp.Identifier(this=source.name))
            return [field_of(whole.copy(), exp.Identifier(this=name)) for name, _ in source.fields]
        return [
            self._column(source, column, None, exp.Identifier(this=column.name))
            for column in source.columns
        ]

    def _aliased(
        self,
        names: list[exp.Identifier],
        columns: list[tuple[str | None, Column]],
        parts: list[Source],
    ) -> exp.Expr | None:
        """Find the item of the SELECT list that is meant, if it is one and not a column."""
        name = names[0]
        items = self.aliases.get(name.name.lower(), [])
        if parts and items:
            if all(isinstance(item, exp.Dot) for _, item in items):
                return None
            raise _ambiguous(name)
        if columns or not items:
            if not all(_is_column(item, columns) for _, item in items):
                raise _ambiguous(name)
            return None
        if len(items) > 1 or len(names) > 1:
            raise _ambiguous(name)
        return self._reference(*items[0], name)

    def _hiding(self, name: exp.Identifier) -> exp.Expr | None:
        """Find the item whose alias is meant where a column or a source has the name too."""
        items = self.aliases.get(name.name.lower(), [])
        if not items or not (
            name.name.lower() in self.merged or any(s.has(name.name) for s in self.sources)
        ):
            return None
        if len(items) > 1:
            raise _ambiguous(name)
        if isinstance(items[0][1], exp.Column):  # named by itself, it is what it names
            return items[0][1].copy()
        return self._reference(*items[0], name, hides=True)

    def _reference(
        self, place: int, item: exp.Expr, name: exp.Identifier, *, hides: bool = False
    ) -> exp.Expr:
        if item.find(exp.Query) is not None and hides:
            raise unsupported(
                f"the alias {name.name} of a subquery, which is a column's name too,",
                offset=start(name),
                hint="give the subquery another alias",
            )
        reference = exp.Column(this=identifier(name.name))
        reference.meta[ALIAS] = place
        if hides or self.named or self.outer is not None:
            reference.meta[INLINED] = True
            for column in item.find_all(exp.Column):  # which DuckDB would take for the alias
                for source in self.sources:
                    if source.key == column.meta.get(SOURCE):
                        _name(column, source)
        return at(kinds.typed(reference, kinds.of(item)), start(name) or 0)

    def _source(self, name: exp.Identifier) -> Source | None:
        return next((s for s in self.sources if s.name and _same(s.name, name)), None)

    def _unknown(
        self, name: exp.Identifier, source: Source | None, *, is_operand: bool
    ) -> PredicateError:
        among = (source,) if source else self.all_sources()
        names = [c.name for s in among for c in s.columns if not is_anonymous(c.name)]
        keyword = dictionary.find(name.name)
        guess = nearest(name.name, names) if keyword is None else None
        hint = f"write {guess}" if guess else "run `dicomfilter columns` to see a table's names"
        if keyword is not None:
            hint = f"run `dicomfilter columns`: {keyword.keyword} of DICOM is not in this table"
        if is_operand and not name.quoted:
            quote = f"put text between quotes: '{name.name}'"
            hint = f"{hint}, or {quote}" if guess else quote
        return PredicateError(
            f"{UNKNOWN}{name.name}" + (f"; Did you mean {guess}?" if guess else ""),
            offset=start(name),
            hint=hint,
            unknown="column",
        )

    def all_sources(self) -> tuple[Source, ...]:
        """List the sources at this level and around it."""
        outer = self.outer.all_sources() if self.outer is not None else ()
        return (*self.sources, *outer)


def _name(column: exp.Expr, source: Source) -> None:
    """Have the source of a column named, in the column and behind FROM."""
    column.meta[NAMED] = True
    if source.node is not None:
        source.node.meta[NAMED] = True


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
