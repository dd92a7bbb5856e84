"""The doctor: every check runs, none stops another, and what cannot be told is said so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import dicomfilter as dcf
from dicomfilter.errors import OperationFailedError, RemotePermissionError, UsageError
from dicomfilter.notebook.asking import StartOptions
from dicomfilter.operations.polling import Pace
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.healthcare.store import HealthcareStore
from tests.cli.running import call
from tests.localcloud.dicom import write_instances
from tests.localcloud.proxy import Status as Answered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dicomfilter.proof.doctor.checks import Check, Diagnosis
    from tests.localcloud.bigquery import LoadTable
    from tests.localcloud.healthcare import Control, HealthcareServer
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.storage import StorageServer

NUMBER = "1234567890"
AGENT = f"serviceAccount:service-{NUMBER}@gcp-sa-healthcare.iam.gserviceaccount.com"
IDS = (
    "local.extras engine.meaning store.there caller.store caller.operations local.clock "
    "api.version operations.running bucket.settings caller.bucket prefix.empty agent.bucket.write "
    "agent.kms"
).split()
UNIFORM = {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}}


@pytest.fixture
def known(
    dicom_store: str, bucket: str, healthcare: HealthcareServer, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """Name a store and a fresh folder of a bucket, where the project's number is told."""
    monkeypatch.setenv("DICOMFILTER_RESOURCE_MANAGER_ENDPOINT", healthcare.url)
    return dicom_store, f"gs://{bucket}/out/"


def check(found: Diagnosis, name: str) -> Check:
    (one,) = [each for each in found.checks if each.id == name]
    return one


def status(found: Diagnosis, name: str) -> str:
    return str(check(found, name).status)


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
    assert {s for i, s in ended(found).items() if i != "agent.bucket.write"} == {"pass"}, found
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
    assert {c["status"] for c in document["checks"]} == {"pass"}
    assert sorted(tmp_path.rglob("*")) == before
    failing = call("doctor", "--table", tmp_path / "missing.parquet")
    assert failing.status == 6
    assert call("doctor", "--table", tmp_path / "missing.parquet", "--json").status == 6
    assert "FAIL" in failing.out


def test_the_agent_is_seen_by_each_way_that_proves_a_yes(
    known: tuple[str, str], gcs_server: StorageServer, hc_control: Control, gcs_faults: FaultProxy
) -> None:
    store, prefix = known
    bucket = prefix.split("/")[2]
    writer = {"role": "roles/storage.objectAdmin", "members": [AGENT]}

    def told() -> str:
        return status(dcf.doctor(store=store, destination=prefix), "agent.bucket.write")

    assert told() == "unknown"
    gcs_server.fidelity.policies[bucket] = [{**writer, "role": "roles/storage.objectViewer"}]
    assert told() == "unknown"
    gcs_server.fidelity.policies[bucket] = [{**writer, "condition": {"title": "till noon"}}]
    assert told() == "unknown"
    gcs_server.fidelity.policies[bucket] = [writer]
    assert told() == "pass"
    gcs_server.fidelity.policies[bucket] = []
    gcs_server.fidelity.details[bucket] = {"projectNumber": "77"}
    hc_control.set(policies={"projects/77": [writer]})
    assert told() == "pass"
    hc_control.set(denied=["resourcemanager.projects.getIamPolicy"])
    unseen = check(dcf.doctor(store=store, destination=prefix), "agent.bucket.write")
    assert (str(unseen.status), unseen.who) == ("unknown", "agent")
    assert "project 77 may not be read" in unseen.seen
    assert unseen.fix[0].startswith("gcloud storage buckets add-iam-policy-binding")
    hc_control.set(denied=["resourcemanager.projects.get"])
    assert "whose number is not known" in str(dcf.doctor(store=store, destination=prefix))
    assert gcs_faults.url


@pytest.mark.parametrize(
    ("purpose", "permission", "agent"),
    [
        ("export-gcs", "healthcare.dicomStores.export", ["agent.bucket.write"]),
        ("import", "healthcare.dicomStores.import", ["agent.bucket.read"]),
        ("deidentify", "healthcare.dicomStores.deidentify", ["agent.bucket.write"]),
        ("set-storage-class", "healthcare.dicomStores.dicomWebWrite", ["agent.bucket.write"]),
        ("build", None, []),
    ],
)
def test_what_is_needed_depends_on_what_one_is_about_to_do(
    known: tuple[str, str],
    hc_control: Control,
    purpose: str,
    permission: str | None,
    agent: list[str],
) -> None:
    store, place = known
    if permission is not None:
        hc_control.set(denied=[permission])
    found = dcf.doctor(store=store, destination=place, purpose=purpose)
    assert status(found, "caller.store") == ("pass" if permission is None else "fail")
    assert permission is None or check(found, "caller.store").needs == permission
    every = [each.id for each in found.checks if each.id.startswith("agent.")]
    assert every == [*agent, "agent.kms"]
    hc_control.set(denied=["healthcare.dicomStores.get"])
    assert status(dcf.doctor(store=store, purpose=purpose), "store.there") == "unknown"


def test_nothing_else_can_be_about_to_be_done(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'exports' is nothing"):
        dcf.doctor(store=tmp_path, purpose="exports")
    assert call("doctor", tmp_path, "--for", "exports").status == 2


def test_a_filter_is_looked_at_as_the_service_would(
    known: tuple[str, str], hc_control: Control, tmp_path: Path
) -> None:
    store, prefix = known
    one = next(iter(hc_control.instances(store)))
    path = tmp_path / "f.txt"
    path.write_text(f"/studies/{one.study}/series/{one.series}/instances/{one.instance}\n")

    def told(uri: object, **more: object) -> str:
        return status(dcf.doctor(filter=str(uri), **more), "filter.object")  # type: ignore[arg-type]

    assert told(path) == "pass"
    assert told(path, store=store) == "warn"  # no service reads this machine
    uri = prefix.replace("/out/", "/f.txt")
    assert told(uri, store=store) == "fail"
    assert call("upload", path, uri).status == 0
    assert told(uri, store=store) == "pass"
    path.write_text("/studies/no\n")
    assert told(path) == "fail"
    path.write_text("")
    assert told(path) == "fail"


def test_a_probe_exports_one_instance_and_says_where_it_lies(
    known: tuple[str, str], hc_control: Control, tmp_path: Path, gcs_server: StorageServer
) -> None:
    store, prefix = known
    path = tmp_path / "f.txt"
    lines = [f"/studies/{i.study}/series/{i.series}" for i in hc_control.instances(store)]
    path.write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)))
    uri = prefix.replace("/out/", "/f.txt")

    def probed(**places: str) -> Check:
        return check(dcf.doctor(store=store, probe=True, **places), "agent.probe")

    assert str(probed().status) == "skipped"
    assert str(probed(filter=str(path), destination=prefix).status) == "skipped"  # whole series
    one = next(iter(hc_control.instances(store)))
    path.write_text(f"{path.read_text()}{lines[0]}/instances/{one.instance}\n")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    assert call("upload", path, uri).status == 0
    found = probed(filter=uri, destination=prefix)
    assert str(found.status) == "pass", found
    place = str(found.on)
    assert place in found.seen
    assert found.fix[1] == f"gcloud storage rm -r {place}"
    client = gcs_server.client()
    names = [blob.name for blob in client.list_blobs(place.split("/")[2])]
    assert len([name for name in names if name.endswith(f"/{one.instance}.dcm")]) == 1
    assert len([name for name in names if name.endswith(".txt")]) == 2
    client.close()
    hc_control.set(refuse_operation=7)
    refused = probed(filter=uri, destination=prefix)
    assert str(refused.status) == "fail"
    assert "service agent" in refused.seen
    assert not refused.fix[0].startswith("gcloud storage rm ")
    hc_control.set(refuse_operation=0, fail=1)
    assert str(probed(filter=uri, destination=prefix).status) == "fail"


def test_each_setting_of_a_bucket_is_judged(
    bucket: str, gcs_server: StorageServer, gcs_faults: FaultProxy
) -> None:
    uri = f"gs://{bucket}/out/"

    def told(name: str = "bucket.settings", **details: object) -> str:
        gcs_server.fidelity.details[bucket] = {**UNIFORM, **details}
        return status(dcf.doctor(destination=uri), name)

    retention = {"retentionPolicy": {"retentionPeriod": "86400"}}
    assert told() == "pass"
    assert told(**retention) == "warn"
    assert told(defaultEventBasedHold=True) == "warn"
    assert told(ipFilter={"mode": "Enabled"}) == "warn"
    assert told(encryption={"defaultKmsKeyName": "projects/p/locations/us/k"}) == "warn"
    assert told(billing={"requesterPays": True}) == "fail"
    assert told("prefix.empty", **retention) == "pass"
    client = gcs_server.client()
    client.bucket(bucket).blob("out/1.dcm").upload_from_string(b"1")
    client.close()
    assert told("prefix.empty") == "warn"
    assert told("prefix.empty", **retention) == "fail"
    gcs_faults.add(r"GET /storage/v1/b/[^/]+\?", Answered(403), times=None)
    assert status(dcf.doctor(destination=uri), "bucket.settings") == "unknown"


def test_clock_operations_and_keys_of_a_store(known: tuple[str, str], hc_control: Control) -> None:
    store, prefix = known
    parent = str(StoreName.parse(store).parent)

    def told(name: str) -> str:
        return status(dcf.doctor(store=store), name)

    assert told("local.clock") == told("operations.running") == told("agent.kms") == "pass"
    hc_control.set(ahead_s=3600)
    assert told("local.clock") == "warn"
    hc_control.set(ahead_s=0, hold_after=0)
    edge = dcf.open_store(store)
    started = [edge.export_to_gcs(f"{prefix}{n}/", everything=True) for n in range(5)]
    assert told("operations.running") == "warn"
    for each in started:
        each.cancel()
    hc_control.set(hold_after=None, denied=["healthcare.operations.list"])
    assert told("operations.running") == "unknown"
    key = "projects/p/locations/{}/keyRings/r/cryptoKeys/k"
    for place, status_of in ((StoreName.parse(store).parent.location, "unknown"), ("mars", "fail")):
        spec = {"encryptionSpec": {"kmsKeyName": key.format(place)}}
        hc_control.set(details={parent: spec})
        assert told("agent.kms") == status_of
    hc_control.set(denied=["healthcare.datasets.get"])
    assert told("agent.kms") == "unknown"


def test_a_table_that_is_to_be_written(
    known: tuple[str, str],
    load_table: LoadTable,
    hc_control: Control,
    bq_set: Callable[..., None],
    dataset: str,
) -> None:
    store, _ = known
    taken = load_table("a STRING", {"a": "1"})
    fresh = f"bq://{dataset}.fresh"

    def told(uri: str) -> dict[str, str]:
        return ended(dcf.doctor(store=store, bq_table=uri, purpose="export-bq"))

    found = told(fresh)
    assert found["destination.table"] == "pass"
    assert found["agent.bigquery.edit"] == found["agent.bigquery.jobs"] == "unknown"
    assert told(taken)["destination.table"] == "warn"
    assert told("bq://demo.missing_dataset.t")["destination.table"] == "fail"
    email = AGENT.partition(":")[2]
    access = [{"role": "WRITER", "userByEmail": email}]
    bq_set(details={dataset: {"access": access, "defaultTableExpirationMs": "3600000"}})
    hc_control.set(
        policies={"projects/demo": [{"role": "roles/bigquery.jobUser", "members": [AGENT]}]}
    )
    found = told(fresh)
    assert found["destination.table"] == "warn"  # what is written there is removed
    assert found["agent.bigquery.edit"] == found["agent.bigquery.jobs"] == "pass"
    # a table that is read
    assert status(dcf.doctor(taken), "caller.table") == "pass"
    bq_set(denied=["bigquery.tables.getData"])
    assert status(dcf.doctor(taken), "caller.table") == "fail"


def test_a_refused_export_shows_what_the_doctor_sees(
    known: tuple[str, str], hc_control: Control
) -> None:
    store, prefix = known
    hc_control.set(denied=["healthcare.dicomStores.export"])
    words = ("export", "gcs", store, "--gcs-uri-prefix", prefix, "--all")
    ended = call(*words)
    assert ended.status == 4
    assert not ended.out
    assert "caller.store" in ended.err
    assert "--role=roles/healthcare.dicomViewer" in ended.err
    assert "PASS" not in ended.err
    assert "error[remote-permission]" in ended.err


def test_counting_a_study_names_the_right_that_is_missing(
    dicom_store: str, hc_control: Control
) -> None:
    hc_control.set(denied=["healthcare.dicomStores.dicomWebRead"])
    store = HealthcareStore.connect(StoreName.parse(dicom_store))
    with pytest.raises(RemotePermissionError, match=r"dicomStores\.dicomWebRead is needed"):
        store.instance_count("1.2.3")


def test_a_retention_is_no_missing_role(
    known: tuple[str, str],
    hc_control: Control,
    gcs_server: StorageServer,
    gcs_faults: FaultProxy,
    tmp_path: Path,
) -> None:
    store, prefix = known
    one = next(iter(hc_control.instances(store)))
    path, uri = tmp_path / "f.txt", prefix.replace("/out/", "/f.txt")
    path.write_text(f"/studies/{one.study}/series/{one.series}/instances/{one.instance}\n")
    assert call("upload", path, uri).status == 0
    pace, here = Pace(first_s=0.02, longest_s=0.1), dcf.open_store(store)
    here.export_to_gcs(prefix, filter=uri).wait(pace=pace)
    bucket = prefix.split("/")[2]
    gcs_server.fidelity.details[bucket] = {"retentionPolicy": {"retentionPeriod": "86400"}}
    again = here.export_to_gcs(prefix, filter=uri, options=StartOptions(again=True))
    with pytest.raises(OperationFailedError, match="keeps what is there") as failed:
        again.wait(pace=pace)
    assert "add-iam-policy-binding" not in str(failed.value.hint)
    assert "fresh destination" in str(failed.value.hint)
    assert gcs_faults.url
