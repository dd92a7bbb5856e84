from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydicom
import pytest
from googleapiclient.errors import HttpError

from tests.localcloud.ensure import ROOT
from tests.localcloud.healthcare import test_files
from tests.localcloud.healthcare_server.rows import flattened
from tests.localcloud.stack import Cloud, OperationFailedError

if TYPE_CHECKING:
    from google.cloud import bigquery

pytestmark = pytest.mark.cloud


@pytest.fixture
def store(cloud: Cloud) -> str:
    return cloud.make_store()


def rows(client: bigquery.Client, uri: str, what: str, rest: str = "") -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(f"SELECT {what} FROM `{uri[5:]}` {rest}").result()]


def test_the_environment_leads_to_all_servers(cloud: Cloud) -> None:
    assert len(cloud.environment) == 4
    assert cloud.environment.items() <= os.environ.items()
    assert all("127.0.0.1" in value or "localhost" in value for value in cloud.environment.values())


def test_a_program_can_run_the_cloud_and_nothing_survives_it() -> None:
    program = (sys.executable, "-m", "tests.localcloud.stack")
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = time.monotonic()
    with subprocess.Popen(program, cwd=ROOT, **pipes) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(7)]
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        assert len(children) == 3
        running.kill()
    assert lines[-1].startswith("# metadata: bq://demo.")
    assert sum(line.startswith("export ") for line in lines) == 4
    assert time.monotonic() - started < 60
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{each}/exe").exists() for each in children):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_metadata_of_a_store_become_a_table_of_one_column_a_tag(
    cloud: Cloud, store: str, bq_client: bigquery.Client
) -> None:
    uri = cloud.export_metadata(store, cloud.make_dataset())
    table = bq_client.get_table(uri[5:])
    held = cloud.healthcare.control.instances(store)
    assert table.num_rows == len(held) == 116
    columns = {field.name: field for field in table.schema}
    assert columns["StudyDate"].field_type == "DATE"
    assert columns["SliceThickness"].field_type == "STRING"
    assert columns["Rows"].field_type == "INTEGER"
    assert columns["ImageType"].mode == "REPEATED"
    assert [part.name for part in columns["PatientName"].fields] == [
        "Alphabetic",
        "Ideographic",
        "Phonetic",
    ]
    assert columns["DroppedTags"].mode == "REPEATED"
    assert {"LastUpdated", "Type", "StorageClass", "BlobStorageSize"} <= columns.keys()
    assert "SourceDicomStore" not in columns
    uids = "StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID"
    assert set(rows(bq_client, uri, uids)) == {(e.study, e.series, e.instance) for e in held}
    named = rows(bq_client, uri, "PatientName.Alphabetic.FamilyName", "WHERE PatientID = '1CT1'")
    assert named == [("CompressedSamples",)]
    assert rows(bq_client, uri, "DISTINCT Type") == [("CREATE",)]


def test_the_metadata_become_one_column_of_json(
    cloud: Cloud, store: str, bq_client: bigquery.Client
) -> None:
    dataset = cloud.make_dataset()
    modality = {"tags": "'$.00080060.Value[0]'", "keywords": "'$.Modality'"}
    for keys, path in modality.items():
        cloud.healthcare.control.assume(metadata_keys=keys)
        uri = cloud.export_metadata(
            store, dataset, name=keys, schemaJson={}, includeSourceStore=True
        )
        found = rows(bq_client, uri, f"COUNTIF(JSON_VALUE(Metadata, {path}) = 'CT')")
        assert found == [(64,)]
        assert rows(bq_client, uri, "DISTINCT SourceDicomStore") == [(store,)]


@pytest.mark.parametrize(
    ("destination", "outcome"),
    [
        ({}, "Already Exists"),
        ({"writeDisposition": "WRITE_EMPTY"}, "Already Exists"),
        ({"force": False}, "Already Exists"),
        ({"writeDisposition": "WRITE_TRUNCATE"}, 116),
        ({"force": True}, 116),
        ({"writeDisposition": "WRITE_EMPTY", "force": True}, "Already Exists"),
        ({"writeDisposition": "WRITE_APPEND", "schemaJson": {}}, 117),
    ],
)
def test_a_write_disposition_means_what_is_documented(
    cloud: Cloud,
    store: str,
    bq_client: bigquery.Client,
    destination: dict[str, Any],
    outcome: int | str,
) -> None:
    uri = f"bq://{cloud.make_dataset()}.metadata"
    bq_client.query(f"CREATE TABLE `{uri[5:]}` AS SELECT '1.2' AS StudyInstanceUID").result()
    if isinstance(outcome, str):
        with pytest.raises(OperationFailedError, match=outcome):
            cloud.export_metadata(store, uri[5:].rpartition(".")[0], **destination)
    else:
        cloud.export_metadata(store, uri[5:].rpartition(".")[0], **destination)
    expected = 1 if isinstance(outcome, str) else outcome
    assert bq_client.get_table(uri[5:]).num_rows == expected


def test_an_empty_table_is_in_the_way_only_of_force(
    cloud: Cloud, store: str, bq_client: bigquery.Client
) -> None:
    dataset = cloud.make_dataset()
    bq_client.query(f"CREATE TABLE `{dataset}.metadata` (StudyInstanceUID STRING)").result()
    with pytest.raises(OperationFailedError, match="Already Exists"):
        cloud.export_metadata(store, dataset, force=False)
    cloud.export_metadata(store, dataset, writeDisposition="WRITE_EMPTY")
    assert bq_client.get_table(f"{dataset}.metadata").num_rows == 116


def test_what_is_assumed_of_a_table_holds(
    cloud: Cloud, store: str, bq_client: bigquery.Client
) -> None:
    dataset, control = cloud.make_dataset(), cloud.healthcare.control
    control.assume(type_of_rows="INSERT")
    uri = cloud.export_metadata(store, dataset, schemaJson={})
    assert rows(bq_client, uri, "DISTINCT Type") == [("INSERT",)]
    other = bq_client.create_dataset(f"other.{dataset.partition('.')[2]}")
    uri = cloud.export_metadata(store, f"other.{other.dataset_id}", schemaJson={})
    assert bq_client.get_table(uri[5:]).num_rows == 116
    control.assume(other_project="refused")
    with pytest.raises(HttpError, match="must be in the project"):
        cloud.export_metadata(store, f"other.{other.dataset_id}", schemaJson={})
    bq_client.delete_dataset(other, delete_contents=True)


def test_change_data_capture_leaves_out_the_type_of_rows(
    cloud: Cloud, store: str, bq_client: bigquery.Client
) -> None:
    dataset = cloud.make_dataset()
    with cloud.healthcare.client("v1beta1") as client:
        stores = client.projects().locations().datasets().dicomStores()
        destination = {
            "tableUri": f"bq://{dataset}.t",
            "schemaJson": {},
            "changeDataCaptureConfig": {},
        }
        operation = stores.export(name=store, body={"bigqueryDestination": destination}).execute()
        cloud.wait(client, operation["name"])
    assert "Type" not in {field.name for field in bq_client.get_table(f"{dataset}.t").schema}
    with pytest.raises(HttpError, match="changeDataCaptureConfig"):  # v1 does not know it
        cloud.export_metadata(store, dataset, schemaJson={}, changeDataCaptureConfig={})


def test_a_missing_dataset_is_an_error_of_the_operation(cloud: Cloud, store: str) -> None:
    with pytest.raises(OperationFailedError, match=r"no_such"):
        cloud.export_metadata(store, "demo.no_such")


def test_sequences_private_tags_and_repeating_groups_have_a_place() -> None:
    dataset = pydicom.Dataset()
    dataset.PatientName = "Doe^John=Ideo"
    dataset.StudyTime, dataset.AcquisitionDateTime = "0102", "20200102030405.5+0100"
    item = pydicom.Dataset()
    item.CodeValue = "A"
    dataset.ProcedureCodeSequence = [item]
    dataset.add_new(0x00091001, "LO", ["x", "y"])
    dataset.add_new(0x60000010, "US", 5)
    dataset.add_new(0x00420011, "OB", b"..")
    columns, values = flattened(dataset)
    assert values == {
        "StudyTime": "01:02:00",
        "AcquisitionDateTime": "2020-01-02 02:04:05.500000+00:00",
        "OtherElements": [{"Tag": "Tag_00091001", "Data": ["x", "y"]}],
        "PatientName": {
            "Alphabetic": {"FamilyName": "Doe", "GivenName": "John"},
            "Ideographic": {"FamilyName": "Ideo"},
        },
        "ProcedureCodeSequence": [{"CodeValue": "A"}],
        "DroppedTags": [{"TagName": "EncapsulatedDocument"}],
        "OverlayRows": [{"Id": "6000", "Value": ["5"]}],
    }
    assert columns["ProcedureCodeSequence"].repeated


@pytest.mark.usefixtures("small_shards")
def test_the_chain_exports_just_what_the_predicate_selects(
    cloud: Cloud, store: str, bq_client: bigquery.Client
) -> None:
    table = cloud.export_metadata(store, cloud.make_dataset())
    name = cloud.make_bucket()
    line = "CONCAT('/studies/', StudyInstanceUID, '/series/', SeriesInstanceUID, '/instances/', SOPInstanceUID)"
    options = f"uri='gs://{name}/parts/p-*', format='CSV', header=false"
    where = "WHERE Modality = 'MR' ORDER BY line"
    bq_client.query(
        f"EXPORT DATA OPTIONS({options}) AS SELECT {line} AS line FROM `{table[5:]}` {where}"
    ).result()
    client = cloud.storage.client()
    bucket = client.bucket(name)
    parts = list(bucket.list_blobs(prefix="parts/"))
    bucket.blob("filter.txt").compose(parts, if_generation_match=0)
    assert len(parts) > 1
    with cloud.healthcare.client() as healthcare:
        stores = healthcare.projects().locations().datasets().dicomStores()
        body = {
            "filterConfig": {"resourcePathsGcsUri": f"gs://{name}/filter.txt"},
            "gcsDestination": {"uriPrefix": f"gs://{name}/out"},
        }
        operation = cloud.wait(healthcare, stores.export(name=store, body=body).execute()["name"])
    selected = {uid for (uid,) in rows(bq_client, table, "SOPInstanceUID", "WHERE Modality = 'MR'")}
    read = [io.BytesIO(blob.download_as_bytes()) for blob in bucket.list_blobs(prefix="out/")]
    arrived = {str(pydicom.dcmread(each, stop_before_pixels=True).SOPInstanceUID) for each in read}
    assert arrived == selected
    assert operation["metadata"]["counter"] == {"success": str(len(selected))}
    client.close()


def test_pydicoms_files_are_there() -> None:
    assert (test_files() / "CT_small.dcm").exists()
