"""The files beside a filter file: for its owner's eyes, replaced with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.storage import open_storage

if TYPE_CHECKING:
    import pyarrow as pa


def rejected_uri(filter_uri: str) -> str:
    """Name the list of rows that could not make a line.

    >>> rejected_uri("ct.txt")
    'ct.txt.rejected.csv'
    """
    return f"{filter_uri}.rejected.csv"


def unmatched_uri(filter_uri: str) -> str:
    """Name the list of identifiers that matched nothing.

    >>> unmatched_uri("ct.txt")
    'ct.txt.unmatched.csv'
    """
    return f"{filter_uri}.unmatched.csv"


def write_text(uri: str, text: str) -> str:
    """Write a sidecar that only its owner may read, in place of an older one.

    Returns:
        Where it is.
    """
    with open_storage(uri).writer(uri, overwrite=True, private=True) as writer:
        writer.write(text.encode())
    return uri


def write_rows(uri: str, rows: pa.RecordBatchReader) -> str:
    """Write a sidecar of rows as CSV with a header.

    Returns:
        Where it is.
    """
    import pyarrow as pa
    from pyarrow import csv

    with open_storage(uri).writer(uri, overwrite=True, private=True) as writer:
        sink = pa.BufferOutputStream()
        csv.write_csv(rows.schema.empty_table(), sink)
        writer.write(sink.getvalue())
        for batch in rows:
            sink = pa.BufferOutputStream()
            csv.write_csv(batch, sink, csv.WriteOptions(include_header=False))
            writer.write(sink.getvalue())
    return uri
