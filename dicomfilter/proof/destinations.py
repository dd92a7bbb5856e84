"""What a destination holds: names of images, or rows of a table."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.unit_rows import rows
from dicomfilter.errors import SourceNotFoundError, TableError, UsageError
from dicomfilter.filters.lines.ledger import stream
from dicomfilter.googlesql.pieces import UID_COLUMNS, column, fragment
from dicomfilter.googlesql.query import Query
from dicomfilter.proof import comparison_sql as sql
from dicomfilter.storage.local.refusals import reading
from dicomfilter.storage.protocol import is_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb
    import pyarrow as pa

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.storage.gcs.objects import GcsStorage

_BATCH = 10_000
_DEPTH = 4
"""How far down images lie, a frame of one deepest."""
_TABLES = (".parquet", ".duckdb", ".db")
_EXTRAS = {"updated": "LastUpdated", "kind": "Type"}


@dataclass(frozen=True, slots=True)
class Look:
    """How names are read.

    Args:
        extension: What names of images end with, without its dot.
        is_dicom: Whether there is one file an instance, never one a frame.
        since: What is older was there before; ISO 8601, None where that is not known.
        bounds: Names that part a listing into pieces of like size.
    """

    extension: str = "dcm"
    is_dicom: bool = True
    since: str | None = None
    bounds: tuple[str, ...] = ()


class Destination(Protocol):
    """A place that an export filled."""

    @property
    def uri(self) -> str:
        """Its name."""

    @property
    def is_table(self) -> bool:
        """Whether it has rows, not files."""

    def take(self, connection: duckdb.DuckDBPyConnection, look: Look) -> int:
        """Copy what is there into the table ``arrived``.

        Returns:
            In how many pages it came.

        Raises:
            DicomFilterError: It could not be looked at, or not wholly.
        """


@dataclass(frozen=True, slots=True)
class Objects:
    """A bucket of Cloud Storage, or a folder in one.

    Args:
        uri: It.
        storage: The way to it.
    """

    uri: str
    storage: GcsStorage
    is_table: bool = False

    def take(self, connection: duckdb.DuckDBPyConnection, look: Look) -> int:
        """List it, in ranges side by side."""
        from dicomfilter.storage.gcs.names import GcsObject
        from dicomfilter.storage.gcs.pages import pages

        at = GcsObject.folder(self.uri)
        count = 0

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal count
            bounds = [at.name + bound for bound in look.bounds]
            for page in pages(self.storage.connection, at, bounds):
                count += 1
                yield listed(page.names, page.sizes, page.times)

        take_names(connection, batches(), look, below=at.name)
        return count


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine.

    Args:
        uri: It.
    """

    uri: str
    is_table: bool = False

    def take(self, connection: duckdb.DuckDBPyConnection, look: Look) -> int:
        """Walk through it."""
        if not Path(self.uri).is_dir():
            raise SourceNotFoundError(f"there is no folder {self.uri}", hint="check the name")
        take_names(connection, self._batches(), look)
        return 1

    def _batches(self) -> Iterator[pa.RecordBatch]:
        names: list[str] = []
        sizes: list[int | None] = []
        times: list[str | None] = []
        with reading(self.uri):
            for name, size, time in _walk(self.uri, "", 1):
                names.append(name)
                sizes.append(size)
                times.append(datetime.fromtimestamp(time, UTC).isoformat())
                if len(names) == _BATCH:
                    yield listed(names, sizes, times)
                    names, sizes, times = [], [], []
        yield listed(names, sizes, times)


def _walk(root: str, below: str, depth: int) -> Iterator[tuple[str, int, float]]:
    """Give the files of a folder: what cannot be read ends it, and is not passed over."""
    with os.scandir(f"{root}/{below}") as entries:
        for entry in entries:
            name = f"{below}{entry.name}"
            if entry.is_dir() and depth < _DEPTH:
                yield from _walk(root, f"{name}/", depth + 1)
            elif not entry.is_dir():
                try:
                    found = entry.stat()
                except FileNotFoundError:
                    continue  # a link to nothing, or removed by now: no image is there
                yield name, found.st_size, found.st_mtime


@dataclass(frozen=True, slots=True)
class Table:
    """A table of metadata.

    Args:
        uri: It.
        engine: Where it is.
    """

    uri: str
    engine: Engine
    is_table: bool = True

    def take(
        self,
        connection: duckdb.DuckDBPyConnection,
        look: Look,  # noqa: ARG002 - rows have no names
    ) -> int:
        """Count its rows by instance."""
        schema = self.engine.schema()
        if schema.finest.depth < len(UID_COLUMNS):
            raise TableError(
                f"{self.uri} has a row a series, so which instances arrived cannot be told",
                hint="name a table with a SOPInstanceUID column",
            )
        query = _counted(Selection(schema, all_versions=True))
        self.engine.estimate(query)
        stream(connection, "source", self._batches(query), sql.ARRIVED_ROWS)
        return 1

    def _batches(self, query: Query) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        names = ("study", "series", "instance", *_EXTRAS)
        schema = pa.schema([*((name, pa.string()) for name in names), ("row_count", pa.int64())])
        yield pa.RecordBatch.from_pylist([], schema)
        for batch in self.engine.rows(query):
            have = set(batch.schema.names)
            arrays = [
                batch.column(one.name).cast(one.type)
                if one.name in have
                else pa.nulls(len(batch), one.type)
                for one in schema
            ]
            yield pa.record_batch(arrays, schema=schema)


def _counted(selection: Selection) -> Query:
    """Compose how often each version of an instance is there."""
    from sqlglot import exp

    schema = selection.schema
    extra = {
        name: column(found.name)
        for name, keyword in _EXTRAS.items()
        if (found := schema.find(keyword)) is not None
    }
    group = ["study", "series", "instance", *extra]
    query = exp.select(*map(exp.column, group), fragment("COUNT(*) AS row_count"))
    query = query.from_(rows(selection, extra=extra).subquery("all_rows"))
    query = query.where(fragment("usable"), copy=False).group_by(*group)
    return Query(query, selection.parameters)


def listed(
    names: Sequence[str], sizes: Sequence[int | None], times: Sequence[str | None]
) -> pa.RecordBatch:
    """Make a batch of a part of a listing."""
    import pyarrow as pa

    return pa.record_batch(
        {
            "name": pa.array(names, pa.string()),
            "size_bytes": pa.array(sizes, pa.int64()),
            "created": pa.array(times, pa.string()),
        }
    )


def take_names(
    connection: duckdb.DuckDBPyConnection,
    batches: Iterator[pa.RecordBatch],
    look: Look,
    *,
    below: str = "",
) -> None:
    """Read names of images below a destination into ``arrived``.

    Args:
        connection: Where.
        batches: See ``listed``.
        look: How names are read.
        below: What all of them begin with.
    """

    def none_first() -> Iterator[pa.RecordBatch]:
        yield listed((), (), ())
        yield from batches

    bound = {
        "extension": look.extension,
        "is_dicom": look.is_dicom,
        "since": look.since,
        "skip": len(below) + 1,
    }
    stream(connection, "source", none_first(), sql.ARRIVED_NAMES, bound)


def is_table(uri: str) -> bool:
    """Tell whether a destination is a table, by its name.

    >>> is_table("bq://p.d.t"), is_table("out.parquet"), is_table("gs://b/out/"), is_table("out")
    (True, True, False, False)
    """
    file, _, table = uri.partition("::")
    return uri.startswith("bq://") or (
        not is_cloud(uri) and (bool(table) or file.lower().endswith(_TABLES))
    )


def check(uri: str) -> None:
    """Refuse what can be no destination before anything is read.

    Raises:
        UsageError: It is none, such as a pattern or standard output.
    """
    if uri == "-" or (not is_table(uri) and not is_cloud(uri) and "://" in uri):
        raise UsageError(
            f"{uri} is no destination of an export",
            hint="name a folder, gs://BUCKET/FOLDER/, bq://P.D.T, FILE.parquet or "
            "FILE.duckdb::TABLE",
        )
