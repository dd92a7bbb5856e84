"""Whether a filter file is still the one that the manifest beside it describes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dicomfilter.errors import DicomFilterError
from dicomfilter.filters.lines.findings import Finding, Kind
from dicomfilter.storage import open_storage
from dicomfilter.storage.digest import Digest
from dicomfilter.storage.protocol import is_cloud

if TYPE_CHECKING:
    from dicomfilter.storage.protocol import Storage

_SUFFIX = ".manifest.json"
_PIECE = 1 << 20


def find_change(uri: str) -> Finding | None:
    """Compare a file with what its manifest says of it.

    Args:
        uri: A path, ``gs://bucket/object``, or ``-``.

    Returns:
        What to find fault with; None where they agree, or where nothing can be compared: there is
        no manifest, it does not say, or it may not be read.
    """
    storage = open_storage(uri)
    if storage.is_stream(uri):
        return None
    try:
        if not storage.exists(uri + _SUFFIX):
            return None
        recorded = recorded_crc32c(storage, uri + _SUFFIX)
        if recorded is None or recorded == _crc32c(storage, uri):
            return None
    except DicomFilterError:
        if is_cloud(uri):
            return None  # who may read a filter may not see more
        raise
    return Finding(Kind.CHANGED, 1)


def recorded_crc32c(storage: Storage, uri: str) -> str | None:
    """Read which bytes a manifest is of; None where it does not say."""
    with storage.reader(uri) as file:
        try:
            found = json.loads(file.read())
        except ValueError:
            return None
    document = found.get("filter") if isinstance(found, dict) else None
    recorded = document.get("crc32c") if isinstance(document, dict) else None
    return recorded if isinstance(recorded, str) else None


def _crc32c(storage: Storage, uri: str) -> str | None:
    return storage.stat(uri).crc32c if is_cloud(uri) else digest_of(storage, uri).crc32c


def digest_of(storage: Storage, uri: str) -> Digest:
    """Read a file for its length and its CRC32C."""
    digest = Digest(with_sha256=False)
    with storage.reader(uri) as file:
        while piece := file.read(_PIECE):
            digest.add(piece)
    return digest
