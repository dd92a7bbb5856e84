"""A check and what all of them come to, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import (
    DicomFilterError,
    RemoteNotFoundError,
    RemotePermissionError,
    UsageError,
)
from dicomfilter.faces import Face

if TYPE_CHECKING:
    from collections.abc import Callable


class Status(StrEnum):
    """How a check ended; what cannot be told is neither passed nor failed."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Purpose(StrEnum):
    """What one is about to do, which tells what is needed for it."""

    BUILD = "build"
    EXPORT_GCS = "export-gcs"
    EXPORT_BQ = "export-bq"
    IMPORT = "import"
    DEIDENTIFY = "deidentify"
    SET_STORAGE_CLASS = "set-storage-class"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        id: Its name, which stays.
        status: How it ended.
        seen: What was seen.
        how: How it was looked at.
        needs: The role or permission that is needed, where it is about one.
        on: On what.
        who: Of whom: ``caller`` or ``agent``.
        fix: Lines to paste.
    """

    id: str
    status: Status
    seen: str
    how: str
    needs: str | None = None
    on: str | None = None
    who: str | None = None
    fix: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What was seen, and what is needed where that is not there."""
        if self.needs is None or self.on is None or self.status is Status.PASS:
            return self.seen
        on = "/".join(self.on.split("/")[-2:]) if self.on.startswith("projects/") else self.on
        needed = "needed" if self.needs in self.seen else f"needed: {self.needs}"
        return f"{self.seen}; {needed} on {on}"


@dataclass(frozen=True, slots=True, repr=False)
class Diagnosis(Face):
    """All checks of one look.

    Args:
        checks: In the order in which they ran; none stopped another.
        strict: Whether warnings and what cannot be told are taken for failures.
    """

    checks: tuple[Check, ...]
    strict: bool = field(default=False)

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed."""
        bad = {Status.FAIL, Status.WARN, Status.UNKNOWN} if self.strict else {Status.FAIL}
        return not any(check.status in bad for check in self.checks)

    @property
    def told(self) -> str:
        """How many checks ended how, in one line."""
        numbers = {s: sum(c.status is s for c in self.checks) for s in Status}
        return " · ".join(f"{number} {status}" for status, number in numbers.items() if number)

    def rows(self) -> list[tuple[str, str]]:
        """List the checks for people: an id and a sentence each."""
        return [(check.id, f"{check.status.upper()} {check.sentence}") for check in self.checks]

    def to_dict(self) -> dict[str, Any]:
        """Give all of it as JSON has it."""
        listed = [{**asdict(c), "status": str(c.status), "fix": list(c.fix)} for c in self.checks]
        return {"ok": self.is_ok, "strict": self.strict, "checks": listed}

    def facts(self) -> list[tuple[str, str]]:
        """List each check with what it found, and the verdict."""
        return [*self.rows(), ("in all", self.told)]


def tried(name: str, how: str, look: Callable[[], Check]) -> Check:
    """Run a check, so that whatever it meets stops no other.

    Args:
        name: Its id, for where it does not come to an end.
        how: How it looks.
        look: The check.

    Returns:
        What it found: a failure where something is not there, unknown where one may not look.
    """
    try:
        return replace(look(), id=name, how=how)
    except RemotePermissionError as error:
        fix = (error.hint,) if error.hint else ()
        return Check(name, Status.UNKNOWN, f"may not be looked at: {error.message}", how, fix=fix)
    except (RemoteNotFoundError, UsageError) as error:
        fix = (error.hint,) if error.hint else ()
        return Check(name, Status.FAIL, error.message, how, fix=fix)
    except DicomFilterError as error:
        return Check(name, Status.UNKNOWN, f"nobody answers: {error.message}", how)
