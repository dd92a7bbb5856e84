"""The rows of a finished BigQuery job, as Arrow batches."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dicomfilter.engines.bigquery import jobs
from dicomfilter.engines.bigquery.client import connect_storage
from dicomfilter.engines.bigquery.schema import arrow_schema, table_schema
from dicomfilter.errors import RemoteError
from dicomfilter.google_errors import Place, google_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from google.cloud.bigquery import Client, QueryJob
    from google.cloud.bigquery.table import RowIterator, _EmptyRowIterator
    from google.cloud.bigquery_storage import BigQueryReadClient
    from google.cloud.bigquery_storage_v1.types import ReadSession

_log = logging.getLogger(__name__)
_SESSION_TIMEOUT_S = 10.0


class RowReader:
    """Streams rows over the Storage Read API, or over REST where that is refused.

    Args:
        client: Of BigQuery, whose credentials are used.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._storage: BigQueryReadClient | None = None
        self._use_rest = False

    def read(self, job: QueryJob, place: Place) -> pa.RecordBatchReader:
        """Stream the rows of a finished job; they are fetched as they are read.

        Args:
            job: Finished.
            place: For the words of an error.

        Returns:
            A reader; its schema is the one that ``arrow_schema`` gives for the job's columns.
        """
        import pyarrow as pa

        with google_errors(place):
            fields = _result(job).schema
        schema = arrow_schema(table_schema(fields))
        return pa.RecordBatchReader.from_batches(schema, self._batches(job, place, schema))

    def close(self) -> None:
        """Close the connection to the Storage Read API, if there is one."""
        storage, self._storage = self._storage, None
        if storage is not None:
            storage.transport.close()  # type: ignore[no-untyped-call]

    def _batches(self, job: QueryJob, place: Place, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with google_errors(place):
            batches = self._over_storage(job)
            if batches is None:
                batches = _result(job).to_arrow_iterable()
            for batch in batches:
                yield _cast(batch, schema, place)

    def _over_storage(self, job: QueryJob) -> Iterator[pa.RecordBatch] | None:
        """Open a session; None, said once, where the service does not give one."""
        from google.api_core import exceptions as api

        if self._use_rest:
            return None
        self._storage = self._storage or connect_storage(self._client)
        if self._storage is None:
            self._refused("not available")
            return None
        try:
            session = self._session(self._storage, job)
        except (
            api.Forbidden,
            api.MethodNotImplemented,
            api.RetryError,
            api.ServiceUnavailable,
        ) as error:
            self._refused(type(error).__name__)
            return None
        return _read(self._storage, session)

    def _session(self, storage: BigQueryReadClient, job: QueryJob) -> ReadSession:
        from google.api_core.retry import Retry
        from google.cloud.bigquery_storage_v1 import types

        compressed = types.ArrowSerializationOptions.CompressionCodec.LZ4_FRAME
        options = types.ReadSession.TableReadOptions(
            arrow_serialization_options={"buffer_compression": compressed}
        )
        session = types.ReadSession(
            table=job.destination.to_bqstorage(),
            data_format=types.DataFormat.ARROW,
            read_options=options,
        )
        return storage.create_read_session(
            parent=f"projects/{self._client.project}",
            read_session=session,
            max_stream_count=1,  # keeps the order of the rows
            retry=Retry(initial=0.2, timeout=_SESSION_TIMEOUT_S),
            timeout=_SESSION_TIMEOUT_S,
        )

    def _refused(self, why: str) -> None:
        self._use_rest = True
        _log.warning("BigQuery's Storage Read API: %s; rows come over REST, more slowly", why)


def _cast(batch: pa.RecordBatch, schema: pa.Schema, place: Place) -> pa.RecordBatch:
    import pyarrow as pa

    try:
        return batch.cast(schema)
    except pa.ArrowInvalid:  # it quotes a value
        pass
    raise RemoteError(
        f"{place.resource} gave a value that is not of its column's type",
        hint="leave the column out, and report it",
    )


def _result(job: QueryJob) -> RowIterator | _EmptyRowIterator:
    """Give the rows of a finished job; each request for a page has its time."""
    return job.result(job_retry=None, timeout=jobs.REQUEST_TIMEOUT_S)


def _read(storage: BigQueryReadClient, session: ReadSession) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    if not session.streams:  # no rows
        return
    schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
    for stream in session.streams:
        for message in storage.read_rows(stream.name):  # type: ignore[no-untyped-call]
            serialized = message.arrow_record_batch.serialized_record_batch
            yield pa.ipc.read_record_batch(pa.py_buffer(serialized), schema)
