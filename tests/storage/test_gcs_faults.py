"""Every remote step of Cloud Storage under every fault: it recovers, or fails in our words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import DicomFilterError, RemoteError, SourceError, UsageError
from dicomfilter.storage.gcs import compose as gcs_compose
from dicomfilter.storage.gcs import download, upload
from dicomfilter.storage.gcs.names import GcsObject
from dicomfilter.storage.gcs.objects import GcsStorage
from tests.localcloud.proxy import FAULTS, CorruptRequest, Slow, crossed

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.cloud import storage

    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.tally import Tally

PIECE = 256 * 1024
PARTS = 6
SMALL = b"/studies/1.2.3/series/4.5.6\n" * 1000
LARGE = b"/studies/1.2.3/series/4.5.6\n" * 20_000  # three pieces
KINDS = {**FAULTS, "corrupted request": CorruptRequest(), "slow": Slow(0.1)}


@dataclass(frozen=True)
class World:
    """A bucket, how the product sees it, and how it is without faults."""

    storage: GcsStorage
    client: storage.Client
    bucket: str
    tally: Tally

    @property
    def uri(self) -> str:
        return f"gs://{self.bucket}/ct.txt"

    def put(self, name: str, content: bytes) -> None:
        self.client.bucket(self.bucket).blob(name).upload_from_string(content)

    def content(self) -> bytes | None:
        storage = GcsStorage()
        if not storage.exists(self.uri):
            return None
        with storage.reader(self.uri) as file:
            return file.read()

    def names(self) -> list[str]:
        blobs = self.client.list_blobs(self.bucket)
        return sorted(blob.name for blob in blobs)


def write(world: World, content: bytes, *, overwrite: bool = False) -> None:
    with world.storage.writer(world.uri, overwrite=overwrite) as out:
        out.write(content)
    assert out.written.size_bytes == len(content)


def compose(world: World, *, staging: str | None = None) -> None:
    """Join six parts, by two joins and one of what they made."""
    with world.storage.scratch(world.uri, staging=staging) as scratch:
        folder = GcsObject.folder(scratch.uri)
        for number in range(PARTS):
            part = world.client.bucket(folder.bucket).blob(f"{folder.name}{number:03}")
            part.upload_from_string(SMALL[: 28 * (number + 1)])
        shards = scratch.shards()
        size_bytes = sum(28 * (number + 1) for number in range(PARTS))
        written = scratch.compose(shards, world.uri, overwrite=False, size_bytes=size_bytes)
    assert written.size_bytes == size_bytes


def composed() -> bytes:
    return b"".join(SMALL[: 28 * (number + 1)] for number in range(PARTS))


@dataclass(frozen=True)
class Step:
    """A request that is to fail, and the work that it is a part of."""

    pattern: str
    work: Callable[[World], None]
    result: bytes
    skip: int = 0


def in_one(world: World) -> None:
    write(world, SMALL)


def in_pieces(world: World) -> None:
    write(world, LARGE)


def replacing(world: World) -> None:
    world.put("ct.txt", b"/studies/1\n")
    write(world, SMALL, overwrite=True)


def in_place(world: World) -> None:
    compose(world)


def from_another_bucket(world: World) -> None:
    staging = world.client.create_bucket(f"{world.bucket}-staging", project="demo").name
    compose(world, staging=f"gs://{staging}")


WRITES = {
    "look": Step("GET /storage/v1/b/[^/]+/o/ct.txt", in_one, SMALL),
    "upload": Step("POST /upload/.*multipart", in_one, SMALL),
    "overwrite": Step("POST /upload/.*multipart", replacing, SMALL, skip=1),
    "session": Step("POST /upload/.*resumable", in_pieces, LARGE),
    "first piece": Step("PUT /upload/", in_pieces, LARGE),
    "second piece": Step("PUT /upload/", in_pieces, LARGE, skip=1),
    "last piece": Step("PUT /upload/", in_pieces, LARGE, skip=2),
}
HARMED = {
    # The service notices by the checksum that came with it, and stores nothing.
    ("upload", "corrupted request"),
    ("overwrite", "corrupted request"),
    ("first piece", "corrupted request"),
    ("second piece", "corrupted request"),
    ("last piece", "corrupted request"),
    # The request itself is no longer one.
    ("session", "corrupted request"),
}
"""What cannot recover, for a byte that was sent is another when it arrives."""


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    bucket: str,
    gcs_client: storage.Client,
    monkeypatch: pytest.MonkeyPatch,
    tally: Tally,
) -> World:
    request.getfixturevalue("short_retries")
    monkeypatch.setattr(upload, "PIECE_BYTES", PIECE)
    monkeypatch.setattr(download, "PIECE_BYTES", PIECE)
    monkeypatch.setattr(gcs_compose, "MOST_SOURCES", 4)
    return World(GcsStorage(timeout_s=0.5), gcs_client, bucket, tally)


@pytest.fixture
def impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up soon what will never succeed."""
    request.getfixturevalue("short_retries")
    from google.cloud.storage.retry import DEFAULT_RETRY

    monkeypatch.setattr(DEFAULT_RETRY, "_timeout", 0.4)


def attempt(step: Step, world: World, faults: FaultProxy, *names: str) -> str:
    """Do the work; give "recovered", or "refused" where it fails as it should."""
    try:
        step.work(world)
    except DicomFilterError as error:
        assert error.exit_status == 4, error
        assert error.message.count("\n") == 0
        assert "upload_id" not in error.message
        outcome = "refused"
    else:
        outcome = "recovered"
    finally:
        faults.clear()
    world.tally.rows.append((names[0], " ".join(names[1:]), outcome))
    return outcome


@pytest.mark.parametrize(("name", "kind"), crossed(WRITES, KINDS))
def test_one_fault_is_survived_and_never_leaves_a_wrong_object(
    world: World, gcs_faults: FaultProxy, name: str, kind: str
) -> None:
    step = WRITES[name]
    rule = gcs_faults.add(step.pattern, KINDS[kind], skip=step.skip)
    outcome = attempt(step, world, gcs_faults, name, kind)

    assert rule.hits == 1
    assert world.content() in (step.result, b"/studies/1\n" if name == "overwrite" else None)
    if (name, kind) not in HARMED:
        assert outcome == "recovered"
        assert world.content() == step.result


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("name", "kind"), crossed(WRITES, [kind for kind in KINDS if kind not in {"slow", "hung"}])
)
def test_a_fault_that_stays_is_an_error_and_never_leaves_a_wrong_object(
    world: World, gcs_faults: FaultProxy, name: str, kind: str
) -> None:
    step = WRITES[name]
    rule = gcs_faults.add(step.pattern, KINDS[kind], skip=step.skip, times=None)
    outcome = attempt(step, world, gcs_faults, name, kind, "for good")
    old = b"/studies/1\n" if name == "overwrite" else None

    assert rule.hits >= 1
    assert world.content() in (step.result, old)
    if outcome == "recovered":
        assert world.content() == step.result
    if outcome == "refused" and kind in {"503", "429", "reset before", "reset in the middle"}:
        assert world.content() == old


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", ["upload", "last piece"])
def test_a_service_that_hangs_is_given_up(world: World, gcs_faults: FaultProxy, name: str) -> None:
    step = WRITES[name]
    gcs_faults.add(step.pattern, FAULTS["hung"], skip=step.skip, times=None)

    assert attempt(step, world, gcs_faults, name, "hung", "for good") == "refused"
    assert world.content() is None


JOINS = {
    "list": Step(r"GET /storage/v1/b/[^/]+/o\?.*dicomfilter", in_place, composed()),
    "last bytes": Step(r"GET /download/", in_place, composed(), skip=3),
    "join between": Step("POST .*joined-0-4/compose", in_place, composed()),
    "last join": Step("POST .*/ct.txt/compose", in_place, composed()),
    "rewrite": Step("POST .*/rewriteTo/", from_another_bucket, composed()),
    "delete": Step("DELETE /storage/", in_place, composed(), skip=5),
}
HARMED_JOINS = {
    # A byte of a list, or the last one of a part, that looks like another: nothing is made.
    ("list", "corrupted"),
    ("list", "truncated"),
    ("last bytes", "corrupted"),
    ("join between", "corrupted request"),
    ("last join", "corrupted request"),
    ("rewrite", "corrupted request"),
}


@pytest.mark.parametrize(("name", "kind"), crossed(JOINS, KINDS))
def test_one_fault_on_the_way_inside_the_cloud_leaves_the_whole_or_nothing(
    world: World, gcs_faults: FaultProxy, name: str, kind: str
) -> None:
    step = JOINS[name]
    gcs_faults.add(step.pattern, KINDS[kind], skip=step.skip)
    outcome = attempt(step, world, gcs_faults, name, kind)

    assert world.content() in (step.result, None)
    if (name, kind) not in HARMED_JOINS:
        assert outcome == "recovered"
        assert world.content() == step.result
    if (name, kind) not in {("list", "corrupted"), ("list", "truncated")}:
        assert [each for each in world.names() if each != "ct.txt"] == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["503", "reset before", "reset after", "truncated"])
@pytest.mark.parametrize("name", ["list", "last bytes", "join between", "last join", "rewrite"])
def test_a_fault_that_stays_inside_the_cloud_leaves_the_whole_or_nothing(
    world: World, gcs_faults: FaultProxy, name: str, kind: str
) -> None:
    step = JOINS[name]
    gcs_faults.add(step.pattern, KINDS[kind], skip=step.skip, times=None)
    outcome = attempt(step, world, gcs_faults, name, kind, "for good")

    assert world.content() == (step.result if outcome == "recovered" else None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skip", [0, 2])
def test_a_download_is_right_or_refused(
    world: World, gcs_faults: FaultProxy, kind: str, skip: int
) -> None:
    world.put("ct.txt", LARGE)
    rule = gcs_faults.add("GET /download/", KINDS[kind], skip=skip)
    try:
        with world.storage.reader(world.uri) as file:
            got = file.read()
    except (RemoteError, SourceError) as error:
        assert kind == "corrupted"
        assert error.exit_status == 4
        assert "damaged on the way" in error.message
        got = None
    outcome = "refused" if got is None else "recovered"
    world.tally.rows.append(("download", f"{kind} in piece {skip + 1}", outcome))
    assert rule.hits == 1
    assert got == (None if kind == "corrupted" else LARGE)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["503", "429", "reset before", "reset after", "truncated"])
def test_a_download_that_never_comes_is_an_error(
    world: World, gcs_faults: FaultProxy, kind: str
) -> None:
    world.put("ct.txt", LARGE)
    gcs_faults.add("GET /download/", KINDS[kind], skip=1, times=None)
    with pytest.raises(RemoteError) as refused, world.storage.reader(world.uri) as file:
        file.read()

    assert refused.value.exit_status == 4
    assert world.uri in refused.value.message


@pytest.mark.parametrize("kind", ["truncated", "corrupted"])
def test_a_damaged_look_is_an_error_or_right(
    world: World, gcs_faults: FaultProxy, kind: str
) -> None:
    world.put("ct.txt", SMALL)
    gcs_faults.add("GET /storage/v1/b/[^/]+/o/ct.txt", KINDS[kind])
    try:
        stat = world.storage.stat(world.uri)
    except RemoteError as error:
        assert error.exit_status == 4
    else:
        assert stat.size_bytes == len(SMALL)


@pytest.mark.usefixtures("impatient")
def test_no_fault_of_the_way_is_taken_for_a_fault_of_the_user(
    world: World, gcs_faults: FaultProxy
) -> None:
    for kind in ("503", "429", "reset before", "hung"):
        gcs_faults.add("/storage/", KINDS[kind], times=None)
        with pytest.raises(DicomFilterError) as refused:
            world.storage.check_destination(world.uri, overwrite=False)
        assert not isinstance(refused.value, UsageError)
        gcs_faults.clear()
