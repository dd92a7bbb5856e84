"""Which instances of a folder a filter file names.

The catalog and the lines meet inside DuckDB, and what they have in common comes out in batches: no
Python object is made of a row before its turn has come.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.dicom.headers.reasons import LOST
from dicomfilter.engines.duckdb.interruption import interruptible
from dicomfilter.engines.duckdb.spill import Spill
from dicomfilter.errors import FilterFileError
from dicomfilter.filters.lines.check_sql import HAS_BAR, NO_BAR
from dicomfilter.filters.lines.chunks import Wrapping, open_source
from dicomfilter.filters.lines.ledger import stream
from dicomfilter.filters.lines.lines import numbered, texts
from dicomfilter.storage.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb
    import pyarrow as pa

BATCH = 512
"""How many instances are objects of Python at a time."""

_MEMORY_LIMIT = "512MB"

_NAMED = """
CREATE TABLE named AS
SELECT line, text, len(parts) AS depth, parts[3] AS study, parts[5] AS series, parts[7] AS instance
FROM (SELECT line, text, string_split(text, '/') AS parts FROM source)
"""

_KNOWN = """
CREATE VIEW known AS
SELECT
  StudyInstanceUID AS study,
  SeriesInstanceUID AS series,
  SOPInstanceUID AS instance,
  path,
  size_bytes,
  TransferSyntaxUID AS syntax,
  StorageClass AS storage_class,
  modified_ns,
  LastUpdated AS updated
FROM catalog
WHERE Type IS DISTINCT FROM 'DELETE'
"""

_EVERYTHING = "CREATE VIEW chosen AS SELECT * FROM known"

_CHOSEN = """
CREATE TABLE chosen AS
SELECT * FROM known
WHERE study IN (SELECT study FROM named WHERE depth = 3)
  OR (study, series) IN (SELECT (study, series) FROM named WHERE depth = 5)
  OR (study, series, instance) IN (SELECT (study, series, instance) FROM named WHERE depth = 7)
"""

_MISSING = """
CREATE TABLE missing AS
SELECT line, text FROM named
WHERE depth = 3 AND study NOT IN (SELECT study FROM known)
UNION ALL
SELECT line, text FROM named WHERE depth NOT IN (3, 5, 7)
UNION ALL
SELECT line, text FROM named
WHERE depth = 5 AND (study, series) NOT IN (SELECT (study, series) FROM known)
UNION ALL
SELECT line, text FROM named
WHERE depth = 7 AND (study, series, instance) NOT IN (SELECT (study, series, instance) FROM known)
"""


_INSTANCES = """
SELECT study, series, instance, path, size_bytes, syntax, storage_class FROM chosen ORDER BY path
"""

_FILES = """
SELECT
  path,
  size_bytes,
  modified_ns,
  coalesce(storage_class, 'STANDARD') AS StorageClass,
  updated AS LastUpdated,
  study,
  series,
  instance
FROM chosen
ORDER BY path
"""

_IDENTIFIERS = """
SELECT study AS StudyInstanceUID, series AS SeriesInstanceUID, instance AS SOPInstanceUID
FROM chosen
"""

_NO_OTHERS = """
CREATE TABLE others (
  path VARCHAR, Reason VARCHAR,
  StudyInstanceUID VARCHAR, SeriesInstanceUID VARCHAR, SOPInstanceUID VARCHAR)
"""
_LOST = """
CREATE TABLE lost AS
SELECT
  path,
  Reason AS reason,
  StudyInstanceUID AS study,
  SeriesInstanceUID AS series,
  SOPInstanceUID AS instance
FROM others WHERE list_contains($lost, Reason)
"""
# Which instance is in a file that cannot be read nobody can tell: it may be one that is named.
_LOST_OF_NAMED = """
DELETE FROM lost
WHERE instance IS NOT NULL
  AND study NOT IN (SELECT study FROM named WHERE depth = 3)
  AND (study, series) NOT IN (SELECT (study, series) FROM named WHERE depth = 5)
  AND (study, series, instance) NOT IN (
    SELECT (study, series, instance) FROM named WHERE depth = 7)
"""


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a folder, and the file that it lies in.

    Args:
        study: The UID of its study.
        series: Of its series.
        instance: Its own.
        path: Its file, relative to the folder.
        size_bytes: The file's length, as the catalog knows it.
        syntax: Its transfer syntax.
        storage_class: What it is stored as.
    """

    study: str
    series: str
    instance: str
    path: str
    size_bytes: int
    syntax: str | None = None
    storage_class: str | None = None

    @property
    def uids(self) -> tuple[str, str, str]:
        """The UIDs of its study, of its series, and its own."""
        return (self.study, self.series, self.instance)

    def __str__(self) -> str:
        return f"/studies/{self.study}/series/{self.series}/instances/{self.instance}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a filter comes to.

    Args:
        connection: Where it was found out.
        instances: How many instances there are.
        missing: How many lines name nothing.
        lost: How many files cannot be taken that may be of what was chosen.
    """

    connection: duckdb.DuckDBPyConnection
    instances: int
    missing: int
    lost: int = 0

    def missing_lines(self) -> Iterator[str]:
        """Give the lines that name nothing in the folder, in their order."""
        if self.missing:
            for batch in self._read("SELECT text FROM missing ORDER BY line"):
                yield from batch.column(0).to_pylist()

    def lost_files(self) -> Iterator[tuple[str, str]]:
        """Give the files that cannot be taken, each with the reason."""
        if self.lost:
            for batch in self._read("SELECT path, reason FROM lost ORDER BY path"):
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def batches(self) -> Iterator[list[Instance]]:
        """Give the instances, as they lie in the folder."""
        for batch in self._read(_INSTANCES):
            yield [Instance(**row) for row in batch.to_pylist()]

    def identifiers(self) -> pa.RecordBatchReader:
        """Give the UIDs of all instances."""
        return self.connection.sql(_IDENTIFIERS).to_arrow_reader()

    def files(self) -> Iterator[pa.RecordBatch]:
        """Give the files of all instances, and what the catalog knows of them."""
        return self._read(_FILES)

    def _read(self, statement: str) -> Iterator[pa.RecordBatch]:
        # A cursor of its own: two of these may be read in turn.
        with self.connection.cursor() as cursor:
            yield from cursor.sql(statement).to_arrow_reader(BATCH)


@contextmanager
def choose(
    catalog: Path, filter_uri: str | None, *, crc32c: str | None = None, others: Path | None = None
) -> Iterator[Choice]:
    """Find out which instances a filter names.

    Args:
        catalog: The catalog, a Parquet file.
        filter_uri: The filter, whose lines were checked; None for all instances.
        crc32c: What the filter's bytes sum up to, where they must be those that were checked.
        others: The catalog's list of files that are no instances, where they count.

    Yields:
        What it comes to.

    Raises:
        FilterFileError: The filter is not the one that was checked.
        SourceError: It cannot be read.
    """
    import duckdb

    with Spill.make() as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": folder.path,
            "memory_limit": _MEMORY_LIMIT,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        with duckdb.connect(":memory:", config=config) as connection:
            if connection.execute(HAS_BAR).fetchall() == [(True,)]:
                connection.execute(NO_BAR)
            connection.read_parquet(str(catalog)).create_view("catalog")
            connection.execute(_KNOWN)
            if others is None:
                connection.execute(_NO_OTHERS)
            else:
                connection.read_parquet(str(others)).create_view("others")
            connection.execute(_LOST, {"lost": list(LOST)})
            missing = 0
            if filter_uri is None:
                connection.execute(_EVERYTHING)
            else:
                _read_lines(connection, filter_uri, crc32c)
                for statement in (_CHOSEN, _MISSING, _LOST_OF_NAMED):
                    interruptible(connection, lambda sql=statement: connection.execute(sql))  # type: ignore[misc]
                missing = _count(connection, "SELECT count(*) FROM missing")
            instances = _count(connection, "SELECT count(*) FROM chosen")
            lost = _count(connection, "SELECT count(*) FROM lost")
            yield Choice(connection, instances, missing, lost)


def _read_lines(connection: duckdb.DuckDBPyConnection, uri: str, crc32c: str | None) -> None:
    digest, wrapping = Digest(), Wrapping()
    with open_source(uri) as source:
        batches = numbered(map(texts, source.blocks(wrapping, digest)), wrapping)
        stream(connection, "source", batches, _NAMED)
    if crc32c not in {None, digest.crc32c}:
        raise FilterFileError(f"{uri} was replaced while it was read", hint="run it again")


def _count(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    ((count,),) = connection.execute(statement).fetchall()
    return int(count)
