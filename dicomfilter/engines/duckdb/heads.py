"""The beginnings of text files: what tells their encoding and their form."""

from __future__ import annotations

import codecs
import gzip
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_HEAD_BYTES = 1 << 20
"""Room for a header of ten thousand columns."""
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WHOLE = "check that the file is whole and is what its name says"


def head_of(path: str, name: str) -> str:
    """Read the beginning of a text file, unpacked, without a byte order mark.

    Args:
        path: A file in UTF-8, of which ``.gz`` and ``.zst`` are unpacked.
        name: How messages name it.

    Returns:
        At most a megabyte; a character that is cut off at the end is left away.

    Raises:
        TableError: It cannot be read, or is no UTF-8.
    """
    raw = _read(path, name)
    if raw.startswith(_UTF_16) or raw[:4096].count(0) * 3 > len(raw[:4096]):
        raise TableError(f"{name} is in UTF-16", hint="save it as UTF-8")
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    bad = None
    try:
        return decoder.decode(raw)
    except UnicodeDecodeError as error:
        bad = error.start
    raise not_utf8(name, raw.count(b"\n", 0, bad) + 1)


def lines_of(path: str) -> Iterator[bytes]:
    """Read the lines of a text file, unpacked."""
    with _opened(path) as file:
        yield from file


def not_utf8(name: str, line: int) -> TableError:
    """Say that a line of a file is in another encoding."""
    return TableError(
        f"line {line:,} of {name} is not in UTF-8 (in Latin-1 or Windows-1252?)",
        hint="save it as UTF-8, or write it anew with `iconv -f WINDOWS-1252 -t UTF-8`",
    )


def unreadable(name: str, why: str, *, hint: str = _WHOLE) -> TableError:
    """Say why a file cannot be read."""
    return TableError(f"{name} cannot be read: {why}", hint=hint)


def _read(path: str, name: str) -> bytes:
    why = "it is not compressed as its name says"
    try:
        with _opened(path) as file:
            return file.read(_HEAD_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        pass
    except OSError as error:  # Arrow's have no number
        why = os.strerror(error.errno).lower() if error.errno else why
    raise unreadable(name, why)


def _opened(path: str) -> BinaryIO:
    if path.lower().endswith(".gz"):
        return gzip.open(path)  # type: ignore[return-value]  # it reads bytes as one does
    if path.lower().endswith(".zst"):
        import pyarrow as pa

        return pa.input_stream(path, compression="zstd")  # type: ignore[no-any-return]
    return Path(path).open("rb")
