from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.localcloud import ensure
from tests.localcloud.bigquery import BigQueryServer
from tests.localcloud.process import Server, ServerError

if TYPE_CHECKING:
    from google.cloud import bigquery

    from tests.localcloud.bigquery import LoadTable

cloud = pytest.mark.cloud
COLUMNS = """StudyInstanceUID STRING, StudyDate DATE, ImageType ARRAY<STRING>,
    PatientName STRUCT<Alphabetic STRUCT<FamilyName STRING>>,
    ProcedureCodeSequence ARRAY<STRUCT<CodeValue STRING>>"""


def lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_an_environment_is_named_by_its_pins(tmp_path: Path) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text("a==1\n")
    first = ensure.folder(pins, tmp_path)
    assert ensure.folder(pins, tmp_path) == first
    pins.write_text("a==2\n")
    assert ensure.folder(pins, tmp_path) != first


def test_a_half_made_environment_is_not_used_and_the_error_names_the_command(
    tmp_path: Path,
) -> None:
    (tmp_path / "bin").mkdir()
    with pytest.raises(ensure.NoEnvironmentError, match=r"python tests/localcloud/ensure\.py"):
        ensure.interpreter(tmp_path)


def test_runs_that_start_at_once_make_the_environment_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []

    def make(environment: Path, _requirements: Path) -> None:
        time.sleep(0.05)
        environment.mkdir()
        made.append(environment)

    monkeypatch.setattr(ensure, "_make", make)
    (tmp_path / "requirements.txt").touch()
    asked = (tmp_path / "requirements.txt", tmp_path / "base")
    threads = [threading.Thread(target=ensure.ensure, args=asked) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_an_environment_that_cannot_be_made_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensure.shutil, "which", lambda _: None)
    monkeypatch.setattr(ensure, "_failure", lambda step: f"{step[-1]}: no such release")
    pins = tmp_path / "requirements.txt"
    pins.touch()
    with pytest.raises(ensure.NoEnvironmentError, match="no such release"):
        ensure.ensure(pins, tmp_path)
    assert not ensure.folder(pins, tmp_path).exists()


def test_a_server_that_does_not_start_shows_what_it_said() -> None:
    silent = Server((sys.executable, "-c", "raise SystemExit('no such port')"))
    with pytest.raises(ServerError, match="no such port"):
        silent.start()


def test_a_server_that_stays_silent_is_stopped() -> None:
    silent = Server((sys.executable, "-c", "import time; time.sleep(60)"), start_timeout_s=0.2)
    with pytest.raises(ServerError, match="did not start"):
        silent.start()


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for a signal")
def test_a_server_dies_with_its_parent_even_by_kill_9() -> None:
    code = """
import sys, time
from tests.localcloud.process import Server
program = "import json, time; print(json.dumps({}), flush=True); time.sleep(60)"
print(Server((sys.executable, "-c", program)).start().pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ensure.ROOT
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.stdout.close()
    assert lives(pid)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not lives(pid)


def test_nothing_in_the_environment_leads_outside() -> None:
    stray = [n for n in os.environ if n.upper().endswith("_PROXY") or n.startswith("GOOGLE_")]
    assert not stray
    assert "BIGQUERY_EMULATOR_HOST" not in os.environ


@cloud
def test_the_server_stops_when_told(bigquery_server: BigQueryServer) -> None:
    with BigQueryServer() as another:
        assert another.environment != bigquery_server.environment
        pid = another.pid
        assert lives(pid)
    assert not lives(pid)


@cloud
def test_the_client_reads_what_it_loaded(load_table: LoadTable, bq_client: bigquery.Client) -> None:
    row = {
        "StudyInstanceUID": "1.2",
        "StudyDate": "2020-02-29",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "PatientName": {"Alphabetic": {"FamilyName": "DOE"}},
        "ProcedureCodeSequence": [{"CodeValue": "A"}, {"CodeValue": "B"}],
    }
    uri = load_table(COLUMNS, row)
    table = bq_client.get_table(uri.removeprefix("bq://"))
    assert table.num_rows == 1
    assert [field.field_type for field in table.schema][3:] == ["RECORD", "RECORD"]
    read = dict(next(iter(bq_client.list_rows(table))).items())
    assert read.pop("StudyDate").isoformat() == "2020-02-29"
    assert read == {name: value for name, value in row.items() if name != "StudyDate"}


@cloud
def test_aliases_keep_their_case_and_stars_their_records(
    load_table: LoadTable, bq_client: bigquery.Client, dataset: str
) -> None:
    from google.cloud.bigquery import QueryJobConfig

    load_table(COLUMNS, {"StudyInstanceUID": "1.2"})
    sql = "SELECT *, CONCAT('/', UPPER(StudyInstanceUID)) AS Line FROM metadata"
    job = bq_client.query(sql, job_config=QueryJobConfig(default_dataset=dataset))
    names = [field.name for field in job.result().schema]
    assert names[3:] == ["PatientName", "ProcedureCodeSequence", "Line"]


@cloud
def test_unknown_columns_are_said_in_bigquerys_words(
    load_table: LoadTable, bq_client: bigquery.Client, dataset: str
) -> None:
    from google.api_core.exceptions import BadRequest
    from google.cloud.bigquery import QueryJobConfig

    load_table("PatientID STRING")
    config = QueryJobConfig(default_dataset=dataset)
    with pytest.raises(BadRequest, match=r"Unrecognized name: PatientIDD; Did you mean PatientID"):
        bq_client.query("SELECT PatientIDD FROM metadata", job_config=config).result()


@cloud
def test_bytes_are_counted_and_limited(
    load_table: LoadTable, bq_client: bigquery.Client, dataset: str
) -> None:
    from google.api_core.exceptions import GoogleAPICallError
    from google.cloud.bigquery import QueryJobConfig

    load_table("a INT64, b STRING", {"a": 1, "b": "xyz"})
    sql = "SELECT a, b FROM metadata"
    dry = QueryJobConfig(dry_run=True, default_dataset=dataset)
    assert bq_client.query(sql, job_config=dry).total_bytes_processed == 8 + 5
    tight = QueryJobConfig(maximum_bytes_billed=1, default_dataset=dataset)
    with pytest.raises(GoogleAPICallError, match="exceeded limit for bytes billed"):
        bq_client.query(sql, job_config=tight).result()


@cloud
def test_a_destination_is_written_and_a_job_id_used_once(
    load_table: LoadTable, bq_client: bigquery.Client, dataset: str
) -> None:
    from google.api_core.exceptions import Conflict
    from google.cloud.bigquery import QueryJobConfig

    load_table("a INT64", {"a": 1})
    config = QueryJobConfig(destination=f"{dataset}.copied", default_dataset=dataset)
    sql, once = "SELECT a FROM metadata", "once_" + dataset[5:]
    bq_client.query(sql, job_config=config, job_id=once, job_retry=None).result()
    assert bq_client.get_table(f"{dataset}.copied").num_rows == 1
    with pytest.raises(Conflict):
        bq_client.query(sql, job_config=config, job_id=once, job_retry=None)


@cloud
def test_an_anonymous_result_can_be_queried_further(bq_client: bigquery.Client) -> None:
    import sqlglot
    from google.cloud.bigquery import QueryJobConfig
    from sqlglot import exp

    job = bq_client.query("SELECT 1 AS a UNION ALL SELECT 2")
    job.result()
    config = QueryJobConfig(
        default_dataset=f"{job.destination.project}.{job.destination.dataset_id}"
    )
    total = sqlglot.select("SUM(a) AS total").from_(exp.to_table(job.destination.table_id))
    again = bq_client.query(total.sql("bigquery"), job_config=config).result()
    assert [tuple(row) for row in again] == [(3,)]


@cloud
def test_a_gap_of_the_server_is_no_outage(bq_client: bigquery.Client, dataset: str) -> None:
    from google.api_core.exceptions import BadRequest
    from google.cloud.bigquery import SchemaField, Table

    table = bq_client.create_table(Table(f"{dataset}.t", [SchemaField("a", "INTEGER")]))
    with pytest.raises(BadRequest, match="EMULATOR LIMITATION"):
        bq_client.insert_rows_json(table, [{"a": "x"}])
