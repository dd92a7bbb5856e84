"""Let the way between a client and a server fail, over real connections.

    proxy = FaultProxy("127.0.0.1", 4443).start()                # clients go to proxy.url
    proxy.add("POST /upload/", Status(503), times=2)
    proxy.add("PUT /upload/", Reset(When.MIDDLE), skip=1)        # half of the second chunk
    proxy.add("GET /download/", Truncate())
    proxy.log                                                    # what was asked and what happened

Runs in a thread of its own. Bodies are held whole, so it is no place for gigabytes, and speaks
HTTP/1.1 only, so not gRPC.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
import re
import socket
import struct
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from tests.localcloud.wire import Answer, Headers, Request, read_body, read_head

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Callable, Iterable

    Hook = Callable[[Request], "Answer | None"]

_REASONS = {
    400: ("invalid", "INVALID_ARGUMENT"),
    401: ("authError", "UNAUTHENTICATED"),
    403: ("forbidden", "PERMISSION_DENIED"),
    404: ("notFound", "NOT_FOUND"),
    408: ("requestTimeout", "DEADLINE_EXCEEDED"),
    409: ("conflict", "ALREADY_EXISTS"),
    412: ("conditionNotMet", "FAILED_PRECONDITION"),
    429: ("rateLimitExceeded", "RESOURCE_EXHAUSTED"),
    500: ("internalError", "INTERNAL"),
}


class When(enum.Enum):
    """How far a request has come when its connection is reset."""

    BEFORE = "before"
    """The server never hears of it."""
    MIDDLE = "middle"
    """Half of the body has been sent, and the server never hears of it."""
    AFTER = "after"
    """The server has done what it was asked; the answer is lost."""


@dataclass(frozen=True)
class Fault:
    """What happens to a request."""


@dataclass(frozen=True)
class Status(Fault):
    """The answer is an error, in the form of Google's APIs; the server hears nothing."""

    status: int
    message: str = ""
    reason: str = ""
    canonical: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def answer(self) -> Answer:
        """Make the answer."""
        reason, canonical = _REASONS.get(self.status, ("backendError", "UNAVAILABLE"))
        answer = Answer.refusal(
            self.status,
            self.message or f"a fault of the tests: {self.status}",
            self.reason or reason,
            self.canonical or canonical,
        )
        answer.headers.fields += self.headers
        return answer


@dataclass(frozen=True)
class Reset(Fault):
    """The connection is reset."""

    when: When = When.BEFORE


@dataclass(frozen=True)
class Truncate(Fault):
    """The answer ends early, though its length was announced; None: half-way."""

    size_bytes: int | None = None


@dataclass(frozen=True)
class Corrupt(Fault):
    """A byte in the middle of the answer's body is another."""


@dataclass(frozen=True)
class CorruptRequest(Fault):
    """A byte in the middle of the request's body is another."""


@dataclass(frozen=True)
class Slow(Fault):
    """The answer takes its time; the server does its work."""

    seconds: float = 0.5


@dataclass(frozen=True)
class Hang(Fault):
    """No answer comes until the client gives up; the server hears nothing."""

    seconds: float = 60.0


@dataclass(frozen=True)
class Edit(Fault):
    """The body of the answer is what a function makes of it."""

    change: Callable[[bytes], bytes]


FAULTS: dict[str, Fault] = {
    "503": Status(503),
    "429": Status(429),
    "reset before": Reset(When.BEFORE),
    "reset in the middle": Reset(When.MIDDLE),
    "reset after": Reset(When.AFTER),
    "truncated": Truncate(),
    "corrupted": Corrupt(),
    "slow": Slow(),
    "hung": Hang(),
}
"""One of each kind, for tests of every remote step under every fault."""


def crossed(steps: Iterable[str], kinds: Iterable[str]) -> list[tuple[str, str]]:
    """Pair steps with faults: each with some of the others, so that all are met.

    Every step under every fault takes minutes: ``make faults`` does that, by the variable
    DICOMFILTER_FAULTS.

    >>> crossed(["read", "write"], ["503", "reset", "hung", "slow", "429"])
    [('read', '503'), ('read', 'hung'), ('read', '429'), ('write', 'reset'), ('write', 'slow')]
    """
    rows, columns = tuple(steps), tuple(kinds)
    every = min(5, len(rows), len(columns))
    if os.environ.get("DICOMFILTER_FAULTS") == "all":
        every = 1
    return [
        (step, kind)
        for row, step in enumerate(rows)
        for column, kind in enumerate(columns)
        if (row + column) % every == 0
    ]


@dataclass
class Rule:
    """A fault and the requests that it meets."""

    fits: re.Pattern[str]
    fault: Fault
    left: int | None
    skip: int
    hits: int = 0

    def meets(self, line: str) -> bool:
        """Count a request in or out."""
        if self.left == 0 or not self.fits.search(line):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.left = None if self.left is None else self.left - 1
        self.hits += 1
        return True


@dataclass
class Event:
    """A request that came by, what met it, and the server's status (0: it was never asked)."""

    line: str
    fault: Fault | None = None
    status: int = 0


class _LostError(Exception):
    """Reset the connection."""


@dataclass
class FaultProxy:
    """Stands between clients and a server.

    Args:
        host: Of the server; may be set after the start.
        port: Likewise.
        hook: Sees each request first and may answer instead of the server.
    """

    host: str = "127.0.0.1"
    port: int = 0
    hook: Hook | None = None
    log: list[Event] = field(default_factory=list, init=False)
    _rules: list[Rule] = field(default_factory=list, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _listening: int = field(default=0, init=False)

    def add(self, fits: str, fault: Fault, *, times: int | None = 1, skip: int = 0) -> Rule:
        """Let requests fail.

        Args:
            fits: A pattern that ``"METHOD /path?query"`` is searched for.
            fault: What happens.
            times: To how many requests; None: to all.
            skip: How many that fit go by first.

        Returns:
            The rule, which counts its hits.
        """
        rule = Rule(re.compile(fits), fault, times, skip)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forget the rules and the log."""
        with self._lock:
            self._rules.clear()
            self.log.clear()

    def count(self, fits: str, status: int | None = None) -> int:
        """Count the requests that came by, or that the server answered with a status."""
        events = [event for event in self.log if re.search(fits, event.line)]
        return sum(status is None or event.status == status for event in events)

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self._listening}"

    def start(self) -> Self:
        """Listen."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(5)
        return self

    def stop(self) -> None:
        """Stop listening and drop every connection; again does nothing."""
        if not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(5)

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=1 << 20)
        self._listening = server.sockets[0].getsockname()[1]
        ready.set()
        await self._ended.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        gone = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, TimeoutError)
        try:
            while await self._exchange(reader, writer):
                pass
        except _LostError:
            _reset(writer)
        except gone:
            pass
        finally:
            self._connections.discard(task)
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()

    async def _exchange(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """Pass one request on and its answer back; tell whether the connection stays."""
        (method, target, _), headers = await read_head(reader)
        request = Request(method, target, headers)
        with self._lock:
            rule = next((rule for rule in self._rules if rule.meets(request.line)), None)
            event = Event(request.line, rule.fault if rule else None)
            self.log.append(event)
        fault = event.fault
        if headers.get("expect").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault == Reset(When.MIDDLE):
            half = int(headers.get("content-length", "0")) // 2
            await read_body(reader, headers, at_most=half)
            raise _LostError
        request.body = await read_body(reader, headers)
        if fault == Reset(When.BEFORE):
            raise _LostError
        if isinstance(fault, Hang):
            await _until_gone(reader, fault.seconds)
            raise _LostError
        if isinstance(fault, Status):
            answer = fault.answer()
        else:
            if isinstance(fault, CorruptRequest):
                request = replace(request, body=_corrupted(request.body))
            answer = await self._asked(request)
            event.status = answer.status
        if isinstance(fault, Slow):
            await asyncio.sleep(fault.seconds)
        if fault == Reset(When.AFTER):
            raise _LostError
        _spoil(answer, fault)
        if method == "HEAD":
            answer = replace(answer, body=b"", declared=answer.declared or len(answer.body))
        writer.write(bytes(answer))
        await writer.drain()
        return not isinstance(fault, Truncate) and headers.get("connection").lower() != "close"

    async def _asked(self, request: Request) -> Answer:
        """Ask the hook, then the server."""
        if self.hook:
            made = await asyncio.get_running_loop().run_in_executor(None, self.hook, request)
            if made is not None:
                return made
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=1 << 20)
        try:
            extra = [("content-length", str(len(request.body))), ("connection", "close")]
            fields = Headers(request.headers.end_to_end() + extra)
            head = f"{request.line} HTTP/1.1\r\n".encode("latin-1")
            writer.write(head + bytes(fields) + b"\r\n" + request.body)
            await writer.drain()
            (_, status, *_), headers = await read_head(reader)
            if request.method == "HEAD":
                length = int(headers.get("content-length", "0"))
                return Answer(int(status), b"", headers, declared=length)
            body = await read_body(reader, headers, to_end=True)
            return Answer(int(status), body, headers)
        finally:
            writer.close()


def _spoil(answer: Answer, fault: Fault | None) -> None:
    """Let what the server said arrive as something else."""
    if isinstance(fault, Edit):
        answer.body, answer.declared = fault.change(answer.body), None
    elif isinstance(fault, Corrupt):
        answer.body = _corrupted(answer.body)
    elif isinstance(fault, Truncate):
        answer.declared = len(answer.body)
        size = len(answer.body) // 2 if fault.size_bytes is None else fault.size_bytes
        answer.body = answer.body[:size]


async def _until_gone(reader: StreamReader, seconds: float) -> None:
    """Wait until the client closes, at most so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await reader.read(1)


def _corrupted(body: bytes) -> bytes:
    middle, changed = len(body) // 2, bytearray(body)
    if body:
        changed[middle] ^= 0xFF
    return bytes(changed)


def _reset(writer: StreamWriter) -> None:
    """Close without a farewell, so that the other side sees a reset."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
