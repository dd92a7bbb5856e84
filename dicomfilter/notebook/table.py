"""The notebook's facade: a metadata table, and what is selected from it."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os import PathLike
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dicomfilter.cohorts.select import answer
from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.unit_rows import resources
from dicomfilter.engines import open_engine
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.errors import UsageError
from dicomfilter.faces import Face
from dicomfilter.googlesql.query import Query
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.named import named
from dicomfilter.notebook.cohort import Cohort
from dicomfilter.notebook.open_table import OpenTable
from dicomfilter.notebook.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    import pyarrow as pa

    from dicomfilter.cohorts.ids.id_lists import AnyFrame
    from dicomfilter.cohorts.values import Every
    from dicomfilter.counts import Counts

_SHOWN_COLUMNS = 12


@dataclass(frozen=True, slots=True, repr=False)
class Table(OpenTable, Face):
    """A metadata table, open for selecting from it; see ``open_table``."""

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
        """Select the rows whose column has one of these values; see ``Cohort.where_in``."""
        return self.all().where_in(column, values)

    def where_ids(
        self, ids: str | PathLike[str] | AnyFrame, *, column: str | None = None
    ) -> Cohort:
        """Select what a list of identifiers names; see ``Cohort.where_ids``."""
        return self.all().where_ids(ids, column=column)

    def since(self, days: int) -> Cohort:
        """Select the studies of the last days, counted back from the run."""
        return self.all().since(days)

    def where_filter(self, filter: str | PathLike[str]) -> Cohort:  # noqa: A002 - the word that everybody uses
        """Select what a filter file names; see ``Cohort.where_filter``."""
        return self.all().where_filter(filter)

    def where_among(self, sql: str, /, **values: object) -> Cohort:
        """Select what the rows of a SELECT name; see ``Cohort.where_among``."""
        return self.all().where_among(sql, **values)

    def query(self, sql: str, /, **values: object) -> Rows:
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
        return Rows(answer(self.engine, sql, parameters=given, today=datetime.now(UTC).date()))

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
            A row a column: name, type, vr (the value representation), meaning (the name that the
            DICOM standard gives it), an example of a predicate, and the owner's description.
        """
        from dicomfilter.cohorts.display import columns_frame

        return columns_frame(self.schema, pattern)

    def counts(self) -> Counts:
        """Count what the table holds; see ``Cohort.counts``."""
        return self.all().counts()

    def head(self, count: int = 5, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read a few rows; see ``Cohort.head``."""
        return self.all().head(count, columns=columns)

    def to_arrow(
        self, *, columns: Sequence[str] | None = None, limit: int | None = None
    ) -> pa.Table:
        """Read the table's rows; see ``Cohort.to_arrow``."""
        return self.all().to_arrow(columns=columns, limit=limit)

    def to_dataframe(
        self, *, columns: Sequence[str] | None = None, limit: int | None = None
    ) -> pd.DataFrame:
        """Read the table's rows as a DataFrame; see ``Cohort.to_arrow``."""
        return self.all().to_dataframe(columns=columns, limit=limit)

    def value_counts(self, column: str, *, every: Every | None = None) -> pd.DataFrame:
        """Count what there is of each value of a column; see ``Cohort.value_counts``."""
        return self.all().value_counts(column, every=every)

    def histogram(self, column: str, *, every: Every | None = None) -> pd.DataFrame:
        """Count the values of a column in their own order; see ``Cohort.histogram``."""
        return self.all().histogram(column, every=every)

    def missing(self, *columns: str) -> pd.DataFrame:
        """Say which columns lack values, the emptiest first; see ``Cohort.missing``."""
        return self.all().missing(*columns)

    def describe(self, *columns: str) -> pd.DataFrame:
        """Say how the columns are filled; see ``Cohort.describe``."""
        return self.all().describe(*columns)

    def sample(self, fraction: float, *, by: str = "PatientID", seed: str = "") -> Cohort:
        """Select a share that is the same in every run; see ``Cohort.sample``."""
        return self.all().sample(fraction, by=by, seed=seed)

    def split(self, *, by: str = "PatientID", seed: str = "", **shares: float) -> dict[str, Cohort]:
        """Divide the table by a keyed hash of a column; see ``Cohort.split``."""
        return self.all().split(by=by, seed=seed, **shares)

    def facts(self) -> list[tuple[str, str]]:
        """List what it is, without reading a row of it."""
        names = [column.name for column in self.schema]
        shown = ", ".join(names[:_SHOWN_COLUMNS])
        more = len(names) - _SHOWN_COLUMNS
        return [
            ("table", self.engine.uri),
            (
                "a row is",
                {2: "a series", 3: "an instance"}.get(self.schema.finest.depth, "a study"),
            ),
            ("columns", f"{len(names):,}: {shown}{f', and {more:,} more' if more > 0 else ''}"),
            ("see", ".columns(), .head(), .counts()"),
        ]


def open_table(
    *uris: str | PathLike[str],
    options: EngineOptions | None = None,
    others: Mapping[str, str | PathLike[str] | AnyFrame] | None = None,
) -> Table:
    """Open a metadata table.

    Args:
        *uris: ``bq://project.dataset.table``, ``idc``, or one or more files, folders or globs of
            Parquet, NDJSON, CSV or DuckDB.
        options: How the engine may spend.
        others: Further tables that a SELECT may name: what it calls them, and a file, a
            ``bq://`` table, or beside files a DataFrame.

    Returns:
        The table; close it after use, or use it in a ``with``.

    Raises:
        TableNotFoundError: There is no such table.
        TableError: It cannot be read as DICOM metadata.
    """
    with ExitStack() as held:
        options = options or EngineOptions()
        beside = [(name, _kept(name, table, held)) for name, table in (others or {}).items()]
        options = replace(options, others=(*options.others, *beside))
        engine = held.enter_context(closing(open_engine(uris, options=options)))
        schema = engine.schema()
        schema.require_uids(engine.uri)
        return Table(engine, schema, held.pop_all())


def _kept(name: str, table: str | PathLike[str] | AnyFrame, held: ExitStack) -> str:
    """Write a DataFrame into a file that only we may read, for as long as the table is open."""
    if isinstance(table, str | PathLike):
        return named(table)
    import pyarrow as pa
    from pyarrow import parquet

    folder = held.enter_context(TemporaryDirectory(prefix="dicomfilter-"))
    try:
        is_pandas = hasattr(table, "to_numpy") and hasattr(table, "iloc")
        rows = pa.Table.from_pandas(table, preserve_index=False) if is_pandas else pa.table(table)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError):  # they quote a value
        raise UsageError(
            f"{name} is no table, or a column of it has values of several types",
            hint="give a file or a DataFrame whose columns have one type each",
        ) from None
    path = f"{folder}/{name}.parquet"
    parquet.write_table(rows, path)
    return path


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
