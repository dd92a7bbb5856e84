"""Google's errors, turned into ours; its libraries are imported late here too."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

from dicomfilter.errors import (
    CostLimitError,
    DicomFilterError,
    PredicateError,
    RemoteError,
    RemoteNotFoundError,
    RemotePermissionError,
)

LOG_IN = "log in with `gcloud auth application-default login`"
_REASON_HINTS = {
    "quotaExceeded": "wait, or ask for more quota in the project's IAM & Admin > Quotas page",
    "rateLimitExceeded": "wait a moment and run it again",
    "billingNotEnabled": "enable billing for the project, or use another: GOOGLE_CLOUD_PROJECT",
    "responseTooLarge": "give staged rows a table of their own with --temp-dataset PROJECT.DATASET",
    "resourcesExceeded": "select less at once, or a coarser --level",
    "blocked": "see the project's notices in the Google Cloud console",
}
_NO_ROWS = (
    *_REASON_HINTS,
    "accessDenied",
    "backendError",
    "bytesBilledLimitExceeded",
    "internalError",
    "jobBackendError",
    "notFound",
    "stopped",
    "timeout",
)
"""Reasons for which the service says nothing of rows."""
_OF_PLACES = re.compile(r"Cannot read and write in different locations: [\w-]+: [\w, :-]+\.?")
"""Words of the service that name places and nothing else."""
_UNSHOWN = "what it says is not shown, for it may quote a row"
_LATE = (
    ("requests.exceptions", "RequestException"),
    ("google.resumable_media.common", "InvalidResponse"),
    ("google.resumable_media.common", "DataCorruption"),
    ("google.cloud.bigquery.exceptions", "BigQueryError"),
    ("google.cloud.bigquery_storage_v1.exceptions", "StreamClosedError"),
    ("googleapiclient.errors", "Error"),
    ("httplib2.error", "HttpLib2Error"),
    ("http.client", "HTTPException"),
)
"""Errors of libraries that need not be installed, or loaded."""
_PERMISSION = re.compile(r"\b(?:bigquery|storage|healthcare|serviceusage)(?:\.[A-Za-z]+)+")
_DENIED_TABLE = re.compile(r"Access Denied: (?:Table|View|Dataset) (?P<project>[\w.:-]+):\w")
_LOST_DATASET = re.compile(r"Not found: Dataset (?P<project>[\w.:-]+):(?P<dataset>\w+)")
_IN_PROJECT = re.compile(r"in project (?P<project>[\w.:-]*\w)")
_BUCKET = re.compile(r"gs://[^/]+")
_MEMBER = re.compile(r"(?P<email>[\w.+-]+@[\w.-]*\w) does not have")
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
        shows_rows: Whether rows are computed or read there, so that what is said of a failure may
            quote one.
    """

    service: str
    resource: str
    project: str
    permission: str
    missing: type[DicomFilterError] = RemoteNotFoundError
    shows_rows: bool = False


@dataclass(frozen=True, slots=True)
class google_errors:  # noqa: N801 - it is used as a function
    """Turn what Google's libraries raise inside into our errors.

    Args:
        place: What is asked of Google.

    Raises:
        DicomFilterError: Of the class that fits; from the original error, unless that may quote
            a row of a table.
    """

    place: Place

    def __enter__(self) -> None: ...

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: object
    ) -> None:
        # Some of ours are built-in errors too.
        if isinstance(error, DicomFilterError):
            return
        if isinstance(error, failures()):
            ours = translate(error, self.place)
        elif is_of_wrong_shape(error):
            ours = RemoteError(
                f"{self.place.service} ({self.place.resource}) answered with something that it "
                "never sends",
                hint="check the network, its proxies, and the variables that name an emulator",
            )
        else:
            return
        if not self.place.shows_rows:
            raise ours from error
        del error  # a traceback may show what is called so here
        try:
            raise ours
        finally:
            ours.__context__ = None


def failures() -> tuple[type[Exception], ...]:
    """List what Google's libraries raise where a call does not succeed."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    libraries = [_class(*name) for name in _LATE]
    theirs = [found for found in libraries if found is not None]
    return (GoogleAPIError, GoogleAuthError, ConnectionError, TimeoutError, *theirs)


def _class(module: str, name: str) -> type[Exception] | None:
    """Find a class of a library that is in use; what is not cannot raise."""
    found: type[Exception] | None = getattr(sys.modules.get(module), name, None)
    return found


def reason(error: BaseException) -> str:
    """Read Google's reason for an error, such as ``accessDenied``; may be empty."""
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
    error = _last_heard(error)
    why = reason(error)
    said = _UNSHOWN if place.shows_rows and _may_quote(error, why) else _said(error)
    heard = _Heard(error, place, said, why)
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


def _may_quote(error: Exception, why: str) -> bool:
    """Tell whether an answer of the service may hold values of a row."""
    from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound

    is_answer = isinstance(error, GoogleAPICallError) and not _OF_PLACES.fullmatch(_said(error))
    return is_answer and not isinstance(error, Forbidden | NotFound) and why not in _NO_ROWS


def _first(error: BaseException) -> Any:  # noqa: ANN401 - what the service sent
    errors = getattr(error, "errors", None)
    return errors[0] if isinstance(errors, list | tuple) and errors else None


def _said(error: BaseException) -> str:
    """Read the first line, without the position in a text that the user has not seen."""
    first = _first(error) or _answered(error)
    text = first.get("message") if isinstance(first, dict) else None
    text = text or getattr(error, "message", None) or str(error)
    lines = str(text).strip().splitlines()
    return _POSITION.sub("", lines[0]) if lines else type(error).__name__


def _last_heard(error: Exception) -> Exception:
    """Give what the service answered last, where a call was repeated until time was up."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError, from_http_response

    if not isinstance(error, RetryError):
        return error
    cause = error.cause
    if isinstance(cause, GoogleAPICallError):
        return cause
    answer = getattr(cause, "response", None)
    if answer is None:
        return error
    make: Any = from_http_response
    heard: Exception = make(answer)
    return heard


def _answered(error: BaseException) -> Any:  # noqa: ANN401 - what the service sent
    """Read the error in the answer itself, which uploads and downloads leave there."""
    try:
        return error.response.json()["error"]  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError, LookupError, TypeError):
        return None


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
    hint = "check the name; datasets that one query reads or writes must share a location"
    if _BUCKET.match(heard.place.resource):
        hint = "add --staging gs://BUCKET with a bucket in the location of the table's dataset"
    return kind(f"{heard.where} is not where it was looked for: {heard.said}", hint=hint)


def _forbidden(heard: _Heard) -> DicomFilterError | None:
    from google.api_core.exceptions import Forbidden

    if not isinstance(heard.error, Forbidden):
        return None
    place, said = heard.place, heard.said
    if bar := barred(place.service, said, heard.why, place.project):
        return RemotePermissionError(f"{heard.where}: {bar[0]} ({said})", hint=bar[1])
    named, table, project = (p.search(said) for p in (_PERMISSION, _DENIED_TABLE, _IN_PROJECT))
    permission = "bigquery.tables.getData" if table else place.permission
    permission = named.group(0) if named else permission
    owner = next((found["project"] for found in (table, project) if found), place.project)
    role = ROLES.get(permission)
    hint = f"ask for a role that holds {permission}"
    if role:
        bucket = _BUCKET.match(place.resource)
        of = f"storage buckets add-iam-policy-binding {bucket[0]}" if bucket else ""
        of = of or f"projects add-iam-policy-binding {owner}"
        hint = f"ask an owner to run `gcloud {of} --member={_member(said)} --role={role}`"
    message = f"{place.service} does not let you use {place.resource}: {permission} is needed"
    return RemotePermissionError(message, hint=hint)


def _member(said: str) -> str:
    """Name whom the service refused, where it says so.

    >>> _member("ana@clinic.org does not have storage.objects.get access"), _member("no")
    ('user:ana@clinic.org', 'user:YOU')
    """
    found = _MEMBER.search(said)
    if found is None:
        return "user:YOU"
    kind = "serviceAccount" if found["email"].endswith(".gserviceaccount.com") else "user"
    return f"{kind}:{found['email']}"


def _missing(heard: _Heard) -> DicomFilterError | None:
    from google.api_core.exceptions import NotFound

    if not isinstance(heard.error, NotFound):
        return None
    place, lost = heard.place, _LOST_DATASET.search(heard.said)
    why = f": there is no dataset {lost['project']}.{lost['dataset']}" if lost else ""
    return place.missing(
        f"{place.service} knows no {place.resource}{why}",
        hint="check the spelling, and that you may see it",
    )


def _refused_query(heard: _Heard) -> DicomFilterError | None:
    from google.api_core.exceptions import BadRequest

    if heard.why != "invalidQuery" or not isinstance(heard.error, BadRequest):
        return None
    resource, said = heard.place.resource, _said(heard.error)  # of which names and types are shown
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
    if heard.said == _UNSHOWN:
        return None
    return PredicateError(f"{heard.place.service} refused the query over {resource}: {said}")


def _of_a_row(heard: _Heard) -> DicomFilterError | None:
    from google.api_core.exceptions import BadRequest

    if heard.said != _UNSHOWN or not isinstance(heard.error, BadRequest):
        return None
    if re.search("regular expression|regexp", _said(heard.error), re.IGNORECASE):
        return PredicateError(
            "a text that the predicate uses as a pattern is no regular expression",
            hint="write the pattern as a literal, or escape what it is made of",
        )
    return PredicateError(
        f"{heard.place.service} cannot compute over {heard.place.resource} what the query asks",
        hint="use SAFE_CAST, SAFE_OFFSET or SAFE_DIVIDE where a row may not convert",
    )


def _unreachable(heard: _Heard) -> DicomFilterError | None:
    from google.api_core import exceptions as api
    from google.auth.exceptions import TransportError
    from requests.exceptions import RequestException

    late = (_class("httplib2.error", "HttpLib2Error"), _class("http.client", "HTTPException"))
    lost: list[type[Exception]] = [found for found in late if found is not None]
    lost += [RequestException, TransportError, ConnectionError, TimeoutError]
    lost += [api.RetryError, api.ServiceUnavailable]
    if not isinstance(heard.error, tuple(lost)):
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
    _of_a_row,
    _unreachable,
    _failed,
)


_LIBRARIES = frozenset({"google", "googleapiclient", "json", "requests", "simplejson"})
_RAISED = (ValueError, TypeError, LookupError, AttributeError)
"""What code raises that takes an answer apart and finds another one."""


def is_of_wrong_shape(error: BaseException | None) -> bool:
    """Tell whether Google's libraries failed over an answer of another shape."""
    if not isinstance(error, _RAISED):
        return False
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] in _LIBRARIES


@dataclass(frozen=True, slots=True)
class Barrier:
    """Something that no role lifts.

    Args:
        reason: Google's short word for it.
        words: A pattern of what it says.
        told: What is in the way; ``{service}`` is who refuses.
        hint: What to do; ``{project}`` is whose service it is.
    """

    reason: str
    words: str
    told: str
    hint: str


_BARRIERS = (
    Barrier(
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        r"insufficient authentication scopes|insufficient_scope",
        "the credentials were made without the scope that {service} needs",
        "log in with `gcloud auth application-default login`; on a virtual machine, have its "
        "access scopes set to cloud-platform",
    ),
    Barrier(
        "SECURITY_POLICY_VIOLATED",
        r"vpcServiceControls|VPC Service Controls|prohibited by organization's policy",
        "a service perimeter (VPC Service Controls) keeps you out of {service}",
        "give the identifier in the message to an administrator of the organization, or work from "
        "within the perimeter",
    ),
    Barrier(
        "retentionPolicyNotMet",
        r"retention policy|object retention|(?:event-based|temporary) hold",
        "a retention policy or a hold keeps what is there, and no role lifts that ({service})",
        "choose a fresh destination, where nothing is to be replaced",
    ),
    Barrier(
        "SERVICE_DISABLED",
        r"has not been used in project|API (?:is|has been) disabled|it is disabled",
        "the API of {service} is not enabled",
        "ask an owner of the project that the message names to enable it",
    ),
    Barrier(
        "BILLING_DISABLED",
        r"billing (?:is|has been|to be) (?:disabled|enabled)",
        "{service} wants a project with billing",
        "enable billing for {project}",
    ),
    Barrier(
        "USER_PROJECT_DENIED",
        r"(?!)",
        "you may not use the project that the quota of {service} is taken from",
        "name another: `gcloud auth application-default set-quota-project PROJECT`",
    ),
)


ROLES = {
    "bigquery.jobs.create": "roles/bigquery.jobUser",
    "bigquery.readsessions.create": "roles/bigquery.readSessionUser",
    "bigquery.tables.create": "roles/bigquery.dataEditor",
    "bigquery.tables.delete": "roles/bigquery.dataEditor",
    "bigquery.tables.get": "roles/bigquery.dataViewer",
    "bigquery.tables.getData": "roles/bigquery.dataViewer",
    "bigquery.tables.updateData": "roles/bigquery.dataEditor",
    "serviceusage.services.use": "roles/serviceusage.serviceUsageConsumer",
    "storage.objects.create": "roles/storage.objectUser",
    "storage.objects.delete": "roles/storage.objectUser",
    "storage.objects.get": "roles/storage.objectViewer",
    "storage.objects.list": "roles/storage.objectViewer",
}
"""The smallest role that holds a permission."""


def barred(service: str, said: str, why: str, project: str) -> tuple[str, str] | None:
    """Recognise a refusal that no role would lift.

    Args:
        service: Who refuses.
        said: What it says.
        why: Its short reason, such as ``SERVICE_DISABLED``.
        project: Whose service it is.

    Returns:
        What is in the way, and what to do about it; None where a role may be missing.

    >>> barred("X", "Request had insufficient authentication scopes.", "", "p")[0]
    'the credentials were made without the scope that X needs'
    """
    for barrier in _BARRIERS:
        if why == barrier.reason or re.search(barrier.words, said, re.IGNORECASE):
            told = barrier.told.format(service=service)
            return told, barrier.hint.format(project=project)
    return None
