"""Cohorts made of lists and shares, and what is left out of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dicomfilter.cohorts.selection import Clause, Selection, negated
from dicomfilter.cohorts.shares import FIRST, LAST, cuts
from dicomfilter.cohorts.unit_rows import current_rows
from dicomfilter.counts import counted
from dicomfilter.errors import UsageError
from dicomfilter.googlesql import check_condition
from dicomfilter.googlesql.pieces import UID_COLUMNS, conjunction, joined_key
from dicomfilter.googlesql.query import Query
from dicomfilter.googlesql.types.parameters import Origin, Parameter
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from dicomfilter.cohorts.ids.id_lists import IdList
    from dicomfilter.engines.protocol import Engine

_STRING = SqlType(Kind.STRING)
_STRINGS = SqlType(Kind.ARRAY, _STRING)
_NOUNS = ("studies", "series", "instances")


@dataclass(frozen=True, slots=True)
class FilterLines:
    """What a filter file names, by level.

    Args:
        source: Where it is, for messages.
        lists: Studies, series and instances, each None where no line names one. The column of a
            list is the UIDs that its values are joined of, by slashes.
    """

    source: str
    lists: tuple[IdList | None, IdList | None, IdList | None]


def within(selection: Selection, lines: FilterLines) -> Selection:
    """Narrow a selection to what a filter file names.

    Args:
        selection: Of any table.
        lines: Of the filter.

    Returns:
        The narrower selection.

    Raises:
        UsageError: A line names an instance, and the table knows none.
    """
    from sqlglot import exp

    parts: list[Clause] = []
    for depth, ids in enumerate(lines.lists, 1):
        if ids is None:
            continue
        uids = UID_COLUMNS[:depth]
        if missing := selection.schema.missing(*uids):
            raise UsageError(
                f"{lines.source} names {_NOUNS[depth - 1]}, and the table has no {missing[0]}",
                hint="name a table that knows instances",
            )
        taken = replace(selection, clauses=(*selection.clauses, *parts))
        name = taken.free_name(f"filter_{_NOUNS[depth - 1]}")
        values = Parameter(name, _STRINGS, tuple(ids.values.to_pylist()), Origin.LITERAL)
        columns = tuple(selection.schema.find(uid).name for uid in uids)  # type: ignore[union-attr] # none is missing
        key = joined_key(columns)
        asked = exp.In(this=key, unnest=exp.Unnest(expressions=[exp.Parameter(this=exp.var(name))]))
        label = f"{len(ids.values):,} {_NOUNS[depth - 1]} of {lines.source}"
        parts.append(Clause(label, asked, (values,), columns, ids, value=key))
    label = f"named by {lines.source}"
    return replace(selection, clauses=(*selection.clauses, _any(parts, label)))


def _any(parts: list[Clause], label: str) -> Clause:
    from sqlglot import exp

    if len(parts) == 1:
        return replace(parts[0], label=label)
    return Clause(
        label,
        exp.or_(*(part.tree.copy() for part in parts)),
        tuple(p for part in parts for p in part.parameters),
        tuple(dict.fromkeys(name for part in parts for name in part.columns)),
        lists=tuple(parts),
    )


def excluding(selection: Selection, other: Selection) -> Selection:
    """Narrow a selection to the rows that another one does not select.

    Args:
        selection: Whose clauses stay as they are.
        other: Of the same table. Where its conditions are NULL, a row is not selected by it.
    """
    from sqlglot import exp

    ours, theirs = selection.apart(other)
    taken = conjunction(clause.tree for clause in theirs) or exp.true()
    clause = Clause(
        negated(theirs),
        exp.not_(exp.func("COALESCE", taken, exp.false())),
        tuple({p.name: p for c in theirs for p in c.parameters}.values()),
        tuple(dict.fromkeys(name for c in theirs for name in c.columns)),
        lists=tuple(part for c in theirs for part in c.listed),
        statements=tuple(one for c in theirs for one in c.stated),
        required=tuple(name for c in theirs for name in c.required),
    )
    return replace(selection, clauses=(*ours, clause))


def complement(selection: Selection) -> Selection:
    """Select what a selection does not."""
    return excluding(replace(selection, clauses=()), selection)


def shared(
    selection: Selection, shares: Mapping[str, float], *, by: str, seed: str
) -> dict[str, Selection]:
    """Divide a selection by a keyed hash of a column.

    Args:
        selection: The rows.
        shares: By name, parts of 1.
        by: A STRING column; rows that agree in it stay together.
        seed: The key: under the same one, a value falls into the same share in every table.

    Returns:
        A selection for each.

    Raises:
        UsageError: There is no such column, or the shares are none.
    """
    column = selection.schema.find(by)
    if column is None or column.type.kind is not Kind.STRING:
        raise UsageError(
            f"the table has no STRING column {by}", hint="name one, such as PatientID, with by="
        )
    if not shares or any(not 0 < share <= 1 for share in shares.values()):
        raise UsageError("each share is more than 0 and at most 1", hint="write for example 0.05")
    if sum(shares.values()) > 1 + 1e-9:
        raise UsageError(
            f"the shares sum up to {sum(shares.values()):g}, which is more than 1",
            hint="write for example train=0.7, val=0.15, test=0.15",
        )
    found = {}
    for name, (low, high) in zip(shares, cuts(shares.values()), strict=True):
        found[name] = _hashed(selection, column.name, seed, low, high, share=shares[name])
    return found


def _hashed(
    selection: Selection, by: str, seed: str, low: str, high: str, *, share: float
) -> Selection:
    from dicomfilter.cohorts.selection import quoted

    seed_name, low_name, high_name = (
        selection.free_name(name) for name in ("share_seed", "share_from", "share_to")
    )
    values = [Parameter(seed_name, _STRING, f"{seed}\n", Origin.LITERAL, is_public=True)]
    hashed = f"TO_HEX(SHA256(CONCAT(@{seed_name}, {quoted(by)})))"
    conditions = []
    if low != FIRST:
        values.append(Parameter(low_name, _STRING, low, Origin.LITERAL, is_public=True))
        conditions.append(f"{hashed} >= @{low_name}")
    if high != LAST:
        values.append(Parameter(high_name, _STRING, high, Origin.LITERAL, is_public=True))
        conditions.append(f"{hashed} < @{high_name}")
    sql = " AND ".join(conditions) or f"{hashed} IS NOT NULL"
    checked = check_condition(sql, selection.schema, parameters=tuple(values))
    label = f"{share:g} of {by}, by a keyed hash"
    clause = Clause(label, checked.tree, tuple(values), (by,), required=(by,))
    return replace(selection, clauses=(*selection.clauses, clause))


def refuse_missing(engine: Engine, selection: Selection, *, today: date) -> None:
    """Stop where rows lack what shares are told by.

    Args:
        engine: Where the table is.
        selection: The rows; its shares are not among its conditions here.
        today: What CURRENT_DATE stands for.

    Raises:
        UsageError: A row of the other clauses has none, with a count.
    """
    from sqlglot import exp

    for name in dict.fromkeys(n for clause in selection.clauses for n in clause.required):
        others = [c for c in selection.clauses if not c.required]
        rows = current_rows(
            selection, dict.fromkeys((name, *(n for c in others for n in c.columns)))
        )
        column = exp.column(exp.to_identifier(name, quoted=True))
        missing = exp.func("COALESCE", column, exp.Literal.string("")).eq("")
        condition = conjunction([*(c.tree for c in others), missing])
        count = exp.func("COUNT", exp.Star()).as_("row_count")
        from dicomfilter.cohorts.unit_rows import outer_name

        tree = exp.select(count).from_(rows.subquery(outer_name(selection.schema)))
        needed = {p.name for c in others for p in c.parameters}
        bound = tuple(p for p in selection.bound(today) if p.name in needed)
        query = Query(tree.where(condition, copy=False), bound)
        number = int(engine.rows(query).read_all()[0][0].as_py())
        if number:
            raise UsageError(
                f"{counted(number, 'row')} {'has' if number == 1 else 'have'} no {name}, "
                "so no share can be told",
                hint=f"leave them out with where(\"{name} != ''\"), or name another column",
            )
