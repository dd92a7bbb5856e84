"""Ctrl-C, SIGTERM and kill -9 at every stage: no file or the old one, never half of one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import rows
from tests.cli.interrupted import POINTS
from tests.cli.running import PROGRAM, contents

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
BUILD = ["build", "metadata.parquet", "--all", "-o", "f.txt"]
OLD = b"/studies/0.0\n"
ASKED = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(scope="module")
def runner() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.cli.interrupted"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def meet(
    runner: subprocess.Popen[str], folder: Path, point: str, number: int, arguments: list[str]
) -> int:
    """Let a build be met by a signal; give its status."""
    assert runner.stdin is not None
    assert runner.stdout is not None
    (folder.parent / "tmp").mkdir()
    asked = {"folder": str(folder), "point": point, "signal": number, "arguments": arguments}
    runner.stdin.write(json.dumps(asked) + "\n")
    runner.stdin.flush()
    return int(runner.stdout.readline())


def whole() -> list[bytes]:
    """List the lines of an undisturbed build."""
    uids = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    names = [[row[uid] for uid in uids] for row in rows()]
    lines = ("/studies/{}/series/{}/instances/{}".format(*name) for name in names)
    return sorted(line.encode() for line in lines)


@pytest.mark.parametrize(
    ("point", "overwrite"),
    [*((point, False) for point in POINTS), ("finish", True), ("sidecar", True)],
)
@pytest.mark.parametrize("number", [*ASKED, signal.SIGKILL], ids=lambda n: n.name)
def test_a_signal_leaves_no_file_or_the_old_one(
    runner: subprocess.Popen[str],
    desk: Path,
    point: str,
    number: signal.Signals,
    *,
    overwrite: bool,
) -> None:
    if overwrite:
        (desk / "f.txt").write_bytes(OLD)
    before = contents(desk)
    arguments = [*BUILD, *(["--overwrite"] if overwrite else [])]
    status = meet(runner, desk, point, number, arguments)

    after = contents(desk)
    if point == "sidecar":  # the filter file itself stands by then, complete
        assert sorted(after.pop("f.txt").splitlines()) == whole()
        before.pop("f.txt", None)
    assert after == before
    if number is signal.SIGKILL:
        assert status == -number
        return
    assert status == 128 + number
    assert (desk.parent / "out").read_text() == ""
    assert (desk.parent / "err").read_text() == "interrupted\n"
    assert not list((desk.parent / "tmp").iterdir())


def test_what_is_left_of_a_killed_build_holds_no_rows(
    runner: subprocess.Popen[str], desk: Path
) -> None:
    meet(runner, desk, "write", signal.SIGKILL, BUILD)
    left = contents(desk.parent / "tmp")
    assert not any(b"19045" in data or b"1.1.1" in data for data in left.values())


@pytest.mark.parametrize("number", [*ASKED, signal.SIGHUP], ids=lambda n: n.name)
def test_a_long_query_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    temporary, folder = tmp_path / "tmp", tmp_path / "out"
    temporary.mkdir()
    folder.mkdir()
    # Every series with every regular expression: much longer than this test.
    where = " AND ".join(f"NOT REGEXP_CONTAINS(SeriesInstanceUID, r'{n}.*7.*x')" for n in range(60))
    with subprocess.Popen(
        [PROGRAM, "build", "idc", "--where", where, "-o", "f.txt"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 30
        while not list(temporary.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.7)  # into the query
        assert process.poll() is None, process.communicate()
        process.send_signal(number)
        sent = time.monotonic()
        out, err = process.communicate(timeout=30)
        took = time.monotonic() - sent

    assert (process.returncode, out, err) == (128 + number, "", "interrupted\n")
    assert took < 5
    assert not list(folder.iterdir())
    assert not list(temporary.iterdir())


def test_a_check_that_waits_for_its_input_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [PROGRAM, "check", "-"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(b"/studies/1.1\n")
        process.stdin.flush()
        deadline = time.monotonic() + 30
        while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
    assert not list(tmp_path.iterdir())


def test_an_interruption_is_not_taken_for_a_failure_of_what_it_interrupts(desk: Path) -> None:
    """Where a signal comes, another library may make an error of its own of it."""
    script = (
        "import os, signal, sys\n"
        "from dicomfilter import cli\n"
        "from dicomfilter.engines.duckdb.engine import DuckDbEngine\n"
        "def stage(*_, **__):\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        sum(range(1000))\n"
        "    except KeyboardInterrupt:\n"
        "        raise RuntimeError('Query interrupted') from None\n"
        "DuckDbEngine.stage = stage\n"
        "sys.argv[1:] = ['build', 'metadata.parquet', '--all', '-o', 'f.txt']\n"
        "cli.main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=desk, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (143, "")
    assert ended.stderr == "interrupted\n"


def test_a_signal_that_is_ignored_stays_so(desk: Path) -> None:
    """As under nohup, or in the background of a script."""
    script = "trap '' INT HUP; exec \"$0\" build metadata.parquet --all -q -o f.txt"
    with subprocess.Popen(
        ["sh", "-c", script, PROGRAM],  # noqa: S607
        cwd=desk,
        stdout=subprocess.PIPE,
    ) as process:
        for _ in range(10):
            time.sleep(0.05)
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.send_signal(signal.SIGHUP)
        assert process.wait(30) == 0
    assert (desk / "f.txt").exists()
