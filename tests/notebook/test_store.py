"""A DICOM store as a notebook sees it, on a Healthcare API that really exports."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from dicomfilter.counts import Coverage
from dicomfilter.errors import (
    DestinationError,
    DicomFilterError,
    FilterFileError,
    FindingsError,
    OperationFailedError,
    RemotePermissionError,
    SourceNotFoundError,
    TripwireError,
    UsageError,
)
from dicomfilter.filters.build import FilterBuilt
from dicomfilter.filters.manifest import Manifest
from dicomfilter.notebook.asking import StartOptions, ask, beside, store_name
from dicomfilter.notebook.store import open_operations, open_store
from dicomfilter.operations.operation import Tripwire
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import Written
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.requests import ExportToGcs, ImportFromGcs, StorageClass, WriteDisposition
from tests.localcloud.healthcare import test_files
from tests.localcloud.proxy import Status

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud import bigquery, storage

    from dicomfilter.notebook.store import Store
    from tests.localcloud.healthcare import Control, Stored
    from tests.localcloud.proxy import FaultProxy


@pytest.fixture(autouse=True)
def _fresh_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.05")


@pytest.fixture
def store(dicom_store: str) -> Store:
    return open_store(dicom_store)


@pytest.fixture
def chosen(hc_control: Control, dicom_store: str) -> list[Stored]:
    """Choose some instances."""
    return hc_control.instances(dicom_store)[3:40:4]


def put(uri: str, text: str) -> str:
    with open_storage(uri).writer(uri, overwrite=True) as writer:
        writer.write(text.encode())
    return uri


def lines(instances: list[Stored]) -> str:
    return "".join(f"{each.path}\n" for each in instances)


def names(client: storage.Client, bucket: str, prefix: str = "out/") -> set[str]:
    return {blob.name for blob in client.list_blobs(bucket, prefix=prefix)}


def expected(instances: list[Stored]) -> set[str]:
    return {f"out/{each.study}/{each.series}/{each.instance}.dcm" for each in instances}


@pytest.mark.filterwarnings("ignore:Expected explicit VR:UserWarning")  # files that pydicom tests
def test_an_export_by_filter_brings_just_what_it_names(
    store: Store, bucket: str, gcs_client: storage.Client, chosen: list[Stored]
) -> None:
    import pydicom

    uri = put(f"gs://{bucket}/filter.txt", lines(chosen))
    operation = store.export_to_gcs(f"gs://{bucket}/out/", filter=uri)
    assert operation.name.startswith(f"{store.name.parent}/operations/")
    assert operation.tripwire is not None
    assert operation.tripwire.covered == len(chosen)
    outcome = operation.wait()
    assert outcome.state.counters.success == len(chosen)
    assert names(gcs_client, bucket) == expected(chosen)
    for blob in gcs_client.list_blobs(bucket, prefix="out/"):
        found = pydicom.dcmread(io.BytesIO(blob.download_as_bytes()), stop_before_pixels=True)
        assert f"out/{found.StudyInstanceUID}/{found.SeriesInstanceUID}" in blob.name


def test_the_whole_store_is_exported_only_when_that_is_said(
    store: Store, bucket: str, hc_control: Control
) -> None:
    with pytest.raises(UsageError, match="no filter is named"):
        store.export_to_gcs(f"gs://{bucket}/out/")
    outcome = store.export_to_gcs(f"gs://{bucket}/out/", everything=True).wait()
    assert outcome.state.counters.success == len(hc_control.instances(str(store.name)))


def test_a_filter_and_everything_contradict_each_other(store: Store) -> None:
    with pytest.raises(UsageError, match="and the whole store"):
        store.export_to_gcs("gs://b/out/", filter="gs://b/f.txt", everything=True)


def test_a_local_filter_is_staged_under_the_name_of_its_content(
    store: Store, bucket: str, gcs_client: storage.Client, chosen: list[Stored], tmp_path: Path
) -> None:
    path = tmp_path / "ct.txt"
    path.write_text(lines(chosen))
    options = StartOptions(staging=f"gs://{bucket}/staged")
    for _ in range(2):
        store.export_to_gcs(f"gs://{bucket}/out/", filter=path, options=options).wait()
    (staged,) = gcs_client.list_blobs(bucket, prefix="staged/")
    assert staged.download_as_bytes() == path.read_bytes()
    assert staged.name.startswith("staged/dicomfilter-")
    assert names(gcs_client, bucket) == expected(chosen)


def test_a_local_filter_needs_a_place_in_the_cloud(
    store: Store, tmp_path: Path, chosen: list[Stored]
) -> None:
    (tmp_path / "ct.txt").write_text(lines(chosen))
    with pytest.raises(UsageError, match="local file") as caught:
        store.export_to_gcs("gs://b/out/", filter=tmp_path / "ct.txt")
    assert "--staging" in (caught.value.hint or "")


def test_a_staged_object_of_other_content_is_not_used(
    store: Store, bucket: str, chosen: list[Stored], tmp_path: Path
) -> None:
    path = tmp_path / "ct.txt"
    path.write_text(lines(chosen))
    options = StartOptions(staging=f"gs://{bucket}/")
    call = ask(store.name, ExportToGcs(f"gs://{bucket}/out/"), path, options=options).planned()
    put(call.body["filterConfig"]["resourcePathsGcsUri"], "/studies/1\n")
    with pytest.raises(DicomFilterError, match="does not hold what"):
        store.export_to_gcs(f"gs://{bucket}/out/", filter=path, options=options)


def test_a_staged_filter_is_named_in_its_manifest(
    store: Store, bucket: str, chosen: list[Stored], tmp_path: Path
) -> None:
    path = tmp_path / "ct.txt"
    path.write_text(lines(chosen))
    manifest_for(path, covered=len(chosen))
    options = StartOptions(staging=f"gs://{bucket}/")
    operation = store.export_to_gcs(f"gs://{bucket}/out/", filter=path, options=options)
    operation.wait()
    said = json.loads((tmp_path / "ct.txt.manifest.json").read_text())
    assert said["filter"]["staged"]["uri"].startswith(f"gs://{bucket}/dicomfilter-")
    assert said["filter"]["staged"]["generation"]
    assert Manifest.parse((tmp_path / "ct.txt.manifest.json").read_text()).size_bytes


def manifest_for(path: Path, *, covered: int) -> None:
    """Write a manifest that is of just this file."""
    from dicomfilter.filters.lines import summary
    from dicomfilter.paths import Level

    found = summary(path)
    coverage = Coverage(
        found.lines, 0, found.lines, 0, 1, found.lines, None, covered, covered, 1, 0
    )
    manifest = Manifest(
        tool="0",
        created="2026-11-21T00:00:00+00:00",
        filter_uri=str(path),
        predicates=(),
        parameters=(),
        recorded=False,
        current_date="2026-11-21",
        all_versions=False,
        level=Level.SERIES,
        compact=False,
        skipped_bad_uids=False,
        sql="SELECT 1",
        coverage=coverage,
        size_bytes=found.size_bytes,
        crc32c=found.crc32c,
        sha256=found.sha256,
    )
    (path.parent / f"{path.name}.manifest.json").write_text(manifest.to_json())


BAD = {
    "header": ("path\n{}", "repair"),
    "quotes": ('"{}"\n', "repair"),
    "dicomweb": ("/dicomWeb{}", "repair"),
    "blank": ("{}\n\n{}", "repair"),
    "bom": ("\ufeff{}", "repair"),
    "doubled": ("{}\n{}\n", "repair"),
    "wrong": ("/series/1\n", "check"),
    "letters": ("/studies/abc\n", "check"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("where", ["local", "gs"])
def test_a_filter_that_is_none_starts_nothing(
    store: Store,
    bucket: str,
    gcs_client: storage.Client,
    chosen: list[Stored],
    *,
    tmp_path: Path,
    name: str,
    where: str,
) -> None:
    form, hint = BAD[name]
    text = form.replace("{}", chosen[0].path)
    filter_file = str(tmp_path / "f.txt")
    if where == "local":
        (tmp_path / "f.txt").write_text(text)
    else:
        filter_file = put(f"gs://{bucket}/f.txt", text)
    options = StartOptions(staging=f"gs://{bucket}/staged/")
    with pytest.raises(FilterFileError, match="cannot be used as it is") as caught:
        store.export_to_gcs(f"gs://{bucket}/out/", filter=filter_file, options=options)
    assert hint in (caught.value.hint or "")
    assert store.journal.entries() == ()
    assert names(gcs_client, bucket, "staged/") == set()


@pytest.mark.parametrize("text", ["", "\n"])
def test_a_filter_of_no_lines_starts_nothing(store: Store, bucket: str, text: str) -> None:
    uri = put(f"gs://{bucket}/f.txt", text)
    with pytest.raises(FilterFileError):
        store.export_to_gcs(f"gs://{bucket}/out/", filter=uri)
    assert store.journal.entries() == ()


@pytest.mark.parametrize("form", ["{}\r\n", "{}"])
def test_what_the_format_allows_is_noted_and_exported(
    store: Store, bucket: str, chosen: list[Stored], form: str
) -> None:
    uri = put(f"gs://{bucket}/f.txt", form.replace("{}", chosen[0].path))
    launched = store.launch(ExportToGcs(f"gs://{bucket}/out/"), uri)
    assert launched.notes
    assert launched.operation.wait().state.counters.success == 1


def test_a_filter_that_is_not_there_starts_nothing(store: Store, bucket: str) -> None:
    with pytest.raises(SourceNotFoundError):
        store.export_to_gcs(f"gs://{bucket}/out/", filter=f"gs://{bucket}/nothing.txt")
    assert store.journal.entries() == ()


def test_a_server_that_ignores_the_filter_trips(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored], tmp_path: Path
) -> None:
    hc_control.set(ignores_filter=True, step_s=0.01)
    hc_control.hold(5)
    path = tmp_path / "f.txt"
    path.write_text(lines(chosen[:1]))
    big = hc_control.instances(str(store.name))
    assert len(big) > 102
    options = StartOptions(staging=f"gs://{bucket}/")
    operation = store.export_to_gcs(f"gs://{bucket}/out/", filter=path, options=options)
    with pytest.raises(TripwireError, match="asked to cancel"):
        operation.wait()
    hc_control.release()
    with pytest.raises(OperationFailedError, match="was cancelled"):
        type(operation)(operation.name, operation.service).wait()


def test_a_manifest_tells_how_much_series_cover(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored], tmp_path: Path
) -> None:
    path = tmp_path / "f.txt"
    path.write_text(f"/studies/{chosen[0].study}/series/{chosen[0].series}\n")
    options = StartOptions(staging=f"gs://{bucket}/")
    request = ExportToGcs(f"gs://{bucket}/out/")
    assert store.launch(request, path, options=options).operation.tripwire is None
    manifest_for(path, covered=3)
    found = store.launch(request, path, options=options)
    assert found.filter is not None
    assert found.filter.covered == 3
    with path.open("a") as file:
        file.write(f"/studies/{chosen[-1].study}/series/{chosen[-1].series}\n")
    with pytest.raises(FilterFileError, match=r"is not the file that .* describes"):
        store.launch(request, path, options=options)
    hc_control.release()


def test_a_filter_that_is_replaced_meanwhile_is_found_afterwards(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    hc_control.hold(1)
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    operation = store.export_to_gcs(f"gs://{bucket}/out/", filter=uri)
    put(uri, lines(chosen[:2]))
    hc_control.release()
    with pytest.raises(FindingsError, match="was replaced while the operation ran"):
        operation.wait()
    with pytest.raises(FindingsError, match="was replaced"):
        store.operation(operation.name).wait()


def test_an_operation_taken_up_again_keeps_its_tripwire(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    hc_control.hold(0)
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    operation = store.export_to_gcs(f"gs://{bucket}/out/", filter=uri)
    for name in (operation.name, operation.name.rpartition("/")[2]):
        again = open_operations(name, store=str(store.name)).operation(name)
        assert (again.name, again.tripwire) == (operation.name, operation.tripwire)
    hc_control.release()
    assert again.wait().state.done


def test_failures_are_findings(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    hc_control.set(fail=2)
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    with pytest.raises(FindingsError, match=f"2 of {len(chosen)} failed"):
        store.export_to_gcs(f"gs://{bucket}/out/", filter=uri).wait()


@pytest.mark.parametrize("assumed", ["response", "error"])
def test_failures_are_told_however_the_service_ends(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored], assumed: str
) -> None:
    hc_control.assume(failures_end_in=assumed)
    hc_control.set(fail=1)
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    operation = store.export_to_gcs(f"gs://{bucket}/out/", filter=uri)
    with pytest.raises(DicomFilterError) as caught:
        operation.wait()
    assert caught.value.exit_status == (6 if assumed == "response" else 5)


@pytest.mark.parametrize("zero_counters_absent", [True, False])
@pytest.mark.parametrize("pending_counted", [True, False])
def test_counters_may_be_absent(
    store: Store,
    bucket: str,
    hc_control: Control,
    chosen: list[Stored],
    *,
    zero_counters_absent: bool,
    pending_counted: bool,
) -> None:
    hc_control.assume(zero_counters_absent=zero_counters_absent, pending_counted=pending_counted)
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    outcome = store.export_to_gcs(f"gs://{bucket}/out/", filter=uri).wait()
    assert outcome.state.counters.success == len(chosen)


def test_an_agent_without_a_role_is_named_with_the_line_that_grants_it(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    hc_control.set(refuse_operation=7)
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    with pytest.raises(OperationFailedError, match="gcp-sa-healthcare") as caught:
        store.export_to_gcs(f"gs://{bucket}/out/", filter=uri).wait()
    for part in ("roles/storage.objectAdmin", f"gs://{bucket}", "add-iam-policy-binding"):
        assert part in (caught.value.hint or "")


def test_a_caller_without_a_permission_is_told_which(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    hc_control.set(refuse_start=7)
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    with pytest.raises(RemotePermissionError, match=r"healthcare\.dicomStores\.export"):
        store.export_to_gcs(f"gs://{bucket}/out/", filter=uri)


def test_a_version_without_the_filter_is_explained(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    from dicomfilter.stores.healthcare.discovery import ApiVersion

    hc_control.set(v1_has_filter=False)
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    with pytest.raises(DicomFilterError, match="filterConfig") as caught:
        store.export_to_gcs(
            f"gs://{bucket}/out/", filter=uri, options=StartOptions(api_version=ApiVersion.V1)
        )
    assert "--api-version v1beta1" in (caught.value.hint or "")
    assert store.export_to_gcs(f"gs://{bucket}/out/", filter=uri).wait().state.done


def test_a_bucket_that_is_not_there_starts_nothing(  # noqa: PLR0917 - fixtures
    store: Store,
    bucket: str,
    chosen: list[Stored],
    hc_control: Control,
    gcs_client: storage.Client,
    tmp_path: Path,
) -> None:
    (tmp_path / "f.txt").write_text(lines(chosen))
    options = StartOptions(staging=f"gs://{bucket}/staged/")
    with pytest.raises(DestinationError, match="there is no bucket not-there-at-all"):
        store.export_to_gcs("gs://not-there-at-all/o", filter=tmp_path / "f.txt", options=options)
    with pytest.raises(DestinationError, match="there is no bucket"):
        store.export_to_gcs("gs://not-there-at-all", everything=True)
    with pytest.raises(SourceNotFoundError, match=r"^gs://not-there-at-all/\*\*\.dcm: there is no"):
        store.import_from_gcs("gs://not-there-at-all/**.dcm")
    assert hc_control.operations(str(store.name)) == []
    assert names(gcs_client, bucket, "") == set()


@pytest.mark.parametrize("code", [403, 503])
def test_a_bucket_that_may_not_be_looked_at_is_left_to_the_service(
    store: Store, gcs_faults: FaultProxy, code: int
) -> None:
    gcs_faults.add("GET /storage/v1/b/not-there-at-all/o", Status(code), times=None)
    operation = store.export_to_gcs("gs://not-there-at-all/out/", everything=True)
    with pytest.raises(OperationFailedError, match="NOT_FOUND"):
        operation.wait()


def test_images_are_imported_and_stay_as_they_are(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    store.export_to_gcs(f"gs://{bucket}/out/", filter=uri).wait()
    empty = open_store(hc_control.make_store())
    for _ in range(2):
        empty.import_from_gcs(
            f"gs://{bucket}/out/**.dcm", storage_class=StorageClass.NEARLINE
        ).wait()
    found = hc_control.instances(str(empty.name))
    assert {each.path for each in found} == {each.path for each in chosen}
    assert {each.storage_class for each in found} == {"NEARLINE"}


def test_what_images_are_stored_as_is_changed_by_filter(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    store.set_storage_class(StorageClass.ARCHIVE, filter=uri).wait()
    changed = {
        i.path for i in hc_control.instances(str(store.name)) if i.storage_class == "ARCHIVE"
    }
    assert changed == {each.path for each in chosen}


def test_de_identified_copies_go_to_another_store(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    other = hc_control.make_store()
    config = {"dicomTagConfig": {"options": {}}}
    store.deidentify(other, filter=uri, config=config).wait()
    assert len(hc_control.instances(other)) == len(chosen)
    with pytest.raises(UsageError, match="no field config"):
        store.deidentify(other, filter=uri, config={"dicomTagConfg": {}})


def test_operations_are_listed_or_remembered(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    operation = store.export_to_gcs(f"gs://{bucket}/out/", filter=uri)
    operation.wait()
    assert operation.name in {state.name for state in store.operations().states}
    hc_control.set(refuse_list=7)
    remembered = store.operations()
    assert remembered.refused is not None
    assert [entry.operation for entry in remembered.entries] == [operation.name]
    assert remembered.entries[0].filter_crc32c


def test_nothing_of_a_patient_is_journaled(store: Store, bucket: str, chosen: list[Stored]) -> None:
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    store.export_to_gcs(f"gs://{bucket}/out/", filter=uri).wait()
    text = store.journal.path.read_text()
    assert not any(uid in text for each in chosen for uid in (each.study, each.instance))


@pytest.mark.cloud
def test_metadata_go_to_a_table_with_the_exact_meaning_of_each_disposition(
    store: Store,
    bucket: str,
    dataset: str,
    bq_client: bigquery.Client,
    *,
    chosen: list[Stored],
) -> None:
    uri = put(f"gs://{bucket}/f.txt", lines(chosen))
    table = f"bq://{dataset}.metadata"

    def count() -> int:
        return int(bq_client.get_table(f"{dataset}.metadata").num_rows or 0)

    store.export_to_bigquery(table, filter=uri).wait()
    assert count() == len(chosen)
    with pytest.raises(DicomFilterError):
        store.export_to_bigquery(table, filter=uri).wait()
    append = WriteDisposition.WRITE_APPEND
    store.export_to_bigquery(table, filter=uri, write_disposition=append).wait()
    assert count() == 2 * len(chosen)
    truncate = WriteDisposition.WRITE_TRUNCATE
    store.export_to_bigquery(table, filter=uri, write_disposition=truncate).wait()
    assert count() == len(chosen)


def test_a_store_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no STORE"):
        store_name()
    monkeypatch.setenv("DICOMFILTER_STORE", "projects/p/locations/l/datasets/d/dicomStores/s")
    assert store_name().store == "s"
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "q")
    assert store_name("t", dataset="d", location="l").project == "q"


def test_a_destination_store_is_another_one_of_the_same_location() -> None:
    own = StoreName.parse("projects/p/locations/l/datasets/d/dicomStores/s")
    assert str(beside(own, "t")) == "projects/p/locations/l/datasets/d/dicomStores/t"
    with pytest.raises(UsageError, match="source itself"):
        beside(own, "s")
    with pytest.raises(UsageError, match="not in l"):
        beside(own, "projects/p/locations/m/datasets/d/dicomStores/t")


def test_an_import_takes_no_filter() -> None:
    own = StoreName.parse("projects/p/locations/l/datasets/d/dicomStores/s")
    with pytest.raises(UsageError, match="takes no filter"):
        ask(own, ImportFromGcs("gs://b/**"), "gs://b/f.txt").planned()


def test_pydicom_s_files_are_many_enough_to_trip() -> None:
    assert test_files().is_dir()


def test_a_file_that_changes_while_it_is_staged_is_not_staged(
    store: Store,
    bucket: str,
    gcs_client: storage.Client,
    chosen: list[Stored],
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dicomfilter.filters import transfer

    path = tmp_path / "f.txt"
    path.write_text(lines(chosen))
    look = transfer._look

    def look_and_change(uri: str) -> transfer.Looked:
        looked = look(uri)
        path.write_text(lines(chosen).replace("1", "2"))
        return looked

    monkeypatch.setattr(transfer, "_look", look_and_change)
    options = StartOptions(staging=f"gs://{bucket}/staged/")
    with pytest.raises(FilterFileError, match="changed while it was read"):
        store.export_to_gcs(f"gs://{bucket}/out/", filter=path, options=options)
    assert names(gcs_client, bucket, "staged/") == set()
    assert store.journal.entries() == ()


def test_what_a_build_knows_of_its_filter_is_the_tripwire(
    store: Store, bucket: str, hc_control: Control, chosen: list[Stored]
) -> None:
    hc_control.hold(0)
    text = f"/studies/{chosen[0].study}/series/{chosen[0].series}\n"
    uri = put(f"gs://{bucket}/f.txt", text)
    crc32c = open_storage(uri).stat(uri).crc32c or ""
    coverage = Coverage(1, 0, 1, 0, 1, 1, None, 7, 7, None, 0)
    nothing = cast("Manifest", None)
    built = FilterBuilt(Written(uri, len(text), crc32c, None), coverage, nothing, None, None, None)
    operation = store.export_to_gcs(f"gs://{bucket}/out/", filter=built)
    assert operation.tripwire == Tripwire(7)
    other = replace(built, written=replace(built.written, crc32c="AAAAAA=="))
    assert store.export_to_gcs(f"gs://{bucket}/out/", filter=other).tripwire is None
