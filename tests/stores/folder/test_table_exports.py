"""Metadata of a folder in tables: what is there before, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from dicomfilter.errors import DestinationError, FindingsError, OperationFailedError, TableError
from dicomfilter.notebook.table import open_table
from dicomfilter.stores.requests import WriteDisposition
from tests.stores.folder.images import STUDIES, image

if TYPE_CHECKING:
    from pathlib import Path

    from dicomfilter.notebook.store import Store

APPEND, TRUNCATE = WriteDisposition.WRITE_APPEND, WriteDisposition.WRITE_TRUNCATE
UIDS = sorted(each.instance for each in STUDIES)


@pytest.fixture(params=["m.parquet", "m.duckdb", "m.duckdb::of_mine"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / request.param)


def read(table: str) -> pa.Table:
    file, _, name = table.partition("::")
    if file.endswith(".parquet"):
        return parquet.read_table(file)
    with duckdb.connect(file, read_only=True) as connection:
        return connection.table(name or "metadata").to_arrow_table()


def test_a_table_that_was_exported_can_be_built_from(store: Store, table: str) -> None:
    store.export_to_bigquery(table, everything=True).wait()
    with open_table(table) as opened:
        counts = opened.where("PatientName.Alphabetic.FamilyName = 'DOE'").counts()
    assert (counts.studies, counts.series, counts.instances) == (2, 4, 12)
    assert counts.size_bytes == sum(len(each.data) for each in STUDIES)


def test_columns_have_the_same_types_however_often_rows_are_added(store: Store, table: str) -> None:
    store.export_to_bigquery(table, everything=True).wait()
    before = read(table).schema
    store.export_to_bigquery(table, everything=True, write_disposition=APPEND).wait()
    assert read(table).schema == before
    assert sorted(read(table)["SOPInstanceUID"].to_pylist()) == sorted(UIDS * 2)


def test_an_empty_table_is_written_to(store: Store, folder: Path, table: str) -> None:
    for path in folder.glob("IM*"):
        path.rename(folder.parent / path.name)
    store.export_to_bigquery(table, everything=True).wait()
    assert read(table).num_rows == 0
    for path in folder.parent.glob("IM*"):
        path.rename(folder / path.name)
    store.export_to_bigquery(table, everything=True).wait()
    assert read(table).num_rows == len(STUDIES)


def test_other_tables_of_a_duckdb_file_stay(store: Store, tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "m.duckdb") as connection:
        connection.execute("CREATE TABLE other AS SELECT 1 AS a")
    store.export_to_bigquery(f"{tmp_path}/m.duckdb", everything=True).wait()
    with duckdb.connect(tmp_path / "m.duckdb") as connection:
        assert connection.execute("SELECT a FROM other").fetchall() == [(1,)]
        assert connection.table("metadata").count("*").fetchall() == [(12,)]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([1], pa.int32()), "a type that no tag has"),
        (pa.array(["x"]), "column Rows has another type in the table"),
    ],
)
def test_a_column_of_another_type_stops_an_append_and_the_table_stays(
    store: Store, tmp_path: Path, column: pa.Array, words: str
) -> None:
    there = pa.table({"SOPInstanceUID": ["1"], "Rows": column})
    parquet.write_table(there, tmp_path / "m.parquet")
    table = str(tmp_path / "m.parquet")
    operation = store.export_to_bigquery(table, everything=True, write_disposition=APPEND)
    with pytest.raises(OperationFailedError, match=f"INVALID_ARGUMENT: .*{words}"):
        operation.wait()
    assert read(table) == there
    store.export_to_bigquery(table, everything=True, write_disposition=TRUNCATE).wait()
    assert read(table).num_rows == len(STUDIES)


def test_a_file_that_is_no_table_is_refused(store: Store, table: str, tmp_path: Path) -> None:
    (tmp_path / table.rpartition("/")[2].partition("::")[0]).write_text("no table at all")
    with pytest.raises(TableError, match=r"is no (Parquet|DuckDB) file"):
        store.export_to_bigquery(table, everything=True, write_disposition=TRUNCATE)


def test_a_folder_that_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DestinationError, match="there is no folder"):
        store.export_to_bigquery(f"{tmp_path}/nowhere/m.parquet", everything=True)


def test_the_filter_is_not_the_table(store: Store, tmp_path: Path) -> None:
    (tmp_path / "m.parquet").write_text(STUDIES[0].line)
    with pytest.raises(DestinationError, match="is read here"):
        store.export_to_bigquery(f"{tmp_path}/m.parquet", filter=tmp_path / "m.parquet")


def test_lines_that_name_nothing_are_failures_and_the_rest_is_written(
    store: Store, table: str, tmp_path: Path
) -> None:
    (tmp_path / "f.txt").write_text(f"/studies/9\n{STUDIES[0].line}")
    operation = store.export_to_bigquery(table, filter=tmp_path / "f.txt")
    with pytest.raises(FindingsError, match="1 of 2 failed"):
        operation.wait()
    assert read(table)["SOPInstanceUID"].to_pylist() == [STUDIES[0].instance]


def test_a_column_names_the_store_where_that_is_asked_for(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    table = str(tmp_path / "m.parquet")
    store.export_to_bigquery(table, everything=True).wait()
    again = {"everything": True, "write_disposition": APPEND, "include_source_store": True}
    store.export_to_bigquery(table, **again).wait()  # type: ignore[arg-type]
    assert read(table)["SourceDicomStore"].to_pylist() == [None] * 12 + [str(folder)] * 12


def test_a_row_for_each_of_many_images(store: Store, folder: Path, tmp_path: Path) -> None:
    for number in range(300):  # more than one part
        each = image("1.7", "1.7.1", f"1.7.1.{number}", InstanceNumber=str(number))
        (folder / f"many{number}").write_bytes(each.data)
    table = str(tmp_path / "m.parquet")
    outcome = store.export_to_bigquery(table, everything=True).wait()
    assert outcome.state.counters.success == 312
    rows = {row["SOPInstanceUID"]: row for row in read(table).to_pylist()}
    assert len(rows) == 312
    assert rows["1.7.1.299"]["InstanceNumber"] == "299"
    assert rows["1.1.1.1"]["InstanceNumber"] is None
