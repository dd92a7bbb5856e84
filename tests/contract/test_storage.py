"""What every storage promises, shown on each of them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import (
    DestinationError,
    DestinationExistsError,
    SourceNotFoundError,
    UsageError,
)
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import Stat, Storage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Buffer

LINE = b"/studies/1.2.840.1/series/1.2.840.2\n"


@dataclass(frozen=True)
class Place:
    """A storage and an empty place in it."""

    storage: Storage
    root: str

    def uri(self, name: str = "filter.txt") -> str:
        return f"{self.root}/{name}"

    def put(self, uri: str, content: bytes) -> None:
        with self.storage.writer(uri, overwrite=True) as out:
            out.write(content)

    def content(self, uri: str) -> bytes:
        with self.storage.reader(uri) as file:
            return file.read()


@pytest.fixture(params=["local", "gcs", pytest.param("live", marks=pytest.mark.live)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "gcs":
        root = f"gs://{request.getfixturevalue('bucket')}/filters"
    elif request.param == "live":
        root = request.getfixturevalue("live_folder")
    else:
        root = str(tmp_path)
    return Place(open_storage(f"{root}/x"), root)


def crc32c(content: bytes) -> str:
    import google_crc32c

    return base64.b64encode(google_crc32c.Checksum(content).digest()).decode()


def arrow_buffer(content: bytes) -> Buffer:
    import pyarrow as pa

    return pa.py_buffer(content)


def write_and(act: Callable[[], None], place: Place, *, overwrite: bool) -> None:
    with place.storage.writer(place.uri(), overwrite=overwrite) as out:
        out.write(LINE * 100_000)
        act()


def fail_with(error: type[BaseException]) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_what_is_written_is_what_is_read(place: Place) -> None:
    with place.storage.writer(place.uri(), overwrite=False) as out:
        out.write(LINE)
        out.write(b"")
        out.write(LINE)

    assert place.content(place.uri()) == LINE * 2


def test_the_receipt_names_uri_size_and_both_checksums(place: Place) -> None:
    with place.storage.writer(place.uri(), overwrite=False) as out:
        out.write(LINE)
        assert out.size_bytes == len(LINE)

    assert out.written.uri == place.uri()
    assert out.written.size_bytes == len(LINE)
    assert out.written.crc32c == crc32c(LINE)
    assert out.written.sha256 in (hashlib.sha256(LINE).hexdigest(), None)


@pytest.mark.parametrize("count", [1, 7, 300_000])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, arrow_buffer])
def test_any_kind_and_size_of_buffer_is_summed_alike(place: Place, kind, count: int) -> None:
    content = LINE * count
    with place.storage.writer(place.uri(), overwrite=False) as out:
        for part in (content, LINE, content):
            out.write(kind(part))

    expected = content + LINE + content
    assert place.content(place.uri()) == expected
    assert out.written.crc32c == crc32c(expected)
    assert out.written.sha256 in (hashlib.sha256(expected).hexdigest(), None)


def test_the_value_buffer_of_an_arrow_column_is_written_as_it_is(place: Place) -> None:
    import pyarrow as pa

    lines = pa.array([LINE.decode()] * 1000, pa.large_string())
    with place.storage.writer(place.uri(), overwrite=False) as out:
        out.write(lines.buffers()[2])

    assert place.content(place.uri()) == LINE * 1000


def test_a_buffer_may_be_used_again_once_it_is_written(place: Place) -> None:
    reused = bytearray(b"a" * 1_000_000)
    with place.storage.writer(place.uri(), overwrite=False) as out:
        for letter in b"abc":
            reused[:] = bytes([letter]) * len(reused)
            out.write(reused)

    expected = b"a" * 1_000_000 + b"b" * 1_000_000 + b"c" * 1_000_000
    assert place.content(place.uri()) == expected
    assert out.written.crc32c == crc32c(expected)


def test_nothing_is_to_be_seen_before_the_end(place: Place) -> None:
    with place.storage.writer(place.uri(), overwrite=False) as out:
        out.write(LINE * 100_000)
        assert not place.storage.exists(place.uri())
        with pytest.raises(RuntimeError, match="not complete"):
            _ = out.written

    assert place.storage.exists(place.uri())


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_error_leaves_nothing(place: Place, error: type[BaseException]) -> None:
    with pytest.raises(error):
        write_and(fail_with(error), place, overwrite=False)

    assert not place.storage.exists(place.uri())


def test_an_error_leaves_the_old_file(place: Place) -> None:
    place.put(place.uri(), b"old\n")
    with pytest.raises(RuntimeError):
        write_and(fail_with(RuntimeError), place, overwrite=True)

    assert place.content(place.uri()) == b"old\n"


def test_create_does_not_overwrite_unasked(place: Place) -> None:
    place.put(place.uri(), b"old\n")
    with (
        pytest.raises(DestinationExistsError) as refused,
        place.storage.writer(place.uri(), overwrite=False),
    ):
        pytest.fail("the work was begun")

    assert place.uri() in str(refused.value)
    assert "--overwrite" in (refused.value.hint or "")
    assert place.content(place.uri()) == b"old\n"


def test_a_file_that_came_in_between_is_not_overwritten(place: Place) -> None:
    with pytest.raises(DestinationExistsError):
        write_and(lambda: place.put(place.uri(), b"theirs\n"), place, overwrite=False)

    assert place.content(place.uri()) == b"theirs\n"


@pytest.mark.parametrize("old", [None, b"old and longer than the new one\n" * 9])
def test_overwrite_replaces_what_is_there_if_anything_is(place: Place, old: bytes | None) -> None:
    if old is not None:
        place.put(place.uri(), old)
    with place.storage.writer(place.uri(), overwrite=True) as out:
        out.write(LINE)
        assert place.storage.exists(place.uri()) == (old is not None)

    assert place.content(place.uri()) == LINE


def test_an_empty_file_can_be_written(place: Place) -> None:
    with place.storage.writer(place.uri(), overwrite=False) as out:
        pass

    assert (out.written.size_bytes, out.written.crc32c) == (0, "AAAAAA==")
    assert place.storage.stat(place.uri()).size_bytes == 0


def test_stat_tells_the_size(place: Place) -> None:
    place.put(place.uri(), LINE)

    assert place.storage.stat(place.uri()).size_bytes == len(LINE)


def test_what_is_not_there_is_not_found(place: Place) -> None:
    assert not place.storage.exists(place.uri("missing"))
    with pytest.raises(SourceNotFoundError, match="missing"):
        place.storage.stat(place.uri("missing"))
    with pytest.raises(FileNotFoundError), place.storage.reader(place.uri("missing")):
        pass


def test_a_free_destination_passes_the_check_and_stays_free(place: Place) -> None:
    place.storage.check_destination(place.uri(), overwrite=False)

    assert not place.storage.exists(place.uri())
    assert not place.storage.is_stream(place.uri())


def test_the_check_refuses_a_taken_destination_unless_it_may_go(place: Place) -> None:
    place.put(place.uri(), b"old\n")
    place.storage.check_destination(place.uri(), overwrite=True)
    with pytest.raises(DestinationExistsError):
        place.storage.check_destination(place.uri(), overwrite=False)

    assert place.content(place.uri()) == b"old\n"


def test_the_check_refuses_an_input_as_output_even_to_overwrite(place: Place) -> None:
    place.put(place.uri(), b"old\n")
    with pytest.raises(DestinationError, match="read here"):
        place.storage.check_destination(
            place.uri(), overwrite=True, inputs=[place.uri("other"), place.uri()]
        )


@pytest.mark.parametrize("name", ["ordinary.txt", "with space.txt", "Zürich-写.txt", "a'b\"c.txt"])
def test_names_are_taken_as_they_are(place: Place, name: str) -> None:
    place.put(place.uri(name), LINE)

    assert place.content(place.uri(name)) == LINE
    assert place.storage.stat(place.uri(name)).size_bytes == len(LINE)


def test_what_is_read_can_be_read_in_any_steps(place: Place) -> None:
    content = LINE * 40_000
    place.put(place.uri(), content)
    with place.storage.reader(place.uri()) as file:
        assert file.read(7) == content[:7]
        buffer = bytearray(100)
        assert file.readinto(buffer) == 100  # type: ignore[attr-defined]
        assert buffer == content[7:107]
        assert file.readline() == content[107:].split(b"\n")[0] + b"\n"
        rest = file.read()
        assert (rest, file.read()) == (content[-len(rest) :], b"")


@pytest.mark.parametrize("private", [False, True])
def test_whoever_may_read_it_the_bytes_are_the_same(place: Place, *, private: bool) -> None:
    with place.storage.writer(place.uri(), overwrite=False, private=private) as out:
        out.write(LINE)

    assert place.content(place.uri()) == LINE


@pytest.mark.parametrize("uri", ["gs://bucket/filter.txt", "GS://bucket/x", "gs://"])
def test_objects_are_in_cloud_storage(uri: str) -> None:
    assert type(open_storage(uri)).__name__ == "GcsStorage"


@pytest.mark.parametrize("uri", ["s3://bucket/x", "https://example.org/x", "bq://p.d.t"])
def test_unknown_schemes_are_refused_by_name(uri: str) -> None:
    with pytest.raises(UsageError, match=uri.split(":", maxsplit=1)[0]):
        open_storage(uri)


@pytest.mark.parametrize("uri", ["-", "filter.txt", "./gs:/x", "/tmp/a:b", "C:x"])  # noqa: S108
def test_everything_else_is_local(uri: str) -> None:
    assert type(open_storage(uri)).__name__ == "LocalStorage"


def test_a_local_file_has_no_generation() -> None:
    assert Stat(1).generation is None
