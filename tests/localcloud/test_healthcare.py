from __future__ import annotations

import io
import json
import time
from dataclasses import fields
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any, get_args

import pydicom
import pytest
from google.auth.exceptions import InvalidOperation
from googleapiclient.errors import HttpError

from tests.localcloud.dicom import write_instances
from tests.localcloud.healthcare import DATASET, test_files
from tests.localcloud.healthcare_server.assumptions import Assumptions
from tests.localcloud.healthcare_server.switches import Switches
from tests.localcloud.proxy import Reset, Status, When

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from google.cloud import storage

    from tests.localcloud.credentials import TokenServer
    from tests.localcloud.healthcare import Control, HealthcareServer
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.storage import StorageServer

OTHER = f"{DATASET}/dicomStores/other"
MISSING = "/studies/1.2.3.4"


@pytest.fixture(params=["v1", "v1beta1"])
def datasets(request: pytest.FixtureRequest, healthcare: HealthcareServer) -> Iterator[Any]:
    with healthcare.client(request.param) as client:
        yield client.projects().locations().datasets()


@pytest.fixture
def beta(healthcare: HealthcareServer) -> Iterator[Any]:
    with healthcare.client("v1beta1") as client:
        yield client.projects().locations().datasets()


@pytest.fixture
def filtered(gcs_client: storage.Client, bucket: str) -> Callable[[str], dict[str, Any]]:
    def make(text: str) -> dict[str, Any]:
        gcs_client.bucket(bucket).blob("filter.txt").upload_from_string(text)
        return {
            "filterConfig": {"resourcePathsGcsUri": f"gs://{bucket}/filter.txt"},
            "gcsDestination": {"uriPrefix": f"gs://{bucket}/out"},
        }

    return make


def parent(store: str) -> str:
    return store.partition("/dicomStores/")[0]


def ended(datasets: Any, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        described = datasets.operations().get(name=name).execute()
        if described.get("done"):
            return described
        time.sleep(0.005)
    raise AssertionError(f"still running: {described}")


def run(datasets: Any, store: str, body: dict[str, Any]) -> dict[str, Any]:
    return ended(datasets, datasets.dicomStores().export(name=store, body=body).execute()["name"])


def counted(operation: dict[str, Any]) -> tuple[int, int]:
    counter = operation["metadata"].get("counter", {})
    return int(counter.get("success", 0)), int(counter.get("failure", 0))


def names(client: storage.Client, bucket: str, prefix: str = "out/") -> list[str]:
    return [blob.name.removeprefix(prefix) for blob in client.list_blobs(bucket, prefix=prefix)]


def refused(call: Any) -> tuple[int, str]:
    with pytest.raises(HttpError) as caught:
        call.execute()
    error = json.loads(caught.value.content)["error"]
    assert error["code"] == caught.value.status_code
    return caught.value.status_code, error["message"]


# the documents


def test_every_method_of_the_documents_has_a_route(datasets: Any, dicom_store: str) -> None:
    stores = datasets.dicomStores()
    assert stores.get(name=dicom_store).execute() == {"name": dicom_store}
    assert refused(stores.setIamPolicy(resource=dicom_store, body={}))[0] == 501
    assert refused(datasets.fhirStores().list(parent=parent(dicom_store)))[0] == 501


def test_stores_and_datasets_are_found_and_listed(datasets: Any, dicom_store: str) -> None:
    stores = datasets.dicomStores()
    assert datasets.get(name=parent(dicom_store)).execute() == {"name": parent(dicom_store)}
    assert {"name": parent(dicom_store)} in datasets.list(
        parent=parent(dicom_store).rpartition("/datasets/")[0]
    ).execute()["datasets"]
    found, request = [], stores.list(parent=parent(dicom_store), pageSize=1)
    while request is not None:
        page = request.execute()
        found += page["dicomStores"]
        request = stores.list_next(request, page)
    assert {"name": dicom_store} in found
    assert refused(stores.get(name=OTHER + "x"))[0] == 404
    assert refused(datasets.get(name=parent(dicom_store) + "x"))[0] == 404


def test_a_store_is_created_once(datasets: Any, dicom_store: str) -> None:
    stores = datasets.dicomStores()
    name = f"new{dicom_store[-12:]}{id(datasets)}"
    made = stores.create(parent=parent(dicom_store), dicomStoreId=name, body={}).execute()
    assert stores.getDICOMStoreMetrics(name=made["name"]).execute()["instanceCount"] == "0"
    assert refused(stores.create(parent=parent(dicom_store), dicomStoreId=name, body={}))[0] == 409


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"filtrConfig": {}},
            'Invalid JSON payload received. Unknown name "filtrConfig": Cannot find field.',
        ),
        (
            {"filterConfig": {"uri": "gs://b/o"}},
            "Invalid JSON payload received. Unknown name \"uri\" at 'filter_config': Cannot find field.",
        ),
        (
            {"gcsDestination": {"uriPrefix": 5}},
            "Invalid value at 'gcs_destination.uri_prefix' (TYPE_STRING), 5",
        ),
        (
            {"gcsDestination": "gs://b/o"},
            "Invalid value at 'gcs_destination' (TYPE_MESSAGE), \"gs://b/o\"",
        ),
        (
            {"bigqueryDestination": {"tableUri": "bq://a.b.c", "writeDisposition": "TRUNCATE"}},
            "Invalid value at 'bigquery_destination.write_disposition' (TYPE_ENUM), \"TRUNCATE\"",
        ),
        ({}, "exactly one destination must be specified"),
        ({"gcsDestination": {"uriPrefix": "/folder"}}, "invalid Cloud Storage URI: '/folder'"),
        (
            {"gcsDestination": {"uriPrefix": "gs://bucket", "mimeType": "image/gif"}},
            "unsupported MIME type: 'image/gif'",
        ),
        ({"bigqueryDestination": {"tableUri": "a.b.c"}}, "invalid BigQuery table URI: 'a.b.c'"),
    ],
)
def test_a_request_is_checked_as_the_document_says(
    datasets: Any, dicom_store: str, body: dict[str, Any], words: str
) -> None:
    assert refused(datasets.dicomStores().export(name=dicom_store, body=body)) == (400, words)


def test_fields_may_be_spelt_as_in_the_protocol_buffer(
    beta: Any, dicom_store: str, bucket: str
) -> None:
    body = {"gcs_destination": {"uri_prefix": f"gs://{bucket}/out"}}
    assert counted(run(beta, dicom_store, body)) == (116, 0)


# operations


def test_an_export_writes_each_instance_once(
    *,
    datasets: Any,
    dicom_store: str,
    bucket: str,
    gcs_client: storage.Client,
    hc_control: Control,
    filtered: Any,
) -> None:
    chosen = hc_control.instances(dicom_store)[5:9]
    operation = run(datasets, dicom_store, filtered("".join(f"{each.path}\n" for each in chosen)))
    assert operation["metadata"]["counter"] == {"success": "4"}
    assert operation["metadata"]["logsUrl"].startswith("https://")
    assert operation["metadata"]["endTime"] > operation["metadata"]["createTime"]
    assert operation["response"]["@type"].endswith("ExportDicomDataResponse")
    assert sorted(names(gcs_client, bucket)) == sorted(
        f"{e.study}/{e.series}/{e.instance}.dcm" for e in chosen
    )
    for blob in gcs_client.list_blobs(bucket, prefix="out/"):
        dataset = pydicom.dcmread(io.BytesIO(blob.download_as_bytes()), stop_before_pixels=True)
        assert blob.name.endswith(f"/{dataset.SOPInstanceUID}.dcm")


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_a_filter_may_mix_levels_and_line_ends(
    *,
    beta: Any,
    dicom_store: str,
    bucket: str,
    gcs_client: storage.Client,
    hc_control: Control,
    filtered: Any,
    ending: str,
) -> None:
    every = hc_control.instances(dicom_store)
    study, other = every[0].study, next(e for e in every if e.study != every[0].study)
    lines = [f"/studies/{study}", f"/studies/{other.study}/series/{other.series}", every[0].path]
    operation = run(beta, dicom_store, filtered((ending or "\n").join(lines) + ending))
    covered = {
        e.instance
        for e in every
        if e.study == study or (e.study, e.series) == (other.study, other.series)
    }
    assert {name.split("/")[2][:-4] for name in names(gcs_client, bucket)} == covered
    assert counted(operation) == (len(covered), 0)


def test_a_running_operation_has_counters_and_no_done(
    datasets: Any, dicom_store: str, bucket: str, hc_control: Control
) -> None:
    hc_control.hold(after=3)
    body = {"gcsDestination": {"uriPrefix": f"gs://{bucket}/out"}}
    name = datasets.dicomStores().export(name=dicom_store, body=body).execute()["name"]
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        described = datasets.operations().get(name=name).execute()
        if described["metadata"].get("counter", {}).get("success") == "3":
            break
    assert described["metadata"]["counter"] == {"success": "3", "pending": "113"}
    assert "done" not in described
    assert "endTime" not in described["metadata"]
    hc_control.release()
    assert counted(ended(datasets, name)) == (116, 0)


def test_a_cancelled_operation_ends_in_code_1_and_keeps_what_it_wrote(
    datasets: Any, dicom_store: str, bucket: str, gcs_client: storage.Client, hc_control: Control
) -> None:
    hc_control.hold(after=2)
    body = {"gcsDestination": {"uriPrefix": f"gs://{bucket}/out"}}
    name = datasets.dicomStores().export(name=dicom_store, body=body).execute()["name"]
    while len(names(gcs_client, bucket)) < 2:
        time.sleep(0.005)
    datasets.operations().cancel(name=name, body={}).execute()
    operation = ended(datasets, name)
    assert operation["error"]["code"] == 1
    assert operation["metadata"]["cancelRequested"] is True
    assert len(names(gcs_client, bucket)) == 2


def test_operations_are_listed_by_dataset_and_page(
    datasets: Any, dicom_store: str, filtered: Any, hc_control: Control
) -> None:
    def listed() -> list[str]:
        found, request = [], datasets.operations().list(name=parent(dicom_store), pageSize=2)
        while request is not None:
            page = request.execute()
            found += [each["name"] for each in page.get("operations", [])]
            request = datasets.operations().list_next(request, page)
        return found

    before = listed()
    body = filtered(MISSING)
    made = [run(datasets, dicom_store, body)["name"] for _ in range(3)]
    assert listed() == [*before, *made]
    hc_control.assume(newest_first=True)
    assert listed()[:3] == made[::-1]
    assert "operations" not in datasets.operations().list(name=parent(dicom_store) + "x").execute()


@pytest.mark.parametrize(("when", "started"), [(When.BEFORE, 0), (When.MIDDLE, 0), (When.AFTER, 1)])
def test_a_lost_answer_may_be_a_started_operation(
    *,
    beta: Any,
    dicom_store: str,
    filtered: Any,
    hc_control: Control,
    hc_faults: FaultProxy,
    when: When,
    started: int,
) -> None:
    hc_faults.add("POST .*:export", Reset(when))
    body = filtered(MISSING)
    with pytest.raises((OSError, RemoteDisconnected)):
        beta.dicomStores().export(name=dicom_store, body=body).execute(num_retries=0)
    assert len(hc_control.operations(dicom_store)) == started
    assert (
        len(beta.operations().list(name=parent(dicom_store)).execute().get("operations", []))
        == started
    )


# switches


def test_switches_have_their_effect(
    beta: Any, dicom_store: str, hc_control: Control, filtered: Any
) -> None:
    path = hc_control.instances(dicom_store)[0].path
    export = beta.dicomStores().export(name=dicom_store, body=filtered(path))
    hc_control.set(refuse_start=7)
    assert refused(export) == (403, "The caller does not have permission")
    hc_control.set(refuse_start=0, refuse_operation=7)
    assert ended(beta, export.execute()["name"])["error"]["code"] == 7
    hc_control.set(refuse_operation=0, fail=1)
    assert counted(ended(beta, export.execute()["name"])) == (0, 1)
    hc_control.set(fail=0, ignores_filter=True)
    assert counted(ended(beta, export.execute()["name"])) == (116, 0)
    hc_control.set(ignores_filter=False, needs_token=True)
    with pytest.raises(InvalidOperation):  # what a client makes of 401 that has no credentials
        export.execute()
    hc_control.set(needs_token=False, refuse_list=7, refuse_get=14, refuse_cancel=12)
    name = export.execute()["name"]
    assert refused(beta.operations().list(name=parent(dicom_store)))[0] == 403
    assert refused(beta.operations().get(name=name))[0] == 503
    assert refused(beta.operations().cancel(name=name, body={}))[0] == 501
    with pytest.raises(ValueError, match="unexpected keyword"):
        hc_control.set(no_such_switch=1)


def test_v1_may_not_know_the_filter(
    datasets: Any, dicom_store: str, hc_control: Control, filtered: Any
) -> None:
    hc_control.set(v1_has_filter=False)
    body = filtered(MISSING)
    export = datasets.dicomStores().export(name=dicom_store, body=body)
    if "/v1beta1/" in export.uri:
        export.execute()
    else:
        words = 'Invalid JSON payload received. Unknown name "filterConfig": Cannot find field.'
        assert refused(export) == (400, words)


def test_an_operation_takes_its_time(
    beta: Any, dicom_store: str, hc_control: Control, filtered: Any
) -> None:
    lines = "".join(f"{each.path}\n" for each in hc_control.instances(dicom_store)[:4])
    hc_control.set(start_s=0.05, step_s=0.05)
    start = time.monotonic()
    run(beta, dicom_store, filtered(lines))
    assert time.monotonic() - start > 5 * 0.05


def test_a_service_agent_without_its_role_is_code_7(
    *,
    beta: Any,
    dicom_store: str,
    gcs_server: StorageServer,
    gcs_faults: FaultProxy,
    filtered: Any,
    hc_control: Control,
) -> None:
    body = filtered(hc_control.instances(dicom_store)[0].path)
    for what in ("GET /download/", "POST /upload/"):
        gcs_server.services.clear()
        gcs_server.services.add(what, Status(403), times=None)
        error = run(beta, dicom_store, body)["error"]
        assert error["code"] == 7
        assert "doesn't have required Cloud Storage permission" in error["message"]
    assert not any(event.status == 403 for event in gcs_faults.log)


# assumptions: each has a case here under every setting that changes something

GOOD = "GOOD"  # stands for the line of an instance that is there
ASSUMED = [
    ({}, f"bad\n{GOOD}", 3),
    ({"bad_line": "counted"}, f"bad\n{GOOD}", (1, 1)),
    ({"bad_line": "ignored"}, f"bad\n{GOOD}", (1, 0)),
    ({}, f"{MISSING}\n{GOOD}", (1, 1)),
    ({"missing_path": "ignored"}, f"{MISSING}\n{GOOD}", (1, 0)),
    ({"missing_path": "fails"}, f"{MISSING}\n{GOOD}", 5),
    ({"failures_end_in": "error"}, f"{MISSING}\n{GOOD}", 2),
    ({}, "", (0, 0)),
    ({}, "\n", (0, 0)),
    ({"empty_filter": "error"}, "", 3),
    ({"empty_filter": "everything"}, "\n", (116, 0)),
    ({}, f"{GOOD}\n\n{GOOD}", (1, 0)),
    ({"blank_line": "bad"}, f"{GOOD}\n\n{GOOD}", 3),
    ({"doubled": "again"}, f"{GOOD}\n{GOOD}", (2, 0)),
    ({}, GOOD.lower() + "\n", 3),
    ({"slash_optional": True}, "GOOD-WITHOUT-SLASH", (1, 0)),
    ({}, "GOOD-WITHOUT-SLASH", 3),
    ({}, f"\ufeff{GOOD}", 3),
    ({"byte_order_mark": "ignored"}, f"\ufeff{GOOD}", (1, 0)),
    ({}, f"path\n{GOOD}", 3),
    ({}, f'"{GOOD}"', 3),
    ({}, f"/dicomWeb{GOOD}", 3),
]


@pytest.mark.parametrize(("assumed", "text", "outcome"), ASSUMED)
def test_what_is_assumed_of_a_filter_holds(
    *,
    beta: Any,
    dicom_store: str,
    hc_control: Control,
    filtered: Any,
    assumed: dict[str, Any],
    text: str,
    outcome: int | tuple[int, int],
) -> None:
    hc_control.assume(**assumed)
    path = hc_control.instances(dicom_store)[0].path
    operation = run(
        beta,
        dicom_store,
        filtered(text.replace("GOOD-WITHOUT-SLASH", path[1:]).replace(GOOD, path)),
    )
    if isinstance(outcome, int):
        assert operation["error"]["code"] == outcome
        assert "response" not in operation
    else:
        assert "error" not in operation
        assert counted(operation) == outcome


def test_what_is_assumed_of_the_answers_holds(
    *,
    beta: Any,
    dicom_store: str,
    hc_control: Control,
    filtered: Any,
    bucket: str,
    gcs_client: storage.Client,
) -> None:
    each = hc_control.instances(dicom_store)[0]
    body = filtered(each.path)
    hc_control.assume(
        zero_counters_absent=False,
        appends_slash=False,
        missing_filter="start",
        missing_bucket="start",
    )
    assert run(beta, dicom_store, body)["metadata"]["counter"] == {
        "success": "1",
        "failure": "0",
        "pending": "0",
    }
    assert names(gcs_client, bucket, "out") == [
        each.path.replace("/series/", "/").replace("/instances/", "/").removeprefix("/studies/")
        + ".dcm"
    ]
    hc_control.assume(pending_counted=False)
    assert run(beta, dicom_store, body)["metadata"]["counter"] == {"success": "1", "failure": "0"}
    export = beta.dicomStores().export
    lost = {**body, "filterConfig": {"resourcePathsGcsUri": f"gs://{bucket}/lost"}}
    assert refused(export(name=dicom_store, body=lost))[0] == 404
    nowhere = {**body, "gcsDestination": {"uriPrefix": "gs://no-such-bucket/out"}}
    assert refused(export(name=dicom_store, body=nowhere))[0] == 404
    hc_control.assume(missing_filter="operation", missing_bucket="operation")
    assert run(beta, dicom_store, lost)["error"]["code"] == 5
    assert run(beta, dicom_store, nowhere)["error"]["code"] == 5
    hc_control.assume(list_filter="refused")
    assert refused(beta.operations().list(name=parent(dicom_store), filter="done=true"))[0] == 400
    hc_control.reset()
    assert (
        "operations"
        in beta.operations().list(name=parent(dicom_store), filter="done=true").execute()
    )


def test_what_is_assumed_of_a_missing_role_holds(
    *,
    beta: Any,
    dicom_store: str,
    hc_control: Control,
    filtered: Any,
    gcs_server: StorageServer,
    gcs_faults: FaultProxy,
) -> None:
    export = beta.dicomStores().export(name=dicom_store, body=filtered(MISSING))
    gcs_server.services.add("GET /download/", Status(403), times=None)
    assert ended(beta, export.execute()["name"])["error"]["code"] == 7
    hc_control.assume(agent_refused="start")
    assert refused(export)[0] == 403
    assert gcs_faults.log


def test_what_is_assumed_of_an_import_of_nothing_holds(
    beta: Any, dicom_store: str, bucket: str, hc_control: Control
) -> None:
    body = {"gcsSource": {"uri": f"gs://{bucket}/nothing/**"}}
    call = beta.dicomStores().import_(name=dicom_store, body=body)
    assert ended(beta, call.execute()["name"])["error"]["code"] == 5
    hc_control.assume(nothing_to_import="nothing")
    assert counted(ended(beta, call.execute()["name"])) == (0, 0)


def test_the_first_choice_of_each_assumption_is_its_default() -> None:
    from typing import get_type_hints

    hints = get_type_hints(Assumptions)
    for each in fields(Assumptions):
        choices = get_args(hints[each.name])
        assert not choices or choices[0] == each.default, each.name
    assert not Switches().ignores_filter


# the other operations


def test_an_import_reads_what_its_wildcards_name(
    datasets: Any, dicom_store: str, bucket: str, gcs_client: storage.Client, hc_control: Control
) -> None:
    run(datasets, dicom_store, {"gcsDestination": {"uriPrefix": f"gs://{bucket}/out"}})
    held, stores = gcs_client.bucket(bucket), datasets.dicomStores()
    held.blob("out/readme.txt").upload_from_string("no DICOM")

    def imported(uri: str, **more: Any) -> tuple[str, dict[str, Any]]:
        target = hc_control.make_store()
        body = {"gcsSource": {"uri": f"gs://{bucket}/{uri}"}, **more}
        name = stores.__getattribute__("import_")(name=target, body=body).execute()["name"]
        return target, ended(datasets, name)

    target, operation = imported("out/**.dcm", blobStorageSettings={"blobStorageClass": "ARCHIVE"})
    assert counted(operation) == (116, 0)
    arrived = hc_control.instances(target)
    assert [e.path for e in arrived] == [e.path for e in hc_control.instances(dicom_store)]
    assert {e.storage_class for e in arrived} == {"ARCHIVE"}
    assert counted(imported("out/**")[1]) == (116, 1)
    one = arrived[0]
    assert counted(imported(f"out/{one.study}/*/{one.instance[:-1]}?.dcm")[1])[0] >= 1
    assert imported("out/*.dcm")[1]["error"]["code"] == 5
    assert counted(imported("out/readme.txt")[1]) == (0, 1)
    hc_control.assume(not_dicom_import="fails")
    assert counted(imported("out/readme.txt")[1]) == (0, 1)
    for wrong in ("**/a.dcm", "a?/**", "out/**x"):
        body = {"gcsSource": {"uri": f"gs://{bucket}/{wrong}"}}
        assert refused(stores.import_(name=dicom_store, body=body))[0] == 400


@pytest.mark.parametrize(
    ("assumed", "outcome"), [("success", (116, 0)), ("failure", (0, 116)), ("uncounted", (0, 0))]
)
def test_an_import_of_what_is_there_changes_nothing(
    *,
    beta: Any,
    dicom_store: str,
    bucket: str,
    hc_control: Control,
    assumed: str,
    outcome: tuple[int, int],
) -> None:
    run(beta, dicom_store, {"gcsDestination": {"uriPrefix": f"gs://{bucket}/out"}})
    hc_control.assume(duplicate_import=assumed)
    before = hc_control.instances(dicom_store)
    body = {
        "gcsSource": {"uri": f"gs://{bucket}/out/**"},
        "blobStorageSettings": {"blobStorageClass": "ARCHIVE"},
    }
    name = beta.dicomStores().import_(name=dicom_store, body=body).execute()["name"]
    assert counted(ended(beta, name)) == outcome
    assert hc_control.instances(dicom_store) == before


def test_a_storage_class_is_set_for_a_filter_and_a_study(
    datasets: Any, dicom_store: str, hc_control: Control, filtered: Any
) -> None:
    first, stores = hc_control.instances(dicom_store)[0], datasets.dicomStores()
    body = {"blobStorageSettings": {"blobStorageClass": "NEARLINE"}}
    config = {"filterConfig": filtered(first.path)["filterConfig"]}
    name = stores.setBlobStorageSettings(resource=dicom_store, body=body | config).execute()["name"]
    assert ended(datasets, name)["metadata"]["apiMethodName"].endswith("SetBlobStorageSettings")
    near = [e.path for e in hc_control.instances(dicom_store) if e.storage_class == "NEARLINE"]
    assert near == [first.path]
    study = f"{dicom_store}/dicomWeb/studies/{first.study}"
    body = {"blobStorageSettings": {"blobStorageClass": "COLDLINE"}}
    of_study = stores.dicomWeb().studies()
    ended(datasets, of_study.setBlobStorageSettings(resource=study, body=body).execute()["name"])
    cold = {e.study for e in hc_control.instances(dicom_store) if e.storage_class == "COLDLINE"}
    assert cold == {first.study}
    assert refused(of_study.setBlobStorageSettings(resource=study, body=body | config))[0] == 400
    assert refused(stores.setBlobStorageSettings(resource=dicom_store, body=config))[0] == 400
    instance = stores.dicomWeb().studies().series().instances()
    info = instance.getStorageInfo(resource=dicom_store + "/dicomWeb" + first.path).execute()
    assert info["blobStorageInfo"] == {
        "storageClass": "COLDLINE",
        "sizeBytes": str(first.size_bytes),
    }


@pytest.mark.parametrize("uids", ["changed", "kept"])
def test_deidentified_instances_arrive_in_another_store(
    *,
    datasets: Any,
    dicom_store: str,
    hc_control: Control,
    filtered: Any,
    gcs_client: storage.Client,
    bucket: str,
    uids: str,
) -> None:
    hc_control.assume(deidentified_uids=uids)
    chosen, target = hc_control.instances(dicom_store)[:3], hc_control.make_store()
    config = {"filterConfig": filtered("\n".join(e.path for e in chosen))["filterConfig"]}
    gcs_client.bucket(bucket).blob("config.json").upload_from_string(
        '{"image": {"textRedactionMode": "REDACT_NO_TEXT"}}'
    )
    body = {"destinationStore": target, "gcsConfigUri": f"gs://{bucket}/config.json", **config}
    call = datasets.dicomStores().deidentify
    operation = ended(datasets, call(sourceStore=dicom_store, body=body).execute()["name"])
    assert counted(operation) == (3, 0)
    kept = {e.path for e in hc_control.instances(target)} == {e.path for e in chosen}
    assert kept == (uids == "kept")
    assert len(hc_control.instances(target)) == 3
    run(datasets, target, {"gcsDestination": {"uriPrefix": f"gs://{bucket}/other"}})
    for name in names(gcs_client, bucket, "other/"):
        data = gcs_client.bucket(bucket).blob(f"other/{name}").download_as_bytes()
        assert pydicom.dcmread(io.BytesIO(data)).PatientIdentityRemoved == "YES"


def test_a_deidentification_is_checked_before_it_starts(
    datasets: Any, dicom_store: str, hc_control: Control
) -> None:
    call, there = datasets.dicomStores().deidentify, hc_control.make_store()
    far = hc_control.make_store(dataset="projects/demo/locations/europe-west1/datasets/imaging")
    cases = [
        ({}, 400),
        ({"destinationStore": OTHER + "x"}, 404),
        ({"destinationStore": dicom_store}, 400),
        ({"destinationStore": far}, 400),
        ({"destinationStore": there, "config": {}, "gcsConfigUri": "gs://bucket/o"}, 400),
        ({"destinationStore": there, "config": {"txt": {}}}, 400),
    ]
    for body, status in cases:
        assert refused(call(sourceStore=dicom_store, body=body))[0] == status


def test_studies_are_searched_and_measured(
    datasets: Any, dicom_store: str, hc_control: Control
) -> None:
    stores = datasets.dicomStores()
    every = hc_control.instances(dicom_store)
    search = stores.searchForStudies(parent=dicom_store, dicomWebPath="studies")
    assert len(search.execute()) == len({e.study for e in every})
    search.uri += "&StudyInstanceUID=" + every[0].study
    (found,) = search.execute()
    assert found["0020000D"]["Value"] == [every[0].study]
    measured = stores.getDICOMStoreMetrics(name=dicom_store).execute()
    assert (measured["studyCount"], measured["instanceCount"]) == ("29", "116")
    study = f"{dicom_store}/dicomWeb/studies/{every[0].study}"
    inside = stores.dicomWeb().studies().getStudyMetrics(study=study).execute()
    assert int(inside["instanceCount"]) == sum(e.study == every[0].study for e in every)
    assert refused(stores.dicomWeb().studies().getStudyMetrics(study=study + "9"))[0] == 404


def test_more_files_can_be_added(hc_control: Control, tmp_path: Path) -> None:
    made = write_instances(tmp_path, 3, PatientID="P1", Modality="PT")
    (tmp_path / "other.txt").write_text("no DICOM")
    store = hc_control.make_store(tmp_path)
    assert [each.instance for each in hc_control.instances(store)] == sorted(made)
    assert hc_control.add(store, tmp_path) == 0
    assert hc_control.add(store, test_files()) == 116
    write_instances(tmp_path, 2, StudyInstanceUID="1.2.840.99")
    assert hc_control.add(store, tmp_path) == 2


@pytest.mark.usefixtures("hc_control")
def test_a_service_account_of_ones_own_gets_tokens_and_new_ones(
    healthcare: HealthcareServer, hc_control: Control, dicom_store: str, tokens: TokenServer
) -> None:
    import google.auth
    from googleapiclient import discovery

    credentials, project = google.auth.default(
        scopes=["https://www.googleapis.com/auth/cloud-platform"]
    )
    hc_control.set(needs_token=True)
    options = {"api_endpoint": healthcare.url}
    with discovery.build(
        "healthcare", "v1", static_discovery=True, credentials=credentials, client_options=options
    ) as client:
        stores = client.projects().locations().datasets().dicomStores()
        assert stores.get(name=dicom_store).execute() == {"name": dicom_store}
        healthcare.faults.add("GET .*/dicomStores/", Status(401))
        assert stores.get(name=dicom_store).execute() == {"name": dicom_store}
    healthcare.faults.clear()
    assert project == "demo"
    assert tokens.issued == 2
