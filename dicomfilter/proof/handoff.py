"""Lists of what is there, for the tools that carry images on."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING

from dicomfilter.engines.arrow_bytes import bytes_of
from dicomfilter.errors import FindingsError, UsageError
from dicomfilter.named import Choice
from dicomfilter.proof import destinations
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import is_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from dicomfilter.proof.verification import Verification

_FILES = """
SELECT $start || name AS uri, name, size_bytes, study, series, instance, frame
FROM files
WHERE coalesce(size_bytes > 0, true) AND key IN (SELECT key FROM delivered)
ORDER BY name
"""
_LINES = "SELECT {column} || chr(10) AS line FROM ({files})"
_TABLE = "SELECT uri, size_bytes, study, series, instance, frame FROM ({files})"
_WILDCARDS = frozenset("*?[]")


class Form(Choice):
    """For which tool a list is."""

    URLS = "urls"
    """A URI a line."""
    GCLOUD = "gcloud"
    """The same for `gcloud storage cp -I`, which takes some signs for wildcards."""
    RCLONE = "rclone"
    """A name below the destination a line, for `rclone --files-from-raw`."""
    CSV = "csv"
    """A row a file: uri, size_bytes, study, series, instance, frame."""
    PARQUET = "parquet"
    """The same."""


def hand_off(
    found: Verification, out: str = "-", *, form: Form | str = Form.URLS, overwrite: bool = False
) -> int:
    """Write a list of the files that arrived of what a filter asks for.

    Args:
        found: The verification of the filter at the destination.
        out: A path, ``gs://bucket/object``, or ``-`` for standard output.
        form: For which tool.
        overwrite: Whether a file that is there may be replaced.

    Returns:
        How many files are named.

    Raises:
        FindingsError: Nothing arrived; nothing was written.
        UsageError: The destination has no files, or names that the tool would misread.
        DestinationError: The list cannot be written, or exists.
    """
    kind, place = Form(form), found.destination
    check(place, out, kind)
    if not found.numbers.delivered:
        raise FindingsError(
            f"nothing of {found.filter_uri} is in {place}, so there is nothing to hand on",
            hint="see `dicomfilter verify`",
        )
    start = f"{place.rstrip('/')}/" if is_cloud(place) else f"{os.path.abspath(place)}/"  # noqa: PTH100 - a text
    with (
        found.opened() as connection,
        open_storage(out).writer(out, overwrite=overwrite, private=True) as writer,
    ):
        count = 0
        for piece, rows in _pieces(connection, kind, start):
            writer.write(piece)
            count += rows
    return count


def check(place: str, out: str, form: Form) -> None:
    """Refuse what cannot be handed on, before anything is listed.

    Raises:
        UsageError: The destination has no files, or names that the tool would misread.
    """
    if destinations.is_table(place):
        raise UsageError(f"{place} is a table and holds no files", hint="name a folder or gs://")
    if form is Form.GCLOUD and set(place) & _WILDCARDS:
        raise UsageError(
            f"gcloud would take {place} for a pattern", hint="use another tool, and --format urls"
        )
    if form is Form.PARQUET and open_storage(out).is_stream(out):
        raise UsageError("Parquet goes to a file", hint="add -o FILE")


def _pieces(
    connection: duckdb.DuckDBPyConnection, form: Form, start: str
) -> Iterator[tuple[bytes, int]]:
    """Make the list, piece by piece, with the number of files in each."""
    bound = {"start": start}
    if form in (Form.CSV, Form.PARQUET):
        reader = connection.sql(_TABLE.format(files=_FILES), params=bound).to_arrow_reader(100_000)
        sink = BytesIO()
        if form is Form.CSV:
            from pyarrow import csv

            with csv.CSVWriter(sink, reader.schema) as writer:
                for batch in reader:
                    writer.write_batch(batch)
                    yield _taken(sink), batch.num_rows
        else:
            from pyarrow import parquet

            with parquet.ParquetWriter(sink, reader.schema) as writer:
                for batch in reader:
                    writer.write_batch(batch)
                    yield b"", batch.num_rows
        yield _taken(sink), 0
        return
    column = "name" if form is Form.RCLONE else "uri"
    query = _LINES.format(column=column, files=_FILES)
    for batch in connection.sql(query, params=bound).to_arrow_reader(100_000):
        yield bytes(bytes_of(batch.column(0))), batch.num_rows


def _taken(sink: BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data
