"""The filter files that a pattern names, without what lies beside them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from dicomfilter.errors import SourceNotFoundError
from dicomfilter.filters.sidecars import SUFFIX
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import is_cloud

_BESIDE = (
    *(SUFFIX, "parts.json", ".rejected.csv", ".unmatched.csv"),
    *(".missing.csv", ".unexpected.csv", ".retry.txt", ".delivered.txt"),
)


def filters_of(pattern: str) -> list[str]:
    """List the filter files that a pattern names; a plain name is one.

    What a build or a verification wrote beside a filter is none, unless the pattern asks for just
    that: ``*.retry.txt``.

    Raises:
        SourceNotFoundError: The pattern matches none.
    """
    start = min((at for sign in "*?[" if (at := pattern.find(sign)) >= 0), default=-1)
    if start < 0 or open_storage(pattern).exists(pattern):
        return [pattern]
    if is_cloud(pattern):
        from dicomfilter.storage.gcs.listing import listed
        from dicomfilter.storage.gcs.objects import GcsStorage

        names = [uri for uri in listed(GcsStorage(), pattern[:start]) if fnmatchcase(uri, pattern)]
    else:
        from glob import glob

        names = sorted(glob(pattern))  # noqa: PTH207 - the names as they were written
        names = [name for name in names if not Path(name).is_dir()]
    others = tuple(ending for ending in _BESIDE if not pattern.endswith(ending))
    found = [name for name in names if not name.endswith(others)]
    if not found:
        raise SourceNotFoundError(f"{pattern} matches no file", hint="check the pattern")
    return found
