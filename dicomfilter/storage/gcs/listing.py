"""The names of objects in Cloud Storage that begin alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dicomfilter.errors import SourceNotFoundError
from dicomfilter.storage.gcs.client import cloud_errors
from dicomfilter.storage.gcs.names import GcsObject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from dicomfilter.storage.gcs.objects import GcsStorage

_NAMES_ONLY = "items(name),nextPageToken"
_WITH_TIMES = "items(name,timeCreated),nextPageToken"


def listed(storage: GcsStorage, start: str) -> Iterator[str]:
    """List objects, a page at a time.

    Args:
        storage: Lists them.
        start: ``gs://bucket/`` and what names begin with.

    Yields:
        URIs, in the order of their bytes.

    Raises:
        SourceNotFoundError: There is no such bucket.
        RemoteError: It may not be listed.
    """
    at = _place(start)
    for blob in _listed(storage, at, _NAMES_ONLY):
        yield f"gs://{at.bucket}/{blob.name}"


def written_since(storage: GcsStorage, start: str, since: datetime) -> Iterator[str]:
    """List objects that were written, or written anew, since a time.

    Args:
        storage: Lists them.
        start: ``gs://bucket/`` and what names begin with.
        since: The time, by the service's clock.

    Yields:
        What their names go on with.

    Raises:
        SourceNotFoundError: There is no such bucket.
        RemoteError: They may not be listed.
    """
    at = _place(start)
    for blob in _listed(storage, at, _WITH_TIMES):
        if blob.time_created is None or blob.time_created >= since:
            yield blob.name.removeprefix(at.name)


def _place(start: str) -> GcsObject:
    bucket, _, prefix = start.removeprefix("gs://").partition("/")
    return GcsObject(bucket, prefix)


def _listed(storage: GcsStorage, at: GcsObject, fields: str) -> Iterator[Any]:
    with cloud_errors(at, "storage.objects.list", missing=SourceNotFoundError):
        yield from storage.connection.client.list_blobs(at.bucket, prefix=at.name, fields=fields)
