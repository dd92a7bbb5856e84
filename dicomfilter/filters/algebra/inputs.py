"""The filter files that a calculation reads, each of them once and for all."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import DicomFilterError, FilterFileError, ManifestError, UsageError
from dicomfilter.filters.lines.changed import recorded_beside
from dicomfilter.filters.lines.chunks import Source, open_source
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import STANDARD_OUTPUT, is_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dicomfilter.filters.manifest import Manifest

_HARMLESS = frozenset({"duplicate", "covered", "series-in-two-studies", "instance-in-two-series"})
"""Findings of a check that leave no doubt about what the lines name."""


@dataclass(frozen=True, slots=True)
class Input:
    """A filter file as it was when it was read.

    Args:
        uri: As the caller named it; ``-`` for standard input.
        size_bytes: Its length.
        crc32c: Its CRC32C, as Cloud Storage writes it.
        generation: Its version in Cloud Storage; None for a local file.
        manifest: Where its manifest is; None where there is none beside it.
    """

    uri: str
    size_bytes: int
    crc32c: str
    generation: int | None = None
    manifest: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give it as a manifest records it."""
        return {
            "uri": "" if self.uri == STANDARD_OUTPUT else self.uri,
            "size_bytes": self.size_bytes,
            "crc32c": self.crc32c,
            "generation": self.generation,
            "manifest": self.manifest,
        }


def check_distinct(uris: Sequence[str]) -> None:
    """Refuse files that are named twice, by whatever path or link.

    Raises:
        UsageError: Two are one.
    """
    from dicomfilter.storage.local.files import same_file

    for number, uri in enumerate(uris):
        for other in uris[:number]:
            if uri == other == STANDARD_OUTPUT:
                raise UsageError(
                    "standard input is named twice, and can be read once", hint="name a file"
                )
            if uri == other or same_file(uri, other):
                raise UsageError(
                    f"{other} and {uri} are one file" if uri != other else f"{uri} is named twice",
                    hint="name two different filter files",
                )


@contextmanager
def open_sources(uris: Sequence[str]) -> Iterator[tuple[Source, ...]]:
    """Make filter files readable as often as needed.

    Raises:
        SourceNotFoundError: One does not exist.
        SourceError: One cannot be read.
    """
    with ExitStack() as stack:
        yield tuple(stack.enter_context(open_source(uri)) for uri in uris)


def describe(source: Source, size_bytes: int, crc32c: str) -> Input:
    """Say which file was read, and that the manifest beside it is its own.

    Args:
        source: The file.
        size_bytes: Its length, as read.
        crc32c: Its checksum, as read.

    Raises:
        ManifestError: The manifest beside it was written for other bytes.
        FilterFileError: The object was replaced while it was read.
    """
    uri = source.uri
    storage = open_storage(uri)
    if storage.is_stream(uri):
        return Input(uri, size_bytes, crc32c)
    generation = None
    if is_cloud(uri):
        found = storage.stat(uri)
        if found.crc32c not in (None, crc32c):
            raise changed(uri)
        generation = found.generation
    manifest, recorded = recorded_beside(uri)
    if recorded not in (None, crc32c):
        raise ManifestError(
            f"{manifest} was written for other bytes than these of {uri}",
            hint="build the filter again, or remove the manifest if you changed the filter",
        )
    return Input(uri, size_bytes, crc32c, generation, manifest)


def changed(uri: str) -> FilterFileError:
    """Say that a file was not the same when it was read again."""
    return FilterFileError(
        f"{uri} changed while it was read", hint="wait until it is complete, and run it again"
    )


def refuse_unusable(source: Source) -> None:
    """Stop at what a check finds wrong with a file.

    Raises:
        FilterFileError: Something that leaves in doubt what the lines name.
    """
    from dicomfilter.filters.lines import check

    report = check(source.place)
    wrong = [finding for finding in report.errors if finding.kind not in _HARMLESS]
    if not wrong:
        return
    name = "standard input" if source.uri == STANDARD_OUTPUT else source.uri
    fixable = all(finding.repairable for finding in wrong)
    raise FilterFileError(
        f"{name} cannot be used as it is: "
        + "; ".join(f"{f.where}: {f.explanation}" for f in wrong),
        hint=f"put it right with `dicomfilter check {source.uri} --repair -o FIXED`"
        if fixable
        else f"see `dicomfilter check {source.uri}`",
    )


def read_manifest_or_none(uri: str) -> Manifest | None:
    """Read a manifest for what it tells; None where it is none."""
    from dicomfilter.filters.manifest import Manifest

    try:
        with open_storage(uri).reader(uri) as file:
            return Manifest.parse(file.read().decode("utf-8", "replace"))
    except DicomFilterError:
        return None
