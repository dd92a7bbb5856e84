"""The metadata table as a Parquet file: one schema over all of its parts."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from dicomfilter.dicom.headers.arrow import columns_of, conformed, missing, schema_of
from dicomfilter.dicom.headers.element_columns import Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pyarrow as pa

    from dicomfilter.storage.protocol import Writer

UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
SERVICE = {
    "LastUpdated": Column("TIMESTAMP"),
    "StorageClass": Column("STRING"),
    "BlobStorageSize": Column("INTEGER"),
    "Type": Column("STRING"),
}
"""What the service says of an instance beside its tags."""
_ROWS_AT_ONCE = 1 << 14
"""Rows of a row group."""
_BYTES_AT_ONCE = 1 << 26
_RUN, _BEFORE = b"dicomfilter.run", b"dicomfilter.before"


@dataclass(frozen=True, slots=True)
class Run:
    """Which run wrote a file: what a table and its list of paths have in common.

    Args:
        name: Of this run.
        before: Of the run whose table was brought up to date; empty for none.
    """

    name: str = field(default_factory=lambda: secrets.token_hex(8))
    before: str = ""

    @classmethod
    def of(cls, parquet: Path) -> Self | None:
        """Read which run wrote a file; None where that is not said."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            said = pq.read_schema(parquet).metadata or {}
        except (OSError, pa.ArrowInvalid):
            return None
        if _RUN not in said:
            return None
        return cls(said[_RUN].decode(), said.get(_BEFORE, b"").decode())

    def on(self, schema: pa.Schema) -> pa.Schema:
        """Say in a schema which run writes it."""
        return schema.with_metadata({_RUN: self.name, _BEFORE: self.before})


def unified(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """Give the schema of a table that holds the rows of several.

    Args:
        schemas: In any order, of which the outcome does not depend.

    Returns:
        All of their columns by tag, and those of the service.

    Raises:
        TableError: A column has two types.
    """
    whole = Column("RECORD", fields={name: Column("STRING") for name in UIDS})
    for schema in schemas:
        columns = columns_of(schema)
        whole.take_in(Column("RECORD", fields={n: columns[n] for n in columns if n not in SERVICE}))
    return schema_of({**whole.ordered().fields, **SERVICE})


def latest_moment(parquet: Path) -> int:
    """Give the last ``LastUpdated`` of a table in microseconds since 1970, or 0."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    latest = 0
    with pq.ParquetFile(parquet) as file:
        for batch in file.iter_batches(columns=["LastUpdated"]):
            found = pc.max(batch.column(0).cast(pa.int64())).as_py()
            latest = max(latest, found or 0)
    return latest


class TableWriter:
    """Writes rows of several schemas as one table.

    Args:
        out: An open destination.
        schema: Of the table.
    """

    def __init__(self, out: Writer, schema: pa.Schema) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._schema = schema
        self._writer = pq.ParquetWriter(pa.PythonFile(Sink(out), mode="w"), schema)
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = self._waiting_bytes = 0
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def add(
        self, rows: pa.Table | pa.RecordBatch, service: Mapping[str, Any] | None = None
    ) -> None:
        """Add rows.

        Args:
            rows: Of some of the columns.
            service: Further columns, as arrays or as one value for all rows.
        """
        import pyarrow as pa

        length = rows.num_rows
        if not length:
            return
        given: dict[str, Any] = {}
        for name, value in (service or {}).items():
            kind = self._schema.field(name).type
            given[name] = (
                value if isinstance(value, pa.Array) else pa.repeat(value, length).cast(kind)
            )
        for name in rows.schema.names:
            column = rows[name]
            given[name] = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        arrays = [
            conformed(given[f.name], f.type) if f.name in given else missing(f.type, length)
            for f in self._schema
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._waiting.append(batch)
        self._waiting_rows += length
        self._waiting_bytes += batch.nbytes
        self.rows += length
        if self._waiting_rows >= _ROWS_AT_ONCE or self._waiting_bytes >= _BYTES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0


class Sink(io.RawIOBase):
    """An open destination as Arrow wants it."""

    def __init__(self, out: Writer) -> None:
        super().__init__()
        self._out = out

    def writable(self) -> bool:
        """Take bytes."""
        return True

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any buffer
        """Pass bytes on."""
        view = memoryview(data)
        self._out.write(view)
        return view.nbytes

    def tell(self) -> int:
        """Say how many bytes have been passed on."""
        return self._out.size_bytes
