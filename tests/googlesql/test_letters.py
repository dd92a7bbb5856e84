"""LOWER and UPPER over every character that has a case."""

from __future__ import annotations

import duckdb
import pytest

from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.types.parameters import Parameter
from tests.googlesql.metadata import TABLES

LAST = 0x1F000
"""No letter behind this code point has a case."""
SURROGATES = range(0xD800, 0xE000)

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", ["LOWER", "UPPER"])
def test_each_character_is_written_as_google_writes_it_or_refused(name: str) -> None:
    from tests.googlesql.oracle import Answer, oracle

    characters = [chr(c) for c in range(1, LAST) if c != ord("\n") and c not in SURROGATES]
    answer = oracle().ask(f"SELECT {name}(@s)", [Parameter.of("s", "\n".join(characters))])
    assert isinstance(answer, Answer)
    theirs = dict(zip(characters, answer.rows[0][0].split("\n"), strict=True))
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE metadata (PatientID VARCHAR)")
        connection.execute("INSERT INTO metadata SELECT unnest(?)", [characters])
        ours = dict(connection.execute(lenient(name)).fetchall())
    assert ours.keys() == theirs.keys()
    wrong = {c: (ours[c], theirs[c]) for c in characters if ours[c] not in (None, theirs[c])}
    assert not wrong
    assert 20 < sum(cased is None for cased in ours.values()) < 140


def lenient(name: str) -> str:
    """Write the translation so that a row that fails is NULL."""
    from sqlglot import exp

    from dicomfilter.googlesql.duckdb.translate import expression

    checked = check_query(f"SELECT {name}(PatientID) AS x FROM metadata", TABLES)
    (item,) = checked.tree.selects
    tried = exp.Anonymous(this="try", expressions=[expression(item.this)])
    return exp.select(exp.column("PatientID"), tried).from_("metadata").sql("duckdb")


def test_a_final_sigma_is_refused_and_not_guessed() -> None:
    checked = check_query("SELECT LOWER(PatientID) AS x FROM metadata", TABLES)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE metadata AS SELECT 'ΟΔΟΣ' AS PatientID")
        with pytest.raises(duckdb.Error, match="letters that lower"):
            connection.execute(to_duckdb(checked.tree)).fetchall()
