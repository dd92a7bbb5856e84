"""Errors of the API: what a request is refused with, and what an operation ends in."""

from __future__ import annotations

from typing import Any

# code of google.rpc, its name, the HTTP status that stands for it
_CODES = {
    1: ("CANCELLED", 499),
    2: ("UNKNOWN", 500),
    3: ("INVALID_ARGUMENT", 400),
    5: ("NOT_FOUND", 404),
    6: ("ALREADY_EXISTS", 409),
    7: ("PERMISSION_DENIED", 403),
    8: ("RESOURCE_EXHAUSTED", 429),
    9: ("FAILED_PRECONDITION", 400),
    12: ("UNIMPLEMENTED", 501),
    13: ("INTERNAL", 500),
    14: ("UNAVAILABLE", 503),
    16: ("UNAUTHENTICATED", 401),
}
INVALID, NOT_FOUND, EXISTS, DENIED, PRECONDITION, UNIMPLEMENTED = 3, 5, 6, 7, 9, 12


class RefusedError(Exception):
    """The API says no, with a code of google.rpc."""

    def __init__(self, code: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.reason = code, message, reason

    @property
    def http_status(self) -> int:
        """The status of the answer."""
        return _CODES[self.code][1]

    def answer(self) -> dict[str, Any]:
        """Say it in an answer."""
        name, status = _CODES[self.code]
        error: dict[str, Any] = {"code": status, "message": self.message, "status": name}
        if self.reason:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            error["details"] = [{"@type": kind, "reason": self.reason}]
        return {"error": error}

    def status(self) -> dict[str, Any]:
        """Say it at the end of an operation, as google.rpc.Status."""
        return {"code": self.code, "message": self.message}
