"""Where the files beside a filter file go, locally, in a stream and in Cloud Storage."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomfilter.cohorts.ids.id_lists import read_ids
from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines import open_engine
from dicomfilter.errors import (
    DestinationError,
    DestinationExistsError,
    RemoteError,
    RemotePermissionError,
)
from dicomfilter.filters.build import BuildOptions, build
from dicomfilter.filters.sidecars import Sidecars, write_rows, write_text
from dicomfilter.googlesql.query import Query
from dicomfilter.storage import open_storage
from tests.localcloud.proxy import Status
from tests.tables import INSTANCES, instance, write

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
        assert write_text(uri, text, overwrite=True) == uri
    with open_storage(uri).reader(uri) as file:
        assert file.read() == b'{"second": 2}\n'


def test_a_bucket_that_is_not_there_is_found_before_any_work(bucket: str, tmp_path: Path) -> None:
    sidecars = Sidecars.of(
        str(tmp_path / "ct.txt"), manifest=f"gs://{bucket}-not/ct.txt.manifest.json"
    )
    with pytest.raises(DestinationError, match="there is no bucket"):
        sidecars.check(inputs=(), overwrite=False)


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
        write_text(str(sidecars.manifest), "{}\n", overwrite=False)


SIDECARS = ("f.txt.manifest.json", "f.txt.rejected.csv", "f.txt.unmatched.csv")


@pytest.mark.parametrize("name", SIDECARS)
@pytest.mark.parametrize("way", ["file", "link", "dangling", "chain"])
def test_what_stands_at_the_name_of_a_sidecar_stays(tmp_path: Path, name: str, way: str) -> None:
    table = write(tmp_path / "t.parquet", INSTANCES, [instance("1", "1.1", "1.1.1")])
    precious = tmp_path / "precious"
    precious.write_text("mine")
    place = tmp_path / name
    if way == "file":
        place.write_text("mine")
    elif way == "chain":
        (tmp_path / "between").symlink_to(precious)
        place.symlink_to(tmp_path / "between")
    else:
        place.symlink_to(precious if way == "link" else tmp_path / "nowhere")
    before = sorted(tmp_path.iterdir())
    with open_engine([table]) as engine:
        selection = Selection(engine.schema())
        with pytest.raises(DestinationExistsError, match=name):
            build(engine, selection, str(tmp_path / "f.txt"))
        assert sorted(tmp_path.iterdir()) == before
        options = BuildOptions(overwrite=True)
        done = build(engine, selection, str(tmp_path / "f.txt"), options=options)
    assert precious.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    assert not place.is_symlink()
    assert done.manifest_uri == str(tmp_path / SIDECARS[0])
    assert place.stat().st_mode & 0o077 == 0


TEXTS = st.text(alphabet="'=+-@\t\r\n\uff1d\uff20\"a1,; ", min_size=1, max_size=6)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(TEXTS, min_size=1, max_size=20, unique=True))
def test_no_cell_of_a_sidecar_is_a_formula_and_each_is_read_back(
    tmp_path: Path, values: list[str]
) -> None:
    uri = str(tmp_path / "f.txt.unmatched.csv")
    columns = pa.table({"column": ["PatientID"] * len(values), "value": values})
    write_rows(uri, columns.to_reader(), overwrite=True)
    with open(uri, newline="", encoding="utf-8") as file:
        stored = [row["value"] for row in csv.DictReader(file)]
    assert not any(text[0] in "=+-@\t\r\n\uff1d\uff20" for text in stored)
    with open_engine([uri]) as engine:
        query = Query(sqlglot.parse_one("SELECT value FROM metadata", dialect="bigquery"))  # type: ignore[arg-type]
        assert sorted(engine.rows(query).read_all()[0].to_pylist()) == sorted(values)
    listed = [text for text in values if "\n" not in text and "\r" not in text and text.strip()]
    if listed:
        columns = pa.table({"column": ["PatientID"] * len(listed), "value": listed})
        write_rows(uri, columns.to_reader(), overwrite=True)
        found = read_ids(uri)
        assert found.column == "PatientID"
        assert set(found.values.to_pylist()) == {text.strip() for text in listed}


def test_marks_come_off_in_any_list_of_identifiers(tmp_path: Path) -> None:
    (tmp_path / "ids.csv").write_text("PatientID\n'=1+1\n'@x\n''-7\n'plain\n")
    found = read_ids(str(tmp_path / "ids.csv"))
    assert found.values.to_pylist() == ["=1+1", "@x", "'-7", "'plain"]
    assert "apostrophes" in found.findings[0]
