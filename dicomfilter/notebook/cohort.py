"""The notebook's facade: open a table, narrow it, look, write its filter file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from os import PathLike
from typing import TYPE_CHECKING, Self

from dicomfilter.cohorts import attrition as tally
from dicomfilter.cohorts.ids.id_lists import IdList, read_ids
from dicomfilter.cohorts.ids.unmatched import unmatched_ids
from dicomfilter.cohorts.membership import complement, excluding, refuse_missing, shared, within
from dicomfilter.cohorts.select import among, answer, read_statement, standing_in
from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.unit_rows import current_rows, resources
from dicomfilter.cohorts.warnings import caveats
from dicomfilter.engines import open_engine
from dicomfilter.errors import UnmatchedWarning, UsageError
from dicomfilter.filters.build import BuildOptions, FilterBuilt, build, plan
from dicomfilter.googlesql.pieces import conjunction
from dicomfilter.googlesql.query import Query
from dicomfilter.googlesql.types.parameters import Origin, Parameter, require_used
from dicomfilter.paths import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    import pandas as pd
    import pyarrow as pa

    from dicomfilter.cohorts.attrition import Attrition, Tally
    from dicomfilter.cohorts.ids.unmatched import Unmatched
    from dicomfilter.counts import Counts
    from dicomfilter.engines.protocol import Engine, EngineOptions
    from dicomfilter.filters.algebra.value import FilterFile
    from dicomfilter.filters.build import Plan, Progress
    from dicomfilter.paths import AnyLevel
    from dicomfilter.schema import TableSchema


@dataclass(frozen=True, slots=True)
class Table:
    """A metadata table, open for selecting from it.

    Args:
        engine: Where it is.
        schema: Its columns.
    """

    engine: Engine
    schema: TableSchema

    def where(self, sql: str, /, **values: object) -> Cohort:
        """Select the rows that satisfy a GoogleSQL predicate.

        Args:
            sql: The predicate, as after WHERE; ``@name`` stands for a value.
            **values: Values by name; their GoogleSQL types follow from their Python types.

        Returns:
            The cohort.

        Raises:
            PredicateError: BigQuery would refuse the predicate, or we cannot translate it.
        """
        return self.all().where(sql, **values)

    def where_in(self, column: str, values: Iterable[str]) -> Cohort:
        """Select the rows whose column has one of these values."""
        return self.all().where_in(column, values)

    def where_filter(self, filter: str | PathLike[str]) -> Cohort:  # noqa: A002 - the word that everybody uses
        """Select what a filter file names; see ``Cohort.where_filter``."""
        return self.all().where_filter(filter)

    def where_among(self, sql: str, /, **values: object) -> Cohort:
        """Select what the rows of a SELECT name; see ``Cohort.where_among``."""
        return self.all().where_among(sql, **values)

    def query(self, sql: str, /, **values: object) -> pa.RecordBatchReader:
        """Run a whole SELECT.

        Args:
            sql: GoogleSQL, in which this table is called ``metadata``; its every mention means
                the current state. Further tables are those of ``EngineOptions.others``. Where
                there are none and this table is of files, any one name stands for it.
            **values: Values of ``@names``.

        Returns:
            The rows, in the SELECT's own order.

        Raises:
            PredicateError: BigQuery would refuse it, or we cannot translate it.
        """
        given = [Parameter.of(name, value) for name, value in values.items()]
        return answer(self.engine, sql, parameters=given, today=datetime.now(UTC).date())

    def all(self, *, all_versions: bool = False) -> Cohort:
        """Select every row.

        Args:
            all_versions: Take superseded and deleted rows too.
        """
        return Cohort(self, Selection(self.schema, all_versions=all_versions))

    def resources(self) -> pa.RecordBatchReader:
        """Read what a filter file could name: the UIDs of studies, series, instances."""
        return self.engine.rows(Query(resources(Selection(self.schema))))

    def columns(self, pattern: str = "") -> pd.DataFrame:
        """List the columns whose name contains a text, in any case.

        Returns:
            A row a column: name, type, description.
        """
        from dicomfilter.cohorts.display import columns_frame

        return columns_frame(self.schema, pattern)

    def close(self) -> None:
        """Close the engine behind the table."""
        self.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Table {self.engine.uri}: {len(self.schema.columns)} columns>"


@dataclass(frozen=True, slots=True)
class Cohort:
    """A selection of a table's rows; a value, never changed.

    Args:
        table: The table.
        selection: What of it.
        clock: Gives the date that CURRENT_DATE stands for, when a query runs.
    """

    table: Table
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
            (patients, studies, series, instances, size_bytes), and what it alone would leave
            (the same names after ``alone_``).
        """
        from dicomfilter.cohorts.display import attrition_frame

        return attrition_frame(self.attrition_steps())

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
        tree = current_rows(self.selection, names)
        condition = conjunction(clause.tree for clause in self.selection.clauses)
        if condition is not None:
            tree = tree.where(condition, copy=False)
        if limit is not None:
            tree = tree.limit(limit, copy=False)
        query = Query(tree, self.selection.bound(self.clock()))
        self.table.engine.estimate(query)
        return self.table.engine.rows(query).read_all()

    def to_dataframe(
        self, *, columns: Sequence[str] | None = None, limit: int | None = None
    ) -> pd.DataFrame:
        """Read the cohort's rows as a DataFrame; see ``to_arrow``."""
        from dicomfilter.cohorts.display import frame

        return frame(self.to_arrow(columns=columns, limit=limit))

    def write_filter(
        self,
        destination: str | PathLike[str],
        *,
        level: AnyLevel | None = None,
        options: BuildOptions | None = None,
        progress: Progress | None = None,
    ) -> FilterBuilt:
        """Write the cohort's filter file.

        Args:
            destination: A path.
            level: The finest level of a line; None for the finest that the table has.
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

    def where_ids(self, path: str, *, column: str | None = None) -> Cohort:
        """Narrow the cohort to the identifiers of a file, or to what a filter file names.

        Args:
            path: See ``read_ids``; a filter file is known by its first line.
            column: The column of identifiers, where the file does not tell it.
        """
        return replace(self, selection=_listed(self.selection, path, column))

    def exclude_ids(
        self, ids: str | PathLike[str] | Iterable[str], *, column: str | None = None
    ) -> Cohort:
        """Leave out the rows that a list names; rows without an identifier stay.

        Args:
            ids: A file, see ``where_ids``, or the values themselves.
            column: The column that they are of; PatientID for values.

        Returns:
            The narrower cohort.
        """
        whole = replace(self.selection, clauses=())
        if isinstance(ids, str | PathLike):
            listed = _listed(whole, ids, column)
        else:
            listed = whole.where_in(IdList.of(column or "PatientID", ids))
        return replace(self, selection=excluding(self.selection, listed))

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

    def _facts(self) -> list[tuple[str, str]]:
        from dicomfilter.cohorts.display import cohort_facts

        clauses = [clause.label for clause in self.selection.clauses]
        scanned = self.plan().bytes_processed
        return cohort_facts(self.table.engine.uri, clauses, scanned, self.counts)

    def __repr__(self) -> str:
        from dicomfilter.cohorts.display import facts_text

        return facts_text(self._facts())

    def _repr_html_(self) -> str:
        from dicomfilter.cohorts.display import facts_html

        return facts_html(self._facts())


def _warn(missing: Unmatched) -> None:
    """Say in Python's own way what of a list matches nothing; the command line says it itself."""
    for sentence in missing.sentences:
        warnings.warn(sentence, UnmatchedWarning, stacklevel=3)


def _listed(selection: Selection, path: str | PathLike[str], column: str | None) -> Selection:
    from dicomfilter.filters.algebra.unit_lists import looks_like_filter, read_lines

    if column is None and looks_like_filter(path):
        return within(selection, read_lines(path))
    return selection.where_in(read_ids(str(path), column=column))


def open_table(*uris: str | PathLike[str], options: EngineOptions | None = None) -> Table:
    """Open a metadata table.

    Args:
        *uris: ``bq://project.dataset.table``, ``idc``, or one or more files, folders or globs of
            Parquet, NDJSON, CSV or DuckDB.
        options: How the engine may spend.

    Returns:
        The table; close it after use, or use it in a ``with``.

    Raises:
        TableNotFoundError: There is no such table.
        TableError: It cannot be read as DICOM metadata.
    """
    engine = open_engine(uris, options=options)
    try:
        schema = engine.schema()
        schema.require_uids(engine.uri)
    except BaseException:
        engine.close()
        raise
    return Table(engine, schema)


def load_cohort(
    path: str | PathLike[str], *, table: Table | str | None = None, **values: object
) -> Cohort:
    """Open a cohort that ``Cohort.save`` wrote.

    Args:
        path: The file.
        table: The table, opened or by its name; None for the one that the file names.
        **values: Values of parameters by name: those that the file does not record, or others
            than those.

    Returns:
        The same selection of the table as it is now; CURRENT_DATE stands for the date of its run.

    Raises:
        ManifestError: The file is no cohort.
        ParameterError: A value is missing (the message has its name and type), or of no parameter.
        PredicateError: The table has not what a predicate reads.
    """
    from dicomfilter.cohorts import saved
    from dicomfilter.engines.protocol import EngineOptions

    document = saved.read(path)
    if isinstance(table, Table):
        opened = table
    else:
        options = EngineOptions(others=tuple(document["tables"].items()))
        names = [table] if table is not None else document["tables_named"]
        opened = open_table(*names, options=options)
    try:
        return Cohort(opened, saved.restore(document, opened.engine.schemas(), values))
    except BaseException:
        if opened is not table:
            opened.close()
        raise
