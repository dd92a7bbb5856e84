"""Exports of metadata from a folder: a Parquet file, or a table of a DuckDB file.

Headers are read into parts beside, by several processes, and become one table under one schema. It
takes the place of what stood there at once, so that a table is whole at any time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dicomfilter.engines.duckdb.spill import Spill
from dicomfilter.googlesql.pieces import UID_COLUMNS
from dicomfilter.storage import open_storage
from dicomfilter.stores.folder.existing_tables import open_table
from dicomfilter.stores.folder.exports import begin, chosen_of
from dicomfilter.stores.folder.work import StoppedError
from dicomfilter.stores.requests import WriteDisposition

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from dicomfilter.dicom.headers.catalog import Catalog
    from dicomfilter.dicom.headers.element_columns import Column
    from dicomfilter.dicom.headers.index_parts import Parts
    from dicomfilter.dicom.headers.parquet_table import TableWriter
    from dicomfilter.stores.folder.choosing import Choice
    from dicomfilter.stores.folder.existing_tables import Standing
    from dicomfilter.stores.folder.requests import ExportToTable
    from dicomfilter.stores.folder.work import Run

_INVALID, _EXISTS = 3, 6
_SOURCE = "SourceDicomStore"
_CREATED = "CREATE"


@dataclass(frozen=True, slots=True)
class TableExport:
    """Writes metadata to a table.

    Args:
        request: What is asked, with its filter.
        filter_crc32c: Of the filter that was checked.
    """

    request: ExportToTable
    filter_crc32c: str | None = None

    def check(self, folder: Path) -> None:  # noqa: ARG002 - a table may lie beside the images
        """Find out what is wrong with it before anything is read.

        Raises:
            DestinationError: The file cannot be written.
            TableError: What is there is no table.
        """
        uri, file = self.request.filter_uri, self.request.file
        inputs = () if uri is None else (uri,)
        open_storage(file).check_destination(file, overwrite=True, inputs=inputs)
        open_table(self.request).rows()

    def work(self, running: Run, catalog: Catalog) -> None:
        """Read, and write."""
        standing = open_table(self.request)
        rows, disposition = standing.rows(), self.request.write_disposition
        if rows and disposition is WriteDisposition.WRITE_EMPTY:
            raise StoppedError(f"Already Exists: Table {self.request.table}", _EXISTS)
        keeps = rows > 0 and disposition is WriteDisposition.WRITE_APPEND
        chosen = chosen_of(catalog, self.request.filter_uri, self.filter_crc32c)
        with Spill.make() as scratch, chosen as choice:
            begin(running, choice)
            parts = _read(running, catalog, choice, Path(scratch.path))
            source = {_SOURCE: str(catalog.folder)} if self.request.include_source_store else {}
            schema = _schema(parts, source, standing if keeps else None)

            def fill(writer: TableWriter) -> None:
                for batch in standing.batches() if keeps else ():
                    writer.add(batch)
                for number in parts.resumed:
                    _add(parts, number, writer, source)

            standing.replace(schema, fill, Path(scratch.path))


def _read(running: Run, catalog: Catalog, choice: Choice, scratch: Path) -> Parts:
    """Read headers into parts; those that cannot be read are failures."""
    from dicomfilter.dicom.headers.index_parts import Parts, make_part
    from dicomfilter.dicom.headers.reading import chunks, count, spread

    parts, numbers = Parts(scratch, ()), []
    work = partial(make_part, str(catalog.folder), str(scratch))
    workers = count(choice.instances, None)
    for number, files in spread(work, enumerate(chunks(choice.files())), workers):
        numbers.append(number)
        seen = parts.seen(number)
        lost = seen.filter(_is_lost(seen)).select(["path", "Reason"]).to_pylist()
        for each in lost:
            running.fail(each["path"], each["Reason"] or "another instance lies there by now")
        running.succeed(files - len(lost))
        running.look()
    return Parts(scratch, tuple(numbers))


def _is_lost(seen: pa.Table) -> pa.ChunkedArray:
    """Tell of which files nothing could be read, or another instance than was chosen."""
    import pyarrow.compute as pc

    lost = pc.is_valid(seen["Reason"])
    for chosen, found in zip(("study", "series", "instance"), UID_COLUMNS, strict=True):
        lost = pc.or_(lost, pc.fill_null(pc.not_equal(seen[chosen], seen[found]), fill_value=True))
    return lost


def _schema(parts: Parts, source: Mapping[str, str], old: Standing | None) -> pa.Schema:
    """Give the columns of all rows, new and old.

    Raises:
        StoppedError: A column has another type in the old ones.
    """
    import pyarrow as pa

    from dicomfilter.dicom.headers.arrow import columns_of
    from dicomfilter.dicom.headers.parquet_table import unified

    schemas = [parts.schema(number) for number in parts.resumed]
    schemas.append(pa.schema(dict.fromkeys(source, pa.string())))
    if old is None:
        return unified(schemas)
    try:
        there, new = columns_of(old.schema()), columns_of(unified(schemas))
    except StopIteration as error:
        raise StoppedError("the table has a column of a type that no tag has", _INVALID) from error
    for name in there.keys() & new.keys():
        if not _is_like(there[name], new[name]):
            raise StoppedError(f"column {name} has another type in the table", _INVALID)
    return unified([*schemas, old.schema()])


def _is_like(one: Column, other: Column) -> bool:
    return (one.type, one.repeated) == (other.type, other.repeated) and all(
        _is_like(one.fields[name], other.fields[name])
        for name in one.fields.keys() & other.fields.keys()
    )


def _add(parts: Parts, number: int, writer: TableWriter, source: Mapping[str, str]) -> None:
    """Add the rows of a part, with what the catalog says of them."""
    import pyarrow.compute as pc

    seen = parts.seen(number)
    read = seen.filter(pc.is_null(seen["Reason"]))
    still = pc.invert(_is_lost(read)).combine_chunks()
    kept = read.filter(still)
    service = {
        "LastUpdated": kept["LastUpdated"].combine_chunks(),
        "StorageClass": kept["StorageClass"].combine_chunks(),
        "BlobStorageSize": kept["size_bytes"].combine_chunks(),
        "Type": _CREATED,
        **source,
    }
    writer.add(parts.rows(number).filter(still), service)
