"""A build writes the right lines, all of them or none, and says what they stand for."""

from __future__ import annotations

import csv
import json
import os
import stat
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines import open_engine
from dicomfilter.errors import (
    DestinationError,
    DestinationExistsError,
    DicomFilterError,
    EmptyFilterError,
    UnusableUidError,
    UsageError,
)
from dicomfilter.filters.build import BuildOptions, build, plan
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.paths import Level
from tests import made
from tests.reference import current, expanded, expected, is_usable, key
from tests.tables import INSTANCES, SERIES_INDEX, STREAMED, instance, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.filters.build import FilterBuilt
    from dicomfilter.schema import TableSchema

TODAY = date(2026, 11, 21)
SHAPES = [
    (level, compact)
    for level in Level
    for compact in (False, True)
    if not (compact and level is Level.STUDY)
]
ROWS = [
    instance("1", "1.1", "1.1.1"),
    instance("1", "1.1", "1.1.2"),
    instance("1", "1.2", "1.2.1", "MR"),
    instance("2", "2.1", "2.1.1", "MR"),
]
BAD = [
    instance("1", "1.1", None),
    instance("1", "1.1", None),
    instance("1", "1.1", "1/2"),
    instance(None, "1.1", "1.1.9"),
    instance("3", "3.1", "", "MR"),
]


def built(table: str, target: Path, where: str = "Modality = 'CT'", **options: Any) -> FilterBuilt:
    with open_engine([table]) as engine:
        selection = Selection(engine.schema()).where(where)
        return build(engine, selection, str(target), options=BuildOptions(today=TODAY, **options))


def table_of(folder: Path, *rows: dict[str, object], schema: TableSchema = INSTANCES) -> str:
    return write(folder / "metadata.parquet", schema, list(rows))


def listed(path: Path) -> Counter[tuple[str, ...]]:
    """Read a list of rejected rows as each row as often as it counts."""
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header[-1] == "row_count"
    found: Counter[tuple[str, ...]] = Counter()
    for *uids, count in rows:
        found[tuple(uids)] += int(count)  # an empty text and NULL read alike
    return found


def beside(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".parquet"}


@pytest.fixture
def table(tmp_path: Path) -> str:
    return table_of(tmp_path, *ROWS)


# What is written


def test_the_file_holds_the_lines_and_nothing_else(table: str, tmp_path: Path) -> None:
    done = built(table, tmp_path / "ct.txt")
    raw = (tmp_path / "ct.txt").read_bytes()
    assert sorted(raw.split(b"\n")) == [
        b"",
        b"/studies/1/series/1.1/instances/1.1.1",
        b"/studies/1/series/1.1/instances/1.1.2",
    ]
    assert raw.endswith(b"\n")
    assert done.uri == str(tmp_path / "ct.txt")
    assert done.written.size_bytes == len(raw)
    assert beside(tmp_path) == {"ct.txt", "ct.txt.manifest.json"}
    assert (done.rejected_uri, done.unmatched_uri, done.warnings) == (None, None, ())


def test_only_the_owner_may_read_what_stands_beside_a_filter(tmp_path: Path) -> None:
    target = tmp_path / "ct.txt"
    done = built(table_of(tmp_path, *ROWS, *BAD), target, skip_bad_uids=True)
    for uri in (done.manifest_uri, done.rejected_uri):
        assert stat.S_IMODE(os.stat(str(uri)).st_mode) == 0o600
    assert stat.S_IMODE(target.stat().st_mode) & 0o044


def test_an_empty_selection_writes_nothing(table: str, tmp_path: Path) -> None:
    with pytest.raises(EmptyFilterError, match="matched nothing; no filter file") as caught:
        built(table, tmp_path / "us.txt", "Modality = 'US'")
    assert caught.value.exit_status == 3
    assert beside(tmp_path) == set()


def test_an_empty_selection_leaves_an_older_filter_and_its_lists_alone(
    table: str, tmp_path: Path
) -> None:
    built(table, tmp_path / "ct.txt")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(EmptyFilterError):
        built(table, tmp_path / "ct.txt", "Modality = 'US'", overwrite=True)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_rows_that_are_all_rejected_make_an_empty_filter(tmp_path: Path) -> None:
    table = table_of(tmp_path, *BAD)
    with pytest.raises(EmptyFilterError):
        built(table, tmp_path / "f.txt", skip_bad_uids=True)
    assert beside(tmp_path) == set()


@pytest.mark.parametrize(("level", "compact"), SHAPES)
@pytest.mark.parametrize("versions", [False, True])
def test_any_table_gives_what_the_rules_say(
    tmp_path_factory: pytest.TempPathFactory, *, level: Level, compact: bool, versions: bool
) -> None:
    folder = tmp_path_factory.mktemp("made")
    schema = STREAMED if versions else INSTANCES
    options = BuildOptions(level, compact, skip_bad_uids=True, overwrite=True, today=TODAY)

    @settings(max_examples=10, deadline=None)
    @given(rows=made.rows(versions=versions))
    def agrees(rows: list[dict[str, Any]]) -> None:
        now = current(rows) if versions else rows
        wanted = expected(now, lambda row: row["Modality"] == "CT", level, compact=compact)
        target = folder / "f.txt"
        with open_engine([write(folder / "metadata.parquet", schema, rows)]) as engine:
            selection = Selection(engine.schema()).where("Modality = 'CT'")
            if not wanted.lines:
                with pytest.raises(EmptyFilterError):
                    build(engine, selection, str(target), options=options)
                return
            done = build(engine, selection, str(target), options=options)
        lines = target.read_text().splitlines()
        assert Counter(lines) == Counter(wanted.lines)
        found = done.coverage
        assert found.lines == len(lines)
        assert (found.study_lines, found.series_lines, found.instance_lines) == (
            wanted.lines_by_level
        )
        assert (found.matched_instances, found.covered_instances) == (
            wanted.matched,
            wanted.covered,
        )
        assert found.size_bytes == wanted.size_bytes
        assert found.rejected_rows == wanted.rejected.total()
        if wanted.rejected:
            shown = {tuple(uid or "" for uid in uids) for uids in wanted.rejected}
            assert set(listed(Path(f"{target}.rejected.csv"))) == shown

    agrees()


@settings(max_examples=15, deadline=None)
@given(rows=made.rows(spoilt=True))
def test_compacted_lines_name_exactly_what_matched(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("compact")
    rows.append(instance("1", "1.2", "1.3"))
    target = folder / "f.txt"
    options = {"compact": True, "skip_bad_uids": True}
    built(write(folder / "metadata.parquet", INSTANCES, rows), target, **options)
    named = expanded(target.read_text().splitlines(), rows)
    # Whatever a line names was selected, and named once: no row of it was rejected.
    assert named == Counter({key(row) for row in rows if is_usable(key(row))} & matching(rows))


def matching(rows: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    return {key(row) for row in rows if row["Modality"] == "CT"}


# What is said of it


def test_widening_says_how_much_it_widens(table: str, tmp_path: Path) -> None:
    done = built(table, tmp_path / "f.txt", "SOPInstanceUID = '1.1.1'", level=Level.SERIES)
    assert done.warnings == ("1 instances matched; whole series cover 2",)
    done = built(table, tmp_path / "g.txt", "SOPInstanceUID = '1.1.1'", level=Level.STUDY)
    assert done.warnings == ("1 instances matched; whole studies cover 3",)
    assert done.coverage.size_bytes == 300


def test_widening_by_nothing_says_nothing(table: str, tmp_path: Path) -> None:
    assert built(table, tmp_path / "f.txt", level=Level.SERIES).warnings == ()


def test_an_unknown_number_of_instances_is_unknown_and_not_a_guess(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.1", "Modality": "CT", "instanceCount": 4},
        {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.2", "Modality": "MR"},
    ]
    table = table_of(tmp_path, *rows, schema=SERIES_INDEX)
    done = built(table, tmp_path / "f.txt", level=Level.STUDY)
    assert done.warnings == ("4 instances matched; whole studies cover unknown",)
    assert (done.coverage.covered_instances, done.coverage.size_bytes) == (None, None)


def test_compaction_warns_of_what_arrives_later(table: str, tmp_path: Path) -> None:
    done = built(table, tmp_path / "f.txt", compact=True)
    assert (tmp_path / "f.txt").read_text() == "/studies/1/series/1.1\n"
    assert done.warnings == ("instances that arrive later in a compacted study are exported too",)


def test_the_numbers_are_those_of_a_query_of_ones_own(tmp_path: Path) -> None:
    import duckdb
    import idc_index_data

    index = str(idc_index_data.IDC_INDEX_PARQUET_FILEPATH)
    where = "Modality = 'CT' AND BodyPartExamined = 'LIVER'"
    own = duckdb.connect()
    lines = own.execute(
        "SELECT DISTINCT '/studies/' || StudyInstanceUID || '/series/' || SeriesInstanceUID "
        f"FROM read_parquet($index) WHERE {where}",
        {"index": index},
    ).fetchall()
    studies, series, instances, size_mb = own.execute(
        "SELECT count(DISTINCT StudyInstanceUID), count(DISTINCT SeriesInstanceUID), "
        f"sum(instanceCount), sum(series_size_MB) FROM read_parquet($index) WHERE {where}",
        {"index": index},
    ).fetchall()[0]
    done = built("idc", tmp_path / "liver.txt", where)
    assert sorted((tmp_path / "liver.txt").read_text().splitlines()) == sorted(r[0] for r in lines)
    assert (done.coverage.studies, done.coverage.series) == (studies, series)
    assert done.coverage.covered_instances == instances
    assert done.coverage.size_bytes == pytest.approx(size_mb * 1e6)
    (wider,) = own.execute(
        "SELECT sum(instanceCount) FROM read_parquet($index) WHERE StudyInstanceUID IN "
        f"(SELECT StudyInstanceUID FROM read_parquet($index) WHERE {where})",
        {"index": index},
    ).fetchall()[0]
    widened = built("idc", tmp_path / "studies.txt", where, level=Level.STUDY)
    assert widened.coverage.lines == studies
    assert widened.coverage.covered_instances == wider
    assert widened.warnings == (f"{instances:,} instances matched; whole studies cover {wider:,}",)


# Rejected rows


def test_a_row_that_can_make_no_line_stops_the_build(tmp_path: Path) -> None:
    table = table_of(tmp_path, *ROWS, *BAD)
    with pytest.raises(UnusableUidError, match="4 selected rows have a NULL or unusable UID"):
        built(table, tmp_path / "f.txt")
    with pytest.raises(UnusableUidError, match="1 selected row has a NULL or unusable UID"):
        built(table, tmp_path / "f.txt", "Modality = 'MR'")
    assert beside(tmp_path) == set()


@pytest.mark.parametrize(
    ("level", "rejected"),
    [
        (
            Level.INSTANCE,
            {("1", "1.1", ""): 2, ("1", "1.1", "1/2"): 1, ("", "1.1", "1.1.9"): 1},
        ),
        (Level.SERIES, {("1", "1.1"): 3, ("", "1.1"): 1}),
        (Level.STUDY, {("1",): 3, ("",): 1}),
    ],
)
def test_rejected_rows_are_listed_at_the_level_of_the_filter(
    tmp_path: Path, level: Level, rejected: dict[tuple[str, ...], int]
) -> None:
    table = table_of(tmp_path, *ROWS, *BAD)
    done = built(table, tmp_path / "f.txt", level=level, skip_bad_uids=True)
    assert done.rejected_uri == str(tmp_path / "f.txt.rejected.csv")
    assert listed(Path(done.rejected_uri)) == Counter(rejected)
    assert done.coverage.rejected_rows == 4
    assert done.warnings[0] == "4 selected rows have a NULL or unusable UID and were left out"


@pytest.mark.parametrize("level", [Level.SERIES, Level.STUDY])
def test_widening_says_which_rejected_rows_it_covers(tmp_path: Path, level: Level) -> None:
    table = table_of(tmp_path, *ROWS, *BAD)
    done = built(table, tmp_path / "f.txt", level=level, skip_bad_uids=True)
    assert done.warnings[1] == "3 of these stand in a study or series that a line covers"


def test_compaction_covers_no_rejected_row_and_says_so_of_none(tmp_path: Path) -> None:
    table = table_of(tmp_path, *ROWS, *BAD)
    done = built(table, tmp_path / "f.txt", compact=True, skip_bad_uids=True)
    assert (tmp_path / "f.txt").read_text().count("/instances/") == 2
    assert not any("covers" in warning for warning in done.warnings)


def test_a_row_that_was_not_selected_is_not_rejected(tmp_path: Path) -> None:
    rows = [*ROWS, instance("1", "1.1", None), instance("1", "1.1", None, "MR")]
    table = table_of(tmp_path, *rows)
    for level, compact in SHAPES:
        options = {"level": level, "compact": compact, "skip_bad_uids": True, "overwrite": True}
        done = built(table, tmp_path / "f.txt", **options)
        assert done.coverage.rejected_rows == 1, (level, compact)


def test_irregular_uids_are_kept_as_stored_and_can_be_refused(tmp_path: Path) -> None:
    rows = [instance("1", "1.01", "1.1.1"), instance("1", "1.01", "1..2")]
    table = table_of(tmp_path, *rows)
    done = built(table, tmp_path / "f.txt")
    assert done.warnings == (
        "2 UIDs break the standard (leading zeros, empty parts, over 64 long); kept as stored",
    )
    assert "/studies/1/series/1.01/instances/1..2\n" in (tmp_path / "f.txt").read_text()
    with pytest.raises(UnusableUidError, match="2 UIDs break the standard"):
        built(table, tmp_path / "g.txt", strict_uids=True)
    assert not (tmp_path / "g.txt").exists()
    done = built(table, tmp_path / "s.txt", level=Level.STUDY, strict_uids=True)
    assert done.warnings == ()


# All or nothing


def test_a_filter_replaces_nothing_unasked(table: str, tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    target.write_text("mine")
    with pytest.raises(DestinationExistsError):
        built(table, target)
    assert target.read_text() == "mine"
    assert beside(tmp_path) == {"f.txt"}
    built(table, target, overwrite=True)
    assert target.read_text().startswith("/studies/")


@pytest.mark.parametrize("name", ["no-such-folder/f.txt", ".", "metadata.parquet"])
def test_a_bad_destination_is_refused_before_any_work(
    table: str, tmp_path: Path, name: str
) -> None:
    steps: list[str] = []
    with open_engine([table]) as engine, pytest.raises(DestinationError):
        build(
            engine,
            Selection(engine.schema()),
            str(tmp_path / name),
            options=BuildOptions(overwrite=True),
            progress=lambda step, *_: steps.append(step),
        )
    assert steps == []
    assert beside(tmp_path) == set()


def test_what_was_read_is_never_the_output(table: str, tmp_path: Path) -> None:
    ids = tmp_path / "ids.csv"
    ids.write_text("PatientID\npatient-1\n")
    for options in ({}, {"manifest": str(ids)}):
        target = tmp_path / "f.txt" if options else ids
        with pytest.raises(DestinationError, match="cannot be the output"):
            built(table, target, overwrite=True, inputs=(str(ids),), **options)
    assert ids.read_text() == "PatientID\npatient-1\n"
    assert not (tmp_path / "f.txt").exists()


@pytest.mark.parametrize("name", ["f.txt", "./f.txt", "f.txt.rejected.csv", "f.txt.unmatched.csv"])
def test_the_manifest_never_takes_the_place_of_another_file(
    table: str, tmp_path: Path, name: str
) -> None:
    with pytest.raises(DestinationError, match="cannot be the manifest and another file"):
        built(table, tmp_path / "f.txt", manifest=f"{tmp_path}/{name}")
    assert beside(tmp_path) == set()


def test_a_sidecar_that_cannot_be_written_is_found_before_any_work(
    table: str, tmp_path: Path
) -> None:
    with pytest.raises(DestinationError):
        built(table, tmp_path / "f.txt", manifest=str(tmp_path / "nowhere" / "m.json"))
    (tmp_path / "f.txt.rejected.csv").mkdir()
    with pytest.raises(DestinationError):
        built(table, tmp_path / "f.txt")
    assert beside(tmp_path) == {"f.txt.rejected.csv"}


def interrupted(table: str, target: Path, happens: Callable[[], object]) -> FilterBuilt:
    """Build, and let something happen when all lines are written."""
    total = None

    def progress(step: str, done: int = 0, of: int | None = None) -> None:
        nonlocal total
        if step == "write" and done and done == of:
            total = of
            happens()

    with open_engine([table]) as engine:
        selection = Selection(engine.schema()).where("Modality = 'CT'")
        try:
            return build(engine, selection, str(target), progress=progress)
        finally:
            assert total == 2


def test_a_table_that_changes_meanwhile_makes_no_filter(table: str, tmp_path: Path) -> None:
    def change() -> None:
        os.utime(table, (0, 0))

    with pytest.raises(DicomFilterError, match="changed while it was read; no filter") as caught:
        interrupted(table, tmp_path / "f.txt", change)
    assert caught.value.exit_status == 1
    assert beside(tmp_path) == set()


def test_a_table_that_goes_meanwhile_makes_no_filter(table: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has gone"):
        interrupted(table, tmp_path / "f.txt", Path(table).unlink)
    assert beside(tmp_path) == set()


def test_an_interruption_leaves_nothing(table: str, tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted(table, tmp_path / "f.txt", interrupt)
    assert beside(tmp_path) == set()


def test_a_sidecar_that_fails_at_last_does_not_undo_the_filter(table: str, tmp_path: Path) -> None:
    def block() -> None:
        (tmp_path / "f.txt.manifest.json").mkdir()

    with pytest.raises(DestinationError, match=r"f\.txt is written and complete, but not what"):
        interrupted(table, tmp_path / "f.txt", block)
    assert len((tmp_path / "f.txt").read_text().splitlines()) == 2


def test_lists_of_an_older_filter_do_not_stand_beside_a_newer_one(tmp_path: Path) -> None:
    target, table = tmp_path / "f.txt", table_of(tmp_path, *ROWS, *BAD)
    with open_engine([table]) as engine:
        ids = IdList.of("PatientID", ["patient-1", "patient-9"])
        options = BuildOptions(skip_bad_uids=True)
        first = build(
            engine, Selection(engine.schema()).where_in(ids), str(target), options=options
        )
    assert listed(Path(str(first.rejected_uri))).total() == 3
    assert Path(str(first.unmatched_uri)).read_text().count("patient-9") == 1
    second = built(table, target, "SOPInstanceUID = '1.1.1'", overwrite=True)
    assert (second.rejected_uri, second.unmatched_uri) == (None, None)
    for name in ("f.txt.rejected.csv", "f.txt.unmatched.csv"):
        left = tmp_path / name
        assert not left.exists() or len(left.read_text().splitlines()) == 1


def test_a_stream_gets_the_lines_and_a_manifest_only_where_one_is_named(
    table: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with open_engine([table]) as engine:
        selection = Selection(engine.schema()).where("Modality = 'CT'")
        done = build(engine, selection, "-")
        assert (done.manifest_uri, done.manifest.filter_uri) == (None, "")
        lines = capfdbinary.readouterr().out
        options = BuildOptions(manifest=str(tmp_path / "m.json"))
        build(engine, selection, "-", options=options)
    assert len(lines.splitlines()) == 2
    assert sorted(capfdbinary.readouterr().out) == sorted(lines)
    assert beside(tmp_path) == {"m.json"}


# Identifiers, values, progress


def test_identifiers_that_match_nothing_are_listed_beside_the_filter(
    table: str, tmp_path: Path
) -> None:
    with open_engine([table]) as engine:
        ids = IdList.of("PatientID", ["patient-1", "patient-7", "patient-8"], source="cohort.csv")
        done = build(engine, Selection(engine.schema()).where_in(ids), str(tmp_path / "f.txt"))
    assert done.unmatched_uri == str(tmp_path / "f.txt.unmatched.csv")
    with open(done.unmatched_uri, newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"column": "PatientID", "value": "patient-7"},
            {"column": "PatientID", "value": "patient-8"},
        ]
    assert done.manifest.unmatched == 2
    assert done.warnings == ("2 of 3 values of PatientID match no row of the table",)


def secretly(table: str, target: Path, *, record_values: bool) -> str:
    """Build with values of every kind and give all that was written beside the filter."""
    with open_engine([table]) as engine:
        selection = (
            Selection(engine.schema())
            .where("PatientID IN ('zeppelin-1', 'patient-1') AND Modality LIKE 'C%quixote%'")
            .either(Selection(engine.schema()).where("BlobStorageSize IN (100, 8675309)"))
            .where("Modality != @other", parameters=[Parameter.of("other", "othello")])
            .where_in(IdList.of("PatientID", ["patient-1", "patient-2", "falstaff"]))
            .where("REGEXP_CONTAINS(PatientID, r'hamlet|patient')")
            .where("StudyDate IS NULL OR StudyDate = '1977-07-07'")
        )
        options = BuildOptions(record_values=record_values)
        done = build(engine, selection, str(target), options=options)
    (target.parent / f"{target.name}.unmatched.csv").unlink()
    assert done.manifest_uri
    return Path(done.manifest_uri).read_text() + target.read_text() + repr(done)


VALUES = ["zeppelin", "quixote", "8675309", "othello", "falstaff", "hamlet", "1977"]


def test_no_value_is_written_anywhere_unasked(table: str, tmp_path: Path) -> None:
    everything = secretly(table, tmp_path / "f.txt", record_values=False)
    assert [value for value in VALUES if value in everything] == []
    assert "patient-1" not in everything


def test_values_are_recorded_where_they_were_to_be(table: str, tmp_path: Path) -> None:
    everything = secretly(table, tmp_path / "f.txt", record_values=True)
    assert [value for value in VALUES if value not in everything] == []


def test_no_value_stands_in_an_error(table: str, tmp_path: Path) -> None:
    with pytest.raises(EmptyFilterError) as caught:
        built(table, tmp_path / "f.txt", "PatientID = 'zeppelin-1'")
    assert "zeppelin" not in f"{caught.value} {caught.value.hint}"


def test_progress_is_told_step_by_step(table: str, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []

    def note(step: str, done: int = 0, total: int | None = None) -> None:
        told.append((step, done, total))

    with open_engine([table]) as engine:
        selection = Selection(engine.schema()).where("Modality = 'CT'")
        build(engine, selection, str(tmp_path / "f.txt"), progress=note)
    assert [step for step, *_ in told][:3] == ["select", "count", "write"]
    assert {step for step, *_ in told[2:]} == {"write"}
    assert (told[2], told[-1]) == (("write", 0, 2), ("write", 2, 2))


def test_a_plan_shows_the_query_without_values_and_does_nothing(table: str, tmp_path: Path) -> None:
    with open_engine([table]) as engine:
        selection = Selection(engine.schema()).where("PatientID = 'zeppelin-1'").since(30)
        seen = plan(engine, selection, BuildOptions(Level.SERIES))
        assert seen.tables == (table,)
        assert seen.bytes_processed is None
        with pytest.raises(UsageError, match="nothing to do at study level"):
            plan(engine, selection, BuildOptions(Level.STUDY, compact=True))
    assert "@p1" in seen.sql
    assert "$p1" in seen.engine_sql
    assert "zeppelin" not in seen.sql + seen.engine_sql
    assert "LOGICAL_OR" in seen.sql
    assert beside(tmp_path) == set()


def test_the_date_of_the_run_can_be_another(tmp_path: Path) -> None:
    table = table_of(tmp_path, instance("1", "1.1", "1.1.1", StudyDate=date(2020, 1, 31)))
    with open_engine([table]) as engine:
        selection = Selection(engine.schema()).since(30)
        options = BuildOptions(today=date(2020, 3, 1))
        done = build(engine, selection, str(tmp_path / "f.txt"), options=options)
        assert done.manifest.current_date == "2020-03-01"
        later = replace(options, today=date(2020, 3, 2))
        with pytest.raises(EmptyFilterError):
            build(engine, selection, str(tmp_path / "g.txt"), options=later)


def test_the_manifest_says_what_was_written(table: str, tmp_path: Path) -> None:
    done = built(table, tmp_path / "f.txt", manifest=str(tmp_path / "elsewhere.json"))
    document = json.loads((tmp_path / "elsewhere.json").read_text())
    assert document == json.loads(done.manifest.to_json())
    assert document["filter"]["uri"] == done.uri
    assert not (tmp_path / "f.txt.manifest.json").exists()
