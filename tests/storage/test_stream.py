"""What standard output promises: bytes, in order, and a quiet end."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dicomfilter.errors import DestinationError
from dicomfilter.storage import open_storage
from dicomfilter.storage.local.files import LocalStorage

WRITE = """
import os, sys
from dicomfilter.errors import DicomFilterError
from dicomfilter.storage.local.files import LocalStorage

if sys.argv[1] == "non-blocking":
    os.set_blocking(1, False)
if sys.argv[1] != "lines-only":
    print("first")
try:
    with LocalStorage().writer("-", overwrite=False) as out:
        for _ in range(int(sys.argv[2])):
            out.write(b"/studies/1.2.3\\n" * 10_000)
    print("last")
    print(out.written.size_bytes, file=sys.stderr)
except BrokenPipeError:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # as the command line does
    sys.exit(141)
except DicomFilterError as error:
    print(f"error[{error.code}]: {error}", file=sys.stderr)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(error.exit_status)
"""


def start(kind: str, count: int, stdout: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, kind, str(count)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("kind", ["blocking", "non-blocking"])
def test_bytes_and_text_leave_in_order_and_the_output_stays_open(kind: str) -> None:
    out, errors = start(kind, 20, subprocess.PIPE).communicate(timeout=60)

    assert out == b"first\n" + b"/studies/1.2.3\n" * 200_000 + b"last\n"
    assert errors == b"3000000\n"


def test_a_reader_that_leaves_early_ends_it_quietly() -> None:
    with start("blocking", 1000, subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"first\n"
        running.stdout.close()
        errors = running.stderr.read()

    assert (running.returncode, errors) == (141, b"")


def test_a_full_device_behind_it_is_one_error() -> None:
    with Path("/dev/full").open("wb") as full, start("lines-only", 1, full.fileno()) as running:
        _, errors = running.communicate(timeout=60)

    assert running.returncode == 2
    assert errors.startswith(b"error[destination]: ")
    assert b"no space left on device" in errors


@pytest.mark.parametrize("uri", ["-", "/dev/stdout"])
def test_it_is_a_stream_that_nothing_overwrites(uri: str) -> None:
    storage = open_storage(uri)
    storage.check_destination(uri, overwrite=False)

    assert storage.is_stream(uri)
    assert not storage.exists(uri)


def test_a_notebook_without_bytes_is_told_to_name_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with pytest.raises(DestinationError, match="does not take bytes") as refused:
        LocalStorage().writer("-", overwrite=False).__enter__()

    assert refused.value.hint == "name a file instead of -"


def test_a_captured_output_gets_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    captured = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", captured)
    with LocalStorage().writer("-", overwrite=False) as out:
        out.write(b"/studies/1\n")

    assert captured.buffer.getvalue() == b"/studies/1\n"
    assert (out.written.uri, out.written.size_bytes) == ("-", 11)


def test_standard_input_is_read_and_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"/studies/1\n")))
    with LocalStorage().reader("-") as file:
        assert file.read() == b"/studies/1\n"

    assert not sys.stdin.closed
