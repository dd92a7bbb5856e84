"""Exports from a folder: where they go, what stands in their way, and doing them again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import DestinationError, FindingsError, OperationFailedError, UsageError
from dicomfilter.notebook.asking import StartOptions
from dicomfilter.notebook.store import open_store
from dicomfilter.storage import open_storage
from dicomfilter.stores.folder import deidentify, exports, table_exports
from dicomfilter.stores.folder.exports import begin
from dicomfilter.stores.state import State
from tests.localcloud.proxy import Status
from tests.stores.folder.images import STUDIES, files, image, put

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud import storage

    from dicomfilter.notebook.store import Store
    from dicomfilter.stores.folder.choosing import Choice
    from dicomfilter.stores.folder.work import Run
    from dicomfilter.stores.state import Missed
    from tests.localcloud.proxy import FaultProxy

EVERYTHING = {each.name: each.data for each in STUDIES}


def inodes(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*.dcm")
    }


def test_the_folder_itself_stays_as_it_is(store: Store, folder: Path, tmp_path: Path) -> None:
    before = files(folder)
    store.export_to_gcs(str(tmp_path / "out"), everything=True).wait()
    assert files(folder) == before
    assert files(tmp_path / "out") == EVERYTHING


def test_what_is_right_already_is_not_copied_again(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    store.export_to_gcs(str(out), everything=True).wait()
    before = inodes(out)
    damaged, missing = STUDIES[2], STUDIES[7]
    (out / damaged.name).write_bytes(damaged.data[:-1] + b"?")
    (out / missing.name).unlink()
    outcome = store.export_to_gcs(str(out), everything=True).wait()
    assert outcome.state.counters.success == len(STUDIES)
    assert files(out) == EVERYTHING
    after = inodes(out)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {f"{damaged.instance}.dcm", f"{missing.instance}.dcm"}


@pytest.mark.parametrize("method", ["export_to_gcs", "deidentify", "export_to_bigquery"])
def test_a_file_that_another_instance_took_the_place_of_is_not_taken_for_what_it_was(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def later(running: Run, choice: Choice) -> None:
        file = folder / "IM0000"
        before = file.stat()
        file.write_bytes(STUDIES[5].data)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as renaming leaves it
        begin(running, choice)

    for module in (exports, deidentify, table_exports):
        monkeypatch.setattr(module, "begin", later)
    out = tmp_path / ("out.parquet" if method == "export_to_bigquery" else "out")
    filter_file = tmp_path / "f.txt"
    filter_file.write_text(STUDIES[0].line)
    with pytest.raises(FindingsError):
        getattr(store, method)(str(out), filter=str(filter_file)).wait()
    assert list(out.rglob("*.dcm")) == []
    assert "another instance lies" in failures(store)


@pytest.mark.parametrize("inside", ["", ".", "out", "a/b/c"])
def test_a_destination_in_the_store_is_refused(store: Store, folder: Path, inside: str) -> None:
    with pytest.raises(DestinationError, match="which is exported"):
        store.export_to_gcs(str(folder / inside), everything=True)
    assert len(files(folder)) == len(STUDIES)


def test_a_link_into_the_store_is_refused(store: Store, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    for destination in ("link", "link/out"):
        with pytest.raises(DestinationError, match="which is exported"):
            store.export_to_gcs(str(tmp_path / destination), everything=True)


def test_a_store_that_lies_where_a_study_would_is_spared(tmp_path: Path) -> None:
    folder = put(tmp_path / "1.1", *STUDIES)
    with pytest.raises(DestinationError, match=r"lies below .* as a study does"):
        open_store(str(folder)).export_to_gcs(str(tmp_path), everything=True)
    assert len(files(folder)) == len(STUDIES)


def test_a_link_in_the_destination_is_not_followed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/1.1").symlink_to(tmp_path / "elsewhere")
    operation = store.export_to_gcs(str(tmp_path / "out"), everything=True)
    with pytest.raises(FindingsError, match="6 of 12 failed"):
        operation.wait()
    assert not [path for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()]
    assert "a symbolic link leads it elsewhere" in failures(store)


def failures(store: Store) -> str:
    (*_, state) = store.operations().states
    assert state.logs_url is not None
    with open(state.logs_url, encoding="utf-8") as file:
        return file.read()


def test_a_file_where_a_folder_has_to_be_is_a_failure(store: Store, tmp_path: Path) -> None:
    (tmp_path / "out/1.1").mkdir(parents=True)
    (tmp_path / "out/1.1/1.1.1").write_text("in the way")
    with pytest.raises(FindingsError, match="3 of 12 failed"):
        store.export_to_gcs(str(tmp_path / "out"), everything=True).wait()
    assert "was not written" in failures(store)


def test_a_uid_that_would_lead_out_of_the_destination_is_none(tmp_path: Path) -> None:
    bad = image("..", "..", "1.9")
    store = open_store(str(put(tmp_path / "store", STUDIES[0], bad)))
    operation = store.export_to_gcs(str(tmp_path / "a/b/out"), everything=True)
    operation.wait(allow_findings=True)
    assert files(tmp_path / "a/b/out") == {STUDIES[0].name: STUDIES[0].data}
    assert sorted(path.name for path in (tmp_path / "a/b").iterdir()) == ["out"]


def test_a_file_that_went_after_it_was_seen_is_a_failure(
    store: Store, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dicomfilter.stores.folder import exports

    def one_less(running: object, choice: object) -> None:
        (folder / "IM0003").unlink()
        begin(running, choice)  # type: ignore[arg-type]

    begin = exports.begin
    monkeypatch.setattr(exports, "begin", one_less)
    with pytest.raises(FindingsError, match="1 of 12 failed"):
        store.export_to_gcs(str(tmp_path / "out"), everything=True).wait()
    assert "unreadable: no such file or directory" in failures(store)


def test_a_filter_may_lie_in_the_cloud(store: Store, bucket: str, tmp_path: Path) -> None:
    uri = f"gs://{bucket}/f.txt"
    with open_storage(uri).writer(uri, overwrite=True) as writer:
        writer.write(STUDIES[0].line.encode())
    store.export_to_gcs(str(tmp_path / "out"), filter=uri).wait()
    assert files(tmp_path / "out") == {STUDIES[0].name: STUDIES[0].data}


def test_what_was_changed_since_the_last_time_is_seen(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    store.export_to_gcs(str(tmp_path / "out"), everything=True).wait()
    (folder / "IM0000").unlink()
    new = image("1.3", "1.3.1", "1.3.1.1")
    (folder / "new").write_bytes(new.data)
    outcome = store.export_to_gcs(str(tmp_path / "again"), everything=True).wait()
    assert outcome.state.counters.success == len(STUDIES)
    rest = {each.name: each.data for each in (*STUDIES[1:], new)}
    assert files(tmp_path / "again") == rest


def test_a_folder_is_exported_to_the_cloud_and_again(
    store: Store, bucket: str, gcs_client: storage.Client
) -> None:
    for _ in range(2):
        store.export_to_gcs(f"gs://{bucket}/out", everything=True).wait()
    blobs = list(gcs_client.list_blobs(bucket))
    found = {blob.name: blob.download_as_bytes() for blob in blobs}
    assert found == {f"out/{name}": data for name, data in EVERYTHING.items()}


def test_what_is_right_in_the_cloud_is_not_sent_again(
    store: Store, bucket: str, gcs_client: storage.Client
) -> None:
    store.export_to_gcs(f"gs://{bucket}/out/", everything=True).wait()
    before = {blob.name: blob.generation for blob in gcs_client.list_blobs(bucket)}
    gcs_client.bucket(bucket).blob(f"out/{STUDIES[0].name}").upload_from_string(b"other")
    store.export_to_gcs(f"gs://{bucket}/out/", everything=True).wait()
    after = {blob.name: blob.generation for blob in gcs_client.list_blobs(bucket)}
    assert {name for name in after if after[name] != before[name]} == {f"out/{STUDIES[0].name}"}


def test_a_bucket_that_may_not_be_written_ends_it(
    store: Store, bucket: str, gcs_faults: FaultProxy
) -> None:
    gcs_faults.add("POST /upload/", Status(403))
    operation = store.export_to_gcs(f"gs://{bucket}/out", everything=True)
    with pytest.raises(OperationFailedError, match="failed: PERMISSION_DENIED: "):
        operation.wait()


def test_a_bucket_that_is_not_there(store: Store, bucket: str) -> None:
    with pytest.raises(DestinationError, match="no bucket"):
        store.export_to_gcs(f"gs://{bucket}-not/out", everything=True)


def test_whoever_watches_sees_images_go(store: Store, tmp_path: Path) -> None:
    seen: list[State | Missed] = []
    options = StartOptions(watch=seen.append)
    store.export_to_gcs(str(tmp_path / "out"), everything=True, options=options)
    states = [look for look in seen if isinstance(look, State)]
    assert {state.method for state in states} >= {"ExportDicomData"}
    assert states[-1].done
    assert states[-1].counters.success == len(STUDIES)


def test_an_unknown_transfer_syntax_is_refused_before_anything_is_written(
    store: Store, tmp_path: Path
) -> None:
    mime = "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.51"
    try:
        store.export_to_gcs(str(tmp_path / "out"), everything=True, mime_type=mime)
    except UsageError:
        assert not os.path.lexists(tmp_path / "out")


def test_pictures_are_one_file_a_frame(tmp_path: Path) -> None:
    many = image("1.4", "1.4.1", "1.4.1.1", NumberOfFrames=3, PixelData=bytes(range(12)))
    store = open_store(str(put(tmp_path / "store", STUDIES[0], many)))
    store.export_to_gcs(str(tmp_path / "out"), everything=True, mime_type="image/png").wait()
    single = STUDIES[0].name.replace(".dcm", ".png")
    frames = {f"1.4/1.4.1/1.4.1.1/{number}.png" for number in (1, 2, 3)}
    assert set(files(tmp_path / "out")) == {single} | frames
    assert all(data.startswith(b"\x89PNG") for data in files(tmp_path / "out").values())


def test_an_image_in_another_transfer_syntax_has_the_same_name(
    store: Store, tmp_path: Path
) -> None:
    import pydicom

    mime = "application/dicom; transfer-syntax=1.2.840.10008.1.2"
    store.export_to_gcs(str(tmp_path / "out"), everything=True, mime_type=mime).wait()
    assert set(files(tmp_path / "out")) == set(EVERYTHING)
    found = pydicom.dcmread(tmp_path / "out" / STUDIES[0].name)
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"
    assert found.SOPInstanceUID == STUDIES[0].instance


def test_what_has_no_pictures_is_a_failure(tmp_path: Path) -> None:
    bare = image("1.5", "1.5.1", "1.5.1.1", PixelData=b"")
    store = open_store(str(put(tmp_path / "store", STUDIES[0], bare)))
    operation = store.export_to_gcs(str(tmp_path / "out"), everything=True, mime_type="image/png")
    with pytest.raises(FindingsError, match="1 of 2 failed"):
        operation.wait()


def test_a_filter_that_is_replaced_while_it_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dicomfilter.stores import store_kinds

    def take_up(uri: str, **more: object) -> object:
        found = original(uri, **more)  # type: ignore[arg-type]
        (tmp_path / "f.txt").write_text("/studies/1.2\n")
        return found

    original = store_kinds.take_up
    monkeypatch.setattr(store_kinds, "take_up", take_up)
    (tmp_path / "f.txt").write_text("/studies/1.1\n")
    operation = store.export_to_gcs(str(tmp_path / "out"), filter=tmp_path / "f.txt")
    with pytest.raises(OperationFailedError, match="was replaced while it was read"):
        operation.wait()
    assert files(tmp_path / "out") == {}
