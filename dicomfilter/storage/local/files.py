"""Files of this machine, and its standard output.

A symbolic link is written through, as coreutils do: the file it names is replaced and the link
stays; one that leads nowhere is refused. At the name of a private file, which nobody typed, a link
is not followed: someone else may have put it there. Devices and pipes take the bytes as they come.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.errors import DestinationError, UsageError
from dicomfilter.storage.local.draft import Draft
from dicomfilter.storage.local.refusals import exists_already, reading, writing
from dicomfilter.storage.local.stream import Stream
from dicomfilter.storage.protocol import STANDARD_OUTPUT, Stat, Written
from dicomfilter.storage.summing import SummingWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from typing_extensions import Buffer

_STANDARD_OUTPUTS = (STANDARD_OUTPUT, "/dev/stdout")


class LocalWriter(SummingWriter):
    """An open local destination that counts and sums what passes.

    Args:
        uri: The destination as the caller named it.
        put: Stores all bytes of a buffer.
    """

    def __init__(self, uri: str, put: Callable[[memoryview], None]) -> None:
        super().__init__(uri)
        self._put = put

    def write(self, buffer: Buffer) -> None:
        """Append the bytes of any contiguous buffer, without copying them."""
        view = self._digest.add(buffer)
        with writing(self._uri):
            self._put(view)

    def close(self) -> None:
        """Note that all bytes are where they belong."""
        self._written = Written(
            self._uri, self._digest.size_bytes, self._digest.crc32c, self._digest.sha256
        )


class LocalStorage:
    """Reads and writes local files; see Storage for what each method promises."""

    def check_destination(
        self, uri: str, *, overwrite: bool, inputs: Iterable[str] = (), private: bool = False
    ) -> None:
        """Find out before any work starts whether a destination can be written."""
        for path in inputs:
            if same_file(uri, path):
                raise DestinationError(
                    f"{uri} is read here and cannot be the output too",
                    hint="choose another destination",
                )
        if uri in _STANDARD_OUTPUTS:
            return
        with writing(uri):
            target = _target(uri, overwrite=overwrite, follow=not private)
            if not _takes_a_stream(target):
                # Asking for permission is not enough: root has it where nothing can be made.
                Draft(target).discard()

    @contextmanager
    def writer(self, uri: str, *, overwrite: bool, private: bool = False) -> Iterator[LocalWriter]:
        """Open a destination; leaving the context by an exception leaves nothing there."""
        with writing(uri):
            sink = _sink(uri, overwrite=overwrite, private=private)
        try:
            out = LocalWriter(uri, sink.put)
            yield out
            with writing(uri):
                sink.publish(overwrite=overwrite)
            out.close()
        finally:
            sink.discard()

    def reader(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """Open a file to read its bytes."""
        if uri == STANDARD_OUTPUT:
            return nullcontext(sys.stdin.buffer)
        with reading(uri):
            return _path(uri).open("rb")

    def exists(self, uri: str) -> bool:
        """Tell whether there is something at the URI."""
        return uri not in _STANDARD_OUTPUTS and os.path.lexists(uri)

    def is_stream(self, uri: str) -> bool:
        """Tell whether a destination is a stream, with no place beside it for a sidecar."""
        return uri in _STANDARD_OUTPUTS or _takes_a_stream(Path(uri))

    def stat(self, uri: str) -> Stat:
        """Look at a file without reading it."""
        with reading(uri):
            return Stat(_path(uri).stat().st_size)


def same_file(uri: str, other: str) -> bool:
    """Tell whether two URIs name one file, by whatever path or link.

    Args:
        uri: A path that need not exist.
        other: Another; what is no path of this machine is never the same.

    Returns:
        True where both lead to one file.
    """
    try:
        return Path(uri).samefile(other)
    except (OSError, ValueError):
        return False


def _sink(uri: str, *, overwrite: bool, private: bool) -> Draft | Stream:
    if uri in _STANDARD_OUTPUTS:
        return Stream.standard_output()
    target = _target(uri, overwrite=overwrite, follow=not private)
    if _takes_a_stream(target):
        return Stream.opened(target)
    return Draft(target, mode=0o600 if private else 0o666)


def _path(uri: str) -> Path:
    if "\0" in uri:
        raise UsageError(f"{uri!r} is not a path")
    return Path(uri)


def _target(uri: str, *, overwrite: bool, follow: bool) -> Path:
    """Find the file that a destination means and refuse what is known to fail."""
    target = _named(uri)
    if not follow and Path(uri).is_symlink() and not _takes_a_stream(target):
        return _link(uri, overwrite=overwrite)
    if target.is_dir() or uri.endswith("/"):
        raise DestinationError(f"{uri} is a folder", hint="name a file in it")
    if not os.path.lexists(target):
        if Path(uri).is_symlink():
            raise DestinationError(
                f"{uri} is a symbolic link to nothing", hint="make what it names, or remove it"
            )
        if not target.parent.exists():
            raise DestinationError(
                f"{uri} was not written: there is no folder {target.parent}",
                hint="make the folder first, or choose another one",
            )
        return target
    if _takes_a_stream(target):
        return target
    if not stat.S_ISREG(target.stat().st_mode):
        raise DestinationError(f"{uri} is no regular file", hint="choose another destination")
    if not overwrite:
        raise exists_already(uri)
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return target


def _named(uri: str) -> Path:
    if not uri or "\0" in uri:
        raise DestinationError(f"{uri!r} is not the name of a file", hint="name a file")
    return Path(os.path.realpath(uri))


def _link(uri: str, *, overwrite: bool) -> Path:
    """Find the link itself, which may be replaced and is not followed."""
    if not overwrite:
        raise exists_already(uri)
    return Path(os.path.realpath(Path(uri).parent)) / Path(uri).name


def _takes_a_stream(target: Path) -> bool:
    try:
        mode = target.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)
