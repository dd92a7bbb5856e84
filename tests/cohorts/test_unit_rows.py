"""Rows become units: each once, in its current state, with what the table knows of its weight."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from sqlglot import exp

from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.unit_rows import (
    current_rows,
    measures,
    one_a_unit,
    resources,
    rows,
    unit_columns,
    unit_names,
    whole_table,
)
from dicomfilter.engines import open_engine
from dicomfilter.googlesql.pieces import fragment
from dicomfilter.googlesql.query import Query
from dicomfilter.schema import Column, SqlType, TableSchema
from tests import made
from tests.reference import current, is_usable, key
from tests.tables import INSTANCES, SERIES_INDEX, STREAMED, instance, write

if TYPE_CHECKING:
    from pathlib import Path

    from sqlglot.expressions import Select


def at(minute: int) -> datetime:
    return datetime(2026, 1, 1, 12, minute, tzinfo=UTC)


def answers(path: str, tree: Select, selection: Selection) -> list[dict[str, Any]]:
    with open_engine([path]) as engine:
        query = Query(tree, selection.parameters)
        found: list[dict[str, Any]] = engine.rows(query).read_all().to_pylist()
    return sorted(found, key=str)


def schema(**types: str) -> TableSchema:
    return TableSchema(tuple(Column(name, SqlType.parse(of)) for name, of in types.items()))


def test_a_unit_is_an_instance_or_a_series() -> None:
    assert unit_names(INSTANCES) == ("study", "series", "instance")
    assert unit_names(SERIES_INDEX) == ("study", "series")
    assert unit_columns(SERIES_INDEX) == ("StudyInstanceUID", "SeriesInstanceUID")


# What a table knows of a unit's weight

UIDS = {"StudyInstanceUID": "STRING", "SeriesInstanceUID": "STRING"}
SOP = UIDS | {"SOPInstanceUID": "STRING"}


@pytest.mark.parametrize(
    ("types", "known"),
    [
        (SOP, {}),
        (SOP | {"BlobStorageSize": "INT64"}, {"size_bytes": "BlobStorageSize"}),
        (SOP | {"BlobStorageSize": "STRING"}, {}),
        (SOP | {"series_size_MB": "FLOAT64", "instanceCount": "INT64"}, {}),
        (UIDS | {"series_size_MB": "FLOAT64"}, {"size_bytes": "series_size_MB * 1000000"}),
        (UIDS | {"series_size_MB": "STRING"}, {}),
        (UIDS | {"instanceCount": "INT64"}, {"instances": "instanceCount"}),
        (UIDS | {"instanceCount": "FLOAT64"}, {}),
        (UIDS | {"INSTANCECOUNT": "INT64"}, {"instances": "instanceCount"}),
        (
            UIDS | {"BlobStorageSize": "INT64", "series_size_MB": "FLOAT64"},
            {"size_bytes": "BlobStorageSize"},
        ),
    ],
)
def test_a_weight_is_known_or_not_and_never_guessed(
    types: dict[str, str], known: dict[str, str]
) -> None:
    found = {name: tree.sql("bigquery") for name, tree in measures(schema(**types)).items()}
    assert found == known


# Rows

ROWS = [
    instance("1", "1.1", "1.1.1"),
    instance("1", "1.1", "1.1.1", "MR", BlobStorageSize=7),
    instance("1", "1.1", None),
    instance("2", "2.1", "2.1.1", "MR"),
]


def test_rows_are_selected_or_flagged(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", INSTANCES, ROWS)
    selection = Selection(INSTANCES).where("Modality = 'CT'")
    chosen = answers(path, rows(selection), selection)
    assert [(row["instance"], row["usable"]) for row in chosen] == [("1.1.1", True), (None, False)]
    flags = {"hit": selection.clauses[0].tree}
    flagged = answers(path, rows(selection, flags, extra={"m": exp.column("Modality")}), selection)
    assert [(row["m"], row["hit"]) for row in flagged] == [
        ("CT", True),
        ("MR", False),
        ("CT", True),
        ("MR", False),
    ]


def test_a_flag_is_never_null(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", INSTANCES, [ROWS[0] | {"Modality": None}])
    selection = Selection(INSTANCES).where("Modality = 'CT'")
    (row,) = answers(path, rows(selection, {"hit": selection.clauses[0].tree}), selection)
    assert row["hit"] is False


def test_what_is_assumed_usable_is_not_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", INSTANCES, ROWS)
    found = answers(path, rows(Selection(INSTANCES), assume_usable=True), Selection(INSTANCES))
    assert {row["usable"] for row in found} == {True}


def test_units_are_folded_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", INSTANCES, ROWS)
    selection = Selection(INSTANCES).where("Modality = 'CT'")
    flagged = rows(selection, {"hit": selection.clauses[0].tree}, extra={"m": fragment("Modality")})
    folded = one_a_unit(flagged, selection, ("hit",), extra=("m",))
    found = {row["instance"]: row for row in answers(path, folded, selection)}
    assert len(found) == 3
    assert found["1.1.1"] == {
        "study": "1",
        "series": "1.1",
        "instance": "1.1.1",
        "usable": True,
        "row_count": 2,
        "size_bytes": 100,
        "m": "CT",
        "hit": True,
    }
    hits = one_a_unit(flagged, selection, ("hit",), counting="COUNTIF(hit)")
    assert [row["row_count"] for row in answers(path, hits, selection)] == [1, 1, 0]


def test_resources_are_what_a_line_can_name_once(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", INSTANCES, [*ROWS, instance("x", "2.1", "2.1.1")])
    found = answers(path, resources(Selection(INSTANCES)), Selection(INSTANCES))
    assert found == [
        {"study": "1", "series": "1.1", "instance": "1.1.1"},
        {"study": "2", "series": "2.1", "instance": "2.1.1"},
    ]


# Current state


@settings(max_examples=12, deadline=None)
@given(made_rows=made.rows(versions=True))
def test_the_current_state_is_what_plain_python_keeps(
    tmp_path_factory: pytest.TempPathFactory, made_rows: list[dict[str, Any]]
) -> None:
    path = write(tmp_path_factory.mktemp("units") / "t.parquet", STREAMED, made_rows)
    selection = Selection(STREAMED)
    names = [column.name for column in STREAMED]
    kept = sorted(current(made_rows), key=str)
    found = answers(path, current_rows(selection, names), selection)
    assert sorted(
        [{n: row[n] for n in names} for row in found], key=lambda r: str(in_order(r))
    ) == (sorted([{n: row[n] for n in names} for row in kept], key=lambda r: str(in_order(r))))
    usable = sorted(key(row) for row in kept if is_usable(key(row)))
    named = answers(path, resources(selection), selection)
    assert sorted(tuple(row.values()) for row in named) == usable


def in_order(row: dict[str, Any]) -> list[str]:
    return [str(value) for value in row.values()]


@pytest.mark.parametrize(
    ("versions", "kept"),
    [
        ([("a", 1, "CREATE"), ("b", 2, "CREATE")], ["b"]),
        ([("a", 2, "CREATE"), ("b", 1, "DELETE")], ["a"]),
        ([("a", 1, "CREATE"), ("b", 2, "DELETE")], []),
        ([("a", 1, "DELETE"), ("b", 1, "CREATE")], []),
        ([("a", None, "CREATE"), ("b", 1, "CREATE")], ["b"]),
        ([("a", None, "DELETE"), ("b", 1, "CREATE")], ["b"]),
        ([("a", 1, "CREATE"), ("b", None, "DELETE")], ["a"]),
        ([("a", None, "CREATE"), ("b", None, "DELETE")], []),
        ([("a", 1, None), ("b", 2, None)], ["b"]),
        ([("a", 1, "delete")], ["a"]),
    ],
)
def test_of_several_versions_the_newest_counts_and_a_deletion_wins_a_tie(
    tmp_path: Path, versions: list[tuple[str, int | None, str | None]], kept: list[str]
) -> None:
    for order in (versions, versions[::-1]):
        several = [
            instance("1", "1.1", "1.1.1", name, LastUpdated=minute and at(minute), Type=of)
            for name, minute, of in order
        ]
        path = write(tmp_path / "t.parquet", STREAMED, several)
        found = answers(path, current_rows(Selection(STREAMED), ["Modality"]), Selection(STREAMED))
        assert [row["Modality"] for row in found] == kept
        whole = Selection(STREAMED, all_versions=True)
        assert len(answers(path, current_rows(whole, ["Modality"]), whole)) == len(versions)


@pytest.mark.parametrize("lacking", ["LastUpdated", "Type"])
def test_one_column_of_versions_is_enough(tmp_path: Path, lacking: str) -> None:
    one = TableSchema(tuple(c for c in STREAMED if c.name != lacking))
    several = [
        instance("1", "1.1", "1.1.1", "a", LastUpdated=at(1), Type="CREATE"),
        instance("1", "1.1", "1.1.1", "b", LastUpdated=at(2), Type="DELETE"),
    ]
    path = write(tmp_path / "t.parquet", one, several)
    found = answers(path, current_rows(Selection(one), ["Modality"]), Selection(one))
    assert [row["Modality"] for row in found] == (["b"] if lacking == "Type" else [])


def test_rows_that_can_make_no_line_never_supersede_each_other(tmp_path: Path) -> None:
    several = [
        instance("1", "1.1", None, LastUpdated=at(1), Type="CREATE"),
        instance("1", "1.1", None, LastUpdated=at(2), Type="CREATE"),
        instance("1", "1.1", None, LastUpdated=at(3), Type="DELETE"),
        instance("1", "1.1", "x", LastUpdated=at(1), Type=None),
    ]
    path = write(tmp_path / "t.parquet", STREAMED, several)
    found = answers(path, rows(Selection(STREAMED)), Selection(STREAMED))
    assert [row["usable"] for row in found] == [False, False, False]


def test_a_predicate_applies_to_the_newest_row_alone(tmp_path: Path) -> None:
    several = [
        instance("1", "1.1", "1.1.1", "CT", LastUpdated=at(1), Type="CREATE"),
        instance("1", "1.1", "1.1.1", "MR", LastUpdated=at(2), Type="CREATE"),
    ]
    path = write(tmp_path / "t.parquet", STREAMED, several)
    for modality, found in (("CT", 0), ("MR", 1)):
        selection = Selection(STREAMED).where(f"Modality = '{modality}'")
        assert len(answers(path, rows(selection), selection)) == found


def test_a_table_gives_way_to_a_column_of_its_name() -> None:
    assert whole_table(INSTANCES).sql("bigquery") == "metadata"
    named = whole_table(schema(**SOP, METADATA="JSON"))
    assert named.sql("bigquery") == "metadata AS dcf_table"
