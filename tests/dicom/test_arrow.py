"""Batches: rows of several schemas as one table, with empty arrays where BigQuery has them."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time
from typing import Any

import pyarrow as pa
import pytest

from dicomfilter.dicom.headers.arrow import (
    batch_of,
    columns_of,
    conformed,
    missing,
    schema_of,
    type_of,
)
from dicomfilter.dicom.headers.element_columns import Column, person_column, place
from dicomfilter.dicom.headers.parquet_table import SERVICE, unified
from dicomfilter.errors import TableError

ITEM = Column(
    "RECORD",
    repeated=True,
    fields={"CodeValue": Column("STRING"), "Numbers": Column("INTEGER", repeated=True)},
)
COLUMNS = {
    "StudyDate": Column("DATE"),
    "StudyTime": Column("TIME"),
    "AcquisitionDateTime": Column("TIMESTAMP"),
    "PatientName": person_column(repeated=False),
    "ProcedureCodeSequence": ITEM,
    "ImageType": Column("STRING", repeated=True),
    "KVP": Column("FLOAT"),
}


def test_rows_come_back_as_they_were() -> None:
    moment = datetime(2021, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    rows: list[dict[str, Any]] = [
        {
            "StudyDate": date(2021, 1, 2),
            "StudyTime": time(1, 2, 3, 4),
            "AcquisitionDateTime": moment,
            "PatientName": {"Alphabetic": {"FamilyName": "Doe"}},
            "ProcedureCodeSequence": [{"CodeValue": "1", "Numbers": [1, 2]}, {}],
            "ImageType": ["A", "B"],
            "KVP": 1.5,
        },
        {},
    ]
    first, second = batch_of(rows, COLUMNS).to_pylist()
    assert first["StudyDate"] == date(2021, 1, 2)
    assert first["StudyTime"] == time(1, 2, 3, 4)
    assert first["AcquisitionDateTime"] == moment
    assert first["PatientName"]["Alphabetic"]["FamilyName"] == "Doe"
    assert first["PatientName"]["Ideographic"] is None
    assert first["ProcedureCodeSequence"] == [
        {"CodeValue": "1", "Numbers": [1, 2]},
        {"CodeValue": None, "Numbers": []},
    ]
    assert second == {
        **dict.fromkeys(COLUMNS),
        "ProcedureCodeSequence": [],
        "ImageType": [],
    }


def test_columns_and_their_schema_are_inverses() -> None:
    assert columns_of(schema_of(COLUMNS)) == COLUMNS


def random_column(chance: random.Random, depth: int) -> Column:
    if depth and chance.random() < 0.4:
        names = chance.sample("abcdef", chance.randint(1, 4))
        fields = {name: random_column(random.Random(f"{name}{depth}"), depth - 1) for name in names}
        return Column("RECORD", chance.random() < 0.6, fields)
    return Column(chance.choice(["STRING", "INTEGER", "FLOAT"]), chance.random() < 0.4)


def random_value(column: Column, chance: random.Random, depth: int = 0) -> Any:
    if column.repeated:
        one = Column(column.type, fields=column.fields)
        return [random_value(one, chance, 1) for _ in range(chance.randint(0, 3))]
    if column.type == "RECORD":
        # An item of a sequence is there, however empty; another record may be NULL.
        if not depth and chance.random() < 0.2:
            return None
        names = [name for name in column.fields if chance.random() < 0.7]
        return {name: random_value(column.fields[name], chance) for name in names}
    if not depth and chance.random() < 0.2:
        return None
    return {"STRING": "x", "INTEGER": 7, "FLOAT": 0.5}[column.type]


def filled(column: Column, value: Any) -> Any:
    """Give what a table holds, plainly: arrays where there are none, NULL where a field is missing."""
    if column.repeated:
        one = Column(column.type, fields=column.fields)
        return [filled(one, each) for each in value or []]
    if column.type != "RECORD" or value is None:
        return value
    return {name: filled(inner, value.get(name)) for name, inner in column.fields.items()}


@pytest.mark.parametrize("seed", range(40))
def test_values_of_a_narrow_column_are_the_same_in_a_wide_one(seed: int) -> None:
    chance = random.Random(seed)
    wide = random_column(random.Random(f"wide{seed}"), 3)
    narrow = wide.copied()
    for column in (narrow, *narrow.fields.values()):
        for name in list(column.fields)[1:]:
            if chance.random() < 0.4:
                del column.fields[name]
    values = [random_value(narrow, chance) for _ in range(20)]
    array = pa.array(values, type_of(narrow))
    for part, expected in ((array, values), (array.slice(3, 9), values[3:12])):
        kind = type_of(wide)
        found = conformed(part, kind)
        found.validate(full=True)
        assert found.type == kind
        assert found.to_pylist() == [filled(wide, value) for value in expected]


def test_a_column_that_is_missing_is_null_or_empty() -> None:
    assert missing(pa.int64(), 2).to_pylist() == [None, None]
    assert missing(pa.list_(pa.string()), 2).to_pylist() == [[], []]


def test_the_order_of_schemas_does_not_matter() -> None:
    parts = [
        schema_of({"PatientID": Column("STRING"), "ProcedureCodeSequence": ITEM}),
        schema_of(
            {
                "Tag_00191001": Column("RECORD", True, {"CodeValue": Column("STRING")}),
                "ProcedureCodeSequence": Column("RECORD", True, {"CodeMeaning": Column("STRING")}),
            }
        ),
        schema_of({"Modality": Column("STRING"), **SERVICE}),
    ]
    whole = unified(parts)
    assert unified(parts[::-1]) == whole
    assert unified([whole, *parts]) == whole
    assert whole.names == [
        "SOPInstanceUID",
        "Modality",
        "ProcedureCodeSequence",
        "PatientID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "Tag_00191001",
        *SERVICE,
    ]
    codes = whole.field("ProcedureCodeSequence").type.value_type
    assert [codes.field(i).name for i in range(codes.num_fields)] == [
        "CodeValue",
        "CodeMeaning",
        "Numbers",
    ]


def test_a_sequence_that_never_has_an_item_makes_no_column() -> None:
    empty = Column("RECORD", fields={"ContentSequence": Column("RECORD", repeated=True)})
    assert empty.ordered().fields == {}


def test_two_types_of_one_column_are_an_error() -> None:
    parts = [schema_of({"KVP": Column(kind)}) for kind in ("STRING", "FLOAT")]
    with pytest.raises(TableError, match="KVP"):
        unified(parts)


def test_columns_are_in_the_order_of_their_tags() -> None:
    names = ["Type", "DroppedTags", "OtherElements", "Tag_00191001", "PixelSpacing", "PatientID"]
    assert sorted(names, key=place)[:3] == ["PatientID", "PixelSpacing", "Tag_00191001"]
