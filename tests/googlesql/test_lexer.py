"""The lexer: the words of a text, and what GoogleSQL's lexer refuses."""

from __future__ import annotations

import time

import pytest

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.parse.lexer import MAX_CHARACTERS, MAX_DEPTH, Mark, tokens


def marks(sql: str) -> list[str]:
    return [token.mark.name for token in tokens(sql)]


def refused(sql: str) -> PredicateError:
    with pytest.raises(PredicateError) as caught:
        tokens(sql)
    return caught.value


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("Modality", ["NAME"]),
        ("`Rows`", ["QUOTED"]),
        ("'CT'", ["STRING"]),
        ('"CT"', ["STRING"]),
        ("r'\\d'", ["STRING"]),
        ("R'\\d'", ["STRING"]),
        ("'''a'b'''", ["STRING"]),
        ('"""a"b"""', ["STRING"]),
        ("b'ab'", ["BYTES"]),
        ("rb'ab'", ["BYTES"]),
        ("''", ["STRING"]),
        ("1", ["INTEGER"]),
        ("0x1F", ["INTEGER"]),
        ("1.", ["FLOAT"]),
        (".5", ["FLOAT"]),
        ("1e-3", ["FLOAT"]),
        ("@start", ["PARAMETER"]),
        ("a.b", ["NAME", "SIGN", "NAME"]),
        ("a<>b", ["NAME", "SIGN", "NAME"]),
        ("a -- b", ["NAME"]),
        ("a # b\n c", ["NAME", "NAME"]),
        ("a /* b */ c", ["NAME", "NAME"]),
        ("", []),
        (" \t\r\n", []),
    ],
)
def test_a_text_is_taken_apart(sql: str, expected: list[str]) -> None:
    assert marks(sql) == [*expected, "END"]


def test_each_token_knows_its_place_and_its_value() -> None:
    name, equals, text, end = tokens("Modality\n= 'C\\x54'")
    assert (name.offset, name.end, name.word) == (0, 8, "MODALITY")
    assert (equals.offset, equals.word) == (9, "=")
    assert (text.offset, text.value) == (11, "CT")
    assert (end.mark, end.offset) == (Mark.END, 18)


def test_a_string_of_one_line_may_not_hold_a_line_end() -> None:
    error = refused("Modality = 'C\nT'")
    assert error.message == "Syntax error: Unclosed string literal"
    assert error.offset == 11


@pytest.mark.parametrize(
    ("sql", "message", "offset"),
    [
        ("a = 'CT", "Syntax error: Unclosed string literal", 4),
        ('a = r"CT', "Syntax error: Unclosed string literal", 4),
        ("`a", "Syntax error: Unclosed identifier literal", 0),
        ("a /* b", "Syntax error: Unclosed comment", 2),
        ("a = 1; b", 'Syntax error: Unexpected ";"', 5),
        ("a % 2", 'Syntax error: Unexpected "%"', 2),
        ("a = ?", 'Syntax error: Unexpected "?"', 4),
        ("@@version", 'Syntax error: Unexpected "@"', 0),
        ("a = \u2018CT\u2019", r"Syntax error: Illegal input character '\u2018'", 4),
        ("a\u00a0= 1", r"Syntax error: Illegal input character '\xa0'", 1),
        ("a = \u0661", r"Syntax error: Illegal input character '\u0661'", 4),
        ("a = 1\0", r"Syntax error: Illegal input character '\x00'", 5),
        ("a\x07", r"Syntax error: Illegal input character '\x07'", 1),
        ("größe = 1", r"Syntax error: Illegal input character '\xf6'", 2),
        ("a = 'x\0'", r"Syntax error: Illegal input character '\x00'", 6),
        ("a = 'x\ud800'", r"Syntax error: Illegal input character '\ud800'", 6),
        ("(a = 1", 'Syntax error: "(" is never closed', 0),
        ("a = 1)", 'Syntax error: Unexpected ")"', 5),
        ("1a", "Syntax error: missing whitespace between 1 and a", 1),
        ("1.5.2", "Syntax error: missing whitespace between 1.5 and .2", 3),
    ],
)
def test_what_the_lexer_refuses_is_pointed_at(sql: str, message: str, offset: int) -> None:
    error = refused(sql)
    assert error.message == message
    assert error.offset == offset


@pytest.mark.parametrize("sql", ["'it''s'", "'a' 'b'", "'a' /* c */ 'b'", "b'a' 'b'"])
def test_strings_do_not_join_by_standing_side_by_side(sql: str) -> None:
    error = refused(sql)
    assert "concatenation" in error.message
    assert error.hint is not None


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("[p:d.t]", "write `p.d.t` in GoogleSQL"),
        ("[my-project:imaging.metadata]", "write `my-project.imaging.metadata` in GoogleSQL"),
        ("[my-project.imaging.metadata]", "write `my-project.imaging.metadata` in GoogleSQL"),
    ],
)
def test_a_table_of_legacy_sql_is_answered_with_the_standard_spelling(sql: str, hint: str) -> None:
    error = refused(sql)
    assert "legacy SQL" in error.message
    assert error.hint == hint


def test_strange_characters_are_fine_between_quotes() -> None:
    (text, _) = tokens("'größe \u0661 \u2018x\u2019'")
    assert text.value == "größe \u0661 \u2018x\u2019"


@pytest.mark.parametrize("opening", ["(", "NOT ", "- ", "(- NOT "])
def test_deep_nesting_is_refused_at_once(opening: str) -> None:
    begun = time.monotonic()
    error = refused(opening * 100_000)
    assert time.monotonic() - begun < 1
    assert str(MAX_DEPTH) in error.message


def test_a_nesting_just_as_deep_as_allowed_is_taken() -> None:
    assert len(tokens("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH)) == 2 * MAX_DEPTH + 2


def test_a_text_of_more_than_a_megabyte_is_refused_before_it_is_read() -> None:
    error = refused("'" + "x" * MAX_CHARACTERS)
    assert "1,000,002" not in error.message
    assert f"{MAX_CHARACTERS:,}" in error.message
    assert "UNNEST" in (error.hint or "")
