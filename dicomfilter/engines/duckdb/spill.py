"""A folder for what does not fit into memory, which may hold patients' rows.

It is removed when its engine is closed. What a killed process left behind is removed by the next
one: a lock that the folder holds ends with the process, however that ends.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from dicomfilter.locks import hold, take

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)
_HAS_LOCKS = os.name == "posix"
"""Elsewhere nothing that was left behind can be told from what is in use."""
_PREFIX = "dicomfilter-"
_LOCK = "in-use"


@dataclass(frozen=True, slots=True)
class Spill:
    """A private folder, and the lock that tells that it is in use.

    Args:
        path: The folder.
        lock: An open file; -1 for none.
    """

    path: str
    lock: int

    @classmethod
    def make(cls, *, sweeping: bool = True) -> Spill:
        """Make one in the temporary folder, and remove those that nobody uses any more.

        Args:
            sweeping: Whether to look for those of others.
        """
        if sweeping:
            sweep(Path(tempfile.gettempdir()))
        path = tempfile.mkdtemp(prefix=_PREFIX)
        return cls(path, _locked(Path(path)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the folder and what is in it; again does nothing.

        One that cannot be removed is warned of by name: it may hold patients' rows.
        """
        shutil.rmtree(self.path, ignore_errors=True)
        if os.path.lexists(self.path):
            _log.warning("%s could not be removed and may hold rows: remove it", self.path)
        if self.lock >= 0:
            with suppress(OSError):
                os.close(self.lock)


@contextmanager
def scratch_file() -> Iterator[IO[bytes]]:
    """Make a file with a name, which the next run removes after a kill."""
    with (
        Spill.make(sweeping=False) as folder,
        tempfile.NamedTemporaryFile(dir=folder.path) as file,
    ):
        yield file


def sweep(folder: Path) -> None:
    """Remove folders of this user's that a killed process left behind.

    Args:
        folder: Where to look.
    """
    if not _HAS_LOCKS:
        return
    for lock in folder.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):  # another user's, or gone by now
            fd = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if take(fd) and os.fstat(fd).st_uid == os.getuid():
                    shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(fd)


def _locked(folder: Path) -> int:
    if not _HAS_LOCKS:
        return -1
    # It has its name only once it is locked, so that no other process takes it for left behind.
    unnamed = folder / "new"
    fd = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    if hold(fd):
        with suppress(OSError):
            unnamed.rename(folder / _LOCK)
            return fd
    os.close(fd)
    return -1
