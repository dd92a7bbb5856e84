"""The metadata table of a folder, as the service's export would write it.

Files are read by several processes into parts, and the parts become one table under one schema: so
memory is bounded, the order of files does not matter, and a run that was ended goes on where it
was. A table that is brought up to date keeps its rows: new and changed instances are added with a
later ``LastUpdated``, and what has gone is added as ``Type = 'DELETE'``, as streaming does it.
"""

from __future__ import annotations

import glob
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.dicom.extras import demand_pydicom
from dicomfilter.dicom.headers.catalog import catalog_of
from dicomfilter.dicom.headers.index_parts import Parts, make_part
from dicomfilter.dicom.headers.parquet_table import (
    UIDS,
    Run,
    Sink,
    TableWriter,
    latest_moment,
    unified,
)
from dicomfilter.dicom.headers.reading import chunks, count, identities, spread
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.dicom.headers.survey import (
    UNFINISHED,
    Changes,
    Survey,
    instance_schema,
    other_schema,
    silent,
)
from dicomfilter.errors import SourceNotFoundError, TableError, UsageError
from dicomfilter.faces import Face
from dicomfilter.named import named
from dicomfilter.storage import open_storage
from dicomfilter.storage.local.draft import remove_drafts
from dicomfilter.storage.local.refusals import writing
from dicomfilter.storage.protocol import STANDARD_OUTPUT, is_cloud

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from dicomfilter.dicom.headers.survey import Progress

_ENDING = ".parquet"
_PATHS = ".paths.parquet"
_LIST_HEAD = b'"path","reason","element","detail"\n'
_KEPT = "SELECT * FROM kept ORDER BY path"


@dataclass(frozen=True, slots=True, repr=False)
class Indexed(Face):
    """A metadata table that stands.

    Args:
        uri: The table.
        paths_uri: The list of files beside it: one row an instance, with its path.
        errors_uri: The list of what is not in the table; None where it was not asked for.
        rows: Rows of the table, superseded and deleted ones included.
        instances: Instances that the folder holds.
        changes: What is new, changed and gone.
        columns: How many columns the table has.
        passed: Files that are no instances, by reason (``Reason``).
        values: Values that are not in the table as they are in the file, by reason.
        resumed: Files that an earlier run, which did not end, had read.
    """

    uri: str
    paths_uri: str
    errors_uri: str | None
    rows: int
    instances: int
    changes: Changes
    columns: int
    passed: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    resumed: int = 0

    def facts(self) -> list[tuple[str, str]]:
        """List the table, how much is in it, and how much could not be read."""
        return [
            ("table", self.uri),
            ("instances", f"{self.instances:,}"),
            ("rows", f"{self.rows:,}"),
            ("columns", f"{self.columns:,}"),
            ("passed", f"{sum(self.passed.values()):,} files that are no instances"),
            ("missing", f"{self.losses:,} files and values that could not be read"),
            *([("list", self.errors_uri)] if self.errors_uri else []),
        ]

    @property
    def losses(self) -> int:
        """How many files and values of DICOM are missing from the table."""
        found = {**self.passed, **self.values}
        return sum(number for reason, number in found.items() if Reason(reason).is_loss)


def index_folder(
    folder: str | PathLike[str],
    output: str | PathLike[str],
    *,
    update: bool = False,
    overwrite: bool = False,
    errors: str | PathLike[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Indexed:
    """Write the metadata table of a folder of DICOM files.

    Args:
        folder: The folder; everything below it is looked at.
        output: The table, a Parquet file; ``NAME.paths.parquet`` is written beside it.
        update: Whether a table that is there is brought up to date: only new and changed files are
            read, and rows are only added.
        overwrite: Whether a table that is there may be replaced, and the lists that belong to it.
        errors: Where to list files and values that are not in the table, as CSV; an update
            replaces such a list.
        workers: Processes that read, at most; by default as many as there are cores. Up to
            ten thousand files are read by one, which is faster.
        progress: Is told the step, files done and files to do.
        now: The clock.

    Returns:
        What was written and what was found.

    Raises:
        SourceNotFoundError: There is no such folder.
        SourceError: It cannot be read.
        DestinationExistsError: The table or a list is there, and not to be replaced.
        DestinationError: It cannot be written.
        TableError: The table that is there was not made by an index, or not of this folder, and
            cannot be updated.
        UsageError: The output is no local Parquet file, the folder is none of this machine, or
            pydicom is missing.
    """
    demand_pydicom()
    folder, output = named(folder), named(output)
    if is_cloud(str(folder)):
        raise UsageError(
            f"{folder} is in Cloud Storage, and only folders of this machine are indexed",
            hint="bring the files here with `gcloud storage cp --recursive`",
        )
    if update and overwrite:
        raise UsageError(
            "to bring a table up to date and to write it anew exclude each other",
            hint="drop --update or --overwrite",
        )
    root, table = Path(folder), Path(output)
    if not root.is_dir():
        raise SourceNotFoundError(f"{folder} is no folder", hint="check the path")
    places = _Places(
        root, table, paths_beside(table), None if errors is None else Path(named(errors))
    )
    places.check(str(output), update=update, overwrite=overwrite)
    before = places.before() if update and table.exists() else None
    tell = progress or silent
    with (
        writing(str(table)),
        Parts.beside(table, root) as parts,
        Survey(root, moment=now()) as survey,
    ):
        places.clear()
        resumed = _compare(survey, places, parts, before, tell)
        numbers = _read(survey, root, parts, workers, tell)
        changes = survey.admit(latest_moment(table) if before is not None else 0)
        if changes.gone and survey.instances() == changes.added:
            raise TableError(
                f"none of the {changes.gone:,} instances of {output} is in {folder}; nothing was "
                "written",
                hint="name the folder that it is the index of, or write it anew with --overwrite",
            )
        tell("write")
        rows, columns = places.write(
            survey, parts, numbers, before=before, overwrite=overwrite or update
        )
        return Indexed(
            str(output),
            str(places.paths),
            places.write_errors(survey),
            rows,
            survey.instances(),
            changes,
            columns,
            survey.errors(),
            survey.noted(),
            resumed,
        )


def pending_changes(folder: str | PathLike[str], table: str | PathLike[str]) -> Changes:
    """Tell what an update of a table would change, and write nothing.

    Args:
        folder: The folder that it is the index of.
        table: The table, a Parquet file.

    Returns:
        What is new, changed and gone.

    Raises:
        SourceError: The folder cannot be read.
        TableError: The table was not made by an index.
    """
    demand_pydicom()
    root, place = Path(named(folder)), Path(named(table))
    if not root.is_dir():
        raise SourceNotFoundError(f"{folder} is no folder", hint="check the path")
    places = _Places(root, place, paths_beside(place), None)
    run = places.before()
    with Survey(root, moment=datetime.now(UTC)) as survey:
        _know(survey, places, run)
        survey.list_files()
        survey.compare()
        total = survey.left_to_read()
        for batch in identities(root, survey.to_read(), total=total, workers=None):
            survey.add("fresh", batch)
        return survey.admit(latest_moment(place))


def paths_beside(table: Path) -> Path:
    """Name the list of files beside a table.

    >>> str(paths_beside(Path("out/metadata.parquet")))
    'out/metadata.paths.parquet'
    """
    return table.with_name(table.name.removesuffix(_ENDING) + _PATHS)


@dataclass(frozen=True, slots=True)
class _Places:
    """What an index reads and writes."""

    folder: Path
    table: Path
    paths: Path
    errors: Path | None

    def check(self, output: str, *, update: bool, overwrite: bool) -> None:
        """Find out before any work whether all of it can be written."""
        if is_cloud(output) or output == STANDARD_OUTPUT or not output.endswith(_ENDING):
            raise UsageError(
                f"{output} is no local Parquet file",
                hint="write -o NAME.parquet, and carry it on with `gcloud storage cp` or `bq load`",
            )
        storage = open_storage(output)
        storage.check_destination(output, overwrite=overwrite or update)
        known = [output]
        for place, is_ours in ((self.paths, True), (self.errors, _is_list(self.errors))):
            if place is not None:
                may = overwrite or (update and is_ours)
                storage.check_destination(str(place), overwrite=may, inputs=known, private=True)
                known.append(str(place))

    def before(self) -> Run:
        """Find the run whose table is to be brought up to date.

        Raises:
            TableError: There is none, or table and list of paths do not belong together.
        """
        run, listed = Run.of(self.table), Run.of(self.paths)
        # A run that was killed between the two has written the table and not the list: the list
        # is then the one before, and what it lacks is read again.
        if run is None or listed is None or listed.name not in (run.name, run.before):
            raise TableError(
                f"{self.table} cannot be brought up to date: it is no table of an index with its "
                f"{self.paths.name} beside it",
                hint="index the folder anew with --overwrite",
            )
        return run

    def is_stale(self, run: Run) -> bool:
        """Tell whether the list of paths is that of the run before, whose successor was killed."""
        listed = Run.of(self.paths)
        return listed is None or listed.name != run.name

    def clear(self) -> None:
        """Remove what a run that was killed left of the list; nobody else writes it now."""
        for left in self.paths.parent.glob(f"{glob.escape(self.paths.name)}.*{UNFINISHED}"):
            left.unlink(missing_ok=True)
        remove_drafts(self.table)

    def write(
        self,
        survey: Survey,
        parts: Parts,
        numbers: list[int],
        *,
        before: Run | None,
        overwrite: bool,
    ) -> tuple[int, int]:
        """Write the table and then its list of paths; give its rows and columns."""
        import pyarrow.parquet as pq

        old = None if before is None else pq.ParquetFile(self.table)
        if before is not None and old is not None and not survey.changed():
            if self.is_stale(before):
                survey.replace(self.paths, _KEPT, before.on(instance_schema()))
            return old.metadata.num_rows, len(old.schema_arrow)
        schemas = (parts.schema(number) for number in numbers)
        schema = unified([*schemas, *([] if old is None else [old.schema_arrow])])
        run = Run(before="" if before is None else before.name)
        uri = str(self.table)
        with (
            open_storage(uri).writer(uri, overwrite=overwrite) as out,
            TableWriter(out, run.on(schema)) as writer,
        ):
            if old is not None:
                for batch in old.iter_batches():
                    writer.add(batch)
            for number in numbers:
                _write_part(survey, parts, number, writer)
            gone = {"LastUpdated": survey.moment, "Type": "DELETE"}
            writer.add(survey.gone(), gone)
        survey.replace(self.paths, _KEPT, run.on(instance_schema()))
        return writer.rows, len(schema)

    def write_errors(self, survey: Survey) -> str | None:
        """Write the list of what is not in the table, where it is asked for."""
        from pyarrow import csv

        if self.errors is None:
            return None
        uri = str(self.errors)
        found = survey.findings()
        with open_storage(uri).writer(uri, overwrite=True, private=True) as out:
            csv.write_csv(found, Sink(out))
        return uri


def _is_list(path: Path | None) -> bool:
    """Tell whether a file is a list of what was not in a table."""
    try:
        with (path or Path()).open("rb") as file:
            return file.read(len(_LIST_HEAD)) == _LIST_HEAD
    except OSError:
        return False


def _compare(
    survey: Survey, places: _Places, parts: Parts, before: Run | None, tell: Progress
) -> int:
    """Find out what has to be read; give how many files an earlier run has read."""
    _know(survey, places, before)
    survey.list_files(tell)
    survey.compare()
    for number in parts.resumed:
        survey.resume(parts.seen(number))
        survey.add("notes", parts.notes(number))
    return survey.fresh()


def _know(survey: Survey, places: _Places, before: Run | None) -> None:
    """Tell a survey what is known of a folder."""
    import pyarrow as pa

    survey.know("known", places.paths if before else None, instance_schema())
    if before is not None and places.is_stale(before):
        survey.know_by_table(places.table)
    survey.know("known_others", None, other_schema())
    classes = pa.schema(dict.fromkeys((*UIDS, "StorageClass"), pa.string()))
    survey.know("classes", catalog_of(places.folder), classes)


def _read(
    survey: Survey, folder: Path, parts: Parts, workers: int | None, tell: Progress
) -> list[int]:
    """Read what is left into parts; give the numbers of all parts."""
    total, done, numbers = survey.left_to_read(), 0, list(parts.resumed)
    given = enumerate(chunks(survey.to_read()), parts.next)
    work = partial(make_part, str(folder), str(parts.path))
    for number, files in spread(work, given, count(total, workers)):
        survey.add("fresh", parts.seen(number))
        survey.add("notes", parts.notes(number))
        done += files
        numbers.append(number)
        tell("read", done, total)
    return numbers


def _write_part(survey: Survey, parts: Parts, number: int, writer: TableWriter) -> None:
    """Add the admitted rows of a part."""
    admitted = survey.rows_of_part(number)
    if not admitted.num_rows:
        return
    rows = parts.rows(number)
    if admitted.num_rows != rows.num_rows:
        rows = rows.take(admitted["position"])
    service = {
        "LastUpdated": survey.moment,
        "StorageClass": admitted["StorageClass"].combine_chunks(),
        "BlobStorageSize": admitted["size_bytes"].combine_chunks(),
        "Type": "CREATE",
    }
    writer.add(rows, service)
