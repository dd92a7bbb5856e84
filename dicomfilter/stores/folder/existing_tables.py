"""Tables that metadata are written to, and what stands there before."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dicomfilter.errors import TableError
from dicomfilter.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb
    import pyarrow as pa

    from dicomfilter.dicom.headers.parquet_table import TableWriter
    from dicomfilter.stores.folder.requests import ExportToTable

    Fill = Callable[[TableWriter], None]

_BATCH = 1 << 14
_IN_UTC = "SET TimeZone = 'UTC'"
_HAS = "SELECT count(*) FROM duckdb_tables() WHERE NOT internal AND table_name = $name"


class Standing(Protocol):
    """A table that may be there already."""

    def rows(self) -> int:
        """Count its rows; 0 also where there is none.

        Raises:
            TableError: What is there is none.
        """

    def schema(self) -> pa.Schema:
        """Tell its columns."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read its rows."""

    def replace(self, schema: pa.Schema, fill: Fill, scratch: Path) -> None:
        """Put another table in its place, at once.

        Args:
            schema: Of the new one.
            fill: Writes its rows, and may read those of the old one.
            scratch: A folder for what is not to stay.
        """


def open_table(request: ExportToTable) -> Standing:
    """Choose the kind of table."""
    if request.is_parquet:
        return ParquetTable(request.file)
    return DuckDBTable(request.file, request.name_in_file)


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """A Parquet file.

    Args:
        path: It.
    """

    path: str

    def rows(self) -> int:
        """Count its rows; 0 also where there is none."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not Path(self.path).exists():
            return 0
        try:
            return int(pq.read_metadata(self.path).num_rows)
        except pa.ArrowInvalid as error:
            raise _no_table(self.path, "Parquet") from error

    def schema(self) -> pa.Schema:
        """Tell its columns."""
        import pyarrow.parquet as pq

        return pq.read_schema(self.path).remove_metadata()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read its rows."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            yield from file.iter_batches(_BATCH)

    def replace(self, schema: pa.Schema, fill: Fill, scratch: Path) -> None:  # noqa: ARG002 - needs none
        """Put another table in its place, at once."""
        _write(self.path, schema, fill)


@dataclass(frozen=True, slots=True)
class DuckDBTable:
    """A table of a DuckDB file.

    Args:
        path: The file.
        name: The table.
    """

    path: str
    name: str

    def rows(self) -> int:
        """Count its rows; 0 also where there is none."""
        if not Path(self.path).exists():
            return 0
        with self._open() as connection:
            ((there,),) = connection.execute(_HAS, {"name": self.name}).fetchall()
            if not there:
                return 0
            ((count,),) = connection.table(self._quoted).count("*").fetchall()
            return int(count)

    def schema(self) -> pa.Schema:
        """Tell its columns."""
        with self._open() as connection:
            return connection.table(self._quoted).to_arrow_reader(1).schema

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read its rows."""
        with self._open() as connection:
            yield from connection.table(self._quoted).to_arrow_reader(_BATCH)

    def replace(self, schema: pa.Schema, fill: Fill, scratch: Path) -> None:
        """Put another table in its place, at once."""
        made = scratch / "table.parquet"
        _write(str(made), schema, fill)
        with self._open(read_only=False) as connection:
            connection.execute("BEGIN")
            connection.execute(self._drop)
            connection.read_parquet(str(made)).create(self._quoted)
            connection.execute("COMMIT")

    @property
    def _quoted(self) -> str:
        from sqlglot import exp

        return exp.to_identifier(self.name, quoted=True).sql("duckdb")

    @property
    def _drop(self) -> str:
        from sqlglot import exp

        table = exp.Table(this=exp.to_identifier(self.name, quoted=True))
        return exp.Drop(tables=[table], kind="TABLE", exists=True).sql("duckdb")

    @contextmanager
    def _open(self, *, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        try:
            with duckdb.connect(self.path, read_only=read_only) as connection:
                connection.execute(_IN_UTC)
                yield connection
        except (duckdb.IOException, duckdb.SerializationException) as error:
            raise _no_table(self.path, "DuckDB") from error


def _write(path: str, schema: pa.Schema, fill: Fill) -> None:
    from dicomfilter.dicom.headers.parquet_table import TableWriter

    with (
        open_storage(path).writer(path, overwrite=True) as out,
        TableWriter(out, schema) as writer,
    ):
        fill(writer)


def _no_table(path: str, kind: str) -> TableError:
    return TableError(
        f"{path} is no {kind} file, or another process holds it", hint="choose another destination"
    )
