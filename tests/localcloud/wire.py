"""HTTP/1.1 as it travels: what a proxy reads from one side and writes to the other."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from asyncio import StreamReader

_HOP = ("connection", "transfer-encoding", "content-length", "expect", "keep-alive")


@dataclass
class Headers:
    """Header fields in their order; names are compared without case."""

    fields: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        """Give the first value."""
        return next((value for key, value in self.fields if key.lower() == name), default)

    def end_to_end(self) -> list[tuple[str, str]]:
        """Give the fields that are not about this one connection."""
        return [each for each in self.fields if each[0].lower() not in _HOP]

    def __bytes__(self) -> bytes:
        return "".join(f"{key}: {value}\r\n" for key, value in self.fields).encode("latin-1")


@dataclass
class Request:
    """A request: its target is the path with the query, as it was sent."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""

    @property
    def line(self) -> str:
        """Method and target, which is what rules of faults look at."""
        return f"{self.method} {self.target}"


@dataclass
class Answer:
    """An answer, whole."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=Headers)
    declared: int | None = None
    """The length that is announced; None: that of the body."""

    @classmethod
    def of_json(cls, status: int, value: Any) -> Self:
        """Answer with JSON."""
        fields = [("content-type", "application/json; charset=UTF-8")]
        return cls(status, json.dumps(value).encode(), Headers(fields))

    @classmethod
    def refusal(cls, status: int, message: str, reason: str, canonical: str = "") -> Self:
        """Refuse in the form that all of Google's APIs share."""
        error: dict[str, Any] = {"code": status, "message": message}
        error["errors"] = [{"message": message, "domain": "global", "reason": reason}]
        if canonical:
            error["status"] = canonical
        return cls.of_json(status, {"error": error})

    def __bytes__(self) -> bytes:
        length = len(self.body) if self.declared is None else self.declared
        fields = [*self.headers.end_to_end(), ("content-length", str(length))]
        head = f"HTTP/1.1 {self.status} Status\r\n".encode()
        return head + bytes(Headers(fields)) + b"\r\n" + self.body


async def read_head(reader: StreamReader) -> tuple[list[str], Headers]:
    """Read a first line, split at spaces, and the header fields."""
    raw = await reader.readuntil(b"\r\n\r\n")
    first, *rest = raw[:-4].decode("latin-1").split("\r\n")
    pairs = [line.split(":", 1) for line in rest]
    return first.split(" ", 2), Headers([(key, value.strip()) for key, value in pairs])


async def read_body(
    reader: StreamReader, headers: Headers, *, at_most: int | None = None, to_end: bool = False
) -> bytes:
    """Read the body that the header fields announce.

    Args:
        reader: The connection.
        headers: What came before.
        at_most: Stop after as many bytes.
        to_end: Without an announced length the body ends with the connection.

    Returns:
        The bytes, without the framing of chunks.
    """
    if "chunked" in headers.get("transfer-encoding").lower():
        whole = bytearray()
        while size := int((await reader.readline()).split(b";")[0], 16):
            whole += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return bytes(whole)
    length = headers.get("content-length")
    if not length:
        return await reader.read() if to_end else b""
    size = int(length)
    return await reader.readexactly(size if at_most is None else min(size, at_most))
