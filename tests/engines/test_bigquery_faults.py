"""Every step of BigQuery under every fault: the right filter file, or an error and none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dicomfilter.engines.bigquery import jobs
from dicomfilter.errors import DicomFilterError, RemoteError, RemotePermissionError
from dicomfilter.paths import Level
from tests.engines.test_bigquery_build import COLUMNS, PLAIN
from tests.engines.test_bigquery_export import lines, names, write
from tests.localcloud.edits import failed_job, running_job
from tests.localcloud.proxy import FAULTS, Edit, Slow, Status, crossed

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.cloud import bigquery, storage

    from tests.localcloud.bigquery import LoadTable
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.tally import Tally

pytestmark = pytest.mark.cloud
INSERT = r"POST /bigquery/v2/projects/demo/jobs\?"
STATE = r"GET /bigquery/v2/projects/demo/jobs/dicomfilter_"
RESULT = r"GET /bigquery/v2/projects/demo/queries/dicomfilter_\w+\?maxResults=0"
PAGE = r"GET /bigquery/v2/projects/demo/queries/dicomfilter_\w+\?pageToken"
KINDS = {**FAULTS, "slow": Slow(0.1)}
PATIENCE_S = 2.0
"""Seconds until a request without an answer is sent again, where one is to have none."""
STAGE, COUNTS, EXPORT = 2, 4, 10
"""The places of jobs among those that are inserted, each after a look at it."""


@dataclass(frozen=True)
class Step:
    """A request that is to fail: what it looks like, and how many of these come first."""

    pattern: str
    skip: int = 0


STEPS = {
    "describe": Step(r"GET .*/tables/metadata\?"),
    "dry run": Step(INSERT),
    "stage table": Step(r"POST .*/tables\?"),
    "stage insert": Step(INSERT, STAGE),
    "stage poll": Step(STATE),
    "counts insert": Step(INSERT, COUNTS),
    "counts result": Step(RESULT),
    "counts read": Step(PAGE),
    "size read": Step(PAGE, 2),
    "export insert": Step(INSERT, EXPORT),
    "export poll": Step(STATE),
    "stage drop": Step(r"DELETE .*/tables/dicomfilter_"),
}
GOES_ON = {"stage poll": STAGE, "export poll": EXPORT}
"""Jobs that are asked for again: the emulator has each done at once."""


@dataclass(frozen=True)
class World:
    """A table, a bucket, and what stands in them."""

    table: str
    dataset: str
    bucket: str
    tables: bigquery.Client
    objects: storage.Client

    def build(self) -> None:
        write(
            self.table,
            f"gs://{self.bucket}/f.txt",
            "Modality = 'CT'",
            level=Level.STUDY,
            temp_dataset=self.dataset,
        )

    @property
    def left(self) -> list[str]:
        """The tables of the dataset besides the one of the test."""
        names = (table.table_id for table in self.tables.list_tables(self.dataset))
        return [name for name in names if name != "metadata"]


@pytest.fixture
def world(  # in the order in which the variables are to be set
    load_table: LoadTable,
    dataset: str,
    bq_client: bigquery.Client,
    bucket: str,
    gcs_client: storage.Client,
    *,
    bq_faults: FaultProxy,
    short_retries: None,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """Let rows come by the way that fails."""
    from google.cloud.bigquery import retry

    assert (short_retries, bq_faults.log) == (None, [])
    monkeypatch.delenv("BIGQUERY_STORAGE_EMULATOR_HOST")
    monkeypatch.setattr(retry.DEFAULT_RETRY, "_timeout", 20.0)
    return World(load_table(COLUMNS, *PLAIN), dataset, bucket, bq_client, gcs_client)


RIGHT = ["/studies/1", "/studies/2", "/studies/3"]
FOR_GOOD = ("describe", "stage insert", "counts read", "export insert", "export poll")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Give a function that shortens what a request may take."""
    from google.cloud.bigquery import client

    def shorten() -> None:
        monkeypatch.setattr(jobs, "REQUEST_TIMEOUT_S", PATIENCE_S)
        monkeypatch.setattr(client, "_MIN_GET_QUERY_RESULTS_TIMEOUT", PATIENCE_S)

    return shorten


THEIRS = (AttributeError, KeyError, TypeError, ValueError)
"""How Google's client fails where a corrupted answer is JSON still, and lacks a name."""


def attempt(world: World, expected: tuple[type[Exception], ...] = ()) -> Exception | None:
    """Build, and see that there is the right filter file or none at all."""
    failed: Exception | None = None
    try:
        world.build()
    except (DicomFilterError, *expected) as error:
        failed = error
    assert names(world.objects, world.bucket) == ([] if failed else ["f.txt"])
    if failed is None:
        assert lines(world.objects, world.bucket) == RIGHT
    return failed


def outcome(failed: Exception | None) -> str:
    status = getattr(failed, "exit_status", "1, by the client")
    return f"status {status}" if failed else "recovered"


@pytest.mark.parametrize(("step", "kind"), crossed(STEPS, KINDS))
def test_a_fault_is_recovered_from_or_told_and_never_makes_a_wrong_filter(
    world: World,
    bq_faults: FaultProxy,
    tally: Tally,
    impatient: Callable[[], None],
    *,
    step: str,
    kind: str,
) -> None:
    if kind == "hung":
        impatient()
    if step in GOES_ON:
        bq_faults.add(INSERT, Edit(running_job), skip=GOES_ON[step])
    rule = bq_faults.add(STEPS[step].pattern, KINDS[kind], skip=STEPS[step].skip)
    failed = attempt(world, THEIRS if kind == "corrupted" else ())
    assert rule.hits == 1
    tally.rows.append((step, kind, outcome(failed)))
    if kind != "corrupted":  # a byte that TLS would not let pass: it must do no harm
        assert failed is None, failed
        assert world.left == []


@pytest.mark.parametrize("step", FOR_GOOD)
def test_what_never_comes_back_is_said_and_leaves_nothing(
    world: World,
    bq_faults: FaultProxy,
    tally: Tally,
    monkeypatch: pytest.MonkeyPatch,
    *,
    step: str,
) -> None:
    from google.cloud.bigquery import retry

    monkeypatch.setattr(retry.DEFAULT_RETRY, "_timeout", 1.5)
    if step in GOES_ON:
        bq_faults.add(INSERT, Edit(running_job), skip=GOES_ON[step])
    bq_faults.add(STEPS[step].pattern, Status(503), skip=STEPS[step].skip, times=None)
    failed = attempt(world)
    assert isinstance(failed, RemoteError)
    assert failed.exit_status == 4
    tally.rows.append((step, "503 for good", outcome(failed)))
    assert world.left == []


@pytest.mark.parametrize("step", ["dry run", "stage insert", "counts insert", "export insert"])
def test_a_refusal_names_the_permission_and_the_command(
    world: World, bq_faults: FaultProxy, tally: Tally, step: str
) -> None:
    words = "Access Denied: Project demo: User does not have bigquery.jobs.create permission"
    refusal = Status(403, words, "accessDenied")
    bq_faults.add(INSERT, refusal, skip=STEPS[step].skip)
    failed = attempt(world)
    assert isinstance(failed, RemotePermissionError)
    assert "bigquery.jobs.create is needed" in failed.message
    assert "add-iam-policy-binding" in str(failed.hint)
    assert "--role=roles/bigquery.jobUser" in str(failed.hint)
    tally.rows.append((step, "403", outcome(failed)))
    assert world.left == []


def test_a_bucket_in_another_location_is_said_with_the_way_round(
    world: World, bq_faults: FaultProxy
) -> None:
    words = "Cannot read and write in different locations: source: EU, destination: US"
    bq_faults.add(INSERT, Edit(failed_job("invalid", words)), skip=EXPORT)
    failed = attempt(world)
    assert isinstance(failed, RemoteError)
    assert "source: EU, destination: US" in failed.message
    assert "--staging gs://BUCKET" in str(failed.hint)


def test_a_stage_that_cannot_be_dropped_is_warned_of(
    world: World, bq_faults: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    bq_faults.add(STEPS["stage drop"].pattern, Status(403, reason="accessDenied"))
    assert attempt(world) is None
    assert "bigquery.tables.delete is needed" in caplog.text
    (left,) = re.findall(r"(dicomfilter_\w+) was not removed", caplog.text)
    # What looked at the result was the next to open the table, and has removed it.
    assert f"{left} was removed: an earlier run had left it" in caplog.text
    assert world.left == []
