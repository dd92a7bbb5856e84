"""A verdict in the user's cache: written whole, and believed only as written."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.engines.meaning.cases import text
from dicomfilter.engines.meaning.verdict import Verdict
from dicomfilter.version import __version__

if TYPE_CHECKING:
    from dicomfilter.engines.meaning.verdict import Release


def place(release: Release) -> Path:
    """Name the file of a release's verdict.

    Args:
        release: What is installed.

    Returns:
        A path in the cache; other cases or another dicomfilter have another one.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    asked = sha256(f"{__version__}\n{release}\n".encode() + text()).hexdigest()[:16]
    name = f"meaning-{release.duckdb}-{release.sqlglot}-{asked}.json"
    return cache / "dicomfilter" / name


def read(release: Release) -> Verdict | None:
    """Read the verdict of a release.

    Args:
        release: What is installed.

    Returns:
        The verdict; None where there is none, or it is not as it was written.
    """
    with suppress(OSError, ValueError, RuntimeError):
        digest, _, written = place(release).read_text(encoding="utf-8").partition("\n")
        if digest != sha256(written.encode()).hexdigest():
            return None
        verdict = Verdict.parse(written)
        return verdict if verdict.release == release else None
    return None


def keep(verdict: Verdict) -> bool:
    """Keep a verdict for the next process.

    Args:
        verdict: What the cases say.

    Returns:
        Whether it could be kept.
    """
    written = f"{verdict}\n"
    try:
        path = place(verdict.release)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd, part = tempfile.mkstemp(dir=path.parent, prefix=".meaning-")
    except (OSError, RuntimeError):
        return False
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(f"{sha256(written.encode()).hexdigest()}\n{written}")
        Path(part).replace(path)  # another process writes the same: either may win
    except OSError:
        with suppress(OSError):
            Path(part).unlink()
        return False
    return True
