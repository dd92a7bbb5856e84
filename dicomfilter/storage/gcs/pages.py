"""Listings of objects, page by page, in several ranges of names at once.

A page that is damaged or cut short is asked for again and, if it stays so, ends the listing with an
error: it is never taken for the last one, nor for one with nothing on it.
"""

from __future__ import annotations

import json
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import RemoteError, SourceNotFoundError
from dicomfilter.storage.gcs.client import SERVICE, cloud_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from dicomfilter.storage.gcs.client import Connection
    from dicomfilter.storage.gcs.names import GcsObject

WORKERS = 10
"""How many ranges are listed at once: as many as `requests` keeps connections open."""
_KIND = "storage#objects"
_FIELDS = "kind,nextPageToken,items(name,size,timeCreated)"
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Page:
    """Some objects of a range, in the order of their names.

    Args:
        names: Their names.
        sizes: Their lengths in bytes.
        times: When they were written, as the service's clock said; None where it did not say.
    """

    names: list[str]
    sizes: list[int]
    times: list[str | None]


@dataclass(slots=True)
class _Range:
    """A part of a listing, and how far it is.

    Args:
        at: The bucket and what all names begin with.
        start: The first name that is in it, or empty.
        end: The first name beyond it, or empty.
    """

    at: GcsObject
    start: str
    end: str
    token: str | None = None
    last: str = field(default="")

    def query(self, page_size: int | None) -> dict[str, str]:
        """Ask for the next page."""
        asked = {"prefix": self.at.name, "fields": _FIELDS, "prettyPrint": "false"}
        asked |= {"startOffset": self.start} if self.start else {}
        asked |= {"endOffset": self.end} if self.end else {}
        asked |= {"pageToken": self.token} if self.token else {}
        asked |= {"maxResults": str(page_size)} if page_size else {}
        return asked

    def take(self, answer: bytes) -> Page | None:
        """Read an answer; None where it cannot be one to what was asked."""
        try:
            said: Any = json.loads(answer)
            if said["kind"] != _KIND:
                return None
            items = said.get("items", [])
            names = [str(item["name"]) for item in items]
            page = Page(
                names,
                [int(item["size"]) for item in items],
                [item.get("timeCreated") for item in items],
            )
            token = said.get("nextPageToken")
        except (ValueError, TypeError, LookupError, AttributeError):
            return None
        if not self._fits(names) or not isinstance(token, str | None):
            return None
        if token is not None and token == self.token:
            return None
        self.token, self.last = token, names[-1] if names else self.last
        return page

    def _fits(self, names: list[str]) -> bool:
        """Check that names are those of this range, in order, and none that came before.

        Cloud Storage orders names by their bytes in UTF-8, and so does Python by code points.
        """
        if not names:
            return True
        first, last = names[0], names[-1]
        in_order = names == sorted(names) and len(set(names)) == len(names)
        # Between two names with a prefix, in this order, there are none without.
        is_below = first.startswith(self.at.name) and last.startswith(self.at.name)
        in_range = first >= self.start and (not self.end or last < self.end)
        return in_order and is_below and in_range and first > self.last


def pages(
    connection: Connection,
    at: GcsObject,
    bounds: Sequence[str] = (),
    *,
    page_size: int | None = None,
) -> Iterator[Page]:
    """List objects, a page at a time.

    Args:
        connection: To Cloud Storage.
        at: The bucket, and what names begin with.
        bounds: Names, in order, that part the listing into ranges; these are listed side by side.
        page_size: The most objects of a page; None for as many as the service gives.

    Yields:
        Pages; those of one range are in order, those of several are mixed.

    Raises:
        SourceNotFoundError: There is no such bucket.
        RemoteError: It may not be listed, or a page is not to be had. What came before is not
            the whole.
    """
    edges = ["", *bounds, ""]
    ranges = [_Range(at, start, end) for start, end in pairwise(edges)]
    if len(ranges) == 1:
        yield from _alone(connection, ranges[0], page_size)
        return
    pool = ThreadPoolExecutor(min(WORKERS, len(ranges)))
    try:
        under_way: dict[Future[Page], _Range] = {
            pool.submit(_page, connection, one, page_size): one for one in ranges
        }
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                own = under_way.pop(future)
                page = future.result()
                if own.token is not None:
                    under_way[pool.submit(_page, connection, own, page_size)] = own
                yield page
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _alone(connection: Connection, own: _Range, page_size: int | None) -> Iterator[Page]:
    while True:
        yield _page(connection, own, page_size)
        if own.token is None:
            return


def _page(connection: Connection, own: _Range, page_size: int | None) -> Page:
    """Fetch the next page of a range.

    Raises:
        RemoteError: Cloud Storage refused or failed, or what it sends is none.
    """
    with cloud_errors(own.at, "storage.objects.list", missing=SourceNotFoundError):
        for _ in range(_TRIES):
            page = own.take(connection.list_page(own.at.bucket, own.query(page_size)))
            if page is not None:
                return page
    raise RemoteError(
        f"{SERVICE} gave an incomplete page of the listing of {own.at}, {_TRIES} times",
        hint="run it again: what is there is not known",
    )
