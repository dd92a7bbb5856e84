"""What may not be as it was meant is said: in counts and names of columns, never in values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from dicomfilter.cohorts.ids.id_lists import IdList, read_ids
from dicomfilter.cohorts.ids.unmatched import unmatched_ids
from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.warnings import caveats
from dicomfilter.engines import open_engine
from tests.tables import INSTANCES, STREAMED, instance, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Choose = Callable[[Selection], Selection]

TODAY = date(2026, 11, 21)
NEW = date(2026, 11, 1)


def said(path: str, choose: Choose, *, all_versions: bool = False) -> tuple[str, ...]:
    with open_engine([path]) as engine:
        selection = choose(Selection(engine.schema(), all_versions=all_versions))
        return caveats(engine, selection, unmatched_ids(engine, selection), today=TODAY)


def table(path: Path, **columns: list[Any]) -> str:
    uids = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.1"}
    size = len(next(iter(columns.values())))
    sops = {"SOPInstanceUID": [f"1.1.{number}" for number in range(size)]}
    whole = {name: [uid] * size for name, uid in uids.items()} | sops | columns
    parquet.write_table(pa.table(whole), path)
    return str(path)


@pytest.fixture
def plain(tmp_path: Path) -> str:
    rows = [
        instance("1", "1.1", "1.1.1", StudyDate=NEW),
        instance("2", "2.1", "2.1.1", StudyDate=None),
        instance("3", "3.1", "3.1.1", "MR", StudyDate=None),
    ]
    return write(tmp_path / "t.parquet", INSTANCES, rows)


def test_nothing_is_said_where_nothing_is_odd(plain: str) -> None:
    assert said(plain, lambda s: s) == ()
    assert said(plain, lambda s: s.where("Modality = 'CT' AND StudyDate IS NULL")) == ()
    assert said(plain, lambda s: s.where_in(IdList.of("PatientID", ["patient-1"]))) == ()


# Ages


def test_rows_without_a_date_are_counted_where_an_age_leaves_them_out(plain: str) -> None:
    assert said(plain, lambda s: s.since(30)) == ("2 rows without a StudyDate were left out",)


def test_only_rows_that_the_other_clauses_select_are_counted(plain: str) -> None:
    one = ("1 row without a StudyDate was left out",)
    assert said(plain, lambda s: s.since(30).where("Modality = 'CT'")) == one
    assert said(plain, lambda s: s.where("Modality = 'CT'").since(30)) == one
    assert said(plain, lambda s: s.where("PatientID = 'patient-1'").since(30)) == ()
    listed = IdList.of("PatientID", ["patient-3"])
    assert said(plain, lambda s: s.since(30).where_in(listed)) == one


def test_rows_without_a_date_are_those_of_the_current_state(tmp_path: Path) -> None:
    old, new = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2))
    rows = [
        instance("1", "1.1", "1.1.1", StudyDate=None, LastUpdated=old, Type="CREATE"),
        instance("1", "1.1", "1.1.1", StudyDate=NEW, LastUpdated=new, Type="CREATE"),
        instance("1", "1.1", "1.1.2", StudyDate=None, LastUpdated=new, Type="DELETE"),
        instance("1", "1.1", "1.1.3", StudyDate=None, LastUpdated=new, Type="CREATE"),
    ]
    path = write(tmp_path / "t.parquet", STREAMED, rows)
    assert said(path, lambda s: s.since(30)) == ("1 row without a StudyDate was left out",)
    every = said(path, lambda s: s.since(30), all_versions=True)
    assert every == ("3 rows without a StudyDate were left out",)


# Texts that are no values of their column's type


def test_texts_that_are_no_dates_are_counted_where_a_clause_reads_them(tmp_path: Path) -> None:
    dates = ["2026-11-01", "20261101", "never", "", None]
    path = table(tmp_path / "t.parquet", StudyDate=dates, Modality=["CT"] * 5)
    two = "2 values of StudyDate could not be read as its type and count as NULL"
    assert said(path, lambda s: s.where("StudyDate >= '2020-01-01'")) == (two,)
    assert said(path, lambda s: s.where("Modality = 'CT'")) == ()
    assert said(path, lambda s: s.since(30)) == ("3 rows without a StudyDate were left out", two)


def test_a_moment_that_cannot_be_read_is_said_where_it_decides(tmp_path: Path) -> None:
    path = table(
        tmp_path / "t.parquet",
        LastUpdated=["2026-01-01T00:00:00Z", "Tuesday"],
        Type=["CREATE", "DELETE"],
        Modality=["CT", "CT"],
    )
    one = "1 value of LastUpdated could not be read as its type and counts as NULL"
    assert said(path, lambda s: s) == (one,)
    assert said(path, lambda s: s.where("Modality = 'CT'")) == (one,)
    assert said(path, lambda s: s, all_versions=True) == ()


# Lists


def test_identifiers_that_match_nothing_are_counted_by_column(plain: str) -> None:
    def choose(selection: Selection) -> Selection:
        patients = IdList.of("PatientID", ["patient-1", "smith", "jones"])
        return selection.where_in(patients).where_in(IdList.of("StudyInstanceUID", ["1", "99"]))

    assert said(plain, choose) == (
        "2 of 3 values of PatientID match no row of the table",
        "1 of 2 values of StudyInstanceUID matches no row of the table",
    )
    assert "smith" not in str(said(plain, choose))


def test_lists_of_joined_selections_are_looked_at_too(plain: str) -> None:
    def choose(selection: Selection) -> Selection:
        a = selection.where_in(IdList.of("PatientID", ["patient-1", "smith"]))
        b = selection.where_in(IdList.of("PatientID", ["patient-2", "jones", "miller"]))
        return a.either(b).without(selection.where_in(IdList.of("StudyInstanceUID", ["7"])))

    assert said(plain, choose) == (
        "1 of 2 values of PatientID matches no row of the table",
        "2 of 3 values of PatientID match no row of the table",
        "the one value of StudyInstanceUID in the call matches no row of the table",
    )


def test_what_a_spreadsheet_did_to_a_list_is_said_with_its_file(plain: str, tmp_path: Path) -> None:
    file = tmp_path / "cohort.csv"
    file.write_text("PatientID\n1.2E+5\npatient-1\n")
    found = said(plain, lambda s: s.where_in(read_ids(file)))
    assert found[0].startswith("cohort.csv: ")
    assert "1 value, first in row 2" in found[0]
    assert found[-1] == "1 of 2 values of PatientID matches no row of the table"
