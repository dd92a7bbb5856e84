from __future__ import annotations

import http.client
import inspect
import json
import ssl
from typing import Any

import pytest

from dicomfilter.errors import (
    DicomFilterError,
    RemoteError,
    RemoteNotFoundError,
    RemotePermissionError,
)
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.healthcare.refusals import (
    Asked,
    explain,
    failures,
    is_passing,
    operation_refused,
    short,
    surely_refused,
)
from dicomfilter.stores.requests import (
    Deidentify,
    ExportToBigQuery,
    ExportToGcs,
    ImportFromGcs,
    SetStorageClass,
    StorageClass,
)
from dicomfilter.stores.state import Status

STORE = StoreName.parse("projects/p/locations/l/datasets/d/dicomStores/s")
EXPORT = ExportToGcs("gs://out/x/", filter_uri="gs://in/f.txt")
TABLE = ExportToBigQuery("q.d.t", filter_uri="gs://in/f.txt")
STARTING = Asked("export", str(STORE), STORE, EXPORT)
LOOKING = Asked("get", "projects/p/locations/l/datasets/d/operations/7", STORE)


def http_error(status: int, message: str = "no", reason: str = "") -> Any:
    import httplib2
    from googleapiclient.errors import HttpError

    error: dict[str, Any] = {"code": status, "message": message, "status": "NO"}
    if reason:
        error["errors"] = [{"reason": reason, "message": message}]
    return HttpError(
        httplib2.Response({"status": str(status)}), json.dumps({"error": error}).encode()
    )


def sdk_errors() -> list[type[Exception]]:
    """Walk whatever the client, its transport and its credentials define as errors."""
    import google.auth.exceptions
    import googleapiclient.errors
    import httplib2.error

    found: set[type[Exception]] = set()
    for module in (googleapiclient.errors, httplib2.error, google.auth.exceptions, http.client):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Exception) and kind.__module__ == module.__name__:
                found.add(kind)
    found |= {ConnectionResetError, BrokenPipeError, TimeoutError, OSError, ssl.SSLError}
    return sorted(found, key=lambda kind: (kind.__module__, kind.__qualname__))


def instance(kind: type[Exception]) -> Exception:
    """Make an error of a class, whatever its constructor wants."""
    import httplib2

    answer = httplib2.Response({"status": "503"})
    for arguments in (("why",), (answer, b"{}"), ("why", answer, b""), (1, 2, 3), (b"part", 9), ()):
        try:
            made = kind(*arguments)
            str(made)
        except (TypeError, AttributeError, ValueError):
            continue
        return made
    raise AssertionError(kind)


def test_there_are_many_errors_to_walk() -> None:
    assert len(sdk_errors()) > 40


@pytest.mark.parametrize(
    "kind", sdk_errors(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}"
)
@pytest.mark.parametrize("asked", [STARTING, LOOKING], ids=["start", "look"])
def test_every_error_of_theirs_is_caught_and_becomes_ours(
    kind: type[Exception], asked: Asked
) -> None:
    error = instance(kind)
    if kind.__name__ == "UnsupportedOperation" or issubclass(kind, Warning):
        return
    assert isinstance(error, failures())
    found = explain(error, asked)
    assert isinstance(found, DicomFilterError)
    assert found.exit_status == 4
    assert found.message.isprintable()
    assert isinstance(is_passing(error), bool)
    assert short(error)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(status: int) -> None:
    assert is_passing(http_error(status))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 501])
def test_what_does_not_pass_is_not(status: int) -> None:
    error = http_error(status)
    assert not is_passing(error)
    assert surely_refused(error)


def test_a_rate_limit_passes_though_it_is_a_403() -> None:
    assert is_passing(http_error(403, reason="rateLimitExceeded"))


@pytest.mark.parametrize("status", [408, 500, 503])
def test_a_server_s_failure_says_nothing_about_a_start(status: int) -> None:
    assert not surely_refused(http_error(status))


def test_a_token_that_cannot_be_had_again_is_a_matter_of_logging_in() -> None:
    from google.auth.exceptions import RefreshError

    error = RefreshError("invalid_grant: Bad Request")
    assert not is_passing(error)
    found = explain(error, LOOKING)
    assert isinstance(found, RemotePermissionError)
    assert "gcloud auth application-default login" in (found.hint or "")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, RemotePermissionError),
        (403, RemotePermissionError),
        (404, RemoteNotFoundError),
        (400, RemoteError),
    ],
)
def test_a_status_has_its_error(status: int, kind: type[DicomFilterError]) -> None:
    found = explain(http_error(status, "for this reason"), STARTING)
    assert type(found) is kind
    assert status == 401 or "for this reason" in found.message


def test_an_answer_that_is_no_json_is_told_by_its_status() -> None:
    import httplib2
    from googleapiclient.errors import HttpError

    error = HttpError(httplib2.Response({"status": "502"}), b"<html>Bad Gateway</html>")
    assert "HTTP 502" in explain(error, LOOKING).message


def test_only_the_first_line_of_a_message_is_told() -> None:
    found = explain(http_error(400, "first\nsecond"), LOOKING)
    assert found.message.endswith("refused: first")


UNKNOWN = 'Invalid JSON payload received. Unknown name "filterConfig": Cannot find field.'


def test_a_version_without_the_filter_is_recognised() -> None:
    found = explain(http_error(400, UNKNOWN), STARTING)
    assert "does not know filterConfig" in found.message
    assert "--api-version v1beta1" in (found.hint or "")


AGENT = "service-42@gcp-sa-healthcare.iam.gserviceaccount.com"
OTHER = StoreName(STORE.parent, "t")
REFUSED = [
    (EXPORT, "Healthcare API doesn't have required Cloud Storage permission.", "gs://out gs://in",
     "roles/storage.objectAdmin roles/storage.objectViewer"),
    (TABLE, "Access Denied: BigQuery BigQuery: Permission denied", "projects",
     "roles/bigquery.dataEditor roles/bigquery.jobUser"),
    (TABLE, "something was refused", "q gs://in",
     "roles/bigquery.dataEditor roles/bigquery.jobUser roles/storage.objectViewer"),
    (ImportFromGcs("gs://i/**"), "storage.objects.list denied", "gs://i",
     "roles/storage.objectViewer"),
    (SetStorageClass(StorageClass.ARCHIVE, "gs://in/f"), "no access to the bucket", "gs://in",
     "roles/storage.objectViewer"),
    (Deidentify(OTHER, gcs_config_uri="gs://c/c", filter_uri="gs://in/f"), "gs://c/c: denied",
     "gs://c gs://in", "roles/storage.objectViewer"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "said", "where", "roles"), REFUSED, ids=range(len(REFUSED)))
def test_an_agent_s_missing_role_is_told_with_the_lines_that_grant_it(
    request_: Any, said: str, where: str, roles: str
) -> None:
    asked = Asked(request_.verb, str(STORE), STORE, request_)
    at_start = explain(http_error(403, said), asked)
    later = operation_refused(Status(7, said), STORE, request_)
    for found in (at_start, later):
        assert isinstance(found, RemotePermissionError)
        assert "gcp-sa-healthcare.iam.gserviceaccount.com" in found.message
        for part in roles.split():
            assert part in found.message
            assert f"--role={part}" in (found.hint or "")
        for part in where.split():
            assert part in (found.hint or "")


def test_the_agent_that_a_message_names_is_the_one_to_grant() -> None:
    found = explain(http_error(403, f"{AGENT} does not have storage.objects.create"), STARTING)
    assert found.message.startswith(AGENT)
    assert f'--member="serviceAccount:{AGENT}"' in (found.hint or "")
    assert "gcloud projects describe" not in (found.hint or "")


@pytest.mark.parametrize(
    ("verb", "permission", "role"),
    [
        ("export", "healthcare.dicomStores.export", "roles/healthcare.dicomViewer"),
        ("get", "healthcare.operations.get", "roles/healthcare.dicomViewer"),
        ("list", "healthcare.operations.list", "roles/healthcare.datasetAdmin"),
        ("cancel", "healthcare.operations.cancel", "roles/healthcare.dicomEditor"),
        ("import", "healthcare.dicomStores.import", "roles/healthcare.dicomEditor"),
    ],
)
def test_a_caller_s_missing_permission_is_told_with_the_line_that_grants_it(
    verb: str, permission: str, role: str
) -> None:
    said = http_error(403, "The caller does not have permission")
    found = explain(said, Asked(verb, "it", STORE, EXPORT if verb == "export" else None))
    assert permission in found.message
    assert f"--role={role}" in (found.hint or "")
    assert "gcloud healthcare datasets add-iam-policy-binding d --location=l --project=p" in (
        found.hint or ""
    )


@pytest.mark.parametrize("code", [1, 2, 3, 5, 13])
def test_other_ends_are_not_explained_away(code: int) -> None:
    assert operation_refused(Status(code, "no"), STORE, EXPORT) is None
    assert operation_refused(Status(7, "no"), STORE, None) is None


PAGE = b"<html><title>403</title>Blocked by your organisation</html>"
BARRED = {
    "scopes": ("Request had insufficient authentication scopes.", "", "scope"),
    "scopes, by its reason": ("Denied.", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "scope"),
    "perimeter": (
        "Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: a1",
        "",
        "service perimeter",
    ),
    "perimeter, by its reason": ("Denied.", "SECURITY_POLICY_VIOLATED", "service perimeter"),
    "disabled": (
        "Cloud Healthcare API has not been used in project 42 before or it is disabled.",
        "",
        "not enabled",
    ),
    "disabled, by its reason": ("Denied.", "SERVICE_DISABLED", "not enabled"),
    "billing": ("This API method requires billing to be enabled.", "", "billing"),
    "quota project": ("Denied.", "USER_PROJECT_DENIED", "quota"),
}


@pytest.mark.parametrize("name", BARRED)
def test_a_403_that_no_role_lifts_is_told_as_what_it_is(name: str) -> None:
    said, reason, told = BARRED[name]
    found = [explain(http_error(403, said, reason), asked) for asked in (STARTING, LISTING)]
    if not reason:
        found.append(operation_refused(Status(7, said), STORE, EXPORT))
    for error in found:
        assert isinstance(error, RemotePermissionError)
        assert told in error.message
        assert "roles/" not in f"{error.message} {error.hint}"
        assert "gcp-sa-healthcare" not in f"{error.message} {error.hint}"


LISTING = Asked("list", "the operations", STORE)


def test_a_page_of_html_is_nobody_s_missing_role() -> None:
    import httplib2
    from googleapiclient.errors import HttpError

    page = HttpError(httplib2.Response({"status": "403"}), PAGE)
    for asked in (STARTING, LISTING):
        found = explain(page, asked)
        assert "cannot tell why" in found.message
        assert "roles/" not in f"{found.message} {found.hint}"


def test_words_that_name_nobody_leave_open_whose_role_it_is() -> None:
    found = explain(http_error(403, "Permission denied"), STARTING)
    assert "cannot tell who lacks a permission" in found.message
    assert "Permission denied" in found.message
