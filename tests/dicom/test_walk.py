"""The walk: every real folder once, in order, whatever links, devices and rights there are."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.dicom.headers.walk import Found, walk

if TYPE_CHECKING:
    from pathlib import Path

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def names(folder: Path) -> list[str]:
    return [found.path for found in walk(folder) if found.reason is None]


def passed(folder: Path) -> dict[str, Reason]:
    return {found.path: found.reason for found in walk(folder) if found.reason is not None}


def fill(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    fill(tmp_path, "b/2", "b/1", "a", "c/d/e", "b.c/1")
    assert names(tmp_path) == ["a", "b/1", "b/2", "b.c/1", "c/d/e"]


def test_a_file_is_known_by_size_and_time(tmp_path: Path) -> None:
    fill(tmp_path, "a")
    os.utime(tmp_path / "a", ns=(1, 1_234_567_891))
    assert list(walk(tmp_path)) == [Found("a", 1, 1_234_567_891)]


def test_a_link_to_the_folder_itself_ends(tmp_path: Path) -> None:
    fill(tmp_path, "a/x")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a")
    assert names(tmp_path) == ["a/x"]
    assert passed(tmp_path) == {"a/self": Reason.LOOP, "a/up": Reason.LOOP}


def test_folders_that_link_to_each_other_are_walked_once(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    fill(inside, "x")
    fill(outside, "y", "z/w")
    (inside / "link").symlink_to(outside)
    (outside / "back").symlink_to(inside)
    (outside / "again").symlink_to(outside / "z")
    assert names(inside) == ["x", "link/y", "link/z/w"]
    assert set(passed(inside).values()) == {Reason.LOOP}


def test_a_link_to_a_file_is_a_file_and_one_to_nothing_is_unreadable(tmp_path: Path) -> None:
    fill(tmp_path, "a")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "c").symlink_to(tmp_path / "nothing")
    (tmp_path / "d").symlink_to(tmp_path / "d")
    assert names(tmp_path) == ["a", "b"]
    assert passed(tmp_path) == {"c": Reason.UNREADABLE, "d": Reason.UNREADABLE}


def test_pipes_and_sockets_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket has to be short
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        assert passed(tmp_path) == {"pipe": Reason.NOT_A_FILE, "socket": Reason.NOT_A_FILE}


@pytest.mark.skipif(ROOT, reason="root may read whatever there is")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    fill(tmp_path, "a/x", "b/y")
    (tmp_path / "a").chmod(0)
    assert next(walk(tmp_path)) == Found("a", reason=Reason.UNREADABLE, is_folder=True)
    (tmp_path / "a").chmod(0o700)


def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "a/x", "b/y")
    real = os.listdir

    def refuse(path: str) -> list[str]:
        if path.endswith("/a"):
            raise PermissionError
        return real(path)

    monkeypatch.setattr(os, "listdir", refuse)
    found = list(walk(tmp_path))
    assert found[0] == Found("a", reason=Reason.UNREADABLE, is_folder=True)
    assert [each.path for each in found] == ["a", "b/y"]


def test_a_name_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"a\xff")).write_text("x")
    except OSError:
        pytest.skip("the file system takes only Unicode names")
    assert passed(tmp_path) == {"a\\xff": Reason.UNUSABLE_NAME}


def test_what_we_keep_ourselves_is_not_looked_at(tmp_path: Path) -> None:
    fill(tmp_path, ".dicomfilter/catalog.parquet", ".dicomfilter-1.part", "a", ".hidden/b")
    assert names(tmp_path) == [".hidden/b", "a"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(walk(tmp_path / "nothing"))
