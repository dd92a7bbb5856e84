"""Dividing lines among parts: what units weigh, and where each one falls.

Units stand in the order of (study, series). Parts of like weight are ranges of that order; those of
a ratio are told by a keyed hash, the same as ``Cohort.split`` takes, so that no unit ever moves.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.cohorts.shares import cuts
from dicomfilter.counts import counted, whole
from dicomfilter.engines.arrow_bytes import bytes_of, column_of, no_rows
from dicomfilter.errors import DicomFilterError, UsageError
from dicomfilter.filters.algebra.weights import take_lines, take_units
from dicomfilter.filters.lines.findings import LevelCounts
from dicomfilter.filters.lines.ledger import open_session, stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import duckdb
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.filters.algebra.picks import Pick

_KEYS = {
    "study": "study",
    "series": "study || '/' || series",
    "line": "study || '/' || coalesce(series, '') || '/' || coalesce(instance, '')",
    "patient": "patient",
}
"""What tells units apart, over lines and what a table knows of them."""

_OWNED = """
CREATE TEMP TABLE owned AS
SELECT lines.*, owners.patient
FROM lines LEFT JOIN (
  SELECT study, min(patient) AS patient FROM covered GROUP BY study
) AS owners USING (study)
"""
_UNOWNED = "CREATE TEMP VIEW owned AS SELECT *, NULL::VARCHAR AS patient FROM lines"
_COVERED = """
CREATE TEMP TABLE covered AS
SELECT
  units.*,
  line.series AS line_series,
  line.instance AS line_instance
FROM units JOIN lines AS line ON units.study = line.study
  AND (line.series IS NULL OR line.series = units.series)
  AND (line.instance IS NULL OR line.instance = units.instance)
"""
_LACKING = """
SELECT count(*) FROM lines WHERE NOT EXISTS (
  SELECT 1 FROM covered
  WHERE covered.study = lines.study
    AND covered.line_series IS NOT DISTINCT FROM lines.series
    AND covered.line_instance IS NOT DISTINCT FROM lines.instance
)
"""
_UNWEIGHED = "SELECT count(*) - count({weight}) FROM covered"
_ANONYMOUS = "SELECT count(*) FROM covered WHERE coalesce(patient, '') = ''"
_SHARED = """
SELECT count(*) FROM (
  SELECT study FROM covered GROUP BY study HAVING min(patient) <> max(patient)
)
"""
_STUDY_LINES = "SELECT count(*) FROM lines WHERE series IS NULL"
_BY_LINES = """
CREATE TEMP TABLE weighed AS
SELECT {key} AS unit, min(study) AS study, min(series) AS series, count(*)::DOUBLE AS weight
FROM owned GROUP BY unit
"""
_BY_TABLE = """
CREATE TEMP TABLE weighed AS
SELECT {key} AS unit, min(study) AS study, min(series) AS series, sum({weight})::DOUBLE AS weight
FROM (
  SELECT study, coalesce(line_series, CASE WHEN {fine} THEN series END) AS series,
    line_instance AS instance, patient, instances, size_bytes
  FROM covered
)
GROUP BY unit
"""
_RUNNING = """
SELECT unit, weight, sum(weight) OVER (
  ORDER BY study, series, unit ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
) AS running
FROM weighed ORDER BY study, series, unit
"""
_HASHED = "SELECT unit, sha256($seed || chr(10) || {id}) AS hash FROM weighed"
_ASSIGNED = "CREATE TEMP TABLE assigned AS SELECT unit, part FROM source"
_PARTED = """
CREATE TEMP TABLE parted AS
SELECT owned.*, assigned.part FROM owned LEFT JOIN assigned ON {key} = assigned.unit
"""
_PROOF = """
SELECT
  count(*),
  count(part),
  count(DISTINCT (study, coalesce(series, ''), coalesce(instance, ''))),
  count(DISTINCT {key}),
  count(DISTINCT ({key}, part))
FROM parted
"""
_COUNTS = """
SELECT
  count(*) FILTER (series IS NULL),
  count(*) FILTER (series IS NOT NULL AND instance IS NULL),
  count(*) FILTER (instance IS NOT NULL),
  count(DISTINCT {key}),
  count(DISTINCT study),
  count(DISTINCT (study, series)) FILTER (series IS NOT NULL)
FROM parted WHERE part = $part
"""
_WEIGHTS = """
SELECT
  count(DISTINCT covered.patient),
  count(DISTINCT (covered.study, covered.series)),
  CASE WHEN count(*) = count(instances) THEN sum(instances) END,
  CASE WHEN count(*) = count(size_bytes) THEN sum(size_bytes) END
FROM covered JOIN (SELECT DISTINCT study, series, instance, part FROM parted) AS lines
  ON covered.study = lines.study
  AND covered.line_series IS NOT DISTINCT FROM lines.series
  AND covered.line_instance IS NOT DISTINCT FROM lines.instance
WHERE part = $part
"""
_LINES = """
SELECT
  '/studies/' || study || coalesce('/series/' || series, '')
  || coalesce('/instances/' || instance, '') || chr(10) AS line
FROM parted WHERE part = $part
ORDER BY study, series NULLS FIRST, instance NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a filter file.

    Args:
        name: Its number from 1, or its name in the ratio.
        lines: How many lines it has.
        units: How many units: studies, patients, series, lines.
        studies: Studies that the lines name, whole or in part.
        series: Series that they cover by the table, else those that they name.
        patients: Patients; None without a table.
        instances: Instances that they cover; None where unknown.
        size_bytes: Bytes of their images; None where unknown.
        weight: What it was weighed with.
        levels: How many lines name what.
    """

    name: str
    lines: int
    units: int
    studies: int
    series: int
    patients: int | None
    instances: int | None
    size_bytes: int | None
    weight: float
    levels: LevelCounts


class Session:
    """Lines to be divided, and what a table knows of them."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, unit: str, *, has_table: bool
    ) -> None:
        self._connection = connection
        self._unit = unit
        self._key = _KEYS[unit]
        self._has_table = has_table

    def ranges(self, weight: str, *, parts: int | None, most: int | None) -> list[float]:
        """Cut the order of units into ranges by weight.

        Args:
            weight: ``lines``, ``instances`` or ``size_bytes``.
            parts: How many ranges.
            most: The most that one may weigh; a unit that weighs more is alone.

        Returns:
            What each weighs.
        """
        import numpy as np

        self._weigh(weight)
        found = self._connection.sql(_RUNNING).to_arrow_table()
        running, own = (numbers(found.column(name)) for name in ("running", "weight"))
        part = np.zeros(len(running), np.int64)
        if parts is not None:
            middles = (running - own / 2) * parts / max(running[-1], 1)
            part = np.minimum(middles.astype(np.int64), parts - 1)
            part = np.unique(part, return_inverse=True)[1]
        elif most is not None:
            start = number = 0
            while start < len(running):
                before = running[start - 1] if start else 0.0
                end = max(int(np.searchsorted(running, before + most, "right")), start + 1)
                part[start:end] = number
                start, number = end, number + 1
        self._assign(found.column("unit"), part)
        weights: list[float] = np.bincount(part, weights=own).tolist()
        return weights

    def shares(self, ratio: Mapping[str, float], seed: str) -> list[float]:
        """Give each unit to the part that its keyed hash tells.

        Returns:
            How many lines each part has.
        """
        import numpy as np

        self._weigh("lines")
        name = "split_part(unit, '/', 2)" if self._unit == "series" else "unit"
        hashed = self._connection.sql(
            _HASHED.format(id=name), params={"seed": seed}
        ).to_arrow_table()
        ends = [high for _, high in cuts(ratio.values())][:-1]
        texts = np.array(hashed.column("hash").to_pylist(), dtype="U64")
        part = np.searchsorted(np.array(ends, dtype="U64"), texts, "right")
        self._assign(hashed.column("unit"), part)
        count = "SELECT count(*) FROM parted WHERE part = $part"
        return [
            self._connection.execute(count, {"part": number}).fetchall()[0][0]
            for number in range(len(ratio))
        ]

    def prove(self) -> None:
        """Make sure that each line and each unit is in one part.

        Raises:
            DicomFilterError: It is not so.
        """
        ((lines, placed, distinct, units, places),) = self._connection.execute(
            _PROOF.format(key=self._key)
        ).fetchall()
        if not lines == placed == distinct or units != places:
            raise DicomFilterError("the parts are not the whole; no filter file was written")

    def part(self, number: int, name: str, weight: float) -> Part:
        """Count what a part is."""
        values = {"part": number}
        counts = self._connection.execute(_COUNTS.format(key=self._key), values).fetchall()[0]
        study, series, instance, units, studies, named = counts
        patients = covered = instances = size_bytes = None
        if self._has_table:
            (weights,) = self._connection.execute(_WEIGHTS, values).fetchall()
            patients, covered, instances, size_bytes = weights
        elif not study and not series:
            instances = instance
        levels = LevelCounts(study, series, instance)
        return Part(
            name,
            levels.total,
            units,
            studies,
            covered if covered is not None else named,
            patients,
            whole(instances),
            whole(size_bytes),
            weight,
            levels,
        )

    def blocks(self, number: int) -> Iterator[bytes]:
        """Read the lines of a part, in the order of (study, series, instance)."""
        relation = self._connection.sql(_LINES, params={"part": number})
        for batch in relation.to_arrow_reader(100_000):
            yield bytes(bytes_of(batch.column(0)))

    def _weigh(self, weight: str) -> None:
        if self._unit == "series":
            self._refuse(
                _STUDY_LINES,
                "{} a whole study, which a unit of series would divide",
                "name",
                "names",
                "use --unit study, or build with --level series",
            )
        if weight == "lines":
            self._connection.execute(_BY_LINES.format(key=self._key))
            return
        self._refuse(
            _UNWEIGHED.format(weight=weight),
            f"{{}} no {weight} in the table",
            "have",
            "has",
            "divide it by lines, or name a table that knows it",
            noun="row",
        )
        fine = "true" if self._unit in ("series", "line") else "false"
        self._connection.execute(_BY_TABLE.format(key=self._key, weight=weight, fine=fine))

    def _refuse(
        self, query: str, text: str, many: str, one: str, hint: str, *, noun: str = "line"
    ) -> None:
        ((count,),) = self._connection.execute(query).fetchall()
        if count:
            subject = f"{counted(count, noun)} {one if count == 1 else many}"
            raise UsageError(text.format(subject), hint=hint)

    def _assign(self, units: object, part: object) -> None:
        import numpy as np
        import pyarrow as pa

        table = pa.table({"unit": units, "part": column_of(np.asarray(part, np.int64))})
        batches = iter([no_rows(table.schema), *table.to_batches()])
        stream(self._connection, "source", batches, _ASSIGNED)
        self._connection.execute(_PARTED.format(key=self._key))

    def know(self, engine: Engine, *, owners: bool) -> None:
        """Take in what a table knows of the lines.

        Raises:
            UsageError: It does not know a line, or whose a study is.
        """
        take_units(self._connection, engine)
        self._connection.execute(_COVERED)
        self._refuse(
            _LACKING,
            f"{{}} nothing that {engine.uri} knows",
            "name",
            "names",
            "name the table that the filter was built from, in its present state",
        )
        if owners:
            self._refuse(
                _ANONYMOUS,
                "{} no PatientID",
                "have",
                "has",
                "use --unit study, or leave these rows out",
                noun="row",
            )
            ((shared,),) = self._connection.execute(_SHARED).fetchall()
            if shared:
                raise UsageError(
                    f"{counted(shared, 'study', 'studies')} {'is' if shared == 1 else 'are'} "
                    "of two patients or more",
                    hint="use --unit study, or put the table right",
                )


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Give the DOUBLEs of a column, none of them NULL, as one array."""
    import numpy as np

    pieces = [
        np.frombuffer(c.buffers()[1], np.float64, len(c), 8 * c.offset) for c in column.chunks
    ]
    return np.concatenate([np.empty(0, np.float64), *pieces])


@contextmanager
def open_session_of(
    pick: Pick, engine: Engine | None, unit: str, memory_limit: str
) -> Iterator[Session]:
    """Load lines, and what a table knows of them."""
    with open_session(memory_limit, ()) as connection:
        take_lines(connection, "lines", pick.blocks())
        session = Session(connection, unit, has_table=engine is not None)
        if engine is not None:
            session.know(engine, owners=unit == "patient")
            connection.execute(_OWNED)
        else:
            connection.execute(_UNOWNED)
        yield session
