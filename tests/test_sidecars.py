"""Where the files beside a filter file go, locally, in a stream and in Cloud Storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import DestinationError, RemoteError, RemotePermissionError
from dicomfilter.sidecars import Sidecars, write_text
from dicomfilter.storage import open_storage
from tests.localcloud.proxy import Status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.proxy import FaultProxy


def test_they_lie_beside_a_local_file() -> None:
    assert Sidecars.of("ct.txt") == Sidecars(
        "ct.txt", "ct.txt.manifest.json", "ct.txt.rejected.csv", "ct.txt.unmatched.csv"
    )
    assert Sidecars.of("ct.txt", manifest="m.json").manifest == "m.json"
    assert Sidecars.of("ct.txt", manifest="m.json").rejected == "ct.txt.rejected.csv"


def test_a_stream_has_a_manifest_only_where_it_is_asked_for() -> None:
    assert Sidecars.of("-") == Sidecars("-", None, None, None)
    assert Sidecars.of("-", manifest="m.json") == Sidecars("-", "m.json", None, None)


def test_in_cloud_storage_there_are_none_unless_they_are_asked_for() -> None:
    uri = "gs://clinic/ct.txt"
    assert Sidecars.of(uri) == Sidecars(uri, None, None, None)


@pytest.mark.parametrize(
    ("manifest", "stem"),
    [
        ("gs://clinic/ct.txt.manifest.json", "gs://clinic/ct.txt"),
        ("runs/ct.manifest.json", "runs/ct"),
        ("runs/ct.json", "runs/ct.json"),
    ],
)
def test_the_lists_of_a_cloud_filter_lie_beside_the_manifest(manifest: str, stem: str) -> None:
    uri = "gs://clinic/ct.txt"
    assert Sidecars.of(uri, manifest=manifest) == Sidecars(
        uri, manifest, f"{stem}.rejected.csv", f"{stem}.unmatched.csv"
    )


def test_they_are_written_into_cloud_storage_as_anywhere(bucket: str) -> None:
    uri = f"gs://{bucket}/ct.txt.manifest.json"
    for text in ("{}\n", '{"second": 2}\n'):
        assert write_text(uri, text) == uri
    with open_storage(uri).reader(uri) as file:
        assert file.read() == b'{"second": 2}\n'


def test_a_bucket_that_is_not_there_is_found_before_any_work(bucket: str, tmp_path: Path) -> None:
    sidecars = Sidecars.of(
        str(tmp_path / "ct.txt"), manifest=f"gs://{bucket}-not/ct.txt.manifest.json"
    )
    with pytest.raises(DestinationError, match="there is no bucket"):
        sidecars.check(inputs=())


def test_a_refusal_says_that_the_filter_stands(bucket: str, gcs_faults: FaultProxy) -> None:
    sidecars = Sidecars.of(f"gs://{bucket}/ct.txt", manifest=f"gs://{bucket}/m.json")
    gcs_faults.add("POST /upload/", Status(403), times=None)
    with pytest.raises(RemoteError, match=r"ct.txt is written and complete, but not") as refused:
        write_beside(sidecars)

    assert refused.value.exit_status == 4
    assert isinstance(refused.value.__cause__, RemotePermissionError)
    assert "add-iam-policy-binding" in (refused.value.hint or "")


def write_beside(sidecars: Sidecars) -> None:
    with sidecars.beside():
        write_text(str(sidecars.manifest), "{}\n")
