"""Quotes and escapes, decoded as GoogleSQL decodes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.quoting import unquote, unquote_name


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'CT'", "CT"),
        ('"CT"', "CT"),
        ("''", ""),
        ('""', ""),
        (r"'\a\b\f\n\r\t\v'", "\a\b\f\n\r\t\v"),
        (r"'\\ \? \" \' \`'", "\\ ? \" ' `"),
        (r"'\x41\X42\103'", "ABC"),
        (r"'\u00e9\U0001F600'", "é😀"),
        (r"r'\n\d'", r"\n\d"),
        (r"r'\''", r"\'"),
        ("'''it's'''", "it's"),
        ('"""a\r\nb\rc"""', "a\nb\nc"),
        ("''''''", ""),
        ('"it\'s"', "it's"),
    ],
)
def test_a_literal_is_decoded(text: str, value: str) -> None:
    assert unquote(text, 0) == (False, value)


@pytest.mark.parametrize("text", ["b'ab'", "B'ab'", "rb'ab'", "bR'ab'", 'b"""ab"""'])
def test_bytes_are_told_from_text(text: str) -> None:
    assert unquote(text, 0) == (True, "ab")


@pytest.mark.parametrize(
    ("text", "escape", "offset"),
    [
        (r"'%\_1'", r"\_", 2),
        (r"'\d'", r"\d", 1),
        (r"'a\x4'", r"\x", 2),
        (r"'\u12'", r"\u", 1),
        (r"'\ud800'", r"\ud800", 1),
        (r"'\U00110000'", r"\U00110000", 1),
        (r"'\400'", r"\4", 1),
        (r"'''\q'''", r"\q", 3),
    ],
)
def test_an_escape_that_googlesql_does_not_know_is_pointed_at(
    text: str, escape: str, offset: int
) -> None:
    with pytest.raises(PredicateError, match="Illegal escape sequence") as caught:
        unquote(text, 10)
    assert caught.value.message.endswith(escape)
    assert caught.value.offset == 10 + offset


@pytest.mark.parametrize("text", [r"'\x00'", r"'\000'", r"'\u0000'"])
def test_nul_is_not_taken_in_text(text: str) -> None:
    with pytest.raises(PredicateError, match="NUL"):
        unquote(text, 0)


def test_a_name_between_backticks_is_decoded() -> None:
    assert unquote_name("`Rows`", 0) == "Rows"
    assert unquote_name(r"`a\`b`", 0) == "a`b"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
def test_any_text_written_by_code_points_comes_back(text: str) -> None:
    written = "'" + "".join(f"\\U{ord(c):08x}" for c in text) + "'"
    assert unquote(written, 0) == (False, text)
