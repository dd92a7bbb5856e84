"""What lines weigh, by a table of metadata: instances, bytes, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.unit_rows import measures, one_a_unit, rows, unit_names
from dicomfilter.counts import whole
from dicomfilter.engines.arrow_bytes import column_of, no_rows
from dicomfilter.filters.lines.ledger import stream
from dicomfilter.filters.lines.lines import texts
from dicomfilter.googlesql.pieces import UID_COLUMNS, column, fragment
from dicomfilter.googlesql.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import duckdb
    import pyarrow as pa
    from sqlglot import exp

    from dicomfilter.engines.protocol import Engine

_FEW_STUDIES = 10_000
"""Up to how many studies are asked for by name; of more, the whole table is read."""

_LINES = """
CREATE OR REPLACE TEMP TABLE {name} AS
SELECT parts[3] AS study, parts[5] AS series, parts[7] AS instance
FROM (SELECT string_split(text, '/') AS parts FROM source)
"""
_STUDIES = "SELECT DISTINCT study FROM lines LIMIT {limit}"
_UNITS = "CREATE TEMP TABLE units AS SELECT * FROM source"

_COVERED = """
CREATE OR REPLACE TEMP VIEW covered AS
SELECT units.* FROM units WHERE study IN (SELECT study FROM lines WHERE series IS NULL)
UNION ALL
SELECT units.* FROM units WHERE (study, series) IN (
  SELECT (study, series) FROM lines WHERE series IS NOT NULL AND instance IS NULL
)
UNION ALL
SELECT units.* FROM units WHERE (study, series, instance) IN (
  SELECT (study, series, instance) FROM lines WHERE instance IS NOT NULL
)
"""
"""The units under the lines, none of which covers another."""

_SUMS = """
SELECT
  count(DISTINCT study),
  count(DISTINCT (study, series)),
  CASE WHEN count(*) = count(instances) THEN coalesce(sum(instances), 0) END,
  CASE WHEN count(*) = count(size_bytes) THEN coalesce(sum(size_bytes), 0) END
FROM covered
"""


@dataclass(frozen=True, slots=True)
class Weight:
    """What some lines stand for.

    Args:
        studies: Studies, whole or in part.
        series: Series, whole or in part.
        instances: Instances; None where unknown.
        size_bytes: Bytes of their images; None where unknown.
    """

    studies: int
    series: int
    instances: int | None
    size_bytes: int | None


def take_lines(connection: duckdb.DuckDBPyConnection, name: str, blocks: Iterable[bytes]) -> None:
    """Make a table of lines: study, series, instance.

    Args:
        connection: Where.
        name: What it is called, a constant.
        blocks: The lines, each ended by a newline.
    """

    def batches() -> Iterator[pa.RecordBatch]:
        yield texts(b"\n").slice(0, 0)
        yield from map(texts, blocks)

    stream(connection, "source", batches(), _LINES.format(name=name))


def take_units(
    connection: duckdb.DuckDBPyConnection, engine: Engine, *, studies: Sequence[str] | None = None
) -> Selection:
    """Copy what a table of metadata knows of its units into ``units``.

    Args:
        connection: Where.
        engine: Where the table is.
        studies: Those that are wanted; None for those of the table ``lines``, or all where these
            are many.

    Returns:
        What was asked of the table.
    """
    schema = engine.schema()
    selection = Selection(schema)
    if studies is None:
        found = connection.sql(_STUDIES.format(limit=_FEW_STUDIES + 1)).fetchall()
        studies = [study for (study,) in found] if len(found) <= _FEW_STUDIES else None
    if studies is not None:
        selection = selection.where_in(IdList.of(UID_COLUMNS[0], studies))
    query = Query(_weighed(selection), selection.parameters)
    engine.estimate(query)
    stream(connection, "source", _batches(engine, query), _UNITS)
    return selection


def weigh(connection: duckdb.DuckDBPyConnection, blocks: Iterable[bytes]) -> Weight:
    """Weigh lines by the table ``units``.

    Args:
        connection: Has it.
        blocks: The lines; none covers another.
    """
    take_lines(connection, "lines", blocks)
    connection.execute(_COVERED)
    ((studies, series, instances, size_bytes),) = connection.execute(_SUMS).fetchall()
    return Weight(studies, series, whole(instances), whole(size_bytes))


def _weighed(selection: Selection) -> exp.Select:
    """Compose the usable units of a table with all that is known of their weight."""
    from sqlglot import exp

    schema = selection.schema
    known = measures(schema)
    patient = schema.find("PatientID")
    extra = {} if patient is None else {"patient": column(patient.name)}
    one = one_a_unit(rows(selection, extra=extra), selection, extra=tuple(extra))
    outputs: list[exp.Expr] = [exp.column(name) for name in unit_names(schema)]
    outputs += [fragment(name) for name in ("instances", "size_bytes") if name in known]
    outputs += [exp.column(name) for name in extra]
    query = exp.select(*outputs).from_(one.subquery("unit_rows"))
    return query.where(fragment("usable"), copy=False)


def _batches(engine: Engine, query: Query) -> Iterator[pa.RecordBatch]:
    import numpy as np
    import pyarrow as pa

    kinds = {
        "study": pa.string(),
        "series": pa.string(),
        "instance": pa.string(),
        "instances": pa.int64(),
        "size_bytes": pa.float64(),
        "patient": pa.string(),
    }
    schema = pa.schema(list(kinds.items()))
    yield no_rows(schema)
    for batch in engine.rows(query):
        have = set(batch.schema.names)
        arrays = []
        for name, kind in kinds.items():
            if name in have:
                arrays.append(batch.column(name).cast(kind))
            elif name == "instances" and "instance" in have:
                arrays.append(column_of(np.ones(len(batch), np.int64)))
            else:
                arrays.append(pa.nulls(len(batch), kind))
        yield pa.record_batch(arrays, schema=schema)
