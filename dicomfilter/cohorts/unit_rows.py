"""From a selection to its rows: one a unit, in its current state.

A *unit* is what a row of the table stands for: an instance, or a series where the table is a
series index. Everything here composes GoogleSQL trees and runs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.googlesql.pieces import (
    UID_COLUMNS,
    UID_NAMES,
    column,
    conjunction,
    fragment,
    usable,
)
from dicomfilter.googlesql.query import METADATA
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlglot import exp

    from dicomfilter.cohorts.selection import Selection
    from dicomfilter.schema import TableSchema

_USABLE = "dcf_usable"
_NEWEST = (
    "NOT dcf_usable OR ROW_NUMBER() OVER ("
    "PARTITION BY dcf_usable, StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID "
    "ORDER BY {}) = 1"
)
_ORDER = {
    "LastUpdated": "LastUpdated DESC NULLS LAST",  # a row of unknown age is the oldest
    "Type": "IF(Type = 'DELETE', 0, 1)",  # of two rows of one moment, the deletion counts
}


def unit_columns(schema: TableSchema) -> tuple[str, ...]:
    """List the UID columns that make a row of this table a unit, coarsest first."""
    return UID_COLUMNS[: schema.finest.depth]


def unit_names(schema: TableSchema) -> tuple[str, ...]:
    """List what our own queries call these columns."""
    return UID_NAMES[: schema.finest.depth]


def outer_name(schema: TableSchema) -> str:
    """Name what conditions are applied to, as their subqueries call the table.

    Where a column has that name, no condition can call the table by it.
    """
    return METADATA if schema.find(METADATA) is None else "dcf_table"


def whole_table(schema: TableSchema) -> exp.Expr:
    """Name the table, and by another name where a column of it is called the same."""
    from sqlglot import exp

    table, name = exp.to_table(METADATA), outer_name(schema)
    return table if name == METADATA else exp.alias_(table, name, table=True)


def measures(schema: TableSchema) -> dict[str, exp.Expr]:
    """Compose what the table knows of a unit's weight.

    Args:
        schema: The table's columns.

    Returns:
        By name: ``instances`` (of a series, INT64) and ``size_bytes`` (INT64, or FLOAT64 where the
        table counts megabytes), each only where the table has it. Sizes are never guessed.
    """
    found: dict[str, exp.Expr] = {}
    if schema.finest.depth == 2 and _is(schema, "instanceCount", Kind.INT64):
        found["instances"] = fragment("instanceCount")
    if _is(schema, "BlobStorageSize", Kind.INT64):
        found["size_bytes"] = fragment("BlobStorageSize")
    elif schema.finest.depth == 2 and _is(schema, "series_size_MB", Kind.FLOAT64):
        found["size_bytes"] = fragment("series_size_MB * 1000000")
    return found


def rows(
    selection: Selection,
    flags: Mapping[str, exp.Expr] | None = None,
    *,
    extra: Mapping[str, exp.Expr] | None = None,
    assume_usable: bool = False,
    deleted: bool = False,
) -> exp.Select:
    """Compose the table's current rows.

    Args:
        selection: The table; its clauses are the WHERE clause only where no flags are asked for.
        flags: Conditions to give as BOOL columns instead, by name; never NULL.
        extra: Further columns, by name.
        assume_usable: Give ``usable`` as TRUE rather than test it.
        deleted: Give the newest row of a deleted instance too.

    Returns:
        A SELECT of study, series[, instance], usable, the measures, the flags and the extras.
    """
    from sqlglot import exp

    schema = selection.schema
    outputs = [
        column(c).as_(n) for c, n in zip(unit_columns(schema), unit_names(schema), strict=True)
    ]
    live: list[exp.Expr] = []
    if selection.uses_versions:
        source: exp.Expr = _newest(
            schema, *selection.columns, *_read(flags), *_read(extra)
        ).subquery(outer_name(schema))
        outputs.append(fragment(_USABLE).as_("usable"))
        live += [] if deleted else _live(schema)
    else:
        source = whole_table(schema)
        test = exp.true() if assume_usable else usable(unit_columns(schema))
        outputs.append(test.as_("usable"))
    outputs += [tree.as_(name) for name, tree in measures(schema).items()]
    for name, tree in (flags or {}).items():
        outputs.append(exp.func("COALESCE", tree.copy(), exp.false()).as_(name))
    outputs += [tree.copy().as_(name) for name, tree in (extra or {}).items()]
    if flags is None:
        live += [clause.tree for clause in selection.clauses]
    query = exp.select(*outputs).from_(source)
    condition = conjunction(live)
    return query.where(condition, copy=False) if condition else query


def current_rows(selection: Selection, columns: Iterable[str]) -> exp.Select:
    """Compose the table's rows in their current state, as a person would read them.

    Args:
        selection: The table, and whether all its versions count; its clauses are not applied.
        columns: Those to give, in the table's spelling.

    Returns:
        A SELECT of these columns; rows with unusable UIDs are among them, deleted ones are not.
    """
    from sqlglot import exp

    schema, wanted = selection.schema, tuple(columns)
    outputs = [column(name) for name in wanted]
    if not selection.uses_versions:
        return exp.select(*outputs).from_(whole_table(schema))
    newest = _newest(schema, *selection.columns, *wanted).subquery(outer_name(schema))
    query = exp.select(*outputs).from_(newest)
    condition = conjunction(_live(schema))
    return query.where(condition, copy=False) if condition else query


def selected_rows(selection: Selection, columns: Iterable[str]) -> exp.Select:
    """Compose the rows of a selection; see ``current_rows``."""
    query = current_rows(selection, columns)
    condition = conjunction(clause.tree for clause in selection.clauses)
    return query.where(condition, copy=False) if condition else query


def resources(selection: Selection) -> exp.Select:
    """Compose what a filter file could name: UIDs of rows that can make a line.

    Returns:
        A SELECT of study, series[, instance], without duplicates.
    """
    from sqlglot import exp

    everything = rows(selection).subquery("current_rows")
    names = [exp.column(name) for name in unit_names(selection.schema)]
    query = exp.select(*names).distinct().from_(everything)
    return query.where(fragment("usable"), copy=False)


def one_a_unit(
    query: exp.Select,
    selection: Selection,
    flags: tuple[str, ...] = (),
    *,
    extra: tuple[str, ...] = (),
    counting: str = "COUNT(*)",
) -> exp.Select:
    """Compose one row a unit out of ``rows()``; duplicates are counted once.

    Args:
        query: The rows.
        selection: Of which table.
        flags: Its BOOL columns.
        extra: Its further columns.
        counting: What ``row_count`` is, in constant GoogleSQL.

    Returns:
        A SELECT of study, series[, instance], usable, row_count, the measures, the flags and the
        extras; a flag is true where it is for any of the folded rows, an extra is their least.
    """
    from sqlglot import exp

    group = [*unit_names(selection.schema), "usable"]
    outputs = [*(exp.column(n) for n in group), fragment(f"{counting} AS row_count")]
    outputs += [fragment(f"MAX({name}) AS {name}") for name in measures(selection.schema)]
    outputs += [exp.func("MIN", exp.column(name)).as_(name) for name in extra]
    outputs += [exp.func("LOGICAL_OR", exp.column(flag)).as_(flag) for flag in flags]
    return exp.select(*outputs).from_(query.subquery("current_rows")).group_by(*group)


def _newest(schema: TableSchema, *needed: str) -> exp.Select:
    """Compose the newest row of each instance; rows with unusable UIDs never collapse."""
    from sqlglot import exp

    wanted = [*unit_columns(schema), "LastUpdated", "Type", "BlobStorageSize", *needed]
    found = dict.fromkeys(c.name for name in wanted if (c := schema.find(name)) is not None)
    inner = exp.select(
        *(column(name) for name in found), usable(unit_columns(schema)).as_(_USABLE)
    ).from_(whole_table(schema))
    order = ", ".join(term for name, term in _ORDER.items() if not schema.missing(name))
    query = exp.select(*(column(name) for name in found), fragment(_USABLE))
    query = query.from_(inner.subquery("every_version"))
    query.set("qualify", exp.Qualify(this=fragment(_NEWEST.format(order))))
    return query


def _live(schema: TableSchema) -> list[exp.Expr]:
    return [] if schema.missing("Type") else [fragment("COALESCE(Type, '') != 'DELETE'")]


def _read(trees: Mapping[str, exp.Expr] | None) -> list[str]:
    from sqlglot import exp

    found = (tree.find_all(exp.Column) for tree in (trees or {}).values())
    return [c.parts[0].name for columns in found for c in columns]


def _is(schema: TableSchema, name: str, kind: Kind) -> bool:
    found = schema.find(name)
    return found is not None and found.type.kind is kind
