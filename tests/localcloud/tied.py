"""Become another program that cannot outlive its parent.

    python tied.py PARENT_PID PROGRAM [ARGUMENT]…

On Linux the kernel kills the program when the parent dies, even by ``kill -9``; elsewhere servers
notice that their standard input has closed. Done in a process of its own because between fork and
exec only little is safe once the parent has threads.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, make sure that the parent still lives, become the program."""
    parent, *program = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it died before the signal was asked for
        sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - our own command


if __name__ == "__main__":
    main()
