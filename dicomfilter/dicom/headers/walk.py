"""The files below a folder: names, sizes and times, not what is in them."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.dicom.headers.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN_PREFIX = ".dicomfilter"
"""How names begin of what we keep ourselves: never looked at."""


@dataclass(frozen=True, slots=True)
class Found:
    """A name below a folder.

    Args:
        path: Relative to the folder, with ``/``.
        size_bytes: Length of the file; 0 where there is none.
        modified_ns: Time of change, in nanoseconds since 1970.
        reason: Why it cannot be looked into; None for a file that can.
        is_folder: Whether it is a folder, of whose files nothing is known then.
    """

    path: str
    size_bytes: int = 0
    modified_ns: int = 0
    reason: Reason | None = None
    is_folder: bool = False


def walk(folder: Path) -> Iterator[Found]:
    """List all files below a folder, through links too, each real folder once.

    Folders that links lead to come last, so that a file inside the folder is named by its own path.

    Args:
        folder: Where to begin.

    Yields:
        The files, and what cannot be looked into.

    Raises:
        OSError: The folder itself cannot be read.
    """
    root = folder.stat()
    seen = {(root.st_dev, root.st_ino)}
    entries = _entries(folder, "")
    links: list[tuple[str, tuple[int, int]]] = []
    yield from _below(folder, entries, seen, links)
    # A linked folder may hold links of its own: the list grows while it is gone through.
    for path, identity in links:
        if identity in seen:
            yield Found(_shown(path), reason=Reason.LOOP)
            continue
        seen.add(identity)
        try:
            inner = _entries(folder, path)
        except OSError:
            yield Found(_shown(path), reason=Reason.UNREADABLE, is_folder=True)
            continue
        yield from _below(folder, inner, seen, links)


def _below(
    folder: Path,
    entries: list[str],
    seen: set[tuple[int, int]],
    links: list[tuple[str, tuple[int, int]]],
) -> Iterator[Found]:
    waiting = entries[::-1]
    while waiting:
        path = waiting.pop()
        full = os.path.join(folder, path)  # noqa: PTH118 - a million times
        try:
            status = os.stat(full)  # noqa: PTH116 - likewise
        except OSError:
            yield Found(_shown(path), reason=Reason.UNREADABLE)
            continue
        if stat.S_ISREG(status.st_mode):
            if _is_text(path):
                yield Found(path, status.st_size, status.st_mtime_ns)
            else:
                yield Found(_shown(path), reason=Reason.UNUSABLE_NAME)
        elif not stat.S_ISDIR(status.st_mode):
            yield Found(_shown(path), reason=Reason.NOT_A_FILE)
        elif os.path.islink(full):  # noqa: PTH114 - likewise
            links.append((path, (status.st_dev, status.st_ino)))
        else:
            seen.add((status.st_dev, status.st_ino))
            try:
                waiting += _entries(folder, path)[::-1]
            except OSError:
                yield Found(_shown(path), reason=Reason.UNREADABLE, is_folder=True)


def _entries(folder: Path, path: str) -> list[str]:
    """Name what is in a folder, in order."""
    names = sorted(os.listdir(os.path.join(folder, path)))  # noqa: PTH118, PTH208 - names alone
    prefix = f"{path}/" if path else ""
    return [prefix + name for name in names if not name.startswith(OWN_PREFIX)]


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(path: str) -> str:
    """Spell a name that may be no text."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
