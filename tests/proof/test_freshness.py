"""A table of metadata against its store: by age, by content, and where that cannot be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import dicomfilter as dcf
from dicomfilter.dicom.headers.survey import Changes
from dicomfilter.errors import GateError, UsageError
from dicomfilter.proof.freshness import judge
from dicomfilter.proof.freshness_limits import Limits, age_of, share_of
from dicomfilter.proof.freshness_signals import CohortSeen, Held, Signals
from tests.localcloud.dicom import write_instances

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.localcloud.bigquery import LoadTable
    from tests.localcloud.healthcare import Control
    from tests.localcloud.stack import Cloud

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
OLD, NEW = NOW - timedelta(days=3), NOW - timedelta(hours=1)
HELD = Held(10, 20, 10_000)
BATCH = Signals("bq://p.d.t", "s", written=NEW, streamed=False, held=HELD, in_store=HELD)
STREAM = replace(BATCH, streamed=True)
ALONE = Signals("bq://p.d.t", written=OLD, may_be_streamed=True)
MORE, FEWER = Held(10, 20, 10_100), Held(10, 20, 9_900)
COHORT = CohortSeen(5, 5, instances=500)


@pytest.mark.parametrize(
    ("signals", "verdict"),
    [
        (BATCH, "fresh"),
        (replace(BATCH, written=OLD), "stale"),
        (replace(BATCH, written=None), "unknown"),
        (replace(BATCH, in_store=MORE), "drifted"),
        (replace(BATCH, in_store=FEWER), "drifted"),
        (replace(BATCH, in_store=MORE, written=OLD), "stale"),
        (replace(BATCH, in_store=Held(10, 20, 10_005)), "fresh"),  # within a thousandth
        (replace(BATCH, in_store=Held(11, 20, 10_000)), "drifted"),
        # a quiet weekend does not make a streamed table stale, a difference does
        (replace(STREAM, written=OLD), "fresh"),
        (replace(STREAM, written=OLD, in_store=MORE), "stale"),
        (replace(STREAM, in_store=MORE), "drifted"),
        (replace(STREAM, in_store=MORE, streaming_rows=100), "lagging"),
        (replace(STREAM, in_store=MORE, streaming_rows=99), "drifted"),
        (replace(STREAM, in_store=FEWER, recent=100), "lagging"),
        (replace(STREAM, in_store=FEWER, recent=99), "drifted"),
        (replace(STREAM, in_store=FEWER, streaming_rows=500), "drifted"),
        (replace(STREAM, streaming_rows=1), "lagging"),
        (replace(STREAM, recent=1), "lagging"),
        # what could not be asked is neither
        (replace(STREAM, missing=("no metrics",), in_store=None), "unknown"),
        (replace(BATCH, missing=("no streamConfigs",), streamed=None), "unknown"),
        # without a store
        (replace(ALONE, written=NEW), "fresh"),
        (replace(ALONE, written=NEW, streaming_rows=3), "lagging"),
        (ALONE, "unknown"),
        (replace(ALONE, may_be_streamed=False), "stale"),
        (replace(ALONE, written=None), "unknown"),
        (replace(ALONE, written=NEW, staleness=timedelta(days=2)), "unknown"),
        # a cohort
        (replace(STREAM, cohort=COHORT), "fresh"),
        (replace(STREAM, cohort=replace(COHORT, larger=1, more=41)), "drifted"),
        (replace(STREAM, cohort=replace(COHORT, gone=1, fewer=41)), "drifted"),
        (replace(STREAM, cohort=replace(COHORT, larger=1, more=3), streaming_rows=3), "lagging"),
        (replace(STREAM, cohort=replace(COHORT, studies=9)), "unknown"),
        (replace(STREAM, in_store=MORE, cohort=COHORT), "unknown"),
        (replace(STREAM, in_store=MORE, cohort=replace(COHORT, is_named=True)), "fresh"),
        # a folder
        (Signals("t.parquet", "/s", pending=Changes()), "fresh"),
        (Signals("t.parquet", "/s", pending=Changes(added=1)), "drifted"),
        (Signals("t.parquet", "/s", pending=Changes(gone=1)), "drifted"),
        (Signals("t.parquet", "/s", pending=Changes(changed=1)), "drifted"),
        (Signals("t.parquet", "/s", missing=("no index",)), "unknown"),
    ],
)
def test_each_kind_of_table_gets_its_verdict(signals: Signals, verdict: str) -> None:
    found = judge(signals, Limits(), NOW)
    assert found.verdict == verdict
    assert found.reasons
    assert found.is_fresh == (verdict in {"fresh", "lagging"})
    assert found.to_dict()["verdict"] == verdict
    assert f"{verdict}: " in repr(found)
    assert verdict in found._repr_html_()


def test_a_gate_stops_what_is_not_fresh() -> None:
    judge(BATCH, Limits(), NOW).require()
    with pytest.raises(GateError, match=r"is stale: .*nothing was started") as stopped:
        judge(replace(BATCH, written=OLD), Limits(), NOW).require()
    assert stopped.value.exit_status == 9


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "0h", "1.5h", "24 h", "1y", "٣h"])
def test_an_age_is_a_number_and_a_unit(text: str) -> None:
    with pytest.raises(UsageError, match="no age"):
        age_of(text)


@pytest.mark.parametrize("text", ["", "1", "101%", "-1%", "%", "x%", 1.5])
def test_a_share_is_a_part_of_a_whole(text: Any) -> None:
    with pytest.raises(UsageError, match="no share"):
        share_of(text)


# the local cloud


COLUMNS = (
    "StudyInstanceUID STRING, SeriesInstanceUID STRING, SOPInstanceUID STRING, Modality STRING, "
    "LastUpdated TIMESTAMP, Type STRING"
)


@pytest.fixture
def place(cloud: Cloud, load_table: LoadTable) -> tuple[str, str]:
    """Make a store and a narrow table of it, which takes a tenth of the time of an export."""
    store = cloud.make_store()
    every = cloud.healthcare.control.instances(store)
    studies = sorted({each.study for each in every})
    rows = [
        {
            "StudyInstanceUID": each.study,
            "SeriesInstanceUID": each.series,
            "SOPInstanceUID": each.instance,
            "Modality": "CT" if studies.index(each.study) < 9 else "MR",
            "LastUpdated": datetime.now(UTC).isoformat(),
            "Type": "CREATE",
        }
        for each in every
    ]
    return load_table(COLUMNS, *rows), store


def stream(control: Control, store: str, table: str) -> None:
    config = {"bigqueryDestination": {"tableUri": table}}
    control.set(details={store: {"streamConfigs": [config]}})


def test_a_table_follows_its_store(
    place: tuple[str, str], hc_control: Control, bq_set: Callable[..., None], tmp_path: Path
) -> None:
    # what each of these signals means alone is in the table above
    table, store = place
    soon = datetime.now(UTC) + timedelta(hours=1)
    late = datetime.now(UTC) + timedelta(days=3)
    assert dcf.freshness(table, store, now=late).verdict == "stale"
    assert dcf.freshness(table, now=late).verdict == "unknown"
    stream(hc_control, store, table)
    found = dcf.freshness(table, store, now=late)
    assert (found.verdict, found.signals.streamed) == ("fresh", True)
    hc_control.set(metrics_lag_s=3600)  # metrics that have heard of nothing yet
    assert dcf.freshness(table, store, now=soon).verdict == "drifted"
    hc_control.set(metrics_lag_s=0)
    # more in the store than in the table, which then streams still
    write_instances(tmp_path, 3)
    hc_control.add(store, tmp_path)
    assert dcf.freshness(table, store, now=soon).verdict == "drifted"
    name = table.removeprefix("bq://")
    bq_set(details={name: {"streamingBuffer": {"estimatedRows": "3", "estimatedBytes": "1"}}})
    assert dcf.freshness(table, store, now=soon).verdict == "lagging"


def test_a_cohort_is_asked_study_by_study(place: tuple[str, str], hc_control: Control) -> None:
    table, store = place
    soon = datetime.now(UTC) + timedelta(hours=1)

    def seen(**options: Any) -> Any:
        return dcf.freshness(table, store, now=soon, where=["Modality = 'CT'"], **options)

    whole = seen()
    assert (whole.verdict, whole.signals.cohort.larger) == ("fresh", 0)
    assert seen(max_requests=1).verdict == "unknown"
    with dcf.open_table(table) as opened:
        rows = opened.where("Modality = 'CT'").to_arrow(columns=["SOPInstanceUID"]).to_pylist()
    hc_control.remove(store, rows[0]["SOPInstanceUID"])
    changed = seen()
    assert changed.verdict == "drifted"
    assert changed.signals.cohort.smaller + changed.signals.cohort.gone == 1
    other = dcf.freshness(table, store, now=soon, where=["Modality = 'MR'"])
    assert other.verdict == "unknown"  # whether others would belong to it cannot be told
    said = repr(changed) + str(changed.to_dict())
    assert not [row for row in rows if row["SOPInstanceUID"] in said]


def test_what_cannot_be_asked_is_unknown(place: tuple[str, str], hc_control: Control) -> None:
    table, store = place
    hc_control.set(denied=["healthcare.dicomStores.get"])
    found = dcf.freshness(table, store)
    assert found.verdict == "unknown"
    assert "healthcare.dicomStores.get is needed" in found.reasons[0]
    hc_control.set(denied=["healthcare.dicomStores.dicomWebRead"])
    assert dcf.freshness(table, store, where=["Modality = 'CT'"]).verdict == "unknown"


# a folder


def test_an_index_follows_its_folder(tmp_path: Path) -> None:
    folder, table = tmp_path / "images", tmp_path / "metadata.parquet"
    folder.mkdir()
    write_instances(folder, 2)
    dcf.index_folder(folder, table)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert dcf.freshness(table, folder).verdict == "fresh"
    (folder / "notes.txt").write_text("no image")
    assert dcf.freshness(table, folder).verdict == "fresh"
    first = next(iter(sorted(folder.rglob("*.dcm"))))
    first.unlink()
    found = dcf.freshness(table, folder)
    assert (found.verdict, found.signals.pending) == ("drifted", Changes(gone=1, read=1))
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    assert not (folder / ".dicomfilter").exists()
    with pytest.raises(UsageError, match="as a whole"):
        dcf.freshness(table, folder, where=["Modality = 'CT'"])
    other = tmp_path / "other.parquet"
    other.write_bytes(table.read_bytes())
    assert dcf.freshness(other, folder).verdict == "unknown"  # no list beside it
