"""Google's errors, turned into ours once, for every edge that talks to Google.

The libraries are imported when an edge is opened, so this module imports them late too.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import (
    CostLimitError,
    DicomFilterError,
    PredicateError,
    RemoteError,
    RemoteNotFoundError,
    RemotePermissionError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG_IN = "log in with `gcloud auth application-default login`"
_ROLES = {
    "bigquery.jobs.create": "roles/bigquery.jobUser",
    "bigquery.readsessions.create": "roles/bigquery.readSessionUser",
    "bigquery.tables.create": "roles/bigquery.dataEditor",
    "bigquery.tables.delete": "roles/bigquery.dataEditor",
    "bigquery.tables.get": "roles/bigquery.dataViewer",
    "bigquery.tables.getData": "roles/bigquery.dataViewer",
    "bigquery.tables.updateData": "roles/bigquery.dataEditor",
    "serviceusage.services.use": "roles/serviceusage.serviceUsageConsumer",
}
_REASON_HINTS = {
    "quotaExceeded": "wait, or ask for more quota in the project's IAM & Admin > Quotas page",
    "rateLimitExceeded": "wait a moment and run it again",
    "billingNotEnabled": "enable billing for the project, or use another: GOOGLE_CLOUD_PROJECT",
    "responseTooLarge": "give staged rows a table of their own with --temp-dataset PROJECT.DATASET",
    "resourcesExceeded": "select less at once, or a coarser --level",
    "blocked": "see the project's notices in the Google Cloud console",
}
_PERMISSION = re.compile(r"\b(?:bigquery|storage|healthcare|serviceusage)(?:\.[A-Za-z]+)+")
_DENIED_TABLE = re.compile(r"Access Denied: (?:Table|View|Dataset) (?P<project>[\w.:-]+):\w")
_IN_PROJECT = re.compile(r"in project (?P<project>[\w.:-]*\w)")
_POSITION = re.compile(r" at \[\d+:\d+\]")
_UNKNOWN_NAME = re.compile(
    r"Unrecognized name: (?P<name>[^\s;]+)(?:; Did you mean (?P<near>.+?)\?)?"
)
_UNKNOWN_FIELD = re.compile(r"Field name (?P<name>\S+) does not exist in STRUCT")
_MISMATCH = re.compile(
    r"No matching signature for (?P<what>.+?) for argument types: (?P<types>[^.\n]+)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """What was asked of Google, for the words of an error.

    Args:
        service: ``BigQuery``, ``Cloud Storage``, …
        resource: What was touched, as the user names it.
        project: The project that a permission would be granted in.
        permission: The permission that is needed, unless the answer names one.
        missing: The error to raise where the resource does not exist.
    """

    service: str
    resource: str
    project: str
    permission: str
    missing: type[DicomFilterError] = RemoteNotFoundError


@contextmanager
def google_errors(place: Place) -> Iterator[None]:
    """Turn what Google's libraries raise inside into our errors.

    Args:
        place: What is asked of Google.

    Raises:
        DicomFilterError: Of the class that fits, from the original error.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except (GoogleAPIError, GoogleAuthError, RequestException, ConnectionError) as error:
        raise translate(error, place) from error


def reason(error: BaseException) -> str:
    """Read the reason that Google gives for an error, such as ``accessDenied``; may be empty."""
    first = _first(error)
    if isinstance(first, dict):
        return str(first.get("reason") or "")
    return str(getattr(error, "reason", "") or "")


def translate(error: Exception, place: Place) -> DicomFilterError:
    """Say an error of Google's libraries in our words.

    Args:
        error: Theirs.
        place: What was asked.

    Returns:
        Ours, not yet raised.
    """
    heard = _Heard(error, place, _said(error), reason(error))
    found = (ours for rule in _RULES if (ours := rule(heard)) is not None)
    return next(found, RemoteError(f"{heard.where} refused: {heard.said}"))


@dataclass(frozen=True, slots=True)
class _Heard:
    """An error and what it says: ``said`` is the service's first line, ``why`` its reason."""

    error: Exception
    place: Place
    said: str
    why: str

    @property
    def where(self) -> str:
        return f"{self.place.service} ({self.place.resource})"


def _first(error: BaseException) -> Any:  # noqa: ANN401 - what the service sent
    errors = getattr(error, "errors", None)
    return errors[0] if isinstance(errors, list | tuple) and errors else None


def _said(error: BaseException) -> str:
    """Read the first line, without the position in a text that the user has not seen."""
    first = _first(error)
    text = first.get("message") if isinstance(first, dict) else None
    text = text or getattr(error, "message", None) or str(error)
    lines = str(text).strip().splitlines()
    return _POSITION.sub("", lines[0]) if lines else type(error).__name__


def _no_credentials(heard: _Heard) -> DicomFilterError | None:
    from google.api_core.exceptions import Unauthorized
    from google.auth.exceptions import DefaultCredentialsError, RefreshError

    if not isinstance(heard.error, DefaultCredentialsError | RefreshError | Unauthorized):
        return None
    return RemotePermissionError(f"no usable Google credentials for {heard.where}", hint=LOG_IN)


def _over_limit(heard: _Heard) -> DicomFilterError | None:
    if heard.why != "bytesBilledLimitExceeded" and "limit for bytes billed" not in heard.said:
        return None
    return CostLimitError(
        f"{heard.place.service} stopped the query over {heard.place.resource}: {heard.said}",
        hint="raise --maximum-bytes-billed, or select less",
    )


def _known_reason(heard: _Heard) -> DicomFilterError | None:
    hint = _REASON_HINTS.get(heard.why)
    if hint is None:
        return None
    return RemoteError(f"{heard.where} refused ({heard.why}): {heard.said}", hint=hint)


def _elsewhere(heard: _Heard) -> DicomFilterError | None:
    from google.api_core.exceptions import NotFound

    if not re.search(r"different locations|not found in location", heard.said):
        return None
    kind = heard.place.missing if isinstance(heard.error, NotFound) else RemoteError
    return kind(
        f"{heard.where} is not where it was looked for: {heard.said}",
        hint="check the name; datasets that one query reads or writes must share a location",
    )


def _forbidden(heard: _Heard) -> DicomFilterError | None:
    from google.api_core.exceptions import Forbidden

    if not isinstance(heard.error, Forbidden):
        return None
    place, said = heard.place, heard.said
    named, table, project = (p.search(said) for p in (_PERMISSION, _DENIED_TABLE, _IN_PROJECT))
    permission = "bigquery.tables.getData" if table else place.permission
    permission = named.group(0) if named else permission
    owner = next((found["project"] for found in (table, project) if found), place.project)
    role = _ROLES.get(permission)
    hint = f"ask for a role that holds {permission}"
    if role:
        hint = (
            f"ask an owner to run `gcloud projects add-iam-policy-binding {owner} "
            f"--member=user:YOU --role={role}`"
        )
    message = f"{place.service} does not let you use {place.resource}: {permission} is needed"
    return RemotePermissionError(message, hint=hint)


def _missing(heard: _Heard) -> DicomFilterError | None:
    from google.api_core.exceptions import NotFound

    if not isinstance(heard.error, NotFound):
        return None
    return heard.place.missing(
        f"{heard.place.service} knows no {heard.place.resource}",
        hint="check the spelling, and that you may see it",
    )


def _refused_query(heard: _Heard) -> DicomFilterError | None:
    from google.api_core.exceptions import BadRequest

    if heard.why != "invalidQuery" or not isinstance(heard.error, BadRequest):
        return None
    resource, said = heard.place.resource, heard.said
    columns = f"run `dicomfilter columns {resource}`"
    if found := _UNKNOWN_NAME.search(said):
        near = found["near"]
        hint = f"did you mean {near}?" if near else columns
        return PredicateError(f"{resource} has no column {found['name']}", hint=hint)
    if found := _UNKNOWN_FIELD.search(said):
        return PredicateError(f"{resource} has no field {found['name']} there", hint=columns)
    if found := _MISMATCH.search(said):
        return PredicateError(
            f"{found['what']} does not take {found['types'].strip()}",
            hint="compare values of one type: quote text, or use a typed parameter",
        )
    return PredicateError(f"{heard.place.service} refused the query over {resource}: {said}")


def _unreachable(heard: _Heard) -> DicomFilterError | None:
    from google.api_core import exceptions as api
    from google.auth.exceptions import TransportError
    from requests.exceptions import RequestException

    lost = (RequestException, TransportError, ConnectionError)
    if not isinstance(heard.error, (*lost, api.RetryError, api.ServiceUnavailable)):
        return None
    return RemoteError(
        f"{heard.where} could not be reached: {heard.said}",
        hint="check the network and the proxy settings, then run it again",
    )


def _failed(heard: _Heard) -> DicomFilterError | None:
    from google.api_core.exceptions import ServerError, TooManyRequests

    if not isinstance(heard.error, ServerError | TooManyRequests):
        return None
    return RemoteError(f"{heard.where} failed: {heard.said}", hint="run it again in a moment")


_RULES = (
    _no_credentials,
    _over_limit,
    _known_reason,
    _elsewhere,
    _forbidden,
    _missing,
    _refused_query,
    _unreachable,
    _failed,
)
