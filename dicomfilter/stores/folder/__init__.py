"""A folder of DICOM files as a store: what it is asked is done when it answers.

It takes the requests that a store of the Healthcare API takes, and its operations have the same
counters and the same ends. Which instances it holds is known from the catalog of the folder, which
is brought up to date before each operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.errors import DicomFilterError, RemoteError, UsageError
from dicomfilter.stores.folder import requests
from dicomfilter.stores.folder.records import Records
from dicomfilter.stores.folder.work import Run, run
from dicomfilter.stores.protocol import Listing
from dicomfilter.stores.requests import (
    Deidentify,
    ExportToGcs,
    ImportFromGcs,
    SetStorageClass,
)
from dicomfilter.stores.state import Counters, State

if TYPE_CHECKING:
    from typing import Protocol

    from dicomfilter.dicom.headers.catalog import Catalog
    from dicomfilter.dicom.headers.survey import Progress
    from dicomfilter.stores.folder.names import FolderName
    from dicomfilter.stores.protocol import Call
    from dicomfilter.stores.requests import Request
    from dicomfilter.stores.state import Status, Watch

    class Job(Protocol):
        """Something that a folder is asked to do."""

        def check(self, folder: Path) -> None:
            """Find out what is wrong with it before anything is read or written."""

        def work(self, running: Run, catalog: Catalog) -> None:
            """Do it."""


_RESUMABLE = {
    8: "make room, and run the same command again: it goes on from there",
    10: "run the same command again: it goes on from there",
}
VERSION = "local"
"""Stands where a version of the Healthcare API would."""


@dataclass(frozen=True, slots=True)
class FolderStore:
    """A folder of DICOM files, and the operations that ran on it.

    Args:
        name: The folder.
    """

    name: FolderName

    @property
    def records(self) -> Records:
        """What is remembered of its operations."""
        from dicomfilter.dicom.headers.catalog import place_of

        return Records(place_of(Path(self.name.path)))

    def check(self, request: Request) -> None:
        """Find out what is wrong with a request before anything is read or written.

        Raises:
            UsageError: It cannot be done.
        """
        self.name.check()
        _job(request).check(Path(self.name.path))

    def start(self, call: Call, watch: Watch | None = None) -> State:
        """Do what is asked, to its end.

        Args:
            call: It.
            watch: Is told how it stands while it runs.

        Returns:
            How it ended.

        Raises:
            DicomFilterError: Nothing was begun.
        """
        from dicomfilter.dicom.headers.catalog import Catalog

        folder = Path(self.name.path)
        job = _job(call.request, call.filter_crc32c)
        catalog = Catalog.open(folder, progress=_reading(watch, call))
        record = Records(catalog.place).begin(call.operation, call.request.api_method)
        return run(record, partial(job.work, catalog=catalog), watch)

    def operations(self) -> Listing:
        """List the operations that are remembered."""
        return Listing(tuple(self.records.every()), None)

    def get(self, name: str) -> State:
        """Look at an operation.

        Raises:
            RemoteNotFoundError: It is not known.
        """
        return self.records.read(name)

    def poll(self, name: str) -> State:
        """Look at an operation; the same as ``get``."""
        return self.records.read(name)

    def cancel(self, name: str) -> None:
        """Ask an operation to end, which another process may run.

        Raises:
            RemoteError: It has ended.
        """
        if self.records.read(name).done:
            raise RemoteError(f"{name} has already ended", hint="look at it with `describe`")
        self.records.cancel(name)

    def refusal(self, status: Status, request: Request | None) -> DicomFilterError | None:  # noqa: ARG002 - the Protocol's
        """Say how to go on after a full disk or an end in the middle."""
        if status.code not in _RESUMABLE:
            return None
        return DicomFilterError("what is complete stays", hint=_RESUMABLE[status.code])


def _reading(watch: Watch | None, call: Call) -> Progress | None:
    """Show how far the catalog is, which the first operation on a folder has to make."""
    if watch is None:
        return None

    def tell(_step: str, done: int = 0, total: int | None = None, /) -> None:
        if total:
            counters = Counters(done, 0, max(0, total - done))
            watch(State(call.operation, "catalog", counters=counters))

    return tell


def _job(request: Request, filter_crc32c: str | None = None) -> Job:
    """Choose what does a request."""
    match request:
        case ExportToGcs():
            from dicomfilter.stores.folder.exports import ImageExport

            return ImageExport(request, filter_crc32c)
        case requests.ExportToTable():
            from dicomfilter.stores.folder.table_exports import TableExport

            return TableExport(request, filter_crc32c)
        case ImportFromGcs():
            from dicomfilter.stores.folder.imports import ImageImport

            return ImageImport(request)
        case SetStorageClass():
            from dicomfilter.stores.folder.classes import ClassChange

            return ClassChange(request, filter_crc32c)
        case Deidentify():
            from dicomfilter.stores.folder.deidentify import Deidentification

            return Deidentification(request, filter_crc32c)
    raise UsageError(
        f"{request.place} is not where a folder's metadata can go",
        hint="name FILE.parquet or FILE.duckdb::TABLE",
    )
