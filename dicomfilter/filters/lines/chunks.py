"""A filter file as blocks of whole lines, read any number of times."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import re
import shutil
import tempfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dicomfilter.errors import FilterFileError
from dicomfilter.storage import open_storage
from dicomfilter.storage.local.refusals import reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from typing_extensions import Buffer

    from dicomfilter.storage.digest import Digest

MAX_LINE_BYTES = 1 << 20
"""A line from this length on, line end included, is none of a filter file."""

_BLOCK_BYTES = 1 << 20
"""Small enough to stay in a processor's cache while several kernels go over it."""

_GZIP_MAGIC = b"\x1f\x8b"
_UTF_16_MAGICS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
BLANKS = b" \t\r\x0b\x0c"
"""What may stand around a path without meaning anything."""
_HEADER = re.compile(rb"[A-Za-z_][A-Za-z0-9_ .-]*")


@dataclass(slots=True)
class Wrapping:
    """What a file is wrapped in, known once it was read.

    Args:
        gzip: Whether it is compressed.
        utf_16: Whether its text is UTF-16.
        header: The first line without blanks and quotes, where it can be nothing but a header.
        lines: How many lines it has, for the reader to count.
        size_bytes: Its length as it lies there.
        ends: Whether its last line ends with a newline.
    """

    gzip: bool = False
    utf_16: bool = False
    header: str | None = None
    lines: int = 0
    size_bytes: int = 0
    ends: bool = True


class _Reads(Protocol):
    def readinto(self, buffer: Buffer, /) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Source:
    """A filter file that can be read more than once.

    Args:
        uri: As the caller named it.
        place: Where its bytes are: the same, or a copy of what can be read only once.
    """

    uri: str
    place: str

    def blocks(self, wrapping: Wrapping, digest: Digest | None = None) -> Iterator[bytes]:
        """Read all lines, unwrapped.

        Args:
            wrapping: Is filled in on the way, but for the number of lines.
            digest: Takes in the bytes as they lie there.

        Yields:
            Whole lines, about a megabyte of them, each ended by a newline, the last too.

        Raises:
            FilterFileError: It is empty, damaged, or has a line longer than any line can be.
            SourceError: It cannot be read.
        """
        with open_storage(self.place).reader(self.place) as file, reading(self.uri):
            raw = _Counted(file, wrapping, digest)
            try:
                yield from self._blocks(_unwrapped(raw, wrapping), wrapping)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise FilterFileError(
                    f"{self.uri} is damaged: {error}", hint="unpack it with `gzip -d` to see more"
                ) from error
            except UnicodeError as error:
                raise FilterFileError(
                    f"{self.uri} starts as UTF-16 does, but is none", hint="save it as plain text"
                ) from error

    def _blocks(self, stream: _Reads, wrapping: Wrapping) -> Iterator[bytes]:
        buffer = bytearray(MAX_LINE_BYTES + _BLOCK_BYTES)
        view = memoryview(buffer)
        kept = passed = 0
        while taken := stream.readinto(view[kept : kept + _BLOCK_BYTES]) or 0:
            filled = kept + taken
            if end := buffer.rfind(b"\n", kept, filled) + 1:
                data = bytes(view[:end])
                if not passed:
                    wrapping.header = _header(data)
                yield data
                buffer[: filled - end] = buffer[end:filled]
                passed += end
            kept = filled - end
            if kept >= MAX_LINE_BYTES:
                raise FilterFileError(
                    f"{self.uri} has a line of over {MAX_LINE_BYTES:,} bytes, from byte {passed}",
                    hint="is this another kind of file? a filter has one resource path a line",
                )
        wrapping.ends = not kept
        if not passed and not kept:
            raise FilterFileError(
                f"{self.uri} is empty", hint="what an export does with an empty filter is unknown"
            )
        if kept:
            data = bytes(view[:kept]) + b"\n"
            if not passed:
                wrapping.header = _header(data)
            yield data


@contextmanager
def open_source(uri: str) -> Iterator[Source]:
    """Make a filter file readable as often as needed.

    Args:
        uri: A path, or ``-`` for standard input. What can be read only once is copied to a
            private file, which is removed at the end.

    Yields:
        The source.

    Raises:
        SourceNotFoundError: There is no such file.
        SourceError: It cannot be read.
    """
    storage = open_storage(uri)
    if not storage.is_stream(uri):
        yield Source(uri, uri)
        return
    with tempfile.TemporaryDirectory(prefix="dicomfilter-") as folder:
        copy = Path(folder) / "filter"
        with storage.reader(uri) as file, reading(uri), copy.open("xb") as out:
            shutil.copyfileobj(file, out, _BLOCK_BYTES)
        yield Source(uri, os.fspath(copy))


def _header(data: bytes) -> str | None:
    r"""Give the first of some lines, bare, where it can only be a header.

    >>> _header(b'"dicom path"\n/'), _header(b"studies/1\n"), _header(b"1.2.840\n")
    ('dicom path', None, None)
    """
    line = data[: data.index(b"\n")]
    bare = line.removesuffix(b"\r").removeprefix(codecs.BOM_UTF8).strip(BLANKS)
    if len(bare) > 1 and bare[:1] == bare[-1:] and bare[:1] in b"\"'":
        bare = bare[1:-1].strip(BLANKS)
    return bare.decode("ascii") if _HEADER.fullmatch(bare) else None


class _Counted(io.RawIOBase):
    """The bytes of a file as they lie there, counted and summed as they pass."""

    def __init__(self, file: BinaryIO, wrapping: Wrapping, digest: Digest | None) -> None:
        self._file = file
        self._wrapping = wrapping
        self._digest = digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        taken = self._file.readinto(view)  # type: ignore[attr-defined]
        if self._digest is not None:
            self._digest.add(view[:taken])
        self._wrapping.size_bytes += taken
        return int(taken)


class _FromUtf16(io.RawIOBase):
    """UTF-16 text as UTF-8, without its byte order mark."""

    def __init__(self, file: io.BufferedReader | gzip.GzipFile) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        while not self._left:
            data = self._file.read(_BLOCK_BYTES // 4)
            self._left = self._decoder.decode(data, final=not data).encode()
            if not data:
                break
        view = memoryview(buffer)
        taken = min(len(view), len(self._left))
        view[:taken] = self._left[:taken]
        self._left = self._left[taken:]
        return taken


def _unwrapped(raw: io.RawIOBase, wrapping: Wrapping) -> _Reads:
    stream: io.BufferedReader | gzip.GzipFile = io.BufferedReader(raw)
    if stream.peek(2)[:2] == _GZIP_MAGIC:
        wrapping.gzip = True
        stream = gzip.GzipFile(fileobj=stream)
    if stream.peek(2)[:2] in _UTF_16_MAGICS:
        wrapping.utf_16 = True
        return _FromUtf16(stream)
    return stream
