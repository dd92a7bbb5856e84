"""Things in the cloud that a command needs for a while, each noted.

A note is written before the thing is made and locked while its process lives. What a killed process
left is therefore known to the next, by notes that nobody holds.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.errors import DicomFilterError
from dicomfilter.locks import take

if TYPE_CHECKING:
    from collections.abc import Callable

VARIABLE = "XDG_STATE_HOME"
_log = logging.getLogger(__name__)
_SETTLED_S = 6 * 3600
"""How long a job of the service may go on writing after its process was killed."""
_NEW = ".new"
_MOST_BYTES = 4096


def state_folder() -> Path:
    """Find where the user's state is kept: ``$XDG_STATE_HOME/dicomfilter``."""
    state = os.environ.get(VARIABLE, "")
    # The specification says to ignore a path that is not absolute.
    folder = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return folder / "dicomfilter"


@dataclass(frozen=True, slots=True)
class Note:
    """The note of one thing, locked until it is closed.

    Args:
        path: The note; None where none could be written.
        lock: An open file; -1 for none.
    """

    path: Path | None
    lock: int = -1

    def close(self, *, is_gone: bool) -> None:
        """Let go of it.

        Args:
            is_gone: Whether the thing was removed; otherwise the next run tries again.
        """
        if self.path is not None and is_gone:
            self.path.unlink(missing_ok=True)
        if self.lock >= 0:
            with suppress(OSError):
                os.close(self.lock)


def note(uri: str) -> Note:
    """Note a thing that is about to be made.

    Args:
        uri: What it is: ``gs://bucket/folder/``, or ``bq://project.dataset.table``.

    Returns:
        The note, to be closed when the thing is removed. Where none can be written, that is
        warned of, since nobody would know the thing after a kill.
    """
    folder = state_folder() / "temporary"
    named = folder / secrets.token_hex(8)
    unnamed = named.with_suffix(_NEW)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        # It has its name only once it is locked, so that nobody takes it for left behind.
        take(handle)
        os.write(handle, f"{uri}\n".encode())
        os.fsync(handle)
        unnamed.rename(named)
    except OSError as error:
        _log.warning("%s cannot be noted in %s: %s", uri, folder, error.strerror)
        return Note(None)
    return Note(named, handle)


def sweep(scheme: str, remove: Callable[[str], bool]) -> None:
    """Remove what killed processes left, and say so.

    Args:
        scheme: Of which things: ``gs://`` or ``bq://``.
        remove: Removes one, and tells whether there was anything.
    """
    for path in sorted((state_folder() / "temporary").glob("*")):
        with suppress(OSError):  # gone by now
            handle = os.open(path, os.O_RDWR)
            try:
                uri = os.pread(handle, _MOST_BYTES, 0).decode(errors="replace")
                if uri.startswith(scheme) and uri.endswith("\n") and take(handle):
                    _remove(path, uri.rstrip("\n"), remove)
            finally:
                os.close(handle)


def _remove(path: Path, uri: str, remove: Callable[[str], bool]) -> None:
    is_old = time.time() - path.stat().st_mtime > _SETTLED_S
    try:
        if remove(uri):
            _log.warning("%s was removed: an earlier run had left it", uri)
        elif is_old:
            path.unlink(missing_ok=True)
    except DicomFilterError as error:
        _log.warning("%s, which an earlier run left, was not removed: %s", uri, error)
        if is_old:
            path.unlink(missing_ok=True)
