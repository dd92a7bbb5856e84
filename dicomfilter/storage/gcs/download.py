"""An object as a stream of bytes: one version, resumed if broken, compared."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from dicomfilter.errors import RemoteError, SourceError, SourceNotFoundError
from dicomfilter.storage.gcs.client import SERVICE, cloud_errors

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from dicomfilter.storage.gcs.client import Connection
    from dicomfilter.storage.gcs.names import GcsObject
    from dicomfilter.storage.protocol import Stat

PIECE_BYTES = 8 << 20
"""How much is asked for at once, and kept in memory."""


class Download(io.RawIOBase):
    """The bytes of one version of an object as they are stored.

    The last of them are given only once the checksum of all of them is right.

    Args:
        connection: To Cloud Storage.
        at: The object.
        stat: What was seen of it; another version that takes its place is an error.
    """

    def __init__(self, connection: Connection, at: GcsObject, stat: Stat) -> None:
        super().__init__()
        self._connection = connection
        self._at = at
        self._stat = stat
        self._piece = memoryview(b"")
        self._offset = 0
        self._crc32c = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Read the next bytes; 0 at the end.

        Raises:
            SourceError: Another object has taken its place.
            RemoteError: Cloud Storage refused or failed, or bytes were damaged on the way.
        """
        if not self._piece and self._offset < self._stat.size_bytes:
            self._piece = memoryview(self._next())
        view = memoryview(buffer).cast("B")
        taken = min(len(view), len(self._piece))
        view[:taken] = self._piece[:taken]
        self._piece = self._piece[taken:]
        return taken

    def _next(self) -> bytes:
        from google_crc32c import extend

        wanted = min(PIECE_BYTES, self._stat.size_bytes - self._offset)
        piece = read_range(self._connection, self._at, self._stat, self._offset, wanted)
        self._offset += len(piece)
        self._crc32c = extend(self._crc32c, piece)
        if self._offset == self._stat.size_bytes:
            self._compare()
        return piece

    def _compare(self) -> None:
        import base64

        found = base64.b64encode(self._crc32c.to_bytes(4, "big")).decode("ascii")
        if found != self._stat.crc32c:
            raise RemoteError(
                f"{self._at} was damaged on the way: its CRC32C is {self._stat.crc32c}, "
                f"and {found} of what came",
                hint="run it again",
            )


def read_range(
    connection: Connection, at: GcsObject, stat: Stat, start: int, size_bytes: int
) -> bytes:
    """Read a part of one version of an object, as it is stored.

    Args:
        connection: To Cloud Storage.
        at: The object.
        stat: Which version of it.
        start: Where the part starts, in bytes.
        size_bytes: Its length, at least 1.

    Raises:
        SourceNotFoundError: This version is there no longer.
        RemoteError: Cloud Storage refused or failed.
    """
    from google.api_core.exceptions import NotFound

    with cloud_errors(at, "storage.objects.get", missing=SourceNotFoundError):
        try:
            data = connection.get(at, stat.generation, start, size_bytes)
        except NotFound as error:
            raise SourceError(
                f"{at} was replaced or removed while it was read", hint="run it again"
            ) from error
    if len(data) != size_bytes:
        raise RemoteError(
            f"{SERVICE} sent {len(data):,} bytes of {at} where {size_bytes:,} were asked for",
            hint="run it again",
        )
    return data
