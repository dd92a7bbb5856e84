"""What a filter file names, and what its manifest says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import ManifestError
from dicomfilter.faces import Face
from dicomfilter.filters.lines.changed import crc32c_in, manifest_beside
from dicomfilter.filters.lines.chunks import open_source
from dicomfilter.filters.lines.findings import MEMORY_LIMIT
from dicomfilter.filters.lines.small import read_small
from dicomfilter.storage import open_storage
from dicomfilter.storage.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from dicomfilter.filters.lines.findings import LevelCounts


@dataclass(frozen=True, slots=True, repr=False)
class Summary(Face):
    """What a filter file names.

    Args:
        uri: The file as the caller named it.
        size_bytes: Its length as it lies there.
        lines: How many lines it has, whatever is in them.
        levels: How many of them name what; lines that repeat each other count each.
        studies: How many different studies are named, by lines of any level.
        series: How many different series are named, by lines of series and instances.
        instances: How many different instances are named.
        crc32c: CRC32C of the bytes as they lie there, as Cloud Storage writes it.
        sha256: Their SHA-256 in lower-case hexadecimal.
        manifest_uri: Where its manifest is; None where there is none.
        manifest: What the manifest says; None where there is none.
    """

    uri: str
    size_bytes: int
    lines: int
    levels: LevelCounts
    studies: int
    series: int
    instances: int
    crc32c: str
    sha256: str
    manifest_uri: str | None = None
    manifest: Mapping[str, Any] | None = None

    def facts(self) -> list[tuple[str, str]]:
        """List how many of what its lines name."""
        return [
            ("filter", self.uri),
            ("lines", f"{self.lines:,}"),
            ("studies", f"{self.studies:,}"),
            ("series", f"{self.series:,}"),
            ("instances", f"{self.instances:,}"),
            ("manifest", self.manifest_uri or "none"),
        ]

    @property
    def matches_manifest(self) -> bool | None:
        """Whether the bytes are those that the manifest was written for; None if unknown."""
        recorded = crc32c_in(self.manifest)
        return None if recorded is None else recorded == self.crc32c


def summary(
    path: str | PathLike[str], *, manifest: str | None = None, memory_limit: str = MEMORY_LIMIT
) -> Summary:
    """Count what a filter file names; ``check`` says whether it is well-formed.

    Args:
        path: The file, or ``-`` for standard input.
        manifest: Where its manifest is, if not beside it.
        memory_limit: What is kept in memory before it is spilled to a temporary folder.

    Returns:
        Counts, length and checksums. Different UIDs are told apart by 64-bit hashes.

    Raises:
        FilterFileError: The file is empty, damaged, or has a line longer than any line can be.
        SourceError: It cannot be read.
        ManifestError: The manifest is not a JSON object.
    """
    uri = str(path)
    manifest_uri = manifest or manifest_beside(uri)
    said = _manifest(manifest_uri) if manifest_uri else None
    digest = Digest()
    with open_source(uri) as source:
        small = read_small(source, memory_limit, digest)
        if small is not None:
            lines, levels, distinct = small.wrapping.lines, small.levels, small.distinct
        else:
            from dicomfilter.filters.lines import check_sql
            from dicomfilter.filters.lines.ledger import ledger_of

            with ledger_of(source, memory_limit) as ledger:
                ledger.read(digest)
                distinct = ledger.row(check_sql.DISTINCT)
                lines, levels = ledger.wrapping.lines, ledger.levels
    studies, series, instances = distinct
    return Summary(
        uri=uri,
        size_bytes=digest.size_bytes,
        lines=lines,
        levels=levels,
        studies=studies,
        series=series,
        instances=instances,
        crc32c=digest.crc32c,
        sha256=digest.sha256,
        manifest_uri=manifest_uri,
        manifest=said,
    )


def _manifest(uri: str) -> dict[str, Any]:
    with open_storage(uri).reader(uri) as file:
        data = file.read()
    try:
        said = json.loads(data)
    except ValueError as error:
        raise ManifestError(
            f"{uri} is not JSON: {error}", hint="remove it, or restore it"
        ) from error
    if not isinstance(said, dict):
        raise ManifestError(f"{uri} is not a manifest", hint="remove it, or restore it")
    return said
