"""LOWER and UPPER over every character that has a case."""

from __future__ import annotations

import duckdb
import pytest

from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.parameters import Parameter
from tests.googlesql.metadata import TABLES

LAST = 0x1F000
"""No letter behind this code point has a case."""
BLOCK = 0x400
SURROGATES = range(0xD800, 0xE000)

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", ["LOWER", "UPPER"])
def test_each_character_is_written_as_google_writes_it_or_refused(name: str) -> None:
    from tests.googlesql.oracle import Answer, oracle

    given = Parameter.of("s", "x")
    checked = check_query(f"SELECT {name}(@s) AS x FROM metadata", TABLES, parameters=[given])
    sql = to_duckdb(checked.tree)
    refused = 0
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE metadata AS SELECT 1")
        for first in range(1, LAST, BLOCK):
            block = [chr(c) for c in range(first, first + BLOCK) if c not in (*SURROGATES, 10)]
            if not block:
                continue
            answer = oracle().ask(f"SELECT {name}(@s)", [Parameter.of("s", "\n".join(block))])
            assert isinstance(answer, Answer)
            theirs = answer.rows[0][0].split("\n")
            pairs = list(zip(block, theirs, strict=True))
            cased = [(c, t) for c, t in pairs if not c == t == c.swapcase()]
            for character, expected in cased:
                try:
                    found = connection.execute(sql, {"s": character}).fetchall()
                except duckdb.Error:
                    refused += 1
                else:
                    assert found == [(expected,)], f"U+{ord(character):04X}"
            rest = "\n".join(c for c, t in pairs if c == t == c.swapcase())
            assert connection.execute(sql, {"s": rest}).fetchall() == [(rest,)]
    assert 20 < refused < 140


def test_a_final_sigma_is_refused_and_not_guessed() -> None:
    checked = check_query("SELECT LOWER(PatientID) AS x FROM metadata", TABLES)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE metadata AS SELECT 'ΟΔΟΣ' AS PatientID")
        with pytest.raises(duckdb.Error, match="letters that lower"):
            connection.execute(to_duckdb(checked.tree)).fetchall()
