"""The report of a chain: asked, left, verified; and of no patient's value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

import dicomfilter as dcf
from dicomfilter.errors import DestinationExistsError, UsageError
from tests.cli.running import call
from tests.tables import INSTANCES, instance, write

if TYPE_CHECKING:
    from pathlib import Path

PLANTED = "PLANTED"
MODALITIES = ["CT"] * 30 + ["MR"] * 15 + ["US"] * 3 + [None] * 12


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a table of 60 patients, in a folder to stand in, with a journal of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    rows = [
        instance(
            f"1.{number}",
            f"1.{number}.1",
            f"1.{number}.1.1",
            PatientID=f"{PLANTED}{number}",
            Modality=modality,
        )
        for number, modality in enumerate(MODALITIES)
    ]
    return write(tmp_path / "t.parquet", INSTANCES, rows)


def build(table: str, *words: str) -> None:
    ended = call(
        "build", table, *words, "-o", "f.txt", "-q", "--overwrite", "--purpose", "trial <7>"
    )
    assert ended.status == 0, ended.err


def test_a_report_tells_what_was_asked_and_what_it_holds(table: str, tmp_path: Path) -> None:
    build(table, "--where", "Modality IN ('CT', 'MR')", "--record-values")
    ended = call("report", "f.txt", "-o", "r.html", "--json", "r.json", "--title", "A & B")
    assert (ended.status, ended.out) == (0, "r.html\n")
    page = (tmp_path / "r.html").read_text()
    for words in (
        "<h1>A &amp; B</h1>",
        "trial &lt;7&gt;",
        "Modality IN (&#x27;CT&#x27;, &#x27;MR&#x27;)",
        "excluded: 15 patients",
        "<th>patients</th><td>45</td>",
        "Nothing was started with it",
        "Not verified",
    ):
        assert words in page, words
    assert PLANTED not in page
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["verdict"] == "nothing left"
    assert document["holds"]["patients"] == "45"
    assert document["by"][0]["rows"] == [
        ["CT", {"patients": 30, "studies": 30, "series": 30, "instances": 30}],
        ["MR", {"patients": 15, "studies": 15, "series": 15, "instances": 15}],
    ]
    assert PLANTED not in json.dumps(document)


def test_a_page_asks_for_nothing_and_is_small(table: str, tmp_path: Path) -> None:
    build(table, "--all")
    dcf.report("f.txt").save("r.html")
    page = (tmp_path / "r.html").read_text()
    assert len(page) < 200_000
    assert "default-src 'none'" in page
    rest = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|<script|<link|<img|url\(|@import|onload", rest)
    assert "prefers-color-scheme:dark" in rest
    assert "@page{size:A4" in rest


def test_small_counts_and_what_would_give_them_away_are_hidden(table: str) -> None:
    build(table, "--all")
    found = dcf.report("f.txt", by=["Modality"]).to_dict()
    (by,) = found["by"]
    # Three patients of US are hidden, and with them the next fewest, who have no value.
    assert [value for value, _ in by["rows"]] == ["CT", "MR"]
    assert by["hidden"] == 2
    shown = dcf.report("f.txt", by=["Modality"], min_cell=1).to_dict()["by"][0]
    assert [value for value, _ in shown["rows"]] == ["CT", "MR", None, "US"]


def test_a_small_cohort_has_no_count_at_all(table: str) -> None:
    build(table, "--where", "Modality = 'US'", "--record-values")
    report = dcf.report("f.txt")
    found = report.to_dict()
    assert found["holds"] is None
    assert found["by"] == found["flow"] == []
    assert found["filter"]["lines"] is None
    page = report.to_html()
    assert "Fewer than 11 patients" in page
    assert not re.search(r">3<|3 patients|3 lines", page)


def test_a_flow_that_would_give_a_small_count_away_is_not_drawn(table: str) -> None:
    build(table, "--where", "Modality != 'US' OR Modality IS NULL", "--record-values")
    found = dcf.report("f.txt").to_dict()
    assert found["holds"]["patients"] == "57"
    assert found["flow"] == []
    assert "60" not in json.dumps([found["holds"], found["flow"], found["notes"]])
    assert any("give away" in note for note in found["notes"])


def test_values_that_were_not_recorded_are_not_told(table: str) -> None:
    build(table, "--where", f"PatientID != '{PLANTED}3'")
    report = dcf.report("f.txt")
    assert PLANTED not in report.to_html()
    assert "(not recorded)" in report.to_html()
    assert any("were not recorded" in note for note in report.to_dict()["notes"])


def test_the_operation_its_author_and_the_verification_are_told(tmp_path: Path, table: str) -> None:
    from pydicom import dcmread
    from pydicom.data import get_testdata_file

    assert table
    store = tmp_path / "store"
    store.mkdir()
    image = dcmread(str(get_testdata_file("CT_small.dcm")))
    for number in range(12):
        image.PatientID = f"{PLANTED}{number}"
        image.StudyInstanceUID = f"1.2.{number}"
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.{number}.1"
        image.save_as(store / f"{number}.dcm")
    call("index", store, "-o", "m.parquet", "-q")
    build("m.parquet", "--all")
    words = ["export", "gcs", store, "--filter", "f.txt", "--gcs-uri-prefix", "out", "-q"]
    name = call(*words, "--purpose", "a second opinion").out.strip()
    before = dcf.report("f.txt")
    assert before.verdict == "left, not verified"
    next((tmp_path / "out").rglob("*.dcm")).unlink()
    assert call("verify", "f.txt", "out").status == 6
    for subject in ("f.txt", "f.txt.manifest.json", name):
        page = dcf.report(subject).to_html()
        for text in (
            name,
            "a second opinion",
            str(tmp_path / "out"),
            "incomplete",
            "12 done, 0 failed",
        ):
            assert text in page, (subject, text)
        assert "NO, as the store has them" in page
        assert PLANTED not in page
    retry = ["export", "gcs", store, "--filter", "f.txt.retry.txt", "--gcs-uri-prefix", "out", "-q"]
    assert call(*retry).status == 0
    assert call("verify", "f.txt", "out").status == 0
    assert dcf.report("f.txt").verdict == "complete"


def test_bad_input_is_two_lines_and_nothing_is_replaced(table: str, tmp_path: Path) -> None:
    build(table, "--all")
    (tmp_path / "r.html").write_text("mine")
    with pytest.raises(DestinationExistsError):
        dcf.report("f.txt").save("r.html")
    for words in (
        ["nothing.txt", "-o", "x.html"],
        ["f.txt", "-o", "x.html", "--by", "Modalty"],
        ["f.txt", "-o", "x.html", "--against", "missing.parquet"],
        ["f.txt", "-o", "x.html", "--min-cell", "0"],
        ["store/operations/1", "-o", "x.html"],
        ["f.txt", "-o", "r.html"],
    ):
        ended = call("report", *words)
        assert ended.status == 2, words
        assert len(ended.err.splitlines()) == 2, ended.err
    assert not (tmp_path / "x.html").exists()
    assert (tmp_path / "r.html").read_text() == "mine"
    with pytest.raises(UsageError):
        dcf.report("f.txt", min_cell=0)
