"""Cohorts by lists, complements and shares: the same sets as those of filter files."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING

import pytest

import dicomfilter as dcf
from dicomfilter.cohorts.cover import Cover
from dicomfilter.cohorts.shares import cuts, hashed
from dicomfilter.errors import EmptyFilterError, ManifestError, ParameterError, UsageError
from dicomfilter.googlesql import to_googlesql
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.paths import Level
from tests.filters.algebra.trees import cut, read, tree, write
from tests.googlesql.oracle import Answer, oracle
from tests.tables import INSTANCES, SERIES_INDEX
from tests.tables import write as write_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


TREES = 40


@pytest.fixture
def rows() -> list[dict[str, object]]:
    random, kinds = Random(5), Random(6)
    return [
        {
            "PatientID": None if number % 9 == 0 else f"P{number}",
            "StudyInstanceUID": leaf.study,
            "SeriesInstanceUID": leaf.series,
            "SOPInstanceUID": leaf.instance,
            "Modality": kinds.choice(["CT", "MR", None]),
        }
        for number in range(1, TREES + 1)
        for leaf in tree(random, number).known
    ]


@pytest.fixture
def table(tmp_path: Path, rows: list[dict[str, object]]) -> Iterator[dcf.Table]:
    with dcf.open_table(write_table(tmp_path / "m.parquet", INSTANCES, rows)) as opened:
        yield opened


def instances(cohort: dcf.Cohort) -> set[str]:
    return set(cohort.to_arrow(columns=["SOPInstanceUID"]).column(0).to_pylist())


def test_cohorts_and_filter_files_are_the_same_sets(tmp_path: Path, table: dcf.Table) -> None:
    """One body for both: each operator of cohorts against that of files and of leaves."""
    random = Random(5)
    trees = [tree(random, number) for number in range(1, TREES + 1)]
    a, b = ([line for one in trees for line in one.lines(random, 4)] for _ in range(2))
    dull = cut(a, b)
    b = [line for line in b if not any(one.covers(line) for one in dull)]
    files = [dcf.FilterFile(write(tmp_path / f"{n}.txt", lines)) for n, lines in enumerate((a, b))]
    cohorts = [table.where_filter(file) for file in files]

    def under(file: dcf.FilterFile) -> set[str]:
        lines = [line for batch in file.lines() for line in batch.column(0).to_pylist()]
        paths = [dcf.ResourcePath.parse(line) for line in lines]
        return {leaf.instance for one in trees for leaf in one.known_leaves(paths)}

    pairs = (
        (cohorts[0], files[0]),
        (cohorts[0] | cohorts[1], files[0] | files[1]),
        (cohorts[0] & cohorts[1], files[0] & files[1]),
        (cohorts[0] - cohorts[1], files[0] - files[1]),
        (cohorts[0] - files[1], files[0].subtract(files[1], against=table)),
    )
    for cohort, file in pairs:
        assert instances(cohort) == under(file)
    everything = instances(table.all())
    for cohort in cohorts:
        assert instances(~cohort) == everything - instances(cohort)
        assert instances(cohort | ~cohort) == everything
    assert under(files[0].expand(table)) == under(files[0])
    assert (files[0] - files[0]).is_empty
    with pytest.raises(EmptyFilterError):
        (files[0] - files[0]).write(tmp_path / "none.txt")
    made = (files[0] | files[1]).write(tmp_path / "both.txt")
    assert sorted(read(tmp_path / "both.txt")) == sorted(set(read(tmp_path / "both.txt")))
    assert len(made.inputs) == 2
    assert dcf.FilterFile(tmp_path / "both.txt").diff(files[0] | files[1]).same
    assert "lines" in files[0]._repr_html_()


def test_a_complement_has_the_rows_without_a_value(table: dcf.Table) -> None:
    cohort = table.where("Modality = 'CT'")
    assert instances(~cohort) == instances(table.where("Modality IS NULL OR Modality != 'CT'"))
    assert (cohort | ~cohort).counts() == table.all().counts()
    assert instances(cohort & ~cohort) == set()


def test_what_is_shown_of_a_complement_selects_the_same_again(table: dcf.Table) -> None:
    some, whole = table.where("Modality != 'CT'"), table.all()
    for cohort in (~some, whole - some, table.where("PatientID IS NOT NULL") - some):
        (*_, clause) = cohort.selection.clauses
        assert table.where(clause.label).counts() == cohort.counts()


@pytest.mark.filterwarnings("ignore::dicomfilter.errors.UnmatchedWarning")
def test_who_is_excluded_is_gone_and_who_has_no_id_stays(tmp_path: Path, table: dcf.Table) -> None:
    (tmp_path / "withdrawn.csv").write_text("PatientID\nP1\nP2\nNOBODY\n")
    by_file = table.all().exclude_ids(tmp_path / "withdrawn.csv")
    by_values = table.all().exclude_ids(["P1", "P2", "NOBODY"])
    expected = table.where("COALESCE(PatientID, '') NOT IN ('P1', 'P2')")
    assert instances(by_file) == instances(by_values) == instances(expected)
    built = by_file.write_filter(str(tmp_path / "out.txt"))
    assert built.unmatched_uri is not None
    assert "NOBODY" in (tmp_path / "out.txt.unmatched.csv").read_text()
    lines = write(tmp_path / "sent.txt", read(tmp_path / "out.txt")[:5])
    with lines.open("a") as file:
        file.write("/studies/1.0/series/7.7\n")
    rest = by_file.exclude_filter(lines)
    again = rest.write_filter(str(tmp_path / "rest.txt"))
    assert again.coverage.lines == built.coverage.lines - 5
    listed = (tmp_path / "rest.txt.unmatched.csv").read_text()
    assert "1.0/7.7" in listed
    assert instances(table.all().where_ids(str(lines))) == instances(by_file) - instances(rest)


def test_a_share_is_stable_and_told_by_the_hash_alone(
    table: dcf.Table, rows: list[dict[str, object]]
) -> None:
    known = table.where("PatientID IS NOT NULL")
    (low, high), *_ = cuts([0.3])
    expected = {
        str(row["SOPInstanceUID"])
        for row in rows
        if row["PatientID"] and low <= hashed("s", str(row["PatientID"])) < high
    }
    assert instances(known.sample(0.3, seed="s")) == expected
    parts = known.split(by="StudyInstanceUID", a=0.5, b=0.5)
    assert instances(parts["a"]) | instances(parts["b"]) == instances(known)
    assert instances(parts["a"] & parts["b"]) == set()
    with pytest.raises(UsageError, match="rows have no PatientID"):
        table.all().sample(0.3)
    with pytest.raises(UsageError, match="sum up"):
        known.split(a=0.7, b=0.7)
    with pytest.raises(UsageError, match="STRING column"):
        known.sample(0.1, by="StudyDate")


def test_a_cohort_is_kept_as_text_without_values(tmp_path: Path, table: dcf.Table) -> None:
    cohort = table.where("Modality = @kind AND PatientID != 'P3'", kind="CT").sample(0.5, seed="s")
    cohort.save(tmp_path / "c.json")
    text = (tmp_path / "c.json").read_text()
    assert "CT" not in text.replace("COALESCE", "")
    assert "P3" not in text
    with pytest.raises(ParameterError, match=r"@kind \(STRING\)|@p1 \(STRING\)"):
        dcf.load_cohort(tmp_path / "c.json")
    with pytest.raises(ParameterError, match="@other"):
        dcf.load_cohort(tmp_path / "c.json", table=table, other=1)
    with pytest.raises(ParameterError, match="not INT64"):
        dcf.load_cohort(tmp_path / "c.json", table=table, kind=1, p1="P3")
    again = dcf.load_cohort(tmp_path / "c.json", table=table, kind="CT", p1="P3")
    assert instances(again) == instances(cohort)
    cohort.save(tmp_path / "all.json", record_values=True)
    whole = dcf.load_cohort(tmp_path / "all.json")
    assert instances(whole) == instances(cohort)
    whole.table.close()
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ManifestError):
        dcf.load_cohort(tmp_path / "bad.json")


def test_a_manifest_replays_what_was_left_out_and_shared(tmp_path: Path, table: dcf.Table) -> None:
    cohort = table.where("PatientID IS NOT NULL").exclude_ids(["P1"]).sample(0.5)
    options = dcf.BuildOptions(record_values=True)
    cohort.write_filter(str(tmp_path / "a.txt"), options=options)
    from dicomfilter.filters.replay import read_manifest, replay

    old = read_manifest(f"{tmp_path}/a.txt.manifest.json")
    again = replay(old, table.engine.schemas(), ())
    from dataclasses import replace

    replayed = replace(table.all(), selection=again.selection)
    assert instances(replayed) == instances(cohort)


def test_a_series_index_refuses_instances(tmp_path: Path) -> None:
    row: dict[str, object] = {"StudyInstanceUID": "1", "SeriesInstanceUID": "2"}
    (tmp_path / "f.txt").write_text("/studies/1/series/2/instances/3\n")
    with (
        dcf.open_table(write_table(tmp_path / "s.parquet", SERIES_INDEX, [row])) as table,
        pytest.raises(UsageError, match="no SOPInstanceUID"),
    ):
        table.where_filter(tmp_path / "f.txt")


GOLDEN = (
    "NOT COALESCE((PatientID IN UNNEST(@patient_id_list)), FALSE)",
    "TO_HEX(SHA256(CONCAT(@share_seed, PatientID))) >= @share_from "
    "AND TO_HEX(SHA256(CONCAT(@share_seed, PatientID))) < @share_to",
)


def test_the_sql_is_the_same_on_both_engines(table: dcf.Table) -> None:
    known = table.where("PatientID IS NOT NULL").exclude_ids(["P1"])
    part = known.split(a=0.2, b=0.5)["b"]
    texts = [to_googlesql(clause.tree) for clause in part.selection.clauses[1:]]
    assert texts == list(GOLDEN)
    staged = Cover(part.selection, Level.INSTANCE, compact=False, today=date(2026, 1, 1)).staging
    assert "sha256" in table.engine.text(staged.query).lower()


@pytest.mark.oracle
@pytest.mark.timeout(300)
def test_the_hash_is_that_of_googles_evaluator(table: dcf.Table) -> None:
    """One text for both engines, and the same number in Python, DuckDB and GoogleSQL."""
    values = ["P1", "19045", "", "\u00e9\u4e2d", "a\nb", "P" * 300]
    seeds = ["\n", "key\n", "\u00e9\n"]
    sql = "SELECT TO_HEX(SHA256(CONCAT(@seed, value))) AS digest FROM UNNEST(@cells) AS value"
    for seed in seeds:
        given = [Parameter.of("seed", seed), Parameter.of("cells", values)]
        told = oracle().ask(sql, given)
        assert isinstance(told, Answer), told
        expected = sorted(hashed(seed.removesuffix("\n"), value) for value in values)
        assert sorted(row[0] for row in told.rows) == expected
        ours = table.query(f"{sql}", seed=seed, cells=values)
        assert sorted(ours.read_all().column(0).to_pylist()) == expected
