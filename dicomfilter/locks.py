"""One process at a time: files that are locked while their holder lives."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dicomfilter.errors import DestinationError, StartUnclearError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_LOOK_S = 0.1
_MOST_BYTES = 200


def hold(handle: int) -> bool:
    """Lock an open file, once no other process holds it, until it is closed.

    Returns:
        False where the system, or the file system, has no locks.
    """
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX)
    except (ImportError, OSError):
        return False
    return True


def take(handle: int, *, shared: bool = False) -> bool | None:
    """Lock an open file if no other process holds it.

    Args:
        handle: The file.
        shared: Whether others may do the same, who only look.

    Returns:
        False where another holds it; None where that cannot be told.
    """
    try:
        import fcntl

        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):
        return None
    return True


@contextmanager
def locked(handle: int) -> Iterator[None]:
    """Keep other processes out of an open file, where the system can."""
    is_held = hold(handle)
    try:
        yield
    finally:
        if is_held:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_UN)


@contextmanager
def held(path: Path, *, wait_s: float, told: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock, which ends with this process, however that ends.

    Args:
        path: The file; made, with its folder, and left there, since whoever waits has it open.
        wait_s: How long to wait for another holder.
        told: Is told who holds it, once.

    Raises:
        StartUnclearError: Another process still holds it.
        DestinationError: It cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise DestinationError(
            f"{path} cannot be written: {(error.strerror or str(error)).lower()}",
            hint="name a folder that you can write to in XDG_STATE_HOME",
        ) from error
    try:
        _wait(handle, wait_s, told)
        _sign(handle)
        yield
    finally:
        os.close(handle)


def _wait(handle: int, wait_s: float, told: Callable[[str], None]) -> None:
    until, is_told = time.monotonic() + wait_s, False
    while take(handle) is False:
        holder = f"{_signed(handle)} is starting something at the same destination"
        if time.monotonic() >= until:
            raise StartUnclearError(
                f"{holder}; nothing was started here",
                hint="run it again once that process has ended",
            )
        if not is_told:
            told(f"{holder}; waiting for it")
            is_told = True
        time.sleep(_LOOK_S)


def _sign(handle: int) -> None:
    """Say who holds it; a full disk is no reason to stop."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()}, since {since},".encode(), 0)
    except OSError:
        return


def _signed(handle: int) -> str:
    return os.pread(handle, _MOST_BYTES, 0).decode("ascii", "replace") or "another process"
