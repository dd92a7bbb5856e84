"""The doctor: every check runs, none stops another, and what cannot be told is said so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import dicomfilter as dcf
from tests.cli.running import call
from tests.localcloud.dicom import write_instances

if TYPE_CHECKING:
    from pathlib import Path

    from dicomfilter.proof.doctor.checks import Diagnosis
    from tests.localcloud.healthcare import Control
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.storage import StorageServer

NUMBER = "1234567890"
AGENT = f"serviceAccount:service-{NUMBER}@gcp-sa-healthcare.iam.gserviceaccount.com"
IDS = (
    "local.extras engine.meaning store.there caller.store caller.operations api.version "
    "operations.running bucket.settings caller.bucket prefix.empty agent.bucket.write"
).split()


def ended(found: Diagnosis) -> dict[str, str]:
    return {check.id: str(check.status) for check in found.checks}


def test_each_check_says_what_it_saw(
    dicom_store: str,
    bucket: str,
    gcs_server: StorageServer,
    hc_control: Control,
    gcs_faults: FaultProxy,
) -> None:
    assert gcs_faults.url
    prefix = f"gs://{bucket}/out/"
    uniform = {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}}
    gcs_server.fidelity.details[bucket] = uniform
    found = dcf.doctor(store=dicom_store, destination=prefix)
    assert list(ended(found)) == IDS
    assert ended(found)["agent.bucket.write"] == "unknown"  # not seen is no "no"
    assert {s for i, s in ended(found).items() if i != "agent.bucket.write"} == {"pass"}
    assert found.is_ok
    assert not dcf.doctor(store=dicom_store, destination=prefix, strict=True).is_ok
    # what is missing, each by itself
    hc_control.set(denied=["healthcare.operations.list", "healthcare.dicomStores.export"])
    gcs_server.fidelity.denied.add("storage.objects.list")
    gcs_server.fidelity.details[bucket] = {"billing": {"requesterPays": True}}
    worse = ended(dcf.doctor(store=dicom_store, destination=prefix))
    assert list(worse) == IDS
    assert worse["caller.store"] == "fail"
    assert worse["caller.operations"] == "warn"
    assert worse["operations.running"] == "unknown"
    assert worse["caller.bucket"] == "warn"
    assert worse["prefix.empty"] == "unknown"
    assert worse["bucket.settings"] == "fail"


def test_what_is_not_there_fails_and_the_rest_goes_on(dicom_store: str, bucket: str) -> None:
    found = ended(dcf.doctor(store=f"{dicom_store}x", destination=f"gs://{bucket}x/out/"))
    assert list(found) == IDS
    assert found["store.there"] == "fail"
    assert found["caller.store"] == "skipped"
    assert found["bucket.settings"] == "fail"


def test_on_a_folder_what_applies_is_checked(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    write_instances(images, 1)
    before = sorted(tmp_path.rglob("*"))
    words = ("doctor", images, "--gcs-uri-prefix", tmp_path / "out")
    shown = call(*words)
    assert shown.status == 0, shown.err
    assert all(len(line) <= 80 for line in shown.out.splitlines() if "/" not in line)
    document = json.loads(call(*words, "--json").out)
    assert document["ok"] is True
    assert [c["id"] for c in document["checks"]][2:] == ["store.there", "destination.write"]
    assert sorted(tmp_path.rglob("*")) == before
    failing = call("doctor", "--table", tmp_path / "missing.parquet")
    assert failing.status == 6
    assert call("doctor", "--table", tmp_path / "missing.parquet", "--json").status == 6
    assert "FAIL" in failing.out
