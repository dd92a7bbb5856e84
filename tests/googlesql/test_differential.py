"""Random GoogleSQL, given to the embedded engine and to Google's evaluator.

The seeds are fixed, so that a run repeats; a change of sqlglot or DuckDB deserves others.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql.lexer import tokens
from tests.googlesql.dicom import connect
from tests.googlesql.grammar import Grammar

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(300)]

CONDITIONS = 300
QUERIES = 100
BROKEN = 200
FROM = "SELECT SOPInstanceUID FROM d WHERE "


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as opened:
        yield opened


def verdicts(connection: duckdb.DuckDBPyConnection, texts: list[str]) -> Counter[str]:
    """Compare each text, and fail on the first that is unforgivable or fails."""
    from tests.googlesql.differential import UNFORGIVABLE, Verdict, compare

    counted: Counter[str] = Counter()
    for text in texts:
        found = compare(connection, text)
        assert found.verdict not in (*UNFORGIVABLE, Verdict.FAILED), found
        counted[found.verdict] += 1
    return counted


def test_random_conditions_select_the_rows_that_google_selects(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    grammar = Grammar(20261121)
    counted = verdicts(connection, [FROM + grammar.condition() for _ in range(CONDITIONS)])
    assert counted["same"] > CONDITIONS * 0.7
    assert counted["refused here only"] < CONDITIONS * 0.1


def test_random_queries_give_the_rows_that_google_gives(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    grammar = Grammar(20261122)
    counted = verdicts(connection, [grammar.query() for _ in range(QUERIES)])
    assert counted["same"] > QUERIES * 0.7


def test_broken_texts_are_refused_wherever_google_refuses_them(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    grammar, chance = Grammar(20261123, mistakes=0), random.Random(7)
    texts = [broken(FROM + grammar.condition(2), chance) for _ in range(BROKEN)]
    counted = verdicts(connection, texts)
    assert counted["both refuse"] > BROKEN * 0.7


def broken(text: str, chance: random.Random) -> str:
    """Leave a token out, double it, or swap it with another."""
    words = [token.text for token in tokens(text)][:-1]
    place, other = chance.randrange(len(words)), chance.randrange(len(words))
    match chance.randrange(3):
        case 0:
            del words[place]
        case 1:
            words.insert(place, words[place])
        case _:
            words[place], words[other] = words[other], words[place]
    return " ".join(words)


def test_the_comparison_itself_would_notice(connection: duckdb.DuckDBPyConnection) -> None:
    from tests.googlesql.differential import Verdict, compare

    assert compare(connection, FROM + "Modality = 'CT'").verdict is Verdict.SAME
    assert compare(connection, FROM + "Modality = 1").verdict is Verdict.BOTH_REFUSE
    assert compare(connection, FROM + "SUBSTR(Modality, 1, 1) = 'C'").verdict is Verdict.REFUSED
    connection.execute("CREATE OR REPLACE VIEW other AS SELECT * FROM d LIMIT 3")
    with pytest.raises(PredicateError):
        compare_view(connection)


def compare_view(connection: duckdb.DuckDBPyConnection) -> None:
    """Ask for a table that is there in DuckDB and not in the catalogue: names are checked first."""
    from tests.googlesql.dicom import run
    from tests.googlesql.differential import TODAY

    run(connection, "SELECT SOPInstanceUID FROM other", today=TODAY)
