"""Running the command: in a process of its own, or in this one where that is enough."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter import cli

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = str(Path(sys.executable).with_name("dicomfilter"))


@dataclass(frozen=True, slots=True)
class Ended:
    """A run of the command that has ended.

    Args:
        status: What it exited with.
        out: Its standard output.
        err: Its standard error.
    """

    status: int
    out: str
    err: str

    @property
    def object(self) -> Any:
        """The one JSON object, on one line, that standard output is."""
        assert self.status == 0, self.err
        assert self.out.endswith("\n")
        assert self.out.count("\n") == 1
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def run(
    *arguments: object,
    cwd: Path | None = None,
    stdin: str | None = None,
    before: Callable[[], None] | None = None,
    **variables: str,
) -> Ended:
    """Run the installed command in a process of its own."""
    if before is not None:  # Python would keep byte code that was cut off by a limit of file sizes
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **variables},
        input=None if stdin is None else stdin.encode(),
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=False,
        timeout=60,
        preexec_fn=before,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def call(*arguments: object, together: bool = False) -> Ended:
    """Run the command in this process, in its folder: faster, and the same but for signals.

    Args:
        *arguments: What is typed behind the command's name.
        together: Whether standard error is in ``out``, where a terminal would show it.
    """
    out, apart = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    err = out if together else apart
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["dicomfilter", *map(str, arguments)])
        patch.setattr(cli, "_listen", list)  # the signals are those of the tests
        patch.setattr(cli, "_abandon_standard_output", lambda: None)  # likewise
        with pytest.raises(SystemExit) as ended:
            cli.main()
    out.flush()
    status = ended.value.code
    assert isinstance(status, int)
    return Ended(status, out.buffer.getvalue().decode(), apart.getvalue())  # type: ignore[attr-defined]


def contents(folder: Path) -> dict[str, bytes]:
    """Read all files under a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
