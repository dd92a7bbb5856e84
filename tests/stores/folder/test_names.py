"""Which names mean a folder, and what its operations are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import SourceNotFoundError, UsageError
from dicomfilter.notebook.asking import beside, store_name
from dicomfilter.notebook.store import open_operations, open_store
from dicomfilter.stores.folder.names import FolderName, folder_of_operation, is_folder
from dicomfilter.stores.healthcare.names import StoreName

if TYPE_CHECKING:
    from pathlib import Path

CLOUD = "projects/p/locations/l/datasets/d/dicomStores/s"


@pytest.mark.parametrize(
    "name",
    ["./scans", "/data/scans", "scans/", "../x", "~/scans", "projects-of-mine/x", "/projects/p/x"],
)
def test_a_path_is_a_folder(name: str) -> None:
    assert is_folder(name)


@pytest.mark.parametrize(
    "name",
    [
        "scans",
        CLOUD,
        "projects/p/locations/l/dicomStores/s",
        "p/locations/l/datasets/d/dicomStores/s",
        "gs://bucket/scans",
        "https://healthcare.googleapis.com/v1/" + CLOUD,
        "file:///data/scans",
    ],
)
def test_a_name_of_the_cloud_is_none(name: str) -> None:
    assert not is_folder(name)


def test_a_bare_name_is_a_folder_where_there_is_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert store_name("store") == FolderName(str(folder))
    in_cloud = store_name("store", dataset="d", location="l", project="p")
    assert in_cloud == StoreName.of("store", dataset="d", location="l", project="p")


def test_a_folder_has_no_dataset() -> None:
    with pytest.raises(UsageError, match="is a folder, and has no dataset"):
        store_name("./scans", dataset="d")


def test_a_name_and_its_text_are_inverses(folder: Path) -> None:
    name = FolderName.parse(str(folder))
    assert FolderName.parse(str(name)) == name


def test_a_link_and_what_it_leads_to_are_one_store(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert FolderName.parse(str(tmp_path / "link")) == FolderName(str(folder))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"there is no folder .*/nowhere"):
        open_store(str(tmp_path / "nowhere"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        open_store(str(tmp_path / "file"))


def test_operations_are_named_in_full_or_by_their_last_part() -> None:
    name = FolderName("/data/scans")
    full = name.new_operation()
    assert name.operation(full) == full
    assert name.operation(full.rpartition("/")[2]) == full
    assert folder_of_operation(full) == name
    for wrong in ("/data/other/operations/7", "a/b", "", "/data/scans/operations/../x"):
        with pytest.raises(UsageError, match="is not the name of an operation on"):
            name.operation(wrong)


def test_later_operations_sort_behind() -> None:
    names = [FolderName("/x").new_operation() for _ in range(3)]
    assert len(set(names)) == 3
    assert [name[:30] for name in names] == sorted(name[:30] for name in names)


def test_an_operation_leads_to_its_folder(folder: Path) -> None:
    assert open_operations(f"{folder}/operations/7").name == FolderName(str(folder))
    assert folder_of_operation("projects/p/locations/l/datasets/d/operations/7") is None


def test_a_store_and_a_folder_do_not_work_together(folder: Path) -> None:
    cloud = StoreName.parse(CLOUD)
    with pytest.raises(UsageError, match="is on this machine"):
        beside(cloud, str(folder))
    with pytest.raises(UsageError, match="is not on this machine"):
        beside(FolderName(str(folder)), CLOUD)
    with pytest.raises(UsageError, match="is in the other"):
        beside(FolderName(str(folder)), str(folder / "inside"))
