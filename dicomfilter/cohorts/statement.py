"""A checked SELECT as a value: its parameters, columns and units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dicomfilter.errors import UsageError
from dicomfilter.googlesql.pieces import UID_COLUMNS, is_random
from dicomfilter.googlesql.query import METADATA, Query
from dicomfilter.googlesql.types.parameters import Origin
from dicomfilter.paths import Level
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pyarrow as pa
    from sqlglot import exp

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.googlesql.types.parameters import Parameter
    from dicomfilter.schema import TableSchema


_LEVELS = (Level.STUDY, Level.SERIES, Level.INSTANCE)


@dataclass(frozen=True, slots=True)
class Statement:
    """A checked SELECT.

    Args:
        checked: Canonical GoogleSQL that calls tables by their names.
        tree: The same, with each table in its current state.
        parameters: The literals lifted out of it, and what it names.
        schema: The columns that come out.
        table: What it calls the one table, where any name stands for that.
    """

    checked: exp.Query
    tree: exp.Query
    parameters: tuple[Parameter, ...]
    schema: TableSchema
    table: str | None = None

    @property
    def uids(self) -> tuple[str, ...]:
        """The UID columns that come out, coarsest first.

        Raises:
            UsageError: They name no studies, series or instances.
        """
        found = [self.schema.find(name) for name in UID_COLUMNS]
        given = [c for c in found if c is not None]
        if not given:
            raise UsageError(
                "the SELECT gives no StudyInstanceUID, so its rows name nothing",
                hint="select StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID",
            )
        if None in found[: len(given)]:
            lacking = UID_COLUMNS[found.index(None)]
            raise UsageError(
                f"the SELECT gives {given[-1].name} and no {lacking}", hint=f"select {lacking} too"
            )
        for one in given:
            if one.type.kind is not Kind.STRING:
                raise UsageError(
                    f"{one.name} of the SELECT is {one.type}, not STRING",
                    hint="give the column as the table has it",
                )
        return UID_COLUMNS[: len(given)]

    @property
    def level(self) -> Level:
        """The finest level that its rows name."""
        return _LEVELS[len(self.uids) - 1]

    def renamed(self, names: Mapping[str, str]) -> Statement:
        """Give the same statement with parameters of other names."""
        from sqlglot import exp

        trees = self.checked.copy(), self.tree.copy()
        for node in (node for tree in trees for node in tree.find_all(exp.Parameter)):
            node.set("this", exp.var(names.get(node.name, node.name)))
        parameters = tuple(replace(p, name=names.get(p.name, p.name)) for p in self.parameters)
        return Statement(*trees, parameters, self.schema, self.table)

    def remarks(self, engine: Engine) -> tuple[str, ...]:
        """Say what of it was taken otherwise than it is written."""
        from dicomfilter.googlesql.duckdb.hazards import is_unordered

        told = []
        if self.table not in (None, METADATA):
            told.append(f"{self.table} in the SELECT stands for {engine.uri}")
        loose = dict.fromkeys(node.name for node in self.checked.walk() if is_unordered(node))
        order = "their own order" if engine.paths else "any order"
        told += [f"{name} without ORDER BY gives its values in {order}" for name in loose]
        if is_random(self.checked):
            told.append("RAND is other numbers in another run")
        return tuple(told)

    def query(self, today: date) -> Query:
        """Give it as a query with every parameter bound.

        Args:
            today: What CURRENT_DATE stands for.
        """
        bound = (
            replace(p, value=today) if p.origin is Origin.CLOCK else p for p in self.parameters
        )
        return Query(self.tree, tuple(bound))

    def run(self, engine: Engine, today: date) -> pa.RecordBatchReader:
        """Run it.

        Args:
            engine: Where its tables are.
            today: What CURRENT_DATE stands for.

        Returns:
            The rows, in its own order.

        Raises:
            CostLimitError: It would scan more than the limit; nothing ran.
        """
        query = self.query(today)
        engine.estimate(query)
        return engine.rows(query)
