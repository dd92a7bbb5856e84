"""Errors as they are printed: their lines, and the mark under the right character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dicomfilter import errors
from dicomfilter.cli import messages
from dicomfilter.visible import excerpt
from tests.cli.running import call

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def under(sql: str, offset: int) -> str:
    """Give what a terminal shows right above the caret, and behind it."""
    line, caret = excerpt(sql, offset)
    for start in range(len(line) + 1):
        if cell_len(line[:start]) == caret:
            return line[start:]
    return pytest.fail(f"{caret} is inside of a character of {line!r}")


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("Modality = CT", "CT"),
        ("StudyDescription = '胸部CT検査' AND Foo", "Foo"),
        ("StudyDescription = 'Ｔｈｏｒａｘ' AND Foo", "Foo"),
        ("StudyDescription = 'Ko\u0308rper' AND Foo", "Foo"),
        ("StudyDescription = 'o\u0301\u0327' AND Foo", "Foo"),
        ("Modality\t=\t'CT'\tAND\tFoo", "Foo"),
        ("Modality = 'CT'\n  AND Foo\n  AND TRUE", "Foo"),
        ("Modality = 'CT\x07\x1b[31m' AND Foo", "Foo"),
        ("ΦΞ = 'Ж' AND Foo", "Foo"),
        ("'👩' = 'x' AND Foo", "Foo"),
    ],
    ids=ascii,
)
def test_the_mark_stands_under_the_place(sql: str, place: str) -> None:
    assert under(sql, sql.index(place)).startswith(place)


@pytest.mark.parametrize("before", [0, 30, 60, 200, 1000])
@pytest.mark.parametrize("after", [0, 30, 1000])
@pytest.mark.parametrize("letter", ["a", "胸"])
def test_a_long_line_is_cut_around_the_place(before: int, after: int, letter: str) -> None:
    sql = letter * before + "Foo" + letter * after
    line, _ = excerpt(sql, before)
    assert cell_len("  " + line) <= 80
    shown = under(sql, before)
    assert shown.startswith("Foo" if after <= 30 or before < 60 or len(shown) > 3 else "F")
    if before + after > 100:
        assert "…" in (line[0], line[-1])


@given(TEXT, st.integers(0, 300))
def test_a_line_fits_and_is_printable_whatever_the_text(sql: str, offset: int) -> None:
    line, caret = excerpt(sql, min(offset, len(sql)))
    assert line.isprintable()
    assert 0 <= caret < 80


def shown(failure: errors.DicomFilterError, capsys: pytest.CaptureFixture[str]) -> list[str]:
    messages.error(failure)
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def leaves() -> list[type[errors.DicomFilterError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.DicomFilterError)
    ]


@pytest.mark.parametrize("kind", leaves(), ids=lambda kind: kind.__name__)
def test_every_error_is_two_lines_even_without_a_hint_of_its_own(
    kind: type[errors.DicomFilterError], capsys: pytest.CaptureFixture[str]
) -> None:
    first, last = shown(kind("it broke\nin two"), capsys)
    assert first == f"error[{kind.code}]: it broke in two"
    assert last.startswith("hint: ")
    assert shown(kind("it broke", hint="mend it"), capsys)[1] == "hint: mend it"


def test_a_place_without_a_hint_is_pointed_at(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(errors.PredicateError("no", sql="a b", offset=2), capsys)
    assert lines == [
        "error[predicate]: no",
        "  a b",
        "    ^",
        "hint: look at what stands at the mark, and before it",
    ]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((0, 0, 0), "none"),
        ((1, 0, 0), "1 study"),
        ((2, 1, 0), "2 studies + 1 series"),
        ((0, 2000, 1), "2,000 series + 1 instance"),
        ((0, 0, 3), "3 instances"),
    ],
)
def test_levels_are_spelled_in_the_singular_and_plural(
    counts: tuple[int, int, int], expected: str
) -> None:
    assert messages.levels(*counts) == expected


def test_misuse_is_said_as_an_error_of_ours() -> None:
    ended = call("count")
    assert ended.status == 2
    assert ended.err.splitlines() == [
        "error[usage]: Missing argument 'TABLE'",
        "hint: run `dicomfilter count --help`",
    ]
