"""What a query spilled is removed, by the process itself or by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from dicomfilter.engines.duckdb.spill import Spill, scratch_file, sweep

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from dicomfilter.engines.duckdb.spill import Spill
print(Spill.make().path, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_private_and_removed(folder: Path) -> None:
    spill = Spill.make()
    (made,) = folder.iterdir()
    assert str(made) == spill.path
    assert made.stat().st_mode & 0o777 == 0o700
    (made / "rows").write_bytes(b"x")
    spill.remove()
    spill.remove()
    assert not list(folder.iterdir())


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_stays(folder: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        left = process.stdout.readline().strip()
        own = Spill.make()
        assert os.path.isdir(left), "it is in use"
        process.send_signal(signal.SIGKILL)
    assert os.path.isdir(left)
    sweep(folder)
    assert not os.path.isdir(left)
    assert os.path.isdir(own.path)
    own.remove()


def test_folders_of_other_programs_and_half_made_ones_stay(folder: Path) -> None:
    (folder / "dicomfilter-half" / "new").mkdir(parents=True)
    (folder / "other").mkdir()
    (folder / "other" / "in-use").touch()
    sweep(folder)
    assert len(list(folder.iterdir())) == 2


def test_a_link_is_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("elsewhere") / "in-use"
    target.touch()
    (folder / "dicomfilter-x").mkdir()
    (folder / "dicomfilter-x" / "in-use").symlink_to(target)
    sweep(folder)
    assert target.exists()
    assert (folder / "dicomfilter-x").exists()


def test_a_folder_that_cannot_be_removed_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spill = Spill.make()
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # as of a mount, or another user's
    spill.remove()
    assert f"{spill.path} could not be removed and may hold rows" in caplog.text
    assert folder.exists()


KILLED = """
import os
from dicomfilter.engines.duckdb.spill import scratch_file
with scratch_file() as file:
    file.write(b"rows")
    file.flush()
    print(file.name, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_the_file_of_an_image_goes_with_the_next_run(folder: Path) -> None:
    with scratch_file() as own:
        killed = subprocess.run(
            [sys.executable, "-c", KILLED],
            env={**os.environ, "TMPDIR": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert os.path.exists(killed.stdout.strip())
        Spill.make().remove()
        assert not os.path.exists(killed.stdout.strip())
        assert os.path.exists(own.name)
    assert not list(folder.iterdir())
