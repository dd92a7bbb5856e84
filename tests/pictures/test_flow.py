"""The flow of an attrition: every number that it draws, whatever the clauses are called."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

import dicomfilter as dcf
from dicomfilter.errors import DestinationExistsError, UsageError
from dicomfilter.pictures import svg
from dicomfilter.pictures.flow import Step, flow, mermaid
from tests.cli.running import call
from tests.tables import INSTANCES, instance, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NS = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert('x')</script>&\x1b[2J\u202e"


def texts(picture: svg.Picture) -> list[str]:
    return [node.text or "" for node in ET.fromstring(picture.svg).iter(f"{NS}text")]


def boxes(picture: svg.Picture) -> list[tuple[float, ...]]:
    found = ET.fromstring(picture.svg).iter(f"{NS}rect")
    names = ("x", "y", "width", "height")
    return [tuple(float(b.get(n, 0)) for n in names) for b in found if b.get("class") != "page"]


def counts(
    patients: int | None, studies: int, series: int, instances: int
) -> dict[str, int | None]:
    return {"patients": patients, "studies": studies, "series": series, "instances": instances}


NONE = counts(0, 0, 0, 0)
STEPS = [
    Step("(all)", counts(9_876_543, 20_000_000, 300_000_000, 10**9), NONE, NONE),
    Step(
        "Modality = 'CT'", counts(1_000, 20, 30, 40), counts(1_514, 5, 6, 7), counts(310, 1, 1, 1)
    ),
    Step("TRUE OR FALSE", counts(1_000, 20, 30, 40), NONE, NONE),
    Step("Modality = 'XX'", NONE, counts(1_000, 20, 30, 40), NONE),
]


def test_each_step_says_what_is_left_and_what_is_excluded_and_why() -> None:
    shown = texts(flow(STEPS))
    for words in (
        "9,876,543 patients",
        "Modality = 'CT'",
        "excluded: 1,514 patients",
        "1,204 with another value",
        "310 without a value",
        "excluded: 0 patients",
        "0 patients",
    ):
        assert words in shown
    assert shown.count("excluded: 0 patients") == 1
    joined = " ".join(shown).replace("\u00a0", " ")
    assert "20,000,000 studies, 300,000,000 series, 1,000,000,000 instances" in joined


@pytest.mark.parametrize(
    "label",
    [
        HOSTILE,
        "x" * 300,
        "氏名" * 60,
        "a clause of many words " * 20,
        "",
        "W" * 100,
        "line\nend\ttab",
    ],
)
def test_whatever_a_clause_is_called_it_stays_in_its_box(label: str) -> None:
    picture = flow([STEPS[0], replace(STEPS[1], label=label)])
    tree = ET.fromstring(picture.svg)
    assert not list(tree.iter(f"{NS}script"))
    assert "script>" not in picture.svg.replace("&lt;/script&gt;", "").replace("&lt;script&gt;", "")
    assert "\x1b" not in picture.svg
    drawn = boxes(picture)
    width = float(tree.get("width", 0))
    assert all(x >= 0 and x + w <= width for x, _, w, _ in drawn)
    for node in tree.iter(f"{NS}text"):
        x, y, words = float(node.get("x", 0)), float(node.get("y", 0)), node.text or ""
        inside = [b for b in drawn if b[0] <= x <= b[0] + b[2] and b[1] <= y <= b[1] + b[3]]
        assert len(inside) == 1
        wide = sum(2 if svg.is_wide(c) else 1 for c in words)
        assert x + wide * 6 <= inside[0][0] + inside[0][2]


def test_no_two_boxes_touch() -> None:
    found = sorted(boxes(flow(STEPS, title="a title")))
    for one in found:
        for other in found:
            if one is not other:
                apart = (
                    one[0] + one[2] < other[0]
                    or other[0] + other[2] < one[0]
                    or one[1] + one[3] < other[1]
                    or other[1] + other[3] < one[1]
                )
                assert apart


def test_a_picture_asks_for_nothing_from_elsewhere_and_has_a_title() -> None:
    picture = flow(STEPS)
    rest = picture.svg.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|@import|<script|<image|href", rest)
    assert "prefers-color-scheme:dark" in rest
    assert picture._repr_svg_() == picture.svg
    assert ET.fromstring(picture.svg)[0].text == "0 of 9,876,543 patients in 3 steps"


def test_mermaid_says_the_same() -> None:
    said = mermaid(STEPS, by="studies")
    assert said.startswith("flowchart TD\n")
    assert 'x1["excluded: 5 studies<br/>4 with another value<br/>1 without a value"]' in said
    assert "s0 --> s1" in said
    assert '"' not in mermaid([STEPS[0], Step('a "b"', NONE, NONE, NONE)]).split("s1[")[1][1:12]


@pytest.mark.parametrize(
    ("by", "unknown"), [("patient", "is none of patients"), ("patients", "does not know patients")]
)
def test_a_unit_that_is_not_there_is_refused(by: str, unknown: str) -> None:
    steps = [Step(s.label, {**s.left, "patients": None}, s.excluded, s.no_value) for s in STEPS]
    with pytest.raises(UsageError, match=unknown):
        flow(steps, by=by)  # type: ignore[arg-type]
    assert "excluded: 5 studies" in texts(flow(steps))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dcf.Table]:
    modalities = ("CT", "CT", "MR", None)
    rows = [
        instance(str(n), f"{n}.1", f"{n}.1.1", PatientID=f"p{n}", Modality=modality)
        for n, modality in enumerate(modalities)
    ]
    path = write(tmp_path_factory.mktemp("flow") / "t.parquet", INSTANCES, rows)
    with dcf.open_table(path) as opened:
        yield opened


def test_an_attrition_draws_itself_and_saves(table: dcf.Table, tmp_path: Path) -> None:
    frame = table.where("Modality != 'MR'").attrition()
    picture = frame.flow(labels=["no MR"], title="Cohort")
    assert {"no MR", "excluded: 2 patients", "1 with another value"} <= set(texts(picture))
    path = tmp_path / "flow.svg"
    picture.save(path)
    assert path.read_text() == picture.svg
    with pytest.raises(DestinationExistsError):
        picture.save(path)
    picture.save(path, overwrite=True)
    with pytest.raises(UsageError, match="2 labels for 1 clauses"):
        frame.flow(labels=["a", "b"])


def test_the_command_line_draws_it(table: dcf.Table, tmp_path: Path) -> None:
    out = tmp_path / "flow.svg"
    asked = ["count", table.engine.uri, "--where", "Modality != 'MR'", "--attrition", "--svg", out]
    ended = call(*asked)
    assert (ended.status, ended.err) == (0, f"picture  {out}\n")
    assert "excluded: 2 patients" in out.read_text()
    assert call(*asked).status == 2
    assert call(*asked, "--overwrite", "--quiet").err == ""
    assert call("count", table.engine.uri, "--all", "--svg", out).status == 2
