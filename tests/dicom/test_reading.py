"""Files read by several processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dicomfilter.dicom.headers import reading

if TYPE_CHECKING:
    from pathlib import Path


def test_a_program_without_a_guard_is_not_run_again_by_its_workers(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(  # as people write scripts, with no `if __name__ == "__main__"`
        "from dicomfilter.dicom.headers.reading import spread\n"
        "print('begun')\n"
        "print(*spread(abs, [1, -2, 3], 2))\n"
    )
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "begun\n1 2 3\n", done.stderr


@pytest.mark.parametrize(
    ("total", "workers", "expected"),
    [(10, None, 0), (10, 2, 0), (10_000, 8, 0), (10_001, 2, 2), (10_001, 1, 0), (1_000_000, 4, 4)],
)
def test_a_few_files_are_read_by_one_process(
    total: int, workers: int | None, expected: int
) -> None:
    assert reading.count(total, workers) == expected


def test_a_signal_waits_until_a_worker_has_been_started() -> None:
    done: list[str] = []

    def start() -> None:
        with reading._uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("what must not be cut off")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


SHELL = """
import signal, sys
from dicomfilter.dicom.headers import reading
reading._start_server()
from multiprocessing import forkserver
server = forkserver._forkserver._forkserver_pid
ignored = next(
    int(line.split()[1], 16) for line in open(f"/proc/{server}/status") if line.startswith("SigIgn")
)
print(bool(ignored & 1 << signal.SIGINT - 1), signal.getsignal(signal.SIGINT).__name__)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")
def test_the_process_that_workers_come_from_is_deaf_to_ctrl_c_from_its_start() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHELL], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "True default_int_handler\n", done.stderr
