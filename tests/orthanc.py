"""An Orthanc of this machine, empty at the start and gone at the end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests

from tests.dicom.readers import program
from tests.localcloud.process import clean_environment

if TYPE_CHECKING:
    from types import TracebackType

_TIED = Path(__file__).with_name("localcloud") / "tied.py"
_START_S = 10.0


class Orthanc:
    """A server of DICOM images by another maker, with a store of its own.

    It takes no DICOM network connections and answers this machine alone.
    """

    def __init__(self) -> None:
        self._program = program("Orthanc")
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="orthanc-")
        folder = Path(self._folder.name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        # It listens everywhere, but answers 403 to all that does not come from this machine.
        settings = {
            "StorageDirectory": str(folder / "images"),
            "IndexDirectory": str(folder / "images"),
            "HttpPort": port,
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "OverwriteInstances": False,
            "Plugins": [],
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_TIED), *self._command(folder)],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            self._wait(folder)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def store(self, path: Path) -> str:
        """Send a file; ``Success``, ``AlreadyStored``, or why it was not taken."""
        answer = self._session.post(f"{self.url}/instances", data=path.read_bytes(), timeout=10)
        return str(answer.json().get("Status") or answer.json().get("Message"))

    def clear(self) -> None:
        """Remove all that it holds."""
        for patient in self._ask("patients"):
            self._session.delete(f"{self.url}/patients/{patient}", timeout=10).raise_for_status()

    def count(self) -> tuple[int, int, int]:
        """Count studies, series and instances."""
        found = self._ask("statistics")
        return found["CountStudies"], found["CountSeries"], found["CountInstances"]

    def paths(self) -> set[tuple[str, str, str]]:
        """List the UIDs of study, series and instance of all that it holds."""
        return {
            tuple(self._ask(f"instances/{each}/tags?short")[tag] for tag in _TAGS)
            for each in self._ask("instances")
        }

    def _command(self, folder: Path) -> list[str]:
        return [str(os.getpid()), self._program, str(folder / "orthanc.json")]

    def _ask(self, what: str) -> Any:
        answer = self._session.get(f"{self.url}/{what}", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def _wait(self, folder: Path) -> None:
        end = time.monotonic() + _START_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                self._ask("system")
            except requests.ConnectionError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("Orthanc did not start:\n" + (folder / "log").read_text()[-2000:])

    def _stop(self) -> None:
        self._process.kill()  # it would take seconds to tidy up what is removed anyway
        self._process.wait()
        self._session.close()
        self._log.close()
        self._folder.cleanup()


_TAGS = ("0020,000d", "0020,000e", "0008,0018")
