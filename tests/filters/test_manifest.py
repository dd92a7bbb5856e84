"""A manifest says where a filter came from, without values unless asked, and reads back."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dicomfilter
from dicomfilter.cohorts.selection import Selection
from dicomfilter.counts import Coverage
from dicomfilter.engines import open_engine
from dicomfilter.engines.protocol import Fingerprint
from dicomfilter.errors import ManifestError, ParameterError
from dicomfilter.filters.build import BuildOptions, build
from dicomfilter.filters.manifest import SUFFIX, VERSION, Manifest
from dicomfilter.googlesql.types.parameters import Origin, Parameter
from dicomfilter.paths import Level
from dicomfilter.schema import SqlType
from tests.tables import INSTANCES, instance, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TODAY = date(2026, 11, 21)
COVERAGE = Coverage(3, 1, 1, 1, 2, 4, None, 5, 7, 700, 2)
MANIFEST = Manifest(
    tool="0.1.0",
    created="2026-11-21T12:00:00+00:00",
    filter_uri="ct.txt",
    predicates=("Modality = @p1", "PatientID = @id"),
    parameters=(
        Parameter("p1", SqlType.parse("STRING"), "CT", Origin.LITERAL),
        Parameter("id", SqlType.parse("STRING"), "19045"),
    ),
    recorded=True,
    current_date="2026-11-21",
    all_versions=False,
    level=Level.SERIES,
    compact=True,
    skipped_bad_uids=True,
    sql="SELECT 1",
    coverage=COVERAGE,
    size_bytes=123,
    crc32c="mKoKTw==",
    sha256=None,
    table=Fingerprint("a.parquet b.parquet", 9, 10, "2026-01-01", "d1", ("a.parquet", "b.parquet")),
    unmatched=3,
    bytes_processed=99,
    warnings=("2 selected rows …",),
)


def document(manifest: Manifest = MANIFEST) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manifest.to_json())
    return found


# What a build records


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Any]:
    rows = [
        instance("1", "1.1", "1.1.1", StudyDate=TODAY),
        instance("1", "1.1", "1.1.2", "MR", StudyDate=TODAY),
        instance("1", "1.1", None, StudyDate=TODAY),
    ]
    path = write(tmp_path / "metadata.parquet", INSTANCES, rows)
    with open_engine([path]) as engine:
        selection = Selection(engine.schema()).where("modality in ('CT')  -- mine").since(30)
        options = BuildOptions(Level.SERIES, skip_bad_uids=True, today=TODAY)
        build(engine, selection, str(tmp_path / "ct.txt"), options=options)
    found: dict[str, Any] = json.loads((tmp_path / f"ct.txt{SUFFIX}").read_text())
    return found


def test_a_build_records_what_it_did(made: dict[str, Any], tmp_path: Path) -> None:
    text = (tmp_path / "ct.txt").read_bytes()
    assert text == b"/studies/1/series/1.1\n"
    assert made["manifest_version"] == VERSION
    assert made["dicomfilter"] == dicomfilter.__version__
    assert made["filter"]["uri"] == str(tmp_path / "ct.txt")
    assert made["filter"]["size_bytes"] == len(text)
    selection = made["selection"]
    assert selection["predicates"] == [
        "Modality IN (@p1)",
        "StudyDate >= DATE_SUB(@current_date, INTERVAL (@since_days) DAY)",
    ]
    assert selection["parameters"] == [
        {"name": "p1", "type": "STRING"},
        {"name": "current_date", "type": "DATE", "value": "2026-11-21"},
        {"name": "since_days", "type": "INT64"},
    ]
    assert selection["current_date"] == "2026-11-21"
    assert (selection["level"], selection["compact"]) == ("series", False)
    assert (selection["all_versions"], selection["skip_bad_uids"]) == (False, True)
    assert made["bytes_processed"] is None


def test_checksums_are_those_of_the_file(made: dict[str, Any], tmp_path: Path) -> None:
    import base64
    import hashlib

    import google_crc32c

    text = (tmp_path / "ct.txt").read_bytes()
    crc = google_crc32c.value(text).to_bytes(4, "big")
    assert made["filter"]["sha256"] == hashlib.sha256(text).hexdigest()
    assert made["filter"]["crc32c"] == base64.b64encode(crc).decode()


def test_counts_are_of_each_level_and_of_what_matched(made: dict[str, Any]) -> None:
    counts = made["counts"]
    assert (counts["lines"], counts["series_lines"], counts["instance_lines"]) == (1, 1, 0)
    assert (counts["matched_instances"], counts["covered_instances"]) == (1, 2)
    assert (counts["size_bytes"], counts["rejected_rows"]) == (200, 1)
    assert made["warnings"] == [
        "1 selected row has a NULL or unusable UID and was left out",
        "1 of these stand in a study or series that a line covers",
        "1 instances matched; whole series cover 2",
    ]


def test_the_query_is_googlesql_over_the_table_by_name(made: dict[str, Any]) -> None:
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(made["sql"], dialect="bigquery")
    assert {t.name for t in tree.find_all(exp.Table)} == {"metadata"}
    assert {p.name for p in tree.find_all(exp.Parameter)} == {"p1", "current_date", "since_days"}
    assert "'CT'" not in made["sql"]


def test_the_tables_state_is_told(made: dict[str, Any], tmp_path: Path) -> None:
    table = made["table"]
    assert table["uri"] == str(tmp_path / "metadata.parquet")
    assert table["size_bytes"] == (tmp_path / "metadata.parquet").stat().st_size
    assert len(table["digest"]) == 64
    assert table["names"] == []


# Inverses


def test_a_manifest_reads_back() -> None:
    back = Manifest.parse(MANIFEST.to_json())
    known = {"parameters"}  # what is lifted and what is given are both just given then
    before, after = asdict(MANIFEST), asdict(back)
    assert {k: v for k, v in after.items() if k not in known} == {
        k: v for k, v in before.items() if k not in known
    }
    assert [(p.name, p.type, p.value) for p in back.parameters] == [
        (p.name, p.type, p.value) for p in MANIFEST.parameters
    ]
    assert Manifest.parse(back.to_json()) == back
    assert back.to_json() == MANIFEST.to_json()


def test_values_are_left_out_unless_they_were_to_be_recorded() -> None:
    silent = replace(MANIFEST, recorded=False)
    assert "19045" not in silent.to_json()
    back = Manifest.parse(silent.to_json())
    assert not back.recorded
    assert [p.value for p in back.parameters] == [None, None]
    assert back.to_json() == silent.to_json()


@given(
    value=st.one_of(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.integers(-(2**63), 2**63 - 1),
        st.booleans(),
        st.floats(allow_nan=False),
        st.dates(),
        st.times(),
        st.datetimes(),
        st.binary(),
        st.lists(st.text(st.characters(exclude_categories=["Cs"]))),
        st.lists(st.dates(), min_size=1),
    )
)
def test_recorded_values_of_every_type_read_back(value: object) -> None:
    parameter = Parameter.of("v", value)
    manifest = replace(MANIFEST, parameters=(parameter,))
    (back,) = Manifest.parse(manifest.to_json()).parameters
    assert back == parameter


def test_a_recorded_null_is_known() -> None:
    null = Parameter("n", SqlType.parse("INT64"), None)
    back = Manifest.parse(replace(MANIFEST, parameters=(null,)).to_json())
    assert back.replayed([]) == (null,)


def test_the_date_of_the_run_is_no_parameter_to_give() -> None:
    clock = Parameter("current_date", SqlType.parse("DATE"), TODAY, Origin.CLOCK)
    manifest = replace(MANIFEST, parameters=(clock,), recorded=False)
    assert document(manifest)["selection"]["parameters"][0]["value"] == "2026-11-21"
    back = Manifest.parse(manifest.to_json())
    assert [p.origin for p in back.parameters] == [Origin.CLOCK]
    assert back.replayed([]) == ()
    assert document(replace(back, parameters=(replace(clock),))) == document(manifest)


# Bad documents


def edited(change: Callable[[dict[str, Any]], object]) -> str:
    found = document()
    change(found)
    return json.dumps(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "3",
        '"text"',
        "{}",
        "/studies/1\n",
        "[" * 100_000,
        edited(lambda d: d.pop("selection")),
        edited(lambda d: d.pop("counts")),
        edited(lambda d: d["counts"].pop("lines")),
        edited(lambda d: d["counts"].update(more=1)),
        edited(lambda d: d["filter"].pop("crc32c")),
        edited(lambda d: d["table"].update(colour="red")),
        edited(lambda d: d["selection"].update(level="patient")),
        edited(lambda d: d["selection"].update(current_date="yesterday")),
        edited(lambda d: d["selection"].update(current_date=None)),
        edited(lambda d: d["selection"].update(parameters=[{"name": "p1"}])),
        edited(lambda d: d["selection"].update(parameters=["p1"])),
        edited(lambda d: d.update(warnings=None)),
    ],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ManifestError, match="not a manifest") as caught:
        Manifest.parse(text)
    assert caught.value.exit_status == 2


def test_a_manifest_of_a_later_form_is_refused_with_the_way_out() -> None:
    with pytest.raises(ManifestError, match="form 2, and this version reads form 1") as caught:
        Manifest.parse(edited(lambda d: d.update(manifest_version=2)))
    assert "install the dicomfilter that wrote it" in str(caught.value.hint)


def test_a_type_or_value_that_is_none_is_said() -> None:
    wrong_type = [{"name": "p1", "type": "TEXT"}]
    with pytest.raises(ValueError, match="TEXT"):
        Manifest.parse(edited(lambda d: d["selection"].update(parameters=wrong_type)))
    wrong_value = [{"name": "p1", "type": "INT64", "value": "many"}]
    with pytest.raises(ParameterError, match="p1"):
        Manifest.parse(edited(lambda d: d["selection"].update(parameters=wrong_value)))


# Replaying

READ = Manifest.parse(MANIFEST.to_json())


def test_a_recorded_manifest_needs_no_values() -> None:
    assert [p.value for p in READ.replayed([])] == ["CT", "19045"]


def test_values_that_are_given_go_before_recorded_ones() -> None:
    given_ = Parameter.of("id", "19046")
    assert [p.value for p in READ.replayed([given_])] == ["CT", "19046"]


def test_a_value_that_was_not_recorded_is_asked_for() -> None:
    silent = Manifest.parse(replace(MANIFEST, recorded=False).to_json())
    with pytest.raises(ParameterError, match="does not record the value of @p1") as caught:
        silent.replayed([Parameter.of("id", "x")])
    assert caught.value.hint == "give it with --param p1:STRING:VALUE"
    assert caught.value.exit_status == 2
    filled = silent.replayed([Parameter.of("id", "x"), Parameter.of("p1", "CT")])
    assert [(p.name, p.value) for p in filled] == [("p1", "CT"), ("id", "x")]


def test_a_value_of_another_type_or_name_is_refused() -> None:
    with pytest.raises(ParameterError, match="@id is STRING in the manifest, not INT64"):
        READ.replayed([Parameter.of("id", 19045)])
    with pytest.raises(ParameterError, match="no parameter @ids"):
        READ.replayed([Parameter.of("ids", "19045")])


# What changed


def test_nothing_has_changed() -> None:
    assert MANIFEST.changes(replace(MANIFEST, created="later", filter_uri="other.txt")) == ()


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"tool": "0.2.0"}, "dicomfilter 0.1.0 made it, this is 0.2.0"),
        (
            {"table": replace(MANIFEST.table, uri="c.parquet", digest="d2")},
            "table was a.parquet b.parquet, now c.parquet",
        ),
        (
            {"table": replace(MANIFEST.table, modified="2026-02-02", digest="d2")},
            "the table has changed: modified 2026-01-01, now 2026-02-02",
        ),
        (
            {"coverage": replace(COVERAGE, covered_instances=1234)},
            "covered instances: 7, now 1,234",
        ),
        ({"coverage": replace(COVERAGE, size_bytes=None)}, "size bytes: 700, now unknown"),
    ],
)
def test_each_change_is_said(now: dict[str, Any], said: str) -> None:
    assert MANIFEST.changes(replace(MANIFEST, **now)) == (said,)


def test_all_changes_are_said_at_once() -> None:
    counts = replace(COVERAGE, lines=4, rejected_rows=0)
    now = replace(MANIFEST, tool="0.2.0", coverage=counts)
    assert MANIFEST.changes(now) == (
        "dicomfilter 0.1.0 made it, this is 0.2.0",
        "lines: 3, now 4",
        "rejected rows: 2, now 0",
    )
