"""What the storage of objects does with generations, permissions, races and large objects."""

from __future__ import annotations

import builtins
import gzip
import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.errors import (
    DestinationError,
    DestinationExistsError,
    RemoteError,
    RemotePermissionError,
    SourceError,
    SourceNotFoundError,
    UsageError,
)
from dicomfilter.google_errors import LOG_IN
from dicomfilter.storage.gcs import download, upload
from dicomfilter.storage.gcs.objects import GcsStorage
from tests.localcloud.proxy import CorruptRequest, Reset, Status, When

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.cloud import storage

    from tests.localcloud.proxy import FaultProxy

LINE = b"/studies/1.2.840.1/series/1.2.840.2\n"
PIECE = 256 * 1024


@pytest.fixture
def gcs() -> GcsStorage:
    return GcsStorage()


@pytest.fixture
def uri(bucket: str) -> str:
    return f"gs://{bucket}/filters/ct.txt"


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "PIECE_BYTES", PIECE)
    monkeypatch.setattr(download, "PIECE_BYTES", PIECE)


def write(gcs: GcsStorage, uri: str, content: bytes, *, overwrite: bool = False) -> Any:
    with gcs.writer(uri, overwrite=overwrite) as out:
        out.write(content)
    return out.written


def write_around(
    gcs: GcsStorage,
    uri: str,
    content: bytes,
    *,
    before: Callable[[], object] = str,
    after: Callable[[], object] = str,
    overwrite: bool = False,
) -> None:
    """Write an object, and do something else while it is open."""
    with gcs.writer(uri, overwrite=overwrite) as out:
        before()
        out.write(content)
        after()


def theirs(uri: str, *, overwrite: bool = False) -> Callable[[], object]:
    return lambda: write(GcsStorage(), uri, b"theirs\n", overwrite=overwrite)


def interrupt() -> None:
    raise KeyboardInterrupt


def read(gcs: GcsStorage, uri: str) -> bytes:
    with gcs.reader(uri) as file:
        return file.read()


def test_the_generation_is_in_the_receipt_and_in_what_is_seen(gcs: GcsStorage, uri: str) -> None:
    first = write(gcs, uri, LINE)
    seen = gcs.stat(uri)
    second = write(gcs, uri, LINE * 2, overwrite=True)

    assert (seen.generation, seen.crc32c, seen.size_bytes) == (
        first.generation,
        first.crc32c,
        len(LINE),
    )
    assert second.generation > first.generation


def test_an_object_is_plain_text_and_not_compressed(
    gcs: GcsStorage, uri: str, gcs_client: storage.Client, bucket: str
) -> None:
    write(gcs, uri, LINE)
    blob = gcs_client.bucket(bucket).get_blob("filters/ct.txt")

    assert (blob.content_type, blob.content_encoding) == ("text/plain", None)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("extra", [-1, 0, 1])
@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_objects_around_the_size_of_pieces_arrive(
    gcs: GcsStorage, uri: str, gcs_faults: FaultProxy, pieces: int, extra: int
) -> None:
    content = bytes(range(251)) * 4000
    content = content[: pieces * PIECE + extra]
    assert write(gcs, uri, content).size_bytes == len(content)

    assert read(gcs, uri) == content
    expected = -(-len(content) // PIECE)
    assert gcs_faults.count("PUT /upload/") == (0 if expected == 1 else expected)
    assert gcs_faults.count("POST /upload/.*resumable") == int(expected > 1)


@pytest.mark.usefixtures("small_pieces")
def test_of_an_upload_that_is_given_up_not_even_the_session_stays(
    gcs: GcsStorage, uri: str, gcs_faults: FaultProxy, gcs_client: storage.Client, bucket: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_around(gcs, uri, bytes(3 * PIECE), after=interrupt)

    assert list(gcs_client.list_blobs(bucket)) == []
    assert gcs_faults.count("DELETE /upload/") == 1


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("content", [LINE, LINE * 20_000], ids=["in one", "in pieces"])
def test_what_came_in_between_stays(gcs: GcsStorage, uri: str, content: bytes) -> None:
    with pytest.raises(DestinationExistsError):
        write_around(gcs, uri, content, after=theirs(uri))

    assert read(gcs, uri) == b"theirs\n"


@pytest.mark.usefixtures("small_pieces")
def test_what_came_before_the_first_piece_was_sent_stays(gcs: GcsStorage, uri: str) -> None:
    with pytest.raises(DestinationExistsError):
        write_around(gcs, uri, LINE * 20_000, before=theirs(uri))

    assert read(gcs, uri) == b"theirs\n"


@pytest.mark.parametrize("checked", [True, False])
def test_only_the_generation_that_was_seen_is_replaced(
    gcs: GcsStorage, uri: str, *, checked: bool
) -> None:
    write(gcs, uri, b"old\n")
    other = theirs(uri, overwrite=True)
    if checked:
        gcs.check_destination(uri, overwrite=True)
        other()
    with pytest.raises(DestinationError, match="has changed since") as refused:
        write_around(gcs, uri, LINE, after=str if checked else other, overwrite=True)

    assert not isinstance(refused.value, DestinationExistsError)
    assert read(gcs, uri) == b"theirs\n"


def test_a_second_attempt_replaces_what_was_seen_at_the_check_too(
    gcs: GcsStorage, uri: str
) -> None:
    write(gcs, uri, b"old\n")
    gcs.check_destination(uri, overwrite=True)
    with pytest.raises(KeyboardInterrupt):
        write_around(gcs, uri, LINE, after=interrupt, overwrite=True)
    theirs(uri, overwrite=True)()
    with pytest.raises(DestinationError, match="has changed since"):
        write(gcs, uri, LINE, overwrite=True)

    assert read(gcs, uri) == b"theirs\n"


def test_what_was_seen_is_forgotten_once_it_is_replaced(gcs: GcsStorage, uri: str) -> None:
    gcs.check_destination(uri, overwrite=True)
    write(gcs, uri, b"first\n", overwrite=True)
    write(gcs, uri, b"second\n", overwrite=True)

    assert read(gcs, uri) == b"second\n"


def test_what_was_removed_since_it_was_seen_is_not_made_again(
    gcs: GcsStorage, uri: str, gcs_client: storage.Client, bucket: str
) -> None:
    write(gcs, uri, b"old\n")
    gcs.check_destination(uri, overwrite=True)
    gcs_client.bucket(bucket).blob("filters/ct.txt").delete()
    with pytest.raises(DestinationError, match="has changed since"):
        write(gcs, uri, LINE, overwrite=True)

    assert not gcs.exists(uri)


@pytest.mark.parametrize("overwrite", [False, True])
def test_of_eight_writers_at_once_one_wins(uri: str, *, overwrite: bool) -> None:
    barrier = Barrier(8)

    def attempt(number: int) -> int | None:
        try:
            with GcsStorage().writer(uri, overwrite=overwrite) as out:
                out.write(b"%d\n" % number * 1000)
                barrier.wait()
        except DestinationError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [n for n in pool.map(attempt, range(8)) if n is not None]

    assert len(winners) == 1
    assert read(GcsStorage(), uri) == b"%d\n" % winners[0] * 1000


@pytest.mark.usefixtures("short_retries", "small_pieces")
@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("pattern", "skip", "content"),
    [("POST /upload/.*multipart", 0, LINE), ("PUT /upload/", 2, LINE * 20_000)],
    ids=["in one", "in pieces"],
)
def test_an_upload_whose_answer_was_lost_is_known_as_ours(
    gcs: GcsStorage,
    uri: str,
    gcs_faults: FaultProxy,
    *,
    pattern: str,
    skip: int,
    content: bytes,
    overwrite: bool,
) -> None:
    if overwrite:
        write(gcs, uri, b"old\n")
    gcs_faults.add(pattern, Reset(When.AFTER), skip=skip)
    written = write(gcs, uri, content, overwrite=overwrite)

    assert written.generation == gcs.stat(uri).generation
    assert read(gcs, uri) == content


@pytest.mark.usefixtures("short_retries")
def test_an_equal_object_that_was_there_before_is_not_taken_for_ours(
    gcs: GcsStorage, uri: str, gcs_faults: FaultProxy
) -> None:
    old = write(gcs, uri, LINE)
    gcs_faults.add("POST /upload/", Status(403), times=None)
    with pytest.raises(RemotePermissionError):
        write(gcs, uri, LINE, overwrite=True)

    assert gcs.stat(uri).generation == old.generation


def test_bytes_that_changed_on_the_way_are_not_stored(
    gcs: GcsStorage, uri: str, gcs_faults: FaultProxy
) -> None:
    gcs_faults.add("POST /upload/", CorruptRequest())
    with pytest.raises(RemoteError, match="damaged on the way") as refused:
        write(gcs, uri, LINE * 100)

    assert refused.value.exit_status == 4
    assert not gcs.exists(uri)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("status", [404, 410])
def test_a_session_that_is_gone_is_an_error_of_its_own(
    gcs: GcsStorage, uri: str, gcs_faults: FaultProxy, status: int
) -> None:
    gcs_faults.add("PUT /upload/", Status(status), skip=1, times=None)
    with pytest.raises(RemoteError, match="has lost what was sent"):
        write(gcs, uri, LINE * 20_000)

    assert not gcs.exists(uri)


@pytest.mark.usefixtures("small_pieces")
def test_an_object_that_is_replaced_while_it_is_read_is_an_error(gcs: GcsStorage, uri: str) -> None:
    write(gcs, uri, LINE * 40_000)
    with gcs.reader(uri) as file:
        assert file.read(5) == LINE[:5]
        write(GcsStorage(), uri, LINE * 30_000, overwrite=True)
        with pytest.raises(SourceError, match="replaced or removed while it was read"):
            file.read()


def test_an_object_stored_compressed_is_read_as_it_is_stored(
    gcs: GcsStorage, uri: str, gcs_client: storage.Client, bucket: str
) -> None:
    blob = gcs_client.bucket(bucket).blob("filters/ct.txt")
    blob.content_encoding = "gzip"
    blob.upload_from_string(gzip.compress(LINE, mtime=0))

    assert read(gcs, uri) == gzip.compress(LINE, mtime=0)


def test_a_bucket_that_is_not_there_is_said(gcs: GcsStorage, bucket: str) -> None:
    nowhere = f"gs://{bucket}-not/ct.txt"
    for kind, act in (
        (DestinationError, lambda: gcs.check_destination(nowhere, overwrite=False)),
        (DestinationError, lambda: write(gcs, nowhere, LINE)),
        (SourceNotFoundError, lambda: gcs.stat(nowhere)),
        (SourceNotFoundError, lambda: read(gcs, nowhere)),
    ):
        with pytest.raises(kind, match=f"there is no bucket {bucket}-not") as refused:
            act()
        assert refused.value.exit_status == 2
        assert refused.value.hint
    assert not gcs.exists(nowhere)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("content", [LINE, LINE * 20_000], ids=["in one", "in pieces"])
def test_a_bucket_that_vanishes_during_the_work_is_an_error(
    gcs: GcsStorage, uri: str, gcs_faults: FaultProxy, content: bytes
) -> None:
    gcs_faults.add("POST /upload/", Status(404))
    with pytest.raises(DestinationError, match=rf"{uri}: there is no bucket"):
        write(gcs, uri, content)


@pytest.mark.usefixtures("short_retries")
@pytest.mark.parametrize("pattern", ["GET /storage/", "POST /upload/", "GET /download/"])
@pytest.mark.parametrize(("status", "words"), [(429, "too much"), (500, "broken")])
def test_what_stayed_refused_is_told_in_the_words_of_the_service(
    gcs: GcsStorage,
    uri: str,
    gcs_faults: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    *,
    pattern: str,
    status: int,
    words: str,
) -> None:
    from google.cloud.storage.retry import DEFAULT_RETRY

    write(gcs, uri, LINE)
    monkeypatch.setattr(DEFAULT_RETRY, "_timeout", 0.1)
    gcs_faults.add(pattern, Status(status, words), times=None)
    act = read if "download" in pattern else lambda *a: write(*a, LINE, overwrite=True)
    with pytest.raises(RemoteError) as refused:
        act(gcs, uri)

    assert refused.value.message.endswith(words)
    assert "moment" in (refused.value.hint or "")


DENIED = (
    "ana@clinic.org does not have {0} access to the Google Cloud Storage object. "
    "Permission '{0}' denied on resource (or it may not exist)."
)
GRANT = "gcloud storage buckets add-iam-policy-binding gs://{} --member=user:ana@clinic.org "


@pytest.mark.parametrize(
    ("pattern", "permission", "role"),
    [
        ("GET /storage/v1/b/[^/]+/o/", "storage.objects.get", "objectViewer"),
        ("GET /download/", "storage.objects.get", "objectViewer"),
        ("POST /upload/", "storage.objects.create", "objectUser"),
        ("POST /upload/", "storage.objects.delete", "objectUser"),
    ],
)
def test_a_refusal_names_the_permission_and_the_line_that_grants_it(
    gcs: GcsStorage,
    uri: str,
    bucket: str,
    gcs_faults: FaultProxy,
    *,
    pattern: str,
    permission: str,
    role: str,
) -> None:
    write(gcs, uri, b"old\n")
    gcs_faults.add(pattern, Status(403, DENIED.format(permission)), times=None)
    act = read if pattern.startswith("GET") else lambda *a: write(*a, LINE, overwrite=True)
    with pytest.raises(RemotePermissionError) as refused:
        act(gcs, uri)

    assert permission in refused.value.message
    assert uri in refused.value.message
    assert GRANT.format(bucket) + f"--role=roles/storage.{role}" in (refused.value.hint or "")
    assert refused.value.exit_status == 4


def test_who_may_not_list_can_write_all_the_same(
    gcs: GcsStorage, uri: str, gcs_faults: FaultProxy
) -> None:
    gcs_faults.add(r"GET /storage/v1/b/[^/]+/o\?", Status(403), times=None)

    assert write(gcs, uri, LINE).size_bytes == len(LINE)


def test_without_credentials_the_hint_is_how_to_log_in(
    gcs: GcsStorage, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    for act in (
        lambda: gcs.check_destination(uri, overwrite=False),
        lambda: gcs.exists(uri),
        lambda: write(gcs, uri, LINE),
    ):
        with pytest.raises(RemotePermissionError, match="no usable Google credentials") as refused:
            act()
        assert refused.value.hint == LOG_IN


def test_expired_credentials_are_told_the_same_way(
    gcs: GcsStorage, uri: str, gcs_faults: FaultProxy
) -> None:
    gcs_faults.add("GET /storage/", Status(401))
    with pytest.raises(RemotePermissionError) as refused:
        gcs.exists(uri)

    assert refused.value.hint == LOG_IN


def test_without_the_package_the_hint_is_how_to_install_it(
    gcs: GcsStorage, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "google.cloud":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="not installed") as refused:
        gcs.stat(uri)

    assert "pip install 'dicomfilter[cloud]'" in (refused.value.hint or "")


def test_a_client_can_be_brought_along(
    gcs_client: storage.Client, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    gcs = GcsStorage(gcs_client)
    write(gcs, uri, LINE)

    assert read(gcs, uri) == LINE


def test_the_input_is_known_by_its_name_alone(gcs: GcsStorage, uri: str) -> None:
    inputs = ["ct.txt", "-", "idc", "bq://p.d.t", "gs://", uri.replace("ct", "mr")]
    gcs.check_destination(uri, overwrite=False, inputs=inputs)
    with pytest.raises(DestinationError, match="read here"):
        gcs.check_destination(uri, overwrite=False, inputs=[*inputs, "GS" + uri[2:]])


def test_nothing_is_asked_behind_our_back(
    gcs: GcsStorage, uri: str, gcs_faults: FaultProxy
) -> None:
    write(gcs, uri, LINE)
    read(gcs, uri)

    asked = [event.line.split("?")[0].split("/o")[0] for event in gcs_faults.log]
    assert asked == [
        f"GET /storage/v1/b/{uri.split('/')[2]}",  # is it there? is the bucket?
        f"GET /storage/v1/b/{uri.split('/')[2]}",
        f"POST /upload/storage/v1/b/{uri.split('/')[2]}",
        f"GET /storage/v1/b/{uri.split('/')[2]}",
        f"GET /download/storage/v1/b/{uri.split('/')[2]}",
    ]


def test_what_is_read_is_a_file(gcs: GcsStorage, uri: str) -> None:
    write(gcs, uri, LINE * 3)
    with gcs.reader(uri) as file:
        assert isinstance(file, io.BufferedIOBase)
        assert list(file) == [LINE] * 3
    assert file.closed
