"""Covers: golden SQL for both engines, and the lines that they give."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dicomfilter.cohorts.cover import Cover
from dicomfilter.cohorts.selection import Selection
from dicomfilter.counts import Coverage
from dicomfilter.engines import open_engine
from dicomfilter.errors import UnprovedError, UsageError
from dicomfilter.googlesql import check_query, to_duckdb, to_googlesql
from dicomfilter.paths import Level
from tests.tables import INSTANCES, SERIES_INDEX, STREAMED, instance, write

if TYPE_CHECKING:
    from dicomfilter.schema import TableSchema

TODAY = date(2026, 11, 21)
GOLDEN = Path(__file__).parents[1] / "golden" / "covers"
TABLES = {"instances": INSTANCES, "streamed": STREAMED, "series_index": SERIES_INDEX}
CASES = [
    (table, level, compact)
    for table, level, compact in itertools.product(TABLES, Level, (False, True))
    if not (compact and level is Level.STUDY)
    and not (table == "series_index" and level is Level.INSTANCE)
]


def cover_of(schema: TableSchema, level: Level, *, compact: bool) -> Cover:
    return Cover(Selection(schema).where("Modality = 'CT'"), level, compact, TODAY)


@pytest.mark.parametrize(("table", "level", "compact"), CASES)
def test_the_sql_of_a_cover_is_the_golden_one(table: str, level: Level, compact: bool) -> None:  # noqa: FBT001
    cover = cover_of(TABLES[table], level, compact=compact)
    query = cover.staging.query
    checked = check_query(query.tree, {"metadata": TABLES[table]}, parameters=query.parameters)
    parts = [
        ("staging, GoogleSQL", to_googlesql(query.tree, pretty=True)),
        ("staging, DuckDB", to_duckdb(checked.tree)),
        ("lines, GoogleSQL", to_googlesql(cover.lines.tree, pretty=True)),
        ("counts, GoogleSQL", to_googlesql(cover.counts.tree, pretty=True)),
    ]
    text = "\n\n".join(f"-- {name}\n{sql}" for name, sql in parts) + "\n"
    golden = GOLDEN / f"{table}_{level}{'_compact' if compact else ''}.sql"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize(("table", "level", "compact"), CASES)
def test_a_cover_scans_the_table_once(table: str, level: Level, compact: bool) -> None:  # noqa: FBT001
    from sqlglot import exp

    tree = cover_of(TABLES[table], level, compact=compact).staging.query.tree
    assert [t.name for t in tree.find_all(exp.Table) if t.name == "metadata"] == ["metadata"]


def lines_of(path: str, level: Level, *, compact: bool = False, **kind: bool) -> list[str]:
    with open_engine([path]) as engine:
        selection = Selection(engine.schema(), **kind).where("Modality = 'CT'")
        cover = Cover(selection, level, compact, TODAY)
        staged = engine.stage(cover.staging)
        lines = engine.rows(cover.lines, staged=staged).read_all()["line"].to_pylist()
        (sums,) = engine.rows(cover.counts, staged=staged).read_all().to_pylist()
    assert len(lines) == Coverage.of(sums, selection.schema).lines
    assert all(line.endswith("\n") for line in lines)
    return sorted(line[:-1] for line in lines)


def coverage_of(path: str, level: Level, *, compact: bool = False, where: str) -> Coverage:
    with open_engine([path]) as engine:
        selection = Selection(engine.schema()).where(where)
        cover = Cover(selection, level, compact, TODAY)
        staged = engine.stage(cover.staging)
        (sums,) = engine.rows(cover.counts, staged=staged).read_all().to_pylist()
        return Coverage.of(sums, selection.schema)


TWO_STUDIES = [
    instance("1", "1.1", "1.1.1"),
    instance("1", "1.1", "1.1.2"),
    instance("1", "1.2", "1.2.1"),
    instance("2", "2.1", "2.1.1"),
    instance("2", "2.1", "2.1.2", "MR"),
    instance("2", "2.2", "2.2.1"),
]


def test_an_instance_line_is_exact_and_duplicates_are_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", INSTANCES, [*TWO_STUDIES, *TWO_STUDIES])
    assert lines_of(path, Level.INSTANCE) == [
        "/studies/1/series/1.1/instances/1.1.1",
        "/studies/1/series/1.1/instances/1.1.2",
        "/studies/1/series/1.2/instances/1.2.1",
        "/studies/2/series/2.1/instances/2.1.1",
        "/studies/2/series/2.2/instances/2.2.1",
    ]


def test_series_and_study_lines_widen_and_count_what_they_cover(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", INSTANCES, [*TWO_STUDIES, *TWO_STUDIES])
    assert lines_of(path, Level.STUDY) == ["/studies/1", "/studies/2"]
    assert lines_of(path, Level.SERIES) == [
        "/studies/1/series/1.1",
        "/studies/1/series/1.2",
        "/studies/2/series/2.1",
        "/studies/2/series/2.2",
    ]
    widened = coverage_of(path, Level.SERIES, where="Modality = 'MR'")
    assert (widened.matched_instances, widened.covered_instances) == (1, 2)
    assert (widened.lines, widened.series, widened.size_bytes) == (1, 1, 200)
    wider = coverage_of(path, Level.STUDY, where="Modality = 'MR'")
    assert (wider.matched_instances, wider.covered_instances, wider.series) == (1, 3, 2)


def test_compaction_is_exact(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", INSTANCES, TWO_STUDIES)
    assert lines_of(path, Level.INSTANCE, compact=True) == [
        "/studies/1",
        "/studies/2/series/2.1/instances/2.1.1",
        "/studies/2/series/2.2",
    ]
    counted = coverage_of(path, Level.INSTANCE, compact=True, where="Modality = 'CT'")
    assert (counted.study_lines, counted.series_lines, counted.instance_lines) == (1, 1, 1)
    assert (counted.studies, counted.series) == (2, 4)
    assert counted.matched_instances == counted.covered_instances == 5
    assert counted.size_bytes == 500


def test_compacted_series_lines_are_those_of_the_series_level(tmp_path: Path) -> None:
    rows = [*TWO_STUDIES, instance("2", "2.3", "2.3.1", "MR")]
    path = write(tmp_path / "t.parquet", INSTANCES, rows)
    assert lines_of(path, Level.SERIES, compact=True) == [
        "/studies/1",
        "/studies/2/series/2.1",
        "/studies/2/series/2.2",
    ]


def test_a_study_with_a_rejected_row_is_never_compacted(tmp_path: Path) -> None:
    rows = [*TWO_STUDIES, instance("1", "1.1", None, "MR")]
    path = write(tmp_path / "t.parquet", INSTANCES, rows)
    assert lines_of(path, Level.INSTANCE, compact=True)[:3] == [
        "/studies/1/series/1.1/instances/1.1.1",
        "/studies/1/series/1.1/instances/1.1.2",
        "/studies/1/series/1.2",
    ]


def at(minute: int) -> datetime:
    return datetime(2026, 1, 1, 12, minute, tzinfo=UTC)


def test_only_the_newest_row_of_an_instance_counts_and_deletions_are_gone(tmp_path: Path) -> None:
    rows = [
        instance("1", "1.1", "1.1.1", "CT", LastUpdated=at(1), Type="CREATE"),
        instance("1", "1.1", "1.1.1", "MR", LastUpdated=at(2), Type="CREATE"),
        instance("1", "1.1", "1.1.2", "CT", LastUpdated=at(1), Type="CREATE"),
        instance("1", "1.1", "1.1.2", "CT", LastUpdated=at(2), Type="DELETE"),
        instance("1", "1.1", "1.1.3", "CT", LastUpdated=at(1), Type=None),
        # A row of unknown age is the oldest; of two rows of one moment the deletion counts.
        instance("1", "1.1", "1.1.4", "CT", LastUpdated=None, Type="CREATE"),
        instance("1", "1.1", "1.1.4", "MR", LastUpdated=at(1), Type="CREATE"),
        instance("1", "1.1", "1.1.5", "CT", LastUpdated=at(3), Type="DELETE"),
        instance("1", "1.1", "1.1.5", "CT", LastUpdated=at(3), Type="CREATE"),
    ]
    path = write(tmp_path / "t.parquet", STREAMED, rows)
    assert lines_of(path, Level.INSTANCE) == ["/studies/1/series/1.1/instances/1.1.3"]
    assert len(lines_of(path, Level.INSTANCE, all_versions=True)) == 5


def test_rejected_rows_do_not_collapse_into_one(tmp_path: Path) -> None:
    rows = [
        instance("1", "1.1", None, LastUpdated=at(1), Type="CREATE"),
        instance("1", "1.1", None, LastUpdated=at(2), Type="CREATE"),
        instance("1", "1.1", "", LastUpdated=at(2), Type="CREATE"),
        instance("1", "1.1", "1.1/2", LastUpdated=at(2), Type="CREATE"),
        instance("1", "1.1", "1.1.1", LastUpdated=at(2), Type="CREATE"),
    ]
    path = write(tmp_path / "t.parquet", STREAMED, rows)
    for level in Level:
        assert coverage_of(path, level, where="Modality = 'CT'").rejected_rows == 4
    with open_engine([path]) as engine:
        selection = Selection(engine.schema()).where("Modality = 'CT'")
        cover = Cover(selection, Level.SERIES, False, TODAY)
        staged = engine.stage(cover.staging)
        (covered,) = engine.rows(cover.rejected_but_covered, staged=staged).read_all().to_pylist()
    assert int(covered["row_count"]) == 4


def test_a_series_index_knows_instances_only_by_their_count(tmp_path: Path) -> None:
    rows = [
        {
            "StudyInstanceUID": "1",
            "SeriesInstanceUID": f"1.{n}",
            "Modality": modality,
            "instanceCount": 10 * n,
            "series_size_MB": 0.5,
        }
        for n, modality in ((1, "CT"), (2, "MR"))
    ]
    path = write(tmp_path / "t.parquet", SERIES_INDEX, rows)
    study = coverage_of(path, Level.STUDY, where="Modality = 'CT'")
    assert (study.matched_series, study.matched_instances, study.covered_instances) == (1, 10, 30)
    assert (study.series, study.size_bytes) == (2, 1_000_000)
    rows[1]["instanceCount"] = None
    path = write(tmp_path / "t.parquet", SERIES_INDEX, rows)
    unknown = coverage_of(path, Level.STUDY, where="Modality = 'CT'")
    assert (unknown.matched_instances, unknown.covered_instances) == (10, None)


def test_a_size_is_unknown_as_soon_as_a_part_is(tmp_path: Path) -> None:
    rows = [*TWO_STUDIES[:2], replace_size(TWO_STUDIES[2], None)]
    path = write(tmp_path / "t.parquet", INSTANCES, rows)
    for level in Level:
        assert coverage_of(path, level, where="Modality = 'CT'").size_bytes is None


def replace_size(row: dict[str, object], size: int | None) -> dict[str, object]:
    return row | {"BlobStorageSize": size}


def test_levels_that_a_table_does_not_have_are_refused() -> None:
    with pytest.raises(UsageError, match="knows no instances"):
        cover_of(SERIES_INDEX, Level.INSTANCE, compact=False)
    with pytest.raises(UsageError, match="nothing to do at study level"):
        cover_of(INSTANCES, Level.STUDY, compact=True)


def test_irregular_uids_are_counted_where_they_are_named(tmp_path: Path) -> None:
    rows = [
        instance("1", "1.01", "1.1.1"),
        instance("1", "1.01", "1.1.2"),
        instance("1", "1.2", "1..2"),
        instance("1", "1.3", "1." + "1" * 63),
        instance("1", "1.4", "1.0.0"),
    ]
    path = write(tmp_path / "t.parquet", INSTANCES, rows)
    with open_engine([path]) as engine:
        cover = Cover(Selection(engine.schema()), Level.INSTANCE, False, TODAY)
        staged = engine.stage(cover.staging)
        counts = [engine.rows(q, staged=staged).read_all()[0][0].as_py() for q in cover.irregular]
    assert counts == [1, 2]


def test_a_clean_table_takes_the_shortcut_and_gives_the_same_lines(tmp_path: Path) -> None:
    clean = write(tmp_path / "clean.parquet", INSTANCES, TWO_STUDIES)
    doubled = write(tmp_path / "doubled.parquet", INSTANCES, [*TWO_STUDIES, TWO_STUDIES[0]])
    stages: list[int | None] = []
    for path in (clean, doubled):
        with open_engine([path]) as engine:
            cover = Cover(Selection(engine.schema()), Level.INSTANCE, False, TODAY)
            staged = engine.stage(cover.staging, presume=True)
            assert staged.is_presumed
            try:
                stages.append(engine.lines(cover.lines, staged=staged).read_all().num_rows)
            except UnprovedError:
                stages.append(None)
    assert stages == [len(TWO_STUDIES), None]
    assert lines_of(clean, Level.INSTANCE) == lines_of(doubled, Level.INSTANCE)


def test_the_date_of_the_run_is_bound_when_it_runs() -> None:
    selection = Selection(INSTANCES).since(30)
    cover = Cover(replace(selection), Level.INSTANCE, False, TODAY)
    bound = {p.name: p.value for p in cover.staging.query.parameters}
    assert bound == {"current_date": TODAY, "since_days": 30}
