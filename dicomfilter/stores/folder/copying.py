"""Copies of files: whole or not there at all, and equal to their originals.

A copy has no name before it is complete. What the file system shares (a reflink) is equal by the
way it is made; otherwise its bytes are read again before it gets its name, and their CRC32C is
compared with that of the bytes that were read. A copy that is there and equal stays as it is, so
that what a failure of power may have damaged is put right when the same is run again.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dicomfilter.storage.local.draft import Draft
from dicomfilter.stores.folder.work import ItemFailedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dicomfilter.stores.folder.work import Halt

_PIECE = 1 << 20
_FICLONE = 0x40049409
"""The request of Linux that lets two files share their blocks until one is changed."""
_ENDS_IT = {
    errno.ENOSPC: "no space is left on the device",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "files may not grow that large here",
    errno.EROFS: "the file system can only be read",
}
"""What will fail the next file as well."""


class Content(Protocol):
    """What is to be written."""

    @property
    def size_bytes(self) -> int:
        """Its length."""

    @property
    def path(self) -> Path | None:
        """The file that it is; None for what is in memory."""

    def pieces(self) -> Iterator[bytes]:
        """Give its bytes, from the start, each time it is asked.

        Raises:
            ItemFailedError: It is not what it was.
        """


@dataclass(frozen=True, slots=True)
class InMemory:
    """Bytes that were made.

    Args:
        data: They.
    """

    data: bytes

    @property
    def size_bytes(self) -> int:
        """Their number."""
        return len(self.data)

    @property
    def path(self) -> Path | None:
        """No file."""
        return None

    def pieces(self) -> Iterator[bytes]:
        """Give them in one."""
        yield self.data


@dataclass(frozen=True, slots=True)
class InFile:
    """A file, as it was when it was looked at.

    Args:
        file: Where it is.
        size_bytes: Its length.
        modified_ns: When it was changed last.
    """

    file: Path
    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, file: Path) -> InFile:
        """Look at a file.

        Raises:
            ItemFailedError: It cannot be read.
        """
        try:
            found = file.stat()
        except OSError as error:
            raise ItemFailedError(f"the file cannot be read: {reason(error)}") from error
        return cls(file, found.st_size, found.st_mtime_ns)

    @property
    def path(self) -> Path | None:
        """Itself."""
        return self.file

    def pieces(self) -> Iterator[bytes]:
        """Read it."""
        try:
            with self.file.open("rb", buffering=0) as file:
                while piece := file.read(_PIECE):
                    yield piece
                after = os.fstat(file.fileno())
        except OSError as error:
            raise ItemFailedError(f"the file cannot be read: {reason(error)}") from error
        if (after.st_size, after.st_mtime_ns) != (self.size_bytes, self.modified_ns):
            raise ItemFailedError("the file was changed while it was read")


def reason(error: OSError) -> str:
    """Say what the system refused, in lower case."""
    text = os.strerror(error.errno) if error.errno else str(error)
    return text[:1].lower() + text[1:]


class _Copy(Draft):
    """A draft of one of many: that it reaches the disk is seen to once, for all of them."""

    def publish(self, *, overwrite: bool) -> None:
        """Put it at its target."""
        if overwrite:
            self._replace()
        else:
            self._link()

    def shares(self, source: Path) -> bool:
        """Let it share the blocks of another file; False where the file system cannot."""
        try:
            import fcntl

            with source.open("rb", buffering=0) as file:
                fcntl.ioctl(self._fd, _FICLONE, file.fileno())
        except (ImportError, OSError):
            return False
        return True

    def fill(self, content: Content, halt: Halt) -> None:
        """Write all of it, and read it again."""
        from google_crc32c import extend

        sums = [0, 0]
        for piece in content.pieces():
            halt.check()
            self.put(memoryview(piece))
            sums[0] = extend(sums[0], piece)
        at = 0
        while piece := os.pread(self._fd, _PIECE, at):
            halt.check()
            sums[1] = extend(sums[1], piece)
            at += len(piece)
        if at != content.size_bytes or sums[0] != sums[1]:
            raise ItemFailedError("the copy differs from the file; its disk may be damaged")


def write(content: Content, target: Path, *, overwrite: bool, halt: Halt) -> bool:
    """Write a file, unless one is there that is equal to it.

    Args:
        content: What is written.
        target: Where, in a folder that exists. A symbolic link there is replaced, not followed.
        overwrite: Whether another file that is there is replaced.
        halt: Ends it in the middle, with nothing written.

    Returns:
        Whether it was written.

    Raises:
        FileExistsError: Another file is there, and not to be replaced.
        ItemFailedError: It could not be written.
        StoppedError: No other file could be written either.
    """
    try:
        if overwrite and is_equal(content, target):
            return False
        draft = _Copy(target)
        try:
            if content.path is None or not draft.shares(content.path):
                draft.fill(content, halt)
            draft.publish(overwrite=overwrite)
        finally:
            draft.discard()
    except FileExistsError:
        raise
    except OSError as error:
        raise refused(error, str(target)) from error
    return True


def refused(error: OSError, target: str) -> Exception:
    """Say what became of a file that the system did not take."""
    if error.errno in _ENDS_IT:
        return StoppedError(f"{target} was not written: {_ENDS_IT[error.errno]}")
    return ItemFailedError(f"{target} was not written: {reason(error)}")


def is_equal(content: Content, target: Path) -> bool:
    """Tell whether a file holds just these bytes."""
    try:
        found = target.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size != content.size_bytes:
            return False
        with target.open("rb") as file:
            return all(file.read(len(piece)) == piece for piece in content.pieces())
    except OSError:
        return False
