"""A file that is being written beside its destination and then put there at once.

Where the file system can, the draft has no name at all (``O_TMPFILE``), so that a process that
is killed leaves nothing; elsewhere it is a dot-file that is removed when the work fails.
"""

from __future__ import annotations

import errno
import os
import stat
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor
    from pathlib import Path

_NO_UNNAMED_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT}
"""How file systems and old kernels answer ``O_TMPFILE`` when they do not have it."""
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""How file systems without hard links answer ``link``."""
_NO_SYNC = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}
"""How file systems that keep nothing on a disk answer ``fsync``."""
_OPEN_FILES = "/proc/self/fd"
_PIECE = 1 << 17
"""Bytes of one write: what fits into a core's own cache takes a third of the time of a MiB."""
_WORTH_A_SYNC = 1 << 25
"""Bytes after which the disk is asked to begin."""


class Draft:
    """An unpublished file in the folder of its target.

    Args:
        target: Where the file is to stand, in a folder that exists; not a symbolic link.
        mode: Its permissions, before the umask.

    Raises:
        OSError: No file can be made in that folder.
    """

    def __init__(self, target: Path, *, mode: int = 0o666) -> None:
        self._target = target.name
        self._private = mode & 0o077 == 0
        self._name: str | None = None
        self._stored = 0
        self._synced = 0
        self._pool: ThreadPoolExecutor | None = None
        self._syncing: Future[None] | None = None
        # The folder is held open, so that a draft is published where it was begun.
        self._folder = os.open(target.parent, getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY)
        try:
            self._fd = self._open(mode)
        except BaseException:
            os.close(self._folder)
            raise

    def _open(self, mode: int) -> int:
        unnamed = getattr(os, "O_TMPFILE", None)
        if unnamed is not None and os.path.isdir(_OPEN_FILES):  # noqa: PTH112 - a constant
            try:
                return os.open(".", unnamed | os.O_RDWR, mode, dir_fd=self._folder)
            except OSError as error:
                if error.errno not in _NO_UNNAMED_FILES:
                    raise
        self._name = _dot_name(self._target)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        return os.open(self._name, flags, mode, dir_fd=self._folder)

    def put(self, view: memoryview) -> None:
        """Append all bytes of a buffer."""
        while view.nbytes:
            stored = os.write(self._fd, view[:_PIECE])
            view = view[stored:]
            self._stored += stored
        behind = self._stored - self._synced
        if behind >= _WORTH_A_SYNC and (self._syncing is None or self._syncing.done()):
            self._end_sync()
            if self._pool is None:
                from concurrent.futures import ThreadPoolExecutor

                self._pool = ThreadPoolExecutor(1)
            self._syncing = self._pool.submit(self._follow)

    def _follow(self) -> None:
        """Bring to the disk what is stored meanwhile, so that little is left for the end."""
        while (stored := self._stored) - self._synced >= _WORTH_A_SYNC:
            _sync(self._fd)
            self._synced = stored

    def _end_sync(self) -> None:
        if self._syncing is not None:
            self._syncing.result()
            self._syncing = None

    def publish(self, *, overwrite: bool) -> None:
        """Put the file at its target, complete and at once.

        Args:
            overwrite: Whether it takes the place of a file that is there; that file's
                permissions then stay, as they would under a shell's ``>``, except that a
                private draft stays private.

        Raises:
            FileExistsError: The target exists and is not to be overwritten.
            OSError: The bytes or the name cannot be stored.
        """
        self._end_sync()
        _sync(self._fd)
        if overwrite:
            self._keep_mode()
            self._replace()
        else:
            self._link()
        with suppress(OSError):  # a folder may be writable and not readable
            folder = os.open(".", os.O_RDONLY, dir_fd=self._folder)
            try:
                _sync(folder)
            finally:
                os.close(folder)

    def discard(self) -> None:
        """Let go of the file; one that was not published is gone."""
        if self._pool is not None:
            self._pool.shutdown()
        os.close(self._fd)
        if self._name is not None:
            with suppress(FileNotFoundError):
                os.unlink(self._name, dir_fd=self._folder)
        os.close(self._folder)

    def _link(self) -> None:
        try:
            self._give_name(self._target)
        except OSError as error:
            if error.errno not in _NO_LINKS or self._name is None:
                raise
            # Without hard links nothing both is atomic and spares a file that is there. The
            # look comes right before the rename.
            if self._existing() is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            self._rename()

    def _replace(self) -> None:
        if self._name is None:
            if self._existing() is None:
                with suppress(FileExistsError):  # someone else was faster
                    self._give_name(self._target)
                    return
            # A link takes no other file's place, a rename does. A process that is killed
            # between these two calls leaves a complete dot-file.
            name = _dot_name(self._target)
            self._give_name(name)
            self._name = name
        self._rename()

    def _give_name(self, name: str) -> None:
        # A folder's descriptor for the source makes Python call linkat, which alone can follow
        # the link under /proc to a file without a name.
        source = f"{_OPEN_FILES}/{self._fd}" if self._name is None else self._name
        os.link(
            source,
            name,
            src_dir_fd=self._folder,
            dst_dir_fd=self._folder,
            follow_symlinks=self._name is None,
        )

    def _rename(self) -> None:
        if self._name is not None:
            os.replace(self._name, self._target, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            self._name = None

    def _existing(self) -> os.stat_result | None:
        try:
            return os.stat(self._target, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _keep_mode(self) -> None:
        there = self._existing()
        if there is not None and not self._private:
            os.fchmod(self._fd, stat.S_IMODE(there.st_mode) & 0o777)


def remove_drafts(target: Path) -> None:
    """Remove what killed processes left of a file that nobody else writes now."""
    for left in target.parent.glob(f"{_prefix(target.name)}*.part"):
        left.unlink(missing_ok=True)


def _dot_name(target: str) -> str:
    import secrets  # with much behind it, and seldom needed

    return f"{_prefix(target)}{secrets.token_hex(8)}.part"


def _prefix(target: str) -> str:
    """Begin the names of all drafts of a file, by a sum of its name, which may be a long one."""
    return f".dicomfilter-{zlib.crc32(os.fsencode(target)):08x}-"


def _sync(fd: int) -> None:
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
