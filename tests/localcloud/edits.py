"""Change what a server says, for ``Edit`` faults: what the local servers would never say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def of_json(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """Change an answer of JSON in place.

    >>> of_json(lambda answer: answer.update(size=1))(b'{"size": 2}')
    b'{"size": 1}'
    """

    def edit(body: bytes) -> bytes:
        answer = json.loads(body)
        change(answer)
        return json.dumps(answer).encode()

    return edit


def running_job(body: bytes) -> bytes:
    """Let a job of BigQuery look as if it ran still; for answers to ``/jobs``, not ``/queries``."""

    def change(answer: dict[str, Any]) -> None:
        if "status" in answer:
            answer["status"] = {"state": "RUNNING"}

    return of_json(change)(body)


def failed_job(reason: str, message: str) -> Callable[[bytes], bytes]:
    """Let a job of BigQuery look as if it had failed."""
    error = {"reason": reason, "message": message}
    status = {"state": "DONE", "errorResult": error, "errors": [error]}
    return of_json(lambda answer: answer.update(status=status))
