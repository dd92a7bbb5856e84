"""Count what a selection holds, and what each of its clauses leaves over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.cohorts.unit_rows import measures, one_a_unit, rows
from dicomfilter.counts import Counts, counted, whole
from dicomfilter.faces import Face
from dicomfilter.googlesql.pieces import column, conjunction, fragment
from dicomfilter.googlesql.query import Query

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pyarrow as pa
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


@dataclass(frozen=True, slots=True, repr=False)
class Attrition(Face):
    """One row of an attrition table.

    Args:
        label: The clause as it was written; None for the table before any clause.
        left: What it and all clauses before it leave over.
        alone: What it alone would leave over.
        excluded: What it takes away of what the clauses before it leave over.
        no_value: What of that it takes away because nothing of it has a value that the clause
            could be true or false of; the rest has another value.
    """

    label: str | None
    left: Counts
    alone: Counts
    excluded: Counts
    no_value: Counts

    def facts(self) -> list[tuple[str, str]]:
        """List the clause, what it leaves over, and how many studies it excludes and why."""
        excluded, lacking = self.excluded.studies, self.no_value.studies
        return [
            ("clause", self.label or "(all)"),
            *self.left.facts(),
            ("excluded", f"{counted(excluded, 'study', 'studies')}, {lacking:,} without a value"),
        ]


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
        rows(selection, extra=patient_column(selection.schema)),
        selection,
        extra=tuple(patient_column(selection.schema)),
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
    from sqlglot import exp

    flags: dict[str, exp.Expr] = {}
    for number, clause in enumerate(selection.clauses, 1):
        before = [c.tree for c in selection.clauses[: number - 1]]
        flags[f"left_{number}"] = conjunction([*before, clause.tree]) or clause.tree
        flags[f"alone_{number}"] = clause.tree
        has_value = exp.not_(exp.Is(this=exp.paren(clause.tree.copy()), expression=exp.null()))
        flags[f"known_{number}"] = conjunction([*before, has_value]) or has_value
    patient = patient_column(selection.schema)
    units = one_a_unit(
        rows(selection, flags, extra=patient), selection, tuple(flags), extra=tuple(patient)
    )
    tree = _tally(units, selection.schema, ("TRUE", *flags))
    row = _answer(engine, tree, selection, today)
    everything = _counts(row, 0)
    nothing = everything - everything
    table = [Attrition(None, everything, everything, nothing, nothing)]
    for number, clause in enumerate(selection.clauses):
        left, alone, known = (_counts(row, 3 * number + k) for k in (1, 2, 3))
        till_here = table[-1].left
        lost = till_here - left, till_here - known
        table.append(Attrition(clause.label, left, alone, *lost))
    return tuple(table)


def patient_column(schema: TableSchema) -> dict[str, exp.Expr]:
    """Name the column that tells patients apart; nothing where the table has none."""
    found = schema.find("PatientID")
    return {} if found is None else {"patient": column(found.name)}


def _tally(units: exp.Select, schema: TableSchema, flags: tuple[str, ...]) -> exp.Select:
    """Compose one row with the counts of the usable units under each flag."""
    from sqlglot import exp

    outputs = [fragment("SUM(IF(usable, 0, row_count)) AS unusable")]
    for number, flag in enumerate(flags):
        found = sums(schema, f"usable AND {flag}")
        outputs += [fragment(f"{sql} AS {name}_{number}") for name, sql in found.items()]
    return exp.select(*outputs).from_(units.subquery("unit_rows"))


def sums(schema: TableSchema, when: str) -> dict[str, str]:
    """Compose the counts of the units that satisfy a condition, by name.

    Args:
        schema: The table's columns.
        when: The condition, constant GoogleSQL over what ``one_a_unit`` gives.
    """
    found = {}
    if patient_column(schema):
        found["patients"] = f"COUNT(DISTINCT IF({when}, patient, NULL))"
    found["studies"] = f"COUNT(DISTINCT IF({when}, study, NULL))"
    found["series"] = f"COUNT(DISTINCT IF({when}, series, NULL))"
    if schema.finest.depth == 3:
        found["instances"] = f"COUNTIF({when})"
    for name in measures(schema):
        known = f"COUNTIF({when} AND {name} IS NULL) > 0"
        found[name] = f"IF({known}, NULL, COALESCE(SUM(IF({when}, {name}, NULL)), 0))"
    return found


def read(engine: Engine, tree: exp.Query, selection: Selection, today: date) -> pa.Table:
    """Run what was composed of a selection, if the limit allows it.

    Args:
        engine: Where the table is.
        tree: Made of the selection.
        selection: Whose values are bound.
        today: What CURRENT_DATE stands for.

    Raises:
        CostLimitError: It would scan more than the limit; nothing ran.
    """
    query = Query(tree, selection.bound(today))
    engine.estimate(query)
    return engine.rows(query).read_all()


def _answer(
    engine: Engine, tree: exp.Select, selection: Selection, today: date
) -> Mapping[str, object]:
    (row,) = read(engine, tree, selection, today).to_pylist()
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
