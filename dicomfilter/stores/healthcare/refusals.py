"""What the Healthcare API and the way to it refuse, said in our words."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING

from dicomfilter.errors import (
    DicomFilterError,
    RemoteError,
    RemoteNotFoundError,
    RemotePermissionError,
)
from dicomfilter.google_errors import LOG_IN, Place, barred, translate
from dicomfilter.stores.healthcare.grants import (
    caller_line,
    caller_needs,
    named_agent,
    service_agent,
)
from dicomfilter.stores.healthcare.wire import ShapeError
from dicomfilter.stores.state import PERMISSION_DENIED, Status

if TYPE_CHECKING:
    from dicomfilter.stores.healthcare.names import StoreName
    from dicomfilter.stores.requests import Request

_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_NOT_STARTED = frozenset({*range(400, 500), 501}) - {408, 499}
"""408 and 499 say that a call was given up, not that it was refused."""
_BUSY = 429
_RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
_CALLER = re.compile(r"(?<![\w-])healthcare\.[a-z]\w*\.\w+|\bcaller\b", re.IGNORECASE)
_SPOKEN = (
    ("roles/storage.", re.compile(r"cloud storage|\bstorage\.|gs://|bucket", re.IGNORECASE)),
    ("roles/bigquery.", re.compile(r"bigquery|bq://", re.IGNORECASE)),
)
_AGENT = re.compile(r"service agent|service account|gserviceaccount", re.IGNORECASE)
_UNKNOWN_NAME = re.compile(r'Unknown name "(?P<name>\w+)"')


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the service, for the words of an error.

    Args:
        verb: The method: ``export``, ``get``, ``list``, …
        resource: What it was asked about.
        store: The store.
        request: What was to be started; None for all else.
    """

    verb: str
    resource: str
    store: StoreName
    request: Request | None = None

    @property
    def place(self) -> Place:
        """The same, as the other edges say it."""
        permission, _ = caller_needs(self.verb)
        return Place("the Healthcare API", self.resource, self.store.project, permission)


@dataclass(frozen=True, slots=True)
class Said:
    """What the service said.

    Args:
        status: Of HTTP.
        message: In its words, the first line.
        reason: A short one, where it gives one.
        is_google_s: Whether it has the form of Google's errors, and not of some page.
    """

    status: int
    message: str
    reason: str = ""
    is_google_s: bool = True


def failures() -> tuple[type[Exception], ...]:
    """List what Google's client raises where a call does not succeed."""
    from google.auth.exceptions import GoogleAuthError
    from googleapiclient.errors import Error
    from httplib2.error import HttpLib2Error

    shapes = (json.JSONDecodeError, UnicodeDecodeError, ShapeError)
    return (Error, GoogleAuthError, HttpLib2Error, HTTPException, OSError, *shapes)


def heard(error: BaseException) -> Said | None:
    """Read what the service said; None where it said nothing, or nothing whole."""
    from googleapiclient.errors import HttpError

    if not isinstance(error, HttpError) or error.resp is None:
        return None
    status = int(error.status_code)
    try:
        found = json.loads(error.content)["error"]
        message, details = str(found["message"]), found.get("details", [])
        reasons = [entry.get("reason", "") for entry in (*found.get("errors", ()), *details)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return Said(status, f"HTTP {status} {error.reason or ''}".strip(), is_google_s=False)
    lines = message.strip().splitlines() or [f"HTTP {status}"]
    return Said(status, lines[0], next((str(reason) for reason in reasons if reason), ""))


def is_passing(error: Exception) -> bool:
    """Tell whether the same call may well succeed later."""
    from google.auth.exceptions import GoogleAuthError

    if (said := heard(error)) is not None:
        return said.status in _AGAIN or said.reason in _RATE_REASONS
    if isinstance(error, GoogleAuthError):
        return bool(error.retryable) or "TransportError" in type(error).__name__
    return isinstance(error, failures())


def surely_refused(error: Exception) -> bool:
    """Tell whether the service read a call and refused it, so that it did nothing."""
    said = heard(error)
    return said is not None and said.status in _NOT_STARTED


def short(error: Exception) -> str:
    """Say in a few words what happened to a call."""
    said = heard(error)
    if said is not None:
        return f"HTTP {said.status}: {said.message}"
    return f"{type(error).__name__}: {error}".rstrip(": ")


def explain(error: Exception, asked: Asked) -> DicomFilterError:
    """Say an error of Google's client in our words.

    Args:
        error: Theirs, one of ``failures()``.
        asked: What was asked.

    Returns:
        Ours, not yet raised.
    """
    from google.auth.exceptions import GoogleAuthError

    if isinstance(error, GoogleAuthError):
        return translate(error, asked.place)
    said = heard(error)
    if isinstance(error, ValueError) and said is None:
        return RemoteError(
            f"the Healthcare API ({asked.resource}) answered with something that it never sends: "
            f"{short(error)}",
            hint="check the network, its proxies, and DICOMFILTER_HEALTHCARE_ENDPOINT",
        )
    if said is None:
        return RemoteError(
            f"the Healthcare API ({asked.resource}) could not be reached: {short(error)}",
            hint="check the network and the proxy settings, then run it again",
        )
    return _answered(said, asked)


def _answered(said: Said, asked: Asked) -> DicomFilterError:
    where = f"the Healthcare API ({asked.resource})"
    if said.status == 401:
        return RemotePermissionError(f"no usable Google credentials for {where}", hint=LOG_IN)
    if said.status == 403 and said.reason not in _RATE_REASONS:
        return _forbidden(said, asked)
    if said.status == 404:
        return RemoteNotFoundError(
            f"{where} does not find it: {said.message}",
            hint="check the spelling, and that you may see it",
        )
    if found := _UNKNOWN_NAME.search(said.message):
        return RemoteError(
            f"{where} does not know {found['name']} in this version of the API: {said.message}",
            hint="run it with --api-version v1beta1, which has taken filters since 2020",
        )
    if said.status in _AGAIN or said.status == 403:
        return RemoteError(
            f"{where} failed: {said.message} (HTTP {said.status})",
            hint="run it again in a moment; quotas are per project and region",
            is_busy=said.status in {_BUSY, 403},
        )
    return RemoteError(f"{where} refused: {said.message}", hint=_look(said.message))


def _look(message: str) -> str | None:
    if "already exists" in message.lower():
        return "choose another destination, or for a table another --write-disposition"
    return None


def _forbidden(said: Said, asked: Asked) -> DicomFilterError:
    resource, where = asked.resource, "the Healthcare API"
    if bar := barred(where, said.message, said.reason, asked.store.project):
        return RemotePermissionError(
            f"{where} ({resource}): {bar[0]} ({said.message})", hint=bar[1]
        )
    if asked.request is not None and _is_of_agent(said.message):
        return agent_refused(said.message, asked.store, asked.request)
    if not said.is_google_s:
        return RemotePermissionError(
            f"{where} ({resource}) cannot be used, and cannot tell why: the answer is none of "
            f"Google's ({said.message})",
            hint="look at the proxies and firewalls on the way to it",
        )
    permission, role = caller_needs(asked.verb)
    line = f"ask an owner to run `{caller_line(role, asked.store.parent)}`"
    if asked.request is not None and not _CALLER.search(said.message):
        agent = agent_refused(said.message, asked.store, asked.request)
        return RemotePermissionError(
            f"{where} does not let you use {resource}, and cannot tell who lacks a permission: "
            f"you {permission}, or {agent.message}",
            hint=f"{line}; or {agent.hint}" if agent.hint else line,
        )
    return RemotePermissionError(
        f"{where} does not let you use {resource}: {permission} is needed ({said.message})",
        hint=line,
    )


def _is_of_agent(message: str) -> bool:
    """Tell whether words are about what the service agent reads and writes, not the caller."""
    if _CALLER.search(message):
        return False
    return bool(_AGENT.search(message)) or any(words.search(message) for _, words in _SPOKEN)


def agent_refused(message: str, store: StoreName, request: Request) -> RemotePermissionError:
    """Explain that the service agent of a store's project lacks a role.

    Args:
        message: What the service said.
        store: The store.
        request: What it was asked, which tells what the agent needs.

    Returns:
        An error that names the agent, the roles, on what, and the lines that grant them.
    """
    agent = named_agent(message) or service_agent(store)
    grants = request.grants(store)
    spoken = tuple(prefix for prefix, pattern in _SPOKEN if pattern.search(message))
    named = [grant for grant in grants if grant.role.startswith(spoken)]
    needed = named or list(grants)
    needs = " and ".join(f"{grant.role} on {grant.resource}" for grant in needed)
    lines = " && ".join(grant.line.replace(grant.agent, agent) for grant in needed)
    return RemotePermissionError(
        f"{agent}, the service agent of the store's project, is refused: it needs "
        f"{needs or 'a role on what it reads and writes'} ({message})",
        hint=f"ask an owner to run {lines}" if lines else None,
    )


def operation_refused(
    status: Status, store: StoreName, request: Request | None
) -> DicomFilterError | None:
    """Explain why an operation failed, where more can be said than the service says."""
    if status.code != PERMISSION_DENIED or request is None:
        return None
    if bar := barred("the Healthcare API", status.message, "", store.project):
        return RemotePermissionError(bar[0], hint=bar[1])
    return agent_refused(status.message, store, request)
