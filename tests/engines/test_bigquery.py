from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines import open_engine
from dicomfilter.engines.bigquery import jobs
from dicomfilter.engines.bigquery.engine import BigQueryEngine
from dicomfilter.engines.bigquery.table_names import BigQueryTable
from dicomfilter.engines.protocol import Engine, EngineOptions
from dicomfilter.errors import (
    CostLimitError,
    PredicateError,
    RemoteNotFoundError,
    RemotePermissionError,
    TableNotFoundError,
)
from dicomfilter.filters.build import BuildOptions, plan
from dicomfilter.googlesql.query import Query, Staging
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import Shape, SqlType
from tests.localcloud.edits import running_job
from tests.localcloud.faults import Fault, FaultyTransport, failed_job, into, lose, refusal
from tests.localcloud.proxy import Edit, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.cloud import bigquery
    from requests import Response

    from tests.localcloud.bigquery import BigQueryServer, LoadTable
    from tests.localcloud.proxy import FaultProxy

    Watch = Callable[[EngineOptions], tuple[BigQueryEngine, FaultyTransport]]

pytestmark = pytest.mark.cloud
COLUMNS = """
    StudyInstanceUID STRING, SeriesInstanceUID STRING, SOPInstanceUID STRING,
    Modality STRING, StudyDate DATE, SliceThickness STRING, ImageType ARRAY<STRING>,
    PatientName STRUCT<Alphabetic STRUCT<FamilyName STRING, GivenName STRING>>,
    ProcedureCodeSequence ARRAY<STRUCT<CodeValue STRING>>
"""
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def instance(study: str | None, series: str | None, sop: str | None, **rest: object) -> Any:
    return {**dict(zip(UIDS, (study, series, sop), strict=True)), **rest}


ROWS = (
    instance("1", "1.1", "1.1.1", Modality="CT", StudyDate="2020-01-01"),
    instance("1", "1.1", "1.1.1", Modality="CT", StudyDate="2020-01-01"),
    instance("1", "1.1", "1.1.2", Modality="CT", ImageType=["ORIGINAL", "PRIMARY"]),
    instance("2", "2.1", None, Modality="MR"),
    instance(
        "2",
        "2.1",
        "2.1.1",
        Modality="MR",
        PatientName={"Alphabetic": {"FamilyName": "DOE"}},
        ProcedureCodeSequence=[{"CodeValue": "A"}, {"CodeValue": "B"}],
    ),
)


def query(sql: str, *parameters: Parameter) -> Query:
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, dialect="bigquery")
    assert isinstance(tree, exp.Query)
    return Query(tree, parameters)


def answers(engine: Engine, sql: str, *parameters: Parameter) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = engine.rows(query(sql, *parameters)).read_all().to_pylist()
    return found


@pytest.fixture
def uri(load_table: LoadTable) -> str:
    return load_table(COLUMNS, *ROWS)


@pytest.fixture
def engine(uri: str) -> Iterator[Engine]:
    with open_engine([uri]) as opened:
        yield opened


@pytest.fixture
def watch(bigquery_server: BigQueryServer, uri: str) -> Iterator[Watch]:
    """Open the engine over a transport that can be watched and made to fail."""
    opened: list[BigQueryEngine] = []

    def watch(options: EngineOptions) -> tuple[BigQueryEngine, FaultyTransport]:
        client = bigquery_server.client()
        table = BigQueryTable.parse(uri)
        opened.append(BigQueryEngine(table, options, client, pause=lambda _seconds: None))
        opened[-1].schema()
        return opened[-1], into(client)

    yield watch
    for engine in opened:
        engine.close()


@pytest.fixture
def faulty(watch: Watch) -> tuple[BigQueryEngine, FaultyTransport]:
    return watch(EngineOptions())


def test_the_schema_is_read_in_googlesqls_types(engine: Engine) -> None:
    schema = engine.schema()
    types = {column.name: str(column.type) for column in schema}
    assert types["StudyDate"] == "DATE"
    assert types["SliceThickness"] == "STRING"
    assert types["ImageType"] == "ARRAY<STRING>"
    assert types["ProcedureCodeSequence"] == "ARRAY<STRUCT<CodeValue STRING>>"
    assert schema.shape is Shape.FLATTENED
    schema.require_uids(engine.uri)


@pytest.mark.parametrize("form", ["bq://{}", "{}"])
def test_every_form_of_the_name_opens_the_table(uri: str, form: str) -> None:
    with open_engine([form.format(uri.removeprefix("bq://"))]) as engine:
        assert engine.uri == uri
    with open_engine([uri.removeprefix("bq://").replace(".", ":", 1)]) as engine:
        assert engine.uri == uri


def test_the_fingerprint_changes_with_the_table(
    engine: Engine, uri: str, bq_client: bigquery.Client
) -> None:
    before = engine.fingerprint()
    assert before == engine.fingerprint()
    assert (before.uri, before.rows) == (uri, len(ROWS))
    assert before.size_bytes
    assert str(before.modified).endswith("+00:00")
    bq_client.insert_rows_json(uri.removeprefix("bq://"), [instance("3", "3.1", "3.1.1")])
    after = engine.fingerprint()
    assert after.rows == len(ROWS) + 1
    assert after.digest != before.digest


def test_a_query_is_shown_with_the_real_table(engine: Engine, uri: str) -> None:
    text = engine.text(query("SELECT COUNT(*) AS n FROM metadata WHERE Modality = @p1"))
    project, dataset, table = uri.removeprefix("bq://").split(".")
    assert f"FROM `{project}`.`{dataset}`.`{table}` AS `metadata` WHERE Modality = @p1" in text


def test_an_estimate_counts_the_named_columns_and_runs_nothing(
    engine: Engine, uri: str, bq_client: bigquery.Client
) -> None:
    estimate = engine.estimate(query("SELECT Modality FROM metadata"))
    assert estimate.bytes_processed == len(ROWS) * 4
    assert estimate.tables == (uri,)
    labelled = [job for job in bq_client.list_jobs() if job.job_id.startswith("dicomfilter_")]
    assert not [job for job in labelled if job.query and uri.split(".")[1] in job.query]


def test_duplicates_and_null_uids_are_staged_in_one_scan_and_counted(engine: Engine) -> None:
    distinct = f"SELECT {', '.join(UIDS)}, COUNT(*) AS row_count FROM metadata GROUP BY 1, 2, 3"
    staged = engine.stage(Staging(query(distinct)))
    assert len(staged.jobs) == 1
    assert staged.bytes_processed
    counts = """
        SELECT COUNT(*) AS units, SUM(row_count) AS rows_behind,
        COUNTIF(stage.SOPInstanceUID IS NULL) AS without FROM stage
    """
    assert engine.rows(query(counts), staged=staged).read_all().to_pylist() == [
        {"units": 4, "rows_behind": 5, "without": 1}
    ]


def test_lines_are_made_by_the_service_and_streamed(engine: Engine) -> None:
    staged = engine.stage(Staging(query("SELECT DISTINCT StudyInstanceUID AS study FROM metadata")))
    lines = r"SELECT CONCAT('/studies/', study, '\n') AS line FROM stage ORDER BY study"
    table = engine.rows(query(lines), staged=staged).read_all()
    assert table["line"].to_pylist() == ["/studies/1\n", "/studies/2\n"]


def test_nested_and_repeated_columns_are_asked_for_as_bigquery_has_them(engine: Engine) -> None:
    for predicate in (
        "PatientName.Alphabetic.FamilyName = 'DOE'",
        "EXISTS(SELECT 1 FROM UNNEST(ProcedureCodeSequence) AS s WHERE s.CodeValue = 'B')",
    ):
        sql = f"SELECT SOPInstanceUID AS sop FROM metadata WHERE {predicate}"
        assert answers(engine, sql) == [{"sop": "2.1.1"}]
    sql = "SELECT SOPInstanceUID AS sop FROM metadata WHERE 'PRIMARY' IN UNNEST(ImageType)"
    assert answers(engine, sql) == [{"sop": "1.1.2"}]


PARAMETERS: list[tuple[str, object]] = [
    ("STRING", 'O\'Brien \\ "ü" \n'),
    ("INT64", -(2**63)),
    ("FLOAT64", 1.5e300),
    ("NUMERIC", Decimal("1.500000001")),
    ("BOOL", False),
    ("DATE", dt.date(1900, 2, 28)),
    ("TIME", dt.time(23, 59, 59, 999999)),
    ("DATETIME", dt.datetime(2020, 2, 29, 1, 2, 3, 4)),  # noqa: DTZ001 - DATETIME has no zone
    ("TIMESTAMP", dt.datetime(2020, 2, 29, 1, 2, 3, 4, tzinfo=dt.UTC)),
    ("STRING", None),
    ("DATE", None),
    ("INT64", None),
]


@pytest.mark.parametrize(("kind", "value"), PARAMETERS)
def test_a_parameter_of_each_type_comes_back_as_it_went(
    engine: Engine, kind: str, value: object
) -> None:
    parameter = Parameter("p", SqlType.parse(kind), value)
    (row,) = answers(engine, "SELECT @p AS back, @p IS NULL AS missing", parameter)
    assert row == {"back": value, "missing": value is None}


def test_a_timestamp_of_another_zone_is_the_same_moment(engine: Engine) -> None:
    east = dt.datetime(2020, 1, 1, 5, tzinfo=dt.timezone(dt.timedelta(hours=5)))
    (row,) = answers(engine, "SELECT @p AS back", Parameter("p", SqlType.parse("TIMESTAMP"), east))
    assert row["back"] == east


def test_ten_thousand_identifiers_are_one_parameter(engine: Engine) -> None:
    ids = (*(f"9.{n}" for n in range(9_999)), "1")
    parameter = Parameter("ids", SqlType.parse("ARRAY<STRING>"), ids)
    sql = "SELECT COUNT(*) AS n FROM metadata WHERE StudyInstanceUID IN UNNEST(@ids)"
    assert answers(engine, sql, parameter) == [{"n": 3}]


def test_an_empty_array_matches_nothing(engine: Engine) -> None:
    parameter = Parameter("ids", SqlType.parse("ARRAY<STRING>"), ())
    sql = "SELECT COUNT(*) AS n FROM metadata WHERE StudyInstanceUID IN UNNEST(@ids)"
    assert answers(engine, sql, parameter) == [{"n": 0}]


def test_over_the_limit_nothing_runs(watch: Watch) -> None:
    engine, transport = watch(EngineOptions(maximum_bytes_billed=3))
    wanted = query("SELECT Modality FROM metadata")
    runs: tuple[Callable[[], object], ...] = (
        lambda: engine.estimate(wanted),
        lambda: engine.stage(Staging(wanted)),
        lambda: engine.rows(wanted),
    )
    for run in runs:
        with pytest.raises(CostLimitError, match=r"would scan 20 bytes .* over the limit of 3"):
            run()
    sent = [body for target, body in zip(transport.sent, transport.bodies, strict=True) if body]
    assert [body["configuration"]["dryRun"] for body in sent] == [True] * len(runs)


def test_the_limit_is_of_a_command_and_what_ran_counts(watch: Watch) -> None:
    wanted = query("SELECT Modality FROM metadata")
    engine, transport = watch(EngineOptions(maximum_bytes_billed=50 << 20, command="count"))
    small = 20
    engine.rows(wanted)
    engine._jobs._options = replace(engine._jobs._options, maximum_bytes_billed=2 * small - 1)
    sent = len(transport.sent)
    with pytest.raises(CostLimitError, match=r"20 bytes .* after 20, .* of 39; nothing more ran"):
        engine.rows(wanted)
    assert len(transport.sent) == sent + 1  # the look


def test_several_queries_are_looked_at_together(watch: Watch) -> None:
    wanted = query("SELECT Modality FROM metadata")
    engine, _ = watch(EngineOptions(maximum_bytes_billed=45))
    assert engine.estimate(wanted, wanted).bytes_processed == 40
    with pytest.raises(CostLimitError, match="the 3 queries would scan 60 bytes"):
        engine.estimate(wanted, wanted, wanted)


def test_a_build_by_a_list_says_both_scans_before(uri: str) -> None:
    options = EngineOptions(maximum_bytes_billed=1 << 40)
    with open_engine([uri], options=options) as engine:
        selection = Selection(engine.schema())
        once = plan(engine, selection.where("Modality IN ('CT', 'XX')"), BuildOptions())
        ids = IdList.of("Modality", ["CT", "XX"])
        twice = plan(engine, selection.where_in(ids), BuildOptions())
        column = engine.estimate(query("SELECT Modality FROM metadata")).bytes_processed
    assert once.bytes_processed
    assert twice.bytes_processed == once.bytes_processed + (column or 0)


def test_the_service_keeps_the_limit_too(uri: str) -> None:
    options = EngineOptions(maximum_bytes_billed=1 << 20)  # the smallest bill is 10 MiB
    with (
        open_engine([uri], options=options) as engine,
        pytest.raises(CostLimitError, match="limit for bytes billed") as caught,
    ):
        engine.rows(query("SELECT Modality FROM metadata"))
    assert caught.value.exit_status == 7


def test_jobs_carry_the_limit_and_labels_and_no_value(uri: str, bq_client: bigquery.Client) -> None:
    with open_engine([uri], options=EngineOptions(command="build")) as engine:
        wanted = query(
            "SELECT COUNT(*) AS n FROM metadata WHERE StudyInstanceUID = @p1",
            Parameter("p1", SqlType.parse("STRING"), "secret"),
        )
        (job_id,) = engine.stage(Staging(wanted)).jobs
    job = bq_client.get_job(job_id)
    assert job.labels == {"tool": "dicomfilter", "command": "build"}
    assert job.maximum_bytes_billed == 1 << 40
    assert "secret" not in job.query
    assert job_id.startswith("dicomfilter_")


def test_a_temporary_dataset_holds_the_stage_until_the_engine_is_closed(
    uri: str, dataset: str, bq_client: bigquery.Client
) -> None:
    before = {table.table_id for table in bq_client.list_tables(dataset)}
    with open_engine([uri], options=EngineOptions(temp_dataset=dataset)) as engine:
        staged = engine.stage(Staging(query("SELECT DISTINCT Modality AS m FROM metadata")))
        (made,) = {table.table_id for table in bq_client.list_tables(dataset)} - before
        assert staged.name == f"{dataset}.{made}"
        rows = engine.rows(query("SELECT m FROM stage ORDER BY m"), staged=staged).read_all()
        assert rows["m"].to_pylist() == ["CT", "MR"]
    assert {table.table_id for table in bq_client.list_tables(dataset)} == before
    engine.close()


KILLED = """
import os, sys
from dicomfilter.engines import open_engine
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.googlesql.query import Staging
from tests.engines.test_bigquery import query
engine = open_engine([sys.argv[1]], options=EngineOptions(temp_dataset=sys.argv[2]))
print(engine.stage(Staging(query("SELECT DISTINCT Modality AS m FROM metadata"))).name, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_staged_table_of_a_killed_run_is_dropped_by_the_next_and_said(
    uri: str, dataset: str, bq_client: bigquery.Client, caplog: pytest.LogCaptureFixture
) -> None:
    before = {table.table_id for table in bq_client.list_tables(dataset)}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, uri, dataset],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert killed.returncode == -9
    left = killed.stdout.strip()
    (made,) = {table.table_id for table in bq_client.list_tables(dataset)} - before
    assert left == f"{dataset}.{made}"
    with open_engine([uri], options=EngineOptions(temp_dataset=dataset)) as engine:
        engine.stage(Staging(query("SELECT DISTINCT Modality AS m FROM metadata")))
    assert {table.table_id for table in bq_client.list_tables(dataset)} == before
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"bq://{left} was removed: an earlier run had left it"]


def test_a_staged_table_expires_by_itself(watch: Watch, dataset: str) -> None:
    engine, transport = watch(EngineOptions(temp_dataset=dataset))
    engine.stage(Staging(query("SELECT DISTINCT Modality AS m FROM metadata")))
    made = transport.body("POST .*/tables")
    expires = dt.datetime.fromtimestamp(int(made["expirationTime"]) / 1000, dt.UTC)
    left = expires - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=23) < left < dt.timedelta(hours=25)


@pytest.mark.parametrize("name", ["{}.nothing", "demo.nowhere.metadata"])
def test_an_unknown_table_is_said_by_name(dataset: str, name: str) -> None:
    uri = f"bq://{name.format(dataset)}"
    with open_engine([uri]) as engine:
        for ask in (engine.schema, engine.fingerprint):
            with pytest.raises(TableNotFoundError, match=uri):
                ask()
        with pytest.raises(TableNotFoundError, match=uri):
            engine.rows(query("SELECT 1 AS a FROM metadata"))


def test_an_unknown_temporary_dataset_is_said_by_name(uri: str) -> None:
    with (
        open_engine([uri], options=EngineOptions(temp_dataset="demo.nowhere")) as engine,
        pytest.raises(RemoteNotFoundError, match=r"demo\.nowhere"),
    ):
        engine.stage(Staging(query("SELECT Modality FROM metadata")))


def test_an_unknown_column_is_said_with_the_nearest_one(engine: Engine, uri: str) -> None:
    with pytest.raises(PredicateError, match=f"{uri} has no column Modalitee") as caught:
        engine.estimate(query("SELECT Modalitee FROM metadata"))
    assert caught.value.hint == "did you mean Modality?"


def test_types_that_cannot_be_compared_are_said(engine: Engine) -> None:
    with pytest.raises(PredicateError):
        engine.estimate(query("SELECT 1 AS a FROM metadata WHERE StudyDate = 'yesterday'"))


INSERT = r"POST /bigquery/v2/projects/demo/jobs"


def skip_dry_run(transport: FaultyTransport, fault: Fault) -> None:
    """Set a fault for the second insertion: the first is the dry run."""
    transport.faults = [Fault(fault.fits, afterwards=lambda answer: answer), fault]


def test_a_lost_answer_finds_the_job_that_runs_instead_of_running_another(
    faulty: tuple[BigQueryEngine, FaultyTransport],
) -> None:
    engine, transport = faulty
    skip_dry_run(transport, Fault(INSERT, afterwards=lose))
    assert answers(engine, "SELECT COUNT(*) AS n FROM metadata") == [{"n": len(ROWS)}]
    assert transport.count(INSERT) == 3
    assert transport.count(r"GET /bigquery/v2/projects/demo/jobs/dicomfilter_")


def test_a_job_that_failed_for_a_passing_reason_is_run_anew(
    faulty: tuple[BigQueryEngine, FaultyTransport],
) -> None:
    engine, transport = faulty
    broken = failed_job("backendError", "something went wrong; try again")
    skip_dry_run(transport, Fault(INSERT, afterwards=broken))
    assert answers(engine, "SELECT COUNT(*) AS n FROM metadata") == [{"n": len(ROWS)}]
    assert transport.count(INSERT) == 3


def test_what_is_not_allowed_names_permission_resource_and_remedy(
    faulty: tuple[BigQueryEngine, FaultyTransport],
) -> None:
    engine, transport = faulty
    words = "Access Denied: User does not have bigquery.jobs.create permission in project demo."
    transport.faults = [Fault(INSERT, refusal(403, "accessDenied", words))]
    with pytest.raises(RemotePermissionError, match=r"bigquery\.jobs\.create") as caught:
        engine.estimate(query("SELECT Modality FROM metadata"))
    assert engine.uri in caught.value.message
    assert "gcloud projects add-iam-policy-binding demo" in str(caught.value.hint)
    assert "roles/bigquery.jobUser" in str(caught.value.hint)


def test_an_interrupted_wait_cancels_the_job(
    faulty: tuple[BigQueryEngine, FaultyTransport],
) -> None:
    engine, transport = faulty

    def interrupt(answer: Response) -> Response:
        answer.close()
        raise KeyboardInterrupt

    def goes_on(answer: Response) -> Response:
        answer._content = running_job(answer.content)
        return answer

    skip_dry_run(transport, Fault(INSERT, afterwards=goes_on))
    transport.faults.append(Fault("GET .*/jobs/dicomfilter_", afterwards=interrupt))
    with pytest.raises(KeyboardInterrupt):
        engine.stage(Staging(query("SELECT Modality FROM metadata")))
    assert transport.count("POST .*/cancel") == 1


def test_a_missing_dataset_is_told_from_a_missing_table(uri: str, bq_faults: FaultProxy) -> None:
    words = "Not found: Dataset demo:nowhere"
    bq_faults.add(r"GET .*/tables/", Status(404, words, "notFound"), times=None)
    with open_engine([uri]) as engine, pytest.raises(TableNotFoundError) as caught:
        engine.schema()
    assert caught.value.message == f"BigQuery knows no {uri}: there is no dataset demo.nowhere"


def test_a_table_that_one_may_not_see_names_the_permission(uri: str, bq_faults: FaultProxy) -> None:
    words = "Access Denied: Table demo:t.metadata: Permission bigquery.tables.get denied on table"
    bq_faults.add(r"GET .*/tables/", Status(403, words, "accessDenied"), times=None)
    with open_engine([uri]) as engine, pytest.raises(RemotePermissionError) as caught:
        engine.schema()
    assert "bigquery.tables.get is needed" in caught.value.message
    assert "--role=roles/bigquery.dataViewer" in str(caught.value.hint)


def test_a_job_that_goes_on_is_asked_for_until_it_is_done(
    uri: str, bq_faults: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_FIRST_PAUSE_S", 0.01)
    bq_faults.add(r"POST .*/jobs\?", Edit(running_job), skip=1)
    bq_faults.add(r"GET .*/jobs/dicomfilter_", Edit(running_job), times=3)
    with open_engine([uri]) as engine:
        staged = engine.stage(Staging(query("SELECT DISTINCT Modality AS m FROM metadata")))
    assert staged.bytes_processed
    assert bq_faults.count(r"GET .*/jobs/dicomfilter_") == 4
