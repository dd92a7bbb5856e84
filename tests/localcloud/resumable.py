"""Resumable uploads as Cloud Storage does them: resent chunks, lost answers, cancelled sessions."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.localcloud.wire import Answer, Headers, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    Store = Callable[[dict[str, Any], dict[str, str], bytes, str], Answer]

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


@dataclass
class _Session:
    described: dict[str, Any]
    conditions: dict[str, str]
    data: bytearray = field(default_factory=bytearray)
    final: Answer | None = None

    def so_far(self) -> Answer:
        """Tell how much has arrived."""
        arrived = [("range", f"bytes=0-{len(self.data) - 1}")] if self.data else []
        return Answer(308, b"", Headers(arrived))


@dataclass
class Sessions:
    """Holds what has arrived of each upload until it is whole."""

    _open: dict[str, _Session] = field(default_factory=dict)

    def open(self, described: dict[str, Any], conditions: dict[str, str]) -> str:
        """Begin an upload and name it."""
        name = uuid.uuid4().hex
        self._open[name] = _Session(described, conditions)
        return name

    def take(self, name: str, request: Request, store: Store) -> Answer:
        """Take a chunk, or the question how much there is.

        Args:
            name: Of the session.
            request: With ``Content-Range``.
            store: Writes the object once it is whole.

        Returns:
            308 and the range that has arrived, or what writing gave; the same again when the last
            chunk is sent again because its answer was lost.
        """
        session = self._open.get(name)
        if session is None:
            return Answer.refusal(404, "No such upload.", "notFound")
        if request.method == "DELETE":
            del self._open[name]
            return Answer(499)
        if session.final is not None:
            return Answer(session.final.status, session.final.body, session.final.headers)
        declared = request.headers.get("content-range")
        found = _RANGE.fullmatch(declared)
        start, body = 0, request.body
        total = str(len(body))  # without a range the whole object comes at once
        if found:
            start, total = int(found[1] or len(session.data)), found[3]
        if start > len(session.data):
            return Answer.refusal(503, "A part of the upload is missing.", "backendError")
        session.data += body[len(session.data) - start :]
        if total == "*" or len(session.data) < int(total):
            if body and (start + len(body)) % _CHUNK:
                words = "The number of bytes uploaded is required to be a multiple of 262144."
                return Answer.refusal(400, words, "invalid")
            return session.so_far()
        hashes = request.headers.get("x-goog-hash")
        session.final = store(session.described, session.conditions, bytes(session.data), hashes)
        session.data = bytearray()
        return session.final
