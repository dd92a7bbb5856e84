"""Checksums of bytes as they pass, taken beside the write and not after it."""

from __future__ import annotations

import base64
import hashlib
import sys
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from typing_extensions import Buffer

_WORTH_A_THREAD = 1 << 18
"""From this many bytes on, hashing beside the write gains more than handing over costs."""
_PIECE = 1 << 17
"""Bytes summed up at a time, first by one checksum and then by the other, from a core's cache."""
_OUTSTANDING_BYTES = 1 << 26
"""How many bytes may wait to be hashed, and so be kept in memory, before the next are taken."""


class Digest:
    """Length, CRC32C and SHA-256 of a stream of buffers.

    Args:
        with_sha256: Whether the SHA-256 is wanted, which takes most of the time.

    Both checksums let go of the interpreter's lock, so that large buffers are hashed while the
    operating system stores them and the next are made.

    >>> digest = Digest()
    >>> digest.add(b"123456789").nbytes
    9
    >>> digest.size_bytes, digest.crc32c
    (9, '4waSgw==')
    """

    def __init__(self, *, with_sha256: bool = True) -> None:
        import google_crc32c

        self.size_bytes = 0
        self._extend = google_crc32c.extend
        self._crc32c = 0
        self._sha256 = hashlib.sha256()
        self._with_sha256 = with_sha256
        self._executor: ThreadPoolExecutor | None = None
        self._pending: deque[tuple[int, Future[None]]] = deque()

    def add(self, buffer: Buffer) -> memoryview:
        """Take a buffer in.

        Args:
            buffer: Any contiguous buffer. One that can be written to is done with when the call
                returns; any other is taken at its word and may be hashed later.

        Returns:
            The buffer as bytes, not copied.
        """
        view = memoryview(buffer).cast("B")
        self.size_bytes += view.nbytes
        while self._pending and self._pending[0][1].done():
            self._pop()
        if view.nbytes < _WORTH_A_THREAD and not self._pending:
            self._update(buffer, view)
            return view
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(max_workers=1)
        self._pending.append((view.nbytes, self._executor.submit(self._update, buffer, view)))
        self._settle(_OUTSTANDING_BYTES if view.readonly else 0)
        return view

    def fresh(self) -> Digest:
        """Make one that has seen nothing and sums up the same."""
        return Digest(with_sha256=self._with_sha256)

    def follow(self, other: Digest) -> None:
        """Go on where another digest has come to."""
        other._settle()
        self.size_bytes = other.size_bytes
        self._crc32c = other._crc32c
        self._sha256 = other._sha256.copy()

    def _settle(self, outstanding_bytes: int = 0) -> None:
        while self._pending and sum(size for size, _ in self._pending) > outstanding_bytes:
            self._pop()

    def _pop(self) -> None:
        _, done = self._pending.popleft()
        done.result()

    def _update(self, buffer: Buffer, view: memoryview) -> None:
        if isinstance(buffer, bytes) and view.nbytes <= _PIECE:
            if self._with_sha256:
                self._sha256.update(buffer)
            self._crc32c = self._extend(self._crc32c, buffer)
            return
        if "pyarrow" not in sys.modules:  # a small file is copied faster than Arrow is imported
            for start in range(0, view.nbytes, _PIECE):
                piece = bytes(view[start : start + _PIECE])
                self._update(piece, memoryview(piece))
            return
        import pyarrow as pa  # CRC32C refuses what could change; Arrow wraps that without copying

        whole = pa.py_buffer(view)
        for start in range(0, whole.size, _PIECE):
            part = whole.slice(start, min(_PIECE, whole.size - start))
            if self._with_sha256:
                self._sha256.update(part)
            self._crc32c = self._extend(self._crc32c, part)

    @property
    def crc32c(self) -> str:
        """CRC32C so far, as Cloud Storage writes it."""
        self._settle()
        return base64.b64encode(self._crc32c.to_bytes(4, "big")).decode("ascii")

    @property
    def sha256(self) -> str:
        """SHA-256 so far, in hexadecimal."""
        if not self._with_sha256:
            raise RuntimeError("no SHA-256 was asked for")
        self._settle()
        return self._sha256.hexdigest()
