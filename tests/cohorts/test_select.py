"""A whole SELECT: each table in its current state, its rows as a selection, what they lack."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from dicomfilter.cohorts.select import read_statement
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.errors import (
    ParameterError,
    PredicateError,
    TableError,
    UnusableUidError,
    UsageError,
)
from dicomfilter.filters.build import BuildOptions
from dicomfilter.googlesql import to_googlesql
from dicomfilter.notebook.table import open_table
from dicomfilter.paths import Level
from tests.tables import INSTANCES, SERIES_INDEX, STREAMED, instance, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dicomfilter.notebook.table import Table

DAYS = [dt.datetime(2024, 1, day, tzinfo=dt.UTC) for day in (1, 2, 3)]
TABLES = {"metadata": STREAMED}


@pytest.fixture
def streamed(tmp_path: Path) -> Iterator[Table]:
    """Make a table of three instances: one was CT and is MR now, one is CT, one was deleted."""
    rows = [
        instance("1", "1.1", "1.1.1", "CT", PatientID="a", LastUpdated=DAYS[0], Type="CREATE"),
        instance("1", "1.1", "1.1.1", "MR", PatientID="a", LastUpdated=DAYS[1], Type="CREATE"),
        instance("2", "2.1", "2.1.1", "CT", PatientID="b", LastUpdated=DAYS[0], Type="CREATE"),
        instance("3", "3.1", "3.1.1", "CT", PatientID="c", LastUpdated=DAYS[0], Type="CREATE"),
        instance("3", "3.1", "3.1.1", "CT", PatientID="c", LastUpdated=DAYS[2], Type="DELETE"),
    ]
    with open_table(write(tmp_path / "metadata.parquet", STREAMED, rows)) as table:
        yield table


def answer(table: Table, sql: str, **values: object) -> list[dict[str, object]]:
    return table.query(sql, **values).read_all().to_pylist()


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT COUNT(*) AS n FROM metadata", [{"n": 2}]),
        ("SELECT PatientID AS p FROM metadata WHERE Modality = 'CT'", [{"p": "b"}]),
        (
            "SELECT m.PatientID AS p FROM metadata AS m WHERE EXISTS ("
            "SELECT 1 FROM metadata AS n WHERE n.PatientID = m.PatientID AND n.Modality = 'CT')",
            [{"p": "b"}],
        ),
        (
            "WITH found AS (SELECT PatientID FROM metadata) "
            "SELECT a.PatientID AS p FROM found AS a JOIN found AS b USING (PatientID) ORDER BY p",
            [{"p": "a"}, {"p": "b"}],
        ),
        ("SELECT * EXCEPT (PatientID) FROM metadata WHERE FALSE", []),
        ("SELECT COUNT(*) AS n FROM metadata UNION ALL SELECT 7", [{"n": 2}, {"n": 7}]),
    ],
)
def test_every_mention_of_a_table_is_its_current_state(
    streamed: Table, sql: str, rows: list[dict[str, object]]
) -> None:
    found = answer(streamed, sql)
    assert sorted(map(str, found)) == sorted(map(str, rows))


def test_all_versions_are_rows_where_they_are_asked_for() -> None:
    statement = read_statement("SELECT COUNT(*) FROM metadata", TABLES, all_versions=True)
    assert statement.tree == statement.checked


def test_values_are_bound_and_the_text_holds_none() -> None:
    sql = "SELECT PatientID FROM metadata WHERE PatientID = 'anna' AND Modality = @kind"
    given = [*read_statement("SELECT @kind", TABLES, parameters=[kind()]).parameters]
    statement = read_statement(sql, TABLES, parameters=given, first=4)
    assert "anna" not in to_googlesql(statement.tree)
    assert [(p.name, p.value) for p in statement.parameters] == [("p4", "anna"), ("kind", "CT")]


def kind():
    from dicomfilter.googlesql.types.parameters import Parameter

    return Parameter.of("kind", "CT")


def test_a_final_semicolon_is_no_part_of_a_query(streamed: Table) -> None:
    assert answer(streamed, "SELECT 1 AS n;\n") == [{"n": 1}]
    with pytest.raises(PredicateError):
        answer(streamed, "SELECT 1; SELECT 2")


def test_a_query_may_not_take_the_name_of_a_table(streamed: Table) -> None:
    with pytest.raises(PredicateError, match="WITH calls a query METADATA") as caught:
        answer(streamed, "WITH METADATA AS (SELECT * FROM metadata) SELECT * FROM METADATA")
    assert caught.value.hint == "give the query another name"


def test_parameters_that_nothing_names_are_misspelt(streamed: Table) -> None:
    with pytest.raises(ParameterError, match="unused parameter: @patient"):
        answer(streamed, "SELECT 1", patient="a")


@pytest.mark.parametrize(
    ("sql", "level", "lines"),
    [
        ("SELECT StudyInstanceUID FROM metadata", Level.STUDY, ["/studies/1", "/studies/2"]),
        (
            "SELECT DISTINCT SeriesInstanceUID, StudyInstanceUID FROM metadata "
            "WHERE Modality = 'CT'",
            Level.SERIES,
            ["/studies/2/series/2.1"],
        ),
        (
            "SELECT * FROM metadata QUALIFY "
            "ROW_NUMBER() OVER (ORDER BY PatientID, SOPInstanceUID) = 1",
            Level.INSTANCE,
            ["/studies/1/series/1.1/instances/1.1.1"],
        ),
    ],
)
def test_the_rows_of_a_select_are_a_selection_of_its_level(
    streamed: Table, tmp_path: Path, sql: str, level: Level, lines: list[str]
) -> None:
    cohort = streamed.where_among(sql)
    assert cohort.selection.level is level
    built = cohort.write_filter(str(tmp_path / "f.txt"))
    assert sorted((tmp_path / "f.txt").read_text().splitlines()) == lines
    assert built.coverage.matched_instances == len(lines)
    assert built.warnings == ()


def test_a_select_is_looked_at_in_what_cohorts_are_joined_to(streamed: Table) -> None:
    null = streamed.where_among("SELECT CAST(NULL AS STRING) AS StudyInstanceUID FROM metadata")
    other = streamed.where_among("SELECT '9' AS StudyInstanceUID")
    for joined in (streamed.all() - null, streamed.all() | null, streamed.all() - (null & null)):
        with pytest.raises(UnusableUidError, match="NULL or unusable"):
            joined.caveats()
    assert "1 of 1 studies" in (streamed.all() - other).caveats()[0]


def test_the_finest_of_several_selects_says_the_level(streamed: Table) -> None:
    fine = "SELECT * FROM metadata"
    cohort = streamed.where_among(fine).where_among("SELECT StudyInstanceUID FROM metadata")
    assert cohort.selection.level is Level.INSTANCE


def test_a_value_of_a_select_is_no_literal_of_a_predicate(streamed: Table) -> None:
    ct = streamed.where("Modality = 'CT'")
    of_a = ct.where_among("SELECT StudyInstanceUID FROM metadata WHERE PatientID = @p1", p1="b")
    assert of_a.counts().instances == 1
    of_mr = ct.where_among("SELECT StudyInstanceUID FROM metadata WHERE Modality = @p1", p1="MR")
    assert of_mr.counts().instances == 0


def test_a_select_and_predicates_narrow_each_other(streamed: Table) -> None:
    ct = streamed.where("Modality = @m", m="CT").where_among(
        "SELECT StudyInstanceUID FROM metadata"
    )
    assert ct.counts().instances == 1
    steps = ct.attrition_steps()
    assert [step.left.instances for step in steps] == [2, 1, 1]
    assert steps[-1].label == "the study is one of a SELECT's"


def test_a_predicate_beside_a_select_picks_out_rows(tmp_path: Path) -> None:
    rows = [instance("1", "1.1", f"1.1.{n}", kind) for n, kind in enumerate(("CT", "MR"), 1)]
    with open_table(write(tmp_path / "m.parquet", INSTANCES, rows)) as table:
        study = table.where_among("SELECT StudyInstanceUID FROM metadata")
        study.where("Modality = 'CT'").write_filter(str(tmp_path / "f.txt"))
        study.write_filter(str(tmp_path / "whole.txt"))
    assert (tmp_path / "f.txt").read_text() == "/studies/1/series/1.1/instances/1.1.1\n"
    assert (tmp_path / "whole.txt").read_text() == "/studies/1\n"


def test_cohorts_of_selects_are_sets_whose_values_do_not_clash(streamed: Table) -> None:
    ct, mr = (
        streamed.where_among(f"SELECT StudyInstanceUID FROM metadata WHERE Modality = '{m}'")
        for m in ("CT", "MR")
    )
    assert [c.counts().studies for c in (ct, mr, ct | mr, ct & mr, ct - mr)] == [1, 1, 2, 0, 1]


def test_a_limit_takes_the_same_rows_for_the_counts_and_the_lines(tmp_path: Path) -> None:
    rows = [instance(str(n), f"{n}.1", f"{n}.1.1", "CT") for n in range(1, 4000)]
    with open_table(write(tmp_path / "m.parquet", INSTANCES, rows)) as table:
        names = "StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID"
        cohort = table.where_among(f"SELECT {names} FROM metadata LIMIT 1000")
        built = cohort.write_filter(str(tmp_path / "f.txt"))
    assert built.coverage.lines == 1000
    assert len(set((tmp_path / "f.txt").read_text().splitlines())) == 1000


def test_uids_that_are_not_in_the_table_are_counted(streamed: Table, tmp_path: Path) -> None:
    sql = "SELECT StudyInstanceUID FROM metadata UNION ALL SELECT '9' UNION ALL SELECT '3'"
    built = streamed.where_among(sql).write_filter(str(tmp_path / "f.txt"))
    assert built.warnings == ("2 of 4 studies of the SELECT are not in the table",)


@pytest.mark.parametrize("uid", ["NULL", "''", "'1.x'"])
def test_a_uid_that_can_be_none_stops_the_build(streamed: Table, tmp_path: Path, uid: str) -> None:
    sql = f"SELECT StudyInstanceUID FROM metadata UNION ALL SELECT {uid}"
    options = BuildOptions(skip_bad_uids=True)
    with pytest.raises(UnusableUidError, match="1 row of the SELECT has a NULL or unusable UID"):
        streamed.where_among(sql).write_filter(str(tmp_path / "f.txt"), options=options)
    assert not (tmp_path / "f.txt").exists()


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT PatientID FROM metadata", "gives no StudyInstanceUID"),
        ("SELECT StudyInstanceUID, SOPInstanceUID FROM metadata", "and no SeriesInstanceUID"),
        ("SELECT SOPInstanceUID FROM metadata", "and no StudyInstanceUID"),
        ("SELECT 1 AS StudyInstanceUID", "StudyInstanceUID of the SELECT is INT64"),
    ],
)
def test_a_select_without_uids_names_nothing(streamed: Table, sql: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        streamed.where_among(sql)


def test_a_series_index_has_no_instances_to_name(tmp_path: Path) -> None:
    row = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.1", "Modality": "CT"}
    with open_table(write(tmp_path / "s.parquet", SERIES_INDEX, [row])) as table:
        sql = "SELECT *, 'x' AS SOPInstanceUID FROM metadata"
        with pytest.raises(UsageError, match="the table has no SOPInstanceUID"):
            table.where_among(sql)


def test_further_tables_are_joined_and_in_their_current_state(tmp_path: Path) -> None:
    (tmp_path / "arms.csv").write_text("PatientID,Arm\na,treated\nb,control\n")
    rows = [
        instance(n, f"{n}.1", f"{n}.1.1", "CT", PatientID=p) for n, p in (("1", "a"), ("2", "b"))
    ]
    main = write(tmp_path / "m.parquet", INSTANCES, rows)
    old = instance("1", "1.1", "1.1.1", "CT", LastUpdated=DAYS[0], Type="CREATE")
    gone = old | {"LastUpdated": DAYS[1], "Type": "DELETE"}
    other = write(tmp_path / "o.parquet", STREAMED, [old, gone])
    others = (("arms", str(tmp_path / "arms.csv")), ("other_store", other))
    with open_table(main, options=EngineOptions(others=others)) as table:
        treated = table.where_among(
            "SELECT StudyInstanceUID FROM metadata JOIN arms USING (PatientID) WHERE Arm = @arm",
            arm="treated",
        )
        assert treated.counts().studies == 1
        assert answer(table, "SELECT COUNT(*) AS n FROM other_store") == [{"n": 0}]
        assert table.engine.others == dict(others)
        assert set(table.engine.paths) == {main, other, str(tmp_path / "arms.csv")}
        before = table.engine.fingerprint()
        (tmp_path / "arms.csv").write_text("PatientID,Arm\n")
        assert table.engine.fingerprint().digest != before.digest


def test_tables_of_one_query_lie_in_one_place(tmp_path: Path) -> None:
    main = write(tmp_path / "m.parquet", INSTANCES, [])
    options = EngineOptions(others=(("o", "bq://p.d.t"),))
    with pytest.raises(TableError, match="cannot be joined"):
        open_table(main, options=options)
