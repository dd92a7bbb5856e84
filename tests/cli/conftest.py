"""A folder to work in, with small tables of every kind."""

from __future__ import annotations

import datetime as dt
import shutil
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from tests import tables

if TYPE_CHECKING:
    from pathlib import Path

TODAY = dt.datetime.now(dt.UTC).date()
PATIENTS = {"19045": 3, "19046": 500, "00123": 30}
"""Three patients, and how many days ago their one study was."""


def rows() -> list[dict[str, object]]:
    """Make two series a study, CT and MR, of three instances each."""
    return [
        tables.instance(
            f"1.{study}",
            f"1.{study}.{series}",
            f"1.{study}.{series}.{number}",
            "CT" if series == 1 else "MR",
            PatientID=patient,
            StudyDate=TODAY - dt.timedelta(days=days),
        )
        for study, (patient, days) in enumerate(PATIENTS.items(), start=1)
        for series in (1, 2)
        for number in (1, 2, 3)
    ]


@pytest.fixture(scope="session")
def _desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    tables.write(folder / "metadata.parquet", tables.INSTANCES, rows())
    (folder / "metadata").mkdir()
    for number, part in enumerate((rows()[:9], rows()[9:])):
        tables.write(folder / f"metadata/part-{number}.parquet", tables.INSTANCES, part)
    bad = [*rows(), tables.instance("1.9", "1.9.1", None), tables.instance("1.9", "1.9.1", "x")]
    tables.write(folder / "bad.parquet", tables.INSTANCES, bad)
    series = [
        {"StudyInstanceUID": "1.1", "SeriesInstanceUID": f"1.1.{n}", "Modality": "CT"}
        for n in (1, 2)
    ]
    parquet.write_table(pa.Table.from_pylist(series), folder / "sizeless.parquet")
    csv.write_csv(pa.table({"a": [1], "b": [2]}), folder / "no-uids.csv")
    (folder / "cohort.csv").write_text("PatientID,Arm\n19045,A\nunheard-of,B\n")
    return folder


@pytest.fixture
def desk(_desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder of one's own with the tables in it, and stand in it."""
    folder = tmp_path / "desk"
    shutil.copytree(_desk, folder)
    monkeypatch.chdir(folder)
    return folder
