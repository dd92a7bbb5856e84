"""What a selection's columns hold: counts of values, and of rows that have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from dicomfilter.cohorts.attrition import patient_column, read, sums
from dicomfilter.cohorts.unit_rows import one_a_unit, rows, selected_rows
from dicomfilter.errors import UsageError
from dicomfilter.googlesql.pieces import column, fragment
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pyarrow as pa
    from sqlglot import exp

    from dicomfilter.cohorts.selection import Selection
    from dicomfilter.engines.protocol import Engine
    from dicomfilter.schema import Column, TableSchema

Every: TypeAlias = Literal["year", "quarter", "month", "week", "day"]
_PERIODS = {
    "year": "CAST(DATE_TRUNC(dcf_day, YEAR) AS DATE)",
    "quarter": "CAST(DATE_TRUNC(dcf_day, QUARTER) AS DATE)",
    "month": "CAST(DATE_TRUNC(dcf_day, MONTH) AS DATE)",
    "week": "CAST(DATE_TRUNC(dcf_day, ISOWEEK) AS DATE)",
    "day": "dcf_day",
}
_DAYS = {
    Kind.DATE: "dcf_column",
    Kind.DATETIME: "DATE(dcf_column)",
    Kind.TIMESTAMP: "DATE(dcf_column)",
}
_ALIKE = {Kind.ARRAY, Kind.STRUCT, Kind.BYTES, Kind.JSON}
"""Kinds whose values are not compared with each other."""


def value_counts(
    engine: Engine,
    selection: Selection,
    name: str,
    *,
    every: Every | None = None,
    only: str | None = None,
    today: date,
) -> pa.Table:
    """Count what a selection holds of each value of a column.

    Args:
        engine: Where the table is.
        selection: What of it.
        name: The column, in any case.
        every: Take days, months or years of a date together.
        only: The one count that is wanted; None for all.
        today: What CURRENT_DATE stands for.

    Returns:
        A row a value, most first: ``value`` (NULL where there is none), ``patients``, ``studies``,
        ``series``, ``instances`` and ``size_bytes``, as far as the table knows them.

    Raises:
        UsageError: There is no such column, or its values cannot be told from each other.
    """
    from sqlglot import exp

    schema = selection.schema
    found = known(schema, name)
    extra = {**patient_column(schema), "value": _value(found, every)}
    units = one_a_unit(rows(selection, extra=extra), selection, extra=tuple(extra))
    outputs: list[exp.Expr] = [exp.column("value")]
    counts = sums(schema, "usable")
    outputs += [fragment(f"{counts[n]} AS {n}") for n in ([only] if only else counts)]
    tree = exp.select(*outputs).from_(units.subquery("unit_rows")).where(fragment("usable"))
    table = read(engine, tree.group_by("value"), selection, today)
    return table.sort_by([(table.schema.names[1], "descending"), ("value", "ascending")])


class Filled(NamedTuple):
    """How a column is filled.

    Args:
        column: It.
        rows: How many rows there are.
        filled: How many of them have a value; an empty array is none.
        distinct: How many values there are; None where they are not compared.
        least: The least of them; None where there is none.
        greatest: The greatest.
    """

    column: Column
    rows: int
    filled: int
    distinct: int | None
    least: object
    greatest: object


def describe(
    engine: Engine, selection: Selection, names: Sequence[str] | None, *, today: date
) -> list[Filled]:
    """Say how the columns of a selection are filled, in one scan.

    Args:
        engine: Where the table is.
        selection: What of it; its rows in their current state.
        names: Which columns; None for all that the table stores.
        today: What CURRENT_DATE stands for.

    Raises:
        UsageError: There is no such column.
    """
    from sqlglot import exp

    schema = selection.schema
    columns = (
        [c for c in schema if c.is_stored] if names is None else [known(schema, n) for n in names]
    )
    within = selected_rows(selection, [c.name for c in columns])
    outputs: list[exp.Expr] = [fragment("COUNT(*) AS row_count")]
    for number, one in enumerate(columns):
        outputs += [
            _of(sql, one.name).as_(f"{what}_{number}") for what, sql in _measured(one).items()
        ]
    tree = exp.select(*outputs).from_(within.subquery("selected"))
    (row,) = read(engine, tree, selection, today).to_pylist()
    return [
        Filled(
            one,
            row["row_count"],
            *(row.get(f"{what}_{number}") for what in ("filled", "distinct", "least", "greatest")),
        )
        for number, one in enumerate(columns)
    ]


def known(schema: TableSchema, name: str) -> Column:
    """Find a column that a caller names.

    Raises:
        UsageError: There is none.
    """
    found = schema.find(name)
    if found is None:
        near = ", ".join(schema.nearest(name))
        raise UsageError(
            f"the table has no column {name}",
            hint=f"did you mean {near}?" if near else "list them with `table.columns()`",
        )
    return found


def _value(found: Column, every: Every | None) -> exp.Expr:
    if every is None:
        if found.type.kind in _ALIKE:
            raise UsageError(
                f"{found.name} is {found.type.kind}, whose values are not counted as they are",
                hint="count them by a SELECT, as in table.query(...)",
            )
        return column(found.name)
    if every not in _PERIODS:
        raise UsageError(
            f"{every!r} is none of {', '.join(_PERIODS)}", hint="write every='year', or another"
        )
    if found.type.kind not in _DAYS:
        raise UsageError(
            f"{found.name} is {found.type}, and has no {every}", hint="leave every out"
        )
    day = _of(_DAYS[found.type.kind], found.name)
    return fragment(_PERIODS[every]).transform(
        lambda node: day.copy() if node.name == "dcf_day" and node.key == "column" else node
    )


def _measured(of: Column) -> dict[str, str]:
    if of.type.kind is Kind.ARRAY:
        return {"filled": "COUNTIF(ARRAY_LENGTH(dcf_column) > 0)"}
    if of.type.kind in _ALIKE:
        return {"filled": "COUNTIF(dcf_column IS NOT NULL)"}
    return {
        "filled": "COUNT(dcf_column)",
        "distinct": "COUNT(DISTINCT dcf_column)",
        "least": "MIN(dcf_column)",
        "greatest": "MAX(dcf_column)",
    }


def _of(sql: str, name: str) -> exp.Expr:
    """Compose a constant piece of GoogleSQL over a column."""
    return fragment(sql).transform(
        lambda node: column(name) if node.name == "dcf_column" and node.key == "column" else node
    )
