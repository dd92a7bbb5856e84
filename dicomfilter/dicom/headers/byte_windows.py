"""The bytes of a file in windows, so that memory is bounded."""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = 1 << 16
_INFLATED_AT_MOST = 1 << 32
"""Bytes that a deflated data set may come to: as many as the longest value has."""
_NO_END = 1 << 62


class Source(Protocol):
    """Bytes that are read forwards."""

    @property
    def size(self) -> int:
        """Their number, or more than there can be where that is not known before the end."""

    def read(self, at: int, length: int) -> bytes:
        """Give bytes; fewer only at the end.

        Args:
            at: Where they begin; no earlier than where the last ones began.
            length: How many.
        """


class FileBytes:
    """The bytes of an open file.

    Args:
        fd: The file.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.size = os.fstat(fd).st_size

    def read(self, at: int, length: int) -> bytes:
        """Give bytes; fewer only at the end."""
        found = os.pread(self._fd, length, at)
        while len(found) < length and (
            more := os.pread(self._fd, length - len(found), at + len(found))
        ):
            found += more
        return found


class MemoryBytes:
    """Bytes that are there already.

    Args:
        data: They.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, at: int, length: int) -> bytes:
        """Give bytes; fewer only at the end."""
        return self._data[at : at + length]


class RangedBytes:
    """Bytes that lie elsewhere; only the blocks that are looked at are fetched.

    Args:
        size: How many there are.
        fetch: Given where a part starts and its length in bytes, gives just that part.
    """

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self.size = size
        self._fetch = fetch
        self._start, self._block = 0, b""

    def read(self, at: int, length: int) -> bytes:
        """Give bytes; fewer only at the end."""
        end = min(at + length, self.size)
        if at >= end:
            return b""
        if at < self._start or end > self._start + len(self._block):
            whole = min(max(end - at, _PIECE), self.size - at)
            self._start, self._block = at, self._fetch(at, whole)
        return self._block[at - self._start : end - self._start]


class InflatedBytes:
    """What comes out of deflated bytes; what was passed is let go.

    Args:
        source: Where the deflated bytes are.
        start: Where they begin.
    """

    size = _NO_END

    def __init__(self, source: Source, start: int) -> None:
        self._source, self._next = source, start
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._window, self._start = bytearray(), 0
        self._sum = self._passed = 0

    def read(self, at: int, length: int) -> bytes:
        """Give bytes; fewer only at the end.

        Raises:
            zlib.error: The deflated bytes are damaged.
            EOFError: They end in the middle.
        """
        while self._start + len(self._window) < at + length and not self._inflater.eof:
            self._drop(at)
            self._window += self._more(at + length - self._start - len(self._window))
        self._drop(at)
        return bytes(self._window[:length])

    def _drop(self, at: int) -> None:
        passed = min(at - self._start, len(self._window))
        if passed > 0:
            del self._window[:passed]
            self._start += passed

    def _more(self, wanted: int) -> bytes:
        """Inflate a little, and see at the end that nothing is left but padding."""
        given = self._inflater.unconsumed_tail
        if not given:
            given = self._source.read(self._next, _PIECE)
            self._next += len(given)
        made = self._inflater.decompress(given, min(max(wanted, _PIECE), 1 << 20))
        # After its last byte it may still hold some that had no room in the last piece.
        if not (given or made or self._inflater.eof):
            raise EOFError
        self._sum = zlib.crc32(made, self._sum)
        self._passed += len(made)
        if self._passed > _INFLATED_AT_MOST:
            raise zlib.error
        if self._inflater.eof:
            rest = self._inflater.unused_data + self._source.read(self._next, _PIECE)
            # Some writers leave the end of a gzip file there, which is a sum and a length.
            if rest.strip(b"\0") and rest[:8] != struct.pack("<II", self._sum, self._passed):
                raise zlib.error
        return made
