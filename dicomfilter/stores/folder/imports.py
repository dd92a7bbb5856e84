"""Imports of images into a folder."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from dicomfilter.dicom.headers.survey import is_same_file
from dicomfilter.engines.duckdb.spill import Spill
from dicomfilter.stores.folder.copying import InFile
from dicomfilter.stores.folder.import_sources import open_source
from dicomfilter.stores.folder.layout import Format, instance_name
from dicomfilter.stores.folder.places import FolderPlace
from dicomfilter.stores.folder.work import ItemFailedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import pyarrow as pa

    from dicomfilter.dicom.headers.catalog import Catalog
    from dicomfilter.dicom.headers.header import Header
    from dicomfilter.stores.folder.work import Run
    from dicomfilter.stores.requests import ImportFromGcs

_NOT_FOUND = 5
_KNOWN = """
CREATE TABLE known AS SELECT
  StudyInstanceUID AS study, SeriesInstanceUID AS series, SOPInstanceUID AS instance, path
FROM catalog
"""
_INDEX = "CREATE INDEX by_instance ON known (instance)"
_PLACE = """
SELECT path FROM known WHERE instance = $instance AND series = $series AND study = $study
"""
_NEW = """
SELECT StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID FROM catalog
WHERE (StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID) NOT IN (
  SELECT (study, series, instance) FROM known WHERE instance IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class ImageImport:
    """Copies images into the folder, in the layout of an export; what is there stays.

    Args:
        request: What is asked.
    """

    request: ImportFromGcs

    def check(self, folder: Path) -> None:
        """Find out what is wrong with it before anything is read.

        Raises:
            SourceError: There is nothing to be read, or it is in the store itself.
            DestinationError: The folder cannot be written.
        """
        open_source(self.request.uri).check(folder)
        FolderPlace(folder).probe()

    def work(self, running: Run, catalog: Catalog) -> None:
        """Copy."""
        source, place = open_source(self.request.uri), FolderPlace(catalog.folder)
        names = source.names()
        first = list(islice(names, 1))
        if not first:
            raise StoppedError(f"No objects match {self.request.uri}.", _NOT_FOUND)
        with _known(catalog) as known, Spill.make() as scratch:

            def one(name: str) -> None:
                with source.local(name, Path(scratch.path)) as file:
                    found = identified(file)
                    there = known.place(found)
                    if there is None:
                        _add(place, found, file, running)
                    else:
                        _demand_same(file, place.root / there)

            running.each(chain(first, names), one)
            after = type(catalog).open(catalog.folder)
            if self.request.storage_class is not None:
                after.set_storage_class(str(self.request.storage_class), known.new(after))


def identified(file: Path) -> Header:
    """Read which instance lies in a file.

    Raises:
        ItemFailedError: None does.
    """
    from dicomfilter.dicom.headers.header import NoInstanceError, read_header

    try:
        return read_header(str(file))
    except NoInstanceError as error:
        detail = f": {error.detail}" if error.detail else ""
        raise ItemFailedError(f"{error.reason}{detail}") from error


def _add(place: FolderPlace, found: Header, file: Path, running: Run) -> None:
    uids = (found.study, found.series, found.instance)
    name = instance_name(uids, Format().extension)
    if place.add(name, InFile.of(file), running.halt):
        return
    _demand_same(file, place.root / name)


def _demand_same(file: Path, there: Path) -> None:
    """Make sure that an instance that is there already is this one.

    Raises:
        ItemFailedError: It has other contents.
    """
    if not is_same_file(file, there):
        raise ItemFailedError(f"{there} has the same UIDs and other contents")


@dataclass(frozen=True, slots=True)
class _Known:
    """The instances that a folder had before."""

    connection: duckdb.DuckDBPyConnection
    lock: Lock = field(default_factory=Lock)

    def place(self, header: Header) -> str | None:
        """Tell where an instance lies; None where it does not."""
        uids = {"study": header.study, "series": header.series, "instance": header.instance}
        with self.lock:
            found = self.connection.execute(_PLACE, uids).fetchall()
        return str(found[0][0]) if found else None

    def new(self, after: Catalog) -> pa.RecordBatchReader:
        """Name the instances that a folder has now and did not have before."""
        self.connection.read_parquet(str(after.parquet)).create_view("catalog", replace=True)
        return self.connection.sql(_NEW).to_arrow_reader()


@contextmanager
def _known(catalog: Catalog) -> Iterator[_Known]:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.read_parquet(str(catalog.parquet)).create_view("catalog")
        connection.execute(_KNOWN)
        connection.execute(_INDEX)
        yield _Known(connection)
