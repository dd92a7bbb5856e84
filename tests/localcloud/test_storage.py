from __future__ import annotations

import contextlib
import io
import os
import threading
from typing import TYPE_CHECKING

import pytest
from google.api_core import exceptions
from google.cloud.storage.exceptions import DataCorruption

from tests.localcloud.proxy import (
    FAULTS,
    Corrupt,
    CorruptRequest,
    Edit,
    Reset,
    Status,
    Truncate,
    When,
)
from tests.localcloud.storage import StorageServer

if TYPE_CHECKING:
    from google.cloud import storage

    from tests.localcloud.proxy import FaultProxy

CHUNK = 256 * 1024


@pytest.fixture
def held(gcs_client: storage.Client, bucket: str) -> storage.Bucket:
    return gcs_client.bucket(bucket)


def put(held: storage.Bucket, name: str, text: str = "text\n") -> storage.Blob:
    blob = held.blob(name)
    blob.upload_from_string(text)
    return blob


def test_two_servers_do_not_meet(gcs_server: StorageServer, bucket: str) -> None:
    with StorageServer() as another:
        assert another.url != gcs_server.url
        with contextlib.closing(another.client()) as client, pytest.raises(exceptions.NotFound):
            client.get_bucket(bucket)


def test_the_environment_names_the_server(gcs_server: StorageServer, bucket: str) -> None:
    from google.cloud import storage

    assert os.environ["STORAGE_EMULATOR_HOST"] == gcs_server.url
    with contextlib.closing(storage.Client()) as client:
        assert client.get_bucket(bucket).name == bucket


def test_a_bucket_keeps_its_location(gcs_server: StorageServer, gcs_client: storage.Client) -> None:
    name = gcs_server.make_bucket("europe-west1")
    assert gcs_client.get_bucket(name).location == "EUROPE-WEST1"
    assert name in {bucket.name for bucket in gcs_client.list_buckets()}


@pytest.mark.parametrize("size", [0, 1, CHUNK, 3 * CHUNK, 3 * CHUNK + 7])
def test_resumable_uploads_of_any_size_arrive(held: storage.Bucket, size: int) -> None:
    blob = held.blob("a", chunk_size=CHUNK)
    blob.upload_from_file(io.BytesIO(b"x" * size), if_generation_match=0)
    read = held.get_blob("a")
    assert (read.size, read.crc32c) == (size, blob.crc32c)
    assert read.download_as_bytes() == b"x" * size


def test_of_many_writers_that_demand_an_absent_object_one_wins(
    gcs_server: StorageServer, held: storage.Bucket
) -> None:
    won: list[int] = []

    def write(number: int) -> None:
        with contextlib.closing(gcs_server.client()) as client:
            blob = client.bucket(held.name).blob("race")
            with contextlib.suppress(exceptions.PreconditionFailed):
                blob.upload_from_file(io.BytesIO(str(number).encode()), if_generation_match=0)
                won.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [str(number) for number in won] == [held.blob("race").download_as_text()]


def test_preconditions_hold_on_every_method(held: storage.Bucket) -> None:
    blob = put(held, "a")
    stale = blob.generation - 1
    put(held, "b")
    refused = (
        lambda: held.blob("a").delete(if_generation_match=stale),
        lambda: held.blob("a").download_as_bytes(if_generation_match=stale),
        lambda: held.blob("a").reload(if_generation_match=stale),
        lambda: held.blob("a").patch(if_generation_match=stale),
        lambda: held.blob("a").upload_from_string("new", if_generation_match=stale),
        lambda: held.blob("b").compose([blob], if_generation_match=0),
        lambda: held.blob("c").compose([blob], if_source_generation_match=[stale]),
        lambda: held.blob("b").rewrite(blob, if_generation_match=0),
        lambda: held.blob("c").rewrite(blob, if_source_generation_match=stale),
        lambda: held.copy_blob(blob, held, "b", if_generation_match=0),
    )
    for call in refused:
        with pytest.raises(exceptions.PreconditionFailed):
            call()
    assert held.blob("a").download_as_text() == "text\n"
    assert not held.blob("c").exists()


def test_an_old_generation_is_gone(held: storage.Bucket) -> None:
    old = put(held, "a").generation
    put(held, "a", "new")
    with pytest.raises(exceptions.NotFound):
        held.blob("a", generation=old).download_as_bytes()


def test_a_composed_object_looks_like_one(held: storage.Bucket) -> None:
    parts = [put(held, f"part{number}", f"{number}\n") for number in range(3)]
    composed = held.blob("whole")
    composed.compose(parts, if_generation_match=0)
    for blob in (composed, held.get_blob("whole"), *held.list_blobs(prefix="whole")):
        assert (blob.component_count, blob.md5_hash, blob.size) == (3, None, 6)
        assert blob.crc32c == put(held, "same", "0\n1\n2\n").crc32c
    assert composed.download_as_text() == "0\n1\n2\n"
    twice = held.blob("twice")
    twice.compose([composed, composed])
    assert twice.component_count == 6


def test_what_cannot_be_composed_is_refused(held: storage.Bucket) -> None:
    part = put(held, "a")
    with pytest.raises(exceptions.NotFound):
        held.blob("b").compose([part, held.blob("missing")])
    with pytest.raises(exceptions.BadRequest, match="33"):
        held.blob("b").compose([part] * 33)
    assert not held.blob("b").exists()


def test_permissions_can_be_taken_away(gcs_server: StorageServer, held: storage.Bucket) -> None:
    asked = ["storage.objects.get", "storage.objects.delete"]
    assert held.test_iam_permissions(asked) == asked
    gcs_server.fidelity.denied.add("storage.objects.delete")
    assert held.test_iam_permissions(asked) == asked[:1]
    gcs_server.fidelity.denied.clear()


def test_a_body_that_changed_on_the_way_is_not_stored(
    held: storage.Bucket, gcs_faults: FaultProxy
) -> None:
    gcs_faults.add("POST /upload/.*multipart", CorruptRequest())
    with pytest.raises(exceptions.BadRequest, match=r"doesn't match calculated"):
        held.blob("a").upload_from_string("x" * 2000, checksum="crc32c")
    gcs_faults.add("PUT /upload/", CorruptRequest())
    with pytest.raises((exceptions.BadRequest, DataCorruption), match=r"(?i)crc32c"):
        held.blob("b", chunk_size=CHUNK).upload_from_file(
            io.BytesIO(b"x" * 900_000), checksum="crc32c"
        )
    assert list(held.list_blobs()) == []


@pytest.mark.parametrize("kind", [kind for kind in FAULTS if kind not in ("hung", "corrupted")])
@pytest.mark.parametrize("chunk", [0, 1, 3])
def test_a_resumable_upload_survives(
    held: storage.Bucket, gcs_faults: FaultProxy, kind: str, chunk: int
) -> None:
    data = os.urandom(3 * CHUNK + 5)
    rule = gcs_faults.add("PUT /upload/", FAULTS[kind], skip=chunk)
    # the client does not notice that its last answer is cut short, and cannot read it
    known = (
        pytest.raises(ValueError, match="Unterminated")
        if (kind, chunk) == ("truncated", 3)
        else contextlib.nullcontext()
    )
    with known:
        held.blob("a", chunk_size=CHUNK).upload_from_file(io.BytesIO(data), if_generation_match=0)
    assert rule.hits == 1
    assert held.blob("a").download_as_bytes() == data


def test_a_multipart_upload_whose_answer_is_lost_meets_its_own_object(
    held: storage.Bucket, gcs_faults: FaultProxy
) -> None:
    gcs_faults.add("POST /upload/", Reset(When.AFTER))
    with pytest.raises(exceptions.PreconditionFailed):
        held.blob("a").upload_from_string("ours", if_generation_match=0)
    assert held.blob("a").download_as_text() == "ours"
    assert [event.status for event in gcs_faults.log if "upload" in event.line] == [200, 412]


def test_a_download_survives_or_is_refused(held: storage.Bucket, gcs_faults: FaultProxy) -> None:
    put(held, "a", "x" * 5000)
    for fault in (Truncate(), Status(503), Status(429), Reset()):
        gcs_faults.add("GET /download/", fault)
        assert held.blob("a").download_as_text() == "x" * 5000
    gcs_faults.add("GET /download/", Corrupt())
    with pytest.raises(DataCorruption):
        held.blob("a").download_as_bytes(checksum="crc32c")


def test_a_refusal_carries_its_words(held: storage.Bucket, gcs_faults: FaultProxy) -> None:
    gcs_faults.add("POST /upload/", Status(403, "reader@demo does not have storage.objects.create"))
    with pytest.raises(exceptions.Forbidden, match=r"does not have storage\.objects\.create"):
        held.blob("a").upload_from_string("x")


def test_an_answer_can_be_edited(held: storage.Bucket, gcs_faults: FaultProxy) -> None:
    put(held, "a")
    gcs_faults.add("GET /storage/", Edit(lambda body: body.replace(b'"5"', b'"6"')))
    assert held.get_blob("a").size == 6


def test_faults_before_the_services_leave_clients_alone(
    gcs_server: StorageServer, gcs_faults: FaultProxy, held: storage.Bucket
) -> None:
    gcs_server.services.add(".*", Status(403), times=None)
    put(held, "a")
    assert gcs_server.services.log == []
    assert gcs_faults.count("upload", 200) == 1
