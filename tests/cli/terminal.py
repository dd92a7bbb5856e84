"""A terminal of 80 columns, as far as the command uses one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tests.cli.running import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS, ROWS = 80, 40
CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a terminal was sent, and what it shows in the end.

    Args:
        status: What the command exited with.
        sent: All that was written to it.
    """

    status: int
    sent: str

    @property
    def is_colored(self) -> bool:
        """Whether anything was in a color or bold."""
        return any(
            letter == "m" and number not in ("", "0")
            for number, letter in CONTROL.findall(self.sent)
        )

    @property
    def lines(self) -> list[str]:
        """The lines that stand there in the end, without what was wiped away."""
        lines, row, rest = [""], 0, self.sent.replace("\r\n", "\n")
        while rest:
            control = CONTROL.match(rest)
            if control is not None:
                rest = rest[control.end() :]
                number = int(control[1]) if control[1].isdigit() else 1
                if control[2] == "A":
                    row = max(0, row - number)
                elif control[2] == "K":
                    lines[row] = ""
                else:
                    assert control[2] in "mhl", control
                continue
            letter, rest = rest[0], rest[1:]
            if letter == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif letter == "\r":
                lines[row] = lines[row] if rest.startswith("\x1b[2K") else ""
            else:
                lines[row] += letter
        while lines and not lines[-1]:
            lines.pop()
        return lines


def on_terminal(*arguments: str, cwd: Path, **variables: str) -> Shown:
    """Run the command on a terminal that is 80 columns wide."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    unset = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "CI", "GITHUB_ACTIONS")
    rest = {name: value for name, value in os.environ.items() if name not in unset}
    with subprocess.Popen(
        [PROGRAM, *arguments],
        cwd=cwd,
        env={**rest, "TERM": "xterm-256color", **variables},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        sent = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # how Linux says that nobody is left at the other end
                break
            if not data:
                break
            sent += data
        os.close(ours)
        return Shown(process.wait(60), sent.decode())


def too_wide(lines: list[str]) -> list[str]:
    """List the lines that a terminal would break."""
    return [line for line in lines if cell_len(line) > COLUMNS]
