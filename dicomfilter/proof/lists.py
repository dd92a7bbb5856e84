"""The files that a verification writes beside the filter it verified."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.errors import DestinationError, DicomFilterError
from dicomfilter.filters.sidecars import SUFFIX, write_text
from dicomfilter.storage import open_storage
from dicomfilter.storage.digest import Digest
from dicomfilter.storage.protocol import is_cloud

if TYPE_CHECKING:
    from dicomfilter.proof.verification import Verification

_NAMES = {
    "missing": "missing.csv",
    "unexpected": "unexpected.csv",
    "retry": "retry.txt",
    "delivered": "delivered.txt",
}
_OURS = {"retry": "retry", "delivered": "delivery"}
"""The word under which each filter is written in its manifest."""
_HEAD = b'"study","series","instance","reason"'
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Lists:
    """Where the lists of a verification go.

    Those that are not named lie beside a filter file of this machine, where each run replaces what
    the last one wrote. A bucket has more readers than one, so in Cloud Storage nothing is written
    that was not named.

    Args:
        filter_uri: The filter.
        missing: Another place for the list of what is missing.
        unexpected: Another place for the list of what was not asked for.
        retry: Another place for the filter of what can still arrive.
        delivered: Another place for the filter of what arrived.
        overwrite: Whether a file that was named and is there may be replaced.
    """

    filter_uri: str
    missing: str | None = None
    unexpected: str | None = None
    retry: str | None = None
    delivered: str | None = None
    overwrite: bool = False

    def check(self) -> None:
        """Find out before any work starts whether they can be written.

        Raises:
            DestinationError: One cannot be, exists, or is the filter itself.
        """
        named = [uri for uri in (self.missing, self.unexpected, self.retry, self.delivered) if uri]
        for uri in named:
            open_storage(uri).check_destination(
                uri, overwrite=self.overwrite, inputs=(self.filter_uri,), private=True
            )
        places = [uri if is_cloud(uri) else os.path.realpath(uri) for uri in named]
        if len(set(places)) < len(places):
            raise DestinationError("two lists cannot go to one file", hint="name a file each")
        for which in _NAMES:
            self._is_stale(which)

    def write(self, found: Verification) -> dict[str, str]:
        """Write those that have something in them.

        Returns:
            Where each is, by ``missing``, ``unexpected``, ``retry`` and ``delivered``.

        Raises:
            DestinationError: One cannot be written.
        """
        written: dict[str, str] = {}
        numbers = found.numbers
        for which, count in (("missing", numbers.missing), ("unexpected", numbers.unexpected)):
            own = getattr(self, which)
            uri = own or self._beside(which)
            if uri is not None and (count or own or Path(uri).exists()):
                found.write_list(which, uri, overwrite=self.overwrite or own is None)
                if count or own:
                    written[which] = uri
        for which, count in (("retry", found.levels.total), ("delivered", numbers.delivered)):
            own = getattr(self, which)
            uri = own or self._beside(which)
            if uri is None:
                continue
            if not count:
                self._remove_stale(which)
                if which == "delivered" and own is None:
                    write_text(uri + SUFFIX, found.nothing_delivered(), overwrite=True)
                continue
            write = found.retry_filter if which == "retry" else found.delivered_filter
            write(uri, overwrite=self.overwrite or own is None)
            written[which] = uri
        return written

    def _beside(self, which: str) -> str | None:
        storage = open_storage(self.filter_uri)
        if is_cloud(self.filter_uri) or storage.is_stream(self.filter_uri):
            return None
        return f"{self.filter_uri}.{_NAMES[which]}"

    def _is_stale(self, which: str) -> bool:
        """Tell whether what an earlier verification wrote lies beside the filter.

        Raises:
            DestinationError: A person's own file has that name.
        """
        uri = self._beside(which)
        if getattr(self, which) is not None or uri is None or not Path(uri).exists():
            return False
        if _is_ours(uri, _OURS[which]) if which in _OURS else _is_list(uri):
            return True
        raise DestinationError(
            f"{uri} is not what a verification wrote, and is not replaced",
            hint=f"name another place with --{which} FILE, or move it",
        )

    def _remove_stale(self, which: str) -> None:
        """Remove a filter that an earlier verification left: nobody is to export it again."""
        uri = self._beside(which)
        if uri is not None and self._is_stale(which):
            for path in (uri, uri + SUFFIX):
                Path(path).unlink(missing_ok=True)


def _is_ours(uri: str, operation: str) -> bool:
    """Tell whether a file is the one that its manifest was written for, by this command."""
    try:
        with open_storage(uri + SUFFIX).reader(uri + SUFFIX) as file:
            document = json.loads(file.read())
        recorded = document["filter"]["crc32c"], document["derived"]["operation"]
    except (DicomFilterError, ValueError, LookupError, TypeError):
        return False
    digest = Digest(with_sha256=False)
    with open_storage(uri).reader(uri) as file:
        while piece := file.read(_PIECE):
            digest.add(piece)
    return recorded == (digest.crc32c, operation)


def _is_list(uri: str) -> bool:
    with open_storage(uri).reader(uri) as file:
        return file.read(len(_HEAD)) == _HEAD
