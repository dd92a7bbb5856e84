"""Where filter files and their sidecars are kept: one Protocol, chosen by URI.

A destination is complete or it is not there at all. ``-`` is standard output, which is a stream
and can promise neither.
"""

from __future__ import annotations

from dicomfilter.errors import UsageError
from dicomfilter.storage.protocol import _SCHEME, Storage, is_cloud


def open_storage(uri: str) -> Storage:
    """Choose the storage of a URI.

    Args:
        uri: A path, ``-`` for standard output, or ``gs://bucket/object``.

    Returns:
        The storage that can read and write it.

    Raises:
        UsageError: The URI names a scheme that is not supported.
    """
    scheme = _SCHEME.match(uri)
    if scheme is None:
        from dicomfilter.storage.local.files import LocalStorage

        return LocalStorage()
    if is_cloud(uri):
        from dicomfilter.storage.gcs.objects import GcsStorage

        return GcsStorage()
    raise UsageError(
        f"{uri}: {scheme[1]}:// is not supported",
        hint="name a local path, gs://BUCKET/OBJECT, or -",
    )
