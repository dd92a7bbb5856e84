"""Start a server, learn its addresses, stop it; no server outlives the tests."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from tests.localcloud.ensure import ROOT

if TYPE_CHECKING:
    from types import TracebackType

_TIED = Path(__file__).with_name("tied.py")


class ServerError(RuntimeError):
    """A server did not start; the message holds the end of what it wrote."""


def clean_environment() -> dict[str, str]:
    """Copy the environment without what would lead a client or a server astray."""
    return {name: value for name, value in os.environ.items() if not is_stray(name)}


def is_stray(name: str) -> bool:
    """Tell whether a variable could point a Google client at the world outside.

    >>> [is_stray(n) for n in ("https_proxy", "GOOGLE_CLOUD_PROJECT", "BIGQUERY_EMULATOR_HOST")]
    [True, True, True]
    >>> [is_stray(n) for n in ("PATH", "NO_COLOR")]
    [False, False]
    """
    upper = name.upper()
    return (
        upper.endswith(("_PROXY", "_EMULATOR_HOST"))
        or upper.startswith(("GOOGLE_", "CLOUDSDK_", "DICOMFILTER_"))
        or upper in ("GCLOUD_PROJECT", "GCE_METADATA_HOST")
    )


@dataclass
class Server:
    """A program that prints one JSON line of addresses when it is ready.

    It is told to stop by closing its standard input, which also happens when this process dies.

    Args:
        program: The interpreter and its arguments, run from the repository's root.
        start_timeout_s: How long it may take until it is ready.
        is_deaf: It does not heed its input and is stopped by a signal.
    """

    program: tuple[str, ...]
    start_timeout_s: float = 30.0
    is_deaf: bool = False
    addresses: dict[str, str] = field(default_factory=dict, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _log: IO[bytes] | None = field(default=None, init=False, repr=False)

    def start(self) -> Self:
        """Start it and wait until it is ready.

        Raises:
            ServerError: It ended or kept silent.
        """
        return self.launch().ready()

    def launch(self) -> Self:
        """Start it without waiting; from a thread that lives as long as it shall."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - read when it does not start
        self._process = subprocess.Popen(
            (sys.executable, "-I", "-S", str(_TIED), str(os.getpid()), *self.program),
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        return self

    def ready(self) -> Self:
        """Wait until it is ready.

        Raises:
            ServerError: It ended or kept silent.
        """
        assert self._log is not None
        log, self._log = self._log, None
        with log:
            line = self._announcement()
            if not line:
                self.stop()
                log.seek(0)
                said = log.read().decode(errors="replace")[-2000:]
                raise ServerError(f"{' '.join(self.program)} did not start:\n{said}")
        self.addresses = json.loads(line)
        return self

    def _announcement(self) -> bytes:
        """Read up to the first line that is an object; nothing where none comes."""
        assert self._process is not None
        assert self._process.stdout is not None
        deadline, out, read = time.monotonic() + self.start_timeout_s, self._process.stdout, b""
        with selectors.DefaultSelector() as ready:
            ready.register(out, selectors.EVENT_READ)
            while ready.select(max(0.0, deadline - time.monotonic())):
                more = os.read(out.fileno(), 4096)
                read += more
                lines = [line for line in read.split(b"\n")[:-1] if line.startswith(b"{")]
                if lines or not more:
                    return lines[0] if lines else b""
        return b""

    @property
    def pid(self) -> int:
        """The process's id; it stays the same while the program starts."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Stop it, by force if it lingers; again does nothing."""
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None
        assert process.stdout is not None
        if self._log is not None:
            self._log.close()
        process.stdin.close()
        if self.is_deaf:
            process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
