"""Copies of files: whole, equal, and none too many."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from dicomfilter.stores.folder.copying import InFile, InMemory, is_equal, refused, write
from dicomfilter.stores.folder.work import Halt, ItemFailedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATA = os.urandom(3 << 20)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(DATA)
    return tmp_path / "source"


def test_a_copy_is_equal(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    assert write(InFile.of(source), target, overwrite=True, halt=Halt())
    assert target.read_bytes() == DATA
    assert write(InMemory(b"x"), tmp_path / "other", overwrite=False, halt=Halt())
    assert sorted(os.listdir(tmp_path)) == ["other", "source", "target"]


def test_a_copy_that_is_there_and_equal_stays(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    write(InFile.of(source), target, overwrite=True, halt=Halt())
    before = target.stat()
    assert not write(InFile.of(source), target, overwrite=True, halt=Halt())
    assert target.stat() == before


@pytest.mark.parametrize("other", [b"", DATA[:-1], DATA + b"x", DATA[:-1] + b"x"])
def test_another_file_is_replaced(source: Path, tmp_path: Path, other: bytes) -> None:
    target = tmp_path / "target"
    target.write_bytes(other)
    assert write(InFile.of(source), target, overwrite=True, halt=Halt())
    assert target.read_bytes() == DATA


def test_another_file_stays_where_nothing_is_to_be_overwritten(
    source: Path, tmp_path: Path
) -> None:
    (tmp_path / "target").write_bytes(b"other")
    with pytest.raises(FileExistsError):
        write(InFile.of(source), tmp_path / "target", overwrite=False, halt=Halt())
    assert (tmp_path / "target").read_bytes() == b"other"


def test_a_link_is_replaced_and_not_followed(source: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "target").symlink_to("precious")
    assert write(InFile.of(source), tmp_path / "target", overwrite=True, halt=Halt())
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert not (tmp_path / "target").is_symlink()


def test_a_file_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ItemFailedError, match="cannot be read: no such file"):
        InFile.of(tmp_path / "gone")


class Torn(InFile):
    """A file whose bytes are others each time."""

    def pieces(self) -> Iterator[bytes]:
        yield DATA[:10]
        yield os.urandom(self.size_bytes - 11)


def test_a_copy_that_is_too_short_is_not_kept(source: Path, tmp_path: Path) -> None:
    found = InFile.of(source)
    torn = Torn(tmp_path / "nowhere", found.size_bytes, found.modified_ns)
    with pytest.raises(ItemFailedError, match="the copy differs"):
        write(torn, tmp_path / "target", overwrite=True, halt=Halt())
    assert os.listdir(tmp_path) == ["source"]


def test_a_file_that_changes_while_it_is_read_is_a_failure(source: Path) -> None:
    found = InFile.of(source)
    pieces = found.pieces()
    next(pieces)
    with source.open("ab") as file:
        file.write(b"more")
    with pytest.raises(ItemFailedError, match="was changed while it was read"):
        list(pieces)


def test_what_is_halted_leaves_nothing(tmp_path: Path) -> None:
    halt = Halt()
    halt.event.set()
    data = InMemory(DATA)
    with pytest.raises(ItemFailedError, match="was ended in the middle"):
        write(data, tmp_path / "target", overwrite=True, halt=halt)
    assert os.listdir(tmp_path) == []
    assert not is_equal(data, tmp_path / "target")


def test_a_target_that_cannot_be_written_is_a_failure(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ItemFailedError, match=r"x/y was not written: no such file or directory"):
        write(InFile.of(source), tmp_path / "x" / "y", overwrite=True, halt=Halt())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS])
def test_what_fails_the_next_file_too_ends_it_all(number: int) -> None:
    error = refused(OSError(number, os.strerror(number)), "/out/x")
    assert isinstance(error, StoppedError)
    assert error.message.startswith("/out/x was not written: ")


def test_what_fails_one_file_does_not(tmp_path: Path) -> None:
    assert isinstance(refused(OSError(errno.EACCES, "no"), str(tmp_path)), ItemFailedError)
