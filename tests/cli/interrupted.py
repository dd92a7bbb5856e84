"""A process that runs builds in children of its own, each of which a signal meets at one point.

It reads a JSON object a line (``folder``, ``point``, ``signal``, ``arguments``) and answers each
with the child's status on a line. All is imported once: a child is there in no time.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb  # noqa: F401 - for the children
import pyarrow.csv  # noqa: F401 - likewise
import sqlglot  # noqa: F401 - likewise

from dicomfilter import cli
from dicomfilter.engines.duckdb.engine import DuckDbEngine
from dicomfilter.filters import build
from dicomfilter.storage.local.draft import Draft
from dicomfilter.storage.local.files import LocalWriter

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS: dict[str, tuple[Any, str]] = {
    "select": (DuckDbEngine, "stage"),
    "count": (DuckDbEngine, "rows"),
    "write": (LocalWriter, "write"),
    "finish": (Draft, "publish"),
    "sidecar": (build, "write_text"),
}
"""Where a signal can come, as the function that is running then."""


def meeting(function: Callable[..., Any], number: int) -> Callable[..., Any]:
    """Let a signal come while a function runs: before its work, which it hears or not."""

    def call(*arguments: Any, **more: Any) -> Any:
        os.kill(os.getpid(), number)
        return function(*arguments, **more)

    return call


def run(folder: str, point: str, number: int, arguments: list[str]) -> None:
    """Be the child."""
    os.chdir(folder)
    for name, fd in (("out", 1), ("err", 2)):
        os.dup2(os.open(f"../{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), fd)
    os.environ["TMPDIR"] = str(Path("../tmp").resolve())
    owner, name = POINTS[point]
    setattr(owner, name, meeting(getattr(owner, name), number))
    sys.argv = ["dicomfilter", *arguments]
    cli.main()


def main() -> None:
    """Serve until the input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            sys.stdin.close()
            try:
                run(asked["folder"], asked["point"], asked["signal"], asked["arguments"])
            except SystemExit as end:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(int(end.code or 0))
            finally:
                os._exit(99)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
