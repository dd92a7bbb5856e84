"""BigQuery writes a filter file into Cloud Storage, and no line passes through this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines import open_engine
from dicomfilter.engines.bigquery.engine import BigQueryEngine
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.errors import (
    DestinationExistsError,
    EmptyFilterError,
    RemoteError,
    RemotePermissionError,
)
from dicomfilter.filters.build import BuildOptions, FilterBuilt, build
from dicomfilter.paths import Level
from tests.engines.test_bigquery_build import BAD, COLUMNS, PLAIN, row
from tests.localcloud.proxy import Status

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud import bigquery, storage

    from dicomfilter.engines.protocol import Staged
    from dicomfilter.googlesql.query import Query
    from tests.localcloud.bigquery import LoadTable
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.storage import StorageServer

pytestmark = pytest.mark.cloud


def write(
    table: str,
    destination: str,
    *where: str,
    level: Level | None = None,
    temp_dataset: str | None = None,
    **options: object,
) -> FilterBuilt:
    engine_options = EngineOptions(temp_dataset=temp_dataset)
    with open_engine([table], options=engine_options) as engine:
        selection = Selection(engine.schema())
        for predicate in where:
            selection = selection.where(predicate)
        chosen = BuildOptions(level=level, **options)  # type: ignore[arg-type]
        return build(engine, selection, destination, options=chosen)


def names(client: storage.Client, bucket: str) -> list[str]:
    return sorted(blob.name for blob in client.list_blobs(bucket))


def lines(client: storage.Client, bucket: str, name: str = "f.txt") -> list[str]:
    data = client.bucket(bucket).blob(name).download_as_bytes()
    assert data.endswith(b"\n")
    return sorted(data.decode("ascii").splitlines())


@pytest.mark.parametrize(
    "how",
    [*((level, False) for level in Level), (Level.SERIES, True), (Level.INSTANCE, True)],
)
def test_the_lines_are_those_of_a_local_file(
    load_table: LoadTable,
    bucket: str,
    gcs_client: storage.Client,
    tmp_path: Path,
    how: tuple[Level, bool],
) -> None:
    level, compact = how
    table = load_table(COLUMNS, *PLAIN)
    local = tmp_path / "f.txt"
    near = write(table, str(local), "Modality = 'CT'", level=level, compact=compact)
    far = write(table, f"gs://{bucket}/f.txt", "Modality = 'CT'", level=level, compact=compact)
    assert lines(gcs_client, bucket) == sorted(local.read_text().splitlines())
    assert far.coverage == near.coverage
    assert far.written.size_bytes == near.written.size_bytes
    blob = gcs_client.bucket(bucket).get_blob("f.txt")
    assert far.written.crc32c == blob.crc32c
    assert far.written.generation == blob.generation
    assert far.written.sha256 is None
    assert names(gcs_client, bucket) == ["f.txt"]


def test_the_shards_are_joined_by_cloud_storage_and_not_uploaded(
    load_table: LoadTable, bucket: str, gcs_faults: FaultProxy
) -> None:
    table = load_table(COLUMNS, *PLAIN)
    write(table, f"gs://{bucket}/f.txt", "Modality = 'CT'")
    asked = [event.line for event in gcs_faults.log]
    assert [line for line in asked if "/compose" in line]
    assert not [line for line in asked if "/upload/" in line]


def test_a_temporary_dataset_is_left_empty(
    load_table: LoadTable,
    dataset: str,
    bucket: str,
    bq_client: bigquery.Client,
    gcs_client: storage.Client,
) -> None:
    table = load_table(COLUMNS, *PLAIN)
    write(table, f"gs://{bucket}/f.txt", "Modality = 'CT'", temp_dataset=dataset)
    assert len(lines(gcs_client, bucket)) == 4
    assert [each.table_id for each in bq_client.list_tables(dataset)] == ["metadata"]


def test_an_empty_selection_and_bad_rows_write_nothing(
    load_table: LoadTable, bucket: str, gcs_client: storage.Client
) -> None:
    table = load_table(COLUMNS, *PLAIN, *BAD)
    with pytest.raises(EmptyFilterError):
        write(table, f"gs://{bucket}/f.txt", "Modality = 'XX'")
    built = write(table, f"gs://{bucket}/f.txt", "Modality = 'CT'", skip_bad_uids=True)
    assert built.coverage.rejected_rows == len(BAD)
    assert names(gcs_client, bucket) == ["f.txt"]


def test_what_stands_there_stays_unless_it_may_be_replaced(
    load_table: LoadTable, bucket: str, gcs_client: storage.Client
) -> None:
    table = load_table(COLUMNS, *PLAIN)
    gcs_client.bucket(bucket).blob("f.txt").upload_from_string("old\n")
    with pytest.raises(DestinationExistsError):
        write(table, f"gs://{bucket}/f.txt", "Modality = 'CT'")
    assert lines(gcs_client, bucket) == ["old"]
    write(table, f"gs://{bucket}/f.txt", "Modality = 'CT'", overwrite=True)
    assert len(lines(gcs_client, bucket)) == 4


def test_shards_may_be_put_into_another_bucket(
    load_table: LoadTable, bucket: str, gcs_client: storage.Client
) -> None:
    other = gcs_client.create_bucket(f"{bucket}-staging").name
    table = load_table(COLUMNS, *PLAIN)
    write(table, f"gs://{bucket}/f.txt", "Modality = 'CT'", staging=f"gs://{other}/parts")
    assert len(lines(gcs_client, bucket)) == 4
    assert names(gcs_client, other) == []


def test_a_bigquery_that_may_not_write_there_is_said_and_leaves_nothing(
    load_table: LoadTable, bucket: str, gcs_server: StorageServer, gcs_client: storage.Client
) -> None:
    table = load_table(COLUMNS, *PLAIN)
    gcs_server.services.add("POST /upload/", Status(403))
    with pytest.raises(RemotePermissionError, match=r"gs://.* storage\.objects\.create"):
        write(table, f"gs://{bucket}/f.txt", "Modality = 'CT'")
    assert names(gcs_client, bucket) == []


def tamper(blob: storage.Blob, old: bytes, new: bytes) -> None:
    data = blob.download_as_bytes()
    assert old in data
    blob.upload_from_string(data.replace(old, new, 1) if old != b"\n" else data[:-1])


@pytest.mark.parametrize(
    "change",
    [(b"/studies/", b"line\n/studies/"), (b"/studies/1", b'"/studies/1"'), (b"\n", b"")],
    ids=["header", "quotes", "cut short"],
)
def test_shards_that_are_not_what_was_counted_are_not_joined(
    load_table: LoadTable,
    bucket: str,
    gcs_client: storage.Client,
    monkeypatch: pytest.MonkeyPatch,
    change: tuple[bytes, bytes],
) -> None:
    table = load_table(COLUMNS, *PLAIN)
    export = BigQueryEngine.export_shards

    def spoiled(engine: BigQueryEngine, query: Query, *, staged: Staged, folder: str) -> int | None:
        rows = export(engine, query, staged=staged, folder=folder)
        tamper(next(iter(gcs_client.list_blobs(bucket))), *change)
        return rows

    monkeypatch.setattr(BigQueryEngine, "export_shards", spoiled)
    with pytest.raises(RemoteError, match="no filter file was written"):
        write(table, f"gs://{bucket}/f.txt", "Modality = 'CT'")
    assert names(gcs_client, bucket) == []


def test_the_manifest_goes_where_it_is_asked_for(
    load_table: LoadTable, bucket: str, tmp_path
) -> None:
    table = load_table(COLUMNS, *PLAIN)
    manifest = tmp_path / "m.json"
    built = write(table, f"gs://{bucket}/f.txt", "Modality = 'CT'", manifest=str(manifest))
    recorded = json.loads(manifest.read_text())
    assert recorded["filter"]["uri"] == built.uri
    assert recorded["filter"]["crc32c"] == built.written.crc32c


def test_many_shards_become_one_object(
    load_table: LoadTable, bucket: str, gcs_client: storage.Client
) -> None:
    rows = [row(f"1.{n % 40}/2.{n % 40}/3.{n}", "CT") for n in range(1, 2001)]
    table = load_table(COLUMNS, *rows)
    built = write(table, f"gs://{bucket}/many/f.txt")
    assert len(lines(gcs_client, bucket, "many/f.txt")) == len(rows) == built.coverage.lines
    assert names(gcs_client, bucket) == ["many/f.txt"]
