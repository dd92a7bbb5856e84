"""From a selection to the queries whose rows are the lines of a filter file.

Everything here composes GoogleSQL trees and runs nothing. A cover has one *staging* query, which
scans the table once, and further queries over its result, called ``stage``:

=================  ===========================================================================
column             of a row of ``stage``
=================  ===========================================================================
study              StudyInstanceUID
series             SeriesInstanceUID; NULL where the line names a whole study
instance           SOPInstanceUID; NULL where the line names a whole series
usable             whether a line can be built; the others are the rejected rows
row_count          rows of the table behind it that satisfy the predicate
matched            units of these that satisfy the predicate
units              units that the line covers: instances, or series in a series index
series_count       series that the line covers, where a line can name a study
instances          instances that the line covers, by a series index's ``instanceCount``
matched_instances  of these, those in series that satisfy the predicate
size_bytes         bytes that the line covers
=================  ===========================================================================

Only the columns that the table and the level make known are there; in an exact cover each row is
one unit, so that ``matched`` and ``units`` are both 1 and left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.cohorts.unit_rows import measures, one_a_unit, rows, unit_names
from dicomfilter.errors import UsageError
from dicomfilter.googlesql.pieces import UID_NAMES, fragment, irregular, is_random, short
from dicomfilter.googlesql.query import STAGE, Query, Shortcut, Staging
from dicomfilter.paths import Level

if TYPE_CHECKING:
    from datetime import date

    from sqlglot import exp

    from dicomfilter.cohorts.selection import Selection

_WORDS = ("/studies/", "/series/", "/instances/")
_WHOLE = "LOGICAL_AND(hit AND usable) OVER (PARTITION BY {})"


@dataclass(frozen=True, slots=True)
class Cover:
    """How a selection becomes lines.

    Args:
        selection: What is selected.
        level: The finest level of a line.
        compact: Write one line for a study (series) whose every known unit matched.
        today: The date that CURRENT_DATE stands for.

    Raises:
        UsageError: The table has no rows of that level.
    """

    selection: Selection
    level: Level
    compact: bool
    today: date

    def __post_init__(self) -> None:
        finest = self.selection.schema.finest
        if not self.level.covers(finest):
            raise UsageError(
                f"the table is a {finest} index and knows no {self.level}s",
                hint=f"use --level {finest} or coarser",
            )
        if self.compact and self.level is Level.STUDY:
            raise UsageError(
                "--compact has nothing to do at study level", hint="drop --compact, or --level"
            )

    @property
    def widens(self) -> bool:
        """Whether a line stands for more than the units that matched."""
        return self.level is not self.selection.schema.finest

    @property
    def is_exact(self) -> bool:
        """Whether each line is one unit."""
        return not self.widens and not self.compact

    @property
    def staging(self) -> Staging:
        """The one scan of the table."""
        if self.compact:
            return Staging(self._query(_compacted(self.selection, self.level)))
        if self.widens:
            return Staging(self._query(_widened(self.selection, self.level)))
        staged = one_a_unit(rows(self.selection), self.selection)
        # A SELECT need not answer alike twice, as its LIMIT may take other rows; nor need RAND.
        if self.selection.uses_versions or any(
            c.stated or is_random(c.tree) for c in self.selection.clauses
        ):
            return Staging(self._query(staged))
        clean = rows(self.selection, assume_usable=True)
        clean = clean.select(fragment("1 AS row_count"), copy=False)
        return Staging(
            self._query(staged),
            Shortcut(
                self._query(clean),
                short(unit_names(self.selection.schema)),
                _WORDS[: self.level.depth],
            ),
        )

    @property
    def lines(self) -> Query:
        """The finished lines, each with its line end, in one STRING column ``line``."""
        return Query(_over_stage(_line(self).as_("line")).where("usable", copy=False))

    @property
    def shard_lines(self) -> Query:
        """The lines without their ends, which whoever exports them writes."""
        return Query(_over_stage(_line(self, end="").as_("line")).where("usable", copy=False))

    @property
    def size(self) -> Query:
        """One number: how many bytes the lines have, with their ends."""
        from sqlglot import exp

        lines = self.shard_lines.tree.subquery("lines")
        return Query(exp.select(fragment("SUM(LENGTH(line) + 1) AS size_bytes")).from_(lines))

    @property
    def counts(self) -> Query:
        """One row of sums over the lines; see ``Counts`` in ``build``."""
        one_if_usable = "COUNTIF(usable)"
        sums = {
            "line_count": one_if_usable,
            "study_lines": one_if_usable if self.level is Level.STUDY else "0",
            "series_lines": one_if_usable if self.level is Level.SERIES else "0",
            "instance_lines": one_if_usable if self.level is Level.INSTANCE else "0",
            "studies": "COUNT(DISTINCT IF(usable, study, NULL))",
            "series": "COUNT(DISTINCT IF(usable, series, NULL))",
            "matched": one_if_usable,
            "units": one_if_usable,
            "rejected": "SUM(IF(usable, 0, row_count))",
        }
        if self.compact:
            sums["study_lines"] = "COUNTIF(usable AND series IS NULL)"
            if self.level is Level.SERIES:
                sums["series_lines"] = "COUNTIF(usable AND series IS NOT NULL)"
            else:
                sums["series_lines"] = "COUNTIF(usable AND series IS NOT NULL AND instance IS NULL)"
                sums["instance_lines"] = "COUNTIF(usable AND instance IS NOT NULL)"
        if self.level is Level.STUDY:
            sums["series"] = "SUM(IF(usable, series_count, 0))"
        elif self.compact:
            sums["series"] += " + SUM(IF(usable AND series IS NULL, series_count, 0))"
        if not self.is_exact:
            sums["matched"] = "SUM(IF(usable, matched, 0))"
            sums["units"] = "SUM(IF(usable, units, 0))"
        known = measures(self.selection.schema)
        if "instances" in known:
            sums["instances"] = _usable_total("instances")
            own = "instances" if self.is_exact else "matched_instances"
            sums["matched_instances"] = _usable_total(own)
        if "size_bytes" in known:
            sums["size_bytes"] = _usable_total("size_bytes")
        return Query(_over_stage(*(fragment(f"{s} AS {name}") for name, s in sums.items())))

    @property
    def rejected(self) -> Query:
        """The rows that cannot make a line: their UIDs as stored, and how many rows."""
        names = self._names
        tree = _over_stage(*(fragment(n) for n in (*names, "row_count")))
        return Query(tree.where(fragment("NOT usable"), copy=False))

    @property
    def rejected_but_covered(self) -> Query:
        """One number: rejected rows in a study (series) that a line names whole."""
        from sqlglot import exp

        by = ", ".join(name for name in self._names if name != "instance")
        flagged = _over_stage(
            fragment("usable"),
            fragment("row_count"),
            fragment(f"LOGICAL_OR(usable) OVER (PARTITION BY {by}) AS covered"),
        )
        total = fragment("SUM(IF(covered AND NOT usable, row_count, 0)) AS row_count")
        return Query(exp.select(total).from_(flagged.subquery("flagged")))

    @property
    def irregular(self) -> tuple[Query, ...]:
        """Numbers to be added up: UIDs that break the standard, where they are named."""
        from sqlglot import exp

        *parents, own = self._names
        queries = []
        if parents:
            pairs = _over_stage(*(exp.column(n) for n in parents)).distinct()
            pairs = pairs.where(fragment("usable"), copy=False)
            count = exp.func("COUNTIF", irregular(parents)).as_("row_count")
            queries.append(Query(exp.select(count).from_(pairs.subquery("parents"))))
        count = exp.func("COUNTIF", irregular([own])).as_("row_count")
        queries.append(Query(_over_stage(count).where(fragment("usable"), copy=False)))
        return tuple(queries)

    @property
    def _names(self) -> tuple[str, ...]:
        return UID_NAMES[: self.level.depth]

    def _query(self, tree: exp.Select) -> Query:
        return Query(tree, self.selection.bound(self.today))


def _over_stage(*outputs: exp.Expr) -> exp.Select:
    from sqlglot import exp

    return exp.select(*outputs).from_(exp.to_table(STAGE))


def _line(cover: Cover, *, end: str = "\n") -> exp.Expr:
    from sqlglot import exp

    parts: list[exp.Expr] = []
    for name, word in zip(cover._names, _WORDS, strict=False):  # noqa: SLF001 - its own module
        part = [exp.Literal.string(word), exp.column(name)]
        if cover.compact and name != "study":
            whole = exp.column(name).is_(exp.null())
            joined = exp.func("CONCAT", *part)
            parts.append(exp.func("IF", whole, exp.Literal.string(""), joined))
        else:
            parts += part
    return exp.func("CONCAT", *parts, *([exp.Literal.string(end)] if end else []))


def _sums(selection: Selection) -> list[exp.Expr]:
    """Compose the sums over the units that a line covers."""
    sums = [f"SUM({name}) AS {name}" for name in ("row_count", "matched", "units")]
    return [fragment(sql) for sql in (*sums, *(f"{_total(n)} AS {n}" for n in _known(selection)))]


def _known(selection: Selection) -> tuple[str, ...]:
    known = tuple(measures(selection.schema))
    return (*known, "matched_instances") if "instances" in known else known


def _total(name: str) -> str:
    """Spell a sum that is unknown as soon as one of its parts is."""
    return f"IF(COUNTIF({name} IS NULL) > 0, NULL, SUM({name}))"


def _usable_total(name: str) -> str:
    return f"IF(COUNTIF(usable AND {name} IS NULL) > 0, NULL, SUM(IF(usable, {name}, NULL)))"


def _units(selection: Selection) -> exp.Select:
    """Compose every unit of the table, the unmatched too, with what a line sums up."""
    from sqlglot import exp

    from dicomfilter.googlesql.pieces import conjunction

    condition = conjunction(clause.tree for clause in selection.clauses) or exp.true()
    flagged = rows(selection, {"hit": condition})
    folded = one_a_unit(flagged, selection, ("hit",), counting="COUNTIF(hit)")
    outputs = [*unit_names(selection.schema), "usable", "row_count", "hit"]
    outputs += ["IF(hit, 1, 0) AS matched", "1 AS units", *measures(selection.schema)]
    if "instances" in measures(selection.schema):
        outputs.append("IF(hit, instances, 0) AS matched_instances")
    return exp.select(*(fragment(sql) for sql in outputs)).from_(folded.subquery("folded"))


def _grouped(selection: Selection, level: Level) -> exp.Select:
    """Compose the units of the table, grouped to the level's studies or series."""
    from sqlglot import exp

    units = _units(selection)
    if level is selection.schema.finest:
        return units
    group = [*UID_NAMES[: level.depth], "usable"]
    outputs = [*(exp.column(name) for name in group), *_sums(selection)]
    outputs.append(fragment("LOGICAL_OR(hit) AS hit"))
    if level is Level.STUDY:
        outputs.append(fragment("COUNT(DISTINCT series) AS series_count"))
    return exp.select(*outputs).from_(units.subquery("unit_rows")).group_by(*group)


def _widened(selection: Selection, level: Level) -> exp.Select:
    """Compose every study (series) with at least one matching unit."""
    from sqlglot import exp

    groups = _grouped(selection, level).subquery("line_groups")
    return exp.select(exp.Star()).from_(groups).where(fragment("hit"), copy=False)


def _compacted(selection: Selection, level: Level) -> exp.Select:
    """Compose study lines for whole studies, series lines for whole series, and the rest."""
    from sqlglot import exp

    names = UID_NAMES[: level.depth]
    carried = ("usable", "row_count", "matched", "units", *_known(selection), "hit")
    flagged = exp.select(
        *(exp.column(name) for name in (*names, *carried)),
        fragment(_WHOLE.format("study")).as_("whole_study"),
        fragment(_WHOLE.format("study, series")).as_("whole_series"),
    ).from_(_grouped(selection, level).subquery("line_groups"))
    # A level of its own, because GROUP BY would take `series` for the column, not for the alias.
    cut = [fragment("study AS line_study"), fragment("series")]
    cut.append(fragment("IF(whole_study, NULL, series) AS line_series"))
    if level is Level.INSTANCE:
        cut.append(fragment("IF(whole_series, NULL, instance) AS line_instance"))
    cut += [exp.column(name) for name in carried]
    lines = exp.select(*cut).from_(flagged.subquery("flagged")).where(fragment("hit"), copy=False)
    query = exp.select(
        *(fragment(f"line_{name} AS {name}") for name in names),
        fragment("usable"),
        *_sums(selection),
        fragment("COUNT(DISTINCT series) AS series_count"),
    )
    return query.from_(lines.subquery("lines")).group_by(
        *(f"line_{name}" for name in names), "usable"
    )
