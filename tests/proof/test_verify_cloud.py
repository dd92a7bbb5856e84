"""The same in the cloud: Cloud Storage, the Healthcare API and BigQuery, over HTTP."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from dicomfilter.dicom.headers.byte_windows import RangedBytes
from dicomfilter.dicom.headers.header import header_at
from dicomfilter.storage.gcs.objects import GcsStorage
from tests.cli.running import call
from tests.localcloud.proxy import Edit, Status

if TYPE_CHECKING:
    from google.cloud import storage

    from tests.localcloud.healthcare import Control, Stored
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.stack import Cloud

pytestmark = pytest.mark.usefixtures("short_retries")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder of one's own, with a state of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.05")
    return tmp_path


@pytest.fixture
def chosen(hc_control: Control, dicom_store: str) -> list[Stored]:
    """Choose some instances, and write a filter of them."""
    found = hc_control.instances(dicom_store)[3:40:4]
    Path("f.txt").write_text("".join(f"{one.path}\n" for one in found))
    return found


def export(store: str, bucket: str, *options: str, name: str = "f.txt") -> int:
    place = f"gs://{bucket}/out/"
    staging = f"gs://{bucket}/filters/"
    arguments = ["--filter", name, "--staging", staging, "--gcs-uri-prefix", place]
    return call("export", "gcs", store, *arguments, *options).status


def verified(place: str, *options: str, status: int, name: str = "f.txt") -> dict[str, Any]:
    ended = call("verify", name, place, "--json", *options)
    assert ended.status == status, ended.out + ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return found


def test_three_images_fail_are_retried_and_the_set_is_complete(
    dicom_store: str, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    hc_control.set(fail=3)
    assert export(dicom_store, bucket) == 6
    place = f"gs://{bucket}/out"
    found = verified(place, status=6)
    assert found["verdict"] == "incomplete"
    assert found["missing"]["count"] == 3
    assert found["counters"] == {"success": len(chosen) - 3, "failure": 3}
    assert found["agrees_with_counters"] is True
    hc_control.set(fail=0)
    assert export(dicom_store, bucket, name="f.txt.retry.txt") == 0
    found = verified(place, status=0)
    assert (found["verdict"], found["arrived"]) == ("complete", len(chosen))
    assert found["left_over"] == {"count": 0}


def test_the_journal_tells_what_was_there_before(
    dicom_store: str,
    bucket: str,
    gcs_client: storage.Client,
    chosen: list[Stored],
    gcs_faults: FaultProxy,
) -> None:
    """What is older than the operation was left over; and a stale copy has not arrived."""
    where = gcs_client.bucket(bucket)
    where.blob("out/1/2/3.dcm").upload_from_string(b"DICM")
    export(dicom_store, bucket)
    stale = f"out/{chosen[0].study}/{chosen[0].series}/{chosen[0].instance}.dcm"

    def aged(body: bytes) -> bytes:
        said = json.loads(body)
        for item in said["items"]:
            if item["name"] in {"out/1/2/3.dcm", stale}:
                item["timeCreated"] = "2020-01-01T00:00:00Z"
        return json.dumps(said).encode()

    gcs_faults.add(r"GET /storage/v1/b/[^/]+/o\?", Edit(aged), times=None)
    found = verified(f"gs://{bucket}/out/", status=6)
    assert found["left_over"] == {"count": 1}
    assert found["missing"]["reasons"] == {"older": 1}


def test_an_operation_may_be_named(dicom_store: str, bucket: str, chosen: list[Stored]) -> None:
    place, staging = f"gs://{bucket}/out/", f"gs://{bucket}/filters/"
    arguments = ["--filter", "f.txt", "--staging", staging, "--gcs-uri-prefix", place]
    name = call("export", "gcs", dicom_store, *arguments).out.strip()
    found = verified(place, "--operation", name, status=0)
    assert (found["operation"], found["arrived"]) == (name, len(chosen))
    ended = call("verify", "f.txt", f"gs://{bucket}/elsewhere/", "--operation", name)
    assert ended.status == 2
    assert "wrote to" in ended.err


@pytest.mark.parametrize("level", ["study", "series"])
def test_lines_are_counted_by_the_store_where_no_table_knows_them(
    dicom_store: str, bucket: str, chosen: list[Stored], hc_control: Control, level: str
) -> None:
    depth = {"study": 2, "series": 4}[level]
    lines = sorted({"/".join(one.path.split("/")[: depth + 1]) for one in chosen})
    Path("f.txt").write_text("".join(f"{line}\n" for line in lines))
    hc_control.set(fail=1)
    export(dicom_store, bucket)
    found = verified(f"gs://{bucket}/out/", status=6)
    assert found["missing"]["reasons"] == {"fewer": 1}
    assert found["by_count"] == found["expected"] > 0
    hc_control.set(fail=0)
    assert export(dicom_store, bucket, name="f.txt.retry.txt") == 0
    assert verified(f"gs://{bucket}/out/", status=0)["verdict"] == "complete"
    found = verified(f"gs://{bucket}/out/", "--max-requests", "1", status=6)
    assert found["verdict"] == "unproved"
    assert found["unproved"]["lines"] == len(lines) - 1


def test_a_line_that_the_store_does_not_know_is_unproved(
    dicom_store: str, bucket: str, chosen: list[Stored]
) -> None:
    with Path("f.txt").open("a") as file:
        file.write("/studies/1.2.3.999\n")
    export(dicom_store, bucket)
    found = verified(f"gs://{bucket}/out/", "--store", dicom_store, status=6)
    assert found["verdict"] == "unproved"
    assert found["arrived"] == len(chosen)


def test_pictures_are_verified_by_name(
    dicom_store: str, bucket: str, chosen: list[Stored], gcs_client: storage.Client
) -> None:
    export(dicom_store, bucket, "--mime-type", "image/png")
    names = [blob.name for blob in gcs_client.list_blobs(bucket, prefix="out/")]
    found = json.loads(call("verify", "f.txt", f"gs://{bucket}/out/", "--json").out)
    assert found["unexpected"]["count"] == 0
    assert found["others"]["count"] == 0
    assert found["listed"]["names"] == len(names)
    drawn = {tuple(name.removeprefix("out/").removesuffix(".png").split("/")[:3]) for name in names}
    assert found["arrived"] + found["unproved"]["instances"] == len(drawn)
    assert found["missing"]["count"] == len(chosen) - len(drawn)


def test_files_in_a_bucket_are_opened(
    dicom_store: str, bucket: str, chosen: list[Stored], gcs_client: storage.Client
) -> None:
    export(dicom_store, bucket)
    where = gcs_client.bucket(bucket)
    one, other = (f"out/{s.study}/{s.series}/{s.instance}.dcm" for s in chosen[:2])
    where.blob(one).upload_from_string(where.blob(other).download_as_bytes())
    assert verified(f"gs://{bucket}/out/", status=0)["verdict"] == "complete"
    found = verified(f"gs://{bucket}/out/", "--read", "all", status=6)
    assert found["missing"]["reasons"] == {"another-instance": 1}


def test_of_a_large_object_only_the_header_is_fetched(
    dicom_store: str, bucket: str, chosen: list[Stored], gcs_client: storage.Client
) -> None:
    export(dicom_store, bucket)
    where = gcs_client.bucket(bucket)
    one = chosen[0]
    blob = where.blob(f"out/{one.study}/{one.series}/{one.instance}.dcm")
    dataset = dcmread(BytesIO(blob.download_as_bytes()))
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.Rows = dataset.Columns = 3000
    dataset.PixelData = bytes(2 * 3000 * 3000)  # longer than what was once read of a file
    with BytesIO() as file:
        dataset.save_as(file)
        blob.upload_from_string(file.getvalue())
    assert verified(f"gs://{bucket}/out/", "--read", "all", status=0)["verdict"] == "complete"
    size, fetch = GcsStorage().parts(f"gs://{bucket}/{blob.name}")
    fetched: list[int] = []

    def counting(at: int, length: int) -> bytes:
        fetched.append(length)
        return fetch(at, length)

    assert header_at(RangedBytes(size, counting)).instance == one.instance
    assert size > 18_000_000
    assert sum(fetched) <= 3 << 16


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Status(403), 4),
        (Status(503), 4),
        (Status(404), 2),
        (Edit(lambda _: b"{}"), 4),
        (Edit(lambda body: body[:-20]), 4),
    ],
)
def test_a_destination_that_cannot_be_listed_has_no_verdict(  # noqa: PLR0917 - fixtures
    dicom_store: str,
    bucket: str,
    chosen: list[Stored],  # noqa: ARG001 - which writes the filter
    gcs_faults: FaultProxy,
    fault: Status,
    status: int,
    here: Path,
) -> None:
    export(dicom_store, bucket)
    gcs_faults.add(r"GET /storage/v1/b/[^/]+/o\?", fault, times=None)
    ended = call("verify", "f.txt", f"gs://{bucket}/out/", "--json")
    assert ended.status == status, ended.err
    assert not ended.out
    assert not list(here.glob("f.txt.*"))


def test_a_bucket_with_nothing_below_the_prefix(bucket: str, chosen: list[Stored]) -> None:
    assert verified(f"gs://{bucket}/out/", status=6)["verdict"] == "nothing-arrived"
    assert call("verify", "f.txt", f"gs://{bucket}-not/out/").status == 2
    assert chosen


def test_nothing_lies_beside_a_filter_in_the_cloud_unasked(
    dicom_store: str, bucket: str, chosen: list[Stored], gcs_client: storage.Client, here: Path
) -> None:
    uri = f"gs://{bucket}/f.txt"
    gcs_client.bucket(bucket).blob("f.txt").upload_from_filename("f.txt")
    call("export", "gcs", dicom_store, "--filter", uri, "--gcs-uri-prefix", f"gs://{bucket}/out/")
    gone = f"out/{chosen[0].study}/{chosen[0].series}/{chosen[0].instance}.dcm"
    gcs_client.bucket(bucket).blob(gone).delete()
    found = verified(f"gs://{bucket}/out/", status=6, name=uri)
    assert found["missing"] == {"count": 1, "reasons": {"unknown": 1}, "file": None}
    assert {blob.name for blob in gcs_client.list_blobs(bucket) if "out/" not in blob.name} == {
        "f.txt"
    }
    retry = f"gs://{bucket}/retry.txt"
    verified(f"gs://{bucket}/out/", "--retry", retry, status=6, name=uri)
    assert gcs_client.bucket(bucket).blob("retry.txt").download_as_text() == f"{chosen[0].path}\n"
    assert not list(here.glob("*retry*"))


def test_a_table_of_bigquery_is_a_destination(cloud: Cloud) -> None:
    store, bucket = cloud.make_store(), cloud.make_bucket()
    dataset = cloud.make_dataset()
    found = cloud.healthcare.control.instances(store)[:9]
    Path("f.txt").write_text("".join(f"{one.path}\n" for one in found))
    table = f"bq://{dataset}.subset"
    staging = ["--staging", f"gs://{bucket}/filters/"]
    arguments = ["--filter", "f.txt", *staging, "--bq-table", table]
    call("export", "bq", store, *arguments)
    assert verified(table, status=0)["arrived"] == 9
    call("export", "bq", store, *arguments, "--write-disposition", "write-append", "--start-again")
    assert verified(table, status=6)["doubled"] == {"count": 9}
    Path("more.txt").write_text("".join(f"{one.path}\n" for one in found[:7]))
    seen = verified(table, "--one-way", status=6, name="more.txt")
    assert (seen["unexpected"]["count"], seen["missing"]["count"]) == (2, 0)
    assert call("verify", "f.txt", f"bq://{dataset}.none").status == 2


def test_metadata_in_bigquery_tell_what_lines_hold(cloud: Cloud) -> None:
    store, bucket = cloud.make_store(), cloud.make_bucket()
    table = cloud.export_metadata(store, cloud.make_dataset())
    built = call("build", table, "--where", "Modality = 'CT'", "--level", "study", "-o", "f.txt")
    assert built.status == 0, built.err
    assert export(store, bucket) == 0
    found = verified(f"gs://{bucket}/out/", status=0)
    assert found["against"]["uri"] == table
    assert found["expected"] == found["arrived"] > 0


def test_an_export_verifies_itself_by_its_own_operation(
    dicom_store: str, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    hc_control.set(fail=2)
    place, staging = f"gs://{bucket}/out/", f"gs://{bucket}/filters/"
    arguments = ["--staging", staging, "--gcs-uri-prefix", place, "--verify", "--json"]
    ended = call("export", "gcs", dicom_store, "--filter", "f.txt", *arguments)
    assert ended.status == 6, ended.err
    found = json.loads(ended.out)
    assert found["verification"]["missing"]["count"] == found["failure"] == 2
    assert found["verification"]["operation"] == found["operation"]
    hc_control.set(fail=0)
    ended = call("export", "gcs", dicom_store, "--filter", "f.txt.retry.txt", *arguments)
    assert ended.status == 0, ended.err
    found = json.loads(ended.out)["verification"]
    assert (found["verdict"], found["expected"]) == ("complete", 2)
    assert found["left_over"]["count"] == len(chosen) - 2
    assert len(chosen) == verified(place, status=0)["arrived"]
