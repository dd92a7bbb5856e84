"""What a table of metadata knows of the instances that a filter names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.unit_rows import measures, one_a_unit, rows, unit_names
from dicomfilter.filters.lines.ledger import stream
from dicomfilter.googlesql.pieces import UID_COLUMNS, column, fragment
from dicomfilter.googlesql.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import pyarrow as pa
    from sqlglot import exp

    from dicomfilter.engines.protocol import Engine

_FEW_STUDIES = 10_000
"""Up to how many studies are asked for by name; of more, the whole table is read."""
_STUDIES = "SELECT DISTINCT study FROM {source} LIMIT {limit}"
_EXTRAS = {
    "frames": "NumberOfFrames",
    "updated": "LastUpdated",
    "kind": "Type",
    "pixel_rows": "Rows",
}
_UNITS = """
CREATE OR REPLACE TABLE units AS
SELECT
  study,
  series,
  instance,
  instances,
  size_bytes,
  TRY_CAST(frames AS BIGINT) AS frames,
  TRY_CAST(updated AS TIMESTAMPTZ) AS updated,
  kind IS NOT DISTINCT FROM 'DELETE' AS deleted,
  pixel_rows IS NOT NULL AS has_pixels,
  md5_number(study || '/' || series || '/' || instance) AS key
FROM source
WHERE study IN (SELECT study FROM {source})
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What a table can tell.

    Args:
        instances: Whether it has a row an instance, not a series.
        frames: Whether it tells how many frames an image has.
        pixels: Whether it tells which instances have pixels.
    """

    instances: bool = False
    frames: bool = False
    pixels: bool = False


def take_known(
    connection: duckdb.DuckDBPyConnection, engine: Engine, *, source: str = "lines"
) -> Known:
    """Copy what a table knows of some studies into ``units``, deleted instances too.

    Args:
        connection: Has a table with a column ``study``.
        engine: Where the table of metadata is.
        source: The name of the former, a constant.

    Returns:
        What the table can tell.

    Raises:
        CostLimitError: It would scan more than the limit.
        DicomFilterError: It cannot be read.
    """
    schema = engine.schema()
    selection = Selection(schema)
    named = connection.execute(_STUDIES.format(source=source, limit=_FEW_STUDIES + 1)).fetchall()
    if len(named) <= _FEW_STUDIES:
        selection = selection.where_in(IdList.of(UID_COLUMNS[0], [study for (study,) in named]))
    query = Query(_composed(selection), selection.parameters)
    engine.estimate(query)
    stream(connection, "source", _batches(engine, query), _UNITS.format(source=source))
    return Known(
        instances=schema.finest.depth == len(UID_COLUMNS),
        frames=not schema.missing("NumberOfFrames"),
        pixels=not schema.missing("Rows"),
    )


def _composed(selection: Selection) -> exp.Select:
    from sqlglot import exp

    schema = selection.schema
    extra = {
        name: column(found.name)
        for name, keyword in _EXTRAS.items()
        if (found := schema.find(keyword)) is not None
    }
    one = one_a_unit(rows(selection, extra=extra, deleted=True), selection, extra=tuple(extra))
    outputs: list[exp.Expr] = [exp.column(name) for name in unit_names(schema)]
    outputs += [exp.column(name) for name in (*measures(schema), *extra)]
    query = exp.select(*outputs).from_(one.subquery("unit_rows"))
    return query.where(fragment("usable"), copy=False)


def _batches(engine: Engine, query: Query) -> Iterator[pa.RecordBatch]:
    """Give rows with every column, those that the table lacks as NULL."""
    import pyarrow as pa

    text = pa.string()
    kinds = {
        "study": text,
        "series": text,
        "instance": text,
        "instances": pa.int64(),
        "size_bytes": pa.float64(),
        "frames": text,
        "updated": text,
        "kind": text,
        "pixel_rows": text,
    }
    schema = pa.schema(list(kinds.items()))
    yield pa.RecordBatch.from_pylist([], schema)
    for batch in engine.rows(query):
        have = set(batch.schema.names)
        arrays = [
            batch.column(name).cast(kind) if name in have else pa.nulls(len(batch), kind)
            for name, kind in kinds.items()
        ]
        yield pa.record_batch(arrays, schema=schema)
