"""Cloud Storage as the service's agent sees it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import requests

from tests.localcloud.healthcare_server.refusals import DENIED, INVALID, NOT_FOUND, RefusedError
from tests.localcloud.healthcare_server.switches import AGENT

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Place:
    """A bucket and a name in it, or the beginning of one."""

    bucket: str
    name: str

    @classmethod
    def parse(cls, uri: str) -> Place:
        """Read a URI.

        >>> Place.parse("gs://bucket/a/b.txt")
        Place(bucket='bucket', name='a/b.txt')
        """
        found = re.fullmatch(r"gs://([a-z0-9][a-z0-9._-]+)(?:/(.*))?", uri)
        if not found:
            raise RefusedError(INVALID, f"invalid Cloud Storage URI: {uri!r}")
        return cls(found[1], found[2] or "")


@dataclass(frozen=True)
class Objects:
    """Reads and writes objects."""

    url: str
    _session: requests.Session = field(default_factory=requests.Session, repr=False)

    def read(self, uri: str) -> bytes:
        """Read an object."""
        place = Place.parse(uri)
        path = f"/download/storage/v1/b/{place.bucket}/o/{quote(place.name, safe='')}?alt=media"
        return self._asked("GET", path, uri).content

    def write(self, place: Place, data: bytes) -> None:
        """Write an object, over another."""
        query = f"uploadType=media&name={quote(place.name, safe='')}"
        path = f"/upload/storage/v1/b/{place.bucket}/o?{query}"
        self._asked("POST", path, f"gs://{place.bucket}", data)

    def names(self, place: Place) -> Iterator[str]:
        """List the names that begin so."""
        token = ""
        while True:
            query = f"prefix={quote(place.name, safe='')}&pageToken={quote(token, safe='')}"
            path = f"/storage/v1/b/{place.bucket}/o?{query}"
            page = json.loads(self._asked("GET", path, f"gs://{place.bucket}").content)
            yield from (each["name"] for each in page.get("items", []))
            token = page.get("nextPageToken", "")
            if not token:
                return

    def demand_bucket(self, place: Place) -> None:
        """Look whether a bucket is there."""
        self._asked("GET", f"/storage/v1/b/{place.bucket}", f"gs://{place.bucket}")

    def _asked(
        self, verb: str, path: str, what: str, data: bytes | None = None
    ) -> requests.Response:
        kind = {"content-type": "application/octet-stream"}
        for _ in range(3):  # the service would not fail over one lost answer
            try:
                answer = self._session.request(
                    verb, self.url + path, data=data, headers=kind, timeout=60
                )
            except requests.RequestException:
                continue
            if answer.status_code < 500:
                break
        if answer.status_code == 404:
            raise RefusedError(NOT_FOUND, f"{what} does not exist.")
        if answer.status_code == 403 and "retention policy" in answer.text:
            raise RefusedError(DENIED, f"{answer.json()['error']['message']} ({what})")
        if answer.status_code in (401, 403):
            raise RefusedError(DENIED, f"{AGENT} ({what})")
        if answer.status_code != 200:
            raise RefusedError(14, f"Cloud Storage answered {answer.status_code} for {what}.")
        return answer
