"""What stays of a destination when the process ends in the middle, or the disk is full."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

OLD, NEW = b"old\n", b"/studies/1.2.3\n" * 50_000

WRITE = """
import os, signal, sys, time
from dicomfilter.errors import DicomFilterError
from dicomfilter.storage.local.files import LocalStorage

path, stage, drafts, overwrite = sys.argv[1:5]
if drafts == "dot-file":
    del os.O_TMPFILE

def dying(function, when):
    def call(*args, **more):
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*args, **more)
        if when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call

if stage == "wait":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
elif stage != "none":
    when, name = stage.split("-")
    setattr(os, name, dying(getattr(os, name), when))
try:
    with LocalStorage().writer(path, overwrite=overwrite == "overwrite") as out:
        for start in range(0, 750_000, 150_000):
            out.write(b"/studies/1.2.3\\n" * 10_000)
        if stage == "wait":
            print("ready", flush=True)
            while True:  # a pause() would miss a signal that comes right before it
                time.sleep(0.05)
except DicomFilterError as error:
    print(f"error[{error.code}]: {error}")
    print(f"hint: {error.hint}")
    sys.exit(error.exit_status)
"""

STAGES = [
    f"{when}-{call}"
    for call in ("write", "fsync", "link", "replace")
    for when in ("before", "after")
]


def command(path: Path, stage: str, drafts: str, overwrite: str) -> list[str]:
    return [sys.executable, "-c", WRITE, str(path), stage, drafts, overwrite]


def environment() -> dict[str, str]:
    # A limit of file sizes would cut off the byte code that Python keeps.
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def litter(folder: Path) -> list[str]:
    return [name for name in names(folder) if name != "filter.txt"]


@pytest.mark.parametrize("drafts", ["unnamed", "dot-file"])
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("overwrite", ["create", "overwrite"])
def test_kill_9_leaves_the_old_file_or_the_new_one_and_never_half(
    tmp_path: Path, drafts: str, stage: str, overwrite: str
) -> None:
    path = tmp_path / "filter.txt"
    if overwrite == "overwrite":
        path.write_bytes(OLD)
    ended = subprocess.run(
        command(path, stage, drafts, overwrite), env=environment(), check=False, timeout=60
    )

    assert ended.returncode in (-signal.SIGKILL, 0)  # 0 where it makes no such call
    left = path.read_bytes() if path.exists() else None
    untouched = OLD if overwrite == "overwrite" else None
    assert left in (untouched, NEW)
    if stage in ("before-write", "after-write", "before-fsync"):
        assert (ended.returncode, left) == (-signal.SIGKILL, untouched)
    if drafts == "unnamed" and not (overwrite == "overwrite" and "-fsync" not in stage):
        assert litter(tmp_path) == []
    for name in litter(tmp_path):
        assert name.startswith(".dicomfilter-")


@pytest.mark.parametrize("drafts", ["unnamed", "dot-file"])
@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_leave_nothing_at_all(
    tmp_path: Path, drafts: str, asked: signal.Signals
) -> None:
    path = tmp_path / "filter.txt"
    with subprocess.Popen(
        command(path, "wait", drafts, "create"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        assert bool(litter(tmp_path)) == (drafts == "dot-file")
        running.send_signal(asked)
        running.wait(30)

    assert running.returncode != 0
    assert names(tmp_path) == []


@pytest.mark.parametrize("drafts", ["unnamed", "dot-file"])
@pytest.mark.parametrize("overwrite", ["create", "overwrite"])
def test_a_file_that_may_not_grow_is_two_lines_and_leaves_nothing(
    tmp_path: Path, drafts: str, overwrite: str
) -> None:
    path = tmp_path / "filter.txt"
    if overwrite == "overwrite":
        path.write_bytes(OLD)
    ended = subprocess.run(
        command(path, "none", drafts, overwrite),
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stdout.splitlines() == [
        f"error[destination]: {path} was not written: file too large",
        "hint: files may not grow that large here: raise `ulimit -f`, or split the selection",
    ]
    assert ended.stderr == ""
    assert (path.read_bytes() if path.exists() else None) == (
        OLD if overwrite == "overwrite" else None
    )
    assert litter(tmp_path) == []


@pytest.mark.parametrize("drafts", ["unnamed", "dot-file"])
def test_a_full_disk_is_two_lines_and_leaves_nothing(tmp_path: Path, drafts: str) -> None:
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        pytest.skip("no mount here")
    made = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path)],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip("may not mount a file system here")
    try:
        ended = subprocess.run(
            command(tmp_path / "filter.txt", "none", drafts, "create"),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        left = names(tmp_path)
    finally:
        subprocess.run([umount, str(tmp_path)], check=True)

    assert ended.returncode == 2
    assert "no space left on device\nhint: free some space" in ended.stdout
    assert ended.stderr == ""
    assert left == []
