from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from dicomfilter.errors import UsageError
from dicomfilter.stores.healthcare import discovery
from dicomfilter.stores.healthcare.discovery import ApiVersion, prepare
from dicomfilter.stores.healthcare.names import StoreName

STORE = StoreName.parse("projects/p/locations/l/datasets/d/dicomStores/s")


@dataclass(frozen=True)
class Raw:
    """A request of any body, as a slip of ours could make it."""

    content: dict[str, Any] = field(default_factory=dict)
    verb: str = "export"
    api_method: str = "ExportDicomData"
    filter_uri: str | None = None
    place: str = "gs://o/"

    def body(self) -> dict[str, Any]:
        return self.content

    def grants(self, store: StoreName) -> tuple[()]:
        return ()


WRONG = {
    "a misspelt filter": ({"filterconfig": {}}, "there is no field filterconfig"),
    "a misspelt field": (
        {"filterConfig": {"resourcePathGcsUri": "gs://b/o"}},
        "no field filterConfig.resourcePathGcsUri",
    ),
    "a list": ({"filterConfig": {"resourcePathsGcsUri": ["gs://b/o"]}}, "not of type string"),
    "text for an object": ({"filterConfig": "gs://b/o"}, "filterConfig is"),
    "null": ({"filterConfig": None}, "filterConfig is null"),
    "a bad word": (
        {"bigqueryDestination": {"writeDisposition": "WRITE_OVER"}},
        "not one of WRITE_DISPOSITION_UNSPECIFIED",
    ),
    "text for truth": ({"bigqueryDestination": {"force": "true"}}, "not of type boolean"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_body_that_the_service_would_not_know_is_not_sent(name: str) -> None:
    body, words = WRONG[name]
    for version in ApiVersion:
        with pytest.raises(UsageError, match=words):
            prepare(STORE, Raw(body), version)


def test_a_field_of_one_version_is_refused_in_the_other() -> None:
    body = {"bigqueryDestination": {"tableUri": "bq://p.d.t", "changeDataCaptureConfig": {}}}
    assert prepare(STORE, Raw(body), ApiVersion.V1BETA1).body == body
    with pytest.raises(UsageError, match="changeDataCaptureConfig") as caught:
        prepare(STORE, Raw(body), ApiVersion.V1)
    assert "--api-version v1beta1" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"dicom": {"keepList": {"tags": "PatientID"}}}, "not of type array"),
        ({"dicom": {"keepList": {"tags": [1]}}}, r"config\.dicom\.keepList\.tags\[0\] is 1"),
        ({"image": {"customRegexes": [{"groupIndexes": ["1"]}]}}, "not of type integer"),
        ({"dicom": {"skipIdRedaction": 1}}, "not of type boolean"),
    ],
)
def test_a_configuration_is_compared_to_its_depth(config: dict[str, Any], words: str) -> None:
    body = {"destinationStore": "x", "config": config}
    with pytest.raises(UsageError, match=words):
        prepare(STORE, Raw(body, verb="deidentify"), ApiVersion.V1)


def test_a_method_that_is_not_there_is_a_client_that_is_too_old() -> None:
    with pytest.raises(UsageError, match=r"knows no dicomStores\.exportAll"):
        prepare(STORE, Raw(verb="exportAll"))


@pytest.mark.parametrize(
    ("verb", "parameter"),
    [
        ("export", "name"),
        ("import", "name"),
        ("setBlobStorageSettings", "resource"),
        ("deidentify", "sourceStore"),
    ],
)
def test_a_call_knows_its_url_and_what_it_calls_the_store(verb: str, parameter: str) -> None:
    call = prepare(STORE, Raw(verb=verb), ApiVersion.V1BETA1)
    assert discovery.parameter(call.version, verb) == parameter
    assert call.url == f"https://healthcare.googleapis.com/v1beta1/{STORE}:{verb}"


def test_another_endpoint_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMFILTER_HEALTHCARE_ENDPOINT", "http://127.0.0.1:1/")
    assert prepare(STORE, Raw()).url == f"http://127.0.0.1:1/v1/{STORE}:export"
    monkeypatch.setenv("DICOMFILTER_HEALTHCARE_ENDPOINT", "127.0.0.1:1")
    with pytest.raises(UsageError, match="is no URL"):
        prepare(STORE, Raw())
