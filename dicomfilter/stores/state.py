"""What is known of a long-running operation at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from dicomfilter.counts import human_size
from dicomfilter.errors import RemoteError
from dicomfilter.faces import Face

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")
CANCELLED = 1
PERMISSION_DENIED = 7
_CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)


@dataclass(frozen=True, slots=True)
class Counters:
    """How far an operation is, in its units: instances, for exports.

    Args:
        success: Units done.
        failure: Units that failed.
        pending: Units to come.
        is_said: Whether the service gave any number.
        size_bytes: Of what was written, where that is known; a service never says it.
    """

    success: int = 0
    failure: int = 0
    pending: int = 0
    is_said: bool = field(default=True, compare=False)
    size_bytes: int | None = field(default=None, compare=False)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Read what the service sends: numbers as strings, and none for zero.

        Raises:
            ValueError: They are no numbers, or negative.

        >>> Counters.of({"success": "12"})
        Counters(success=12, failure=0, pending=0, is_said=True, size_bytes=None)
        """
        names = ("success", "failure", "pending")
        success, failure, pending = (int(answer.get(name) or 0) for name in names)
        if min(success, failure, pending) < 0:
            raise ValueError(answer)
        is_said = bool(success or failure or pending)
        return cls(success, failure, pending, is_said, answer.get("sizeBytes"))

    @property
    def total(self) -> int:
        """All units that are known of."""
        return self.success + self.failure + self.pending

    def __str__(self) -> str:
        parts = [f"{self.success:,} succeeded", f"{self.failure:,} failed"]
        if self.pending:
            parts.append(f"{self.pending:,} pending")
        if self.size_bytes is not None:
            parts.append(human_size(self.size_bytes))
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Status:
    """Why an operation failed.

    Args:
        code: A ``google.rpc.Code``.
        message: In the service's words.
        details: What it sends beside; often nothing.
    """

    code: int
    message: str
    details: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """The code's name.

        >>> Status(7, "no").name, Status(99, "?").name
        ('PERMISSION_DENIED', 'code 99')
        """
        return _CODES[self.code] if 0 <= self.code < len(_CODES) else f"code {self.code}"


@dataclass(frozen=True, slots=True, repr=False)
class State(Face):
    """What the service says of an operation at one moment.

    Args:
        name: Its full name.
        method: The method that started it, as far as the service says.
        created: When, ISO 8601; empty where it is not said.
        ended: When its work ended; likewise.
        done: Whether it has ended.
        counters: How far it is.
        error: Why it failed; None while it runs and where it did not.
        cancelling: Whether somebody asked to cancel it.
        logs_url: Where its log is to be read; None where it is not said.
    """

    name: str
    method: str = ""
    created: str = ""
    ended: str = ""
    done: bool = False
    counters: Counters = field(default_factory=Counters)
    error: Status | None = None
    cancelling: bool = False
    logs_url: str | None = None

    def facts(self) -> list[tuple[str, str]]:
        """List how it stands."""
        said = self.counters.is_said
        found = (
            ("operation", self.name),
            ("state", self.verdict),
            ("counts", str(self.counters) if said else "nothing said"),
            ("started", self.created),
            ("ended", self.ended),
            ("error", f"{self.error.name}: {self.error.message}" if self.error else ""),
            ("log", self.logs_url or ""),
        )
        return [(name, text) for name, text in found if text]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """Read what the service sends, in which anything but the name may be missing.

        Raises:
            RemoteError: This is no operation.
        """
        try:
            metadata, error = answer.get("metadata") or {}, answer.get("error")
            return cls(
                name=_of(str, answer["name"]),
                method=str(metadata.get("apiMethodName") or ""),
                created=str(metadata.get("createTime") or ""),
                ended=str(metadata.get("endTime") or ""),
                done=_of(bool, answer.get("done") or False),
                counters=Counters.of(metadata.get("counter") or {}),
                error=None
                if error is None
                else Status(
                    int(error.get("code", 2)),
                    str(error.get("message", "")),
                    tuple(error.get("details", ())),
                ),
                cancelling=bool(metadata.get("cancelRequested", False)),
                logs_url=metadata.get("logsUrl"),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            raise RemoteError(
                "the Healthcare API sent something that is not an operation",
                hint="check that DICOMFILTER_HEALTHCARE_ENDPOINT names the Healthcare API",
            ) from wrong

    @property
    def created_at(self) -> datetime | None:
        """When it was started; None where that is not said, with its zone."""
        try:
            found = datetime.fromisoformat(self.created)
        except ValueError:
            return None
        return found if found.tzinfo else None

    @property
    def verdict(self) -> str:
        """How it stands, in a word or two."""
        if not self.done:
            return "cancelling" if self.cancelling else "running"
        if self.error is not None:
            return "cancelled" if self.error.code == CANCELLED else "failed"
        return "done with failures" if self.counters.failure else "done"


def _of(kind: type[_T], value: object) -> _T:
    """Insist on a type: the text ``false`` is not taken for an end."""
    if not isinstance(value, kind):
        raise TypeError(value)
    return value


@dataclass(frozen=True, slots=True)
class Missed:
    """A look that brought nothing; the operation is none the worse for it.

    Args:
        reason: What happened on the way.
    """

    reason: str


class Watch(Protocol):
    """Is told of each look at an operation."""

    def __call__(self, look: State | Missed, /) -> None:
        """Take note of how it stands."""
