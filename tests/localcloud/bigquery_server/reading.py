"""Let the Storage Read API go on where a stream broke off, and break one off when a test wants it.

bqemulator starts every stream at its first row, so that a client that goes on has rows twice.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import grpc
import pyarrow as pa
from bqemulator.grpc_api import read_servicer
from bqemulator.grpc_api.read_servicer import BigQueryReadHandler

from tests.localcloud.bigquery_server.patching import replace
from tests.localcloud.bigquery_server.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def patch() -> None:
    """Look at each call."""
    replace(BigQueryReadHandler, "_handle_create_read_session", _refused)
    replace(BigQueryReadHandler, "_handle_read_rows", _broken)
    replace(read_servicer, "get_stream_data", _from_offset)


_asked = threading.local()


def _from_offset(original: Callable[..., Any]) -> Callable[..., Any]:
    def stream_data(session: str, stream: str) -> Any:
        data = original(session, stream)
        if data is None:
            return None
        rest = data.slice(_asked.offset)
        if (
            SETTINGS.break_read and rest.num_rows > 1
        ):  # in two answers, or none is left to break off
            half = rest.num_rows // 2
            rest = pa.concat_tables([rest.slice(0, half), rest.slice(half)])
        return rest

    return stream_data


def _refused(original: Callable[..., bytes]) -> Callable[..., bytes]:
    def create(self: BigQueryReadHandler, request: bytes, context: Any) -> bytes:
        if not SETTINGS.refuse_read:
            return original(self, request, context)
        context.set_code(grpc.StatusCode[SETTINGS.refuse_read])
        context.set_details("request failed: the user does not have bigquery.readsessions.create")
        return b""

    return create


def _broken(original: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
    def read(self: BigQueryReadHandler, request: bytes, context: Any) -> Iterator[bytes]:
        from google.cloud.bigquery_storage_v1.types import ReadRowsRequest

        _asked.offset = ReadRowsRequest.deserialize(request).offset  # this thread asks next
        for answer in original(self, request, context):
            yield answer
            if SETTINGS.break_read > 0:
                SETTINGS.break_read -= 1
                context.set_code(grpc.StatusCode.UNAVAILABLE)
                context.set_details("a fault of the tests")
                return

    return read
