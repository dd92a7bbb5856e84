"""Queries that others have published, as they stand: they pass, or what is refused has a name."""

from __future__ import annotations

import re
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, to_duckdb, to_googlesql
from dicomfilter.googlesql.duckdb.nodes import duckdb_type
from dicomfilter.googlesql.types.kinds import STRING
from dicomfilter.googlesql.types.parameters import bind
from dicomfilter.schema import Column, TableSchema
from tests.googlesql.idc_tables import idc_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

CHEST = "chc-nih-chest-xray.nih_chest_xray.nih_chest_xray"
_UIDS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
TABLES = {**idc_tables(), CHEST: TableSchema(tuple(Column(n, STRING) for n in _UIDS))}
METADATA = "bigquery-public-data.idc_v5.dicom_metadata"
REFUSED = {
    "prior_versions_index": 'Unexpected ";"',
    "volume_geometry_index": 'Unexpected ";"',
}
"""Those of idc-index-data that do not pass: scripts with DECLARE."""
PATIENT = """
#standardSQL
SELECT CONCAT('/dicomWeb/studies/', StudyInstanceUID, '/series/', SeriesInstanceUID, '/instances/', SOPInstanceUID) as DICOMwebPath
FROM `chc-nih-chest-xray.nih_chest_xray.nih_chest_xray`
WHERE PatientID = '19045';
"""
RECENT = """
#standardSQL
SELECT
  MIN(CONCAT(StudyDate, ' ', StudyTime)) as StudyDateTime, MIN(PatientID) as PatientID, StudyInstanceUID, COUNT(*) as InstanceCount
FROM
 `bigquery-public-data.idc_v5.dicom_metadata` AS dicom
GROUP BY StudyInstanceUID
ORDER BY StudyDateTime DESC
LIMIT 10;
"""
"""The two queries of the Cloud Healthcare API's page on exporting metadata to BigQuery."""


def queries() -> dict[str, str]:
    """Read the queries of the installed idc-index-data."""
    folder = files("idc_index_data")
    found = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
        for file in sorted(found, key=lambda file: file.name)
    }


QUERIES = queries()


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        for name, schema in TABLES.items():
            columns = ", ".join(
                f'"{column.name}" {duckdb_type(column.type).sql("duckdb")}' for column in schema
            )
            opened.execute(f'CREATE TABLE "{name}" ({columns})')
        opened.executemany(
            f'INSERT INTO "{METADATA}" (PatientID, StudyInstanceUID, StudyDate, StudyTime)'
            " VALUES (?, ?, ?, ?)",
            [
                ["P-1", "1.1", date(2021, 7, 11), "00:38:22"],
                ["P-1", "1.1", date(2021, 7, 11), "00:38:21.5"],
                ["P-2", "1.2", date(2021, 7, 10), "23:52:10"],
                ["P-3", "1.3", None, "23:52:10"],
            ],
        )
        opened.execute(f"INSERT INTO \"{CHEST}\" VALUES ('19045', '1.1', '1.1.1', '1.1.1.1')")
        opened.execute(f"INSERT INTO \"{CHEST}\" VALUES ('019045', '1.2', '1.2.1', '1.2.1.1')")
        yield opened


def answered(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    checked = check_query(sql, TABLES)
    values = bind(checked.parameters, today=date(2026, 11, 21))
    return connection.sql(to_duckdb(checked.tree), params=values or None).fetchall()


@pytest.mark.parametrize("name", [name for name in QUERIES if name not in REFUSED])
def test_a_query_of_idc_index_data_passes_and_runs(
    name: str, connection: duckdb.DuckDBPyConnection
) -> None:
    assert answered(connection, QUERIES[name]) == []
    canonical = check_query(QUERIES[name], TABLES)
    again = check_query(to_googlesql(canonical.tree), TABLES, parameters=canonical.parameters)
    assert again.schema == canonical.schema


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_of_idc_index_data_has_a_name(name: str) -> None:
    with pytest.raises(PredicateError, match=REFUSED[name]) as caught:
        check_query(QUERIES[name], TABLES)
    assert caught.value.hint
    assert caught.value.offset is not None


def test_nearly_all_of_idc_index_data_passes() -> None:
    assert len(QUERIES) - len(REFUSED) >= 14


def test_the_search_for_a_patient_is_answered_as_it_stands(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert answered(connection, PATIENT) == [
        ("/dicomWeb/studies/1.1/series/1.1.1/instances/1.1.1.1",)
    ]


def test_the_recent_studies_are_answered_as_they_stand(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert answered(connection, RECENT) == [
        ("2021-07-11 00:38:21.500", "P-1", "1.1", 2),
        ("2021-07-10 23:52:10", "P-2", "1.2", 1),
        (None, "P-3", "1.3", 1),
    ]


def test_a_table_may_be_named_by_its_full_name_with_or_without_backticks() -> None:
    for name in (
        f"`{METADATA}`",
        METADATA,
        "`bigquery-public-data`.idc_v5.dicom_metadata",
        "bigquery-public-data.`idc_v5`.`dicom_metadata`",
    ):
        sql = f"SELECT dicom_metadata.PatientID FROM {name}"
        assert re.sub(r"\s+", " ", to_googlesql(check_query(sql, TABLES).tree)) == (
            f"SELECT dicom_metadata.PatientID FROM `{METADATA}` AS dicom_metadata"
        )
