"""What is left of studies and series once a part is taken out, by a table."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from dicomfilter.cohorts.unit_rows import rows
from dicomfilter.counts import counted
from dicomfilter.engines.arrow_bytes import bytes_of
from dicomfilter.errors import TableError, UsageError
from dicomfilter.filters.algebra.picks import Result
from dicomfilter.filters.algebra.weights import take_lines, take_units
from dicomfilter.filters.lines.findings import LevelCounts
from dicomfilter.filters.lines.ledger import open_session
from dicomfilter.googlesql.pieces import UID_COLUMNS, fragment
from dicomfilter.googlesql.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from dicomfilter.cohorts.selection import Selection
    from dicomfilter.engines.protocol import Engine
    from dicomfilter.filters.algebra.picks import Difference, Pick

_STUDIES = "SELECT DISTINCT study FROM cut ORDER BY study"

_KNOWN = """
CREATE TEMP TABLE known AS
SELECT
  found.study,
  found.series,
  found.instance,
  cut.series IS NOT NULL OR (found.study, found.series) IN (
    SELECT (study, series) FROM cutters WHERE instance IS NOT NULL
  ) AS touched
FROM units AS found
JOIN cut ON found.study = cut.study AND (cut.series IS NULL OR cut.series = found.series)
WHERE (found.study, found.series) NOT IN (
  SELECT (study, series) FROM cutters WHERE series IS NOT NULL AND instance IS NULL
)
"""

_UNKNOWN = """
SELECT count(*) FROM cut
WHERE NOT EXISTS (
  SELECT 1 FROM units AS found
  WHERE found.study = cut.study
    AND (cut.series IS NULL OR found.series = cut.series)
    AND (cut.instance IS NULL OR found.instance IS NULL OR found.instance = cut.instance)
)
"""

_TOO_FINE = "SELECT count(DISTINCT (study, series)) FROM known WHERE touched"

_LEFT = """
CREATE TEMP TABLE rest AS
SELECT DISTINCT study, series, NULL::VARCHAR AS instance FROM known WHERE NOT touched
UNION ALL
SELECT DISTINCT study, series, instance FROM known
WHERE touched AND (study, series, instance) NOT IN (
  SELECT (study, series, instance) FROM cutters WHERE instance IS NOT NULL
)
"""

_COUNTS = """
SELECT
  count(*) FILTER (instance IS NULL),
  count(*) FILTER (instance IS NOT NULL),
  count(DISTINCT study),
  count(DISTINCT (study, series))
FROM rest
"""

_TEXT = """
SELECT
  '/studies/' || study || '/series/' || series
  || coalesce('/instances/' || instance, '') || chr(10) AS line
FROM rest
"""


@dataclass(frozen=True, slots=True)
class Expansion:
    """What is left of cut lines; see Pick.

    Args:
        levels: How many lines name what.
        studies: How many different studies they name.
        series: How many different series.
        warnings: What a person should know.
    """

    connection: duckdb.DuckDBPyConnection = field(repr=False)
    levels: LevelCounts
    studies: int
    series: int
    warnings: tuple[str, ...]

    def blocks(self) -> Iterator[bytes]:
        """Read the lines, each ended by a newline."""
        for batch in self.connection.sql(_TEXT).to_arrow_reader(100_000):
            yield bytes(bytes_of(batch.column(0)))


@contextmanager
def open_expansion(
    difference: Difference, engine: Engine, *, memory_limit: str
) -> Iterator[Expansion]:
    """Find what a table knows under lines of which a part is taken out.

    Args:
        difference: Whose cut lines are expanded.
        engine: Where the table is.
        memory_limit: What is kept in memory before it is spilled.

    Yields:
        Lines of series that nothing is taken out of, and of instances elsewhere.

    Raises:
        UsageError: The table does not know what a line names, or knows no instances.
    """
    with open_session(memory_limit, ()) as connection:
        take_lines(connection, "cut", difference.cut.blocks())
        take_lines(connection, "cutters", difference.cutters.blocks())
        studies = connection.sql(_STUDIES).to_arrow_table().column(0).to_pylist()
        selection = take_units(connection, engine, studies=studies)
        _refuse_unknown(connection, engine)
        connection.execute(_KNOWN)
        if selection.schema.finest.depth < len(UID_COLUMNS):
            ((fine,),) = connection.execute(_TOO_FINE).fetchall()
            if fine:
                raise TableError(
                    f"{engine.uri} knows no instances, and {counted(fine, 'series', 'series')} "
                    "would have to be written as instances",
                    hint="name a table of instances with --against",
                )
        connection.execute(_LEFT)
        count = difference.cut.levels.total
        was = "was" if count == 1 else "were"
        arriving = "instances that arrive there later are not in the result"
        warnings = [f"{counted(count, 'line')} {was} expanded by {engine.uri}: {arriving}"]
        if unusable := _unusable(engine, selection):
            warnings.append(
                f"{counted(unusable, 'row')} of the table with a NULL or unusable UID "
                f"{'is' if unusable == 1 else 'are'} not in the result"
            )
        yield _expansion(connection, tuple(warnings))


_UNDER = """
CREATE TEMP TABLE rest AS
SELECT DISTINCT units.study, units.series, units.instance
FROM units JOIN cut ON units.study = cut.study
  AND (cut.series IS NULL OR cut.series = units.series)
  AND (cut.instance IS NULL OR units.instance IS NULL OR cut.instance = units.instance)
"""


@contextmanager
def expanded(pick: Pick, engine: Engine, *, memory_limit: str) -> Iterator[Result]:
    """Name everything that a table knows under some lines.

    Args:
        pick: The lines.
        engine: Where the table is.
        memory_limit: What is kept in memory before it is spilled.

    Raises:
        UsageError: The table knows nothing under a line.
    """
    before = engine.fingerprint()
    with open_session(memory_limit, ()) as connection:
        take_lines(connection, "cut", pick.blocks())
        connection.execute("CREATE TEMP VIEW lines AS SELECT * FROM cut")
        take_units(connection, engine)
        _refuse_unknown(connection, engine)
        connection.execute(_UNDER)
        found = _expansion(connection, ())
        details = {"against": asdict(before), "expanded_lines": pick.levels.total}
        yield Result(
            found.levels, found.studies, found.series, found.blocks, found.warnings, details
        )


def _refuse_unknown(connection: duckdb.DuckDBPyConnection, engine: Engine) -> None:
    ((unknown,),) = connection.execute(_UNKNOWN).fetchall()
    if unknown:
        raise UsageError(
            f"{counted(unknown, 'line')} {'names' if unknown == 1 else 'name'} what {engine.uri} "
            "does not know, so what it holds cannot be told",
            hint="name the table that the filter was built from, in its present state",
        )


def _expansion(connection: duckdb.DuckDBPyConnection, warnings: tuple[str, ...]) -> Expansion:
    ((whole, instances, studies, series),) = connection.execute(_COUNTS).fetchall()
    return Expansion(connection, LevelCounts(0, whole, instances), studies, series, warnings)


def _unusable(engine: Engine, selection: Selection) -> int:
    from sqlglot import exp

    count = exp.select(fragment("COUNTIF(NOT usable) AS row_count"))
    tree = count.from_(rows(selection).subquery("current_rows"))
    (row,) = engine.rows(Query(tree, selection.parameters)).read_all().to_pylist()
    return int(row["row_count"] or 0)
