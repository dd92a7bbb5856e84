"""What the local cloud says of permissions, places and images that fail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core.exceptions import Forbidden
from googleapiclient.errors import HttpError

from tests.localcloud.proxy import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.cloud import bigquery, storage

    from tests.localcloud.bigquery import LoadTable
    from tests.localcloud.healthcare import Control, HealthcareServer
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.storage import StorageServer


@pytest.fixture
def datasets(healthcare: HealthcareServer) -> Iterator[Any]:
    with healthcare.client("v1beta1") as client:
        yield client.projects().locations().datasets()


def exported(datasets: Any, store: str, bucket: str) -> tuple[int, int]:
    """Export a whole store, and tell how many instances succeeded and failed."""
    body = {"gcsDestination": {"uriPrefix": f"gs://{bucket}/out/"}}
    name = datasets.dicomStores().export(name=store, body=body).execute()["name"]
    for _ in range(4000):
        described = datasets.operations().get(name=name).execute()
        if described.get("done"):
            counter = described["metadata"].get("counter", {})
            return int(counter.get("success", 0)), int(counter.get("failure", 0))
        time.sleep(0.005)
    raise AssertionError(f"{name} still runs")


def test_chosen_instances_fail_until_they_are_let_go(
    datasets: Any,
    dicom_store: str,
    bucket: str,
    hc_control: Control,
    gcs_client: storage.Client,
) -> None:
    chosen = [each.instance for each in hc_control.instances(dicom_store)[10:60:20]]
    hc_control.set(fail_instances=chosen)
    assert exported(datasets, dicom_store, bucket) == (113, 3)
    arrived = {blob.name.rpartition("/")[2] for blob in gcs_client.list_blobs(bucket)}
    assert not arrived & {f"{uid}.dcm" for uid in chosen}
    hc_control.set(fail_instances=[])
    assert exported(datasets, dicom_store, bucket) == (116, 0)
    assert {f"{uid}.dcm" for uid in chosen} <= {
        blob.name.rpartition("/")[2] for blob in gcs_client.list_blobs(bucket)
    }


def refused(request: Any) -> int:
    with pytest.raises(HttpError) as caught:
        request.execute()
    return int(caught.value.status_code)


def parent(store: str) -> str:
    return store.partition("/dicomStores/")[0]


def test_what_a_caller_lacks_is_refused_and_not_among_the_tested(
    datasets: Any, dicom_store: str, hc_control: Control
) -> None:
    lacking, held = "healthcare.operations.list", "healthcare.operations.get"
    hc_control.set(denied=[lacking])
    ask = {"permissions": [lacking, held]}
    found = datasets.testIamPermissions(resource=parent(dicom_store), body=ask).execute()
    assert found == {"permissions": [held]}
    assert refused(datasets.operations().list(name=parent(dicom_store))) == 403
    stores = datasets.dicomStores()
    assert stores.testIamPermissions(resource=f"{dicom_store}x", body=ask).execute() == {}
    hc_control.assume(permissions_fail_open=True)
    assert stores.testIamPermissions(resource=f"{dicom_store}x", body=ask).execute() == ask


def test_stores_and_datasets_have_policies_and_details(
    datasets: Any, dicom_store: str, hc_control: Control
) -> None:
    bindings = [{"role": "roles/healthcare.dicomViewer", "members": ["user:ana@example.org"]}]
    streams = [{"bigqueryDestination": {"tableUri": "bq://demo.d.t"}}]
    hc_control.set(
        policies={dicom_store: bindings},
        details={dicom_store: {"streamConfigs": streams}},
    )
    stores = datasets.dicomStores()
    assert stores.getIamPolicy(resource=dicom_store).execute()["bindings"] == bindings
    assert "bindings" not in datasets.getIamPolicy(resource=parent(dicom_store)).execute()
    assert stores.get(name=dicom_store).execute()["streamConfigs"] == streams


def test_metrics_hear_late_of_what_came_and_went(
    datasets: Any, dicom_store: str, hc_control: Control
) -> None:
    def counted() -> str:
        return str(stores.getDICOMStoreMetrics(name=dicom_store).execute().get("instanceCount"))

    stores = datasets.dicomStores()
    hc_control.remove(dicom_store, hc_control.instances(dicom_store)[0].instance)
    assert counted() == "115"
    hc_control.set(metrics_lag_s=3600)
    assert counted() == "0"  # nothing had come an hour ago


def test_a_page_of_operations_can_fail(
    datasets: Any, dicom_store: str, bucket: str, hc_control: Control, hc_faults: FaultProxy
) -> None:
    for number in range(3):
        hc_control.export(dicom_store, f"gs://{bucket}/{number}/")
    hc_control.set(page_at_most=2)
    hc_faults.add(r"GET .*/operations\?", Status(503), skip=1)
    page = datasets.operations().list(name=parent(dicom_store), pageSize=100).execute()
    assert len(page["operations"]) == 2
    token = page["nextPageToken"]
    assert refused(datasets.operations().list(name=parent(dicom_store), pageToken=token)) == 503


def test_buckets_have_policies_details_and_small_pages(
    gcs_server: StorageServer, gcs_client: storage.Client, bucket: str, gcs_faults: FaultProxy
) -> None:
    gcs_server.fidelity.details[bucket] = {"billing": {"requesterPays": True}}
    assert gcs_client.get_bucket(bucket).requester_pays
    binding = {"role": "roles/storage.objectAdmin", "members": ["user:ana@example.org"]}
    gcs_server.fidelity.policies[bucket] = [binding]
    found = gcs_client.bucket(bucket).get_iam_policy(requested_policy_version=3)
    assert found.bindings[0]["role"] == binding["role"]
    for number in range(5):
        gcs_client.bucket(bucket).blob(str(number)).upload_from_string("")
    gcs_server.fidelity.page_at_most = 2
    assert len(list(gcs_client.list_blobs(bucket))) == 5
    assert gcs_faults.count(r"GET .*/o\?") == 3


def test_a_retention_keeps_what_is_there(
    datasets: Any, dicom_store: str, bucket: str, gcs_server: StorageServer, gcs_client: Any
) -> None:
    assert exported(datasets, dicom_store, bucket) == (116, 0)
    gcs_server.fidelity.details[bucket] = {"retentionPolicy": {"retentionPeriod": "86400"}}
    assert exported(datasets, dicom_store, bucket) == (0, 0)  # it looks like a missing role
    blob = next(iter(gcs_client.list_blobs(bucket)))
    with pytest.raises(Forbidden):
        blob.delete()
    with pytest.raises(Forbidden):
        blob.upload_from_string("")
    gcs_server.fidelity.reset()


def test_tables_have_policies_permissions_and_a_streaming_buffer(
    bq_client: bigquery.Client, load_table: LoadTable, bq_set: Callable[..., None]
) -> None:
    name = load_table("A STRING", {"A": "1"}).removeprefix("bq://")
    dataset = name.rpartition(".")[0]
    buffer = {"estimatedRows": "12", "estimatedBytes": "1", "oldestEntryTime": "1760000000000"}
    lacking, held = "bigquery.tables.getData", "bigquery.tables.get"
    binding = {"role": "roles/bigquery.dataViewer", "members": ["user:ana@example.org"]}
    bq_set(
        details={name: {"streamingBuffer": buffer}, dataset: {"location": "EU"}},
        denied=[lacking],
        policies={name: [binding]},
    )
    assert bq_client.get_table(name).streaming_buffer.estimated_rows == 12
    assert bq_client.get_dataset(dataset).location == "EU"
    table = bq_client.get_table(name)
    found = bq_client.test_iam_permissions(table.reference, [lacking, held])
    assert found["permissions"] == [held]
    policy = bq_client.get_iam_policy(table.reference)
    assert policy.bindings[0]["role"] == binding["role"]
