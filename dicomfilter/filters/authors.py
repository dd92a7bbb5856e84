"""Who makes a filter or starts an operation, from where, and why."""

from __future__ import annotations

import getpass
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = "GOOGLE_APPLICATION_CREDENTIALS"


@dataclass(frozen=True, slots=True)
class Author:
    """Who asked for something, as far as this machine knows.

    Args:
        user: The name of the operating system's user; None where it has none.
        machine: The name of the machine.
        account: The service account whose key the environment names; None where it names none, as
            where a person is logged in by ``gcloud``.
        purpose: Why, in the person's words; None where nothing was said.
    """

    user: str | None = None
    machine: str | None = None
    account: str | None = None
    purpose: str | None = None

    @classmethod
    def of_process(cls, purpose: str | None = None) -> Self:
        """Find out who runs this process."""
        try:
            user: str | None = getpass.getuser()
        except (KeyError, OSError, ImportError):  # a number without a name, as in containers
            user = str(os.getuid()) if hasattr(os, "getuid") else None
        return cls(user, platform.node() or None, _account(), purpose)

    @classmethod
    def parse(cls, found: Mapping[str, Any] | None) -> Self:
        """Read what ``to_dict`` wrote; whatever is no text is not known."""
        given = found or {}
        names = ("user", "machine", "account", "purpose")
        texts = (given.get(name) for name in names)
        return cls(*(text if isinstance(text, str) else None for text in texts))

    def to_dict(self) -> dict[str, str | None]:
        """Give it as a manifest has it."""
        return asdict(self)

    def __str__(self) -> str:
        who = self.account or self.user or "not recorded"
        return f"{who}, on {self.machine}" if self.machine else who


def _account() -> str | None:
    """Read whose key the environment names; nothing is asked of a service."""
    path = os.environ.get(_KEY)
    if not path:
        return None
    try:
        found = json.loads(Path(path).read_bytes())
        account = found.get("client_email")
    except (OSError, ValueError, AttributeError):
        return None
    return account if isinstance(account, str) else None
