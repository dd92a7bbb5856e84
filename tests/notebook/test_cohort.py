"""The notebook's face: tables are opened, cohorts are sets, and what they hold can be seen."""

from __future__ import annotations

import operator
from dataclasses import FrozenInstanceError, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dicomfilter as dcf
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.errors import (
    DestinationExistsError,
    EmptyFilterError,
    IdListError,
    ParameterError,
    PredicateError,
    TableError,
    TableNotFoundError,
    UnmatchedWarning,
    UsageError,
)
from dicomfilter.filters.build import BuildOptions
from dicomfilter.notebook.cohort import Cohort
from dicomfilter.notebook.table import Table, open_table
from dicomfilter.paths import Level
from tests.tables import INSTANCES, SERIES_INDEX, STREAMED, instance, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TODAY = date(2026, 11, 21)
DATES = (None, date(2026, 11, 20), date(2020, 1, 1))
ROWS = [
    instance(
        str(number),
        f"{number}.1",
        f"{number}.1.1",
        PatientID=patient,
        Modality=modality,
        StudyDate=day,
        BlobStorageSize=number,
    )
    for number, (patient, modality, day) in enumerate(
        (p, m, d) for p in ("anna", "boris", None) for m in ("CT", "MR", None) for d in DATES
    )
]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("cohort") / "metadata.parquet", INSTANCES, ROWS)


@pytest.fixture(scope="module")
def table(path: str) -> Iterator[Table]:
    with open_table(path) as opened:
        yield opened


def studies(cohort: Cohort) -> set[str]:
    fixed = replace(cohort, clock=lambda: TODAY)
    return set(fixed.to_arrow(columns=["StudyInstanceUID"])["StudyInstanceUID"].to_pylist())


def where(test: Callable[[dict[str, Any]], bool]) -> set[str]:
    return {str(row["StudyInstanceUID"]) for row in ROWS if test(row)}


# Cohorts are sets

ATOMS: dict[str, tuple[Callable[[Table], Cohort], Callable[[dict[str, Any]], bool]]] = {
    "ct": (lambda t: t.where("Modality = 'CT'"), lambda r: r["Modality"] == "CT"),
    "not ct": (
        lambda t: t.where("NOT Modality = 'CT'"),
        lambda r: r["Modality"] not in ("CT", None),
    ),
    "unknown": (lambda t: t.where("Modality IS NULL"), lambda r: r["Modality"] is None),
    "p1": (lambda t: t.where("PatientID = @p1", p1="anna"), lambda r: r["PatientID"] == "anna"),
    "p2": (
        lambda t: t.where("PatientID != @p2 AND TRUE", p2="anna"),
        lambda r: r["PatientID"] == "boris",
    ),
    "list": (
        lambda t: t.where_in("PatientID", ["boris", "nobody"]),
        lambda r: r["PatientID"] == "boris",
    ),
    "new": (lambda t: t.all().since(30), lambda r: r["StudyDate"] == DATES[1]),
    "old": (lambda t: t.where("StudyDate < '2021-01-01'"), lambda r: r["StudyDate"] == DATES[2]),
    "some": (
        lambda t: t.where("BlobStorageSize IN (1, 5, 9)"),
        lambda r: r["BlobStorageSize"] in (1, 5, 9),
    ),
    "all": (lambda t: t.all(), lambda _: True),
}
TREES = st.recursive(
    st.sampled_from(sorted(ATOMS)),
    lambda inner: st.tuples(st.sampled_from("&|-"), inner, inner),
    max_leaves=6,
)


def evaluated(tree: Any, table: Table) -> tuple[Cohort, set[str]]:
    """Make a cohort of an expression, and the set that it must be."""
    if isinstance(tree, str):
        made, test = ATOMS[tree]
        return made(table), where(test)
    operator, left, right = tree
    (a, in_a), (b, in_b) = evaluated(left, table), evaluated(right, table)
    if operator == "&":
        return a & b, in_a & in_b
    return (a | b, in_a | in_b) if operator == "|" else (a - b, in_a - in_b)


@pytest.mark.filterwarnings("ignore::dicomfilter.errors.UnmatchedWarning")
@settings(max_examples=80, deadline=None)
@given(tree=TREES)
def test_cohorts_are_sets_whatever_is_null(table: Table, tree: Any) -> None:
    cohort, members = evaluated(tree, table)
    assert studies(cohort) == members


@pytest.mark.filterwarnings("ignore::dicomfilter.errors.UnmatchedWarning")
@settings(max_examples=15, deadline=None)
@given(trees=st.tuples(TREES, TREES, TREES))
def test_the_laws_of_sets_hold(table: Table, trees: Any) -> None:
    a, b, c = (evaluated(tree, table)[0] for tree in trees)
    assert studies(a & (b | c)) == studies((a & b) | (a & c))
    assert studies(a - (b | c)) == studies((a - b) & (a - c))
    assert studies((a - b) | (a & b)) == studies(a)
    assert studies(a - a) == set()
    assert studies(table.all() - (table.all() - a)) == studies(a)


def test_cohorts_are_values(table: Table) -> None:
    a = table.where("Modality = 'CT'")
    narrowed = a.where("PatientID = 'anna'")
    assert (len(a.selection.clauses), len(narrowed.selection.clauses)) == (1, 2)
    with pytest.raises(FrozenInstanceError):
        a.selection = narrowed.selection  # type: ignore[misc]


def test_cohorts_of_two_tables_do_not_mix(table: Table, tmp_path: Path) -> None:
    other = write(tmp_path / "series.parquet", SERIES_INDEX, [{"StudyInstanceUID": "1"}])
    with open_table(other) as series:
        for mix in (Cohort.__and__, Cohort.__or__, Cohort.__sub__):
            with pytest.raises(UsageError, match="different tables"):
                mix(table.all(), series.all())


def test_cohorts_of_two_tables_of_the_same_columns_do_not_mix(tmp_path: Path) -> None:
    rows = [{"StudyInstanceUID": "1"}, {"StudyInstanceUID": "2"}]
    old = write(tmp_path / "old.parquet", SERIES_INDEX, rows[:1])
    new = write(tmp_path / "new.parquet", SERIES_INDEX, rows)
    with open_table(old) as before, open_table(new) as now, open_table(new) as again:
        for mix in (Cohort.__and__, Cohort.__or__, Cohort.__sub__):
            with pytest.raises(UsageError, match="different tables"):
                mix(now.all(), before.all())
            mix(now.all(), again.all())


@pytest.mark.parametrize("mix", [operator.and_, operator.or_, operator.sub])
def test_a_cohort_mixes_with_cohorts_alone(
    table: Table, mix: Callable[[object, object], object]
) -> None:
    with pytest.raises(TypeError, match="'Cohort' and 'str'"):
        mix(table.all(), "Modality = 'CT'")


# Narrowing


def test_values_are_bound_by_name_and_never_read_as_sql(table: Table) -> None:
    hostile = "anna' OR TRUE --"
    assert studies(table.where("PatientID = @who", who=hostile)) == set()
    assert studies(table.where("PatientID IN UNNEST(@who)", who=[hostile, "anna"])) == where(
        lambda r: r["PatientID"] == "anna"
    )
    with pytest.raises(ParameterError, match="no type for a object"):
        table.where("PatientID = @who", who=object())
    with pytest.raises(PredicateError, match="who"):
        table.where("PatientID = @who")


def test_a_list_of_identifiers_can_be_anything_of_text(table: Table) -> None:
    import pandas as pd
    import pyarrow as pa

    boris = where(lambda r: r["PatientID"] == "boris")
    for values in (
        ["boris"],
        {"boris"},
        ("boris",),
        (v for v in ["boris"]),
        pa.array(["boris"]),
        pd.Series(["boris"]),
    ):
        assert studies(table.where_in("patientid", values)) == boris
    with pytest.raises(IdListError):
        table.where_in("PatientID", [])
    with pytest.raises(IdListError):
        table.where_in("PatientID", "boris")


def test_identifiers_come_out_of_a_file(table: Table, tmp_path: Path) -> None:
    file = tmp_path / "cohort.csv"
    file.write_text("Patient ID,Note\nboris,x\nzoe,y\n")
    cohort = table.all().where_ids(str(file))
    said = "1 of 2 values of PatientID matches no row of the table"
    with pytest.warns(UnmatchedWarning, match=said):
        assert studies(cohort) == where(lambda r: r["PatientID"] == "boris")
    with pytest.warns(UnmatchedWarning, match=said):
        cohort.counts()
    with pytest.warns(UnmatchedWarning, match=said):
        cohort.write_filter(str(tmp_path / "f.txt"))
    assert cohort.caveats() == ("1 of 2 values of PatientID matches no row of the table",)
    file.write_text("boris\nzoe\n")
    with pytest.warns(UnmatchedWarning, match=said):
        assert studies(table.all().where_ids(str(file), column="PatientID")) == studies(cohort)


def test_a_list_of_which_nothing_matches_says_so_and_is_written_down(
    table: Table, tmp_path: Path
) -> None:
    cohort = table.where_in("PatientID", ["zoe", "yan"])
    with pytest.raises(EmptyFilterError, match="none of the 2 values of PatientID") as caught:
        cohort.write_filter(str(tmp_path / "f.txt"))
    assert "zoe" not in f"{caught.value} {caught.value.hint}"
    assert [path.name for path in tmp_path.iterdir()] == ["f.txt.unmatched.csv"]
    again = table.all().where_ids(str(tmp_path / "f.txt.unmatched.csv"))
    assert again.selection.clauses[0].parameters == cohort.selection.clauses[0].parameters
    with pytest.warns(UnmatchedWarning, match="none of the 2 values"):
        assert cohort.counts().studies == 0


def test_an_age_counts_from_the_clock(table: Table) -> None:
    cohort = table.all().since(30)
    assert studies(cohort) == where(lambda r: r["StudyDate"] == DATES[1])
    later = replace(cohort, clock=lambda: date(2027, 11, 21))
    assert later.counts().studies == 0
    before = replace(cohort, clock=lambda: date(2020, 1, 2))
    assert before.counts().studies == 18


# Looking


def test_counts_are_those_of_plain_python(table: Table) -> None:
    counts = table.where("Modality = 'CT'").counts()
    ct = [row for row in ROWS if row["Modality"] == "CT"]
    assert (counts.patients, counts.studies, counts.series, counts.instances) == (2, 9, 9, 9)
    assert counts.size_bytes == sum(int(str(row["BlobStorageSize"])) for row in ct)
    assert table.where("Modality = 'US'").counts().studies == 0


def test_attrition_is_a_row_a_clause(table: Table) -> None:
    cohort = table.where("Modality = 'CT'").where("PatientID = 'anna'")
    frame = cohort.attrition()
    assert frame["clause"].tolist() == ["(all)", "Modality = 'CT'", "PatientID = 'anna'"]
    assert frame["instances"].tolist() == [27, 9, 3]
    assert frame["alone_instances"].tolist() == [27, 9, 9]
    assert [step.left.patients for step in cohort.attrition_steps()] == [2, 2, 1]


def test_rows_are_read_by_column_and_limit(table: Table) -> None:
    found = table.where("PatientID = 'anna'").to_arrow(columns=["modality", "StudyDate"], limit=4)
    assert (found.num_rows, found.column_names) == (4, ["Modality", "StudyDate"])
    assert table.all().to_arrow().column_names == [column.name for column in INSTANCES]
    assert table.all().to_arrow(limit=0).num_rows == 0
    for wrong in ({"columns": ["Nope"]}, {"limit": -1}):
        with pytest.raises(PredicateError):
            table.all().to_arrow(**wrong)  # type: ignore[arg-type]


def test_the_rows_of_a_versioned_table_are_its_current_ones(tmp_path: Path) -> None:
    rows = [instance("1", "1.1", "1.1.1", Type="DELETE"), instance("2", "2.1", "2.1.1")]
    with open_table(write(tmp_path / "t.parquet", STREAMED, rows)) as streamed:
        assert studies(streamed.all()) == {"2"}
        assert studies(streamed.all(all_versions=True)) == {"1", "2"}
        assert streamed.all(all_versions=True).where("Modality = 'CT'").counts().studies == 2


def test_a_column_may_be_called_like_the_table(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Metadata", "study", "hit")
    parquet.write_table(
        pa.table({n: ["1"] for n in (*names, "LastUpdated")}), tmp_path / "t.parquet"
    )
    with open_table(str(tmp_path / "t.parquet")) as odd:
        cohort = odd.where("study = '1' AND hit = '1'")
        assert cohort.to_arrow().num_rows == 1
        assert [step.left.instances for step in cohort.attrition_steps()] == [1, 1]
        assert odd.where_in("study", ["1", "2"]).caveats() == (
            "1 of 2 values of study matches no row of the table",
            "1 value of LastUpdated could not be read as its type and counts as NULL",
        )
        for level in Level:
            built = cohort.write_filter(str(tmp_path / f"{level}.txt"), level=level)
            assert built.coverage.lines == 1


def test_the_query_can_be_seen_before_it_runs(table: Table) -> None:
    cohort = table.where("Modality = 'CT'")
    assert "@p1" in cohort.sql()
    assert cohort.sql(level="study") == cohort.plan(level=Level.STUDY).sql
    assert "'CT'" not in cohort.sql()
    assert cohort.plan(options=BuildOptions(compact=True)).sql != cohort.sql()
    with pytest.raises(ValueError, match="patient"):
        cohort.sql(level="patient")


def test_what_a_filter_could_name_is_listed(table: Table) -> None:
    found = table.resources().read_all()
    assert found.column_names == ["study", "series", "instance"]
    assert found.num_rows == len(ROWS)


# Writing


def test_a_filter_is_written(table: Table, tmp_path: Path) -> None:
    cohort = table.where("Modality = 'CT' AND PatientID = 'anna'")
    steps: list[str] = []

    def note(step: str, done: int = 0, total: int | None = None) -> None:
        steps.append(f"{step} {done} {total}")

    target = str(tmp_path / "f.txt")
    built = cohort.write_filter(target, level="study", progress=note)
    assert sorted(Path(target).read_text().splitlines()) == sorted(
        f"/studies/{uid}" for uid in studies(cohort)
    )
    assert steps[-1] == "write 3 3"
    assert built.manifest.level is Level.STUDY
    with pytest.raises(DestinationExistsError):
        cohort.write_filter(target)
    again = cohort.write_filter(target, options=BuildOptions(overwrite=True))
    assert again.coverage.instance_lines == 3
    with pytest.raises(EmptyFilterError):
        (cohort - cohort).write_filter(str(tmp_path / "none.txt"))


def test_the_clock_is_the_date_of_a_filter(table: Table, tmp_path: Path) -> None:
    cohort = replace(table.all().since(30), clock=lambda: TODAY)
    built = cohort.write_filter(str(tmp_path / "f.txt"))
    assert built.manifest.current_date == "2026-11-21"
    assert built.coverage.studies == 9


# Tables


def test_a_table_is_opened_looked_at_and_closed(path: str) -> None:
    with dcf.open_table(path, options=EngineOptions(memory_limit="1GB")) as opened:
        assert repr(opened) == f"<Table {path}: 7 columns>"
        assert opened.columns("study")["name"].tolist() == ["StudyInstanceUID", "StudyDate"]
        assert opened.columns("STUDY")["type"].tolist() == ["STRING", "DATE"]
        assert len(opened.columns()) == 7
    with pytest.raises(UsageError, match="is closed"):
        opened.all().counts()
    opened.close()


def test_a_table_without_uids_is_not_opened(tmp_path: Path) -> None:
    for content, missing in (
        ("PatientID,StudyInstanceUID\n1,2\n", "no column SeriesInstanceUID"),
        ("PatientID\n1\n", "no column StudyInstanceUID and no column SeriesInstanceUID"),
    ):
        (tmp_path / "t.csv").write_text(content)
        with pytest.raises(TableError, match=missing) as caught:
            open_table(str(tmp_path / "t.csv"))
        assert "dicomfilter columns" in str(caught.value.hint)
    with pytest.raises(TableNotFoundError):
        open_table(str(tmp_path / "none.csv"))
    with pytest.raises(TableError, match="no table is named"):
        open_table()


@pytest.mark.parametrize("level", list(Level))
def test_every_kind_of_file_gives_the_same_filter(tmp_path: Path, level: Level) -> None:
    import json

    import duckdb
    from pyarrow import csv, parquet

    whole = parquet.read_table(write(tmp_path / "whole.parquet", INSTANCES, ROWS))
    half = len(ROWS) // 2
    (tmp_path / "parts").mkdir()
    parquet.write_table(whole.slice(0, half), tmp_path / "parts" / "a.parquet")
    parquet.write_table(whole.slice(half), tmp_path / "parts" / "b.parquet")
    for study_date in {str(row["StudyDate"]) for row in ROWS}:
        folder = tmp_path / "hive" / f"Station={study_date}"
        folder.mkdir(parents=True)
        mine = [str(row["StudyDate"]) == study_date for row in ROWS]
        parquet.write_table(whole.filter(mine), folder / "part.parquet")
    csv.write_csv(whole, tmp_path / "t.csv")
    lines = (json.dumps(row, default=str) for row in whole.to_pylist())
    (tmp_path / "t.ndjson").write_text("\n".join(lines) + "\n")
    with duckdb.connect(str(tmp_path / "t.duckdb")) as connection:
        connection.register("given", whole)
        connection.execute("CREATE TABLE metadata AS FROM given")
    tables = [
        ("whole.parquet",),
        ("parts/a.parquet", "parts/b.parquet"),
        ("parts/*.parquet",),
        ("parts",),
        ("hive",),
        ("hive/*/*.parquet",),
        ("t.csv",),
        ("t.ndjson",),
        ("t.duckdb",),
        ("t.duckdb::metadata",),
    ]
    found = {}
    for names in tables:
        with open_table(*(str(tmp_path / name) for name in names)) as opened:
            cohort = opened.where(
                "Modality = 'CT' AND StudyDate > '2021-01-01' OR PatientID IS NULL"
            )
            target = tmp_path / "f.txt"
            built = cohort.write_filter(
                str(target), level=level, options=BuildOptions(overwrite=True)
            )
            found[names] = (sorted(target.read_text().splitlines()), built.coverage)
    first = found[tables[0]]
    assert first[1].matched_instances == 11
    for names, result in found.items():
        assert result == first, names


def test_idc_counts_are_those_of_a_query_of_ones_own() -> None:
    import duckdb
    import idc_index_data

    clauses = ("PatientSex = 'F'", "Modality IN ('MR', 'CT')", "StudyDate >= '2010-01-01'")
    index = str(idc_index_data.IDC_INDEX_PARQUET_FILEPATH)
    with duckdb.connect() as own, open_table("idc") as table:
        cohort = table.all()
        for clause in clauses:
            cohort = cohort.where(clause)
        steps = cohort.attrition_steps()

        def counted(condition: str) -> tuple[Any, ...]:
            found: tuple[Any, ...] = own.execute(
                "SELECT count(DISTINCT PatientID), count(DISTINCT StudyInstanceUID), "
                "count(DISTINCT SeriesInstanceUID), sum(instanceCount)::BIGINT, "
                "sum(series_size_MB) * 1e6 "
                f"FROM read_parquet($index) WHERE {condition}",
                {"index": index},
            ).fetchall()[0]
            return found

        for number, step in enumerate(steps):
            for seen, condition in (
                (step.left, " AND ".join(("TRUE", *clauses[:number]))),
                (step.alone, clauses[number - 1] if number else "TRUE"),
            ):
                *whole, size = counted(condition)
                assert [seen.patients, seen.studies, seen.series, seen.instances] == whole
                assert seen.size_bytes == pytest.approx(size)
