from __future__ import annotations

import codecs
import gzip
import io
import os
import sys
import threading

import pytest

from dicomfilter.errors import FilterFileError, SourceError, SourceNotFoundError
from dicomfilter.filters.lines import chunks
from dicomfilter.filters.lines.chunks import MAX_LINE_BYTES, Source, Wrapping, open_source
from dicomfilter.storage.digest import Digest

PATHS = b"/studies/1\n/studies/2\n"


def read(path, digest=None):
    wrapping = Wrapping()
    with open_source(str(path)) as source:
        return b"".join(source.blocks(wrapping, digest)), wrapping


@pytest.fixture
def put(tmp_path):
    def put(data):
        path = tmp_path / "f.txt"
        path.write_bytes(data)
        return path

    return put


def test_a_plain_file_comes_as_it_is(put):
    data, wrapping = read(put(PATHS))
    assert data == PATHS
    assert (wrapping.gzip, wrapping.utf_16, wrapping.ends) == (False, False, True)
    assert wrapping.size_bytes == len(PATHS)


def test_a_missing_final_newline_is_added_and_noted(put):
    data, wrapping = read(put(PATHS[:-1]))
    assert data == PATHS
    assert not wrapping.ends


@pytest.mark.parametrize("size", [1, 2, 10, 11, 12, 4096])
def test_blocks_are_whole_lines_at_any_size(put, size, monkeypatch):
    monkeypatch.setattr(chunks, "_BLOCK_BYTES", size)
    whole = b"".join(b"/studies/%d\n" % n for n in range(50))
    path = put(whole)
    blocks = list(Source(str(path), str(path)).blocks(Wrapping()))
    assert all(block.endswith(b"\n") for block in blocks)
    assert b"".join(blocks) == whole


def test_gzip_is_unpacked_and_noted(put):
    packed = gzip.compress(PATHS)
    data, wrapping = read(put(packed))
    assert data == PATHS
    assert wrapping.gzip
    assert wrapping.size_bytes == len(packed)


def test_gzip_files_one_after_the_other_are_one_file(put):
    data, _ = read(put(gzip.compress(PATHS) + gzip.compress(b"/studies/3\n")))
    assert data == PATHS + b"/studies/3\n"


@pytest.mark.parametrize("keep", [3, 12, 25, -1, -5])
def test_damaged_gzip_is_refused(put, keep):
    with pytest.raises(FilterFileError, match="is damaged"):
        read(put(gzip.compress(PATHS * 9)[:keep]))


def test_gzip_with_a_wrong_checksum_is_refused(put):
    packed = bytearray(gzip.compress(PATHS))
    packed[-6] ^= 1
    with pytest.raises(FilterFileError, match="is damaged"):
        read(put(packed))


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
def test_utf_16_is_decoded_and_noted(put, mark, encoding):
    data, wrapping = read(put(mark + PATHS.decode().encode(encoding)))
    assert data == PATHS
    assert wrapping.utf_16


def test_utf_16_is_decoded_in_pieces(put, monkeypatch):
    monkeypatch.setattr(chunks, "_BLOCK_BYTES", 8)
    data, _ = read(put((PATHS * 30).decode().encode("utf-16")))
    assert data == PATHS * 30


def test_packed_utf_16_is_both(put):
    _, wrapping = read(put(gzip.compress(PATHS.decode().encode("utf-16"))))
    assert wrapping.gzip
    assert wrapping.utf_16


def test_what_only_starts_as_utf_16_is_refused(put):
    with pytest.raises(FilterFileError, match="starts as UTF-16"):
        read(put(codecs.BOM_UTF16_LE + b"\x00\xd8\x00"))


@pytest.mark.parametrize("data", [b"", gzip.compress(b"", mtime=0), codecs.BOM_UTF16_LE])
def test_an_empty_file_is_refused_however_it_is_wrapped(put, data):
    with pytest.raises(FilterFileError, match="is empty") as caught:
        read(put(data))
    assert caught.value.hint


@pytest.mark.parametrize("before", [b"", PATHS])
def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory(put, before):
    with pytest.raises(FilterFileError, match=f"over .* bytes, from byte {len(before)}"):
        read(put(before + b"1" * (3 * MAX_LINE_BYTES)))


def test_a_line_just_short_of_the_limit_is_read(put):
    data = b"1" * (MAX_LINE_BYTES - 1) + b"\n"
    assert read(put(data + PATHS))[0] == data + PATHS


def test_there_must_be_a_file(tmp_path):
    with pytest.raises(SourceNotFoundError):
        read(tmp_path / "none.txt")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(SourceError, match="is a directory"):
        read(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read anything")
def test_a_file_must_be_readable(put):
    path = put(PATHS)
    path.chmod(0)
    with pytest.raises(SourceError, match="permission denied"):
        read(path)


@pytest.mark.parametrize("name", ["a[1].txt", "a*.txt", "a?.txt", "a b'\".txt", "-"])
def test_a_name_is_taken_literally(tmp_path, name):
    (tmp_path / "a1.txt").write_bytes(b"/studies/9\n")
    (tmp_path / name).write_bytes(PATHS)
    assert read(tmp_path / name)[0] == PATHS


def test_standard_input_can_be_read_twice(monkeypatch):
    stdin = io.TextIOWrapper(io.BytesIO(PATHS))
    monkeypatch.setattr(sys, "stdin", stdin)
    with open_source("-") as source:
        first = b"".join(source.blocks(Wrapping()))
        assert b"".join(source.blocks(Wrapping())) == first == PATHS
        copy = source.place
    assert not os.path.exists(copy)


def test_a_pipe_can_be_read_twice(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feeder = threading.Thread(target=pipe.write_bytes, args=(PATHS,))
    feeder.start()
    with open_source(str(pipe)) as source:
        feeder.join()
        assert all(b"".join(source.blocks(Wrapping())) == PATHS for _ in range(2))


def test_the_bytes_are_summed_as_they_lie_there(put):
    packed = gzip.compress(PATHS)
    digest, plain = Digest(), Digest()
    read(put(packed), digest)
    plain.add(packed)
    assert (digest.sha256, digest.crc32c, digest.size_bytes) == (
        plain.sha256,
        plain.crc32c,
        len(packed),
    )


@pytest.mark.parametrize(
    ("line", "header"),
    [
        (b"path", "path"),
        (b"f0_", "f0_"),
        (b'"dicom path"\r', "dicom path"),
        (codecs.BOM_UTF8 + b"path", "path"),
        (b"  path\t", "path"),
        (b"studies/1.2", None),
        (b"/studies/1.2", None),
        (b"1.2.840", None),
        (b"", None),
        (b"study,series", None),
        ("pfad_ü".encode(), None),
        (b"pa\0th", None),
    ],
)
def test_a_header_is_a_bare_name(put, line, header):
    assert read(put(line + b"\n" + PATHS))[1].header == header
