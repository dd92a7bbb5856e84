"""The files beside a filter file: for its owner's eyes, replaced only if asked.

A bucket has more readers than one, so in Cloud Storage there are none unless they are asked for.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dicomfilter.engines.delimited import marked
from dicomfilter.errors import DestinationError, RemoteError
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import is_cloud

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

SUFFIX = ".manifest.json"
"""What is added to the name of a filter file for that of its manifest."""


@dataclass(frozen=True, slots=True)
class Sidecars:
    """Where the files beside one filter file go.

    Args:
        filter_uri: The filter file.
        manifest: Its manifest; None where there is none.
        rejected: The list of rows that were left out; None where there is no place for it.
        unmatched: The list of identifiers that matched nothing; likewise.
    """

    filter_uri: str
    manifest: str | None
    rejected: str | None
    unmatched: str | None

    @classmethod
    def of(cls, filter_uri: str, *, manifest: str | None = None) -> Self:
        """Name the sidecars of a filter file.

        Args:
            filter_uri: The filter file; a stream has no place beside it.
            manifest: Another place for the manifest. Of a filter in Cloud Storage there are
                sidecars only where it is given, and the lists lie beside it.
        """
        if open_storage(filter_uri).is_stream(filter_uri):
            return cls(filter_uri, manifest, None, None)
        if is_cloud(filter_uri):
            if manifest is None:
                return cls(filter_uri, None, None, None)
            stem = manifest.removesuffix(SUFFIX)
            return cls(filter_uri, manifest, rejected_uri(stem), unmatched_uri(stem))
        beside = manifest or filter_uri + SUFFIX
        return cls(filter_uri, beside, rejected_uri(filter_uri), unmatched_uri(filter_uri))

    def check(self, *, inputs: Iterable[str], overwrite: bool) -> None:
        """Find out before any work starts whether they can be written.

        Args:
            inputs: What the work reads; no sidecar may be any of it.
            overwrite: Whether what is there may be replaced.

        Raises:
            DestinationExistsError: One is there, and not to be overwritten.
            DestinationError: One cannot be written.
        """
        known = tuple(inputs)
        for uri in (self.manifest, self.rejected, self.unmatched):
            if uri is not None:
                open_storage(uri).check_destination(
                    uri, overwrite=overwrite, inputs=known, private=True
                )

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Say of a failure that the filter file itself stands.

        Raises:
            DestinationError: A sidecar could not be written.
            RemoteError: Likewise, in Cloud Storage.
        """
        try:
            yield
        except (DestinationError, RemoteError) as error:
            kind = RemoteError if isinstance(error, RemoteError) else DestinationError
            raise kind(
                f"{self.filter_uri} is written and complete, but not what belongs beside it: "
                f"{error.message}",
                hint=error.hint,
            ) from error


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


def write_text(uri: str, text: str, *, overwrite: bool) -> str:
    """Write a sidecar that only its owner may read.

    Args:
        uri: Where.
        text: What.
        overwrite: Whether it may take the place of what is there.

    Returns:
        Where it is.
    """
    with open_storage(uri).writer(uri, overwrite=overwrite, private=True) as writer:
        writer.write(text.encode())
    return uri


def write_rows(uri: str, rows: pa.RecordBatchReader, *, overwrite: bool) -> str:
    """Write a sidecar of rows as CSV, no cell of which a spreadsheet computes.

    Args:
        uri: Where.
        rows: What.
        overwrite: Whether it may take the place of what is there.

    Returns:
        Where it is.
    """
    import pyarrow as pa
    from pyarrow import csv

    with open_storage(uri).writer(uri, overwrite=overwrite, private=True) as writer:
        sink = pa.BufferOutputStream()
        csv.write_csv(rows.schema.empty_table(), sink)
        writer.write(sink.getvalue())
        for batch in rows:
            sink = pa.BufferOutputStream()
            csv.write_csv(_marked(batch), sink, csv.WriteOptions(include_header=False))
            writer.write(sink.getvalue())
    return uri


def _marked(batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [
        marked(column) if pa.types.is_string(column.type) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
