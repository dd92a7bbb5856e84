"""A Healthcare API of operations alone: every answer is the test's to decide.

It checks nothing and exports nothing. What is tested with it is the way to the service: real
client, real HTTP, and operations that stand as the test wants them to.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from dicomfilter.stores.healthcare.names import StoreName

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    Step = Callable[[dict[str, Any]], None]

STORE = StoreName.parse("projects/p/locations/l/datasets/d/dicomStores/s")
PARENT = str(STORE.parent)
_STARTS = {
    "export": "ExportDicomData",
    "import": "ImportDicomData",
    "deidentify": "DeidentifyDicomStore",
    "setBlobStorageSettings": "SetBlobStorageSettings",
}


@dataclass
class Service:
    """What stands behind the server.

    Args:
        hang_up: Targets to which the connection is closed, without an answer, after the work.
        refuse: Answers instead of the work: a pattern, a status and a message each.
        steps: What becomes of each new operation, one step a look.
        page_size: How many operations are listed at once.
    """

    hang_up: str | None = None
    refuse: list[tuple[str, int, str]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    page_size: int = 2
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer({})

            def do_POST(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                self.answer(json.loads(self.rfile.read(size) or b"{}"))

            def answer(self, body: dict[str, Any]) -> None:
                target = f"{self.command} {self.path}"
                service.log.append(target)
                service.tokens.append(self.headers.get("authorization"))
                status, found = service.work(target, body)
                if service.hang_up and re.search(service.hang_up, target):
                    self.close_connection = True
                    return
                data = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def work(self, target: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Do what a request asks."""
        for number, (pattern, status, message) in enumerate(self.refuse):
            if re.search(pattern, target):
                del self.refuse[number]
                error = {"code": status, "message": message, "status": "REFUSED"}
                return status, {"error": error}
        if found := re.search(r"POST \S+/dicomStores/\w+:(\w+)", target):
            self.bodies.append(body)
            return 200, self.start(_STARTS[found[1]])
        if found := re.search(r"POST \S+?/(projects/\S+):cancel", target):
            operation = self.operations[found[1]]
            operation["metadata"]["cancelRequested"] = True
            return 200, {}
        if re.search(r"GET \S+/operations\?", target):
            return 200, self.listed(target)
        found = re.search(r"GET /v1/(projects/[^?]+)", target)
        if found is None or found[1] not in self.operations:
            return 404, {"error": {"code": 404, "message": "there is no such operation"}}
        operation = self.operations[found[1]]
        if operation["steps"]:
            operation["steps"].pop(0)(operation)
        return 200, public(operation)

    def start(self, method: str, *, created: datetime | None = None) -> dict[str, Any]:
        """Start an operation, as a colleague may."""
        name = f"{PARENT}/operations/{1000 + len(self.operations)}"
        self.operations[name] = {
            "name": name,
            "metadata": {
                "@type": "type.googleapis.com/google.cloud.healthcare.v1beta1.OperationMetadata",
                "apiMethodName": f"google.cloud.healthcare.v1beta1.dicom.DicomService.{method}",
                "createTime": (created or datetime.now(UTC)).isoformat().replace("+00:00", "Z"),
                "logsUrl": "https://console.example/logs",
            },
            "steps": list(self.steps),
        }
        return public(self.operations[name])

    def listed(self, target: str) -> dict[str, Any]:
        at = re.search(r"pageToken=(\d+)", target)
        first = int(at[1]) if at else 0
        entries = [public(entry) for entry in self.operations.values()]
        page: dict[str, Any] = {"operations": entries[first : first + self.page_size]}
        if first + self.page_size < len(entries):
            page["nextPageToken"] = str(first + self.page_size)
        return page

    def count(self, pattern: str) -> int:
        """Count the requests that arrived and fit."""
        return sum(bool(re.search(pattern, target)) for target in self.log)


def public(operation: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in operation.items() if name != "steps"}


def counting(success: int = 0, failure: int = 0, pending: int = 0) -> Step:
    """Let a look find an operation so far; zeros are left out, as the service does."""
    numbers = {"success": success, "failure": failure, "pending": pending}

    def step(operation: dict[str, Any]) -> None:
        operation["metadata"]["counter"] = {n: str(v) for n, v in numbers.items() if v}

    return step


def ending(success: int = 0, failure: int = 0, error: dict[str, Any] | None = None) -> Step:
    """Let a look find an operation at its end."""

    def step(operation: dict[str, Any]) -> None:
        counting(success, failure)(operation)
        operation["done"] = True
        if error is not None:
            operation["error"] = error
        else:
            operation["response"] = {"@type": "type.googleapis.com/google.protobuf.Empty"}

    return step
