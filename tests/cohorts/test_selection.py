"""A selection is a value: clauses ANDed, parameters apart, and never another cohort."""

from __future__ import annotations

import itertools
from dataclasses import FrozenInstanceError
from datetime import date
from typing import TYPE_CHECKING

import pytest

from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.unit_rows import resources
from dicomfilter.engines import open_engine
from dicomfilter.errors import ParameterError, PredicateError, UsageError
from dicomfilter.googlesql import to_googlesql
from dicomfilter.googlesql.query import Query
from dicomfilter.googlesql.types.parameters import Origin, Parameter
from dicomfilter.schema import Column, SqlType, TableSchema
from tests.tables import INSTANCES, SERIES_INDEX, STREAMED, instance, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dicomfilter.engines.protocol import Engine

TODAY = date(2026, 11, 21)
ROWS = [
    instance("1", "1.1", "1.1.1", "CT", PatientID="anna", StudyDate=date(2026, 11, 20)),
    instance("2", "2.1", "2.1.1", "CT", PatientID="boris", StudyDate=date(2026, 10, 1)),
    instance("3", "3.1", "3.1.1", "MR", PatientID="anna", StudyDate=None),
    instance("4", "4.1", "4.1.1", "MR", PatientID=None, StudyDate=date(2020, 1, 1)),
    instance("5", "5.1", "5.1.1", None, PatientID="boris", StudyDate=None),
]
EMPTY = Selection(INSTANCES)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = write(tmp_path_factory.mktemp("selection") / "t.parquet", INSTANCES, ROWS)
    with open_engine([path]) as opened:
        yield opened


def chosen(engine: Engine, selection: Selection, today: date = TODAY) -> str:
    """Name the studies that a selection selects, as in ``135``."""
    names = [parameter.name.lower() for parameter in selection.parameters]
    assert len(names) == len(set(names)), "a name stands for two values"
    query = Query(resources(selection), selection.bound(today))
    return "".join(sorted(engine.rows(query).read_all()["study"].to_pylist()))


def text(name: str, value: str) -> Parameter:
    return Parameter.of(name, value)


# Clauses


def test_clauses_are_anded(engine: Engine) -> None:
    ct = EMPTY.where("Modality = 'CT'")
    assert chosen(engine, EMPTY) == "12345"
    assert chosen(engine, ct) == "12"
    assert chosen(engine, ct.where("PatientID = 'anna'")) == "1"
    assert (
        chosen(engine, EMPTY.where("Modality = 'CT' OR TRUE").where("PatientID = 'anna'")) == "13"
    )


def test_a_selection_is_never_changed() -> None:
    before = EMPTY.where("Modality = 'CT'")
    narrower = before.where("PatientID = 'anna'")
    assert (len(before.clauses), len(narrower.clauses)) == (1, 2)
    with pytest.raises(FrozenInstanceError):
        before.clauses = ()  # type: ignore[misc]


def test_a_clause_says_what_was_written_what_it_binds_and_what_it_reads() -> None:
    (clause,) = EMPTY.where(
        "modality  =\n 'CT' AND patientid = @id", parameters=[text("id", "x")]
    ).clauses
    assert clause.label == "modality = 'CT' AND patientid = @id"
    assert to_googlesql(clause.tree) == "Modality = @p1 AND PatientID = @id"
    assert [(p.name, p.value, p.origin) for p in clause.parameters] == [
        ("p1", "CT", Origin.LITERAL),
        ("id", "x", Origin.USER),
    ]
    assert clause.columns == ("Modality", "PatientID")
    assert (clause.ids, clause.dated, clause.listed) == (None, None, ())


def test_a_column_may_be_named_with_its_table(tmp_path: Path) -> None:
    for schema in (INSTANCES, STREAMED):
        with open_engine([write(tmp_path / "t.parquet", schema, ROWS)]) as engine:
            selection = Selection(schema).where("metadata.Modality = 'CT'")
            assert chosen(engine, selection) == "12"
            assert to_googlesql(selection.clauses[0].tree) == "Modality = @p1"


def test_columns_and_parameters_are_listed_once() -> None:
    same = text("m", "CT")
    selection = EMPTY.where("Modality = @m AND StudyDate IS NULL", parameters=[same])
    selection = selection.where("Modality != @m AND PatientID = 'x'")
    assert selection.columns == ("Modality", "StudyDate", "PatientID")
    assert [p.name for p in selection.parameters] == ["m", "p1"]


def test_a_predicate_that_bigquery_refuses_is_refused() -> None:
    for sql in (
        "PatientID = 19045",
        "Nope = 1",
        "Modality",
        "Modality = 'CT'; TRUE",
        "Modality = '",
    ):
        with pytest.raises(PredicateError):
            EMPTY.where(sql)


def test_versions_count_only_where_a_table_has_any() -> None:
    assert not EMPTY.uses_versions
    assert Selection(STREAMED).uses_versions
    assert not Selection(STREAMED, all_versions=True).uses_versions
    assert Selection(STREAMED, all_versions=True).where("Modality = 'CT'").all_versions


# Names of parameters: one name is one value, whatever the order


def test_a_parameter_of_an_earlier_clause_is_known(engine: Engine) -> None:
    first = EMPTY.where("PatientID = @id", parameters=[text("id", "anna")])
    assert chosen(engine, first.where("Modality = 'CT' AND PatientID = @id")) == "1"
    with pytest.raises(ParameterError, match="@id is given twice with different values"):
        first.where("Modality = @id", parameters=[text("id", "CT")])
    with pytest.raises(PredicateError, match="id"):
        EMPTY.where("PatientID = @id")


def test_a_parameter_keeps_apart_from_a_literal_of_its_name(engine: Engine) -> None:
    given = [text("p1", "anna")]
    after = EMPTY.where("Modality = 'CT'").where("PatientID = @p1", parameters=given)
    before = EMPTY.where("PatientID = @p1", parameters=given).where("Modality = 'CT'")
    at_once = EMPTY.where("Modality = 'CT' AND PatientID = @p1", parameters=given)
    for selection in (after, before, at_once):
        assert chosen(engine, selection) == "1"
        assert {p.name: p.value for p in selection.parameters}["p1"] == "anna"


def test_letters_of_either_case_are_one_name(engine: Engine) -> None:
    ct = EMPTY.where("Modality = 'CT'")
    assert chosen(engine, ct.where("PatientID = @P1", parameters=[text("P1", "anna")])) == "1"
    listed = EMPTY.where("Modality = @Patient_ID_List", parameters=[text("Patient_ID_List", "CT")])
    assert chosen(engine, listed.where_in(IdList.of("PatientID", ["anna"]))) == "1"


def test_a_parameter_keeps_apart_from_a_list_and_from_an_age_of_its_name(engine: Engine) -> None:
    anna = IdList.of("PatientID", ["anna"])
    modality = [text("patient_id_list", "CT")]
    where = "Modality = @patient_id_list"
    assert chosen(engine, EMPTY.where_in(anna).where(where, parameters=modality)) == "1"
    assert chosen(engine, EMPTY.where(where, parameters=modality).where_in(anna)) == "1"
    days = [text("since_days", "CT")]
    where = "Modality = @since_days"
    assert chosen(engine, EMPTY.since(9).where(where, parameters=days)) == "1"
    assert chosen(engine, EMPTY.where(where, parameters=days).since(9)) == "1"


def test_two_lists_and_two_ages_bind_their_own_values(engine: Engine) -> None:
    both = EMPTY.where_in(IdList.of("PatientID", ["anna", "boris"]))
    assert chosen(engine, both.where_in(IdList.of("PatientID", ["boris"]))) == "25"
    assert chosen(engine, EMPTY.since(100).since(9)) == "1"
    assert chosen(engine, EMPTY.since(9).since(100)) == "1"


SIDES = {
    "literal": (EMPTY.where("Modality = 'CT'"), "12"),
    "two literals": (EMPTY.where("Modality IN ('CT', 'MR')"), "1234"),
    "p1": (EMPTY.where("PatientID = @p1", parameters=[text("p1", "anna")]), "13"),
    "p2": (
        EMPTY.where("PatientID = @p2 AND Modality != 'CT'", parameters=[text("p2", "anna")]),
        "3",
    ),
    "list": (EMPTY.where_in(IdList.of("PatientID", ["boris"])), "25"),
    "age": (EMPTY.since(100), "12"),
    "two clauses": (EMPTY.where("Modality = 'MR'").where("PatientID = 'anna'"), "3"),
    "everything": (EMPTY, "12345"),
}


@pytest.mark.parametrize(("left", "right"), list(itertools.product(SIDES, SIDES)))
def test_joined_selections_keep_each_its_values(engine: Engine, left: str, right: str) -> None:
    (a, in_a), (b, in_b) = SIDES[left], SIDES[right]
    assert chosen(engine, a.both(b)) == "".join(sorted(set(in_a) & set(in_b)))
    assert chosen(engine, a.either(b)) == "".join(sorted(set(in_a) | set(in_b)))
    assert chosen(engine, a.without(b)) == "".join(sorted(set(in_a) - set(in_b)))


def test_joining_goes_on_and_on(engine: Engine) -> None:
    selection, members = EMPTY, set("12345")
    for name, (other, found) in sorted(SIDES.items()):
        kept = EMPTY.where("PatientID = @p1 OR Modality = 'CT'", parameters=[text("p1", "anna")])
        selection = selection.without(other).either(kept)
        members = members - set(found) | set("123")
        assert chosen(engine, selection) == "".join(sorted(members)), name


def test_a_parameter_of_both_sides_has_one_value() -> None:
    left = EMPTY.where("PatientID = @id", parameters=[text("id", "anna")])
    same = EMPTY.where("Modality = @id", parameters=[text("id", "anna")])
    other = EMPTY.where("Modality = @id", parameters=[text("id", "CT")])
    assert len(left.both(same).parameters) == 1
    for join in (left.both, left.either, left.without):
        with pytest.raises(ParameterError, match="@id is given twice"):
            join(other)


def test_selections_of_different_tables_are_not_joined() -> None:
    for other in (Selection(SERIES_INDEX), Selection(INSTANCES, all_versions=True)):
        for join in (EMPTY.both, EMPTY.either, EMPTY.without):
            with pytest.raises(UsageError, match="different tables"):
                join(other)


def test_both_keeps_the_clauses_and_the_others_make_one() -> None:
    a, b = EMPTY.where("Modality = 'CT'"), EMPTY.where("PatientID = 'x'").where("Modality IS NULL")
    assert [c.label for c in a.both(b).clauses] == [
        "Modality = 'CT'",
        "PatientID = 'x'",
        "Modality IS NULL",
    ]
    (either,) = a.either(b).clauses
    assert either.label == "(Modality = 'CT') OR (PatientID = 'x' AND Modality IS NULL)"
    assert either.columns == ("Modality", "PatientID")
    (without,) = EMPTY.without(b).clauses
    assert without.label == "(TRUE) AND NOT COALESCE(PatientID = 'x' AND Modality IS NULL, FALSE)"


# Lists of identifiers


def test_a_list_is_matched_as_text_and_exactly(engine: Engine) -> None:
    ids = IdList.of("patientid", ["anna", "Boris", "nobody"], source="cohort.csv")
    selection = EMPTY.where_in(ids)
    assert chosen(engine, selection) == "13"
    (clause,) = selection.clauses
    assert clause.label == "PatientID IN (3 from cohort.csv)"
    assert clause.columns == ("PatientID",)
    assert clause.listed == (clause,)
    assert to_googlesql(clause.tree) == "PatientID IN UNNEST(@patient_id_list)"
    assert [str(p.type) for p in clause.parameters] == ["ARRAY<STRING>"]
    assert "anna" not in repr(selection)


def test_lists_are_not_lost_when_selections_are_joined() -> None:
    a = EMPTY.where_in(IdList.of("PatientID", ["anna"]))
    b = EMPTY.where_in(IdList.of("PatientID", ["boris"]))
    for joined in (a.either(b), a.without(b), a.both(b)):
        found = [part for clause in joined.clauses for part in clause.listed]
        assert [part.ids.values.to_pylist() for part in found if part.ids] == [["anna"], ["boris"]]
        bound = {p.name: p.value for p in joined.parameters}
        for part, value in zip(found, ("anna", "boris"), strict=True):
            assert [bound[p.name] for p in part.parameters] == [(value,)]


def test_a_list_wants_a_text_column_of_the_table() -> None:
    with pytest.raises(UsageError, match="no column PatientId2") as caught:
        EMPTY.where_in(IdList.of("PatientId2", ["x"]))
    assert caught.value.hint == "did you mean PatientID?"
    with pytest.raises(UsageError, match="no column Zzz") as caught:
        EMPTY.where_in(IdList.of("Zzz", ["x"]))
    assert caught.value.hint == "name the column with --column"
    with pytest.raises(UsageError, match="StudyDate is DATE; identifiers are matched on STRING"):
        EMPTY.where_in(IdList.of("StudyDate", ["2021-01-01"]))


@pytest.mark.parametrize("name", ["Rows", "my id", 'q"q', "select", "a.b"])
def test_a_list_can_be_of_a_column_of_any_name(name: str) -> None:
    schema = TableSchema((*INSTANCES.columns, Column(name, SqlType.parse("STRING"))))
    (clause,) = Selection(schema).where_in(IdList.of(name, ["x"])).clauses
    assert clause.columns == (name,)


# Ages


def test_an_age_counts_from_the_date_of_the_run_and_includes_its_first_day(engine: Engine) -> None:
    assert chosen(engine, EMPTY.since(1)) == "1"
    assert chosen(engine, EMPTY.since(51)) == "12"
    assert chosen(engine, EMPTY.since(50)) == "1"
    assert chosen(engine, EMPTY.since(50), date(2026, 11, 20)) == "12"
    (clause,) = EMPTY.since(1500).clauses
    assert (clause.label, clause.dated) == ("StudyDate in the last 1,500 days", "StudyDate")


def test_the_date_of_the_run_is_bound_when_it_is_known() -> None:
    selection = EMPTY.since(30)
    clock = [p for p in selection.parameters if p.origin is Origin.CLOCK]
    assert [(p.name, p.value) for p in clock] == [("current_date", None)]
    bound = {p.name: p.value for p in selection.bound(TODAY)}
    assert bound == {"current_date": TODAY, "since_days": 30}
    assert clock[0].value is None


def test_an_age_wants_a_date() -> None:
    with pytest.raises(PredicateError, match="StudyDate"):
        Selection(SERIES_INDEX).since(30)
    text_dates = TableSchema((Column("StudyDate", SqlType.parse("STRING")),))
    with pytest.raises(PredicateError, match="STRING"):
        Selection(text_dates).since(30)


def test_the_date_of_the_run_is_no_parameter_of_a_persons() -> None:
    with pytest.raises(ParameterError, match="the date of the run"):
        EMPTY.where("StudyDate = @current_date", parameters=[Parameter.of("current_date", TODAY)])


def test_what_is_selected_of_unknown_is_not_selected(engine: Engine) -> None:
    ct = EMPTY.where("Modality = 'CT'")
    assert chosen(engine, EMPTY.without(ct)) == "345"
    assert chosen(engine, EMPTY.where("NOT Modality = 'CT'")) == "34"
    assert chosen(engine, ct.without(EMPTY)) == ""
