"""Imports into a folder: what is taken, from where, and what stays."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import FindingsError, SourceError, SourceNotFoundError
from dicomfilter.notebook.store import open_store
from tests.stores.folder.images import STUDIES, files, image, put

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud import storage

    from dicomfilter.notebook.store import Store

NEW = image("1.3", "1.3.1", "1.3.1.1")
OTHER = image("1.3", "1.3.1", "1.3.1.2")


def test_images_lie_as_an_export_would_put_them(store: Store, folder: Path, tmp_path: Path) -> None:
    before = files(folder)
    put(tmp_path / "in", NEW, OTHER)
    store.import_from_gcs(f"{tmp_path}/in/**").wait()
    assert files(folder) == before | {NEW.name: NEW.data, OTHER.name: OTHER.data}
    assert files(tmp_path / "in") == {"IM0000": NEW.data, "IM0001": OTHER.data}


def test_an_image_that_is_there_under_any_name_is_not_taken_again(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    put(tmp_path / "in", STUDIES[0], image(*(STUDIES[1].series,) * 2, STUDIES[1].instance))
    assert store.import_from_gcs(f"{tmp_path}/in/*").wait().state.counters.success == 2
    assert len(files(folder)) == len(STUDIES) + 1  # the other one is of another series


def test_an_empty_folder_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    store = open_store(str(tmp_path / "store"))
    put(tmp_path / "in", *STUDIES)
    store.import_from_gcs(f"{tmp_path}/in/**").wait()
    assert files(tmp_path / "store") == {each.name: each.data for each in STUDIES}
    store.export_to_gcs(str(tmp_path / "out"), everything=True).wait()
    assert files(tmp_path / "out") == files(tmp_path / "store")


def test_an_import_again_takes_nothing(store: Store, folder: Path, tmp_path: Path) -> None:
    put(tmp_path / "in", NEW, OTHER)
    store.import_from_gcs(f"{tmp_path}/in/**").wait()
    before = {path: path.stat() for path in folder.rglob("*.dcm")}
    store.import_from_gcs(f"{tmp_path}/in/**").wait()
    assert {path: path.stat() for path in folder.rglob("*.dcm")} == before


def test_a_file_in_the_way_stays_and_is_a_failure(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    (folder / NEW.name).parent.mkdir(parents=True)
    (folder / NEW.name).write_bytes(b"something else")
    put(tmp_path / "in", NEW)
    with pytest.raises(FindingsError, match="1 of 1 failed"):
        store.import_from_gcs(f"{tmp_path}/in/*").wait()
    assert (folder / NEW.name).read_bytes() == b"something else"


def test_a_link_in_the_store_is_not_followed(store: Store, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "1.3").symlink_to(tmp_path / "elsewhere")
    put(tmp_path / "in", NEW)
    with pytest.raises(FindingsError, match="1 of 1 failed"):
        store.import_from_gcs(f"{tmp_path}/in/*").wait()
    assert files(tmp_path / "elsewhere") == {}


def test_the_reason_is_listed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("no DICOM at all, whatever it says" * 9)
    (tmp_path / "in/b.dcm").write_bytes(b"")
    (tmp_path / "in/c.dcm").write_bytes(NEW.data[:200])
    (tmp_path / "in/d.dcm").write_bytes(image("..", "1.3.1", "1.3.1.9").data)
    operation = store.import_from_gcs(f"{tmp_path}/in/**")
    outcome = operation.wait(allow_findings=True)
    assert outcome.state.counters.failure == 4
    assert outcome.state.logs_url is not None
    with open(outcome.state.logs_url, encoding="utf-8") as file:
        listed = dict(line.strip().split(",", maxsplit=1) for line in list(file)[1:])
    assert sorted(os.path.basename(path) for path in listed) == [
        *("a.txt", "b.dcm", "c.dcm", "d.dcm"),
    ]
    assert listed[f"{tmp_path}/in/a.txt"].startswith("not-dicom")
    assert listed[f"{tmp_path}/in/b.dcm"].startswith("empty")


def test_a_source_in_the_store_or_nowhere_is_refused(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=r"is in .* itself"):
        store.import_from_gcs(f"{folder}/**")
    with pytest.raises(SourceNotFoundError, match="there is no folder"):
        store.import_from_gcs(f"{tmp_path}/nowhere/**")


def test_images_come_from_the_cloud(
    store: Store, folder: Path, bucket: str, gcs_client: storage.Client
) -> None:
    for name, each in {"in/a.dcm": NEW, "in/deep/b.dcm": OTHER, "in/c.txt": STUDIES[0]}.items():
        gcs_client.bucket(bucket).blob(name).upload_from_string(each.data)
    outcome = store.import_from_gcs(f"gs://{bucket}/in/**.dcm").wait()
    assert outcome.state.counters.success == 2
    assert (folder / NEW.name).read_bytes() == NEW.data
    assert (folder / OTHER.name).read_bytes() == OTHER.data


def test_a_bucket_that_is_not_there(store: Store, bucket: str) -> None:
    with pytest.raises(SourceNotFoundError, match="no bucket"):
        store.import_from_gcs(f"gs://{bucket}-not/in/**.dcm")
