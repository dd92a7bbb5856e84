"""Calculating with files of any size, by sorting hashes of their lines.

A file is read twice: once for its hashes, and once more for the text of the lines that were picked.
Lines are one where 128 bits of hashes and the place of the line in the tree agree.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, Self

from dicomfilter.engines.arrow_bytes import numbers_of
from dicomfilter.engines.duckdb.spill import Spill
from dicomfilter.filters.algebra.buckets import COUNT, RECORD_BYTES, Buckets, records_of
from dicomfilter.filters.algebra.hash_part import Part
from dicomfilter.filters.algebra.inputs import changed, describe, refuse_unusable
from dicomfilter.filters.algebra.picks import Comparison, Difference
from dicomfilter.filters.lines.chunks import Wrapping
from dicomfilter.filters.lines.findings import LevelCounts
from dicomfilter.filters.lines.ledger import open_session
from dicomfilter.filters.lines.lines import texts
from dicomfilter.filters.lines.plain import (
    SPLIT,
    PlainBytes,
    in_order,
    may_be_plain,
    place_of,
    version_of,
)
from dicomfilter.storage.digest import Digest
from dicomfilter.storage.local.refusals import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import duckdb
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from dicomfilter.filters.algebra.hash_part import Masks
    from dicomfilter.filters.algebra.inputs import Input
    from dicomfilter.filters.lines.chunks import Source

_BATCH_LINES = 1 << 18
_LEAST_BYTES_A_LINE = 60
"""To guess how many lines a file has before it is read."""

_HASHES = """
SELECT
  CASE WHEN start = '' AND studies = 'studies' AND study <> '' THEN CASE
    WHEN "series" IS NULL THEN 1
    WHEN "series" = 'series' AND series_uid <> '' THEN CASE
      WHEN instances IS NULL THEN 2
      WHEN instances = 'instances' AND instance <> '' THEN 3
      ELSE 0
    END
    ELSE 0
  END ELSE 0 END::UTINYINT AS depth,
  hash(study) AS study,
  hash(series_uid) AS series,
  hash(instance) AS instance,
  hash(reverse(coalesce(instance, series_uid, study))) AS proof,
  (
    strlen('/studies/') + coalesce(strlen(study), 0) + 1
    + coalesce(strlen('/series/') + strlen(series_uid), 0)
    + coalesce(strlen('/instances/') + strlen(instance), 0)
  )::UINTEGER AS size_bytes
"""

_HASHES_OF_TEXT = """
SELECT
  CASE WHEN good THEN len(parts) // 2 ELSE 0 END::UTINYINT AS depth,
  hash(parts[3]) AS study,
  hash(parts[5]) AS series,
  hash(parts[7]) AS instance,
  hash(reverse(parts[-1])) AS proof
FROM (
  SELECT
    string_split(text, '/') AS parts,
    regexp_full_match(
      text, '/studies/[0-9.]+(?:/series/[0-9.]+(?:/instances/[0-9.]+)?)?'
    ) AS good
  FROM source
)
"""
_LIMIT = "SELECT current_setting('memory_limit')"
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


@dataclass(frozen=True, slots=True)
class ManyPick:
    """Lines by their numbers; see Pick."""

    files: tuple[_File, ...] = field(repr=False)
    masks: Mapping[int, NDArray[np.bool_]] = field(repr=False)
    levels: LevelCounts
    studies: int
    series: int

    def blocks(self) -> Iterator[bytes]:
        """Read the lines, each ended by a newline, in the order of the inputs."""
        for number, mask in sorted(self.masks.items()):
            yield from self.files[number].only(mask)


@dataclass(frozen=True, slots=True)
class _File:
    """A file that was read once."""

    source: Source
    input: Input
    lines: int

    def only(self, mask: NDArray[np.bool_]) -> Iterator[bytes]:
        """Read some of its lines again."""
        digest, at = Digest(with_sha256=False), 0
        for block in self.source.blocks(Wrapping(), digest):
            data = block.replace(b"\r\n", b"\n") if b"\r" in block else block
            count = data.count(b"\n")
            keep = mask[at : at + count]
            at += count
            if at > len(mask):
                raise changed(self.source.uri)
            if keep.all():
                yield data
            elif keep.any():
                yield _only(data, keep)
        if (digest.size_bytes, digest.crc32c) != (self.input.size_bytes, self.input.crc32c):
            raise changed(self.source.uri)


def _only(data: bytes, keep: NDArray[np.bool_]) -> bytes:
    """Join the lines that are to be kept, run by run."""
    import numpy as np

    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    bounds = np.concatenate([[0], ends])
    edges = np.flatnonzero(np.diff(keep.astype(np.int8), prepend=0, append=0))
    starts, stops = bounds[edges[::2]].tolist(), bounds[edges[1::2]].tolist()
    view = memoryview(data)
    return b"".join([view[a:b] for a, b in zip(starts, stops, strict=True)])


class Many:
    """Filter files that were read; see Algebra."""

    def __init__(self, memory_limit: str) -> None:
        self._stack = ExitStack()
        self._memory_limit = memory_limit
        self._files: tuple[_File, ...] = ()
        self._buckets: tuple[Buckets, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The files, as they were read."""
        return tuple(file.input for file in self._files)

    def read(self, sources: Sequence[Source]) -> None:
        """Read them.

        Raises:
            FilterFileError: One cannot be used as it is.
            ManifestError: The manifest beside one is another file's.
        """
        paths = [path for source in sources if (path := place_of(source)) is not None]
        with open_session(self._memory_limit, paths) as connection:
            folder = self._folder(connection, sources)
            buckets, files = [], []
            for source in sources:
                reader = _Reader(connection, source, folder)
                files.append(reader.read())
                buckets.append(reader.buckets)
                self._stack.callback(reader.buckets.close)
        self._files, self._buckets = tuple(files), tuple(buckets)

    def _folder(
        self, connection: duckdb.DuckDBPyConnection, sources: Sequence[Source]
    ) -> str | None:
        """Make room on a disk if what is kept of the lines takes too much memory."""
        ((text,),) = connection.execute(_LIMIT).fetchall()
        found = re.fullmatch(r"([0-9.]+) ?([A-Za-z]+)", text)
        limit = float(found[1]) * _UNITS.get(found[2], 1) if found else 0.0
        if sum(map(_size_of, sources)) / _LEAST_BYTES_A_LINE * RECORD_BYTES < limit / 4:
            return None
        return self._stack.enter_context(Spill.make()).path

    def union(self) -> ManyPick:
        """Pick what any input has."""
        return self._pick(Part.union)["union"]

    def common(self) -> ManyPick:
        """Pick what all inputs have."""
        return self._pick(Part.common)["common"]

    def minus(self) -> Difference:
        """Pick what the first input has beyond all others."""
        found = self._pick(Part.minus)
        return Difference(found["kept"], found["cut"], found["cutters"])

    def compare(self) -> Comparison:
        """Compare the first input with the second."""
        found = self._pick(Part.compare)
        a, b = (
            Difference(found[f"{side}_kept"], found[f"{side}_cut"], found[f"{side}_cutters"])
            for side in "ab"
        )
        return Comparison(a, b, found["both"])

    def _pick(self, calculate: Callable[[Part], Masks]) -> dict[str, ManyPick]:
        import numpy as np

        picked: dict[str, dict[int, NDArray[np.bool_]]] = {}
        counts: dict[str, NDArray[np.int64]] = {}

        def work(number: int) -> tuple[Part, Masks]:
            part = Part.of([bucket.load(number) for bucket in self._buckets])
            return part, calculate(part)

        def note(part: Part, masks: Masks) -> None:
            for name, mask in masks.items():
                own = picked.setdefault(name, {})
                counts[name] = counts.get(name, np.zeros(5, np.int64)) + part.counts(mask)
                for file, lines in part.lines(mask):
                    if file not in own:
                        own[file] = np.zeros(self._files[file].lines, np.bool_)
                    own[file][lines] = True

        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(work, number) for number in range(2)]
            for number in range(2, COUNT + 2):
                done = waiting.pop(0)
                if number < COUNT:
                    waiting.append(pool.submit(work, number))
                note(*done.result())
        return {
            name: ManyPick(
                self._files,
                picked[name],
                LevelCounts(*counts[name][:3].tolist()),
                *counts[name][3:].tolist(),
            )
            for name in picked
        }


def _size_of(source: Source) -> int:
    from dicomfilter.storage import open_storage

    return open_storage(source.place).stat(source.place).size_bytes


class _Reader:
    """Reads one file into buckets."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, source: Source, folder: str | None
    ) -> None:
        self._connection = connection
        self._source = source
        self._folder = folder
        self._lines = 0
        self.buckets = Buckets(folder)

    def read(self) -> _File:
        """Read every line.

        Raises:
            FilterFileError: It cannot be used as it is.
        """
        digest = self._read_plain()
        if digest is None:
            self.buckets.close()
            self.buckets, self._lines = Buckets(self._folder), 0
            digest = self._read_text()
        source = self._source
        return _File(source, describe(source, digest.size_bytes, digest.crc32c), self._lines)

    def _add(self, batch: pa.RecordBatch) -> NDArray[Any]:
        depth, *uids, proof = (numbers_of(column) for column in batch.columns[:5])
        self.buckets.add(records_of(depth, (uids[0], uids[1], uids[2]), proof, self._lines))
        self._lines += len(batch)
        return depth

    def _read_plain(self) -> Digest | None:
        """Have DuckDB split the file, if its bytes prove that to be right."""
        import duckdb
        import numpy as np

        path = place_of(self._source)
        if path is None or not may_be_plain(self._source):
            return None
        digest, stop, levels, size_bytes = Digest(with_sha256=False), Event(), np.zeros(4, int), 0
        with reading(self._source.uri), ThreadPoolExecutor(1) as beside:
            version = version_of(path)
            counting = beside.submit(PlainBytes.of, path, digest, stop)
            try:
                with in_order(self._connection):
                    relation = self._connection.sql(_HASHES + SPLIT, params={"path": path})
                    for batch in relation.to_arrow_reader(_BATCH_LINES):
                        levels += np.bincount(self._add(batch), minlength=4)
                        size_bytes += int(numbers_of(batch.column("size_bytes")).sum(dtype=int))
                found = None if levels[0] else counting.result()
            except duckdb.Error:  # a line is none that its reader takes
                found = None
            finally:
                stop.set()
            is_same = found is not None and found.size_bytes == os.stat(path).st_size  # noqa: PTH116 - a text
            if found is None or not is_same or version_of(path) != version:
                return None
        counts = LevelCounts(*levels[1:].tolist())
        return digest if found.are_of(counts, size_bytes) else None

    def _read_text(self) -> Digest:
        """Look at every line as text."""
        import pyarrow as pa

        digest, wrapping = Digest(with_sha256=False), Wrapping()
        for block in self._source.blocks(wrapping, digest):
            if wrapping.gzip or wrapping.utf_16 or not block.isascii():
                self._refuse()
            self._connection.register("source", pa.Table.from_batches([texts(block)]))
            with in_order(self._connection):
                found = self._connection.sql(_HASHES_OF_TEXT).to_arrow_table()
            self._connection.unregister("source")
            for batch in found.to_batches():
                if not self._add(batch).all():
                    self._refuse()
        return digest

    def _refuse(self) -> None:
        refuse_unusable(self._source)
        raise changed(self._source.uri)  # a check found nothing in what it read
