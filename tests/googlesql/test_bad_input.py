"""Whatever the text is, it is checked or refused in time: no traceback, no hang."""

from __future__ import annotations

import random
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_condition, check_query, to_duckdb
from dicomfilter.googlesql.parse.lexer import tokens
from tests.googlesql.metadata import PARAMETERS, SCHEMA, TABLES

CONDITION = (
    "NOT (Modality IN ('CT', 'MR') OR PatientName.Alphabetic.FamilyName LIKE r'A\\_%') AND CASE"
    " WHEN `Rows` BETWEEN 1 AND 2 THEN TRUE ELSE 'A' IN UNNEST(ImageType) END AND"
    " DATE_SUB(CURRENT_DATE(), INTERVAL 30 DAY) <= StudyDate AND SAFE_CAST(Modality AS INT64) > -1"
)
QUERY = (
    "WITH x AS (SELECT * EXCEPT (Extra) FROM metadata QUALIFY ROW_NUMBER() OVER (PARTITION BY"
    " PatientID ORDER BY StudyDate DESC NULLS LAST) = 1) SELECT Modality AS m, COUNT(DISTINCT"
    " PatientID) AS n FROM x, UNNEST(ImageType) AS t WHERE t = 'A' GROUP BY 1 HAVING n > 1 UNION"
    " ALL SELECT Modality, 1 FROM x ORDER BY n DESC, 1 LIMIT 10"
)


def condition(sql: str) -> None:
    check_condition(sql, SCHEMA, parameters=PARAMETERS)


def query(sql: str) -> None:
    to_duckdb(check_query(sql, TABLES, parameters=PARAMETERS).tree)


def problem(check, text) -> PredicateError | None:
    try:
        check(text)
    except PredicateError as error:
        return error
    return None


@pytest.mark.parametrize(("check", "text"), [(condition, CONDITION), (query, QUERY)])
def test_every_beginning_of_a_text_is_taken_or_refused_in_its_place(check, text) -> None:
    check(text)
    for end in range(len(text)):
        error = problem(check, text[:end])
        if error is not None:
            assert error.sql == text[:end]
            assert error.offset is None or 0 <= error.offset <= end


@pytest.mark.parametrize(("check", "text"), [(condition, CONDITION), (query, QUERY)])
def test_tokens_left_out_doubled_or_swapped_are_no_crash(check, text) -> None:
    words = [token.text for token in tokens(text)][:-1]
    chance = random.Random(1)
    for place in range(len(words)):
        other = chance.randrange(len(words))
        swapped = list(words)
        swapped[place], swapped[other] = swapped[other], swapped[place]
        for broken in (
            words[:place] + words[place + 1 :],
            [*words[: place + 1], *words[place:]],
            swapped,
        ):
            with suppress(PredicateError):
                check(" ".join(broken))


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 100_000 + "IsPhantom" + ")" * 100_000,
        "NOT " * 100_000 + "IsPhantom",
        "LOWER(" * 190 + "Modality" + ")" * 190 + " = 'x'",
        "`Rows` = " + "+".join(["1"] * 5000),
        "'" * 10_001,
        "`" * 10_001,
        "/*" * 10_000,
        "\0",
        "Modality = '\ud800'",
        "a" * 999_999,
        "1" * 100_000,
        "0x" + "f" * 100_000 + " = 1",
        "." * 1000,
        ",".join(["Modality"] * 1000),
    ],
    ids=lambda text: f"{text[:12]!a}",
)
def test_a_monster_is_refused_within_a_second_or_so(text: str) -> None:
    for check in (condition, query):
        begun = time.monotonic()
        with pytest.raises(PredicateError):
            check(text)
        assert time.monotonic() - begun < 5


def test_many_clauses_are_a_loop_and_not_a_recursion() -> None:
    from sqlglot import exp

    clauses = " AND ".join(f"Modality != '{n}'" for n in range(3000))
    checked = check_condition(clauses, SCHEMA)
    assert len(checked.parameters) == 3000
    select = exp.select("Modality").from_("metadata").where(checked.tree)
    whole = check_query(select, TABLES, parameters=checked.parameters)
    assert to_duckdb(whole.tree).count(" AND ") == 2999


def test_rewrites_that_double_their_operand_do_not_double_their_text() -> None:
    text = "PatientID"
    for _ in range(12):
        text = f"LOWER(CONCAT({text}, UPPER({text})))" if len(text) < 2000 else f"LOWER({text})"
    checked = check_query(f"SELECT {text} AS x FROM metadata", TABLES)
    assert len(to_duckdb(checked.tree)) < 20 * len(text) + 4096


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused(text: str) -> None:
    for check in (condition, query):
        with suppress(PredicateError):
            check(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([t.text for t in tokens(QUERY)] + ["=", "IN", "LIKE"]), max_size=20)
)
def test_any_heap_of_words_is_taken_or_refused(words: list[str]) -> None:
    for check in (condition, query):
        with suppress(PredicateError):
            check(" ".join(words))
