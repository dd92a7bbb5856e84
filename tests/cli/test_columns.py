"""``dicomfilter columns``: names, types, and examples that can be pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.cli.running import call

if TYPE_CHECKING:
    from pathlib import Path


def test_the_columns_of_idc_that_have_study_in_their_name() -> None:
    ended = call("columns", "idc", "Study")
    assert (ended.status, ended.err) == (0, "")
    assert [line.split() for line in ended.out.splitlines()[2:]] == [
        ["StudyInstanceUID", "STRING", "StudyInstanceUID", "=", "'X'"],
        ["StudyDate", "DATE", "StudyDate", ">=", "'2021-01-31'"],
        ["StudyDescription", "STRING", "StudyDescription", "=", "'X'"],
    ]
    assert call("columns", "idc", "sTuDy").out == ended.out


def test_one_object_of_all_columns() -> None:
    found = call("columns", "idc", "Study", "--json").object["columns"]
    assert found[1] == {"name": "StudyDate", "type": "DATE", "example": "StudyDate >= '2021-01-31'"}


def test_every_example_is_a_predicate_that_is_taken(tmp_path: Path) -> None:
    uids = {"StudyInstanceUID": pa.string(), "SeriesInstanceUID": pa.string()}
    name = pa.struct({"Alphabetic": pa.struct({"FamilyName": pa.string()})})
    kinds = {
        "text": pa.string(),
        "blob": pa.binary(),
        "whole": pa.int64(),
        "real": pa.float64(),
        "exact": pa.decimal128(20, 2),
        "yes": pa.bool_(),
        "day": pa.date32(),
        "hour": pa.time64("us"),
        "local": pa.timestamp("us"),
        "moment": pa.timestamp("us", tz="UTC"),
        "texts": pa.list_(pa.string()),
        "PatientName": name,
        "OtherNames": pa.list_(name),
        "Codes": pa.list_(pa.struct({"tags": pa.list_(pa.string()), "CodeValue": pa.string()})),
        "select": pa.string(),
        "with space": pa.string(),
    }
    schema = pa.schema(uids | kinds)
    path = tmp_path / "kinds.parquet"
    parquet.write_table(pa.Table.from_pylist([], schema=schema), path)

    found = call("columns", path, "--json").object["columns"]
    assert [column["name"] for column in found] == schema.names
    for column in found:
        counted = call("count", path, "--where", column["example"])
        assert counted.status == 0, f"{column}: {counted.err}"


def test_a_sequence_of_many_fields_fits_on_a_line(tmp_path: Path) -> None:
    item = pa.struct({f"Attribute{number}": pa.string() for number in range(200)})
    uids = {"StudyInstanceUID": pa.string(), "SeriesInstanceUID": pa.string()}
    schema = pa.schema(uids | {"LongSequence": pa.list_(item)})
    path = tmp_path / "wide.parquet"
    parquet.write_table(pa.Table.from_pylist([], schema=schema), path)
    ended = call("columns", path, "LongSequence")
    assert "ARRAY<STRUCT<Attribute0, Attribute1, ...>>" in ended.out
    assert "UNNEST(LongSequence) AS x WHERE x.Attribute0 = 'X'" in ended.out


@pytest.mark.usefixtures("desk")
def test_a_table_without_uids_shows_its_columns_all_the_same() -> None:
    assert [c["name"] for c in call("columns", "no-uids.csv", "--json").object["columns"]] == [
        "a",
        "b",
    ]


@pytest.mark.usefixtures("desk")
def test_a_name_that_is_not_there_finds_the_one_that_was_meant() -> None:
    ended = call("columns", "metadata.parquet", "Modalty")
    assert (ended.status, ended.out) == (0, "")
    assert ended.err == "no column of 7 has 'Modalty' in its name; did you mean Modality?\n"
    assert call("columns", "metadata.parquet", "Modalty", "--json").object == {"columns": []}
