from __future__ import annotations

import contextlib
import importlib
import pkgutil
import warnings
from typing import Any

import pytest

from dicomfilter.errors import (
    CostLimitError,
    DicomFilterError,
    PredicateError,
    RemoteError,
    RemoteNotFoundError,
    RemotePermissionError,
    StillRunningError,
    TableNotFoundError,
)
from dicomfilter.google_errors import LOG_IN, Place, google_errors, reason, translate

URI = "bq://demo.dicom.metadata"
PLACE = Place("BigQuery", URI, "demo", "bigquery.tables.getData", TableNotFoundError)


def api(name: str, message: str, why: str = "") -> Exception:
    from google.api_core import exceptions

    errors = [{"reason": why, "message": message}] if why else []
    made = getattr(exceptions, name)(message, errors=errors)
    assert isinstance(made, Exception)
    return made


PACKAGES = (
    "google.api_core",
    "google.auth",
    "google.oauth2",
    "google.resumable_media",
    "google.cloud.bigquery",
    "google.cloud.bigquery_storage_v1",
    "google.cloud.storage",
    "googleapiclient",
    "httplib2",
)
BASES = {
    "google.api_core.exceptions": ("GoogleAPIError",),
    "google.auth.exceptions": ("GoogleAuthError",),
    "google.cloud.exceptions": ("GoogleCloudError",),
    "google.cloud.bigquery.exceptions": ("BigQueryError",),
    "google.cloud.bigquery_storage_v1.exceptions": ("StreamClosedError",),
    "google.resumable_media.common": ("InvalidResponse", "DataCorruption"),
    "googleapiclient.errors": ("Error",),
    "httplib2.error": ("HttpLib2Error",),
}
OTHERS = {
    "google.api_core._feature_gating_helpers.FeatureGatingError": "a method that is not used",
    "google.api_core.exceptions.AsyncRestUnsupportedParameterError": "nothing is asynchronous",
    "google.api_core.future.async_future._OperationNotComplete": "stays inside the client",
    "google.api_core.future.polling._OperationNotComplete": "stays inside the client",
    "google.api_core.iam.InvalidOperationException": "policies are not written",
    "google.api_core.universe.EmptyUniverseError": "a setting of the environment, at the start",
    "google.api_core.universe.UniverseMismatchError": "a setting of the environment",
    "google.auth.transport._mtls_helper._MemfdCreationError": "stays inside the client",
    "google.cloud.storage.exceptions.InvalidPathError": "a programming error",
    "googleapiclient.discovery.APICoreVersionError": "a broken installation",
    "httplib2.decode.DecodeLimitError": "made a FailedToDecompressContent",
    "httplib2.decode.DecodeRatioError": "made a FailedToDecompressContent",
}
"""What is none of these, and why no one meets it."""


def subclasses(kind: type) -> list[type[Any]]:
    return [found for own in kind.__subclasses__() for found in (own, *subclasses(own))]


def walked() -> dict[str, Any]:
    """Import all of Google's packages and list their exceptions, by full name."""
    for package in PACKAGES:
        top = importlib.import_module(package)
        for found in pkgutil.walk_packages(top.__path__, f"{package}.", onerror=lambda _: None):
            with contextlib.suppress(ImportError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(found.name)
    kinds = {f"{k.__module__}.{k.__qualname__}": k for k in subclasses(Exception)}
    ours = {n: k for n, k in kinds.items() if n.startswith(tuple(f"{p}." for p in PACKAGES))}
    return {n: k for n, k in ours.items() if not n.startswith(("google.cloud.bigquery.dbapi",
        "google.cloud.bigquery.magics"))}  # fmt: skip


def made(kind: Any) -> Any:
    """Make an error of a class, whatever it is made of."""
    from httplib2 import Response

    failed = Response({"status": "500", "reason": "broken"})
    attempts: list[tuple[Any, ...]] = [("a message",), (None, "a message"), ("a message", {}, b"")]
    http_error = importlib.import_module("googleapiclient.errors").HttpError
    if issubclass(kind, http_error) and kind.__name__ != "BatchError":
        attempts.insert(0, (failed, b"a message"))
    if kind.__name__ == "RetryError":
        attempts.insert(0, ("gave up", ConnectionError("lost")))
    for arguments in attempts:
        with contextlib.suppress(TypeError):
            return kind(*arguments)
    raise AssertionError(kind)


def test_every_error_of_google_becomes_one_of_ours() -> None:
    bases = tuple(
        getattr(importlib.import_module(module), name)
        for module, names in BASES.items()
        for name in names
    )
    kinds = {**walked(), **{f"{b.__module__}.{b.__qualname__}": b for b in bases}}
    seen = {name: kind for name, kind in kinds.items() if issubclass(kind, bases)}
    assert set(kinds) - set(seen) == set(OTHERS)
    assert len(seen) > 80
    for name, kind in seen.items():
        error = made(kind)
        with pytest.raises(DicomFilterError) as caught, google_errors(PLACE):
            raise error
        assert caught.value.__cause__ is error, name
        assert URI in caught.value.message, name
        assert "\n" not in caught.value.message, name


@pytest.mark.parametrize("module", ["googleapiclient.errors", "httplib2.error"])
def test_every_error_of_the_healthcare_client_becomes_one_of_ours(module: str) -> None:
    from dicomfilter.stores.healthcare.names import StoreName
    from dicomfilter.stores.healthcare.refusals import Asked, explain, failures

    (base,) = BASES[module]
    top = getattr(importlib.import_module(module), base)
    store = StoreName.parse("projects/demo/locations/europe-west2/datasets/d/dicomStores/s")
    for kind in (top, *subclasses(top)):
        error = made(kind)
        assert isinstance(error, failures())
        ours = explain(error, Asked("export", str(store), store))
        assert isinstance(ours, RemoteError)
        assert str(store) in ours.message


@pytest.mark.parametrize(
    "error", [ConnectionError("reset"), ConnectionRefusedError("refused"), TimeoutError("slow")]
)
def test_a_lost_connection_is_the_network(error: Exception) -> None:
    with pytest.raises(RemoteError, match="could not be reached"), google_errors(PLACE):
        raise error


def test_a_lost_connection_of_requests_is_the_network() -> None:
    from requests.exceptions import ReadTimeout

    with pytest.raises(RemoteError, match="could not be reached"), google_errors(PLACE):
        raise ReadTimeout("slow")


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(KeyError), google_errors(PLACE):
        raise KeyError("ours")


def test_our_own_errors_pass() -> None:
    ours = CostLimitError("too much")
    with pytest.raises(CostLimitError) as caught, google_errors(PLACE):
        raise ours
    assert caught.value is ours


@pytest.mark.parametrize("name", ["Unauthorized", "Unauthenticated"])
def test_missing_credentials_say_how_to_log_in(name: str) -> None:
    ours = translate(api(name, "Request had invalid authentication credentials."), PLACE)
    assert isinstance(ours, RemotePermissionError)
    assert ours.hint == LOG_IN


@pytest.mark.parametrize("name", ["DefaultCredentialsError", "RefreshError", "ReauthFailError"])
def test_unusable_credentials_say_how_to_log_in(name: str) -> None:
    from google.auth import exceptions

    assert translate(getattr(exceptions, name)("expired"), PLACE).hint == LOG_IN


@pytest.mark.parametrize(
    ("words", "permission", "project", "role"),
    [
        (
            "Access Denied: User does not have bigquery.jobs.create permission in project payer.",
            "bigquery.jobs.create",
            "payer",
            "roles/bigquery.jobUser",
        ),
        (
            "Access Denied: Table example.com:p:d.t: User does not have permission to query table",
            "bigquery.tables.getData",
            "example.com:p",
            "roles/bigquery.dataViewer",
        ),
        (
            "the user does not have 'bigquery.readsessions.create' permission for 'projects/demo'",
            "bigquery.readsessions.create",
            "demo",
            "roles/bigquery.readSessionUser",
        ),
        ("Access Denied", "bigquery.tables.get", "demo", "roles/bigquery.dataViewer"),
    ],
)
def test_403_names_the_permission_the_resource_and_the_command(
    words: str, permission: str, project: str, role: str
) -> None:
    place = Place("BigQuery", URI, "demo", "bigquery.tables.get")
    ours = translate(api("Forbidden", words, "accessDenied"), place)
    assert isinstance(ours, RemotePermissionError)
    assert ours.exit_status == 4
    assert ours.message == f"BigQuery does not let you use {URI}: {permission} is needed"
    command = f"gcloud projects add-iam-policy-binding {project} --member=user:YOU --role={role}"
    assert f"`{command}`" in str(ours.hint)


def test_a_permission_without_a_known_role_is_still_named() -> None:
    ours = translate(api("Forbidden", "needs bigquery.models.create", "accessDenied"), PLACE)
    assert ours.hint == "ask for a role that holds bigquery.models.create"


@pytest.mark.parametrize(
    "why", ["quotaExceeded", "rateLimitExceeded", "billingNotEnabled", "responseTooLarge"]
)
def test_403_that_is_no_permission_is_not_called_one(why: str) -> None:
    ours = translate(api("Forbidden", "Exceeded something", why), PLACE)
    assert not isinstance(ours, RemotePermissionError)
    assert why in ours.message
    assert ours.hint


def test_404_is_the_error_that_the_caller_expects() -> None:
    lost = api("NotFound", "Not found: Table demo:dicom.metadata", "notFound")
    assert isinstance(translate(lost, PLACE), TableNotFoundError)
    elsewhere = Place("Cloud Storage", "gs://bucket/x", "demo", "storage.objects.get")
    ours = translate(lost, elsewhere)
    assert isinstance(ours, RemoteNotFoundError)
    assert ours.message == "Cloud Storage knows no gs://bucket/x"


def test_another_location_is_said() -> None:
    words = "Not found: Dataset demo:dicom was not found in location EU"
    ours = translate(api("NotFound", words, "notFound"), PLACE)
    assert isinstance(ours, TableNotFoundError)
    assert "location EU" in ours.message
    words = "Cannot read and write in different locations: source: EU, destination: US"
    ours = translate(api("BadRequest", words, "invalid"), PLACE)
    assert "share a location" in str(ours.hint)


def test_a_bucket_in_another_location_is_said_with_the_way_round() -> None:
    words = "Cannot read and write in different locations: source: EU, destination: US"
    place = Place("Cloud Storage", "gs://there/f", "demo", "storage.objects.create")
    ours = translate(api("BadRequest", words, "invalid"), place)
    assert isinstance(ours, RemoteError)
    assert "source: EU, destination: US" in ours.message
    assert "--staging gs://BUCKET" in str(ours.hint)


def test_a_missing_dataset_is_told_from_a_missing_table() -> None:
    ours = translate(api("NotFound", "Not found: Dataset demo:dicom", "notFound"), PLACE)
    assert isinstance(ours, TableNotFoundError)
    assert ours.message == f"BigQuery knows no {URI}: there is no dataset demo.dicom"


def test_errors_of_ours_that_are_built_in_errors_too_pass_as_they_are() -> None:
    for ours in (StillRunningError("it goes on"), RemotePermissionError("no")):
        with pytest.raises(type(ours)) as caught, google_errors(PLACE):
            raise ours
        assert caught.value is ours


@pytest.mark.parametrize("name", ["BadRequest", "InternalServerError"])
def test_the_bill_limit_is_a_cost_limit_whatever_class_it_comes_in(name: str) -> None:
    words = "Query exceeded limit for bytes billed: 1. 10485760 or higher required."
    for why in ("bytesBilledLimitExceeded", ""):
        ours = translate(api(name, words, why), PLACE)
        assert isinstance(ours, CostLimitError)
        assert ours.exit_status == 7


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            "Unrecognized name: PatientIDD; Did you mean PatientID? at [1:8]",
            f"{URI} has no column PatientIDD",
            "did you mean PatientID?",
        ),
        (
            "Unrecognized name: Colour at [1:8]",
            f"{URI} has no column Colour",
            f"run `dicomfilter columns {URI}`",
        ),
        (
            "Field name Alphabet does not exist in STRUCT<Alphabetic STRUCT<...>> at [1:20]",
            f"{URI} has no field Alphabet there",
            f"run `dicomfilter columns {URI}`",
        ),
        (
            "No matching signature for operator = for argument types: STRING, INT64. Supported",
            "operator = does not take STRING, INT64",
            "compare values of one type: quote text, or use a typed parameter",
        ),
        (
            "Syntax error: Unexpected end of script at [1:9]",
            f"BigQuery refused the query over {URI}: Syntax error: Unexpected end of script",
            None,
        ),
    ],
)
def test_a_refused_query_is_said_without_positions_in_text_that_nobody_saw(
    words: str, message: str, hint: str | None
) -> None:
    ours = translate(api("BadRequest", words, "invalidQuery"), PLACE)
    assert isinstance(ours, PredicateError)
    assert (ours.message, ours.hint) == (message, hint)


def test_an_outage_says_to_try_again() -> None:
    ours = translate(api("BadGateway", "502"), PLACE)
    assert isinstance(ours, RemoteError)
    assert ours.hint == "run it again in a moment"


def test_the_reason_is_read_from_any_error() -> None:
    assert reason(api("Forbidden", "no", "accessDenied")) == "accessDenied"
    assert reason(api("Forbidden", "no")) == ""
    assert reason(ValueError("no")) == ""
