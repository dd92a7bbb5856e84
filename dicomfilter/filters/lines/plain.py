"""Files of nothing but regular paths, which DuckDB splits by itself on all cores.

What it made of a file is proved by counting. Beside it, the bytes are gone through once: if the
rows that DuckDB gave hold all bytes of the file, and the file has no letter, no slash and no two
separators in a row but those of the rows' words, then the rows are the lines, and their UIDs
regular. Anything else is for the slower way, which looks at every line.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Self

from dicomfilter.engines.arrow_bytes import numbers_of, texts_of
from dicomfilter.engines.duckdb.interruption import interruptible
from dicomfilter.engines.line_proof import NOTHING, PIECE, Counts, Tally, together
from dicomfilter.filters.lines.chunks import Wrapping
from dicomfilter.filters.lines.findings import LevelCounts
from dicomfilter.filters.lines.lines import Block, Proof
from dicomfilter.storage.local.refusals import reading
from dicomfilter.storage.protocol import is_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import pyarrow as pa

    from dicomfilter.filters.lines.chunks import Source
    from dicomfilter.storage.digest import Digest

_AHEAD = 2
"""How many bytes behind a byte tell what it is."""
_PATTERN = frozenset("*?[")
"""What DuckDB would take for a pattern of names."""
_LETTERS = (len("studies"), len("series"), len("instances"))
_BATCH_LINES = 1 << 20


_IN_ORDER = "SET preserve_insertion_order = true"
_IN_ANY_ORDER = "SET preserve_insertion_order = false"

_READ = r"""
CREATE TEMP TABLE plain AS
SELECT
  CASE WHEN start = '' AND studies = 'studies' AND study <> '' THEN CASE
    WHEN "series" IS NULL THEN 1
    WHEN "series" = 'series' AND series_uid <> '' THEN CASE
      WHEN instances IS NULL THEN 2
      WHEN instances = 'instances' AND instance <> '' THEN 3
    END
  END END::UTINYINT AS depth,
  strlen(study) > 64
    OR coalesce(strlen(series_uid) > 64, false)
    OR coalesce(strlen(instance) > 64, false) AS irregular,
  hash(study) AS study,
  CASE WHEN series_uid IS NOT NULL THEN hash(series_uid) END AS series,
  CASE WHEN instance IS NOT NULL THEN hash(instance) END AS instance,
  (
    strlen('/studies/') + strlen(study) + 1
    + coalesce(strlen('/series/') + strlen(series_uid), 0)
    + coalesce(strlen('/instances/') + strlen(instance), 0)
  )::INTEGER AS size_bytes
"""
"""A NULL is what a shorter line lacks; no UID is the text that stands for it."""

SPLIT = r"""
FROM read_csv(
  $path,
  columns = {
    'start': 'VARCHAR', 'studies': 'VARCHAR', 'study': 'VARCHAR', 'series': 'VARCHAR',
    'series_uid': 'VARCHAR', 'instances': 'VARCHAR', 'instance': 'VARCHAR'
  },
  auto_detect = false,
  header = false,
  delim = '/',
  new_line = '\n',
  quote = '',
  escape = '',
  nullstr = '-',
  null_padding = true,
  compression = 'none',
  hive_partitioning = false,
  max_line_size = 1048576
)
"""
"""Lines as the texts between their slashes."""

_COUNT = """
SELECT
  count(*),
  count(depth),
  coalesce(sum(size_bytes), 0),
  count(*) FILTER (depth = 1),
  count(*) FILTER (depth = 2),
  count(*) FILTER (depth = 3)
FROM plain
"""

_DROP = "DROP TABLE IF EXISTS plain"

_VIEW = """
CREATE TEMP VIEW lines AS
SELECT
  rowid + 1 AS line,
  0::UTINYINT AS marks,
  depth,
  irregular,
  study,
  series,
  instance,
  NULL::VARCHAR AS odd
FROM plain
"""

_SIZES = "SELECT size_bytes FROM plain"


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain file that was read.

    Args:
        path: Where it is.
        version: What tells whether it is still the same.
        levels: How many lines name what.
        ends: Whether its last line ends with a newline.
        digest: Of its bytes, if that was asked for.
    """

    path: str
    version: tuple[int, ...]
    levels: LevelCounts
    ends: bool
    digest: Digest | None

    @property
    def size_bytes(self) -> int:
        """Its length."""
        return self.version[-1]

    def is_changed(self) -> bool:
        """Tell whether the file is another one by now, or none."""
        try:
            return version_of(self.path) != self.version
        except FileNotFoundError:
            return True

    def texts(
        self, connection: duckdb.DuckDBPyConnection, wanted: pa.ChunkedArray
    ) -> pa.RecordBatch:
        """Read some lines again.

        Args:
            connection: That it was read with.
            wanted: Numbers of lines, in order.

        Returns:
            A row each: ``text`` and ``line``.
        """
        import numpy as np
        import pyarrow as pa

        numbers = wanted.combine_chunks()
        places = numbers_of(numbers) - 1
        found: list[str] = []
        first = offset = 0
        with open(self.path, "rb") as file, in_order(connection):  # noqa: PTH123 - by its descriptor
            for batch in connection.sql(_SIZES).to_arrow_reader(_BATCH_LINES):
                sizes = numbers_of(batch.column(0))
                ends = np.cumsum(sizes, dtype=np.int64)
                here = places[slice(*np.searchsorted(places, (first, first + len(batch))))] - first
                for end, size in zip(ends[here].tolist(), sizes[here].tolist(), strict=True):
                    line = os.pread(file.fileno(), size, offset + end - size)
                    found.append(line.decode("ascii", "replace").removesuffix("\n"))
                first += len(batch)
                offset += int(ends[-1])
        return pa.record_batch([texts_of(found), numbers], ["text", "line"])


def place_of(source: Source) -> str | None:
    """Tell the path by which DuckDB may read a file; None where it cannot."""
    if is_cloud(source.place) or _PATTERN & set(source.place):
        return None
    with reading(source.uri):
        path = os.path.realpath(source.place)
    try:
        path.encode()
    except UnicodeEncodeError:
        return None
    return None if _PATTERN & set(path) else path


def may_be_plain(source: Source) -> bool:
    """Tell whether a file may be plain, by its first lines.

    Raises:
        FilterFileError: It is empty, or no filter file.
        SourceError: It cannot be read.
    """
    wrapping = Wrapping()
    first = next(source.blocks(wrapping))
    return not wrapping.utf_16 and not wrapping.gzip and Block.of(first).proof is Proof.REGULAR


def read_plain(
    connection: duckdb.DuckDBPyConnection, path: str, digest: Digest | None
) -> Plain | None:
    """Make the table ``lines`` of a plain file.

    Args:
        connection: Which may read the file.
        path: The file, of which `may_be_plain` holds.
        digest: A new one, to take in the bytes.

    Returns:
        What is known of it; None, and no table, where it is not plain.

    Raises:
        OSError: It cannot be read.
    """
    import duckdb

    version, stop = version_of(path), Event()
    with ThreadPoolExecutor(1) as beside:
        counting = beside.submit(PlainBytes.of, path, digest, stop)
        try:
            with in_order(connection):
                values = {"path": path}
                interruptible(connection, lambda: connection.execute(_READ + SPLIT, values))
            lines, known, size_bytes, *levels = connection.sql(_COUNT).fetchall()[0]
            found = counting.result() if known == lines else None
        except duckdb.Error:  # a line is none that its reader takes
            found = None
        finally:
            stop.set()
    if found is not None and (found.size_bytes, version_of(path)) == (version[-1], version):
        counts = LevelCounts(*levels)
        if found.are_of(counts, size_bytes):
            connection.execute(_VIEW)
            return Plain(path, version, counts, found.ends, digest)
    connection.execute(_DROP)
    return None


@contextmanager
def in_order(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Have rows come and stay in the order of lines."""
    connection.execute(_IN_ORDER)
    try:
        yield
    finally:
        connection.execute(_IN_ANY_ORDER)


@dataclass(frozen=True, slots=True)
class PlainBytes:
    """What the bytes of a file show: as `Tally` has it, and its length and end."""

    counts: Counts
    size_bytes: int
    ends: bool

    @classmethod
    def of(cls, path: str, digest: Digest | None, stop: Event) -> Self | None:
        """Go through a file; give None if told to stop."""
        import numpy as np

        view = memoryview(bytearray(PIECE + _AHEAD))
        buffer, tally = np.frombuffer(view, np.uint8), Tally()
        counts = NOTHING
        kept = size_bytes = 0
        last = b"\n"
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - into a buffer of one's own
            while not stop.is_set():
                taken = file.readinto(view[kept : kept + PIECE]) or 0
                if digest is not None:
                    digest.add(view[kept : kept + taken])
                size_bytes += taken
                filled = kept + taken
                own = max(0, filled - _AHEAD) if taken else filled
                counts = together(counts, tally.of(buffer[:filled], own))
                if not taken:
                    # Nothing comes behind the end, where a dot or a slash would be doubtful.
                    counts = together(counts, (0, 0, int(last in (b".", b"/"))))
                    return cls(counts, size_bytes, last == b"\n")
                last = bytes(view[filled - 1 : filled])
                view[: filled - own] = view[own:filled]
                kept = filled - own
        return None

    def are_of(self, levels: LevelCounts, size_bytes: int) -> bool:
        """Check that they are those of so many lines of regular UIDs."""
        lines = levels.total
        with_series = levels.series + levels.instance
        words = (lines, with_series, levels.instance)
        missing = not self.ends  # the newline of the last line
        others = sum(map(int.__mul__, words, _LETTERS)) + lines - missing
        return (self.counts, self.size_bytes) == (
            (others, 2 * sum(words), lines - 1),
            size_bytes - missing,
        )


def version_of(path: str) -> tuple[int, ...]:
    """Tell what changes whenever a file does; its length comes last."""
    found = os.stat(path)  # noqa: PTH116 - a text
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
