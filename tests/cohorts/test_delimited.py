"""Text of columns is decoded and split as it was meant, and nothing is taken for more than text."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomfilter.engines.delimited import Column, Delimited
from dicomfilter.errors import IdListError

CELLS = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\x1f"), max_size=6
)


def column(text: Delimited, index: int, *, has_header: bool = True) -> list[str]:
    return text.column(index, has_header=has_header).values.to_pylist()


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS.filter(lambda cell: "\n" not in cell)), max_size=30),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_csv_writer_wrote_is_read_as_it_was(rows, delimiter, line_end, encoding) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([("note", "wanted"), *rows])
    text = Delimited.parse(f"sep={delimiter}\n{file.getvalue()}".encode(encoding), "ids.csv")

    assert text.sample[0] == ("note", "wanted")
    assert column(text, 1) == [wanted for _, wanted in rows]


@pytest.mark.parametrize(
    ("text", "delimiter", "first"),
    [
        ("a,b\n1,2\n", ",", ("a", "b")),
        ("a;b\n1,5;2\n", ";", ("a", "b")),
        ("a\tb\n1\t2\n", "\t", ("a", "b")),
        ("a|b|c\n1|2|3\n", "|", ("a", "b", "c")),
        ("a,b;c\n1,2;3\n", ",", ("a", "b;c")),
        ('"a,b";c\n"1,2";3\n', ";", ("a,b", "c")),
        ("a,b\n1,2\n1,2,3\n", ",", ("a", "b")),  # ragged, but a header
        ("a\n1,2\n", "\x1f", ("a",)),
        ("1,234\n567\n", "\x1f", ("1,234",)),
        ("one column only\n", "\x1f", ("one column only",)),
        ("a,\n1,\n", ",", ("a", "")),
    ],
)
def test_the_delimiter_is_the_one_that_fits_all_rows(text: str, delimiter: str, first) -> None:
    parsed = Delimited.parse(text.encode(), "ids.csv")

    assert (parsed.delimiter, parsed.sample[0]) == (delimiter, first)


def test_a_delimiter_is_found_in_a_long_file_from_its_start() -> None:
    lines = "".join(f"P{number},{'x' * 90}\n" for number in range(5_000))
    parsed = Delimited.parse(b"id,note\n" + lines.encode(), "ids.csv")

    assert parsed.delimiter == ","
    assert all(len(row) == 2 for row in parsed.sample)
    assert len(column(parsed, 0)) == 5_000


def test_a_line_longer_than_any_sample_is_read() -> None:
    parsed = Delimited.parse(b"id,note\nP1," + b"x" * 3_000_000 + b"\nP2,y\n", "ids.csv")

    assert column(parsed, 0) == ["P1", "P2"]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("id,b\n1,x\n2,y\n", [2, 3]),
        ("id,b\n\n1,x\n\n\n2,y\n", [3, 6]),
        ("\n \nid,b\n1,x\n2,y\n", [4, 5]),
        ("sep=,\nid,b\n1,x\n \n2,y\n", [3, 5]),
        ("id\n1\n\n2\n", [2, 4]),
        ('id,b\n1,"x\nx"\n2,y\n', [2, 3]),  # as a spreadsheet numbers them
    ],
)
def test_rows_are_numbered_as_a_spreadsheet_shows_them(text: str, rows: list[int]) -> None:
    found = Delimited.parse(text.encode(), "ids.csv").column(0, has_header=True)

    filled = [index for index, value in enumerate(found.values.to_pylist()) if value]
    assert [found.row(index) for index in filled] == rows


def test_without_a_header_the_first_row_is_data() -> None:
    parsed = Delimited.parse(b"\n1,x\n2,y\n", "ids.csv")
    found = parsed.column(0, has_header=False)

    assert found.values.to_pylist() == ["1", "2"]
    assert found.row(0) == 2


def test_the_row_of_a_ragged_line_counts_what_stands_before_it() -> None:
    parsed = Delimited.parse(b"sep=,\n\nid,b\n1,x\n\n2\n", "ids.csv")
    with pytest.raises(IdListError, match=r"row 6 of ids\.csv has 1 column, not 2"):
        parsed.column(0, has_header=True)


def test_a_line_break_matters_only_in_the_column_that_is_read() -> None:
    parsed = Delimited.parse(b'id,b\n1,"x\ny"\n2,z\n', "ids.csv")

    assert column(parsed, 0) == ["1", "2"]
    with pytest.raises(IdListError, match=r"row 2 of ids\.csv has a line break") as refused:
        column(parsed, 1)
    assert refused.value.hint == "is a quote left open?"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("id\nÄ1\n".encode("utf-16"), "Ä1"),
        ("id\nÄ1\n".encode("utf-16-be"), "Ä1"),
        ("id\nÄ1\n".encode("latin-1"), "Ä1"),
        ("id\n€1\n".encode("cp1252"), "€1"),
        (b"id\n\x811\n", "\x811"),  # no letter of Windows-1252, but one of Latin-1
        ("id\n写1\n".encode(), "写1"),
    ],
)
def test_letters_survive_any_encoding(raw: bytes, expected: str) -> None:
    assert column(Delimited.parse(raw, "ids.csv"), 0) == [expected]


@pytest.mark.parametrize("raw", [b"\xff\xfea", b"\xff\xfe\x00\xd8a\x00"])
def test_broken_utf_16_is_refused(raw: bytes) -> None:
    with pytest.raises(IdListError, match="no text"):
        Delimited.parse(raw, "ids.csv")


def test_a_column_without_blank_rows_counts_on() -> None:
    assert [Column(None).row(index) for index in range(3)] == [1, 2, 3]
