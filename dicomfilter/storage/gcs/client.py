"""Connect to Cloud Storage, look at objects, say in our words what it refuses."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dicomfilter.errors import RemoteError, UsageError
from dicomfilter.google_errors import Place, google_errors
from dicomfilter.storage.gcs.names import SCHEME
from dicomfilter.storage.protocol import Stat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from google.cloud.storage import Blob, Client
    from requests import Response

    from dicomfilter.errors import DicomFilterError
    from dicomfilter.storage.gcs.names import GcsObject

SERVICE = "Cloud Storage"
EMULATOR_VARIABLE = "STORAGE_EMULATOR_HOST"
"""URL of an emulator; Google's client knows it too, and sends it no credentials."""
TIMEOUT_S = 60.0
"""How long one request may keep silent before it is tried again."""
CONTENT_TYPE = "text/plain"
_PARTIAL = 206
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def connect() -> Client:
    """Make a client of Cloud Storage, anonymous where an emulator is in use.

    Returns:
        A client that has not sent anything yet.

    Raises:
        UsageError: The client's package is not installed.
        RemotePermissionError: There are no credentials.
    """
    try:
        from google.cloud import storage
    except ImportError as error:
        raise UsageError(
            "the client of Cloud Storage is not installed",
            hint="install it with `pip install 'dicomfilter[cloud]'`",
        ) from error
    project = os.environ.get("GOOGLE_CLOUD_PROJECT")
    if os.environ.get(EMULATOR_VARIABLE):
        client = storage.Client(project=project)
    else:
        import google.auth

        with google_errors(Place(SERVICE, "gs://", "", "storage.objects.get")):
            credentials, found = google.auth.default(scopes=[_SCOPE])
            client = storage.Client(project=project or found, credentials=credentials)
    # From 3.17 on it asks for each bucket behind our back, for traces that nobody reads here.
    client._bucket_metadata_cache = None  # noqa: SLF001 - it has no public switch
    return client


@dataclass(frozen=True, slots=True)
class Connection:
    """A client and how long it waits.

    Args:
        client: Of Google's own.
        timeout_s: How long one request may keep silent before it is tried again.
    """

    client: Client
    timeout_s: float = TIMEOUT_S

    @property
    def options(self) -> dict[str, Any]:
        """What every call that may be repeated is given.

        The client would not repeat some calls of its own accord; ours name the generation that
        they expect or make, and so can do no harm twice.
        """
        from google.cloud.storage.retry import DEFAULT_RETRY

        return {"timeout": self.timeout_s, "retry": DEFAULT_RETRY}

    def blob(self, at: GcsObject, *, generation: int | None = None) -> Blob:
        """Name an object, or one version of it, without asking for it."""
        return self.client.bucket(at.bucket).blob(at.name, generation=generation)

    def look(self, at: GcsObject, *, missing: type[DicomFilterError]) -> Stat | None:
        """Look at an object without reading it.

        Args:
            at: The object.
            missing: The error to raise where there is not even the bucket.

        Returns:
            Its size, generation and checksum; None where there is no such object.

        Raises:
            RemoteError: Cloud Storage refused or failed.
        """
        from google.api_core.exceptions import NotFound

        blob = self.blob(at)
        with cloud_errors(at, "storage.objects.get", missing=missing):
            try:
                blob.reload(**self.options)
            except NotFound as error:
                if self.has_bucket(at):
                    return None
                raise no_bucket(at, missing) from error
            return stat_of(blob)

    def send(self, method: str, url: str, **more: Any) -> Response:  # noqa: ANN401 - its options
        """Send a request with the client's credentials, once.

        Returns:
            The answer, whatever its status.
        """
        # The client has no public way to do so.
        http = self.client._http  # noqa: SLF001
        answer: Response = http.request(method, url, timeout=self.timeout_s, **more)
        return answer

    def get(self, at: GcsObject, generation: int | None, start: int, size_bytes: int) -> bytes:
        """Read a part of one version of an object, as it is stored.

        The client's own downloads leave connections open where they are tried again.

        Args:
            at: The object.
            generation: Its version.
            start: Where the part starts, in bytes.
            size_bytes: Its length, at least 1.

        Returns:
            What came, which may be less.

        Raises:
            GoogleAPIError: Of the class that fits; nothing is translated here.
        """
        blob = self.blob(at, generation=generation)
        url = blob._get_download_url(self.client)  # noqa: SLF001 - `media_link` costs a request
        # With gzip accepted, what is stored compressed comes as it is.
        place = f"bytes={start}-{start + size_bytes - 1}"
        headers = {"Range": place, "Accept-Encoding": "gzip"}

        def attempt() -> bytes:
            with self.send("GET", url, headers=headers, stream=True) as answer:
                if not answer.ok:
                    raise refusal(answer)
                if answer.status_code != _PARTIAL:
                    raise RemoteError(f"{SERVICE} sent all of {at} where a part was asked for")
                # Only a read beyond the end notices that the answer broke off.
                return b"".join(
                    iter(lambda: answer.raw.read(size_bytes, decode_content=False), b"")
                )

        read: bytes = self.options["retry"](attempt)()
        return read

    def list_page(self, bucket: str, query: Mapping[str, str]) -> bytes:
        """Ask for one page of a listing, again where that fails in passing.

        The client's own iterator makes an object of each item, and takes an answer without any for
        the end.

        Args:
            bucket: Whose objects.
            query: What is asked, by the names of the JSON API.

        Returns:
            The answer's body, whatever it is.

        Raises:
            GoogleAPIError: Of the class that fits; nothing is translated here.
        """
        api = self.client._connection  # noqa: SLF001 - the client has no public way to do so
        url = api.build_api_url(f"/b/{quote(bucket, safe='')}/o", query_params=dict(query))

        def attempt() -> bytes:
            answer = self.send("GET", url)
            if not answer.ok:
                raise refusal(answer)
            body: bytes = answer.content
            return body

        page: bytes = self.options["retry"](attempt)()
        return page

    def has_bucket(self, at: GcsObject, **options: Any) -> bool:  # noqa: ANN401 - the client's
        """Tell whether a bucket exists; where it cannot be told, the next call will.

        Args:
            at: The bucket, or what is in it.
            **options: Timeout and retry, if not as ever.
        """
        from google.api_core.exceptions import Forbidden, NotFound

        listing = {"prefix": at.name, "max_results": 1, "fields": "nextPageToken"}
        listing |= self.options | options
        try:
            next(iter(self.client.list_blobs(at.bucket, **listing)), None)
        except NotFound:
            return False
        except Forbidden:
            return True
        return True


def stat_of(blob: Blob) -> Stat:
    """Read what an answer says of an object.

    Raises:
        RemoteError: The answer lacks something, or was damaged on the way.
    """
    answer = {"size": blob.size, "generation": blob.generation, "crc32c": blob.crc32c}
    return read_stat(f"{SCHEME}{blob.bucket.name}/{blob.name}", answer)


def read_stat(uri: str, answer: object) -> Stat:
    """Read what an answer in JSON says of an object.

    Raises:
        RemoteError: The answer lacks something, or was damaged on the way.

    >>> read_stat("gs://b/o", {"size": "9", "generation": "1", "crc32c": "4waSgw=="})
    Stat(size_bytes=9, generation=1, crc32c='4waSgw==')
    """
    try:
        said: Any = answer
        return Stat(int(said["size"]), int(said["generation"]), str(said["crc32c"]))
    except (TypeError, ValueError, LookupError) as error:
        raise RemoteError(
            f"{SERVICE} gave an incomplete answer about {uri}", hint="run it again"
        ) from error


def no_bucket(at: GcsObject, missing: type[DicomFilterError]) -> DicomFilterError:
    """Say that there is no such bucket."""
    return missing(
        f"{at}: there is no bucket {at.bucket}",
        hint="check the name, and that you may see it",
    )


def refusal(answer: Response) -> Exception:
    """Make Google's error of an answer, less the address, which may hold a key."""
    from google.api_core.exceptions import from_http_status

    try:
        said = str(answer.json()["error"]["message"])
    except (ValueError, LookupError, TypeError):
        said = answer.reason or "no reason given"
    make: Any = from_http_status
    error: Exception = make(answer.status_code, said, response=answer)
    return error


@contextmanager
def cloud_errors(
    at: GcsObject, permission: str, *, missing: type[DicomFilterError]
) -> Iterator[None]:
    """Turn what Cloud Storage refuses into our errors.

    Args:
        at: What is touched.
        permission: What that takes.
        missing: The error to raise where it does not exist.
    """
    with google_errors(Place(SERVICE, str(at), "", permission, missing)):
        yield
