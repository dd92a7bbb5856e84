"""Identifiers of a list that match nothing, so that no typing error is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dicomfilter.cohorts.unit_rows import whole_table
from dicomfilter.counts import counted
from dicomfilter.engines.arrow_bytes import no_rows, texts_of
from dicomfilter.engines.delimited import UNMATCHED
from dicomfilter.googlesql.pieces import column
from dicomfilter.googlesql.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from dicomfilter.cohorts.ids.id_lists import IdList
    from dicomfilter.cohorts.selection import Selection
    from dicomfilter.engines.protocol import Engine


@dataclass(frozen=True, slots=True)
class Unmatched:
    """The identifiers that no row of the table has.

    Args:
        lists: Each list, and those of its values that match nothing, in their order.
    """

    lists: tuple[tuple[IdList, pa.Array], ...] = field(repr=False)

    @property
    def counts(self) -> tuple[tuple[IdList, int], ...]:
        """Each list that has any, and how many."""
        return tuple((ids, len(values)) for ids, values in self.lists if len(values))

    @property
    def total(self) -> int:
        """How many there are in all lists."""
        return sum(len(values) for _, values in self.lists)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person should know of each list that has any, without values."""
        return (
            tuple(
                f"{count:,} of {counted(len(ids.values), 'value')} of {ids.column} "
                f"{'matches' if count == 1 else 'match'} no row of the table"
                for ids, count in self.counts
                if count < len(ids.values)
            )
            + self.whole
        )

    @property
    def whole(self) -> tuple[str, ...]:
        """The same of the lists of which nothing matched."""
        return tuple(
            f"none of the {counted(count, 'value')} of {ids.column} in {ids.source} matches a row "
            "of the table"
            if count > 1
            else f"the one value of {ids.column} in {ids.source} matches no row of the table"
            for ids, count in self.counts
            if count == len(ids.values)
        )

    def rows(self) -> pa.RecordBatchReader:
        """Give them as rows of column and value."""
        import pyarrow as pa

        schema = pa.schema([(name, pa.string()) for name in UNMATCHED])
        tables = [
            pa.table([pa.repeat(texts_of([ids.column])[0], len(values)), values], schema=schema)
            for ids, values in self.lists
        ]
        return pa.concat_tables([pa.Table.from_batches([no_rows(schema)]), *tables]).to_reader()


def unmatched_ids(engine: Engine, selection: Selection) -> Unmatched:
    """Find the identifiers that the table does not know at all.

    A value that the table knows and that another clause leaves out is not unmatched: it is no
    error of the list.

    Args:
        engine: Where the table is.
        selection: Whose clauses may stand for lists of identifiers.

    Returns:
        What was not found. One query a list reads that one column.
    """
    import pyarrow as pa
    from pyarrow import compute

    found = []
    for ids, query in known_values(selection):
        known = engine.rows(query).read_all()["value"].combine_chunks().cast(pa.string())
        is_known = compute.is_in(ids.values, value_set=known)
        found.append((ids, ids.values.filter(compute.invert(is_known))))
    return Unmatched(tuple(found))


def known_values(selection: Selection) -> Iterator[tuple[IdList, Query]]:
    """Ask for each list of a selection which of its values the table has."""
    from sqlglot import exp

    for joined in selection.clauses:
        for clause in joined.listed:
            if clause.ids is not None:
                value = column(clause.columns[0]) if clause.value is None else clause.value.copy()
                tree = exp.select(value.as_("value")).distinct()
                tree = tree.from_(whole_table(selection.schema))
                tree = tree.where(clause.tree.copy(), copy=False)
                yield clause.ids, Query(tree, clause.parameters)
