"""The names of objects in Cloud Storage that begin alike."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from dicomfilter.storage.gcs.names import GcsObject
from dicomfilter.storage.gcs.pages import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dicomfilter.storage.gcs.objects import GcsStorage


def listed(storage: GcsStorage, start: str) -> Iterator[str]:
    """List objects, a page at a time.

    Args:
        storage: Lists them.
        start: ``gs://bucket/`` and what names begin with.

    Yields:
        URIs, in the order of their bytes.

    Raises:
        SourceNotFoundError: There is no such bucket.
        RemoteError: It may not be listed, or a page is not to be had.
    """
    at = _place(start)
    for page in pages(storage.connection, at):
        yield from (f"gs://{at.bucket}/{name}" for name in page.names)


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
        RemoteError: They may not be listed, or a page is not to be had.
    """
    at = _place(start)
    for page in pages(storage.connection, at):
        for name, time in zip(page.names, page.times, strict=True):
            if time is None or datetime.fromisoformat(time) >= since:
                yield name.removeprefix(at.name)


def _place(start: str) -> GcsObject:
    bucket, _, prefix = start.removeprefix("gs://").partition("/")
    return GcsObject(bucket, prefix)
