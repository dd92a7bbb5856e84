"""Filter files on their way to Cloud Storage and to a store."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from shutil import copyfileobj
from typing import TYPE_CHECKING

from dicomfilter.errors import (
    DestinationExistsError,
    DicomFilterError,
    FilterFileError,
    RemoteError,
    SourceError,
    UsageError,
)
from dicomfilter.filters.lines import Kind, Report
from dicomfilter.filters.lines.findings import MEMORY_LIMIT
from dicomfilter.filters.lines.ledger import open_ledger
from dicomfilter.filters.manifest import SUFFIX, Manifest
from dicomfilter.filters.sidecars import write_text
from dicomfilter.filters.used import FilterUsed
from dicomfilter.storage import open_storage
from dicomfilter.storage.digest import Digest
from dicomfilter.storage.protocol import STANDARD_OUTPUT, Written, is_cloud

if TYPE_CHECKING:
    from os import PathLike

    from dicomfilter.counts import Coverage
    from dicomfilter.filters.lines.findings import LevelCounts, Report


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


_PIECE = 1 << 20
_LOOKED_THROUGH = 64 << 20
"""A larger file that its manifest vouches for is not read again."""
_TOLERATED = frozenset({Kind.SERIES_IN_TWO_STUDIES, Kind.INSTANCE_IN_TWO_SERIES})
"""What real stores hold too, and takes nothing that the lines do not name."""


@dataclass(frozen=True, slots=True)
class Handover:
    """A filter in Cloud Storage that a store may be given.

    Args:
        used: Where it is, and what it covers.
        notes: What a person should know of it.
    """

    used: FilterUsed
    notes: tuple[str, ...] = ()

    def afterwards(self) -> tuple[str, ...]:
        """Look whether it is still the same once an operation has used it."""
        uri, generation = self.used.uri, self.used.generation
        try:
            found = open_storage(uri).stat(uri).generation
        except SourceError:
            return (f"{uri} was removed while the operation ran",)
        except RemoteError as refused:
            return (f"{uri} could not be compared after the operation: {refused.message}",)
        if generation in (None, found):
            return ()
        replaced = f"{uri} was replaced while the operation ran"
        now = f"generation {generation}, now {found}"
        return (f"{replaced} ({now}), so what was taken may not be what it names",)


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of a filter file once all of it was read, in one go.

    Args:
        report: What a check found.
        size_bytes: Its length.
        crc32c: Its CRC32C.
        sha256: Its SHA-256.
        digest: Of its lines in any order.
    """

    report: Report
    size_bytes: int
    crc32c: str
    sha256: str
    digest: str

    @property
    def instances(self) -> int | None:
        """How many instances its lines cover, where each names one."""
        levels = self.report.levels
        return None if levels.study or levels.series else levels.instance

    def used(self, uri: str, generation: int | None, coverage: Coverage | None) -> FilterUsed:
        """Remember it as the filter of a start; ``coverage`` is what its manifest says."""
        covered = coverage.covered_instances if coverage else None
        covered = self.instances if covered is None else covered
        lines = self.report.levels.total
        return FilterUsed(uri, self.crc32c, generation, covered, lines, self.digest)


def hand_over(uri: str, *, staging: str | None = None, manifest: str | None = None) -> Handover:
    """Look a filter file through and put it where the service can read it.

    Args:
        uri: A file, or an object in Cloud Storage.
        staging: The folder in Cloud Storage that a local file is put into.
        manifest: Where its manifest is, if not beside it.

    Returns:
        The filter in Cloud Storage. A local file gets a name made of its content there, so that
        it replaces nothing and is stored once.

    Raises:
        FilterFileError: It is empty, or has lines that are no paths.
        UsageError: It is local, and no staging folder is named.
        SourceError: It cannot be read.
        DestinationError: It cannot be staged.
    """
    if is_cloud(uri):
        return _in_place(uri, manifest)
    folder = staging_folder(uri, staging)
    looked = _look(uri)
    notes = _refuse_unusable(looked.report)
    coverage, manifest_uri, said = _coverage(uri, looked.crc32c, manifest)
    written = _upload(uri, folder + _content_name(looked.sha256), looked)
    if manifest_uri is not None:
        _name_in_manifest(manifest_uri, written)
    used = looked.used(written.uri, written.generation, coverage)
    return Handover(used, (*said, *notes, f"{uri} is staged as {written.uri}"))


def take_up(uri: str, *, manifest: str | None = None) -> Handover:
    """Look a filter file through that is read where it lies.

    Args:
        uri: A file, or an object in Cloud Storage.
        manifest: Where its manifest is, if not beside it.

    Raises:
        FilterFileError: It is empty, or has lines that are no paths.
        SourceError: It cannot be read.
    """
    if is_cloud(uri):
        return _in_place(uri, manifest)
    _refuse_standard_input(uri)
    _refuse_empty(uri, open_storage(uri).stat(uri).size_bytes)
    looked = _look(uri)
    notes = _refuse_unusable(looked.report)
    coverage, _, said = _coverage(uri, looked.crc32c, manifest)
    return Handover(looked.used(uri, None, coverage), (*said, *notes))


def planned(uri: str, *, staging: str | None = None) -> str:
    """Tell where a filter would be handed over, without sending anything.

    Raises:
        UsageError: It is local, and no staging folder is named.
        SourceError: It cannot be read.
    """
    if is_cloud(uri):
        return uri
    return staging_folder(uri, staging) + _content_name(_look(uri).sha256)


def _in_place(uri: str, manifest: str | None) -> Handover:
    storage = open_storage(uri)
    before = storage.stat(uri)
    _refuse_empty(uri, before.size_bytes)
    coverage, manifest_uri, notes = _coverage(uri, before.crc32c, manifest)
    if before.size_bytes > _LOOKED_THROUGH and manifest_uri is not None:
        covered, lines = (coverage.covered_instances, coverage.lines) if coverage else (None, None)
        used = FilterUsed(uri, before.crc32c, before.generation, covered, lines)
        return Handover(used, (*notes, f"{uri} is as {manifest_uri} describes it"))
    looked = _look(uri)
    if before.crc32c not in {None, looked.crc32c}:
        raise FilterFileError(f"{uri} was replaced while it was read", hint="run it again")
    notes += _refuse_unusable(looked.report)
    return Handover(looked.used(uri, before.generation, coverage), notes)


def _refuse_empty(uri: str, size_bytes: int) -> None:
    if not size_bytes:
        raise FilterFileError(
            f"{uri} is empty", hint="build it again; what an export does with it is not documented"
        )


def _refuse_unusable(report: Report) -> tuple[str, ...]:
    """Stop at what stands in the way; give back what does not.

    Raises:
        FilterFileError: Something does.
    """
    wrong = [finding for finding in report.errors if finding.kind not in _TOLERATED]
    if wrong:
        fix = f"put it right with `dicomfilter check {report.uri} --repair -o FIXED`"
        repairable = all(finding.repairable for finding in wrong)
        raise FilterFileError(
            f"{report.uri} cannot be used as it is: "
            + "; ".join(f"{f.where}: {f.explanation}" for f in wrong),
            hint=fix if repairable else f"see `dicomfilter check {report.uri}`",
        )
    return tuple(
        f"{report.uri}: {f.where}: {f.explanation}"
        for f in report.findings
        if f.kind is not Kind.IRREGULAR_UID
    )


def _look(uri: str) -> Looked:
    """Check a file and sum it up in one go, so that both are about the same bytes."""
    digest = Digest()
    with open_ledger(uri) as ledger:
        ledger.read(digest)
        ledger.compare()
        report, lines = ledger.report(), ledger.digest()
    return Looked(report, digest.size_bytes, digest.crc32c, digest.sha256, lines)


def _coverage(
    uri: str, crc32c: str | None, manifest: str | None
) -> tuple[Coverage | None, str | None, tuple[str, ...]]:
    """Ask the manifest what the lines cover, if it is of just this file."""
    beside = manifest or uri + SUFFIX
    storage = open_storage(beside)
    try:
        if manifest is None and not storage.exists(beside):
            return None, None, ()
        with storage.reader(beside) as file:
            found = Manifest.parse(file.read().decode())
    except (RemoteError, UnicodeDecodeError):
        if manifest is not None:
            raise
        return None, None, ()
    if found.crc32c != crc32c:
        raise FilterFileError(
            f"{uri} is not the file that {beside} describes",
            hint="take lines out with `dicomfilter subtract`, or make it a filter of its own with "
            f"`dicomfilter check {uri} --repair -o FIXED`",
        )
    return found.coverage, beside, ()


def staging_folder(uri: str, staging: str | None) -> str:
    """Tell the folder that a local filter file is put into, with its last slash.

    Raises:
        UsageError: None is named, or it is not in Cloud Storage.
    """
    _refuse_standard_input(uri)
    if staging is None:
        raise UsageError(
            f"{uri} is a local file, and the service reads Cloud Storage",
            hint="add --staging gs://BUCKET/FOLDER/, where it is put",
        )
    if not is_cloud(staging):
        raise UsageError(f"--staging {staging} is not in Cloud Storage", hint="write gs://BUCKET/")
    return staging if staging.endswith("/") else staging + "/"


def _refuse_standard_input(uri: str) -> None:
    if uri == STANDARD_OUTPUT:
        raise UsageError("a filter cannot come from standard input here", hint="name its file")


def _content_name(sha256: str) -> str:
    return f"dicomfilter-{sha256[:32]}.txt"


def _upload(uri: str, target: str, looked: Looked) -> Written:
    """Put a file at a place that is named after its content, unless it is there already."""
    storage = open_storage(target)
    try:
        with storage.writer(target, overwrite=False) as writer:
            with open_storage(uri).reader(uri) as file:
                copyfileobj(file, writer, _PIECE)
            if writer.sha256 != looked.sha256:
                raise FilterFileError(f"{uri} changed while it was read", hint="run it again")
    except DestinationExistsError:
        found = storage.stat(target)
    else:
        return writer.written
    if (found.size_bytes, found.crc32c) != (looked.size_bytes, looked.crc32c):
        raise DicomFilterError(
            f"{target} does not hold what {uri} holds", hint="remove it, or stage elsewhere"
        )
    return Written(target, found.size_bytes, looked.crc32c, looked.sha256, found.generation)


def _name_in_manifest(uri: str, staged: Written) -> None:
    """Note beside a local filter where it was staged."""
    with open_storage(uri).reader(uri) as file:
        document = json.loads(file.read())
    document["filter"]["staged"] = {"uri": staged.uri, "generation": staged.generation}
    if is_cloud(uri) or os.access(uri, os.W_OK):
        write_text(uri, json.dumps(document, indent=2) + "\n", overwrite=True)
