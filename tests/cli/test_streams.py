"""Standard output is the result, standard error the rest, and a reader may go away."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import PROGRAM, Ended, run

if TYPE_CHECKING:
    from pathlib import Path

BUILD = ["build", "metadata.parquet", "--all"]


def closing(*arguments: str, cwd: Path, taken: int) -> tuple[int, bytes]:
    """Run with a reader that takes some bytes and closes the pipe."""
    # Unbuffered, Python does not notice that its last write came through in part.
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [PROGRAM, *arguments],
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(taken)
        process.stdout.close()
        err = process.stderr.read()
        return process.wait(60), err


def full(*arguments: str, cwd: Path) -> Ended:
    """Run with a standard output that takes nothing."""
    with open("/dev/full", "wb") as nowhere:
        done = subprocess.run(
            [PROGRAM, *arguments],
            cwd=cwd,
            stdout=nowhere,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    return Ended(done.returncode, "", done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        ["build", "idc", "--where", "Modality = 'PT'", "-q", "-o", "-"],
        ["query", "recent-studies", "idc", "--param", "n:INT64:5000", "--format", "csv"],
        ["query", "recent-studies", "idc", "--param", "n:INT64:5000", "--format", "json"],
        ["query", "recent-studies", "idc", "--param", "n:INT64:2000"],
    ],
    ids=lambda arguments: arguments[-1],
)
def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path, arguments: list[str]) -> None:
    assert closing(*arguments, cwd=tmp_path, taken=10) == (141, b"")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        [*BUILD, "-q", "-o", "-"],
        ["count", "metadata.parquet"],
        ["columns", "metadata.parquet", "--json"],
        ["query", "recent-studies", "metadata.parquet", "--param", "n:INT64:2", "--format", "csv"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_standard_output_that_is_full_is_two_lines(desk: Path, arguments: list[str]) -> None:
    ended = full(*arguments, cwd=desk)
    assert ended.status == 2
    said, hint = ended.err.splitlines()
    assert said.startswith("error[destination]: ")
    assert "no space left on device" in said
    assert hint.startswith("hint: ")


def test_a_build_whose_name_cannot_be_printed_has_failed_all_the_same(desk: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    assert full(*BUILD, "-o", "f.txt", cwd=desk).status == 2


def test_a_closed_standard_output_is_no_traceback(desk: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$0" build metadata.parquet --all -q -o - >&-', PROGRAM],  # noqa: S607
        cwd=desk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_results_and_the_rest_never_mix(desk: Path) -> None:
    built = run(*BUILD, "--level", "study", "--where", "Modality = 'CT'", "-o", "f.txt", cwd=desk)
    assert built.status == 2  # --all and --where
    built = run(
        *("build", "metadata.parquet", "--where", "Modality = 'CT'"),
        *("--level", "study", "-o", "f.txt", "--json"),
        cwd=desk,
    )
    assert json.loads(built.out)["warnings"] == [built.err.split("warning: ")[1].strip()]
    assert "lines    3 (3 studies)" in built.err
    checked = run("check", "f.txt", "--json", cwd=desk)
    assert json.loads(checked.out)["ok"] is True
    assert checked.err == ""


def test_lines_go_from_command_to_command(desk: Path) -> None:
    script = '"$0" build metadata.parquet --all -q -o - | "$0" check - | cut -d: -f2-'
    done = subprocess.run(
        ["sh", "-c", script, PROGRAM],  # noqa: S607
        cwd=desk,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (" 18 lines (18 instances): ok\n", "")


def test_a_named_pipe_takes_the_lines(desk: Path) -> None:
    os.mkfifo(desk / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=desk, stdout=subprocess.PIPE) as reader:  # noqa: S607
        ended = run(*BUILD, "-q", "-o", "pipe", cwd=desk)
        assert reader.stdout is not None
        taken = reader.stdout.read()
    assert ended.status == 0
    assert len(taken.splitlines()) == 18
    assert not (desk / "pipe.manifest.json").exists()
