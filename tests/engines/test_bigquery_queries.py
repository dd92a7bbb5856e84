"""Each named query gives the same rows on BigQuery and over a local file."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.cohorts.named_queries import NamedQuery, named_queries, run_query
from dicomfilter.engines import open_engine
from dicomfilter.googlesql.types.parameters import Parameter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.bigquery import LoadTable

pytestmark = pytest.mark.cloud
COLUMNS = """
    PatientID STRING, StudyInstanceUID STRING, SeriesInstanceUID STRING, SOPInstanceUID STRING,
    StudyDate DATE, Modality STRING, BodyPartExamined STRING,
    OtherElements ARRAY<STRUCT<Tag STRING, Data ARRAY<STRING>>>,
    DroppedTags ARRAY<STRUCT<TagName STRING>>, LastUpdated TIMESTAMP, Type STRING
"""
VALUES = {"n": 2, "modality": "CT", "patient_id": "P1"}


def row(uids: str, modality: str, date: str, **rest: object) -> dict[str, Any]:
    patient, study, series, sop = uids.split("/")
    return {
        "PatientID": patient,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "SOPInstanceUID": sop,
        "Modality": modality,
        "StudyDate": date,
        "BodyPartExamined": "CHEST",
        "OtherElements": [{"Tag": "Tag_00091001", "Data": ["x"]}],
        "DroppedTags": [{"TagName": "PixelData"}, {"TagName": "AudioSampleData"}],
        "LastUpdated": "2021-01-01T00:00:00Z",
        "Type": "CREATE",
        **rest,
    }


ROWS = (
    row("P1/1/1.1/1.1.1", "CT", "2020-01-01"),
    row("P1/1/1.1/1.1.2", "CT", "2020-01-01", OtherElements=[]),
    row("P1/1/1.2/1.2.1", "MR", "2020-01-01", BodyPartExamined=None),
    row("P2/2/2.1/2.1.1", "CT", "2021-01-01", DroppedTags=[]),
    row("P2/2/2.1/2.1.1", "CT", "2021-01-01", LastUpdated="2022-01-01T00:00:00Z", Type="DELETE"),
    row("P3/3/3.1/3.1.1", "US", "2019-01-01"),
)


def answer(uri: str, query: NamedQuery) -> list[dict[str, Any]]:
    parameters = [Parameter(name, of, VALUES[name]) for name, of in query.parameters]
    with open_engine([uri]) as engine:
        rows = run_query(engine, query, parameters=parameters, today=dt.date(2024, 1, 1))
        found: list[dict[str, Any]] = rows.read_all().to_pylist()
    return found


@pytest.mark.parametrize("query", named_queries(), ids=lambda query: query.name)
def test_a_named_query_gives_the_same_on_both_engines(
    load_table: LoadTable, tmp_path: Path, query: NamedQuery
) -> None:
    path = tmp_path / "metadata.ndjson"
    path.write_text("".join(json.dumps(each) + "\n" for each in ROWS))
    remote = answer(load_table(COLUMNS, *ROWS), query)
    local = answer(str(path), query)
    if "ORDER BY" not in query.sql:
        remote, local = sorted(remote, key=str), sorted(local, key=str)
    assert remote == local
    assert remote
