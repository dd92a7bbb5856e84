"""What is new, changed and gone in a folder since it was last looked at.

The comparing is DuckDB's, so that a million files take no Python objects; only what has to be read
passes through here, a batch at a time.
"""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from dicomfilter.dicom.headers import survey_sql
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.dicom.headers.walk import walk
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

_UNREADABLE, _DUPLICATE = Reason.UNREADABLE.value, Reason.DUPLICATE.value
_CONFLICT = Reason.CONFLICT.value
_AT_ONCE = 10_000
"""Files that are listed, or rows that are written, at a time."""
_MEMORY = "512MB"
_PIECE = 1 << 20
UNFINISHED = ".part"
"""How the name of a file ends that is being written."""


class Progress(Protocol):
    """Is told what is being done with files."""

    def __call__(self, step: str, done: int = 0, total: int | None = None, /) -> None:
        """Take note of a step, the files done and, where it is known, how many there are."""


def silent(_step: str, _done: int = 0, _total: int | None = None, /) -> None:
    """Take no note."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What opening a catalog found.

    Args:
        added: Instances that were not known.
        changed: Files that were instances and have other contents now.
        gone: Files that were instances and are no more.
        read: Files that were read for it.
    """

    added: int = 0
    changed: int = 0
    gone: int = 0
    read: int = 0


def instance_schema() -> pa.Schema:
    """Give the columns of a catalog."""
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    return pa.schema(
        {
            "StudyInstanceUID": text,
            "SeriesInstanceUID": text,
            "SOPInstanceUID": text,
            "path": text,
            "size_bytes": number,
            "modified_ns": number,
            "TransferSyntaxUID": text,
            "SOPClassUID": text,
            "NumberOfFrames": number,
            "StorageClass": text,
            "LastUpdated": pa.timestamp("us", "UTC"),
            "Type": text,
        }
    )


def other_schema() -> pa.Schema:
    """Give the columns of the list of files that are no instances."""
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    return pa.schema(
        {
            "path": text,
            "size_bytes": number,
            "modified_ns": number,
            "StudyInstanceUID": text,
            "SeriesInstanceUID": text,
            "SOPInstanceUID": text,
            "Reason": text,
            "Detail": text,
        }
    )


def is_same_file(one: Path, other: Path) -> bool:
    """Tell whether two files hold the same bytes; no where one cannot be read."""
    try:
        with one.open("rb") as ours, other.open("rb") as theirs:
            while True:
                piece = ours.read(_PIECE)
                if piece != theirs.read(_PIECE):
                    return False
                if not piece:
                    return True
    except OSError:
        return False


class Survey:
    """A look at a folder, compared with what was known of it.

    Args:
        folder: The folder.
        moment: When.
    """

    def __init__(self, folder: Path, *, moment: datetime) -> None:
        self._folder = folder
        self.moment = int(moment.timestamp() * 1e6)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        import duckdb

        from dicomfilter.engines.duckdb.spill import Spill

        spill = self._stack.enter_context(Spill.make())
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY,
            "temp_directory": spill.path,
            "threads": 2,
        }
        self._duckdb = self._stack.enter_context(duckdb.connect(config=settings))
        if self._run(survey_sql.HAS_BAR):
            self._run("SET enable_progress_bar = false")
        self._run(survey_sql.TABLES)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def know_by_table(self, table: Path) -> None:
        """Correct what is known by the table of a run that was killed."""
        import pyarrow.parquet as pq

        names = {"BlobStorageSize": "size_bytes"}
        columns = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "LastUpdated", "Type"]
        with pq.ParquetFile(table) as file:
            for batch in file.iter_batches(_AT_ONCE * 10, columns=[*columns, *names]):
                found = batch.rename_columns([names.get(n, n) for n in batch.schema.names])
                moment = found["LastUpdated"].cast("int64")
                self.add(
                    "standing",
                    found.drop_columns("LastUpdated").append_column("LastUpdated", moment),
                )
        for statement in survey_sql.KNOW_BY_TABLE:
            self._run(statement)

    def compare(self) -> None:
        """Find out what is known of the listed files already.

        An instance of another storage class than in table ``classes`` counts as changed.
        """
        self._run(survey_sql.KEEP)
        if self._number("SELECT count(*) FROM passed WHERE is_folder"):
            self._run(survey_sql.KEEP_UNSEEN)
        self._run(survey_sql.RECLASSIFIED)
        values = {"unreadable": _UNREADABLE, "duplicate": _DUPLICATE, "conflict": _CONFLICT}
        self._run(survey_sql.KEEP_OTHERS, values)

    def resume(self, seen: pa.Table) -> None:
        """Take over what an earlier run has read, as far as it holds."""
        self._duckdb.register("batch", seen)
        self._run(survey_sql.RESUME, {"unreadable": _UNREADABLE})

    def left_to_read(self) -> int:
        """Count what has to be read."""
        self._run(survey_sql.TO_READ)
        return self._number("SELECT count(*) FROM to_read")

    def add(self, table: str, batch: pa.RecordBatch | pa.Table) -> None:
        """Add rows to one of the tables."""
        import pyarrow as pa

        rows = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
        self._duckdb.register("batch", rows)
        self._run(survey_sql.INSERT[table])

    def admit(self, latest: int = 0) -> Changes:
        """Decide which of the fresh files are instances, and which are there twice.

        Args:
            latest: The last moment that is taken, in microseconds since 1970.

        Returns:
            What has changed.
        """
        self._run(survey_sql.ADMIT)
        for statement in survey_sql.FOUND_AGAIN:
            self._run(statement)
        latest = max(latest, self._number("SELECT coalesce(max(LastUpdated), 0) FROM kept"))
        self.moment = max(self.moment, latest + 1)
        self._run(survey_sql.ADD, {"moment": self.moment})
        self._compare_twins()
        self._run(survey_sql.ADD_OTHERS, {"duplicate": _DUPLICATE, "conflict": _CONFLICT})
        self._run(survey_sql.ADD_PASSED)
        ((changed, added, gone, read),) = self._run(survey_sql.COUNTS)
        return Changes(added, changed, gone, read)

    def _compare_twins(self) -> None:
        """Find out which files of an instance that is there already hold something else."""
        import pyarrow as pa

        with self._duckdb.cursor() as cursor:
            for batch in cursor.sql(survey_sql.TWICE).to_arrow_reader(_AT_ONCE):
                conflicts = [
                    row["path"]
                    for row in batch.to_pylist()
                    if not row["alike"]
                    or not is_same_file(self._folder / row["path"], self._folder / row["other"])
                ]
                self.add("conflicts", pa.table({"path": pa.array(conflicts, pa.string())}))

    def changed(self) -> bool:
        """Tell whether there are other instances than were known."""
        return self._number(survey_sql.CHANGED) > 0

    def rows_of_part(self, part: int) -> pa.Table:
        """Give the admitted instances of a part: position, size_bytes, StorageClass."""
        return self._table(survey_sql.ROWS_OF_PART, {"part": part})

    def gone(self) -> pa.Table:
        """Give the UIDs of instances that are no more."""
        return self._table(survey_sql.GONE)

    def findings(self) -> pa.Table:
        """Give what is not in the table, and why: path, reason, element, detail."""
        return self._table(survey_sql.FINDINGS)

    def noted(self) -> dict[str, int]:
        """Count the notes on values, by reason."""
        return dict(self._run(survey_sql.NOTED))

    def others_differ(self) -> bool:
        """Tell whether other files are no instances than were known."""
        return self._number(survey_sql.OTHERS_DIFFER) > 0

    def reclassify(self, storage_class: str, chosen: pa.Table | pa.RecordBatchReader) -> int:
        """Give the chosen of the known instances another class; all known ones are kept."""
        self._run(survey_sql.KEEP_ALL)
        self._duckdb.register("chosen", chosen)
        return self._number(
            survey_sql.CHOOSE, {"storage_class": storage_class, "moment": self.moment}
        )

    def errors(self) -> dict[str, int]:
        """Count the files that are no instances, by reason."""
        rows = self._run("SELECT Reason, count(*) FROM others GROUP BY ALL ORDER BY ALL")
        return dict(rows)

    def instances(self) -> int:
        """Count the instances."""
        return self._number("SELECT count(*) FROM kept")

    def list_files(self, progress: Progress = silent) -> None:
        """List the folder.

        Raises:
            SourceError: It cannot be read.
        """
        files: list[tuple[str, int, int]] = []
        passed: list[tuple[str, str, bool]] = []
        listed = 0
        try:
            for found in walk(self._folder):
                if found.reason is None:
                    files.append((found.path, found.size_bytes, found.modified_ns))
                else:
                    passed.append((found.path, found.reason.value, found.is_folder))
                if len(files) + len(passed) >= _AT_ONCE:
                    listed += len(files)
                    self._list(files, passed)
                    progress("list", listed)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise SourceError(
                f"{self._folder} cannot be listed: {reason}", hint="check its permissions"
            ) from error
        self._list(files, passed)

    def _list(self, files: list[tuple[str, int, int]], passed: list[tuple[str, str, bool]]) -> None:
        for table, names, rows in (
            ("listing", ("path", "size_bytes", "modified_ns"), files),
            ("passed", ("path", "Reason", "is_folder"), passed),
        ):
            if rows:
                import pyarrow as pa

                columns = [pa.array(column) for column in zip(*rows, strict=True)]
                self.add(table, pa.RecordBatch.from_arrays(columns, list(names)))
                rows.clear()

    def fresh(self) -> int:
        """Count the files that have been read."""
        return self._number("SELECT count(*) FROM fresh")

    def know(self, name: str, parquet: Path | None, schema: pa.Schema) -> None:
        """Make what was known a table, empty where there is none that can be read."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._duckdb.register("batch", schema.empty_table())
        self._run(survey_sql.EMPTY[name])
        if parquet is None:
            return
        try:
            with pq.ParquetFile(parquet) as file:
                if set(schema.names) <= set(file.schema_arrow.names):
                    for batch in file.iter_batches(_AT_ONCE * 10, columns=schema.names):
                        self.add(name, batch)
        except (OSError, pa.ArrowInvalid):  # there is none, or what is there is no catalog
            self._run(survey_sql.EMPTY[name])

    def to_read(self) -> Iterator[pa.RecordBatch]:
        """Give the files that have to be read, in batches."""
        with self._duckdb.cursor() as cursor:
            yield from cursor.sql("SELECT * FROM to_read ORDER BY path").to_arrow_reader(_AT_ONCE)

    def replace(self, path: Path, query: str, schema: pa.Schema) -> None:
        """Write a query's rows where a file is or is not, at once.

        Args:
            path: The file.
            query: Its rows.
            schema: Its columns, and what the file says of itself.
        """
        import pyarrow.parquet as pq

        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
        try:
            with pq.ParquetWriter(unfinished, schema) as writer:
                for batch in self._duckdb.sql(query).to_arrow_reader(_AT_ONCE * 10):
                    writer.write_batch(batch.select(schema.names).cast(schema))
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def _run(self, query: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return self._duckdb.execute(query, values).fetchall()

    def _table(self, query: str, values: dict[str, Any] | None = None) -> pa.Table:
        return self._duckdb.sql(query, params=values).to_arrow_table()

    def _number(self, query: str, values: dict[str, Any] | None = None) -> int:
        return int(self._run(query, values)[0][0] or 0)
