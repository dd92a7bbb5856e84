"""The notebook's facade: a cohort, to narrow, look at and write as a filter file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from os import PathLike
from typing import TYPE_CHECKING

from dicomfilter.cohorts import attrition as tally
from dicomfilter.cohorts.ids.id_lists import IdList, frame_column, is_frame, read_ids
from dicomfilter.cohorts.ids.unmatched import unmatched_ids
from dicomfilter.cohorts.membership import complement, excluding, refuse_missing, shared, within
from dicomfilter.cohorts.select import among, read_statement, standing_in
from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.unit_rows import selected_rows
from dicomfilter.cohorts.warnings import caveats
from dicomfilter.errors import UnmatchedWarning, UsageError
from dicomfilter.faces import Face
from dicomfilter.filters.build import BuildOptions, FilterBuilt, build, plan
from dicomfilter.googlesql.types.parameters import Origin, Parameter, require_used
from dicomfilter.named import named
from dicomfilter.paths import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd
    import pyarrow as pa

    from dicomfilter.cohorts.attrition import Attrition, Tally
    from dicomfilter.cohorts.ids.id_lists import AnyFrame
    from dicomfilter.cohorts.ids.unmatched import Unmatched
    from dicomfilter.cohorts.values import Every
    from dicomfilter.counts import Counts
    from dicomfilter.filters.algebra.value import FilterFile
    from dicomfilter.filters.build import Plan, Progress
    from dicomfilter.notebook.open_table import OpenTable
    from dicomfilter.paths import AnyLevel


@dataclass(frozen=True, slots=True, repr=False)
class Cohort(Face):
    """A selection of a table's rows; a value, never changed.

    Args:
        table: The table.
        selection: What of it.
        clock: Gives the date that CURRENT_DATE stands for, when a query runs.
    """

    table: OpenTable
    selection: Selection
    clock: Callable[[], date] = lambda: datetime.now(UTC).date()

    def where(self, sql: str, /, **values: object) -> Cohort:
        """Narrow the cohort by a further GoogleSQL predicate.

        Args:
            sql: The predicate, as after WHERE; ``@name`` stands for a value.
            **values: Values by name.

        Returns:
            The narrower cohort.
        """
        given = [Parameter.of(name, value) for name, value in values.items()]
        return replace(self, selection=self.selection.where(sql, parameters=given))

    def where_in(self, column: str, values: Iterable[str]) -> Cohort:
        """Narrow the cohort to rows whose column has one of these values."""
        return replace(self, selection=self.selection.where_in(IdList.of(column, values)))

    def where_among(self, sql: str, /, **values: object) -> Cohort:
        """Narrow the cohort to what the rows of a SELECT name.

        Args:
            sql: GoogleSQL that gives StudyInstanceUID, and may give SeriesInstanceUID and
                SOPInstanceUID too; this table is called ``metadata`` in it.
            **values: Values of ``@names``.

        Returns:
            The narrower cohort.

        Raises:
            PredicateError: BigQuery would refuse it, or we cannot translate it.
            UsageError: It gives no UIDs.
        """
        given = [Parameter.of(name, value) for name, value in values.items()]
        selection = self.selection.clear_of(given)  # what was lifted gives way to what is named
        own = (p for p in selection.parameters if p.origin is Origin.USER)
        statement = read_statement(
            sql,
            self.table.engine.schemas(),
            parameters=[*own, *given],
            first=selection.next_literal,
            all_versions=selection.all_versions,
            standing=standing_in(self.table.engine),
        )
        require_used(given, statement.parameters)
        return replace(self, selection=among(selection, statement))

    def since(self, days: int) -> Cohort:
        """Narrow the cohort to studies of the last days, counted back from the run."""
        return replace(self, selection=self.selection.since(days))

    def __and__(self, other: Cohort | FilterFile) -> Cohort:
        return self._mixed(other, Selection.both)

    def __or__(self, other: Cohort | FilterFile) -> Cohort:
        return self._mixed(other, Selection.either)

    def __sub__(self, other: Cohort | FilterFile) -> Cohort:
        return self._mixed(other, Selection.without)

    def sql(self, *, level: AnyLevel | None = None) -> str:
        """Give the query that a filter file would be built by, in GoogleSQL."""
        return self.plan(level=level).sql

    def plan(self, *, level: AnyLevel | None = None, options: BuildOptions | None = None) -> Plan:
        """Say what building a filter file would run and scan, without running it.

        Args:
            level: The finest level of a line; None for the finest that the table has.
            options: Everything else; see BuildOptions.
        """
        return plan(self.table.engine, self.selection, self._options(level, options))

    def tally(self) -> Tally:
        """Count what the cohort holds, and its rows with unusable UIDs."""
        return tally.count(self.table.engine, self.selection, today=self.clock())

    def counts(self) -> Counts:
        """Count patients, studies, series, instances and bytes.

        Warns:
            UnmatchedWarning: Identifiers of a list match no row of the table.
        """
        _warn(unmatched_ids(self.table.engine, self.selection))
        return self.tally().counts

    def caveats(self) -> tuple[str, ...]:
        """Say what may not be as it was meant: damaged or unmatched ids, missing dates."""
        engine, selection = self.table.engine, self.selection
        missing = unmatched_ids(engine, selection)
        return caveats(engine, selection, missing, today=self.clock())

    def attrition_steps(self) -> tuple[Attrition, ...]:
        """Count what each ANDed clause leaves over, and what it alone would."""
        return tally.attrition(self.table.engine, self.selection, today=self.clock())

    def attrition(self) -> pd.DataFrame:
        """Count what each ANDed clause leaves over.

        Returns:
            A row for the table and one a clause: the clause, what it and those before it leave
            (patients, studies, series, instances, size_bytes), what it alone would leave
            (the same names after ``alone_``), what it excludes (after ``excluded_``), and what of
            that has no value at all (after ``no_value_``). ``.flow()`` draws it.
        """
        from dicomfilter.cohorts.display import attrition_frame, pictured_attrition

        return pictured_attrition(attrition_frame(self.attrition_steps()))

    def to_arrow(
        self, *, columns: Sequence[str] | None = None, limit: int | None = None
    ) -> pa.Table:
        """Read the cohort's rows.

        Args:
            columns: Which columns; None for all that the table stores.
            limit: At most so many rows; None for all.

        Returns:
            A row a table row in its current state.

        Warns:
            UnmatchedWarning: Identifiers of a list match no row of the table.
        """
        _warn(unmatched_ids(self.table.engine, self.selection))
        names = columns or [c.name for c in self.table.schema if c.is_stored]
        tree = selected_rows(self.selection, names)
        if limit is not None:
            tree = tree.limit(limit, copy=False)
        return tally.read(self.table.engine, tree, self.selection, self.clock())

    def to_dataframe(
        self, *, columns: Sequence[str] | None = None, limit: int | None = None
    ) -> pd.DataFrame:
        """Read the cohort's rows as a DataFrame; see ``to_arrow``."""
        from dicomfilter.cohorts.display import frame

        return frame(self.to_arrow(columns=columns, limit=limit))

    def head(self, count: int = 5, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read a few rows; which, is not said.

        Args:
            count: How many at most.
            columns: Which columns; None for all that the table stores.
        """
        return self.to_dataframe(columns=columns, limit=count)

    def value_counts(self, column: str, *, every: Every | None = None) -> pd.DataFrame:
        """Count what the cohort holds of each value of a column.

        Args:
            column: Its name, in any case.
            every: Take the days of a date together: ``year``, ``quarter``, ``month``, ``week``.

        Returns:
            A row a value, most first: ``value`` (NA where there is none), and how many patients,
            studies, series, instances and bytes have it, as far as the table knows. ``.bars()``
            draws it.

        Raises:
            UsageError: There is no such column, or its values cannot be told from each other.
        """
        from dicomfilter.cohorts.display import counts_frame, pictured_counts
        from dicomfilter.cohorts.values import value_counts

        found = value_counts(
            self.table.engine, self.selection, column, every=every, today=self.clock()
        )
        title = column if every is None else f"{column} by {every}"
        return pictured_counts(counts_frame(found), title)

    def histogram(self, column: str, *, every: Every | None = None) -> pd.DataFrame:
        """Count the values of a column in their own order; see ``value_counts``."""
        found = self.value_counts(column, every=every).sort_values("value", ignore_index=True)
        found.attrs["in_order"] = True
        return found

    def missing(self, *columns: str) -> pd.DataFrame:
        """Say which columns lack values, the emptiest first; see ``describe``.

        Returns:
            A row a column: how many rows have a value (``count``), how many have none
            (``missing``), and ``rows`` in all. ``.bars()`` draws it.
        """
        from dicomfilter.cohorts.display import pictured_missing

        found = self.describe(*columns)
        found["missing"] = found["rows"] - found["count"]
        names = ["column", "count", "missing", "rows"]
        return pictured_missing(found[names].sort_values("count", kind="stable", ignore_index=True))

    def describe(self, *columns: str) -> pd.DataFrame:
        """Say how columns are filled and what they mean, in one scan.

        Args:
            *columns: Their names; none for all.

        Returns:
            A row a column: type, vr, meaning, the share of rows that have a value (``filled``),
            rows, distinct values, and the least and greatest of them as examples.
        """
        from dicomfilter.cohorts.display import described_frame
        from dicomfilter.cohorts.values import describe

        found = describe(self.table.engine, self.selection, columns or None, today=self.clock())
        return described_frame(found)

    def write_filter(
        self,
        destination: str | PathLike[str],
        *,
        level: AnyLevel | None = None,
        overwrite: bool = False,
        options: BuildOptions | None = None,
        progress: Progress | None = None,
    ) -> FilterBuilt:
        """Write the cohort's filter file.

        Args:
            destination: A path.
            level: The finest level of a line; None for the finest that the table has.
            overwrite: Whether a file that is there may be replaced.
            options: Everything else; see BuildOptions.
            progress: Is told of each step; see Progress.

        Returns:
            What was written, and what it covers.

        Raises:
            EmptyFilterError: Nothing matched; nothing was written.
            DestinationExistsError: The destination exists and was not to be overwritten.

        Warns:
            UnmatchedWarning: Identifiers of a list match no row of the table.
        """
        engine, chosen = self.table.engine, self._options(level, options)
        chosen = replace(chosen, overwrite=overwrite or chosen.overwrite)
        more = {} if progress is None else {"progress": progress}
        built = build(engine, self.selection, destination, options=chosen, **more)
        _warn(built.unmatched)
        return built

    def where_filter(self, filter: str | PathLike[str]) -> Cohort:  # noqa: A002 - the word that everybody uses
        """Narrow the cohort to what a filter file names.

        Args:
            filter: A path, ``gs://bucket/object`` or a ``FilterFile``.

        Returns:
            The narrower cohort.

        Raises:
            FilterFileError: The file cannot be used as it is.
            UsageError: It names instances, and the table knows none.
        """
        from dicomfilter.filters.algebra.unit_lists import read_lines

        return replace(self, selection=within(self.selection, read_lines(filter)))

    def where_ids(
        self, ids: str | PathLike[str] | AnyFrame, *, column: str | None = None
    ) -> Cohort:
        """Narrow the cohort to the identifiers of a list, or to what a filter file names.

        Args:
            ids: A file, see ``read_ids``; a filter file is known by its first line. Or a
                DataFrame, or the values themselves.
            column: The column of identifiers, where the file or frame does not tell it;
                PatientID for values.
        """
        return replace(self, selection=_listed(self.selection, ids, column))

    def exclude_ids(
        self, ids: str | PathLike[str] | AnyFrame, *, column: str | None = None
    ) -> Cohort:
        """Leave out the rows that a list names; rows without an identifier stay.

        Args:
            ids: A file, a DataFrame or the values themselves; see ``where_ids``.
            column: The column that they are of; PatientID for values.

        Returns:
            The narrower cohort.
        """
        whole = replace(self.selection, clauses=())
        return replace(self, selection=excluding(self.selection, _listed(whole, ids, column)))

    def exclude_filter(self, filter: str | PathLike[str]) -> Cohort:  # noqa: A002 - as above
        """Leave out the rows that a filter file names; see ``where_filter``."""
        from dicomfilter.filters.algebra.unit_lists import read_lines

        named = within(replace(self.selection, clauses=()), read_lines(filter))
        return replace(self, selection=excluding(self.selection, named))

    def __invert__(self) -> Cohort:
        return replace(self, selection=complement(self.selection))

    def sample(self, fraction: float, *, by: str = "PatientID", seed: str = "") -> Cohort:
        """Narrow the cohort to a share that is the same in every run.

        Args:
            fraction: How much of it, more than 0 and at most 1.
            by: The column whose values fall into the share or not, all rows of one together.
            seed: Another text makes another share.

        Returns:
            The narrower cohort.

        Raises:
            UsageError: Rows have no value in that column, with their count.
        """
        return self.split(by=by, seed=seed, sample=fraction)["sample"]

    def split(self, *, by: str = "PatientID", seed: str = "", **shares: float) -> dict[str, Cohort]:
        """Divide the cohort by a keyed hash of a column, whose values never move.

        Args:
            by: The column, such as PatientID or StudyInstanceUID.
            seed: Another text makes other parts.
            **shares: By name, parts of 1.

        Returns:
            A cohort for each name.

        Raises:
            UsageError: Rows have no value in that column, with their count.
        """
        found = shared(self.selection, shares, by=by, seed=seed)
        refuse_missing(self.table.engine, next(iter(found.values())), today=self.clock())
        return {name: replace(self, selection=selection) for name, selection in found.items()}

    def save(
        self, path: str | PathLike[str], *, record_values: bool = False, overwrite: bool = False
    ) -> None:
        """Write the cohort as a small JSON text; see ``load_cohort``.

        Args:
            path: Where.
            record_values: Whether values of predicates stand in it; without, each is asked for by
                name when the cohort is opened again.
            overwrite: Whether a file that is there may be replaced.

        Raises:
            DestinationError: It cannot be written, or exists.
        """
        from dicomfilter.cohorts.saved import save

        save(
            self.table.engine,
            self.selection,
            path,
            record_values=record_values,
            overwrite=overwrite,
        )

    def _mixed(
        self, other: Cohort | FilterFile, mix: Callable[[Selection, Selection], Selection]
    ) -> Cohort:
        """Mix with another cohort of this very table: conditions name no table."""
        from dicomfilter.filters.algebra.value import FilterFile

        if isinstance(other, FilterFile):
            other = replace(self, selection=replace(self.selection, clauses=())).where_filter(other)
        if not isinstance(other, Cohort):
            return NotImplemented
        ours, theirs = self.table.engine, other.table.engine
        if (ours.uri, ours.others) != (theirs.uri, theirs.others):
            raise UsageError(
                "the cohorts are of different tables", hint="open the table once and select from it"
            )
        return replace(self, selection=mix(self.selection, other.selection))

    def _options(self, level: AnyLevel | None, options: BuildOptions | None) -> BuildOptions:
        options = options or BuildOptions()
        if level is not None:
            options = replace(options, level=Level(level))
        return replace(options, today=options.today or self.clock())

    def facts(self) -> list[tuple[str, str]]:
        """List table and clauses, and what the cohort holds where that costs nothing."""
        from dicomfilter.cohorts.display import cohort_facts

        clauses = [clause.label for clause in self.selection.clauses]
        scanned = self.plan().bytes_processed
        return cohort_facts(self.table.engine.uri, clauses, scanned, self.counts)


def _warn(missing: Unmatched) -> None:
    """Say in Python's own way what of a list matches nothing; the command line says it itself."""
    for sentence in missing.sentences:
        warnings.warn(sentence, UnmatchedWarning, stacklevel=3)


def _listed(
    selection: Selection, ids: str | PathLike[str] | AnyFrame, column: str | None
) -> Selection:
    from dicomfilter.filters.algebra.unit_lists import looks_like_filter, read_lines

    if not isinstance(ids, str | PathLike):
        name = frame_column(ids, column) if is_frame(ids) else column or "PatientID"
        return selection.where_in(IdList.of(name, ids))
    if column is None and looks_like_filter(ids):
        return within(selection, read_lines(ids))
    return selection.where_in(read_ids(named(ids), column=column))
