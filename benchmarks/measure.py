"""Run whole commands side by side and tell how they compare.

Rivals run in turn, A B C A B C …, so that a machine whose speed drifts treats them alike. What is
quoted is the median of the ratios within a turn, never a single time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(slots=True)
class Rival:
    """A command, and how its runs went.

    Args:
        name: For the table.
        command: What is run, without a shell.
        output: A file that it writes and that is not there when it begins.
        seconds: Wall time of each run.
        peak_bytes: The largest memory of a run.
    """

    name: str
    command: Sequence[str]
    output: Path | None = None
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0


def race(rivals: Sequence[Rival], *, turns: int = 5, timeout_s: float = 900) -> None:
    """Run every rival once for warming up, then in turns.

    Args:
        rivals: The first one is ours.
        turns: How many counted runs of each.
        timeout_s: The longest that one run may take.

    Raises:
        RuntimeError: A command failed.
    """
    for turn in range(turns + 1 if turns > 1 else 1):
        for rival in rivals:
            seconds, peak_bytes = _run(rival, timeout_s)
            if turn or turns == 1:
                rival.seconds.append(seconds)
                rival.peak_bytes = max(rival.peak_bytes, peak_bytes)


def table(title: str, rivals: Sequence[Rival]) -> str:
    """Lay out a race as Markdown; a ratio over 1 means that ours was faster."""
    ours = rivals[0]
    lines = [
        f"### {title}",
        "",
        "| what | median s | against ours | peak memory |",
        "|---|---|---|---|",
    ]
    for rival in rivals:
        ratio = statistics.median(b / a for a, b in zip(ours.seconds, rival.seconds, strict=True))
        median = statistics.median(rival.seconds)
        against = "1" if rival is ours else f"{ratio:.2f}"
        lines.append(
            f"| {rival.name} | {median:.2f} | {against} | {rival.peak_bytes / 1e9:.2f} GB |"
        )
    return "\n".join(lines) + "\n"


def _run(rival: Rival, timeout_s: float) -> tuple[float, int]:
    if rival.output is not None:
        rival.output.unlink(missing_ok=True)
    os.sync()  # what the one before has left to write is not for the next to wait for
    begin = time.perf_counter()
    process = subprocess.Popen(rival.command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = begin + timeout_s
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.perf_counter() > deadline:
            process.kill()
            raise RuntimeError(f"{rival.name} took longer than {timeout_s} s")
        time.sleep(0.002)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        error = process.stderr.read().decode() if process.stderr else ""
        raise RuntimeError(f"{rival.name} failed with {process.returncode}: {error[-500:]}")
    return seconds, usage.ru_maxrss * 1024
