"""Where filter files and their sidecars are kept: one Protocol, chosen by URI.

A destination is complete or it is not there at all. ``-`` is standard output, which is a stream
and can promise neither.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from typing_extensions import Buffer


STANDARD_OUTPUT = "-"
"""The URI of standard output, and of standard input where a file is read."""


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True, slots=True)
class Written:
    """A file that stands complete at its destination.

    Args:
        uri: The destination as the caller named it.
        size_bytes: Its length.
        crc32c: CRC32C as Cloud Storage writes it: base64 of four bytes, big-endian.
        sha256: SHA-256 in lower-case hexadecimal; None where the bytes did not pass through us.
        generation: The version of an object in Cloud Storage; None for a local file.
    """

    uri: str
    size_bytes: int
    crc32c: str
    sha256: str | None
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class Stat:
    """What a storage knows of a file without reading it.

    Args:
        size_bytes: Its length.
        generation: The version of an object in Cloud Storage; None for a local file.
        crc32c: Its CRC32C where the storage keeps one, in the form of Written.
    """

    size_bytes: int
    generation: int | None = None
    crc32c: str | None = None


class Writer(Protocol):
    """An open destination; nothing is to be seen of it before its context ends well."""

    @property
    def size_bytes(self) -> int:
        """How many bytes have been taken so far."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes taken so far, in hexadecimal."""

    @property
    def written(self) -> Written:
        """What stands at the destination, once the context has ended well."""

    def write(self, buffer: Buffer) -> None:
        """Append the bytes of any contiguous buffer, without copying them.

        Args:
            buffer: ``bytes``, a ``memoryview``, a ``pyarrow.Buffer``, of any length. One that
                can be written to may be used again as soon as the call returns; one that is
                read-only must stay as it is until the context ends.

        Raises:
            DestinationError: The bytes cannot be stored, for example on a full disk.
            BrokenPipeError: The reader of standard output has gone.
        """


class Storage(Protocol):
    """A place where files are written whole and read."""

    def check_destination(
        self, uri: str, *, overwrite: bool, inputs: Iterable[str] = (), private: bool = False
    ) -> None:
        """Find out before any work starts whether a destination can be written.

        Args:
            uri: The destination.
            overwrite: Whether a file that is there may be replaced.
            inputs: What the work reads; the destination must be none of it.
            private: Whether it is to be written so.

        Raises:
            DestinationExistsError: The destination exists and is not to be overwritten.
            DestinationError: It cannot be written, or it is one of the inputs.
        """

    def writer(
        self, uri: str, *, overwrite: bool, private: bool = False
    ) -> AbstractContextManager[Writer]:
        """Open a destination; leaving the context by an exception leaves nothing there.

        Args:
            uri: The destination.
            overwrite: Whether a file that is there may be replaced, at the end and at once.
            private: Whether only the owner may read it (mode 0600). A symbolic link at its
                name is no way to another file: it is what would be replaced.

        Returns:
            A context that gives a Writer.

        Raises:
            DestinationExistsError: The destination exists and is not to be overwritten; it may
                have come into being while the context was open.
            DestinationError: The destination cannot be written.
        """

    def reader(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """Open a file to read its bytes.

        Raises:
            SourceNotFoundError: There is no such file.
            SourceError: It cannot be read.
        """

    def exists(self, uri: str) -> bool:
        """Tell whether there is something at the URI."""

    def is_stream(self, uri: str) -> bool:
        """Tell whether a destination is a stream, with no place beside it for a sidecar."""

    def stat(self, uri: str) -> Stat:
        """Look at a file without reading it.

        Raises:
            SourceNotFoundError: There is no such file.
            SourceError: It cannot be looked at.
        """


def is_cloud(uri: str) -> bool:
    """Tell whether a URI names an object in Cloud Storage, well or badly.

    >>> is_cloud("gs://bucket/ct.txt"), is_cloud("./gs:/x")
    (True, False)
    """
    scheme = _SCHEME.match(uri)
    return scheme is not None and scheme[1].lower() == "gs"
