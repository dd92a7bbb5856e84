"""A build on BigQuery gives what the same build over a local file gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines import open_engine
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.errors import EmptyFilterError, UnusableUidError
from dicomfilter.filters.build import BuildOptions, build
from dicomfilter.paths import Level

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.bigquery import BigQueryServer, LoadTable

pytestmark = pytest.mark.cloud
COLUMNS = """
    StudyInstanceUID STRING, SeriesInstanceUID STRING, SOPInstanceUID STRING,
    Modality STRING, StudyDate DATE, ImageType ARRAY<STRING>,
    PatientName STRUCT<Alphabetic STRUCT<FamilyName STRING>>, BlobStorageSize INT64
"""
VERSIONS = ", LastUpdated TIMESTAMP, Type STRING"
OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"


def row(uids: str, modality: str | None, **rest: object) -> dict[str, Any]:
    """Make a row from ``study/series/instance``, where ``-`` is NULL."""
    names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    values = [None if uid == "-" else uid for uid in uids.split("/")]
    plain = {"StudyDate": "2020-01-01", "ImageType": ["PRIMARY"], "BlobStorageSize": 10}
    name = {"Alphabetic": {"FamilyName": "DOE"}}
    return {
        **dict(zip(names, values, strict=True)),
        "Modality": modality,
        "PatientName": name,
        **plain,
        **rest,
    }


PLAIN = (
    row("1/1.1/1.1.1", "CT"),
    row("1/1.1/1.1.1", "CT"),
    row("1/1.1/1.1.2", "CT", StudyDate=None),
    row("1/1.2/1.2.1", "MR", BlobStorageSize=None),
    row("2/2.1/2.1.1", "CT", ImageType=[]),
    row("3/3.1/3.1.1", None),
    row("3/3.1/3.1.01", "CT"),
)
BAD = (
    row("4/4.1/-", "CT"),
    row("-/4.1/4.1.1", "CT"),
    row("4/4.1/4.1.x", "CT"),
    row("4//4.2", "CT"),
)
VERSIONED = (
    row("1/1.1/1.1.1", "CT", LastUpdated=OLD, Type="CREATE"),
    row("1/1.1/1.1.1", "MR", LastUpdated=NEW, Type="CREATE"),
    row("1/1.1/1.1.2", "CT", LastUpdated=OLD, Type="CREATE"),
    row("1/1.1/1.1.2", "CT", LastUpdated=NEW, Type="DELETE"),
    row("2/2.1/2.1.1", "CT", LastUpdated=NEW, Type="CREATE"),
    row("2/2.1/2.1.1", "CT", LastUpdated=NEW, Type="DELETE"),
    row("3/3.1/3.1.1", "MR", LastUpdated=None, Type=None),
    row("3/3.1/3.1.1", "CT", LastUpdated=OLD, Type=None),
    row("5/5.1/5.1.1", "CT", LastUpdated=OLD, Type="CREATE"),
)
COMMAND = (sys.executable, "-c", "from dicomfilter.cli import main; main()")
PREDICATES = (
    "Modality = 'CT'",
    "'PRIMARY' IN UNNEST(ImageType)",
    "StudyDate >= '2019-12-31' AND PatientName.Alphabetic.FamilyName LIKE 'D%'",
)
SHAPES = [
    (level, compact)
    for level in Level
    for compact in (False, True)
    if not (compact and level is Level.STUDY)
]


def outcome(uri: str, predicate: str, target: Path, options: BuildOptions) -> tuple[Any, ...]:
    with open_engine([uri]) as engine:
        selection = Selection(engine.schema()).where(predicate)
        built = build(engine, selection, str(target), options=options)
    rejected = target.with_name(target.name + ".rejected.csv")
    listed = sorted(rejected.read_text().splitlines()) if rejected.exists() else None
    return sorted(target.read_text().splitlines()), astuple(built.coverage), listed


def local_twin(folder: Path, rows: tuple[dict[str, Any], ...]) -> str:
    path = folder / "metadata.ndjson"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return str(path)


@pytest.mark.parametrize(
    ("predicate", "level", "compact"),
    [
        *((PREDICATES[0], level, compact) for level, compact in SHAPES),
        *((predicate, Level.INSTANCE, True) for predicate in PREDICATES[1:]),
    ],
)
def test_each_cover_is_the_same_on_both_engines(
    load_table: LoadTable, tmp_path: Path, predicate: str, *, level: Level, compact: bool
) -> None:
    options = BuildOptions(level=level, compact=compact, skip_bad_uids=True)
    there = load_table(COLUMNS, *PLAIN, *BAD)
    here = local_twin(tmp_path, (*PLAIN, *BAD))
    remote = outcome(there, predicate, tmp_path / "remote.txt", options)
    assert remote == outcome(here, predicate, tmp_path / "local.txt", options)
    assert remote[0]


@pytest.mark.parametrize(("level", "compact"), SHAPES)
def test_the_current_state_is_the_same_on_both_engines(
    load_table: LoadTable, tmp_path: Path, *, level: Level, compact: bool
) -> None:
    options = BuildOptions(level=level, compact=compact)
    there = load_table(COLUMNS + VERSIONS, *VERSIONED)
    here = local_twin(tmp_path, VERSIONED)
    remote = outcome(there, "Modality = 'CT'", tmp_path / "remote.txt", options)
    assert remote == outcome(here, "Modality = 'CT'", tmp_path / "local.txt", options)
    studies = {line.split("/")[2] for line in remote[0]}
    assert studies == {"3", "5"}


def test_rejected_rows_stop_a_build(load_table: LoadTable, tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    with open_engine([load_table(COLUMNS, *PLAIN, *BAD)]) as engine:
        selection = Selection(engine.schema()).where("Modality = 'CT'")
        with pytest.raises(UnusableUidError):
            build(engine, selection, str(target))
        with pytest.raises(EmptyFilterError):
            build(engine, Selection(engine.schema()).where("Modality = 'US'"), str(target))
    assert not list(tmp_path.iterdir())


def test_a_temporary_dataset_changes_nothing_of_the_result(
    load_table: LoadTable, tmp_path: Path, dataset: str
) -> None:
    uri = load_table(COLUMNS, *PLAIN)
    with open_engine([uri], options=EngineOptions(temp_dataset=dataset)) as engine:
        selection = Selection(engine.schema()).where("Modality = 'CT'")
        build(engine, selection, str(tmp_path / "a.txt"))
    expected = outcome(uri, "Modality = 'CT'", tmp_path / "b.txt", BuildOptions())
    assert sorted((tmp_path / "a.txt").read_text().splitlines()) == expected[0]


def test_the_command_needs_only_the_emulators_address(
    load_table: LoadTable, bigquery_server: BigQueryServer, tmp_path: Path
) -> None:
    uri, target = load_table(COLUMNS, *PLAIN), tmp_path / "f.txt"
    address = bigquery_server.environment["BIGQUERY_EMULATOR_HOST"]
    kept = {k: v for k, v in os.environ.items() if "EMULATOR" not in k}
    done = subprocess.run(
        [
            *COMMAND,
            "build",
            uri,
            "--where",
            "StudyInstanceUID = '2'",
            "--level",
            "study",
            "-o",
            target,
        ],
        env={**kept, "BIGQUERY_EMULATOR_HOST": address},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert target.read_text() == "/studies/2\n"
    assert "Traceback" not in done.stderr
