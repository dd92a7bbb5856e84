"""What a notebook shows: DataFrames of pandas' own types, and cohorts in a few lines."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

from dicomfilter.cohorts.attrition import Attrition
from dicomfilter.cohorts.display import (
    attrition_frame,
    columns_frame,
    frame,
)
from dicomfilter.counts import Counts
from dicomfilter.engines.duckdb.engine import DuckDbEngine
from dicomfilter.engines.protocol import Estimate
from dicomfilter.errors import UsageError
from dicomfilter.faces import facts_html, facts_text
from dicomfilter.notebook.table import Table, open_table
from dicomfilter.schema import Column, SqlType, TableSchema
from tests.tables import INSTANCES, SERIES_INDEX, instance, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    rows = [instance("1", "1.1", f"1.1.{n}", BlobStorageSize=1_500_000) for n in range(1200)]
    with open_table(write(tmp_path / "metadata.parquet", INSTANCES, rows)) as opened:
        yield opened


class Cells(HTMLParser):
    """Reads what stands in the cells of a table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag in ("th", "td"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        self.cells[-1] += data


# Cohorts


def test_a_cohort_shows_what_it_is_and_what_it_holds(table: Table) -> None:
    cohort = table.where("Modality = 'CT'").where("PatientID != 'x'")
    assert repr(cohort).splitlines() == [
        f"cohort of  {table.engine.uri}",
        "where      Modality = 'CT'",
        "  AND PatientID != 'x'",
        "patients   1",
        "studies    1",
        "series     1",
        "instances  1,200",
        "size       1.80 GB",
    ]
    assert repr(cohort) == facts_text(cohort.facts())


def test_a_cohort_of_everything_says_so(table: Table) -> None:
    assert "where      (all rows)" in repr(table.all()).splitlines()


def test_what_is_unknown_is_shown_as_unknown(tmp_path: Path) -> None:
    schema = TableSchema(SERIES_INDEX.columns[1:3])
    rows: list[dict[str, object]] = [{"StudyInstanceUID": "1", "SeriesInstanceUID": "1.1"}]
    with open_table(write(tmp_path / "t.parquet", schema, rows)) as opened:
        text = repr(opened.all())
    assert text.splitlines()[2:] == [
        "patients   unknown",
        "studies    1",
        "series     1",
        "instances  unknown",
        "size       unknown",
    ]


def test_a_notebook_shows_the_same_as_a_table(table: Table) -> None:
    cohort = table.where("Modality = 'CT'")
    html = cohort._repr_html_()
    assert html == facts_html(cohort.facts())
    cells = Cells(html).cells
    pairs = dict(zip(cells[::2], cells[1::2], strict=True))
    lines = [line.split(maxsplit=1) for line in repr(cohort).splitlines()[1:]]
    assert {name: value for name, value in pairs.items() if name != "cohort of"} == dict(lines)
    assert pairs["cohort of"] == table.engine.uri


def test_a_predicate_is_text_and_no_markup(table: Table) -> None:
    cohort = table.where("PatientID != '<script>alert(1)</script>' AND Modality != '&lt;'")
    found = Cells(cohort._repr_html_())
    assert set(found.tags) == {"table", "tr", "th", "td", "code"}
    assert found.cells[3] == "PatientID != '<script>alert(1)</script>' AND Modality != '&lt;'"


def test_looking_at_a_cohort_costs_nothing(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = table.where("Modality = 'CT'")

    def priced(*_: object) -> Estimate:
        return Estimate(bytes_processed=123_400_000_000)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a query ran")

    monkeypatch.setattr(DuckDbEngine, "estimate", priced)
    monkeypatch.setattr(DuckDbEngine, "rows", forbidden)
    for shown in (repr(cohort), " ".join(Cells(cohort._repr_html_()).cells)):
        assert "123 GB" in shown
        assert "call .counts()" in shown


# Frames


def test_attrition_is_a_frame_of_whole_numbers_that_may_be_unknown() -> None:
    steps = [
        Attrition(None, *[Counts(9, 8, 7, None, None)] * 2, *[Counts(0, 0, 0, None, None)] * 2),
        Attrition(
            "Modality = 'CT'",
            Counts(5, 4, 3, 2, 2**60 + 1),
            Counts(6, 5, 4, 3, 2),
            Counts(4, 4, 4, None, None),
            Counts(1, 0, 0, None, None),
        ),
    ]
    found = attrition_frame(steps)
    names = ["patients", "studies", "series", "instances", "size_bytes"]
    rest = [f"{kind}_{name}" for kind in ("alone", "excluded", "no_value") for name in names]
    assert list(found.columns) == ["clause", *names, *rest]
    assert found.loc[1, "no_value_patients"] == 1
    assert set(map(str, found.dtypes[1:])) == {"Int64"}
    assert found["clause"].tolist() == ["(all)", "Modality = 'CT'"]
    assert found["size_bytes"].iloc[1] == 2**60 + 1
    assert found.loc[1, "alone_studies"] == 5
    assert found["instances"].isna().tolist() == [True, False]


def test_an_attrition_frame_of_nothing_unknown_can_be_reckoned_with(table: Table) -> None:
    found = table.where("Modality = 'CT'").where("SOPInstanceUID = '1.1.1'").attrition()
    assert found["instances"].diff().tolist()[1:] == [0, -1199]
    assert found["size_bytes"].iloc[-1] == 1_500_000


def test_columns_are_listed_with_type_and_description() -> None:
    schema = TableSchema(
        (
            Column("StudyDate", SqlType.parse("DATE"), "when"),
            Column("ImageType", SqlType.parse("ARRAY<STRING>")),
        )
    )
    found = columns_frame(schema)
    assert found.to_dict("list") == {
        "name": ["StudyDate", "ImageType"],
        "type": ["DATE", "ARRAY<STRING>"],
        "vr": ["DA", "CS"],
        "meaning": ["Study Date", "Image Type"],
        "example": ["StudyDate >= '2021-01-31'", "'X' IN UNNEST(ImageType)"],
        "description": ["when", ""],
    }
    assert columns_frame(schema, "DATE")["name"].tolist() == ["StudyDate"]
    nothing = columns_frame(schema, "zzz")
    assert (len(nothing), list(nothing.columns)) == (0, list(found.columns))


VALUES: dict[str, list[Any]] = {
    "text": ["a", None],
    "number": [2**53 + 1, None],
    "fraction": [1.5, None],
    "yes": [True, None],
    "day": [date(1, 1, 1), None],
    "moment": [datetime(9999, 12, 31, tzinfo=UTC), None],
    "exact": [Decimal("1.500000000"), None],
    "many": [["a", "b"], []],
    "nested": [{"a": 1}, None],
}


def test_a_frame_keeps_every_value() -> None:
    found = frame(pa.table(VALUES))
    assert list(found.columns) == list(VALUES)
    for name, (value, _) in VALUES.items():
        kept = found[name].iloc[0]
        assert list(kept) == value if isinstance(value, list) else kept == value, name
    assert found["number"].iloc[0] == 2**53 + 1, "a whole number went through a float"
    missing = ["text", "number", "fraction", "yes", "day", "moment", "exact", "nested"]
    assert [name for name in missing if not pd.isna(found[name].iloc[1])] == []


def test_rows_of_a_cohort_are_a_frame(table: Table) -> None:
    found = table.all().to_dataframe(columns=["SOPInstanceUID", "BlobStorageSize"], limit=3)
    assert found.shape == (3, 2)
    assert found["BlobStorageSize"].tolist() == [1_500_000] * 3


def test_without_pandas_the_way_out_is_said(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for ask in (table.all().to_dataframe, table.all().attrition, table.columns):
        with pytest.raises(UsageError, match="pandas, which is not installed") as caught:
            ask()
        assert "dicomfilter[notebook]" in str(caught.value.hint)
    assert table.all().to_arrow(limit=1).num_rows == 1
    assert "studies" in repr(table.all())
