"""Names that were listed elsewhere: by gcloud, or by an inventory report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dicomfilter.errors import SourceError, UsageError
from dicomfilter.proof.destinations import Look, listed, take_names
from dicomfilter.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import pyarrow as pa

_NAMES = ("name", "uri", "url", "object", "path")
_SIZES = ("size", "size_bytes")
_TIMES = ("timecreated", "time_created", "created")
_BATCH = 10_000
_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Gathered:
    """A file of names below a destination.

    Args:
        uri: The destination.
        file: The file: text with a name a line, CSV with a head, or Parquet.
    """

    uri: str
    file: str
    is_table: bool = False

    def take(self, connection: duckdb.DuckDBPyConnection, look: Look) -> int:
        """Read it.

        Raises:
            SourceError: It cannot be read.
            UsageError: It has no names: a listing that failed looks so, too.
        """
        count = 0

        def counted() -> Iterator[pa.RecordBatch]:
            nonlocal count
            for batch in self._batches():
                count += len(batch)
                yield batch

        take_names(connection, counted(), look)
        if not count:
            raise UsageError(
                f"{self.file} names nothing below {self.uri}, as a listing that failed does",
                hint="list it again, or have verify list it",
            )
        return 1

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with open_storage(self.file).reader(self.file) as file:
            head = file.read(1 << 12)
        if head.startswith(_PARQUET):
            yield from self._parquet()
        elif b"," in head.partition(b"\n")[0]:
            yield from self._csv()
        else:
            yield from self._text()

    def _text(self) -> Iterator[pa.RecordBatch]:
        """Read a name a line, as `gcloud storage ls` and `find` write them.

        With `--long`, length and time stand before it; folders end with a slash or a colon.
        """
        names: list[str] = []
        with open_storage(self.file).reader(self.file) as file:
            for number, line in enumerate(file, 1):
                try:
                    word = line.decode().strip().rpartition(" ")[2]
                except UnicodeDecodeError as error:
                    raise SourceError(
                        f"{self.file}: line {number} is no text in UTF-8", hint="list it again"
                    ) from error
                if word and not word.endswith(("/", ":")):
                    names.append(word)
                if len(names) == _BATCH:
                    yield self._below(names, [None] * len(names), [None] * len(names))
                    names = []
        yield self._below(names, [None] * len(names), [None] * len(names))

    def _csv(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import csv

        with open_storage(self.file).reader(self.file) as file:
            try:
                heads = next(iter(csv.open_csv(file))).schema.names
            except (pa.ArrowInvalid, StopIteration) as error:
                raise SourceError(f"{self.file} is no CSV", hint="see a name a line") from error
        options = csv.ConvertOptions(
            column_types={name: pa.string() for name in heads}, strings_can_be_null=True
        )
        with open_storage(self.file).reader(self.file) as file:
            try:
                for batch in csv.open_csv(file, convert_options=options):
                    yield self._columns(batch)
            except pa.ArrowInvalid as error:
                raise SourceError(
                    f"{self.file} is no CSV, or not all of one", hint="list it again"
                ) from error

    def _parquet(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import parquet

        with open_storage(self.file).reader(self.file) as file:
            try:
                source = parquet.ParquetFile(pa.BufferReader(file.read()))
                for batch in source.iter_batches():
                    yield self._columns(batch)
            except pa.ArrowInvalid as error:
                raise SourceError(
                    f"{self.file} is no Parquet, or not all of one", hint="list it again"
                ) from error

    def _columns(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa

        by_name = {name.lower(): number for number, name in enumerate(batch.schema.names)}

        def column(names: tuple[str, ...]) -> list[str | None]:
            found = next((by_name[name] for name in names if name in by_name), None)
            if found is None:
                return [None] * len(batch)
            texts: list[str | None] = batch.column(found).cast(pa.string()).to_pylist()
            return texts

        names = column(_NAMES)
        if None in names:
            raise UsageError(
                f"{self.file} has no column of names, or one without",
                hint=f"call it {' or '.join(_NAMES[:2])}",
            )
        sizes = [None if size is None else _size(size) for size in column(_SIZES)]
        return self._below([str(name) for name in names], sizes, column(_TIMES))

    def _below(
        self, names: list[str], sizes: list[int | None], times: list[str | None]
    ) -> pa.RecordBatch:
        """Take the names below the destination; others are of something else."""
        start = f"{self.uri.rstrip('/')}/"
        inside = start.removeprefix("gs://").partition("/")[2] if "://" in start else start
        own = []
        for name, size, time in zip(names, sizes, times, strict=True):
            if "://" in name:
                if name.startswith(start):
                    own.append((name.removeprefix(start), size, time))
                continue
            short = name.removeprefix("./")
            own.append((short.removeprefix(inside) if inside else short, size, time))
        return listed(*([list(part) for part in zip(*own, strict=True)] if own else ((), (), ())))


def _size(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
