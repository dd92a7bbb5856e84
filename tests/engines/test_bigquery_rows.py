from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from dicomfilter.engines import open_engine
from dicomfilter.googlesql.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from tests.localcloud.bigquery import LoadTable

pytestmark = pytest.mark.cloud
COLUMNS = """
    StudyInstanceUID STRING, StudyDate DATE, StudyTime TIME, LastUpdated TIMESTAMP,
    Weight FLOAT64, BlobStorageSize INT64, Price NUMERIC, IsLossy BOOL, ImageType ARRAY<STRING>,
    PatientName STRUCT<Alphabetic STRUCT<FamilyName STRING>>,
    Codes ARRAY<STRUCT<CodeValue STRING, Parts ARRAY<STRUCT<Rank INT64>>>>
"""
ROW = {
    "StudyInstanceUID": "1.2",
    "StudyDate": "2020-02-29",
    "StudyTime": "01:02:03.000004",
    "LastUpdated": "2020-01-01T00:00:00.000001Z",
    "Weight": 1.5,
    "BlobStorageSize": 9007199254740993,
    "Price": "1.5",
    "IsLossy": False,
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "PatientName": {"Alphabetic": {"FamilyName": "DOE"}},
    "Codes": [{"CodeValue": "A", "Parts": [{"Rank": 1}, {"Rank": 2}]}],
}
TYPES = {
    "StudyInstanceUID": "string",
    "StudyDate": "date32[day]",
    "StudyTime": "time64[us]",
    "LastUpdated": "timestamp[us, tz=UTC]",
    "Weight": "double",
    "BlobStorageSize": "int64",
    "Price": "decimal128(38, 9)",
    "IsLossy": "bool",
    "ImageType": "list<item: string>",
    "PatientName": "struct<Alphabetic: struct<FamilyName: string>>",
    "Codes": "list<item: struct<CodeValue: string, Parts: list<item: struct<Rank: int64>>>>",
}


def query(sql: str) -> Query:
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, dialect="bigquery")
    assert isinstance(tree, exp.Query)
    return Query(tree)


def read(uri: str, sql: str) -> pa.Table:
    with open_engine([uri]) as engine:
        return engine.rows(query(sql)).read_all()


@pytest.fixture(params=["storage", "rest"])
def way(request: pytest.FixtureRequest, dataset: str, monkeypatch: pytest.MonkeyPatch) -> str:
    assert dataset
    if request.param == "rest":
        monkeypatch.delenv("BIGQUERY_STORAGE_EMULATOR_HOST")
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_every_type_arrives_as_arrow_in_full(load_table: LoadTable) -> None:
    table = read(load_table(COLUMNS, ROW), "SELECT * FROM metadata")
    assert {field.name: str(field.type) for field in table.schema} == TYPES
    (row,) = table.to_pylist()
    assert row["StudyDate"].isoformat() == ROW["StudyDate"]
    assert row["StudyTime"].isoformat() == ROW["StudyTime"]
    assert row["LastUpdated"].isoformat() == "2020-01-01T00:00:00.000001+00:00"
    assert str(row["Price"]) == "1.500000000"
    plain = ("StudyInstanceUID", "Weight", "BlobStorageSize", "IsLossy", "ImageType", "Codes")
    assert {name: row[name] for name in plain} == {name: ROW[name] for name in plain}


@pytest.mark.usefixtures("way")
def test_null_arrives_as_null_and_an_empty_array_as_one(load_table: LoadTable) -> None:
    table = read(load_table(COLUMNS, {"IsLossy": None}), "SELECT * FROM metadata")
    (row,) = table.to_pylist()
    assert {name for name, value in row.items() if value == []} == {"ImageType", "Codes"}
    assert {value for value in row.values() if value != []} == {None}


@pytest.mark.usefixtures("way")
def test_no_rows_keep_their_columns(load_table: LoadTable) -> None:
    table = read(load_table(COLUMNS, ROW), "SELECT * FROM metadata WHERE FALSE")
    assert table.num_rows == 0
    assert {field.name: str(field.type) for field in table.schema} == TYPES


@pytest.mark.usefixtures("way")
def test_the_order_of_a_query_is_kept(load_table: LoadTable) -> None:
    uri = load_table("a INT64", *({"a": a} for a in range(25_000)))
    table = read(uri, "SELECT a FROM metadata ORDER BY a DESC")
    assert table["a"].to_pylist() == list(range(24_999, -1, -1))


def test_rows_come_in_batches_not_all_at_once(load_table: LoadTable) -> None:
    uri = load_table("a INT64")
    with open_engine([uri]) as engine:
        batches = list(engine.rows(query("SELECT a FROM UNNEST(GENERATE_ARRAY(1, 300000)) AS a")))
    assert sum(batch.num_rows for batch in batches) == 300_000
    assert len(batches) > 1


def test_a_reader_left_half_way_does_no_harm(load_table: LoadTable) -> None:
    uri = load_table("a INT64", *({"a": a} for a in range(25_000)))
    with open_engine([uri]) as engine:
        first = engine.rows(query("SELECT a FROM metadata")).read_next_batch()
        again = engine.rows(query("SELECT COUNT(*) AS n FROM metadata")).read_all()
    assert first.num_rows
    assert again.to_pylist() == [{"n": 25_000}]


@pytest.fixture
def refusing() -> Iterator[str]:
    """Serve gRPC that knows no method, as where the Storage Read API is turned off."""
    import grpc

    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_where_the_read_api_is_refused_rest_is_used_and_said_once(
    load_table: LoadTable,
    refusing: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    uri = load_table(COLUMNS, ROW)
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", refusing)
    with caplog.at_level(logging.WARNING), open_engine([uri]) as engine:
        for _ in range(2):
            rows = engine.rows(query("SELECT StudyInstanceUID FROM metadata")).read_all()
            assert rows.to_pylist() == [{"StudyInstanceUID": "1.2"}]
    said = [record.getMessage() for record in caplog.records if "REST" in record.getMessage()]
    assert len(said) == 1
    assert "1.2" not in said[0]
