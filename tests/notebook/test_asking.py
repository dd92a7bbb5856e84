"""What can be known to be wrong before anything is sent, and what would be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import SourceNotFoundError, UsageError
from dicomfilter.notebook.asking import StartOptions, check, default_project, plan, read_config
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
    for work in (check, plan):
        with pytest.raises(UsageError, match="no filter is named"):
            work(STORE, request_)
        with pytest.raises(UsageError, match="and the whole store"):
            work(STORE, request_, "gs://b/f.txt", everything=True)
    assert "filterConfig" not in plan(STORE, request_, everything=True).body
    assert plan(STORE, request_, "gs://b/f.txt").body["filterConfig"] == {
        "resourcePathsGcsUri": "gs://b/f.txt"
    }


def test_an_import_is_never_narrowed() -> None:
    request = ImportFromGcs("gs://b/**")
    assert check(STORE, request) is None
    for more in ({"filter": "gs://b/f.txt"}, {"everything": True}):
        with pytest.raises(UsageError, match="takes no filter"):
            plan(STORE, request, **more)  # type: ignore[arg-type]


def test_a_filter_in_the_cloud_is_named_as_it_is() -> None:
    assert check(STORE, NARROWED[0], "gs://b/f.txt") == "gs://b/f.txt"


@pytest.mark.parametrize("uri", ["gs://b/", "gs://b/*.txt", "gs://B!/f.txt"])
def test_a_filter_that_is_no_object_is_refused(uri: str) -> None:
    with pytest.raises(UsageError):
        check(STORE, NARROWED[0], uri)


def test_a_local_filter_needs_a_staging_folder_but_need_not_be_read_yet() -> None:
    with pytest.raises(UsageError, match="local file"):
        check(STORE, NARROWED[0], "nowhere.txt")
    options = StartOptions(staging="gs://b/staged")
    assert check(STORE, NARROWED[0], "nowhere.txt", options=options) == "nowhere.txt"
    with pytest.raises(UsageError, match="bucket"):
        check(STORE, NARROWED[0], "nowhere.txt", options=StartOptions(staging="gs://B!/x"))


def test_a_plan_of_a_local_filter_names_where_it_would_be(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text("/studies/1.2\n")
    options = StartOptions(staging="gs://b/staged")
    first = plan(STORE, NARROWED[0], path, options=options)
    assert first.body["filterConfig"]["resourcePathsGcsUri"].startswith(
        "gs://b/staged/dicomfilter-"
    )
    assert plan(STORE, NARROWED[0], path, options=options) == first
    path.write_text("/studies/1.3\n")
    assert plan(STORE, NARROWED[0], path, options=options) != first
    with pytest.raises(SourceNotFoundError):
        plan(STORE, NARROWED[0], tmp_path / "nowhere.txt", options=options)


@pytest.mark.parametrize("version", ApiVersion)
def test_a_plan_takes_the_version_that_is_asked_for(version: ApiVersion) -> None:
    options = StartOptions(api_version=version)
    assert plan(STORE, NARROWED[0], "gs://b/f.txt", options=options).version is version


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
