"""The way to the Healthcare API: a connection of its own for each call.

httplib2 is not safe for threads, stays broken after an answer that was cut off, and sends a
request a second time when the server hangs up without an answer. A second ``:export`` would be a
second export, so a connection here refuses to send what it has no answer to yet.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dicomfilter.errors import UsageError
from dicomfilter.google_errors import Place, google_errors
from dicomfilter.stores.healthcare.discovery import (
    ENDPOINT,
    INSTALL,
    NOT_INSTALLED,
    ApiVersion,
    document,
    other_endpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import httplib2
    from google.auth.credentials import Credentials

_OK = 200
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class ShapeError(ValueError):
    """An answer that the service would not give, such as a list."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service sent back.

    Args:
        body: Its JSON.
        date: The service's own clock; None where it does not say.
    """

    body: Mapping[str, Any]
    date: datetime | None


@dataclass(slots=True)
class Attempt:
    """One call over a connection of its own; stands in for ``httplib2.Http``.

    Args:
        endpoint: Where the call goes; what goes elsewhere asks for tokens.
        timeout_s: Seconds without a byte before it is given up.
        sent: Whether a byte of it may have reached the service.
    """

    endpoint: str
    timeout_s: float
    sent: bool = False
    _open: list[httplib2.Http] = field(default_factory=list, init=False, repr=False)

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> tuple[httplib2.Response, bytes]:
        """Send a request, once."""
        import httplib2

        http = httplib2.Http(timeout=self.timeout_s, proxy_info=_proxy(uri))
        self._open.append(http)
        kind = _sending_once(self if uri.startswith(self.endpoint) else None, uri)
        answer, content = http.request(
            uri, method, body=body, headers=headers, connection_type=kind
        )
        return answer, content

    def close(self) -> None:
        """Close its connections."""
        for http in self._open:
            http.close()
        self._open.clear()


@dataclass(frozen=True, slots=True)
class Wire:
    """The way to one endpoint.

    Args:
        credentials: Who calls; None for nobody, where the endpoint wants no one.
        endpoint: URL of the service.
        timeout_s: Seconds without a byte before a call is given up.
    """

    credentials: Credentials | None
    endpoint: str = ENDPOINT
    timeout_s: float = 60.0

    def attempt(self) -> Attempt:
        """Get ready for one call."""
        return Attempt(self.endpoint, self.timeout_s)

    def send(
        self,
        version: ApiVersion,
        make: Callable[[Any], Any],
        attempt: Attempt | None = None,
    ) -> Answer:
        """Make a call, once.

        Args:
            version: Of the API.
            make: Given the client's resource of datasets, makes its request.
            attempt: Tells afterwards whether anything was sent.

        Returns:
            The answer.

        Raises:
            Exception: Whatever the client raises; see ``refusals``.
        """
        attempt = attempt or self.attempt()
        dates = []
        with closing(attempt):
            request = make(_datasets(version, self.endpoint))
            request.add_response_callback(lambda answer: dates.append(answer.get("date")))
            body = request.execute(http=self._authorized(attempt), num_retries=0)
        if not isinstance(body, dict):
            raise ShapeError(f"a JSON object was expected, and {_shape(body)} came")
        return Answer(body, _date(dates[-1]) if dates else None)

    def fetch(self, url: str, body: bytes | None = None) -> bytes:
        """Read from another service with the same credentials, once.

        Args:
            url: What.
            body: JSON that is sent with it, by POST; None to GET.

        Raises:
            Exception: Whatever the client raises; see ``refusals``.
        """
        from googleapiclient.errors import HttpError

        with closing(Attempt(url, self.timeout_s)) as attempt:
            http = self._authorized(attempt)
            headers = {"content-type": "application/json"}
            more = {} if body is None else {"method": "POST", "body": body, "headers": headers}
            answer, content = http.request(url, **more)
        if int(answer.status) != _OK:
            raise HttpError(answer, content)
        read: bytes = content
        return read

    def _authorized(self, attempt: Attempt) -> Any:  # noqa: ANN401 - the package publishes no types
        if self.credentials is None:
            return attempt
        from google_auth_httplib2 import AuthorizedHttp

        return AuthorizedHttp(self.credentials, http=attempt)


def open_wire(place: Place) -> Wire:
    """Find out who calls, and where.

    Args:
        place: What is to be reached, for the words of an error.

    Raises:
        UsageError: The client is not installed, or the endpoint is no URL.
        RemotePermissionError: There are no credentials.
    """
    document(ApiVersion.V1)
    if endpoint := other_endpoint():
        return Wire(None, endpoint)
    try:
        import google.auth
    except ImportError as error:
        raise UsageError(NOT_INSTALLED, hint=INSTALL) from error
    with google_errors(place):
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    return Wire(credentials)


@cache
def _datasets(version: ApiVersion, endpoint: str) -> Any:  # noqa: ANN401 - made from the document
    """Make the client's resource of datasets; it opens no connection of its own."""
    from googleapiclient import discovery

    client = discovery.build_from_document(
        document(version),
        http=Attempt(endpoint, 0),
        # The client would compare its universe with that of credentials that it does not have.
        client_options={"api_endpoint": endpoint, "universe_domain": "googleapis.com"},
    )
    return client.projects().locations().datasets()


def _sending_once(attempt: Attempt | None, uri: str) -> type:
    """Make a kind of connection that sends nothing while it has no answer to what it sent."""
    import httplib2

    secure = uri.startswith("https:")
    base: Any = (
        httplib2.HTTPSConnectionWithTimeout if secure else httplib2.HTTPConnectionWithTimeout
    )

    class SendingOnce(base):  # type: ignore[misc]  # one of two
        waiting = False

        def request(self, *arguments: object, **options: object) -> None:
            if self.waiting:
                raise ConnectionResetError("the server hung up without an answer")
            self.waiting = True
            if attempt is not None:
                attempt.sent = True
            super().request(*arguments, **options)

        def getresponse(self, *arguments: object, **options: object) -> object:
            answer = super().getresponse(*arguments, **options)
            self.waiting = False
            return answer

    return SendingOnce


def _proxy(uri: str) -> httplib2.ProxyInfo | None:
    """Find the proxy for a URI; httplib2 itself fails where ``NO_PROXY`` says none.

    Raises:
        UsageError: There is one, and PySocks is missing.
    """
    import httplib2

    parts = urlsplit(uri)
    try:
        found = httplib2.proxy_info_from_environment(parts.scheme)
    except ValueError as error:
        raise UsageError(
            f"the proxy that the environment names is no URL: {error}",
            hint=f"set {parts.scheme}_proxy to http://HOST:PORT, or unset it",
        ) from error
    if found is None or not found.applies_to(parts.hostname):
        return None
    if httplib2.socks is None:
        raise UsageError(
            f"{parts.hostname} is reached through a proxy ({parts.scheme}_proxy is set), and "
            "Google's API client needs PySocks for that",
            hint=f"run `pip install PySocks`, or add {parts.hostname} to NO_PROXY",
        )
    return found


def _date(text: str | None) -> datetime | None:
    """Read a date of HTTP; one without a zone is in UTC, as all of them should be."""
    try:
        found = parsedate_to_datetime(text) if text else None
    except (TypeError, ValueError):
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def _shape(body: object) -> str:
    return {type(None): "null", list: "a list"}.get(type(body), f"a {type(body).__name__}")
