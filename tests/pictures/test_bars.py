"""Bars: as long as what they count, beside each value and what has none."""

from __future__ import annotations

from datetime import date
from math import isclose
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

import dicomfilter as dcf
from dicomfilter.errors import UsageError
from dicomfilter.pictures.bars import Bar, bars, vega_lite
from tests.tables import INSTANCES, instance, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dicomfilter.pictures.svg import Picture

NS = "{http://www.w3.org/2000/svg}"


def widths(picture: Picture, style: str = "bar") -> list[float]:
    found = ET.fromstring(picture.svg).iter(f"{NS}rect")
    return [float(box.get("width", 0)) for box in found if box.get("class") == style]


def texts(picture: Picture) -> list[str]:
    return [node.text or "" for node in ET.fromstring(picture.svg).iter(f"{NS}text")]


def test_a_bar_is_as_long_as_what_it_counts() -> None:
    picture = bars([Bar("CT", 100, "100"), Bar(None, 50, "50"), Bar("MR", 0, "0")], title="t")
    whole, half, none = widths(picture)
    assert isclose(half, whole / 2)
    assert none == 0
    assert texts(picture) == ["t", "CT", "100", "(no value)", "50", "MR", "0"]


def test_what_is_there_at_all_is_seen_beside_a_billion() -> None:
    assert widths(bars([Bar("a", 10**9, "1,000,000,000"), Bar("b", 1, "1")], title="t"))[1] == 1


def test_many_values_are_cut_and_counted_and_none_is_said() -> None:
    many = [Bar(str(n), 1, "1") for n in range(100)]
    assert len(widths(bars(many, title="t"))) == 40
    assert "… and 60 further values" in texts(bars(many, title="t"))
    assert texts(bars([], title="t")) == ["t", "nothing"]


@pytest.mark.parametrize("label", ["<b>&", "x" * 200, "氏名" * 50, "\x1b[2J", ""])
def test_a_label_stays_text_and_in_its_room(label: str) -> None:
    picture = bars([Bar(label, 3, "3")], title="t")
    tree = ET.fromstring(picture.svg)
    assert {node.tag.removeprefix(NS) for node in tree.iter()} == {
        *("svg", "title", "style", "rect", "text"),
    }
    assert "\x1b" not in picture.svg


def test_vega_lite_says_the_same() -> None:
    spec = vega_lite([Bar("CT", 3, "3"), Bar(None, 2, "2")], title="t", unit="studies")
    assert spec["data"]["values"] == [
        {"value": "CT", "studies": 3},
        {"value": None, "studies": 2},
    ]
    assert spec["encoding"]["x"]["field"] == "studies"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dcf.Table]:
    days = (date(2020, 1, 1), date(2020, 7, 1), date(2021, 1, 1), None)
    rows = [
        instance(str(n), f"{n}.1", f"{n}.1.1", PatientID=f"p{n % 2}", Modality=m, StudyDate=day)
        for n, (m, day) in enumerate((m, d) for m in ("CT", "MR", None) for d in days)
    ]
    path = write(tmp_path_factory.mktemp("bars") / "t.parquet", INSTANCES, rows)
    with dcf.open_table(path) as opened:
        yield opened


def test_counts_draw_themselves(table: dcf.Table) -> None:
    found = table.value_counts("Modality")
    assert texts(found.bars(by="studies")) == [
        *("Modality, studies", "CT", "4", "MR", "4", "(no value)", "4"),
    ]
    assert found.vega_lite()["title"] == "Modality, patients"
    with pytest.raises(UsageError, match="'study' is none of patients, studies"):
        found.bars(by="study")


def test_a_histogram_is_in_the_values_own_order(table: dcf.Table) -> None:
    found = table.where("Modality = 'CT'").histogram("StudyDate", every="year")
    assert found["studies"].tolist() == [2, 1, 1]
    assert texts(found.bars(by="studies"))[0] == "StudyDate by year, studies"


def test_missing_values_are_counted_the_emptiest_first(table: dcf.Table) -> None:
    found = table.missing("PatientID", "Modality", "StudyDate")
    assert found[["column", "count", "missing", "rows"]].values.tolist() == [
        ["Modality", 8, 4, 12],
        ["StudyDate", 9, 3, 12],
        ["PatientID", 12, 0, 12],
    ]
    shown = found.bars()
    assert "66.7%" in texts(shown)
    assert len(widths(shown, "part")) == 3


def test_cohorts_are_compared_by_share_and_by_standardised_difference(table: dcf.Table) -> None:
    parts = {"ct": table.where("Modality = 'CT'"), "rest": table.where("Modality = 'MR'")}
    found = dcf.compare(parts, ["Modality", "StudyDate"], by="studies")
    rows = found.set_index(["column", "value"])
    assert rows.loc[("studies", ""), ["ct_n", "rest_n"]].tolist() == [4, 4]
    assert rows.loc[("Modality", "CT"), ["ct_n", "ct_share", "rest_n"]].tolist() == [4, 1.0, 0]
    assert rows.loc[("StudyDate", "(no value)"), ["ct_share", "difference"]].tolist() == [0.25, 0]
    mean = (
        sum(day.toordinal() for day in (date(2020, 1, 1), date(2020, 7, 1), date(2021, 1, 1))) / 3
    )
    assert isclose(rows.loc[("StudyDate", "mean (SD)"), "ct_n"], mean)
    assert rows.loc[("StudyDate", "mean (SD)"), "difference"] == 0


def test_a_standardised_difference_is_the_one_of_the_books() -> None:
    from dicomfilter.cohorts.comparing import _of_means, _of_shares

    # Austin 2009: of prevalences 0.3 and 0.2, and of means one deviation apart.
    assert isclose(_of_shares([0.3, 0.2]), 0.1 / ((0.3 * 0.7 + 0.2 * 0.8) / 2) ** 0.5)
    assert isclose(_of_means([(5.0, 2.0), (3.0, 2.0)]), 1.0)
    assert _of_shares([1.0, 0.0]) is None
    assert _of_shares([0.0, 0.0]) == 0
    assert _of_means([(5.0, None), (3.0, 2.0)]) is None


@pytest.mark.parametrize(
    ("columns", "by", "said"),
    [
        ([], None, "nothing to compare"),
        (["Modalty"], None, "no column Modalty"),
        (["Modality"], "study", "none of patients"),
    ],
)
def test_what_cannot_be_compared_is_said(
    table: dcf.Table, columns: list[str], by: str | None, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        dcf.compare({"a": table.all(), "b": table.all()}, columns, by=by)  # type: ignore[arg-type]


def test_a_histogram_leaves_no_bar_out(tmp_path: Path) -> None:
    rows = [
        instance(str(n), f"{n}.1", f"{n}.1.1", PatientID=f"p{n}", StudyDate=day)
        for n, day in enumerate([*(date(1900 + n, 1, 1) for n in range(120)), None])
    ]
    with dcf.open_table(write(tmp_path / "t.parquet", INSTANCES, rows)) as opened:
        shown = texts(opened.histogram("StudyDate", every="year").bars())
        with pytest.raises(UsageError, match="too many for a picture"):
            opened.histogram("StudyDate").iloc[[0] * 300].bars()
    assert "2019-01-01" in shown
    assert "(no value)" in shown
    assert not [text for text in shown if "further" in text]
