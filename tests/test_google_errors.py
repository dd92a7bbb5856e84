from __future__ import annotations

import inspect
from typing import Any

import pytest

from dicomfilter.errors import (
    CostLimitError,
    DicomFilterError,
    PredicateError,
    RemoteError,
    RemoteNotFoundError,
    RemotePermissionError,
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


def every_error() -> list[Any]:
    """Make one of each class of google.api_core and google.auth."""
    from google.api_core import exceptions
    from google.auth import exceptions as auth

    made: list[Any] = []
    kinds = [*vars(exceptions).values(), *vars(auth).values()]
    bases = (exceptions.GoogleAPIError, auth.GoogleAuthError)
    for kind in kinds:
        if not inspect.isclass(kind) or not issubclass(kind, bases):
            continue
        if kind is exceptions.RetryError:
            made.append(kind("gave up", cause=ConnectionError("lost")))
        else:
            made.append(kind("a message"))
    return made


def test_every_error_of_google_becomes_one_of_ours() -> None:
    errors = every_error()
    assert len(errors) > 40
    for error in errors:
        with pytest.raises(DicomFilterError) as caught, google_errors(PLACE):
            raise error
        assert caught.value.__cause__ is error
        assert URI in caught.value.message
        assert "\n" not in caught.value.message


@pytest.mark.parametrize("error", [ConnectionError("reset"), ConnectionRefusedError("refused")])
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
