"""Parts that become one object inside Cloud Storage, and of which nothing stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import DestinationError, DestinationExistsError, RemoteError, UsageError
from dicomfilter.storage.gcs import compose
from dicomfilter.storage.gcs.names import GcsObject
from dicomfilter.storage.gcs.objects import GcsStorage
from tests.localcloud.fidelity import crc32c
from tests.localcloud.proxy import Edit, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from google.cloud import storage

    from dicomfilter.storage.gcs.objects import Scratch
    from dicomfilter.storage.protocol import Written
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.storage import StorageServer


def part(number: int) -> bytes:
    return b"/studies/1.2.%d\n" % number * (number % 3 + 1)


@pytest.fixture
def gcs() -> GcsStorage:
    return GcsStorage()


@pytest.fixture
def uri(bucket: str) -> str:
    return f"gs://{bucket}/filters/ct.txt"


class Export:
    """Puts parts where a scratch wants them, as BigQuery does, and makes one object of them."""

    def __init__(self, client: storage.Client) -> None:
        self.client = client
        self.seen: list[str] = []

    def put(self, scratch: Scratch, parts: Sequence[bytes]) -> None:
        folder = GcsObject.folder(scratch.uri)
        for number, content in enumerate(parts):
            blob = self.client.bucket(folder.bucket).blob(f"{folder.name}shard-{number:012}.csv")
            blob.upload_from_string(content)

    def __call__(
        self,
        gcs: GcsStorage,
        uri: str,
        parts: Sequence[bytes],
        *,
        staging: str | None = None,
        overwrite: bool = False,
        size_bytes: int | None = None,
        meanwhile: Callable[[Scratch], object] = str,
    ) -> Written:
        with gcs.scratch(uri, staging=staging) as scratch:
            self.put(scratch, parts)
            shards = scratch.shards()
            meanwhile(scratch)
            written = scratch.compose(
                shards,
                uri,
                overwrite=overwrite,
                size_bytes=sum(map(len, parts)) if size_bytes is None else size_bytes,
            )
        assert scratch.warnings == ()
        return written

    def names(self, bucket: str) -> list[str]:
        return [blob.name for blob in self.client.list_blobs(bucket)]


@pytest.fixture
def export(gcs_client: storage.Client) -> Export:
    return Export(gcs_client)


def read(gcs: GcsStorage, uri: str) -> bytes:
    with gcs.reader(uri) as file:
        return file.read()


@pytest.mark.parametrize("count", [1, 2, 32, 33, 70])
def test_parts_become_one_object_in_their_order_and_leave_nothing(
    gcs: GcsStorage, uri: str, bucket: str, export: Export, count: int
) -> None:
    parts = [part(number) for number in range(count)]
    written = export(gcs, uri, parts)

    whole = b"".join(parts)
    assert read(gcs, uri) == whole
    assert (written.uri, written.size_bytes) == (uri, len(whole))
    assert (written.crc32c, written.sha256) == (crc32c(whole), None)
    assert written.generation == gcs.stat(uri).generation
    assert export.names(bucket) == ["filters/ct.txt"]


def test_a_tree_of_three_levels_holds(
    gcs: GcsStorage,
    uri: str,
    bucket: str,
    export: Export,
    *,
    gcs_faults: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compose, "MOST_SOURCES", 3)
    parts = [part(number) for number in range(20)]
    export(gcs, uri, parts)

    assert read(gcs, uri) == b"".join(parts)
    assert gcs_faults.count("/compose") == 7 + 3 + 1
    assert export.names(bucket) == ["filters/ct.txt"]


def test_no_byte_of_the_parts_passes_but_the_last_of_each(
    gcs: GcsStorage, uri: str, export: Export, gcs_faults: FaultProxy
) -> None:
    export(gcs, uri, [part(number) for number in range(5)])

    assert gcs_faults.count("GET /download/") == 5
    assert gcs_faults.count("POST /upload/") == 5  # the parts themselves


def test_empty_parts_do_no_harm(gcs: GcsStorage, uri: str, export: Export) -> None:
    export(gcs, uri, [b"", part(1), b"", part(2)])

    assert read(gcs, uri) == part(1) + part(2)


@pytest.mark.parametrize("size_bytes", [0, 15, 17, 31])
def test_another_size_than_expected_is_refused(
    gcs: GcsStorage, uri: str, bucket: str, export: Export, size_bytes: int
) -> None:
    with pytest.raises(RemoteError, match=f"16 bytes where {size_bytes} were expected"):
        export(gcs, uri, [b"/studies/1\n", b"path\n"], size_bytes=size_bytes)

    assert export.names(bucket) == []


@pytest.mark.parametrize("last", [b"/studies/1.2", b'"', b"\r"])
def test_a_part_without_its_last_newline_is_refused_by_name(
    gcs: GcsStorage, uri: str, bucket: str, export: Export, last: bytes
) -> None:
    with pytest.raises(RemoteError, match=r"shard-000000000001.csv does not end with a newline"):
        export(gcs, uri, [part(1), last, part(2)])

    assert export.names(bucket) == []


def test_nothing_cannot_become_a_filter(gcs: GcsStorage, uri: str, export: Export) -> None:
    with pytest.raises(RemoteError, match="there is nothing under"):
        export(gcs, uri, [], size_bytes=0)


def test_a_part_that_was_replaced_is_never_joined(
    gcs: GcsStorage, uri: str, bucket: str, export: Export
) -> None:
    def replace(scratch: Scratch) -> None:
        export.put(scratch, [part(1)])

    with pytest.raises(RemoteError, match=r"gone|changed|replaced"):
        export(gcs, uri, [part(7), part(8)], meanwhile=replace)

    assert export.names(bucket) == []


@pytest.mark.parametrize("step", ["newline", "join"])
def test_a_part_that_is_gone_is_said(
    gcs: GcsStorage,
    uri: str,
    bucket: str,
    export: Export,
    monkeypatch: pytest.MonkeyPatch,
    *,
    step: str,
) -> None:
    if step == "join":
        monkeypatch.setattr("dicomfilter.storage.gcs.objects.check_parts", lambda *_, **__: None)

    def remove(scratch: Scratch) -> None:
        folder = GcsObject.folder(scratch.uri)
        export.client.bucket(bucket).blob(f"{folder.name}shard-{0:012}.csv").delete()

    with pytest.raises(RemoteError, match=r"gone|removed|changed"):
        export(gcs, uri, [part(7), part(8)], meanwhile=remove)

    assert export.names(bucket) == []


def test_what_is_there_is_not_replaced_unasked(
    gcs: GcsStorage, uri: str, bucket: str, export: Export
) -> None:
    export(gcs, uri, [part(1)])
    with pytest.raises(DestinationExistsError):
        export(gcs, uri, [part(2)])
    export(gcs, uri, [part(3)], overwrite=True)

    assert read(gcs, uri) == part(3)
    assert export.names(bucket) == ["filters/ct.txt"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("staged", [False, True])
def test_what_came_since_the_check_stays(
    gcs: GcsStorage,
    uri: str,
    export: Export,
    gcs_server: StorageServer,
    *,
    overwrite: bool,
    staged: bool,
) -> None:
    staging = f"gs://{gcs_server.make_bucket()}" if staged else None
    if overwrite:
        export(gcs, uri, [part(1)])
    gcs.check_destination(uri, overwrite=overwrite)

    def theirs(_scratch: Scratch) -> None:
        with GcsStorage().writer(uri, overwrite=True) as out:
            out.write(b"theirs\n")

    kind = DestinationError if overwrite else DestinationExistsError
    with pytest.raises(kind):
        export(gcs, uri, [part(2)], overwrite=overwrite, meanwhile=theirs, staging=staging)

    assert read(gcs, uri) == b"theirs\n"


@pytest.mark.parametrize("folder", ["", "/", "/a/b", "/a/b/"])
def test_parts_in_another_bucket_are_joined_there_and_copied(
    gcs: GcsStorage,
    uri: str,
    bucket: str,
    export: Export,
    *,
    gcs_server: StorageServer,
    folder: str,
) -> None:
    staging = gcs_server.make_bucket("europe-west1")
    parts = [part(number) for number in range(40)]
    written = export(gcs, uri, parts, staging=f"gs://{staging}{folder}")

    assert read(gcs, uri) == b"".join(parts)
    assert written.crc32c == crc32c(b"".join(parts))
    assert written.generation == gcs.stat(uri).generation
    assert (export.names(bucket), export.names(staging)) == (["filters/ct.txt"], [])


def test_every_run_has_a_place_of_its_own_beside_the_destination(
    gcs: GcsStorage, uri: str, bucket: str
) -> None:
    with gcs.scratch(uri) as one, gcs.scratch(uri) as other:
        assert one.uri != other.uri
        for scratch in (one, other):
            place = rf"gs://{bucket}/filters/\.dicomfilter-[0-9a-f]{{16}}/"
            assert re.fullmatch(place, scratch.uri)


def test_only_what_is_in_its_place_is_removed(
    gcs: GcsStorage, uri: str, bucket: str, export: Export
) -> None:
    for name in ("filters/mr.txt", "filters/.dicomfilter-of-another/x", "x"):
        export.client.bucket(bucket).blob(name).upload_from_string("stays")
    before = export.names(bucket)
    with pytest.raises(KeyboardInterrupt), gcs.scratch(uri) as scratch:  # noqa: PT012 - in it
        export.put(scratch, [part(1), part(2)])
        raise KeyboardInterrupt

    assert export.names(bucket) == before


RETAINED = "Object is under active Temporary hold and cannot be deleted"


def test_what_may_not_be_removed_is_a_warning_that_names_the_place(
    gcs: GcsStorage, uri: str, bucket: str, export: Export, gcs_faults: FaultProxy
) -> None:
    rule = gcs_faults.add("DELETE .*shard-000000000001", Status(403, RETAINED), times=None)
    with gcs.scratch(uri) as scratch:
        export.put(scratch, [part(number) for number in range(4)])
        size_bytes = sum(len(part(number)) for number in range(4))
        scratch.compose(scratch.shards(), uri, overwrite=False, size_bytes=size_bytes)

    (warning,) = scratch.warnings
    assert rule.hits == 1
    assert scratch.uri in warning
    assert RETAINED in warning  # what keeps it, and no role that would be missing
    assert f"gcloud storage rm --recursive {scratch.uri}" in warning
    assert len(export.names(bucket)) == 2  # what may be removed is
    assert len(read(gcs, uri)) == size_bytes


@pytest.mark.usefixtures("short_retries")
def test_a_list_that_fails_in_the_end_is_a_warning_and_no_failure(
    gcs: GcsStorage, uri: str, export: Export, gcs_faults: FaultProxy
) -> None:
    with gcs.scratch(uri) as scratch:
        export.put(scratch, [part(1)])
        gcs_faults.add(r"GET /storage/v1/b/[^/]+/o\?", Status(403), times=None)

    assert scratch.uri in scratch.warnings[0]


@pytest.mark.usefixtures("short_retries")
def test_an_answer_that_tells_another_checksum_is_looked_into(
    gcs: GcsStorage, uri: str, export: Export, gcs_faults: FaultProxy
) -> None:
    right = crc32c(part(1) + part(2)).encode()
    gcs_faults.add("/compose", Edit(lambda body: body.replace(right, b"AAAAAA==")))

    assert export(gcs, uri, [part(1), part(2)]).crc32c == right.decode()


@pytest.mark.usefixtures("short_retries")
def test_an_object_that_is_really_another_is_removed(
    gcs: GcsStorage, uri: str, bucket: str, export: Export, gcs_faults: FaultProxy
) -> None:
    right = crc32c(part(1) + part(2)).encode()
    wrong = Edit(lambda body: body.replace(right, b"AAAAAA=="))
    gcs_faults.add("/compose", wrong)
    gcs_faults.add("GET .*/o/filters%2Fct.txt", wrong, skip=1, times=None)
    with pytest.raises(RemoteError, match="stored other bytes"):
        export(gcs, uri, [part(1), part(2)])

    assert export.names(bucket) == []


def test_a_staging_place_is_in_cloud_storage(gcs: GcsStorage, uri: str) -> None:
    with pytest.raises(UsageError, match="not in Cloud Storage"):
        gcs.scratch(uri, staging="/tmp/x").__enter__()  # noqa: S108 - refused


def test_lists_of_several_pages_are_whole(
    gcs: GcsStorage, uri: str, export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.cloud.storage import Client

    whole = Client.list_blobs
    monkeypatch.setattr(Client, "list_blobs", lambda *a, **k: whole(*a, **k, page_size=2))
    with gcs.scratch(uri) as scratch:
        export.put(scratch, [part(number) for number in range(5)])
        shards = scratch.shards()

    assert [shard.at.name[-5:] for shard in shards] == [f"{n}.csv" for n in range(5)]
    assert [shard.size_bytes for shard in shards] == [len(part(n)) for n in range(5)]


KILLED = """
import os, sys
from dicomfilter.storage.gcs.names import GcsObject
from dicomfilter.storage.gcs.objects import GcsStorage
gcs = GcsStorage()
with gcs.scratch(sys.argv[1]) as scratch:
    print(scratch.uri, flush=True)
    folder = GcsObject.folder(scratch.uri)
    for number in range(2):
        blob = gcs.connection.client.bucket(folder.bucket).blob(f"{folder.name}shard-{number}")
        blob.upload_from_string("rows")
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_run_left_is_removed_by_the_next_and_said(
    gcs: GcsStorage, uri: str, bucket: str, export: Export, caplog: pytest.LogCaptureFixture
) -> None:
    export.client.bucket(bucket).blob("filters/.dicomfilter-of-another/x").upload_from_string("")
    before = export.names(bucket)
    with gcs.scratch(uri) as alive:
        export.put(alive, [part(1)])
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, uri],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        left = killed.stdout.strip()
        assert killed.returncode == -9
        assert len(export.names(bucket)) == len(before) + 3
        for _ in range(2):
            with gcs.scratch(uri):
                pass
        assert len(export.names(bucket)) == len(before) + 1  # of the one that is in use
    assert export.names(bucket) == before
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"{left} was removed: an earlier run had left it"]
