"""Random GoogleSQL, given to the embedded engine and to Google's evaluator.

The seeds are fixed, so that a run repeats; a change of sqlglot or DuckDB deserves others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import PredicateError

if TYPE_CHECKING:
    import duckdb

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(300)]

SEED = "20261121"
CHUNKS = 6  # a sample; ``make fuzz`` takes 50,000 texts of each grammar
FEW, EACH = 2, 200
FROM = "SELECT SOPInstanceUID FROM d WHERE "


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_texts_are_answered_as_google_answers_them_or_refused(chunk: int) -> None:
    from tests.googlesql.fuzz import run_chunk

    tallies = run_chunk(f"{SEED}/{chunk}")
    assert not [found for tally in tallies.values() for found in tally.bad]
    assert tallies["conditions"].answered > 0.9
    assert tallies["queries"].answered > 0.85


@pytest.mark.parametrize("grammar", ["selects", "published"])
@pytest.mark.parametrize("chunk", range(FEW))
def test_whole_selects_and_changes_of_published_queries_likewise(grammar: str, chunk: int) -> None:
    from tests.googlesql.fuzz import run_chunk

    (tally,) = run_chunk(f"{SEED}/{chunk}", EACH, grammar=grammar).values()
    assert not tally.bad
    assert tally.answered > 0.85


def test_the_comparison_itself_would_notice(connection: duckdb.DuckDBPyConnection) -> None:
    from tests.googlesql.differential import Verdict, compare

    assert compare(connection, FROM + "Modality = 'CT'").verdict is Verdict.SAME
    assert compare(connection, FROM + "Modality = 1").verdict is Verdict.BOTH_REFUSE
    assert compare(connection, FROM + "NORMALIZE(Modality) = 'C'").verdict in (
        Verdict.REFUSED,
        Verdict.BOTH_REFUSE,  # the evaluator lacks the tables
    )
    connection.execute("CREATE OR REPLACE VIEW other AS SELECT * FROM d LIMIT 3")
    with pytest.raises(PredicateError):
        compare_view(connection)


def compare_view(connection: duckdb.DuckDBPyConnection) -> None:
    """Ask for a table that is there in DuckDB and not in the catalogue: names are checked first."""
    from tests.googlesql.dicom import run
    from tests.googlesql.differential import TODAY

    run(connection, "SELECT SOPInstanceUID FROM other", today=TODAY)
