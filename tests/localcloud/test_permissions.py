"""What the local cloud says of permissions, places and images that fail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud import storage

    from tests.localcloud.healthcare import Control, HealthcareServer


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
