"""What the local storage does with links, permissions, devices and races."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Thread

import pytest

from dicomfilter.errors import (
    DestinationError,
    DestinationExistsError,
    SourceError,
    UsageError,
)
from dicomfilter.storage.local.files import LocalStorage, same_file

STORAGE = LocalStorage()
LINE = b"/studies/1.2.3\n"


@pytest.fixture(params=["unnamed", "dot-file"])
def drafts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of keeping a draft: as here, and as on a file system without O_TMPFILE."""
    if request.param == "dot-file":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    elif not hasattr(os, "O_TMPFILE"):
        pytest.skip("this system has no files without a name")
    return request.param


def write(path: Path | str, content: bytes = LINE, **how: bool) -> None:
    with STORAGE.writer(str(path), **{"overwrite": False, **how}) as out:
        out.write(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask_027():
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.mark.usefixtures("drafts", "umask_027")
def test_the_umask_decides_who_may_read(tmp_path: Path) -> None:
    write(tmp_path / "filter.txt")

    assert mode_of(tmp_path / "filter.txt") == 0o640


@pytest.mark.usefixtures("drafts", "umask_027")
@pytest.mark.parametrize("old", [None, 0o666])
def test_what_is_private_is_for_its_owner(tmp_path: Path, old: int | None) -> None:
    sidecar = tmp_path / "filter.txt.manifest.json"
    if old is not None:
        sidecar.touch()
        sidecar.chmod(old)
    write(sidecar, overwrite=True, private=True)

    assert mode_of(sidecar) == 0o600


@pytest.mark.usefixtures("drafts")
@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_permissions_stay_when_a_file_is_replaced(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "filter.txt"
    path.touch()
    path.chmod(mode)
    write(path, overwrite=True)

    assert (mode_of(path), path.read_bytes()) == (mode, LINE)


@pytest.mark.usefixtures("drafts")
def test_of_sixteen_writers_at_once_one_wins_and_no_litter_stays(tmp_path: Path) -> None:
    path, barrier = tmp_path / "filter.txt", Barrier(16)

    def attempt(number: int) -> int | None:
        try:
            with STORAGE.writer(str(path), overwrite=False) as out:
                out.write(b"%d\n" % number * 1000)
                barrier.wait()
        except DestinationExistsError:
            return None
        return number

    with ThreadPoolExecutor(16) as pool:
        winners = [n for n in pool.map(attempt, range(16)) if n is not None]

    assert len(winners) == 1
    assert path.read_bytes() == b"%d\n" % winners[0] * 1000
    assert names(tmp_path) == ["filter.txt"]


@pytest.mark.usefixtures("drafts")
def test_sixteen_who_overwrite_all_succeed_and_leave_one_whole_file(tmp_path: Path) -> None:
    path, barrier = tmp_path / "filter.txt", Barrier(16)

    def attempt(number: int) -> None:
        with STORAGE.writer(str(path), overwrite=True) as out:
            out.write(b"%02d\n" % number * 1000)
            barrier.wait()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(attempt, range(16)))

    content = path.read_bytes()
    assert content == content[:3] * 1000
    assert names(tmp_path) == ["filter.txt"]


@pytest.mark.usefixtures("drafts")
def test_a_symbolic_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "real.txt", tmp_path / "link.txt"
    target.write_bytes(b"old\n")
    link.symlink_to(target)
    with pytest.raises(DestinationExistsError):
        write(link)
    write(link, overwrite=True)

    assert link.is_symlink()
    assert target.read_bytes() == LINE


def test_a_symbolic_link_to_nothing_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "nowhere.txt")
    for overwrite in (False, True):
        with pytest.raises(DestinationError, match="symbolic link to nothing"):
            STORAGE.check_destination(str(link), overwrite=overwrite)


def test_a_circle_of_symbolic_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(DestinationError):
        STORAGE.check_destination(str(tmp_path / "a"), overwrite=True)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "name of a file"),
        ("a\0b", "name of a file"),
        ("folder", "is a folder"),
        ("folder/", "is a folder"),
        ("new/", "is a folder"),
        ("missing/filter.txt", "no folder"),
        ("file/filter.txt", "not a directory"),
        ("x" * 300, "name too long"),
        ("socket", "no regular file"),
    ],
)
def test_what_cannot_be_a_destination_is_refused_before_work_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket")
        before = names(tmp_path)
        with pytest.raises(DestinationError, match=reason) as refused:
            STORAGE.check_destination(name, overwrite=True)
        with pytest.raises(DestinationError, match=reason):
            write(name, overwrite=True)

    assert refused.value.hint
    assert names(tmp_path) == before


@pytest.mark.parametrize("uri", ["/sys/filter.txt", "/proc/filter.txt"])
def test_a_folder_that_takes_no_files_is_refused_even_for_root(uri: str) -> None:
    if not Path(uri).parent.is_dir():
        pytest.skip("this system has no such folder")
    with pytest.raises(DestinationError, match=uri) as refused:
        STORAGE.check_destination(uri, overwrite=False)

    assert isinstance(refused.value.__cause__, OSError)


AS_SOMEONE_ELSE = """
import os, sys
from dicomfilter.storage.local.files import LocalStorage
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    LocalStorage().check_destination(sys.argv[1], overwrite=True)
except OSError as error:
    print(error, "|", error.hint)
"""


@pytest.mark.parametrize(
    ("folder_mode", "file_mode"), [(0o555, None), (0o777, 0o444)], ids=["folder", "file"]
)
def test_what_is_read_only_is_refused(folder_mode: int, file_mode: int | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "filter.txt"
        if file_mode is not None:
            path.touch()
            path.chmod(file_mode)
        Path(name).chmod(folder_mode)
        said = subprocess.run(
            [sys.executable, "-c", AS_SOMEONE_ELSE, "filter.txt"],
            cwd=name,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
        )
        Path(name).chmod(0o755)

    assert said.stdout == (
        "filter.txt was not written: permission denied | choose a folder that you can write to\n"
    )


def test_the_same_file_is_known_by_any_path(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.parquet").write_bytes(b"x")
    Path("soft").symlink_to("a.parquet")
    Path("hard").hardlink_to("a.parquet")
    Path("twin").write_bytes(b"x")

    for other in ("./a.parquet", str(tmp_path / "a.parquet"), "soft", "hard"):
        assert same_file("a.parquet", other)
    for other in ("twin", "missing", "bq://p.d.t", "idc", "", "a\0b"):
        assert not same_file("a.parquet", other)


def test_without_hard_links_a_rename_spares_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    monkeypatch.setattr(os, "link", refuse)
    write(tmp_path / "filter.txt")
    with (
        pytest.raises(DestinationExistsError),
        STORAGE.writer(str(tmp_path / "late.txt"), overwrite=False),
    ):
        (tmp_path / "late.txt").write_bytes(b"theirs\n")

    assert (tmp_path / "filter.txt").read_bytes() == LINE
    assert (tmp_path / "late.txt").read_bytes() == b"theirs\n"
    assert names(tmp_path) == ["filter.txt", "late.txt"]


def test_an_error_of_the_caller_is_not_taken_for_one_of_the_destination(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="elsewhere") as raised,
        STORAGE.writer(str(tmp_path / "x"), overwrite=False),
    ):
        raise OSError(errno.ENOSPC, "no space elsewhere")

    assert not isinstance(raised.value, DestinationError)


def test_a_named_pipe_takes_the_bytes_as_they_come(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    STORAGE.check_destination(str(pipe), overwrite=False)
    reader = Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write(pipe)
    reader.join()

    assert got == [LINE]
    assert STORAGE.is_stream(str(pipe))
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_dev_null_swallows_and_dev_full_says_so() -> None:
    write("/dev/null")
    assert STORAGE.is_stream("/dev/null")
    with pytest.raises(DestinationError, match="no space left"):
        write("/dev/full")


def test_a_folder_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a directory"):
        STORAGE.reader(str(tmp_path))
    with pytest.raises(UsageError):
        STORAGE.stat("a\0b")


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(names(Path("/proc/self/fd")))
    for overwrite in (False, True):
        write(tmp_path / "filter.txt", overwrite=overwrite)
    with pytest.raises(DestinationExistsError):
        write(tmp_path / "filter.txt")
    STORAGE.check_destination(str(tmp_path / "other"), overwrite=False)

    assert len(names(Path("/proc/self/fd"))) == before
