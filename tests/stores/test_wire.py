from __future__ import annotations

import builtins
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.errors import RemoteError, RemotePermissionError, UsageError
from dicomfilter.google_errors import Place
from dicomfilter.stores.healthcare.discovery import ApiVersion, prepare
from dicomfilter.stores.healthcare.store import HealthcareStore
from dicomfilter.stores.healthcare.wire import Wire, open_wire
from dicomfilter.stores.requests import ExportToGcs
from dicomfilter.stores.state import State
from tests.stores.service import PARENT, STORE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stores.service import Service

PLACE = Place("the Healthcare API", "it", "p", "healthcare.operations.get")
CALL = prepare(STORE, ExportToGcs("gs://o/x"))


@pytest.fixture
def tokens() -> Iterator[ThreadingHTTPServer]:
    """Give out tokens, a new one each time."""
    given: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            given.append(f"token-{len(given) + 1}")
            answer = {"access_token": given[-1], "expires_in": 3600, "token_type": "Bearer"}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.given = given  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def credentials(tokens: ThreadingHTTPServer) -> Any:
    """Make credentials of Google's own that get their tokens here."""
    from google.oauth2.credentials import Credentials

    uri = f"http://127.0.0.1:{tokens.server_address[1]}/token"
    given = {"refresh_token": "r", "client_id": "c", "client_secret": "s", "token_uri": uri}
    return Credentials(None, **given)  # type: ignore[no-untyped-call]


def test_a_token_is_had_first_and_sent(service: Service, tokens: ThreadingHTTPServer) -> None:
    store = HealthcareStore(STORE, Wire(credentials(tokens), service.url))
    store.operations()
    assert service.tokens == ["Bearer token-1"]


def test_a_token_that_expired_meanwhile_is_renewed(
    service: Service, tokens: ThreadingHTTPServer
) -> None:
    store = HealthcareStore(STORE, Wire(credentials(tokens), service.url))
    operation = service.start("ExportDicomData")["name"]
    assert isinstance(store.poll(operation), State)
    service.refuse.append(("GET", 401, "Request had invalid authentication credentials."))
    assert isinstance(store.poll(operation), State)
    assert service.tokens == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


def test_a_start_whose_token_expired_is_sent_with_a_new_one_and_starts_once(
    service: Service, tokens: ThreadingHTTPServer
) -> None:
    store = HealthcareStore(STORE, Wire(credentials(tokens), service.url))
    service.refuse.append(("POST", 401, "Request had invalid authentication credentials."))
    assert isinstance(store.start(CALL), State)
    assert len(service.operations) == 1


def test_a_token_server_that_is_gone_started_nothing(
    service: Service, tokens: ThreadingHTTPServer
) -> None:
    lost = credentials(tokens)
    tokens.shutdown()
    tokens.server_close()
    with pytest.raises(RemoteError):
        HealthcareStore(STORE, Wire(lost, service.url)).start(CALL)
    assert service.log == []


def test_without_credentials_none_are_sent(service: Service) -> None:
    HealthcareStore(STORE, Wire(None, service.url)).operations()
    assert service.tokens == [None]


def test_the_endpoint_variable_is_anonymous(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DICOMFILTER_HEALTHCARE_ENDPOINT", f"{service.url}/")
    wire = open_wire(PLACE)
    assert wire == Wire(None, service.url)


def test_missing_credentials_are_a_matter_of_logging_in() -> None:
    with pytest.raises(RemotePermissionError, match="no usable Google credentials") as caught:
        open_wire(PLACE)
    assert "gcloud auth application-default login" in (caught.value.hint or "")


def test_a_missing_client_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from dicomfilter.stores.healthcare.discovery import document

    document.cache_clear()
    load = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("googleapiclient"):
            raise ImportError(name)
        return load(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="not installed") as caught:
        open_wire(PLACE)
    assert "dicomfilter[cloud]" in (caught.value.hint or "")
    monkeypatch.undo()
    document.cache_clear()


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY"])
def test_a_proxy_without_pysocks_is_explained(
    service: Service, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    store = HealthcareStore(STORE, Wire(None, service.url))
    for call in (
        store.operations,
        lambda: store.poll(f"{PARENT}/operations/1"),
        lambda: store.start(CALL),
    ):
        with pytest.raises(UsageError, match="PySocks") as caught:
            call()
        assert caught.value.exit_status == 2
        assert "pip install PySocks" in (caught.value.hint or "")
    assert service.log == []


@pytest.mark.parametrize("value", ["127.0.0.1", "*", "example.com,127.0.0.1"])
def test_a_proxy_that_is_not_for_this_host_is_no_matter(
    service: Service, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", value)
    assert HealthcareStore(STORE, Wire(None, service.url)).operations().states == ()


def test_a_proxy_that_is_no_url_is_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example:port")
    with pytest.raises(UsageError, match="no URL"):
        HealthcareStore(STORE, Wire(None, service.url)).operations()


@pytest.mark.parametrize("version", ApiVersion)
def test_each_version_has_its_own_paths(service: Service, version: ApiVersion) -> None:
    wire = Wire(None, service.url)
    wire.send(version, lambda datasets: datasets.operations().list(name=PARENT))
    assert service.log[0].startswith(f"GET /{version}/{PARENT}/operations")


def test_calls_side_by_side_do_not_meet(service: Service) -> None:
    store = HealthcareStore(STORE, Wire(None, service.url))
    names = [service.start("ExportDicomData")["name"] for _ in range(8)]
    found: dict[str, object] = {}

    def look(name: str) -> None:
        found[name] = [store.poll(name) for _ in range(5)]

    threads = [threading.Thread(target=look, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for name, states in found.items():
        assert [state.name for state in states] == [name] * 5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "example.org"),
        ("GOOGLE_API_USE_MTLS_ENDPOINT", "always"),
        ("GOOGLE_API_USE_CLIENT_CERTIFICATE", "true"),
    ],
)
def test_what_the_environment_says_to_other_clients_leads_nowhere_else(
    service: Service, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    from dicomfilter.stores.healthcare.wire import _datasets

    _datasets.cache_clear()
    monkeypatch.setenv(variable, value)
    assert HealthcareStore(STORE, Wire(None, service.url)).operations().states == ()
    assert service.count("GET") == 1
