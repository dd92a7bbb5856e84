"""Fixtures for all tests: an environment that leads nowhere, and the local BigQuery."""

from __future__ import annotations

import os
import sys
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.localcloud.bigquery import PROJECT, BigQueryServer
from tests.localcloud.ensure import NoEnvironmentError
from tests.localcloud.process import is_stray

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud import bigquery

    from tests.localcloud.bigquery import LoadTable

collect_ignore = ["localcloud/bigquery_server"]  # runs in an environment of its own


@pytest.fixture(autouse=True)
def _hermetic(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Remove what would send a Google client out into the world, or find someone's credentials."""
    for name in list(os.environ):
        if is_stray(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path_factory.getbasetemp() / "no-gcloud"))
    if "google.cloud.bigquery.retry" in sys.modules:
        _shorten_retries(monkeypatch)


@pytest.fixture
def short_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the clients' retries also where nothing has imported them yet."""
    _shorten_retries(monkeypatch)


def _shorten_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a broken test fail in seconds: the clients would retry for ten minutes."""
    from google.cloud.bigquery import retry

    for shared in (retry.DEFAULT_RETRY, retry.DEFAULT_JOB_RETRY):
        monkeypatch.setattr(shared, "_timeout", 5.0)
        monkeypatch.setattr(shared, "_initial", 0.01)
        monkeypatch.setattr(shared, "_maximum", 0.1)


@pytest.fixture(scope="session")
def bigquery_server() -> Iterator[BigQueryServer]:
    """Run a BigQuery for the session, one a worker."""
    try:
        server = BigQueryServer()
    except NoEnvironmentError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture
def bq_client(bigquery_server: BigQueryServer) -> Iterator[bigquery.Client]:
    """Make a client of Google's own for the local BigQuery."""
    with bigquery_server.client() as client:
        yield client


@pytest.fixture
def dataset(
    bigquery_server: BigQueryServer,
    bq_client: bigquery.Client,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """Make a fresh, empty dataset, ``demo.…``, on the server that the environment names."""
    for name, value in bigquery_server.environment.items():
        monkeypatch.setenv(name, value)
    name = f"{PROJECT}.t{uuid.uuid4().hex[:12]}"
    bq_client.create_dataset(name)
    yield name
    bq_client.delete_dataset(name, delete_contents=True)


@pytest.fixture
def load_table(bq_client: bigquery.Client, dataset: str) -> LoadTable:
    """Give a function that makes a table of the dataset and returns its URI."""
    from tests.localcloud.bigquery import load

    def load_table(columns: str, *rows: dict[str, object], name: str = "metadata") -> str:
        return load(bq_client, f"{dataset}.{name}", columns=columns, rows=rows)

    return load_table
