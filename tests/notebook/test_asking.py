"""What can be known to be wrong before anything is sent, and what would be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import SourceNotFoundError, UsageError
from dicomfilter.notebook.asking import StartOptions, ask, default_project, read_config
from dicomfilter.stores.healthcare.discovery import ApiVersion
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.requests import (
    Deidentify,
    ExportToBigQuery,
    ExportToGcs,
    ImportFromGcs,
    SetStorageClass,
    StorageClass,
)

if TYPE_CHECKING:
    from pathlib import Path

    from dicomfilter.stores.requests import Request

STORE = StoreName.parse("projects/p/locations/l/datasets/d/dicomStores/s")
NARROWED: list[Request] = [
    ExportToGcs("gs://o/x/"),
    ExportToBigQuery("p.d.t"),
    SetStorageClass(StorageClass.ARCHIVE),
    Deidentify(StoreName(STORE.parent, "t")),
]


@pytest.mark.parametrize("request_", NARROWED, ids=lambda request: type(request).__name__)
def test_a_whole_store_is_never_taken_by_accident(request_: Request) -> None:
    with pytest.raises(UsageError, match="no filter is named"):
        ask(STORE, request_)
    with pytest.raises(UsageError, match="and the whole store"):
        ask(STORE, request_, "gs://b/f.txt", everything=True)
    assert "filterConfig" not in ask(STORE, request_, everything=True).planned().body
    assert ask(STORE, request_, "gs://b/f.txt").planned().body["filterConfig"] == {
        "resourcePathsGcsUri": "gs://b/f.txt"
    }


def test_an_import_is_never_narrowed() -> None:
    request = ImportFromGcs("gs://b/**")
    assert ask(STORE, request).filter_uri is None
    for more in ({"filter": "gs://b/f.txt"}, {"everything": True}):
        with pytest.raises(UsageError, match="takes no filter"):
            ask(STORE, request, **more).planned()  # type: ignore[arg-type]


def test_a_filter_in_the_cloud_is_named_as_it_is() -> None:
    assert ask(STORE, NARROWED[0], "gs://b/f.txt").filter_uri == "gs://b/f.txt"


@pytest.mark.parametrize("uri", ["gs://b/", "gs://b/*.txt", "gs://B!/f.txt"])
def test_a_filter_that_is_no_object_is_refused(uri: str) -> None:
    with pytest.raises(UsageError):
        ask(STORE, NARROWED[0], uri)


def test_a_local_filter_needs_a_staging_folder_but_need_not_be_read_yet() -> None:
    with pytest.raises(UsageError, match="local file"):
        ask(STORE, NARROWED[0], "nowhere.txt")
    options = StartOptions(staging="gs://b/staged")
    assert ask(STORE, NARROWED[0], "nowhere.txt", options=options).filter_uri == "nowhere.txt"
    with pytest.raises(UsageError, match="bucket"):
        ask(STORE, NARROWED[0], "nowhere.txt", options=StartOptions(staging="gs://B!/x"))


def test_a_plan_of_a_local_filter_names_where_it_would_be(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text("/studies/1.2\n")
    options = StartOptions(staging="gs://b/staged")
    first = ask(STORE, NARROWED[0], path, options=options).planned()
    assert first.body["filterConfig"]["resourcePathsGcsUri"].startswith(
        "gs://b/staged/dicomfilter-"
    )
    assert ask(STORE, NARROWED[0], path, options=options).planned() == first
    path.write_text("/studies/1.3\n")
    assert ask(STORE, NARROWED[0], path, options=options).planned() != first
    with pytest.raises(SourceNotFoundError):
        ask(STORE, NARROWED[0], tmp_path / "nowhere.txt", options=options).planned()


@pytest.mark.parametrize("version", ApiVersion)
def test_a_plan_takes_the_version_that_is_asked_for(version: ApiVersion) -> None:
    options = StartOptions(api_version=version)
    assert ask(STORE, NARROWED[0], "gs://b/f.txt", options=options).planned().version is version


def test_a_configuration_is_read(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"dicom": {}}')
    assert read_config(str(tmp_path / "c.json")) == {"dicom": {}}
    with pytest.raises(SourceNotFoundError):
        read_config(str(tmp_path / "nowhere.json"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff\xfe"])
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.json").write_bytes(content)
    with pytest.raises(UsageError, match="JSON"):
        read_config(str(tmp_path / "c.json"))


def test_the_project_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    assert default_project(None) is None
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "q")
    assert (default_project(None), default_project("p")) == ("q", "p")
