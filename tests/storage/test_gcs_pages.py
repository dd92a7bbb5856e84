"""Listings of Cloud Storage: whole, in whatever ranges, or an error; a page is never lost."""

from __future__ import annotations

import json
import os
from contextlib import closing
from http.client import HTTPConnection
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from dicomfilter.errors import DicomFilterError, RemoteError, SourceNotFoundError
from dicomfilter.storage.gcs.names import GcsObject
from dicomfilter.storage.gcs.objects import GcsStorage
from dicomfilter.storage.gcs.pages import pages
from tests.localcloud.paging import PagingServer
from tests.localcloud.proxy import FAULTS, Corrupt, Edit, Fault, Hang, Status, crossed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from google.cloud import storage

    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.storage import StorageServer
    from tests.localcloud.tally import Tally

pytestmark = pytest.mark.usefixtures("_impatient")

# fake-gcs-server takes the longer for an object the more it has: 5,000 take most of a minute.
STUDIES = 100 if os.environ.get("DICOMFILTER_FAULTS") == "all" else 24
MANY = sorted(f"out/1.{study}/1.{study}.2/{n}.dcm" for study in range(STUDIES) for n in range(50))
FEW = sorted(f"out/1.{study}/1.{study}.2/{n}.dcm" for study in range(4) for n in range(10))
ODD = ["out", "out/", "out.txt", "out/é.txt", "out/\U0001f600", "out0", "other/1"]


@pytest.fixture
def _impatient(
    short_retries: None,  # noqa: ARG001 - which imports what is set here
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from google.cloud.storage.retry import DEFAULT_RETRY

    monkeypatch.setattr(DEFAULT_RETRY, "_timeout", 0.3)


def names(root: str, bounds: Sequence[str] = (), page_size: int | None = None) -> list[str]:
    at = GcsObject.folder(root)
    found = pages(GcsStorage(timeout_s=2).connection, at, bounds, page_size=page_size)
    return sorted(name for page in found for name in page.names)


@pytest.fixture(scope="module")
def _stored(gcs_server: StorageServer) -> tuple[str, list[str]]:
    """Put thousands of objects into a bucket, past the proxy."""
    bucket, stored = gcs_server.make_bucket(), sorted({*MANY, *ODD})
    with closing(HTTPConnection("127.0.0.1", gcs_server.fidelity.port)) as way:
        for name in stored:
            query = urlencode({"uploadType": "media", "name": name})
            way.request("POST", f"/upload/storage/v1/b/{bucket}/o?{query}", b"x" * 9)
            answer = way.getresponse()
            answer.read()
            assert answer.status == 200
    return bucket, stored


@pytest.fixture(params=["fake-gcs-server", "paging server"])
def place(
    request: pytest.FixtureRequest,
    _stored: tuple[str, list[str]],
    gcs_server: StorageServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[str, list[str]]]:
    bucket, stored = _stored
    if request.param == "fake-gcs-server":
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server.url)
        yield bucket, stored
        return
    with PagingServer(stored) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield bucket, stored


@pytest.mark.parametrize(
    ("prefix", "bounds", "page_size"),
    [
        ("out/", (), None),
        ("out/", (MANY[100],), None),
        ("out/", (MANY[1], MANY[len(MANY) // 2], MANY[-1]), None),
        ("out/", ("out/0", MANY[7], "out/9", "out/~"), None),
        ("out/1.7/", (), 7),
        ("nothing/", ("nothing/5",), None),
        ("", ("out/1.5",), None),
    ],
)
def test_ranges_together_are_the_whole(
    place: tuple[str, list[str]], prefix: str, bounds: tuple[str, ...], page_size: int | None
) -> None:
    bucket, stored = place
    expected = [name for name in stored if name.startswith(prefix)]
    assert names(f"gs://{bucket}/{prefix}", bounds, page_size) == expected


def test_sizes_and_times_come_along(place: tuple[str, list[str]]) -> None:
    at = GcsObject.folder(f"gs://{place[0]}/out/1.1/")
    for page in pages(GcsStorage().connection, at):
        assert set(page.sizes) == {9}
        assert all(time and time.startswith("20") for time in page.times)


def test_a_bucket_that_is_not_there_is_no_empty_one(bucket: str) -> None:
    with pytest.raises(SourceNotFoundError):
        names(f"gs://{bucket}-not/out/")


@pytest.fixture
def full(bucket: str, gcs_client: storage.Client) -> str:
    for name in FEW:
        gcs_client.bucket(bucket).blob(name).upload_from_string(b"x")
    return bucket


def _changed(**more: object) -> Edit:
    def change(body: bytes) -> bytes:
        said = json.loads(body)
        for key, value in more.items():
            if value is None:
                said.pop(key, None)
            else:
                said[key] = value
        return json.dumps(said).encode()

    return Edit(change)


def _items(change: object) -> Edit:
    def edit(body: bytes) -> bytes:
        said = json.loads(body)
        said["items"] = change(said["items"])  # type: ignore[operator]
        return json.dumps(said).encode()

    return Edit(edit)


DAMAGED: dict[str, Fault] = {
    **{name: fault for name, fault in FAULTS.items() if not isinstance(fault, Hang | Corrupt)},
    "403": Status(403),
    "404": Status(404),
    "no body": Edit(lambda _: b""),
    "an empty object": Edit(lambda _: b"{}"),
    "null": Edit(lambda _: b"null"),
    "a list": Edit(lambda _: b"[]"),
    "a page of HTML": Edit(lambda _: b"<html>please log in</html>"),
    "cut off": Edit(lambda body: body[: len(body) // 2]),
    "of another kind": _changed(kind="storage#object"),
    "no kind and no items": _changed(kind=None, items=None, nextPageToken=None),
    "a token that is none": _changed(nextPageToken=7),
    "items that are no list": _changed(items="none"),
    "an item without a name": _items(lambda items: [{"size": "1"}, *items]),
    "an item without a size": _items(lambda items: [{"name": items[0]["name"]}, *items[1:]]),
    "names out of order": _items(lambda items: items[::-1]),
    "a name twice": _items(lambda items: [items[0], *items]),
    "names of elsewhere": _items(lambda items: [{"name": "a/1", "size": "1"}, *items]),
}


WHERE = {
    f"{page} {lasts}": (skip, lasts == "for good")
    for lasts in ("once", "for good")
    for page, skip in {"first page": 0, "middle": 1, "last page": 3}.items()
}
"""Requests that are answered before the fault, and whether it stays."""


@pytest.mark.parametrize(("where", "fault"), crossed(WHERE, DAMAGED))
def test_a_failed_page_is_never_an_empty_one(
    full: str, gcs_faults: FaultProxy, tally: Tally, where: str, fault: str
) -> None:
    """The table of faults: each page under each of them."""
    skip, lasting = WHERE[where]
    gcs_faults.add(
        r"GET /storage/v1/b/[^/]+/o\?", DAMAGED[fault], skip=skip, times=None if lasting else 1
    )
    try:
        found = names(f"gs://{full}/out/", page_size=10)
    except DicomFilterError as error:
        assert isinstance(error, RemoteError | SourceNotFoundError)
        tally.rows.append((where, fault, f"error[{error.code}]"))
        assert lasting or fault in {"403", "404"}
        return
    tally.rows.append((where, fault, "recovered"))
    assert found == FEW
    assert not lasting or fault == "slow"


def test_a_page_of_one_range_may_fail_as_well(full: str, gcs_faults: FaultProxy) -> None:
    gcs_faults.add("GET .*startOffset=", Edit(lambda _: b"{}"), times=None)
    with pytest.raises(RemoteError, match="incomplete page"):
        names(f"gs://{full}/out/", (FEW[20],))


def test_pages_that_go_round_in_a_circle_end_in_an_error(full: str, gcs_faults: FaultProxy) -> None:
    first: list[bytes] = []

    def again(body: bytes) -> bytes:
        first.append(body)
        return first[0]

    gcs_faults.add(r"GET /storage/v1/b/[^/]+/o\?", Edit(again), times=None)
    with pytest.raises(RemoteError, match="incomplete page"):
        names(f"gs://{full}/out/", page_size=10)


def test_names_are_in_the_order_of_their_bytes() -> None:
    assert all(a.encode() < b.encode() for a, b in pairwise(sorted(ODD)))
