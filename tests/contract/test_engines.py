"""What every engine promises: the same rows and selections, the same filter and numbers.

Each test runs on every engine, over real files and over a real client and a local server, and its
answer is worked out in plain Python beside both.
"""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
import pyarrow as pa
import pytest

from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.unit_rows import resources
from dicomfilter.engines import open_engine
from dicomfilter.errors import (
    DestinationError,
    EmptyFilterError,
    IdListError,
    PredicateError,
    TableError,
    TableNotFoundError,
    UnmatchedWarning,
    UnusableUidError,
    UsageError,
)
from dicomfilter.filters.build import BuildOptions, build, plan
from dicomfilter.filters.replay import read_manifest, replay
from dicomfilter.googlesql.query import Query
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.notebook.table import open_table
from dicomfilter.paths import Level
from dicomfilter.schema import Shape
from tests.reference import attrition, current, expanded, expected, is_usable, key

if TYPE_CHECKING:
    from dicomfilter.filters.build import FilterBuilt
    from dicomfilter.notebook.cohort import Cohort
    from tests.reference import Test

    Row = dict[str, Any]

TODAY = date(2026, 11, 21)
TYPES = {
    "PatientID": "STRING",
    "StudyInstanceUID": "STRING",
    "SeriesInstanceUID": "STRING",
    "SOPInstanceUID": "STRING",
    "Modality": "STRING",
    "StudyDate": "DATE",
    "ImageType": "ARRAY<STRING>",
    "PatientName": "STRUCT<Alphabetic STRING>",
    "BlobStorageSize": "INT64",
}
VERSIONS = {"LastUpdated": "TIMESTAMP", "Type": "STRING"}
SERIES = {
    "PatientID": "STRING",
    "StudyInstanceUID": "STRING",
    "SeriesInstanceUID": "STRING",
    "Modality": "STRING",
    "instanceCount": "INT64",
    "series_size_MB": "FLOAT64",
}
SHAPES = [
    (level, compact)
    for level in Level
    for compact in (False, True)
    if not (compact and level is Level.STUDY)
]


class MakeTable(Protocol):
    """Makes a table of an engine and returns its URI."""

    def __call__(self, types: dict[str, str], *rows: Row, name: str = "metadata") -> str: ...


@pytest.fixture(
    params=[
        "duckdb",
        pytest.param("bigquery", marks=pytest.mark.cloud),
        pytest.param("live", marks=[pytest.mark.live, pytest.mark.timeout(900)]),
    ]
)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeTable:
    """Make tables of the engine that is under test."""
    if request.param in ("bigquery", "live"):
        fixture = {"bigquery": "load_table", "live": "live_tables"}[request.param]
        load_table = request.getfixturevalue(fixture)

        def remote(types: dict[str, str], *rows: Row, name: str = "metadata") -> str:
            declared = ", ".join(f"{column} {of}" for column, of in types.items())
            uri: str = load_table(declared, *map(plain, rows), name=name)
            return uri

        return remote

    def local(types: dict[str, str], *rows: Row, name: str = "metadata") -> str:
        import duckdb

        path = tmp_path / f"{name}.parquet"
        nested = {"STRUCT<Alphabetic STRING>": "STRUCT(Alphabetic VARCHAR)"}
        names = {"STRING": "VARCHAR", "INT64": "BIGINT", "FLOAT64": "DOUBLE"}
        names |= {"DATE": "DATE", "TIMESTAMP": "TIMESTAMPTZ", "ARRAY<STRING>": "VARCHAR[]"} | nested
        declared = ", ".join(f'"{column}" {names[of]}' for column, of in types.items())
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE t ({declared})")
        for row in rows:
            values = {column: plain(row).get(column) for column in types}
            marks = ", ".join(f"${column}" for column in types)
            connection.execute(f"INSERT INTO t VALUES ({marks})", values)
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
        connection.close()
        return str(path)

    return local


def plain(row: Row) -> Row:
    """Write a row's dates as JSON does."""
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()
    }


def row(uids: str, modality: str | None = "CT", **more: object) -> Row:
    """Make a row from ``study/series/instance``, where ``-`` is NULL and a blank is empty."""
    study, series, sop = (None if uid == "-" else uid.strip() for uid in uids.split("/"))
    made: Row = {
        "PatientID": f"patient-{study}",
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "SOPInstanceUID": sop,
        "Modality": modality,
        "StudyDate": date(2026, 11, 1),
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "PatientName": {"Alphabetic": "DOE^JANE"},
        "BlobStorageSize": 100,
    }
    return made | more


ROWS = [
    row("1/1.1/1.1.1"),
    row("1/1.1/1.1.1"),
    row("1/1.1/1.1.2", BlobStorageSize=7),
    row("1/1.2/1.2.1", StudyDate=None),
    row("2/2.1/2.1.1", ImageType=["DERIVED"]),
    row("2/2.1/2.1.2", "MR", BlobStorageSize=None),
    row("2/2.2/2.2.1", PatientName=None),
    row("3/3.1/3.1.1", None, StudyDate=date(2020, 1, 1)),
    row("3/3.2/3.2.1", "MR", PatientID=None),
    row("4/4.1/4.1.1", PatientName={"Alphabetic": "ROE"}),
]
BAD = [
    row("4/4.1/-"),
    row("4/4.1/-"),
    row("4/4.1/ "),
    row("4/4.2/4.2.x"),
    row("-/5.1/5.1.1"),
    row("6/6.1/6.1.1\n", "MR"),
]
OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def versions() -> list[Row]:
    """Make rows that supersede each other in every way that counts."""
    return [
        row("1/1.1/1.1.1", LastUpdated=OLD, Type="CREATE"),
        row("1/1.1/1.1.1", "MR", LastUpdated=NEW, Type="CREATE"),
        row("1/1.1/1.1.2", LastUpdated=OLD, Type="CREATE"),
        row("1/1.1/1.1.2", LastUpdated=NEW, Type="DELETE"),
        row("1/1.1/1.1.3", LastUpdated=NEW, Type="DELETE"),
        row("1/1.1/1.1.3", LastUpdated=NEW, Type="CREATE"),
        row("2/2.1/2.1.1", LastUpdated=None, Type="DELETE"),
        row("2/2.1/2.1.1", LastUpdated=OLD, Type="CREATE"),
        row("2/2.1/2.1.2", "MR", LastUpdated=None, Type=None),
        row("2/2.1/2.1.2", "CT", LastUpdated=OLD, Type=None),
        row("3/3.1/3.1.1", LastUpdated=OLD, Type="DELETE"),
        row("3/3.1/3.1.1", LastUpdated=NEW, Type="CREATE"),
        row("4/4.1/-", LastUpdated=OLD, Type="CREATE"),
        row("4/4.1/-", LastUpdated=NEW, Type="CREATE"),
        row("4/4.1/-", LastUpdated=NEW, Type="DELETE"),
        row("4/4.1/4.1.1", LastUpdated=NEW, Type=None),
    ]


def is_ct(found: Any) -> bool:
    return bool(found["Modality"] == "CT")


PREDICATES: dict[str, Test] = {
    "Modality = 'CT'": is_ct,
    "Modality != 'CT'": lambda r: r["Modality"] not in (None, "CT"),
    "Modality IS NULL OR NOT Modality = 'CT'": lambda r: r["Modality"] != "CT",
    "'PRIMARY' IN UNNEST(ImageType)": lambda r: "PRIMARY" in r["ImageType"],
    "PatientName.Alphabetic LIKE 'DOE%'": lambda r: (r["PatientName"] or {"Alphabetic": ""})[
        "Alphabetic"
    ].startswith("DOE"),
    "StudyDate BETWEEN '2026-01-01' AND '2026-12-31'": lambda r: (
        r["StudyDate"] is not None and r["StudyDate"].year == 2026
    ),
    "BlobStorageSize > 7 AND PatientID IN ('patient-1', 'patient-2')": lambda r: (
        (r["BlobStorageSize"] or 0) > 7 and r["PatientID"] in ("patient-1", "patient-2")
    ),
    "REGEXP_CONTAINS(StudyInstanceUID, r'^[13]$') AND Modality = 'CT'": lambda r: (
        r["StudyInstanceUID"] in ("1", "3") and is_ct(r)
    ),
    "StudyDate >= DATE_SUB(CURRENT_DATE(), INTERVAL 30 DAY)": lambda r: (
        r["StudyDate"] is not None and (TODAY - r["StudyDate"]).days <= 30
    ),
}


def built(uri: str, target: Path, where: str = "Modality = 'CT'", **options: Any) -> FilterBuilt:
    chosen = BuildOptions(today=TODAY, **options)
    with open_engine([uri]) as engine:
        return build(engine, Selection(engine.schema()).where(where), str(target), options=chosen)


def rejected(target: Path) -> Counter[tuple[str, ...]]:
    path = Path(f"{target}.rejected.csv")
    if not path.exists():
        return Counter()
    with path.open(newline="") as file:
        _, *found = csv.reader(file)
    rows: Counter[tuple[str, ...]] = Counter()
    for cells in found:
        rows[tuple(cells[:-1])] += int(cells[-1])  # an empty text and NULL read alike
    return rows


def agrees(
    uri: str, rows: list[Row], target: Path, *, where: str, level: Level, compact: bool
) -> FilterBuilt | None:
    """Build, and compare all that comes out with what the rules say."""
    wanted = expected(rows, PREDICATES[where], level, compact=compact)
    options = {"level": level, "compact": compact, "skip_bad_uids": True, "overwrite": True}
    if not wanted.lines:
        with pytest.raises(EmptyFilterError):
            built(uri, target, where, **options)
        return None
    done = built(uri, target, where, **options)
    lines = target.read_text().splitlines()
    assert Counter(lines) == Counter(wanted.lines)
    found = done.coverage
    by_level = (found.study_lines, found.series_lines, found.instance_lines)
    assert (found.lines, by_level) == (len(lines), wanted.lines_by_level)
    assert (found.matched_instances, found.covered_instances) == (wanted.matched, wanted.covered)
    assert found.size_bytes == wanted.size_bytes
    named = [uids.split("/")[2::2] for uids in lines]
    assert found.studies == len({uids[0] for uids in named})
    assert found.rejected_rows == wanted.rejected.total()
    shown: Counter[tuple[str, ...]] = Counter()
    for uids, count in wanted.rejected.items():
        shown[tuple(uid or "" for uid in uids)] += count
    assert rejected(target) == shown
    if compact and level is Level.INSTANCE:
        assert set(expanded(lines, rows).values()) == {1}
    return done


# Covers: level x compaction x current state


@pytest.mark.parametrize(("level", "compact"), SHAPES)
def test_a_cover_gives_its_lines_counts_and_rejected_rows(
    make: MakeTable, tmp_path: Path, *, level: Level, compact: bool
) -> None:
    rows = [*ROWS, *BAD]
    options = {"where": "Modality = 'CT'", "level": level, "compact": compact}
    done = agrees(make(TYPES, *rows), rows, tmp_path / "f.txt", **options)
    assert done is not None
    assert done.coverage.rejected_rows == 5


@pytest.mark.parametrize(("level", "compact"), SHAPES)
def test_a_cover_is_of_the_current_state(
    make: MakeTable, tmp_path: Path, *, level: Level, compact: bool
) -> None:
    now = current(versions())
    options = {"where": "Modality = 'CT'", "level": level, "compact": compact}
    uri = make(TYPES | VERSIONS, *versions())
    done = agrees(uri, now, tmp_path / "f.txt", **options)
    assert done is not None
    studies = {line.split("/")[2] for line in (tmp_path / "f.txt").read_text().splitlines()}
    assert studies == {"2", "3", "4"}
    assert done.coverage.rejected_rows == 2


@pytest.mark.parametrize("where", PREDICATES)
def test_a_predicate_means_the_same_everywhere(make: MakeTable, tmp_path: Path, where: str) -> None:
    options = {"where": where, "level": Level.INSTANCE, "compact": False}
    agrees(make(TYPES, *ROWS), ROWS, tmp_path / "f.txt", **options)


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_as_they_come_give_what_the_rules_say(
    make: MakeTable, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)

    def uid() -> str:
        return chance.choice(["1", "1.2", "1.3"] * 5 + ["-", " ", "x"])

    rows = [
        row(f"{uid()}/{uid()}/{uid()}", chance.choice(["CT", "CT", "MR", None])) for _ in range(40)
    ]
    for made in rows:  # rows of one instance agree in its size
        made["BlobStorageSize"] = len("".join(uid or "" for uid in key(made)))
    uri = make(TYPES, *rows)
    for level, compact in SHAPES:
        options = {"where": "Modality = 'CT'", "level": level, "compact": compact}
        agrees(uri, rows, tmp_path / f"{level}{compact}.txt", **options)


def test_every_version_counts_where_all_are_asked_for(make: MakeTable, tmp_path: Path) -> None:
    rows = versions()
    wanted = expected(rows, is_ct, Level.INSTANCE)
    with open_engine([make(TYPES | VERSIONS, *rows)]) as engine:
        selection = Selection(engine.schema(), all_versions=True).where("Modality = 'CT'")
        options = BuildOptions(skip_bad_uids=True)
        done = build(engine, selection, str(tmp_path / "f.txt"), options=options)
    assert set((tmp_path / "f.txt").read_text().splitlines()) == wanted.lines
    assert done.coverage.rejected_rows == 3


def test_a_series_index_knows_what_its_rows_say(make: MakeTable, tmp_path: Path) -> None:
    def series(uids: str, modality: str, count: int | None, size: float | None) -> Row:
        study, own = uids.split("/")
        named = {"StudyInstanceUID": study, "SeriesInstanceUID": own, "Modality": modality}
        return {**named, "PatientID": "p", "instanceCount": count, "series_size_MB": size}

    rows = [
        series("1/1.1", "CT", 10, 0.5),
        series("1/1.2", "MR", 5, 0.25),
        series("2/2.1", "CT", 3, None),
    ]
    uri = make(SERIES, *rows)
    finest = built(uri, tmp_path / "a.txt").coverage
    assert (finest.lines, finest.matched_series, finest.matched_instances) == (2, 2, 13)
    assert finest.size_bytes is None
    first = "Modality = 'CT' AND StudyInstanceUID = '1'"
    study = built(uri, tmp_path / "b.txt", first, level=Level.STUDY).coverage
    assert (study.matched_series, study.series) == (1, 2)
    assert (study.matched_instances, study.covered_instances) == (10, 15)
    assert study.size_bytes == 750_000
    compact = built(uri, tmp_path / "c.txt", "Modality = 'CT'", compact=True)
    assert sorted((tmp_path / "c.txt").read_text().splitlines()) == [
        "/studies/1/series/1.1",
        "/studies/2",
    ]
    assert compact.coverage.covered_instances == 13
    with pytest.raises(UsageError, match="knows no instances"):
        built(uri, tmp_path / "d.txt", level=Level.INSTANCE)


# What a build refuses


def test_nothing_is_written_where_nothing_can_be(make: MakeTable, tmp_path: Path) -> None:
    uri, target = make(TYPES, *ROWS, *BAD), tmp_path / "out" / "f.txt"
    target.parent.mkdir()
    with pytest.raises(EmptyFilterError):
        built(uri, target, "Modality = 'US'")
    with pytest.raises(UnusableUidError, match="5 selected rows"):
        built(uri, target)
    with pytest.raises(DestinationError):
        built(uri, target.parent / "none" / "f.txt")
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    "sql",
    [
        "PatientID = 19045",
        "Modalitee = 'CT'",
        "Modality",
        "Modality = 'CT' AND",
        "UPPER(StudyDate) = 'X'",
        "PatientID IN (SELECT PatientID FROM metadata)",
        "Modality = 'CT'; DROP TABLE metadata",
    ],
)
def test_a_predicate_is_refused_everywhere_alike(make: MakeTable, sql: str) -> None:
    with open_table(make(TYPES, *ROWS[:1])) as table, pytest.raises(PredicateError) as caught:
        table.where(sql).counts()
    assert caught.value.exit_status == 2


def test_a_table_that_is_none_is_said_by_name(make: MakeTable) -> None:
    uri = make(TYPES, *ROWS[:1])
    with pytest.raises(TableNotFoundError, match="nowhere"):
        open_table(uri.replace("metadata", "nowhere")).all().counts()


def test_a_table_without_uids_says_which_are_missing(make: MakeTable) -> None:
    uri = make({"Modality": "STRING", "SeriesInstanceUID": "STRING"}, {"Modality": "CT"})
    with pytest.raises(TableError, match=r"has no column StudyInstanceUID\n") as caught:
        open_table(uri)
    assert caught.value.hint == f"run `dicomfilter columns {uri}` to see what it has"
    uri = make({**TYPES, "SOPInstanceUID": "INT64"}, name="numbers")
    with pytest.raises(TableError, match=r"SOPInstanceUID of .* is INT64, not STRING"):
        open_table(uri)


# Counts


def narrowed(uri: str) -> tuple[Cohort, list[Test]]:
    clauses = list(PREDICATES)[:1] + list(PREDICATES)[3:6]
    cohort = open_table(uri).all()
    for sql in clauses:
        cohort = cohort.where(sql)
    return cohort, [PREDICATES[sql] for sql in clauses]


def test_attrition_says_what_each_clause_leaves_and_would_alone(make: MakeTable) -> None:
    rows = [*ROWS, *BAD]
    cohort, tests = narrowed(make(TYPES, *rows))
    with cohort.table:
        first, *steps = cohort.attrition_steps()
        total = len({key(r) for r in rows if is_usable(key(r))})
        assert first.label is None
        assert first.left == first.alone
        assert first.left.instances == total
        assert [(s.left.instances, s.alone.instances) for s in steps] == attrition(rows, tests)
        assert steps[-1].left == cohort.counts()
        assert first.left.size_bytes is None
        assert steps[0].left.size_bytes == 607 - 100


def test_attrition_is_of_the_current_state(make: MakeTable) -> None:
    cohort, tests = narrowed(make(TYPES | VERSIONS, *versions()))
    with cohort.table:
        steps = cohort.attrition_steps()[1:]
    found = [(step.left.instances, step.alone.instances) for step in steps]
    assert found == attrition(current(versions()), tests)


def test_counts_are_of_patients_studies_series_instances_and_bytes(make: MakeTable) -> None:
    rows = [*ROWS, *BAD]
    with open_table(make(TYPES, *rows)) as table:
        tally = table.where("Modality = 'CT'").tally()
        everything = table.all().counts()
        nothing = table.where("Modality = 'US'").counts()
    hit = {key(r): r for r in rows if is_usable(key(r)) and is_ct(r)}
    counts = tally.counts
    assert tally.unusable_rows == 5
    assert (counts.studies, counts.series) == (len({k[0] for k in hit}), len({k[:2] for k in hit}))
    assert (counts.instances, counts.patients) == (len(hit), 3)
    assert counts.size_bytes == sum(r["BlobStorageSize"] for r in hit.values())
    assert everything.size_bytes is None
    assert (nothing.studies, nothing.instances, nothing.size_bytes) == (0, 0, 0)


# Selections


def studies(cohort: Cohort) -> set[Any]:
    query = Query(resources(cohort.selection), cohort.selection.bound(TODAY))
    return set(cohort.table.engine.rows(query).read_all()["study"].to_pylist())


def test_cohorts_are_sets(make: MakeTable) -> None:
    with open_table(make(TYPES, *ROWS)) as table:
        a = table.where("Modality = 'CT'")
        b = table.where("PatientID = @p1", p1="patient-2")
        c = table.where_in("PatientID", ["patient-1", "patient-3"])
        assert studies(a & b) == {"2"}
        assert studies(a | b | c) == {"1", "2", "3", "4"}
        assert studies(a - b) == {"1", "4"}
        assert studies(table.all() - a) == {"2", "3"}
        assert studies(a - b - c) == {"4"}


def test_identifiers_that_match_nothing_are_told(make: MakeTable, tmp_path: Path) -> None:
    with open_engine([make(TYPES, *ROWS)]) as engine:
        ids = IdList.of("PatientID", ["patient-1", "patient-9", "patient-2"])
        selection = Selection(engine.schema()).where_in(ids).where("Modality = 'MR'")
        done = build(engine, selection, str(tmp_path / "f.txt"))
    assert (tmp_path / "f.txt").read_text() == "/studies/2/series/2.1/instances/2.1.2\n"
    listed = Path(str(done.unmatched_uri)).read_text().splitlines()
    assert [line.replace('"', "") for line in listed] == ["column,value", "PatientID,patient-9"]
    assert done.warnings == ("1 of 3 values of PatientID matches no row of the table",)


def test_an_age_says_which_rows_have_none(make: MakeTable, tmp_path: Path) -> None:
    with open_engine([make(TYPES, *ROWS)]) as engine:
        selection = Selection(engine.schema()).where("Modality = 'CT'").since(30)
        options = BuildOptions(Level.STUDY, today=TODAY)
        done = build(engine, selection, str(tmp_path / "f.txt"), options=options)
    assert "1 row without a StudyDate was left out" in done.warnings


def test_parameters_of_every_type_are_bound(make: MakeTable) -> None:
    with open_table(make(TYPES, *ROWS)) as table:
        assert table.where("Modality = @m", m="CT").counts().studies == 3
        assert table.where("StudyDate < @d", d=date(2021, 1, 1)).counts().studies == 1
        assert table.where("BlobStorageSize = @n", n=7).counts().instances == 1
        assert table.where("Modality IN UNNEST(@m)", m=["MR", "US"]).counts().studies == 2
        assert table.where("BlobStorageSize < @f", f=7.5).counts().instances == 1


def test_a_filter_is_made_again_from_its_manifest(make: MakeTable, tmp_path: Path) -> None:
    target, second = tmp_path / "f.txt", tmp_path / "again.txt"
    with open_engine([make(TYPES, *ROWS)]) as engine:
        selection = Selection(engine.schema()).since(30)
        selection = selection.where("Modality = @m", parameters=[Parameter.of("m", "CT")])
        options = BuildOptions(compact=True, record_values=True, today=TODAY)
        first = build(engine, selection, str(target), options=options)
        manifest = read_manifest(str(first.manifest_uri))
        found = replay(manifest, engine.schemas(), [])
        again = build(engine, found.selection, str(second), options=found.options)
    assert sorted(second.read_text()) == sorted(target.read_text())
    assert manifest.changes(again.manifest) == ()


def test_the_manifest_tells_the_table_and_the_same_query(make: MakeTable, tmp_path: Path) -> None:
    uri = make(TYPES, *ROWS)
    done = built(uri, tmp_path / "f.txt", compact=True)
    document = json.loads(Path(str(done.manifest_uri)).read_text())
    assert document["table"]["uri"] == uri
    assert document["table"]["digest"]
    golden = Path(__file__).parents[1] / "golden" / "covers" / "instances_instance_compact.sql"
    assert document["selection"]["predicates"] == ["Modality = @p1"]
    assert "LOGICAL_AND" in document["sql"]
    assert golden.exists()


# Looking


def test_the_schema_is_googlesql(make: MakeTable) -> None:
    with open_engine([make(TYPES | VERSIONS, *versions()[:1])]) as engine:
        schema = engine.schema()
    assert {c.name: str(c.type) for c in schema} == TYPES | VERSIONS
    assert (schema.shape, schema.finest, schema.is_versioned) == (
        Shape.FLATTENED,
        Level.INSTANCE,
        True,
    )


def test_rows_are_read_in_their_current_state(make: MakeTable) -> None:
    with open_table(make(TYPES | VERSIONS, *versions())) as table:
        found = table.where("Modality = 'MR'").to_arrow(columns=["SOPInstanceUID", "StudyDate"])
        limited = table.all().to_arrow(limit=2)
        everything = table.all(all_versions=True).to_arrow()
    assert found.to_pylist() == [{"SOPInstanceUID": "1.1.1", "StudyDate": date(2026, 11, 1)}]
    assert limited.num_rows == 2
    assert limited.column_names == list(TYPES | VERSIONS)
    assert everything.num_rows == len(versions())


def test_a_fingerprint_is_that_of_a_state(make: MakeTable) -> None:
    uri = make(TYPES, *ROWS)
    with open_engine([uri]) as engine, open_engine([uri]) as other:
        assert engine.fingerprint() == engine.fingerprint() == other.fingerprint()
        assert engine.fingerprint().uri == uri
    with open_engine([make(TYPES, *ROWS, *BAD, name="longer")]) as engine:
        assert engine.fingerprint().digest != other.fingerprint().digest


def test_a_plan_writes_nothing_and_holds_no_value(make: MakeTable) -> None:
    with open_engine([make(TYPES, *ROWS)]) as engine:
        selection = Selection(engine.schema()).where("PatientID = 'quixote'")
        seen = plan(engine, selection, BuildOptions(Level.STUDY))
    assert seen.tables == (engine.uri,)
    assert "quixote" not in f"{seen.sql}{seen.engine_sql}"
    assert "metadata" in seen.sql


def test_columns_may_be_called_as_our_own_are(make: MakeTable, tmp_path: Path) -> None:
    odd = dict.fromkeys(("Metadata", "study", "usable", "hit", "row_count", "stage"), "STRING")
    rows = [row("1/1.1/1.1.1", **dict.fromkeys(odd, "x")), row("2/2.1/2.1.1", "MR")]
    uri, where = make(TYPES | odd, *rows), "study = 'x' AND usable = 'x' AND hit = 'x'"
    with open_table(uri) as table:
        cohort = table.where(where)
        assert [step.left.instances for step in cohort.attrition_steps()] == [2, 1]
        assert cohort.to_arrow(columns=["Metadata", "study"]).to_pylist() == [
            {"Metadata": "x", "study": "x"}
        ]
    for level in (Level.STUDY, Level.INSTANCE):
        assert built(uri, tmp_path / f"{level}.txt", where, level=level).coverage.lines == 1


def test_a_column_may_be_named_with_its_table(make: MakeTable) -> None:
    with open_table(make(TYPES | VERSIONS, *versions())) as table:
        assert table.where("metadata.Modality = 'MR'").counts().studies == 1


def test_an_empty_table_is_a_table(make: MakeTable, tmp_path: Path) -> None:
    uri = make(TYPES)
    with open_table(uri) as table:
        counts = table.all().counts()
        assert (counts.patients, counts.studies, counts.instances) == (0, 0, 0)
        assert [
            step.left.instances for step in table.where("TRUE OR Modality = 'CT'").attrition_steps()
        ] == [0, 0]
    with pytest.raises(EmptyFilterError):
        built(uri, tmp_path / "f.txt")


LACKING = [
    row("1/1.1/1.1.1", modality="CT"),
    row("1/1.1/1.1.2", modality=None),
    row("2/2.1/2.1.1", modality="MR"),
    row("3/3.1/3.1.1", modality=None),
    row("4/4.1/4.1.1", modality=None, PatientID="patient-3"),
    row("5/5.1/5.1.1", modality=None, StudyDate=None),
    row("5/5.1/5.1.1", modality=None, StudyDate=None),
    row("6/6.1/6.1.1", modality="US", PatientID=None),
    row("-/7.1/7.1.1", modality=None),
]


def test_what_an_exclusion_lacks_a_value_of_is_told_from_another_value(make: MakeTable) -> None:
    with open_table(make(TYPES, *LACKING)) as table:
        cohort = table.where("Modality != 'MR'").where("StudyDate > '2026-01-01' OR FALSE")
        first, second, third = cohort.attrition_steps()
    assert (first.excluded.studies, first.no_value.studies) == (0, 0)
    # Study 1 stays by its other instance; of 2 a value is another; 3, 4 and 5 have none.
    assert (second.excluded.patients, second.no_value.patients) == (3, 2)
    assert (second.excluded.studies, second.no_value.studies) == (4, 3)
    assert (second.excluded.series, second.no_value.series) == (4, 3)
    assert (second.excluded.instances, second.no_value.instances) == (5, 4)
    assert (second.excluded.size_bytes, second.no_value.size_bytes) == (500, 400)
    assert (third.excluded.instances, third.no_value.instances) == (0, 0)


def test_values_are_counted_with_what_has_none(make: MakeTable) -> None:
    with open_table(make(TYPES, *LACKING)) as table:
        counts = table.value_counts("modality")
        years = table.where("Modality IS NULL").value_counts("StudyDate", every="year")
    assert list(counts.columns) == [
        *("value", "patients", "studies", "series", "instances", "size_bytes"),
    ]
    found = {
        "" if pd.isna(value) else value: rest
        for value, *rest in counts.astype(object).itertuples(index=False)
    }
    assert found == {
        "": [3, 4, 4, 4, 400],
        "CT": [1, 1, 1, 1, 100],
        "MR": [1, 1, 1, 1, 100],
        "US": [0, 1, 1, 1, 100],
    }
    assert years["studies"].tolist() == [3, 1]
    assert years["value"].iloc[0] == date(2026, 1, 1)


def test_columns_say_how_they_are_filled(make: MakeTable) -> None:
    with open_table(make(TYPES, *LACKING)) as table:
        found = table.describe(
            "Modality", "StudyDate", "ImageType", "PatientName", "BlobStorageSize"
        )
        few = table.where("Modality = 'CT'").describe("Modality").iloc[0]
    rows = found.set_index("column")
    assert rows["filled"].round(3).tolist() == [0.333, 0.778, 1.0, 1.0, 1.0]
    assert rows["rows"].tolist() == [9] * 5
    assert rows.loc["Modality", ["vr", "meaning", "distinct", "examples"]].tolist() == [
        *("CS", "Modality", 3, "CT, US"),
    ]
    assert rows["distinct"].isna().tolist() == [False, False, True, True, False]
    assert (few["rows"], few["filled"], few["distinct"]) == (1, 1.0, 1)


def test_a_table_answers_as_its_whole_cohort_does(make: MakeTable) -> None:
    with open_table(make(TYPES, *LACKING)) as table:
        assert table.counts() == table.all().counts()
        assert len(table.head(2)) == 2
        assert list(table.head(1, columns=["Modality"]).columns) == ["Modality"]
        assert table.to_arrow().num_rows == len(table.to_dataframe()) == len(LACKING)
        assert table.since(10_000).counts() == table.all().since(10_000).counts()
        ids = pd.DataFrame({"PatientID": ["patient-2", "patient-3"], "note": ["a", "b"]})
        for given in (ids, ids[["PatientID"]], ids["PatientID"], pa.Table.from_pandas(ids)):
            assert table.where_ids(given).counts().studies == 3
            assert table.where_in("PatientID", given).counts().studies == 3
        assert table.all().exclude_ids(ids).counts().studies == 3
        with pytest.warns(UnmatchedWarning, match="1 of 2"):
            table.where_ids(["patient-2", "nobody"]).counts()
        with pytest.raises(IdListError, match="2 columns of identifiers"):
            table.where_ids(ids.assign(StudyInstanceUID="1"))
        with pytest.raises(IdListError, match="no column StudyID"):
            table.where_ids(ids, column="StudyID")
        rows = table.query(
            "SELECT PatientID, COUNT(*) AS n FROM metadata GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        assert rows.to_arrow().num_rows == len(rows) == len(rows.to_dataframe())
        assert [batch.num_rows for batch in rows.to_batches()] == [len(rows)]


def test_threads_count_side_by_side(make: MakeTable) -> None:
    with open_table(make(TYPES, *LACKING)) as table, ThreadPoolExecutor(4) as pool:
        cohorts = [table.where(f"Modality = '{name}'") for name in ("CT", "MR", "US", "XX") * 3]
        found = [counts.studies for counts in pool.map(lambda cohort: cohort.counts(), cohorts)]
    assert found == [1, 1, 1, 0] * 3
