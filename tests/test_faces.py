"""What results show of themselves, as text and as HTML: facts, escaped, and no wall of fields."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import dicomfilter as dcf
from dicomfilter.cohorts.attrition import Attrition
from dicomfilter.counts import Counts, Coverage
from dicomfilter.faces import table_text
from dicomfilter.filters.lines import check
from dicomfilter.notebook.rows import Rows
from dicomfilter.operations.operation import Expected, Operation, Outcome
from dicomfilter.stores.state import Counters, State, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTILE = "a\x1b[2J\u202e<script>alert('x')</script>&"
SHOWN = "a\\u001b[2J\\u202e<script>alert('x')</script>&"
COUNTS = Counts(1, 2, 3, None, 5_000_000)
COVERAGE = Coverage(4, 1, 2, 1, 2, 3, None, 9, 12, 7_000, 0)
STATE = State(HOSTILE, done=True, counters=Counters(10, 2), error=Status(7, HOSTILE))


class Page(HTMLParser):
    """Collects the texts of a page, and the tags that it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert "color" not in str(attrs)  # those of the page, light or dark

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def operation() -> Operation:
    class Nobody:
        def poll(self, name: str) -> State:
            raise AssertionError(name)  # a face asks nobody

        cancel: Any = poll

    return Operation(HOSTILE, Nobody(), is_certain=False, expected=Expected(9))


def rows(count: int, columns: int) -> Rows:
    cells = {f"{HOSTILE}{n}": [HOSTILE] * count for n in range(columns)}
    return Rows(pa.table(cells).to_reader())


FACES: dict[str, tuple[Callable[[], Any], str]] = {
    "coverage": (lambda: COVERAGE, "7.00 kB"),
    "counts": (lambda: COUNTS, "unknown"),
    "plan": (lambda: dcf.Plan(HOSTILE, HOSTILE, 5_000_000, (HOSTILE,)), "5.00 MB"),
    "attrition": (lambda: Attrition(HOSTILE, COUNTS, COUNTS, COUNTS, COUNTS), "2 studies, 2"),
    "state": (lambda: STATE, "PERMISSION_DENIED: "),
    "outcome": (lambda: Outcome(STATE, (HOSTILE,)), "10 succeeded, 2 failed"),
    "operation": (operation, "9 instances"),
    "rows": (lambda: rows(36, 2), "… 26 more rows"),
}


@pytest.mark.parametrize("kind", FACES)
def test_a_face_says_what_matters_in_text_and_html(kind: str) -> None:
    make, said = FACES[kind]
    value = make()
    page = Page(value._repr_html_())
    assert page.tags <= {"table", "tr", "th", "td", "code", "pre", "p"}
    shown = "".join(page.texts) + "\n" + text_of(value)
    assert shown.count(said) == 2
    assert all(c.isprintable() or c == "\n" for c in shown)
    if kind not in ("counts", "coverage"):
        assert "".join(page.texts).count(SHOWN) >= 1
        assert SHOWN in text_of(value)


def text_of(value: Any) -> str:
    """Give what IPython shows: by its own hook where there is one."""
    if not hasattr(value, "_repr_pretty_"):
        return repr(value)
    written: list[str] = []

    class Printer:
        text = staticmethod(written.append)

    value._repr_pretty_(Printer(), False)
    return "".join(written)


@pytest.fixture
def table(tmp_path: Path) -> Any:
    from pyarrow import parquet

    cells = {
        "PatientID": ["SECRET7", "SECRET8", "SECRET8"],
        "StudyInstanceUID": ["1.1", "1.2", "1.2"],
        "SeriesInstanceUID": ["1.1.1", "1.2.1", "1.2.2"],
        "SOPInstanceUID": ["1.1.1.1", "1.2.1.1", "1.2.2.1"],
        "Modality": ["CT", "MR", None],
    }
    parquet.write_table(pa.table(cells), tmp_path / "t.parquet")
    with dcf.open_table(tmp_path / "t.parquet") as opened:
        yield opened


def test_no_patient_is_shown_that_was_not_asked_for(table: Any, tmp_path: Path) -> None:
    out = tmp_path / "ct.txt"
    cohort = table.all()
    built = cohort.write_filter(out)
    for value in (table, cohort, cohort.counts(), cohort.plan(), built, built.coverage):
        assert "SECRET" not in repr(value) + value._repr_html_()
    assert str(out) in repr(built)
    assert repr(built).splitlines()[1].split() == ["lines", "3"]
    found = dcf.FilterFile(out)
    assert "instances" in found._repr_html_()
    assert "SECRET" not in found._repr_html_()


def test_a_report_names_lines_and_quotes_none(tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_text("/studies/1.2\n/studies/1.2\n/SECRET7\n")
    text = repr(check(path))
    assert "line 3" in text
    assert "SECRET7" not in text
    assert "duplicate" in text


def test_what_is_derived_shows_its_parts(table: Any, tmp_path: Path) -> None:
    a, b = tmp_path / "a.txt", tmp_path / "b.txt"
    table.where("Modality = 'CT'").write_filter(a)
    table.where("Modality = 'MR'").write_filter(b)
    both = dcf.FilterFile(a) | dcf.FilterFile(b)
    assert "2" in Page(both._repr_html_()).texts
    derived = both.write(tmp_path / "c.txt")
    assert f"union of {a}, {b}" in repr(derived)
    assert "same       no" in repr(dcf.FilterFile(a).diff(dcf.FilterFile(b)))
    assert "manifest" in repr(dcf.FilterFile(a).summary())


def test_a_filter_file_that_is_not_there_is_said_not_raised(tmp_path: Path) -> None:
    assert "unusable" in dcf.FilterFile(tmp_path / "none.txt")._repr_html_()


@pytest.mark.parametrize("room", [40, 80, 120, 300])
def test_columns_that_fit_are_shown_and_no_cell_is_cut(room: int) -> None:
    head = [f"Column{n}" for n in range(40)]
    cells = [f"1.2.840.{n}" for n in range(40)]
    text, fits = table_text(head, [cells], room=room)
    assert max(map(len, text.splitlines())) <= room
    assert text.splitlines()[1].split() == cells[:fits]
    assert 0 < fits < 40


def test_one_wide_column_is_whole_and_the_others_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    uid = "1.2.840." + "9" * 56
    text = repr(Rows(pa.table({"uid": [uid], "Modality": ["CT"]}).to_reader()))
    assert text.splitlines() == ["uid", uid, "… 1 more column: Modality"]


def test_wide_letters_stay_in_their_columns() -> None:
    text, _ = table_text(["name", "x"], [["山田", "1"], ["Doe", "2"]], room=80)
    assert text.splitlines() == ["name  x", "山田  1", "Doe   2"]


def test_numbers_stand_at_the_right() -> None:
    html = Rows(pa.table({"a": ["x"], "n": [1]}).to_reader())._repr_html_()
    assert "<td style='text-align:right'>1</td>" in html
