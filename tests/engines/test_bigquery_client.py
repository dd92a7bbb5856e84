from __future__ import annotations

import subprocess
import sys

import pytest

from dicomfilter.engines import open_engine
from dicomfilter.engines.bigquery.client import connect, connect_storage, emulator
from dicomfilter.engines.bigquery.table_names import BigQueryTable
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.errors import RemoteError, RemotePermissionError, TableError

TABLE = BigQueryTable("demo", "dicom", "metadata")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1:9050", "http://127.0.0.1:9050"),
        ("http://127.0.0.1:9050", "http://127.0.0.1:9050"),
    ],
)
def test_the_emulator_is_named_with_or_without_a_scheme(
    host: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert emulator() is None
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", host)
    assert emulator() == url


def test_an_emulator_needs_no_credentials_and_no_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:1")
    with connect(TABLE) as client:
        assert client.project == "demo"
        assert connect_storage(client) is None
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "billing")
    with connect(TABLE) as client:
        assert client.project == "billing"


def test_without_credentials_the_hint_says_how_to_log_in() -> None:
    with pytest.raises(RemotePermissionError, match="no usable Google credentials") as caught:
        open_engine(["bq://demo.dicom.metadata"])
    assert "gcloud auth application-default login" in str(caught.value.hint)
    assert caught.value.exit_status == 4


@pytest.mark.usefixtures("short_retries")
def test_a_service_that_cannot_be_reached_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from google.cloud.bigquery import DEFAULT_RETRY

    monkeypatch.setattr(DEFAULT_RETRY, "_timeout", 0.2)
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:1")
    with (
        open_engine(["bq://demo.dicom.metadata"]) as engine,
        pytest.raises(RemoteError, match="could not be reached") as caught,
    ):
        engine.schema()
    assert "network" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("tables", "options"),
    [
        (["bq://demo.dicom.a", "bq://demo.dicom.b"], EngineOptions()),
        (["bq://demo.metadata"], EngineOptions()),
        (["bq://demo.dicom.metadata"], EngineOptions(temp_dataset="scratch")),
    ],
)
def test_bad_names_are_refused_before_anything_is_sent(
    tables: list[str], options: EngineOptions
) -> None:
    with pytest.raises(TableError):
        open_engine(tables, options=options)


def test_a_missing_client_is_said_with_how_to_install_it() -> None:
    code = """
import sys
sys.modules["google.cloud.bigquery"] = sys.modules["google.cloud"] = None
from dicomfilter.engines import open_engine
from dicomfilter.errors import UsageError
try:
    open_engine(["bq://demo.dicom.metadata"])
except UsageError as error:
    print(error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "install it with `pip install 'dicomfilter[bigquery]'`\n"


def test_nothing_of_google_is_loaded_before_an_engine_is_opened() -> None:
    code = """
import sys
import dicomfilter.engines.bigquery.engine
print([n for n in sys.modules if n.startswith(("google.", "grpc", "pyarrow", "sqlglot"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
