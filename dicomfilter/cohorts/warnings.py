"""What a person should know of a selection before they trust its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.cohorts.membership import refuse_missing
from dicomfilter.cohorts.select import doubts
from dicomfilter.cohorts.unit_rows import current_rows, outer_name
from dicomfilter.counts import counted
from dicomfilter.googlesql.pieces import column, conjunction, fragment
from dicomfilter.googlesql.query import Query

if TYPE_CHECKING:
    from datetime import date

    from dicomfilter.cohorts.ids.unmatched import Unmatched
    from dicomfilter.cohorts.selection import Clause, Selection
    from dicomfilter.engines.protocol import Engine


def caveats(
    engine: Engine, selection: Selection, unmatched: Unmatched, *, today: date
) -> tuple[str, ...]:
    """Say what of a selection may not be as it was meant.

    Args:
        engine: Where the table is.
        selection: What of it.
        unmatched: The identifiers of its lists that match nothing.
        today: What CURRENT_DATE stands for.

    Returns:
        Sentences with counts and names of columns, without values: what is left out of the table
        and how it is read, what a spreadsheet did to
        lists of identifiers, which of them match nothing, rows without a date where one is asked
        for, texts that are no value of their column's type, and what a SELECT names that is not
        there.

    Raises:
        UnusableUidError: A SELECT gives a NULL or unusable UID.
        UsageError: A row has nothing by which its share could be told.
    """
    refuse_missing(engine, selection, today=today)
    lists = [ids for ids, _ in unmatched.lists]
    found = [*selection.schema.caveats, *doubts(engine, selection, today=today)]
    found += [f"{ids.source}: {finding}" for ids in lists for finding in ids.findings]
    found += unmatched.sentences
    for clause in selection.clauses:
        if clause.dated and (rows := _undated(engine, selection, clause, today)):
            found.append(
                f"{counted(rows, 'row')} without a {clause.dated} "
                f"{'was' if rows == 1 else 'were'} left out"
            )
    found += [
        f"{counted(count, 'value')} of {name} could not be read as its type and "
        f"{'counts' if count == 1 else 'count'} as NULL"
        for name, count in engine.unparsed(_read(selection)).items()
    ]
    return tuple(found)


def _read(selection: Selection) -> tuple[str, ...]:
    """List the columns that decide what is selected: a row of unknown age is the oldest."""
    versions = ("LastUpdated",) if selection.uses_versions else ()
    return (*selection.columns, *versions)


def _undated(engine: Engine, selection: Selection, age: Clause, today: date) -> int:
    """Count the rows that satisfy everything but an age, because they have no date."""
    from sqlglot import exp

    others = [clause for clause in selection.clauses if clause is not age]
    name = age.dated or ""
    conditions = [clause.tree for clause in others] + [column(name).is_(exp.null())]
    rows = current_rows(selection, dict.fromkeys((name, *selection.columns)))
    current = rows.subquery(outer_name(selection.schema))
    tree = exp.select(fragment("COUNT(*) AS row_count")).from_(current)
    needed = {parameter.name for clause in others for parameter in clause.parameters}
    bound = tuple(p for p in selection.bound(today) if p.name in needed)
    query = Query(tree.where(conjunction(conditions), copy=False), bound)
    return int(engine.rows(query).read_all()[0][0].as_py())
