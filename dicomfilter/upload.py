"""Carrying a filter file to Cloud Storage, once found usable as it is."""

from __future__ import annotations

from dataclasses import dataclass
from shutil import copyfileobj
from typing import TYPE_CHECKING

from dicomfilter.errors import FilterFileError, UsageError
from dicomfilter.filterfile.findings import MEMORY_LIMIT
from dicomfilter.filterfile.ledger import open_ledger
from dicomfilter.storage import Written, is_cloud, open_storage
from dicomfilter.storage.digest import Digest

if TYPE_CHECKING:
    from os import PathLike

    from dicomfilter.filterfile.findings import LevelCounts, Report

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A filter file that stands in Cloud Storage.

    Args:
        written: Where it is, its length, its checksums and its generation.
        report: What the check found: nothing that stands in the way.
    """

    written: Written
    report: Report

    @property
    def uri(self) -> str:
        """The object as the caller named it."""
        return self.written.uri

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return self.report.lines

    @property
    def levels(self) -> LevelCounts:
        """How many lines name what."""
        return self.report.levels


def upload_filter(
    path: str | PathLike[str],
    destination: str,
    *,
    overwrite: bool = False,
    memory_limit: str = MEMORY_LIMIT,
) -> Uploaded:
    """Check a filter file and carry it to Cloud Storage as it is.

    Args:
        path: The file, ``-`` for standard input, or another object.
        destination: ``gs://bucket/object``.
        overwrite: Whether an object that is there may be replaced.
        memory_limit: What the check keeps in memory before it spills to a temporary folder.

    Returns:
        What was written, and what the check found.

    Raises:
        FilterFileError: The file cannot be used as it is; nothing was written.
        SourceError: It cannot be read.
        UsageError: The destination is not in Cloud Storage.
        DestinationError: The destination cannot be written, or exists.
        RemoteError: Cloud Storage refused or failed; nothing was written.
    """
    uri = str(path)
    if not is_cloud(destination):
        raise UsageError(
            f"{destination} is not in Cloud Storage",
            hint="write gs://BUCKET/OBJECT, or copy a local file with `cp`",
        )
    storage = open_storage(destination)
    storage.check_destination(destination, overwrite=overwrite, inputs=[uri])
    with open_ledger(uri, memory_limit=memory_limit) as ledger:
        before = Digest()
        ledger.read(before)
        ledger.compare()
        report = ledger.report()
        _refuse(report)
        place = ledger.source.place
        with (
            open_storage(place).reader(place) as file,
            storage.writer(destination, overwrite=overwrite) as writer,
        ):
            copyfileobj(file, writer, _BLOCK_BYTES)
            if writer.sha256 != before.sha256:
                raise ledger.changed()
        return Uploaded(writer.written, report)


def _refuse(report: Report) -> None:
    if report.ok:
        return
    what = "; ".join(f"{finding.kind}, {finding.where}" for finding in report.errors)
    repair = f"put it right with `dicomfilter check {report.uri} --repair -o FIXED`"
    by_hand = "put these lines right by hand, or build the filter anew"
    raise FilterFileError(
        f"{report.uri} is not usable as it is, and was not uploaded: {what}",
        hint=repair if report.repairable else by_hand,
    )
