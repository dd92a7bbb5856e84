"""Whether a filter file is still the one that the manifest beside it describes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dicomfilter.errors import DicomFilterError
from dicomfilter.filters.sidecars import SUFFIX
from dicomfilter.storage import open_storage
from dicomfilter.storage.digest import Digest
from dicomfilter.storage.protocol import is_cloud

if TYPE_CHECKING:
    from dicomfilter.storage.protocol import Storage

_PIECE = 1 << 20


def manifest_beside(uri: str) -> str | None:
    """Find the manifest beside a file; None where there is none, as beside a stream."""
    storage = open_storage(uri)
    beside = uri + SUFFIX
    return beside if not storage.is_stream(uri) and storage.exists(beside) else None


def recorded_beside(uri: str) -> tuple[str | None, str | None]:
    """Read which bytes the manifest beside a file is of.

    Args:
        uri: A path, ``gs://bucket/object``, or ``-``.

    Returns:
        Where the manifest is, and the CRC32C of its file; None where there is none, where it does
        not say, and where it may not be read.
    """
    try:
        manifest = manifest_beside(uri)
        return manifest, None if manifest is None else _recorded(manifest)
    except DicomFilterError:
        if not is_cloud(uri):
            raise
        return None, None  # who may read a filter may not see more


def _recorded(uri: str) -> str | None:
    with open_storage(uri).reader(uri) as file:
        try:
            return crc32c_in(json.loads(file.read()))
        except ValueError:
            return None


def crc32c_in(manifest: object) -> str | None:
    """Say which bytes a manifest is of; None where it does not say."""
    document = manifest.get("filter") if isinstance(manifest, dict) else None
    recorded = document.get("crc32c") if isinstance(document, dict) else None
    return recorded if isinstance(recorded, str) else None


def digest_of(storage: Storage, uri: str) -> Digest:
    """Read a file for its length and its CRC32C."""
    digest = Digest(with_sha256=False)
    with storage.reader(uri) as file:
        while piece := file.read(_PIECE):
            digest.add(piece)
    return digest
