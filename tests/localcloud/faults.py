"""Let the way to a server fail: a transport of ``requests`` that loses or makes up answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from requests import ConnectionError as LostError
from requests import Response
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.cloud import bigquery
    from requests import PreparedRequest


@dataclass
class Fault:
    """What happens to the next requests that fit.

    Args:
        fits: A pattern that method and path are searched for.
        instead: Makes the answer instead of the server; None to send the request.
        afterwards: Changes the answer or raises; None to leave it.
        times: How many requests it meets.
    """

    fits: str
    instead: Callable[[], Response] | None = None
    afterwards: Callable[[Response], Response] | None = None
    times: int = 1


class FaultyTransport(HTTPAdapter):
    """Sends requests as ever, but for the faults that are set."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Fault] = []
        self.sent: list[str] = []
        self.bodies: list[Any] = []

    def send(self, request: PreparedRequest, *rest: Any, **options: Any) -> Response:
        target = f"{request.method} {request.path_url}"
        self.sent.append(target)
        self.bodies.append(json.loads(request.body) if request.body else None)
        fault = next((f for f in self.faults if f.times and re.search(f.fits, target)), None)
        if fault is None:
            return super().send(request, *rest, **options)
        fault.times -= 1
        answer = fault.instead() if fault.instead else super().send(request, *rest, **options)
        answer.request, answer.url = request, str(request.url)
        return fault.afterwards(answer) if fault.afterwards else answer

    def body(self, pattern: str) -> Any:
        """Give what was sent with the one request that fits."""
        bodies = zip(self.sent, self.bodies, strict=True)
        (body,) = [body for target, body in bodies if re.search(pattern, target)]
        return body

    def count(self, pattern: str) -> int:
        """Count the requests that fit."""
        return sum(bool(re.search(pattern, target)) for target in self.sent)


def into(client: bigquery.Client) -> FaultyTransport:
    """Put a faulty transport under a client."""
    transport = FaultyTransport()
    client._http.get_adapter("http://").close()
    client._http.mount("http://", transport)
    return transport


def lose(answer: Response) -> Response:
    """Lose the answer: the server did what it was asked, and nobody hears."""
    answer.close()
    raise LostError("the connection was reset")


def refusal(status: int, reason: str, message: str) -> Callable[[], Response]:
    """Answer as the service does when it refuses."""

    def make() -> Response:
        response = Response()
        response.status_code = status
        response.headers["content-type"] = "application/json"
        error = {"code": status, "message": message}
        errors = [{"reason": reason, "message": message, "domain": "global"}]
        response._content = json.dumps({"error": {**error, "errors": errors}}).encode()
        return response

    return make


def failed_job(reason: str, message: str) -> Callable[[Response], Response]:
    """Let a job that ran look as if it had failed."""

    def edit(response: Response) -> Response:
        job = response.json()
        error = {"reason": reason, "message": message}
        job["status"] = {"state": "DONE", "errorResult": error, "errors": [error]}
        response._content = json.dumps(job).encode()
        return response

    return edit
