"""What can be asked of a folder, with places in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import UsageError
from dicomfilter.notebook.asking import ask
from dicomfilter.stores.folder.names import FolderName
from dicomfilter.stores.folder.requests import (
    DeidentifyToFolder,
    ExportToFolder,
    ExportToTable,
    ImportFromFolder,
    RecordStorageClass,
    recalled,
)
from dicomfilter.stores.requests import StorageClass, TableForm

if TYPE_CHECKING:
    from pathlib import Path


def test_places_are_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ExportToFolder("out").uri_prefix == f"{tmp_path}/out"
    assert ExportToTable("m.parquet").table == f"{tmp_path}/m.parquet"
    assert ImportFromFolder("in/**.dcm").uri == f"{tmp_path}/in/**.dcm"


def test_places_in_the_cloud_stay_as_they_are() -> None:
    assert ExportToFolder("gs://b/out/").uri_prefix == "gs://b/out/"
    assert ImportFromFolder("gs://b/in/**").uri == "gs://b/in/**"


@pytest.mark.parametrize("place", ["", "\0", "s3://b/x", "https://x/y", "projects/p/x", "bq://p.d"])
def test_what_is_no_place_here_is_refused(place: str) -> None:
    for kind in (ExportToFolder, ExportToTable, ImportFromFolder):
        with pytest.raises(UsageError, match="is not on this machine"):
            kind(place)


@pytest.mark.parametrize(
    ("table", "file", "name"),
    [
        ("/x/m.parquet", "/x/m.parquet", "metadata"),
        ("/x/m.duckdb", "/x/m.duckdb", "metadata"),
        ("/x/m.duckdb::ct", "/x/m.duckdb", "ct"),
        ("/x/m.db#ct", "/x/m.db", "ct"),
    ],
)
def test_a_table_is_a_parquet_file_or_in_a_duckdb_file(table: str, file: str, name: str) -> None:
    request = ExportToTable(table)
    assert (request.file, request.name_in_file) == (file, name)
    assert request.is_parquet is table.endswith(".parquet")


@pytest.mark.parametrize("table", ["/x/m.csv", "p.d.t", "/x/m.duckdb::a b", "/x/m.duckdb::a;b"])
def test_another_table_is_refused(table: str) -> None:
    with pytest.raises(UsageError, match="no table that a folder's metadata can be written to"):
        ExportToTable(table)


def test_there_is_no_table_of_json() -> None:
    with pytest.raises(UsageError, match="and no JSON"):
        ExportToTable("/x/m.parquet", form=TableForm.JSON)


def test_a_folder_to_be_imported_needs_a_pattern(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder, and files are needed") as caught:
        ImportFromFolder(str(tmp_path))
    assert f"{tmp_path}/**" in (caught.value.hint or "")


def test_there_is_no_configuration_in_the_cloud(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not read from Cloud Storage"):
        DeidentifyToFolder(FolderName(str(tmp_path)), gcs_config_uri="gs://b/c.json")


@pytest.mark.parametrize(
    "request_",
    [
        ExportToFolder("/out", filter_uri="/f.txt"),
        ExportToFolder("gs://b/out/"),
        ExportToTable("/m.parquet", filter_uri="gs://b/f.txt"),
        ImportFromFolder("/in/**"),
        RecordStorageClass(StorageClass.ARCHIVE, "/f.txt"),
        DeidentifyToFolder(FolderName("/other")),
    ],
    ids=lambda request: type(request).__name__,
)
def test_a_request_is_recalled_as_it_was(request_: ExportToFolder) -> None:
    assert recalled(request_.verb, request_.place, request_.filter_uri) == request_


def test_what_no_request_is_made_of() -> None:
    assert recalled("export", "s3://x", None) is None
    assert recalled("fly", "/x", None) is None


def test_what_would_be_asked_is_shown_and_not_done(folder: Path, tmp_path: Path) -> None:
    call = ask(FolderName(str(folder)), ExportToFolder("/out"), tmp_path / "f.txt").planned()
    assert call.url == f"{folder.as_uri()}:export"
    assert call.body == {
        "gcsDestination": {"uriPrefix": "/out"},
        "filterConfig": {"resourcePathsGcsUri": f"{tmp_path}/f.txt"},
    }
