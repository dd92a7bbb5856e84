"""Counts and attrition: each instance once, rejected rows apart, sizes only where known."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from sqlglot import exp

from dicomfilter.cohorts.attrition import Attrition, Tally, attrition, count
from dicomfilter.cohorts.selection import Selection
from dicomfilter.counts import Counts
from dicomfilter.engines import open_engine
from dicomfilter.engines.duckdb.engine import DuckDbEngine
from dicomfilter.schema import Column, SqlType, TableSchema
from tests import made, reference
from tests.reference import current, is_usable, key
from tests.tables import INSTANCES, SERIES_INDEX, STREAMED, instance, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.googlesql.query import Query

TODAY = date(2026, 11, 21)
CLAUSES = {
    "Modality = 'CT'": lambda row: row["Modality"] == "CT",
    "PatientID = 'p1' OR StudyDate IS NULL": (
        lambda row: row["PatientID"] == "p1" or row["StudyDate"] is None
    ),
    "NOT BlobStorageSize < 100": (
        lambda row: row["BlobStorageSize"] is not None and row["BlobStorageSize"] >= 100
    ),
}


@contextmanager
def opened(path: Path, schema: TableSchema, rows: list[dict[str, Any]]) -> Iterator[Engine]:
    with open_engine([write(path, schema, rows)]) as engine:
        yield engine


def selected(engine: Engine) -> Selection:
    selection = Selection(engine.schema())
    for clause in CLAUSES:
        selection = selection.where(clause)
    return selection


@pytest.mark.parametrize("schema", [INSTANCES, STREAMED], ids=["plain", "streamed"])
def test_attrition_of_any_table_is_what_plain_python_counts(
    tmp_path_factory: pytest.TempPathFactory, schema: TableSchema
) -> None:
    folder = tmp_path_factory.mktemp("tally")

    @settings(max_examples=10, deadline=None)
    @given(rows=made.rows(versions=schema is STREAMED))
    def agrees(rows: list[dict[str, Any]]) -> None:
        now = current(rows) if schema is STREAMED else rows
        tests = list(CLAUSES.values())
        with opened(folder / "t.parquet", schema, rows) as engine:
            first, *steps = attrition(engine, selected(engine), today=TODAY)
            last = count(engine, selected(engine), today=TODAY)
        found = [(step.left.instances, step.alone.instances) for step in steps]
        assert found == reference.attrition(now, tests)
        assert first.left.instances == len({key(row) for row in now if is_usable(key(row))})
        hit = [row for row in now if all(test(row) for test in tests)]
        usable = {key(row) for row in hit if is_usable(key(row))}
        assert last.unusable_rows == sum(not is_usable(key(row)) for row in hit)
        assert (last.counts.studies, last.counts.series) == (
            len({uids[0] for uids in usable}),
            len({uids[1] for uids in usable}),
        )
        # An instance whose rows do not all match a clause may match none of them all at once.
        assert last.counts.instances == steps[-1].left.instances

    agrees()


def test_an_instance_counts_once_however_many_rows_it_has(tmp_path: Path) -> None:
    rows = [instance("1", "1.1", "1.1.1")] * 3 + [instance("1", "1.1", "1.1.2", "MR")]
    with opened(tmp_path / "t.parquet", INSTANCES, rows) as engine:
        found = count(engine, Selection(INSTANCES), today=TODAY)
    assert found == Tally(Counts(1, 1, 1, 2, 200), 0)


def test_rows_that_can_make_no_line_are_counted_apart(tmp_path: Path) -> None:
    rows = [
        instance("1", "1.1", "1.1.1"),
        instance("2", "2.1", None),
        instance("2", "2.1", None),
        instance(None, "3.1", "3.1.1"),
        instance("4", "4.1", "x", "MR"),
    ]
    with opened(tmp_path / "t.parquet", INSTANCES, rows) as engine:
        everything = count(engine, Selection(INSTANCES), today=TODAY)
        ct = count(engine, Selection(INSTANCES).where("Modality = 'CT'"), today=TODAY)
        none = count(engine, Selection(INSTANCES).where("Modality = 'US'"), today=TODAY)
    assert everything == Tally(Counts(1, 1, 1, 1, 100), 4)
    assert ct.unusable_rows == 3
    assert none == Tally(Counts(0, 0, 0, 0, 0), 0)


def test_what_a_table_does_not_have_is_unknown(tmp_path: Path) -> None:
    few = TableSchema(INSTANCES.columns[1:4])
    with opened(tmp_path / "t.parquet", few, [instance("1", "1.1", "1.1.1")]) as engine:
        assert count(engine, Selection(few), today=TODAY).counts == Counts(None, 1, 1, 1, None)
    series = TableSchema(SERIES_INDEX.columns[:4])
    row: dict[str, object] = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.1"}
    with opened(tmp_path / "s.parquet", series, [row]) as engine:
        assert count(engine, Selection(series), today=TODAY).counts == Counts(0, 1, 1, None, None)


@pytest.mark.parametrize("size", [None, float("nan"), float("inf")])
def test_a_size_is_known_only_where_every_part_is(tmp_path: Path, size: float | None) -> None:
    rows: list[dict[str, Any]] = [
        {
            "StudyInstanceUID": "1",
            "SeriesInstanceUID": f"1.{number}",
            "Modality": modality,
            "instanceCount": 3,
            "series_size_MB": megabytes,
        }
        for number, modality, megabytes in ((1, "CT", 1.5), (2, "MR", size))
    ]
    with opened(tmp_path / "t.parquet", SERIES_INDEX, rows) as engine:
        selection = Selection(SERIES_INDEX).where("Modality = 'CT'")
        first, step = attrition(engine, selection, today=TODAY)
    assert (first.left.instances, first.left.size_bytes) == (6, None)
    lost = Counts(0, 0, 1, 3, None), Counts(0, 0, 0, 0, None)
    assert step == Attrition("Modality = 'CT'", Counts(0, 1, 1, 3, 1_500_000), step.left, *lost)


def test_sizes_beyond_what_a_float_holds_are_exact(tmp_path: Path) -> None:
    rows = [instance("1", "1.1", f"1.1.{n}", BlobStorageSize=2**53 + 1) for n in range(3)]
    with opened(tmp_path / "t.parquet", INSTANCES, rows) as engine:
        found = count(engine, Selection(INSTANCES), today=TODAY)
    assert found.counts.size_bytes == 3 * (2**53 + 1)


def test_a_size_that_is_no_number_of_bytes_is_not_taken_for_one(tmp_path: Path) -> None:
    text = Column("BlobStorageSize", SqlType.parse("STRING"))
    odd = TableSchema((*INSTANCES.columns[:6], text))
    rows = [instance("1", "1.1", f"1.1.{n}", BlobStorageSize=s) for n, s in enumerate(("7", "x"))]
    with opened(tmp_path / "t.parquet", odd, rows[:1]) as engine:
        assert count(engine, Selection(engine.schema()), today=TODAY).counts.size_bytes == 7
    with opened(tmp_path / "u.parquet", odd, rows) as engine:
        assert count(engine, Selection(engine.schema()), today=TODAY).counts.size_bytes is None


def test_clauses_are_told_as_they_were_written_and_in_their_order(tmp_path: Path) -> None:
    with opened(tmp_path / "t.parquet", INSTANCES, [instance("1", "1.1", "1.1.1")]) as engine:
        selection = Selection(INSTANCES).where("Modality  =  'CT'").since(30)
        steps = attrition(engine, selection, today=TODAY)
        alone = attrition(engine, Selection(INSTANCES), today=TODAY)
    assert [step.label for step in steps] == [
        None,
        "Modality = 'CT'",
        "StudyDate in the last 30 days",
    ]
    assert [step.label for step in alone] == [None]


def test_an_age_is_counted_from_the_day_that_is_given(tmp_path: Path) -> None:
    rows = [instance("1", "1.1", "1.1.1", StudyDate=date(2026, 11, 1))]
    with opened(tmp_path / "t.parquet", INSTANCES, rows) as engine:
        selection = Selection(INSTANCES).since(20)
        for today, found in ((TODAY, 1), (date(2026, 11, 22), 0)):
            assert count(engine, selection, today=today).counts.instances == found
            assert attrition(engine, selection, today=today)[1].left.instances == found


def test_all_clauses_are_counted_in_one_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Query] = []
    run = DuckDbEngine.rows

    def note(self: DuckDbEngine, query: Query, **more: Any) -> Any:
        asked.append(query)
        return run(self, query, **more)

    monkeypatch.setattr(DuckDbEngine, "rows", note)
    with opened(tmp_path / "t.parquet", STREAMED, [instance("1", "1.1", "1.1.1")]) as engine:
        attrition(engine, selected(engine), today=TODAY)
    (query,) = asked
    assert [t.name for t in query.tree.find_all(exp.Table)] == ["metadata"]
