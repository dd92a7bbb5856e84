from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.errors import UsageError
from dicomfilter.stores.healthcare.discovery import ApiVersion, document, prepare
from dicomfilter.stores.healthcare.grants import Grant, service_agent
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.requests import (
    Deidentify,
    ExportToBigQuery,
    ExportToGcs,
    ImportFromGcs,
    SetStorageClass,
    StorageClass,
    TableForm,
    WriteDisposition,
    recalled,
)

if TYPE_CHECKING:
    from dicomfilter.stores.requests import Request

STORE = StoreName.parse("projects/p/locations/l/datasets/d/dicomStores/s")
OTHER = StoreName(STORE.parent, "t")
FILTER = {"filterConfig": {"resourcePathsGcsUri": "gs://in/f.txt"}}
BODIES: list[tuple[Request, dict[str, Any]]] = [
    (ExportToGcs("gs://o/x"), {"gcsDestination": {"uriPrefix": "gs://o/x"}}),
    (
        ExportToGcs("gs://o/x", "image/png", "gs://in/f.txt"),
        {"gcsDestination": {"uriPrefix": "gs://o/x", "mimeType": "image/png"}, **FILTER},
    ),
    (
        ExportToBigQuery("q.d.t"),
        {"bigqueryDestination": {"tableUri": "bq://q.d.t", "writeDisposition": "WRITE_EMPTY"}},
    ),
    (
        ExportToBigQuery(
            "bq://q.d.t",
            WriteDisposition.WRITE_TRUNCATE,
            TableForm.JSON,
            include_source_store=True,
            filter_uri="gs://in/f.txt",
        ),
        {
            "bigqueryDestination": {
                "tableUri": "bq://q.d.t",
                "writeDisposition": "WRITE_TRUNCATE",
                "schemaJson": {},
                "includeSourceStore": True,
            },
            **FILTER,
        },
    ),
    (
        ExportToBigQuery("q.d.t", WriteDisposition.WRITE_APPEND, TableForm.FLATTENED),
        {
            "bigqueryDestination": {
                "tableUri": "bq://q.d.t",
                "writeDisposition": "WRITE_APPEND",
                "schemaFlattened": {},
            }
        },
    ),
    (ImportFromGcs("gs://i/**.dcm"), {"gcsSource": {"uri": "gs://i/**.dcm"}}),
    (
        ImportFromGcs("gs://i/*", StorageClass.COLDLINE),
        {
            "gcsSource": {"uri": "gs://i/*"},
            "blobStorageSettings": {"blobStorageClass": "COLDLINE"},
        },
    ),
    (
        SetStorageClass(StorageClass.ARCHIVE, "gs://in/f.txt"),
        {"blobStorageSettings": {"blobStorageClass": "ARCHIVE"}, **FILTER},
    ),
    (Deidentify(OTHER), {"destinationStore": str(OTHER)}),
    (
        Deidentify(OTHER, gcs_config_uri="gs://c/c.json", filter_uri="gs://in/f.txt"),
        {"destinationStore": str(OTHER), "gcsConfigUri": "gs://c/c.json", **FILTER},
    ),
    (
        Deidentify(OTHER, {"text": {}}),
        {"destinationStore": str(OTHER), "config": {"text": {}}},
    ),
]


@pytest.mark.parametrize(("request_", "body"), BODIES, ids=range(len(BODIES)))
def test_a_request_is_this_body(request_: Request, body: dict[str, Any]) -> None:
    assert request_.body() == body
    for version in ApiVersion:
        assert prepare(STORE, request_, version).body == body


@pytest.mark.parametrize(("request_", "body"), BODIES, ids=range(len(BODIES)))
def test_v1beta1_is_chosen_whenever_a_filter_is_sent(
    request_: Request, body: dict[str, Any]
) -> None:
    expected = ApiVersion.V1BETA1 if "filterConfig" in body else ApiVersion.V1
    assert prepare(STORE, request_).version is expected


def test_force_is_never_sent() -> None:
    assert not any("force" in str(body) for _, body in BODIES)


def test_every_class_and_disposition_of_the_document_can_be_asked_for() -> None:
    schemas = document(ApiVersion.V1)["schemas"]
    classes = schemas["BlobStorageSettings"]["properties"]["blobStorageClass"]["enum"]
    assert set(classes) == {"BLOB_STORAGE_CLASS_UNSPECIFIED", *StorageClass}
    table = schemas["GoogleCloudHealthcareV1DicomBigQueryDestination"]["properties"]
    names = {disposition.name for disposition in WriteDisposition}
    assert set(table["writeDisposition"]["enum"]) == {"WRITE_DISPOSITION_UNSPECIFIED", *names}


@pytest.mark.parametrize(
    "make",
    [
        lambda: ExportToGcs("out"),
        lambda: ExportToGcs("gs://o/*"),
        lambda: ExportToGcs("gs://o/", "image/gif"),
        lambda: ExportToGcs("gs://o/", filter_uri="f.txt"),
        lambda: ExportToGcs("gs://o/", filter_uri="gs://in/*.txt"),
        lambda: ExportToBigQuery("d.t"),
        lambda: ExportToBigQuery("p.d.t", filter_uri="gs://in/"),
        lambda: ImportFromGcs("gs://i/**/a"),
        lambda: SetStorageClass(StorageClass.ARCHIVE, "f.txt"),
        lambda: Deidentify(OTHER, {}, "gs://c/c.json"),
        lambda: Deidentify(OTHER, gcs_config_uri="c.json"),
    ],
)
def test_a_request_that_cannot_be_is_refused_when_it_is_made(make: Any) -> None:
    with pytest.raises(UsageError):
        make()


def needs(request: Request, store: StoreName = STORE) -> list[tuple[str, str]]:
    return [(grant.role, grant.resource) for grant in request.grants(store)]


def test_the_agent_s_roles_are_those_of_the_documentation() -> None:
    reads = ("roles/storage.objectViewer", "gs://in")
    assert needs(ExportToGcs("gs://o/x", filter_uri="gs://in/f")) == [
        ("roles/storage.objectAdmin", "gs://o"),
        reads,
    ]
    assert needs(ExportToBigQuery("q.d.t", filter_uri="gs://in/f")) == [
        ("roles/bigquery.dataEditor", "project q"),
        ("roles/bigquery.jobUser", "project q"),
        reads,
    ]
    assert needs(ImportFromGcs("gs://i/**")) == [("roles/storage.objectViewer", "gs://i")]
    assert needs(SetStorageClass(StorageClass.ARCHIVE, "gs://in/f")) == [reads]
    assert needs(Deidentify(OTHER, gcs_config_uri="gs://c/c", filter_uri="gs://in/f")) == [
        ("roles/storage.objectViewer", "gs://c"),
        reads,
    ]


def test_the_agent_is_that_of_the_store_s_project_wherever_it_writes() -> None:
    (grant, *_) = ExportToBigQuery("q.d.t").grants(STORE)
    assert isinstance(grant, Grant)
    assert "gcloud projects describe p " in grant.agent
    assert grant.line.startswith("gcloud projects add-iam-policy-binding q ")
    numbered = StoreName.parse("projects/42/locations/l/datasets/d/dicomStores/s")
    assert service_agent(numbered) == "service-42@gcp-sa-healthcare.iam.gserviceaccount.com"


@pytest.mark.parametrize(("request_", "body"), BODIES, ids=range(len(BODIES)))
def test_what_is_remembered_of_a_request_tells_what_it_needs(
    request_: Request, body: dict[str, Any]
) -> None:
    if "gcsConfigUri" in body:
        return
    again = recalled(request_.verb, request_.place, request_.filter_uri)
    assert again is not None
    assert again.grants(STORE) == request_.grants(STORE)


@pytest.mark.parametrize(
    ("verb", "place"), [("delete", "gs://o/"), ("export", "out"), ("deidentify", "x")]
)
def test_what_makes_no_sense_is_not_recalled(verb: str, place: str) -> None:
    assert recalled(verb, place, None) is None
