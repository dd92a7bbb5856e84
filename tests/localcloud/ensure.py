"""Make the environment that the local cloud's servers run in.

    python tests/localcloud/ensure.py

It lies in ``.emulators/`` at the root, one folder a set of pins and version of Python, and is made
once: by uv where there is one, else by venv and pip. Needs nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
COMMAND = "python tests/localcloud/ensure.py"
_FINISHED = "finished"


class NoEnvironmentError(RuntimeError):
    """The environment is missing, or could not be made."""


def folder(requirements: Path = REQUIREMENTS, base: Path = ROOT / ".emulators") -> Path:
    """Name the folder of the environment that holds just these pins.

    Args:
        requirements: The pins.
        base: Where environments are kept.

    Returns:
        A folder that need not exist.
    """
    pins = f"{sys.version_info[:2]}\n".encode() + requirements.read_bytes()
    return base / hashlib.sha256(pins).hexdigest()[:12]


def interpreter(environment: Path | None = None) -> Path:
    """Find the environment's Python.

    Args:
        environment: Its folder; by default the one of our pins.

    Returns:
        The path of an interpreter that can start the servers.

    Raises:
        NoEnvironmentError: It was never made, or only half.
    """
    environment = environment or folder()
    if not (environment / _FINISHED).exists():
        raise NoEnvironmentError(f"the local cloud is not installed; run `{COMMAND}`")
    return environment / "bin" / "python"


def ensure(requirements: Path = REQUIREMENTS, base: Path = ROOT / ".emulators") -> Path:
    """Make the environment unless it is there; safe when several runs start at once.

    Args:
        requirements: What to install.
        base: Where environments are kept.

    Returns:
        Its Python.

    Raises:
        NoEnvironmentError: It could not be made; nothing half-made counts as made.
    """
    environment = folder(requirements, base)
    base.mkdir(parents=True, exist_ok=True)
    with _lock(base / ".lock"):
        if not (environment / _FINISHED).exists():
            _make(environment, requirements)
            (environment / _FINISHED).touch()
    return interpreter(environment)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _make(environment: Path, requirements: Path) -> None:
    python = str(environment / "bin" / "python")
    uv = shutil.which("uv")
    ways: list[list[Sequence[str]]] = [
        [
            (sys.executable, "-m", "venv", str(environment)),
            (python, "-m", "pip", "install", "-q", "--no-compile", "-r", str(requirements)),
        ],
    ]
    if uv:  # may be told of another index than pip is, so pip stays the second try
        ways.insert(
            0,
            [
                (uv, "venv", "-q", "--python", sys.executable, str(environment)),
                (uv, "pip", "install", "-q", "--python", python, "-r", str(requirements)),
            ],
        )
    failure = ""
    for steps in ways:
        shutil.rmtree(environment, ignore_errors=True)
        failure = next((said for step in steps if (said := _failure(step))), "")
        if not failure:
            return
    shutil.rmtree(environment, ignore_errors=True)
    raise NoEnvironmentError(f"the local cloud could not be installed:\n{failure}")


def _failure(step: Sequence[str]) -> str:
    """Run a step; say what went wrong, or nothing."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(step, env=clean, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return f"{' '.join(step)}\n{done.stderr.strip()[-2000:]}"


def main() -> int:
    """Make it and print the interpreter's path."""
    try:
        print(ensure())  # noqa: T201 - the result of a program
    except NoEnvironmentError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - likewise
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
