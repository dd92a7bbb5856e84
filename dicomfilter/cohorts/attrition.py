"""Count what a selection holds, and what each of its clauses leaves over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.cohorts.unit_rows import measures, one_a_unit, rows
from dicomfilter.counts import Counts, whole
from dicomfilter.googlesql.pieces import column, conjunction, fragment
from dicomfilter.googlesql.query import Query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlglot import exp

    from dicomfilter.cohorts.selection import Selection
    from dicomfilter.engines.protocol import Engine
    from dicomfilter.schema import TableSchema


@dataclass(frozen=True, slots=True)
class Tally:
    """What a selection holds.

    Args:
        counts: What has usable UIDs.
        unusable_rows: Selected rows that have not, and are not counted.
    """

    counts: Counts
    unusable_rows: int


@dataclass(frozen=True, slots=True)
class Attrition:
    """One row of an attrition table.

    Args:
        label: The clause as it was written; None for the table before any clause.
        left: What it and all clauses before it leave over.
        alone: What it alone would leave over.
    """

    label: str | None
    left: Counts
    alone: Counts


def count(engine: Engine, selection: Selection, *, today: date) -> Tally:
    """Count what a selection holds.

    Args:
        engine: Where the table is.
        selection: What of it.
        today: What CURRENT_DATE stands for.

    Returns:
        The counts, and how many selected rows are not in them.
    """
    units = one_a_unit(
        rows(selection, extra=_patient(selection.schema)),
        selection,
        extra=tuple(_patient(selection.schema)),
    )
    row = _answer(engine, _tally(units, selection.schema, ("TRUE",)), selection, today)
    return Tally(_counts(row, 0), int(str(row["unusable"] or 0)))


def attrition(engine: Engine, selection: Selection, *, today: date) -> tuple[Attrition, ...]:
    """Count what each ANDed clause leaves over, in one scan of the table.

    Args:
        engine: Where the table is.
        selection: Whose clauses, in their order.
        today: What CURRENT_DATE stands for.

    Returns:
        A row for the table as it is, and one a clause.
    """
    flags: dict[str, exp.Expr] = {}
    for number, clause in enumerate(selection.clauses, 1):
        up_to_here = conjunction(c.tree for c in selection.clauses[:number])
        flags[f"left_{number}"] = up_to_here or clause.tree
        flags[f"alone_{number}"] = clause.tree
    patient = _patient(selection.schema)
    units = one_a_unit(
        rows(selection, flags, extra=patient), selection, tuple(flags), extra=tuple(patient)
    )
    tree = _tally(units, selection.schema, ("TRUE", *flags))
    row = _answer(engine, tree, selection, today)
    everything = _counts(row, 0)
    table = [Attrition(None, everything, everything)]
    for number, clause in enumerate(selection.clauses):
        left, alone = _counts(row, 1 + 2 * number), _counts(row, 2 + 2 * number)
        table.append(Attrition(clause.label, left, alone))
    return tuple(table)


def _patient(schema: TableSchema) -> dict[str, exp.Expr]:
    found = schema.find("PatientID")
    return {} if found is None else {"patient": column(found.name)}


def _tally(units: exp.Select, schema: TableSchema, flags: tuple[str, ...]) -> exp.Select:
    """Compose one row with the counts of the usable units under each flag."""
    from sqlglot import exp

    outputs = [fragment("SUM(IF(usable, 0, row_count)) AS unusable")]
    for number, flag in enumerate(flags):
        when = f"usable AND {flag}"
        sums = {
            "studies": f"COUNT(DISTINCT IF({when}, study, NULL))",
            "series": f"COUNT(DISTINCT IF({when}, series, NULL))",
        }
        if schema.finest.depth == 3:
            sums["instances"] = f"COUNTIF({when})"
        if _patient(schema):
            sums["patients"] = f"COUNT(DISTINCT IF({when}, patient, NULL))"
        for name in measures(schema):
            known = f"COUNTIF({when} AND {name} IS NULL) > 0"
            sums[name] = f"IF({known}, NULL, COALESCE(SUM(IF({when}, {name}, NULL)), 0))"
        outputs += [fragment(f"{sql} AS {name}_{number}") for name, sql in sums.items()]
    return exp.select(*outputs).from_(units.subquery("unit_rows"))


def _answer(
    engine: Engine, tree: exp.Select, selection: Selection, today: date
) -> Mapping[str, object]:
    query = Query(tree, selection.bound(today))
    engine.estimate(query)
    (row,) = engine.rows(query).read_all().to_pylist()
    return dict(row)


def _counts(row: Mapping[str, object], number: int) -> Counts:
    def read(name: str) -> int | None:
        return whole(row.get(f"{name}_{number}"))

    return Counts(
        patients=read("patients"),
        studies=read("studies") or 0,
        series=read("series") or 0,
        instances=read("instances"),
        size_bytes=read("size_bytes"),
    )
