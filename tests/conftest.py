"""Fixtures for all tests: an environment that leads nowhere, and the local cloud."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import re
import sys
import uuid
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.live import Live
from tests.localcloud.bigquery import PROJECT, BigQueryServer
from tests.localcloud.credentials import TokenServer
from tests.localcloud.ensure import NoEnvironmentError
from tests.localcloud.healthcare import DATASET, HealthcareServer, test_files
from tests.localcloud.process import is_stray
from tests.localcloud.stack import Cloud
from tests.localcloud.storage import StorageServer
from tests.localcloud.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.cloud import bigquery, storage

    from tests.localcloud.bigquery import LoadTable
    from tests.localcloud.healthcare import Control
    from tests.localcloud.proxy import FaultProxy

collect_ignore = ["localcloud/bigquery_server"]  # runs in an environment of its own


# Hundreds of processes are started: none is to compile again what the last one has compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # its threads spin, a tenth of a second each time


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that lets tests leave this machine."""
    parser.addoption("--live", action="store_true", help="run the tests marked live, and no others")
    parser.addoption(
        "--quick", action="store_true", help="leave out servers, processes, the oracle"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of a real project apart from all others."""
    is_live, is_quick = bool(config.getoption("--live")), bool(config.getoption("--quick"))
    apart = [
        item
        for item in items
        if (item.get_closest_marker("live") is None) == is_live
        or (is_quick and _takes_long(str(item.path)))
    ]
    if apart:
        config.hook.pytest_deselected(items=apart)
        items[:] = [item for item in items if item not in set(apart)]


_LONG = re.compile(
    r"subprocess|on_terminal|running import .*\brun\b|Popen|multiprocessing|loaded\(|mark\.oracle|oracle"
    r"|mark\.cloud|\bbucket\b|gcs_\w+|bigquery_server|load_table|healthcare|get_dataset|\bcloud\b"
)
"""What a file of tests names that starts servers or processes, or asks the oracle."""
_LONG_FILES = (
    "cohorts/test_attrition.py",
    "dicom/test_mutations.py",
    "filters/lines/test_repairs.py",
    "filters/test_build.py",
    "notebook/test_cohort.py",
    "proof/test_deliveries.py",
)
"""What works long in one process: whole files of data, or examples by the hundred."""


@cache
def _takes_long(path: str) -> bool:
    """Tell whether a file of tests is left out of a quick run."""
    return path.endswith(_LONG_FILES) or _LONG.search(Path(path).read_text("utf-8")) is not None


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their length: what is made anew in each worker, as gzip's time, is no name."""
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) else None


_ON_ONE_WORKER = (
    "tests/googlesql/test_mutations.py",
    "tests/test_independent_readers.py",
    "tests/test_notebooks.py",
    "tests/test_wheel.py",
)
"""What these make for all of their tests takes long; two workers would make it twice."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give some files to one worker each; xdist 3.8's marks do not do so under pytest 9.2."""
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return path if path in _ON_ONE_WORKER else nodeid

    return Scheduling(config, log)


@pytest.fixture(autouse=True)
def _hermetic(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Remove what would send a Google client out into the world, or find someone's credentials."""
    if request.node.get_closest_marker("live"):
        return
    for name in list(os.environ):
        if is_stray(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path_factory.getbasetemp() / "no-gcloud"))
    for module in _RETRIES:
        if module in sys.modules:
            _shorten_retries(monkeypatch, module)


_RETRIES = {
    "google.cloud.bigquery.retry": ("DEFAULT_RETRY", "DEFAULT_JOB_RETRY"),
    "google.cloud.storage.retry": ("DEFAULT_RETRY",),  # the conditional ones hold the same object
}


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """Collect what came of the faults that a module tries."""
    found = Tally()
    yield found
    print(f"\n{found}")  # noqa: T201 - for whoever runs it with -s


@pytest.fixture
def short_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the clients' retries also where nothing has imported them yet."""
    for module in _RETRIES:
        _shorten_retries(monkeypatch, module)


def _shorten_retries(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Let a broken test fail in seconds: the clients would retry for ten minutes."""
    for name in _RETRIES[module]:
        shared = getattr(importlib.import_module(module), name)
        monkeypatch.setattr(shared, "_timeout", 5.0)
        monkeypatch.setattr(shared, "_initial", 0.01)
        monkeypatch.setattr(shared, "_maximum", 0.1)


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[StorageServer]:
    """Run a Cloud Storage for the session, one a worker."""
    with StorageServer() as server:
        yield server


@pytest.fixture
def gcs_client(gcs_server: StorageServer) -> Iterator[storage.Client]:
    """Make a client of Google's own for the local Cloud Storage."""
    with contextlib.closing(gcs_server.client()) as client:
        yield client


@pytest.fixture
def bucket(gcs_server: StorageServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a fresh, empty bucket, on the server that the environment names."""
    for name, value in gcs_server.environment.items():
        monkeypatch.setenv(name, value)
    return gcs_server.make_bucket()


@pytest.fixture
def _lost_connections(request: pytest.FixtureRequest) -> None:
    """Let Google's clients leave open the connections that a fault has broken, as they do."""
    request.applymarker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Function) -> Iterator[None]:
    """Find the connections of a test once its clients are closed, and not in a test after it."""
    yield
    if "_lost_connections" in item.fixturenames:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.fixture
def gcs_faults(gcs_server: StorageServer, _lost_connections: None) -> Iterator[FaultProxy]:
    """Let the way to Cloud Storage fail: of clients, and by ``gcs_server.services`` of services."""
    proxies = (gcs_server.faults, gcs_server.services)
    for proxy in proxies:
        proxy.clear()
    yield gcs_server.faults
    for proxy in proxies:
        proxy.clear()
    gcs_server.fidelity.reset()


@pytest.fixture(scope="session")
def healthcare(gcs_server: StorageServer) -> Iterator[HealthcareServer]:
    """Run a Healthcare API for the session, one a worker."""
    with HealthcareServer(gcs_server.services.url) as server:
        yield server


@pytest.fixture
def hc_control(healthcare: HealthcareServer, request: pytest.FixtureRequest) -> Iterator[Control]:
    """Set how the Healthcare API behaves; afterwards all is as it was and nothing runs."""
    healthcare.control.reset()
    if "bigquery_server" in request.fixturenames:  # started only for those who use it
        url = request.getfixturevalue("bigquery_server").url
        healthcare.control.services(bigquery=url)
    yield healthcare.control
    healthcare.control.reset()


@pytest.fixture
def hc_faults(healthcare: HealthcareServer, _lost_connections: None) -> Iterator[FaultProxy]:
    """Let the way to the Healthcare API fail."""
    healthcare.faults.clear()
    yield healthcare.faults
    healthcare.faults.clear()


@pytest.fixture
def dicom_store(
    healthcare: HealthcareServer,
    gcs_server: StorageServer,
    hc_control: Control,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Make a fresh store of pydicom's files, in a fresh dataset, where the environment leads."""
    for name, value in (healthcare.environment | gcs_server.environment).items():
        monkeypatch.setenv(name, value)
    return hc_control.make_store(test_files(), dataset=f"{DATASET}{uuid.uuid4().hex[:12]}")


@pytest.fixture(scope="session")
def bigquery_server(gcs_server: StorageServer) -> Iterator[BigQueryServer]:
    """Run a BigQuery for the session, one a worker."""
    try:
        server = BigQueryServer(gcs_server.services.url)
    except NoEnvironmentError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    with server:
        yield server


@pytest.fixture
def bq_faults(
    bigquery_server: BigQueryServer,
    dataset: str,  # noqa: ARG001 - which sets the variable first
    monkeypatch: pytest.MonkeyPatch,
    _lost_connections: None,
) -> Iterator[FaultProxy]:
    """Let the way to BigQuery's REST fail, for clients that the environment sends there."""
    bigquery_server.faults.clear()
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery_server.faults.url)
    yield bigquery_server.faults
    bigquery_server.faults.clear()


@pytest.fixture
def bq_set(bigquery_server: BigQueryServer) -> Iterator[Callable[..., None]]:
    """Set how BigQuery behaves (see ``BigQueryServer.set``); afterwards it is as ever."""
    bigquery_server.set()
    yield bigquery_server.set
    bigquery_server.set()


@pytest.fixture
def small_shards(bq_set: Callable[..., None]) -> None:
    """Let exports write a shard for every few hundred bytes."""
    bq_set(shard_bytes=300)


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


@pytest.fixture
def cloud(
    gcs_server: StorageServer,
    bigquery_server: BigQueryServer,
    healthcare: HealthcareServer,
    hc_control: Control,  # noqa: ARG001 - which puts all switches back
    monkeypatch: pytest.MonkeyPatch,
) -> Cloud:
    """Give all servers, with every variable set."""
    whole = Cloud(gcs_server, bigquery_server, healthcare)
    for name, value in whole.environment.items():
        monkeypatch.setenv(name, value)
    return whole


@pytest.fixture(scope="session")
def live() -> Live:
    """Give the real project that the environment names."""
    return Live.of_environment()


@pytest.fixture
def live_folder(live: Live) -> Iterator[str]:
    """Name a fresh ``gs://bucket/folder`` of the real project."""
    yield from live.make_folder()


@pytest.fixture
def live_tables(live: Live) -> Iterator[LoadTable]:
    """Give what ``load_table`` gives, in the real project."""
    yield from live.make_tables()


@pytest.fixture
def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenServer]:
    """Let Google's clients find credentials by themselves: a service account of our own."""
    with TokenServer() as server:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(server.write_account(tmp_path)))
        yield server
