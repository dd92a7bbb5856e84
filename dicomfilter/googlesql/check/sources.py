"""The check of what stands behind FROM: tables, queries, arrays, joins.

Source: GoogleSQL reference, "Query syntax", FROM clause, JOIN operation, UNNEST operator.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.check import joins, sets
from dicomfilter.googlesql.check.checker import Checker
from dicomfilter.googlesql.check.fields import root
from dicomfilter.googlesql.check.scope import NAMED, SOURCE, Scope, Source
from dicomfilter.googlesql.parse.queries import IMPLICIT
from dicomfilter.googlesql.parse.reader import at, start, unsupported
from dicomfilter.googlesql.types import kinds
from dicomfilter.googlesql.types.names import VALUE, identifier, nearest
from dicomfilter.schema import Column, Kind

if TYPE_CHECKING:
    from dicomfilter.googlesql.check.scope import Tables
    from dicomfilter.schema import SqlType

COLUMN = "column"
"""The key of the ``meta`` of a source of values with what these are called."""


@dataclass(slots=True)
class From:
    """A checked FROM clause.

    Args:
        scope: What it brings so far, and what lies around it.
        tables: What may be named.
    """

    scope: Scope
    tables: Tables

    def check(self, select: exp.Expr) -> tuple[exp.From, list[exp.Expr]]:
        """Check FROM with its joins.

        Args:
            select: The parsed SELECT.

        Returns:
            The checked FROM and its joins; the scope then holds what they bring.

        Raises:
            PredicateError: There is no such table, two share a name, an UNNEST is of no array.
        """
        first, sources = self._source(select.args["from_"].this)
        self.scope.sources = sources
        checked: list[exp.Expr] = []
        for join in select.args.get("joins") or []:
            before = self.scope.sources
            if join.args.get("side") in ("RIGHT", "FULL") and isinstance(join.this, exp.Unnest):
                raise unsupported(
                    f"{join.args['side']} JOIN of an array",
                    offset=start(join),
                    hint="write LEFT JOIN",
                )
            joined, added = self._source(join.this)
            self._require_new(before, added, join)
            self.scope.sources = (*before, *added)
            checked.append(joins.check(join, joined, self.scope, added))
        return exp.From(this=first), checked

    def _require_new(
        self, before: tuple[Source, ...], added: tuple[Source, ...], join: exp.Expr
    ) -> None:
        taken = [s.name.lower() for s in before if s.name]
        merged = {name.name.lower() for name in join.args.get("using") or []}
        places = {s.name.lower() for s in before if s.is_offset} & merged
        for source in added:
            if source.is_offset and source.name.lower() in places:
                continue
            if source.name and source.name.lower() in taken:
                raise PredicateError(
                    f"Duplicate table alias {source.name} in the same FROM clause",
                    offset=start(join.this),
                    hint="give one of them another name with AS",
                )

    def _source(self, node: exp.Expr) -> tuple[exp.Expr, tuple[Source, ...]]:
        if isinstance(node, exp.Unnest):
            path = node.meta.get(IMPLICIT)
            if path is None or self.scope.knows(root(node.expressions[0]).name):
                return self._unnest(node, node.expressions[0])
            return self._table(node, path)
        if isinstance(node, exp.Subquery):
            return self._subquery(node)
        return self._table(node, node.name)

    def _table(self, node: exp.Expr, name: str) -> tuple[exp.Expr, tuple[Source, ...]]:
        alias = _alias(node)
        if not self.tables.columns and not self.tables.local:
            tables = {source.name.lower() for source in self.scope.all_sources()}
            is_column = self.scope.knows(name) and name.lower() not in tables
            raise unsupported(
                "a subquery over a table in a condition",
                offset=start(node),
                hint=f"write UNNEST({name})"
                if is_column
                else "write the whole SELECT into a file, and name it with --sql FILE",
            )
        is_array = node.args.get("offset") is not None
        found = None if is_array else self.tables.find(name, start(node))
        if found is None:
            known = [*self.tables.columns, *(own for own, _ in self.tables.local.values())]
            guess = nearest(name, known) if "." not in name else None
            raise PredicateError(
                f"Table not found: {name}" + (f"; Did you mean {guess}?" if guess else ""),
                offset=start(node),
                hint=f"name {' or '.join(known)}, or add --table '{name}=URI'",
                unknown="table",
            )
        own, columns = found
        called = alias.name if alias is not None else name.rsplit(".", 1)[-1]
        if alias is None and called != own:
            alias = exp.Identifier(this=called)  # columns may be qualified by it
        checked = exp.Table(this=identifier(own), alias=_table_alias(alias))
        is_stored = name.lower() not in self.tables.local
        return checked, (self._made(checked, called, columns, is_stored=is_stored),)

    def _subquery(self, node: exp.Subquery) -> tuple[exp.Expr, tuple[Source, ...]]:
        inner, columns = self.tables.check_query(node.this, self.tables, self.scope.outer)
        sets.require_distinct_names(columns, node)
        alias = _alias(node)
        checked = exp.Subquery(this=inner, alias=_table_alias(alias))
        return checked, (self._made(checked, alias.name if alias else "", columns),)

    def _made(
        self,
        checked: exp.Expr,
        name: str,
        columns: tuple[Column, ...],
        *,
        is_stored: bool = False,
    ) -> Source:
        if columns and columns[0].name == VALUE:
            return self._of_values(checked, name, columns[0].type)
        key = self.tables.key(name)
        checked.meta[SOURCE] = key
        return Source(name, columns, key=key, node=checked, is_stored=is_stored)

    def _of_values(self, checked: exp.Expr, name: str, of: SqlType) -> Source:
        """Make the source of SELECT AS STRUCT: its name is the value, whose fields have theirs."""
        if not all(field for field, _ in of.fields):
            raise unsupported(
                "SELECT AS STRUCT behind FROM with a field without a name",
                offset=start(checked),
                hint="give each field its own name with AS",
            )
        if not name:  # which the canonical text names by its own
            name = self.tables.key("dcf_value")
            checked.set("alias", _table_alias(identifier(name)))
        key = self.tables.key(name)
        checked.meta.update({SOURCE: key, NAMED: True, COLUMN: name})
        return Source(name, (Column(name, of),), is_value=True, key=key, node=checked)

    def _unnest(self, node: exp.Unnest, operand: exp.Expr) -> tuple[exp.Expr, tuple[Source, ...]]:
        array = Checker(self.scope, clause="FROM clause").check(operand)
        of = kinds.of(array)
        if of is None or of.kind is not Kind.ARRAY or of.element is None:
            raise PredicateError(
                "Values referenced in UNNEST must be arrays. "
                f"UNNEST contains expression of type {of or 'NULL'}",
                offset=start(array),
            )
        name = _alias(node)
        if name is None and IMPLICIT in node.meta:
            name = operand.expression
        elif name is None and of.element.fields:  # which the canonical text names by its own
            name = identifier(self.tables.key("dcf_element"))
        key = self.tables.key(name.name if name is not None else "element")
        column = name.name if name is not None else "$element"
        unnest = exp.Unnest(
            expressions=[array],
            alias=exp.TableAlias(columns=[identifier(name.name)]) if name is not None else None,
        )
        unnest = at(kinds.typed(unnest, of), start(node) or 0)
        unnest.meta.update({SOURCE: key, NAMED: True, COLUMN: column})
        called = name.name if name is not None else ""
        value = Source(called, (Column(column, of.element),), is_value=True, key=key, node=unnest)
        offset = node.args.get("offset")
        if offset is None:
            return unnest, (value,)
        if called.lower() == offset.name.lower():
            raise PredicateError(
                f"Duplicate table alias {offset.name} in the same FROM clause",
                offset=start(offset),
                hint="give one of them another name with AS",
            )
        unnest.set("offset", identifier(offset.name))
        place = Source(
            offset.name,
            (Column(offset.name, kinds.INT64),),
            is_value=True,
            key=key,
            node=unnest,
            is_offset=True,
        )
        return unnest, (value, place)


def _alias(node: exp.Expr) -> exp.Identifier | None:
    alias = node.args.get("alias")
    if alias is None:
        return None
    found = alias.columns[0] if isinstance(node, exp.Unnest) else alias.this
    assert isinstance(found, exp.Identifier)  # noqa: S101 - by the parser
    return found


def _table_alias(name: exp.Identifier | None) -> exp.TableAlias | None:
    return exp.TableAlias(this=identifier(name.name)) if name is not None else None
