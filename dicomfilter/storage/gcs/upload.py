"""An object on its way to Cloud Storage: in one request or piece by piece."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import DestinationError, RemoteError
from dicomfilter.storage.gcs.client import (
    CONTENT_TYPE,
    SERVICE,
    cloud_errors,
    no_bucket,
    read_stat,
    refusal,
    stat_of,
)
from dicomfilter.storage.gcs.object_requests import Delivery, conflict, deliver

if TYPE_CHECKING:
    from requests import Response

    from dicomfilter.storage.gcs.client import Connection
    from dicomfilter.storage.gcs.names import GcsObject
    from dicomfilter.storage.protocol import Stat

PIECE_BYTES = 8 << 20
"""What is kept in memory, and sent at once; a larger object goes piece by piece."""
_GOES_ON = 308
_GONE = (404, 410)


class Upload:
    """An object of which nothing is to be seen until it is published.

    An object of several pieces is a *resumable upload*: Cloud Storage keeps the pieces aside and
    forgets them after a week unless the last one comes.

    Args:
        connection: To Cloud Storage.
        at: The destination.
        before: The generation that it takes the place of; 0 for none.

    Source: Cloud Storage, "Perform resumable uploads".
    """

    def __init__(self, connection: Connection, at: GcsObject, *, before: int) -> None:
        self._connection = connection
        self._at = at
        self._before = before
        self._kept = bytearray()
        self._stored_bytes = 0
        self._session: str | None = None

    def put(self, view: memoryview) -> None:
        """Take all bytes of a buffer in.

        Raises:
            DestinationError: They cannot be stored.
            RemoteError: Cloud Storage refused or failed.
        """
        while view.nbytes:
            if len(self._kept) == PIECE_BYTES:
                with self._errors():
                    self._send()
            room = PIECE_BYTES - len(self._kept)
            self._kept += view[:room]
            view = view[room:]

    def publish(self, size_bytes: int, crc32c: str) -> Stat:
        """Put the object at its destination, complete and at once.

        Args:
            size_bytes: How many bytes were put.
            crc32c: Their checksum, which Cloud Storage compares with its own.

        Returns:
            What stands there.
        """
        delivery = Delivery(self._at, self._before, size_bytes, crc32c)

        def make() -> Stat:
            return self._send_whole(crc32c) if self._session is None else self._send_last(delivery)

        return deliver(self._connection, delivery, make)

    def discard(self) -> None:
        """Let go of the pieces of an object that was not published."""
        from requests.exceptions import RequestException

        if self._session is not None:
            # Cloud Storage would forget them in a week all the same.
            with suppress(DestinationError, RemoteError, RequestException), self._errors():
                self._connection.send("DELETE", self._session)
        self._kept.clear()

    def _errors(self) -> Any:  # noqa: ANN401 - a context
        return cloud_errors(self._at, "storage.objects.create", missing=DestinationError)

    def _send_whole(self, crc32c: str) -> Stat:
        blob = self._connection.blob(self._at)
        blob.crc32c = crc32c
        blob.upload_from_string(
            bytes(self._kept),
            content_type=CONTENT_TYPE,
            checksum=None,
            if_generation_match=self._before,
            **self._connection.options,
        )
        return stat_of(blob)

    def _send(self) -> None:
        """Send what is kept and learn how much of it was stored."""
        if self._session is None:
            self._session = self._begin()
        while len(self._kept) == PIECE_BYTES:
            answer = self._patiently(total="*")
            if answer.status_code != _GOES_ON:
                raise RemoteError(f"{SERVICE} ended the upload of {self._at} too early")

    def _begin(self) -> str:
        from google.api_core.exceptions import NotFound, PreconditionFailed

        try:
            session: str = self._connection.blob(self._at).create_resumable_upload_session(
                content_type=CONTENT_TYPE,
                checksum=None,
                if_generation_match=self._before,
                **self._connection.options,
            )
        except PreconditionFailed as refused:  # of this upload there is nothing yet to meet
            raise conflict(self._at, self._before) from refused
        except NotFound as error:
            raise no_bucket(self._at, DestinationError) from error
        return session

    def _send_last(self, delivery: Delivery) -> Stat:
        answer = self._patiently(
            total=str(delivery.size_bytes), headers={"x-goog-hash": f"crc32c={delivery.crc32c}"}
        )
        if answer.status_code == _GOES_ON:
            raise RemoteError(f"{SERVICE} did not end the upload of {self._at}")
        return read_stat(str(self._at), answer.json())

    def _patiently(self, *, total: str, headers: dict[str, str] | None = None) -> Response:
        """Send what is kept; where that fails, ask first what was stored, and send the rest."""
        doubtful = False

        def attempt() -> Response:
            nonlocal doubtful
            if doubtful:
                answer = self._put(b"", "bytes */*")
                if answer.status_code != _GOES_ON:
                    return answer
            doubtful = True
            answer = self._put(bytes(self._kept), self._range(total), headers)
            if answer.status_code == _GOES_ON and total != "*":
                raise _UnfinishedError(f"the last piece of {self._at} was stored in part")
            return answer

        sent: Response = self._connection.options["retry"](attempt)()
        return sent

    def _range(self, total: str) -> str:
        if not self._kept:
            return f"bytes */{total}"
        return f"bytes {self._stored_bytes}-{self._stored_bytes + len(self._kept) - 1}/{total}"

    def _put(self, data: bytes, place: str, headers: dict[str, str] | None = None) -> Response:
        answer = self._connection.send(
            "PUT",
            self._session or "",
            data=data,
            headers={"Content-Range": place, "Content-Type": CONTENT_TYPE, **(headers or {})},
        )
        if answer.status_code == _GOES_ON:
            self._forget(answer.headers.get("Range"))
        elif answer.status_code in _GONE:
            raise RemoteError(
                f"{self._at} was not written: {SERVICE} has lost what was sent of it",
                hint="run it again",
            )
        elif not answer.ok:
            raise refusal(answer)
        return answer

    def _forget(self, stored: str | None) -> None:
        """Drop what Cloud Storage says that it has: ``bytes=0-LAST``, or nothing."""
        found = re.fullmatch(r"bytes=0-([0-9]+)", stored) if stored else None
        stored_bytes = int(found[1]) + 1 if found else 0
        done = stored_bytes - self._stored_bytes
        if not 0 <= done <= len(self._kept):
            raise RemoteError(
                f"{self._at} was not written: {SERVICE} lost count of what was sent of it",
                hint="run it again",
            )
        del self._kept[:done]
        self._stored_bytes = stored_bytes


class _UnfinishedError(ConnectionError):
    """A piece that ought to end an upload did not; to be sent again."""
