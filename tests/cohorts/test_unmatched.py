"""No identifier of a list is lost in silence: what the table does not know is listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.ids.unmatched import Unmatched, unmatched_ids
from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines import open_engine
from tests.tables import INSTANCES, STREAMED, instance, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dicomfilter.engines.protocol import Engine

KNOWN = ["anna", "boris", "Carla", "", "00123", "it's", "ünal", None]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    rows = [
        instance(str(number), f"{number}.1", f"{number}.1.1", PatientID=patient)
        for number, patient in enumerate(KNOWN)
    ]
    path = write(tmp_path_factory.mktemp("unmatched") / "t.parquet", INSTANCES, rows)
    with open_engine([path]) as opened:
        yield opened


def listed(engine: Engine, *lists: IdList) -> list[dict[str, Any]]:
    selection = Selection(engine.schema())
    for ids in lists:
        selection = selection.where_in(ids)
    found: list[dict[str, Any]] = unmatched_ids(engine, selection).rows().read_all().to_pylist()
    return found


@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(
        st.sampled_from([*filter(None, KNOWN), "Anna", "carla", "123", "zoe", "x" * 100]),
        min_size=1,
    )
)
def test_what_the_table_has_is_matched_and_nothing_else(engine: Engine, values: list[str]) -> None:
    expected = [value for value in dict.fromkeys(values) if value not in KNOWN]
    found = listed(engine, IdList.of("PatientID", values))
    assert found == [{"column": "PatientID", "value": value} for value in expected]


def test_lists_are_told_apart_by_their_column(engine: Engine) -> None:
    patients = IdList.of("PatientID", ["zoe", "anna"])
    studies = IdList.of("StudyInstanceUID", ["77", "1", "88"])
    assert listed(engine, patients, studies) == [
        {"column": "PatientID", "value": "zoe"},
        {"column": "StudyInstanceUID", "value": "77"},
        {"column": "StudyInstanceUID", "value": "88"},
    ]
    selection = Selection(engine.schema()).where_in(patients).where_in(studies)
    found = unmatched_ids(engine, selection)
    assert found.total == 3
    assert [(ids.column, count) for ids, count in found.counts] == [
        ("PatientID", 1),
        ("StudyInstanceUID", 2),
    ]


def test_what_another_clause_leaves_out_is_no_error_of_the_list(engine: Engine) -> None:
    ids = IdList.of("PatientID", ["anna", "zoe"])
    selection = Selection(engine.schema()).where("Modality = 'MR'").where_in(ids)
    assert unmatched_ids(engine, selection).total == 1


def test_lists_of_joined_selections_are_looked_at(engine: Engine) -> None:
    whole = Selection(engine.schema())
    a = whole.where_in(IdList.of("PatientID", ["anna", "zoe"]))
    b = whole.where_in(IdList.of("PatientID", ["boris", "yann"]))
    for joined in (a.either(b), a.without(b), a.both(b), whole.without(a).either(b)):
        found = unmatched_ids(engine, joined)
        values = [value for _, each in found.lists for value in each.to_pylist()]
        assert values == ["zoe", "yann"]


def test_no_list_means_nothing_to_look_for(engine: Engine) -> None:
    selection = Selection(engine.schema()).where("PatientID IN ('zoe')")
    found = unmatched_ids(engine, selection)
    assert (found.lists, found.counts, found.total) == ((), (), 0)


def test_an_empty_list_of_unmatched_is_a_table_of_its_columns(engine: Engine) -> None:
    everything = listed(engine, IdList.of("PatientID", ["anna"]))
    assert everything == []
    for found in (Unmatched(()), unmatched_ids(engine, Selection(engine.schema()))):
        table = found.rows().read_all()
        assert (table.num_rows, table.column_names) == (0, ["column", "value"])


def test_a_table_without_rows_knows_nothing(tmp_path: Path) -> None:
    with open_engine([write(tmp_path / "t.parquet", INSTANCES, [])]) as engine:
        assert len(listed(engine, IdList.of("PatientID", ["anna", "boris"]))) == 2


def test_a_deleted_instance_is_known_all_the_same(tmp_path: Path) -> None:
    rows = [instance("1", "1.1", "1.1.1", PatientID="anna", Type="DELETE")]
    with open_engine([write(tmp_path / "t.parquet", STREAMED, rows)]) as engine:
        assert listed(engine, IdList.of("PatientID", ["anna"])) == []


def test_a_long_list_is_looked_up_at_once(engine: Engine) -> None:
    values = pa.array([f"nobody-{number}" for number in range(50_000)])
    selection = Selection(engine.schema()).where_in(IdList.of("PatientID", values))
    assert unmatched_ids(engine, selection).total == 50_000
