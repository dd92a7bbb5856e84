from __future__ import annotations

import codecs
import sys

import pyarrow as pa
import pytest

from dicomfilter.filters.lines.chunks import Wrapping
from dicomfilter.filters.lines.lines import Block, Mark, Proof, looks, numbered, only, texts

BOM = codecs.BOM_UTF8


def column(batch, name):
    return batch.column(name).to_pylist()


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"\n\n", ["", ""]),
        (b"a\r\nb\n", ["a", "b"]),
        (b"a\r\r\n", ["a\r"]),
        (b"a\rb\n", ["a\rb"]),  # a carriage return alone ends no line
        (b"a\x0bb\x0cc\x1cd\n", ["a\x0bb\x0cc\x1cd"]),
        ("a\x85b\u2028c\n".encode(), ["a\1\1b\1\1\1c"]),
        (BOM + b"a\n" + BOM + b"b\n", ["a", "b"]),
        (BOM + BOM + b"a\n", ["\1\1\1a"]),
        (b"a" + BOM + b"\n", ["a\1\1\1"]),
        (b"\xff\0\n", ["\1\1"]),
    ],
)
def test_lines_are_split_at_newlines_only_and_made_ascii(data, wanted):
    assert column(texts(data), "text") == wanted
    assert column(looks(data), "text") == wanted


@pytest.mark.parametrize(
    ("line", "marks"),
    [
        (b"a", Mark(0)),
        (b"a\r", Mark.CRLF),
        (b"\r", Mark.CRLF),
        (b"a\rb", Mark(0)),
        (BOM + b"a", Mark.BOM),
        (BOM, Mark.BOM),
        (BOM + b"\r", Mark.BOM | Mark.CRLF),
        (b"a" + BOM, Mark.NON_ASCII),
        (BOM + BOM, Mark.BOM | Mark.NON_ASCII),
        (b"\0", Mark.NUL),
        (b"\xff\0", Mark.NUL | Mark.NON_ASCII),
        (b"\x7f\x01", Mark(0)),
    ],
)
def test_the_bytes_of_a_line_are_marked(line, marks):
    batch = looks(b"/studies/1\n" + line + b"\n\n")
    assert column(batch, "marks") == [0, int(marks), 0]


@pytest.mark.parametrize(
    ("data", "proof"),
    [
        (b"/studies/1.0\n", Proof.REGULAR),
        (b"/studies/1.0\n/studies/1/series/2\n", Proof.REGULAR),
        (b"/studies/1.01\n", Proof.USABLE),
        (b"/studies/1\r\n", Proof.NONE),
        (b"/studies/x\n", Proof.NONE),
        (b"\n", Proof.NONE),
    ],
)
def test_a_block_is_shown_to_be_what_it_is(data, proof):
    block = Block.of(data)
    assert block.proof is proof
    assert block.lines == data.count(b"\n")
    assert column(looks(data), "proof") == [proof] * block.lines


def test_lines_are_numbered_through_all_batches():
    wrapping = Wrapping()
    batches = list(numbered([texts(b"a\nb\n"), texts(b"c\n"), texts(b"\n\n")], wrapping))
    assert [column(batch, "line") for batch in batches] == [[1, 2], [3], [4, 5]]
    assert wrapping.lines == 5


@pytest.mark.parametrize("wanted", [[], [1], [5], [2, 3], [1, 2, 3, 4, 5], [4]])
def test_only_the_wanted_lines_are_taken(wanted):
    batches = numbered([texts(b"a\nb\n"), texts(b"c\n"), texts(b"d\ne\n")], Wrapping())
    taken = list(only(pa.chunked_array([wanted], pa.int64()), batches))
    assert len(taken[0]) == 0
    assert [line for batch in taken for line in column(batch, "line")] == wanted
    assert [text for batch in taken for text in column(batch, "text")] == [
        "abcde"[line - 1] for line in wanted
    ]
    assert len({str(batch.schema) for batch in taken}) == 1


def test_splitting_lets_go_of_what_was_split():
    data = b"/studies/1.2.3\n" * 1000
    before = sys.getrefcount(data)
    looks(data)
    assert sys.getrefcount(data) == before
