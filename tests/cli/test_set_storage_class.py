"""``dicomfilter set-storage-class``: by filter, or all when that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.running import call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.healthcare import Control

STORE = "projects/p/locations/l/datasets/d/dicomStores/s"
REQUEST = ("--filter", "gs://b/f.txt", "--print-request", "--json")


@pytest.fixture(autouse=True)
def _fresh_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.05")


def test_a_local_filter_chooses_what_is_changed(
    dicom_store: str, bucket: str, hc_control: Control, tmp_path: Path
) -> None:
    chosen = hc_control.instances(dicom_store)[:5]
    path = tmp_path / "old.txt"
    path.write_text("".join(f"{each.path}\n" for each in chosen))
    staging = ("--staging", f"gs://{bucket}/")
    ended = call("set-storage-class", dicom_store, "ARCHIVE", "--filter", path, *staging)
    assert ended.status == 0, ended.err
    changed = {e.path for e in hc_control.instances(dicom_store) if e.storage_class == "ARCHIVE"}
    assert changed == {each.path for each in chosen}


@pytest.mark.parametrize("spelled", ["coldline", "COLDLINE"])
def test_the_request_is_printed(spelled: str) -> None:
    found = call("set-storage-class", STORE, spelled, *REQUEST).object
    assert found["url"].endswith(f"/v1beta1/{STORE}:setBlobStorageSettings")
    assert found["body"]["blobStorageSettings"] == {"blobStorageClass": "COLDLINE"}


def test_the_class_stands_alone_where_the_environment_names_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DICOMFILTER_STORE", STORE)
    found = call("set-storage-class", "nearline", *REQUEST).object
    assert found["body"]["blobStorageSettings"] == {"blobStorageClass": "NEARLINE"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((STORE, "ICE", "--all"), "ICE is not a storage class"),
        ((STORE, "--all"), f"{STORE} is not a storage class"),
        (("--all",), "nothing is not a storage class"),
        ((STORE, "ARCHIVE"), "no filter is named"),
    ],
)
def test_misuse_is_two_lines(arguments: tuple[str, ...], words: str) -> None:
    ended = call("set-storage-class", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err
    assert ended.err.splitlines()[1].startswith("hint: ")
