from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from google.api_core import exceptions
from google.cloud.bigquery import (
    Dataset,
    LoadJobConfig,
    QueryJobConfig,
    ScalarQueryParameter,
    SchemaField,
)

from tests.localcloud.edits import failed_job, running_job
from tests.localcloud.proxy import Edit, Reset, Status, When

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.cloud import bigquery, storage

    from tests.localcloud.bigquery import BigQueryServer, LoadTable
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.storage import StorageServer

pytestmark = pytest.mark.cloud
LINES = 60


@pytest.fixture
def lines(load_table: LoadTable) -> str:
    rows = [{"line": f"/studies/1.2.{number}"} for number in range(LINES)]
    return load_table("line STRING", *rows).removeprefix("bq://")


def export(uri: str, table: str, options: str = "header=false") -> str:
    return (
        f"EXPORT DATA OPTIONS(uri='{uri}', format='CSV', {options}) AS SELECT line FROM `{table}`"
    )


def shards(client: storage.Client, bucket: str, prefix: str) -> list[bytes]:
    return [blob.download_as_bytes() for blob in client.list_blobs(bucket, prefix=prefix)]


def test_an_export_writes_to_cloud_storage(
    bq_client: bigquery.Client, gcs_client: storage.Client, bucket: str, lines: str
) -> None:
    job = bq_client.query(export(f"gs://{bucket}/run/part-*.csv", lines))
    job.result()
    statistics = job._properties["statistics"]["query"]["exportDataStatistics"]
    assert statistics == {"fileCount": "1", "rowCount": str(LINES)}
    (blob,) = gcs_client.list_blobs(bucket)
    assert blob.name == "run/part-000000000000.csv"
    text = blob.download_as_text()
    assert sorted(text.splitlines()) == sorted(f"/studies/1.2.{n}" for n in range(LINES))
    assert text.endswith("\n")


@pytest.mark.usefixtures("small_shards")
def test_many_small_shards_hold_each_line_once(
    bq_client: bigquery.Client, gcs_client: storage.Client, bucket: str, lines: str
) -> None:
    job = bq_client.query(export(f"gs://{bucket}/part-*", lines))
    job.result()
    parts = shards(gcs_client, bucket, "part-")
    statistics = job._properties["statistics"]["query"]["exportDataStatistics"]
    assert len(parts) == int(statistics["fileCount"]) > 1
    assert all(part.endswith(b"\n") for part in parts)
    assert len(set(b"".join(parts).splitlines())) == LINES


def test_a_header_is_written_only_when_asked_for(
    bq_client: bigquery.Client, gcs_client: storage.Client, bucket: str, lines: str
) -> None:
    for prefix, options in (("with", "header=true"), ("without", "overwrite=false")):
        bq_client.query(export(f"gs://{bucket}/{prefix}-*", lines, options)).result()
    (first,) = shards(gcs_client, bucket, "with-")
    (second,) = shards(gcs_client, bucket, "without-")
    assert first == b"line\n" + second


def test_a_dry_run_of_an_export_writes_nothing(
    bq_client: bigquery.Client, gcs_client: storage.Client, bucket: str, lines: str
) -> None:
    sql = export(f"gs://{bucket}/part-*", lines)
    job = bq_client.query(sql, job_config=QueryJobConfig(dry_run=True))
    assert job.statement_type == "EXPORT_DATA"
    assert job.total_bytes_processed > LINES * len("/studies/1.2.1")
    assert list(gcs_client.list_blobs(bucket)) == []


def test_an_export_does_not_overwrite_unasked(
    bq_client: bigquery.Client, gcs_client: storage.Client, bucket: str, lines: str
) -> None:
    gcs_client.bucket(bucket).blob("part-000000000000").upload_from_string("mine")
    with pytest.raises(exceptions.BadRequest, match="already exists"):
        bq_client.query(export(f"gs://{bucket}/part-*", lines)).result()
    bq_client.query(export(f"gs://{bucket}/part-*", lines, "overwrite=true")).result()
    assert shards(gcs_client, bucket, "part-") != [b"mine"]


def test_an_export_of_nothing_writes_an_empty_shard_or_none(
    bq_set: Callable[..., None],
    bq_client: bigquery.Client,
    gcs_client: storage.Client,
    bucket: str,
    lines: str,
) -> None:
    bq_client.query(export(f"gs://{bucket}/one-*", lines) + " WHERE FALSE").result()
    assert shards(gcs_client, bucket, "one-") == [b""]
    bq_set(writes_empty=False)
    bq_client.query(export(f"gs://{bucket}/none-*", lines) + " WHERE FALSE").result()
    assert shards(gcs_client, bucket, "none-") == []


@pytest.mark.usefixtures("gcs_faults")
def test_a_missing_bucket_and_a_missing_role_are_errors_of_the_job(
    gcs_server: StorageServer,
    bq_client: bigquery.Client,
    bucket: str,
    lines: str,
) -> None:
    with pytest.raises(exceptions.NotFound, match="no-such-bucket"):
        bq_client.query(export("gs://no-such-bucket/part-*", lines)).result()
    gcs_server.services.add("POST /upload/", Status(403, "lacks storage.objects.create"))
    with pytest.raises(exceptions.Forbidden, match=r"lacks storage\.objects\.create"):
        bq_client.query(export(f"gs://{bucket}/part-*", lines)).result()


def test_data_and_bucket_must_be_in_one_place(
    gcs_server: StorageServer, bq_client: bigquery.Client, dataset: str, lines: str
) -> None:
    far, near = gcs_server.make_bucket("EU"), gcs_server.make_bucket("US-EAST1")
    with pytest.raises(exceptions.BadRequest, match="different locations: source: US"):
        bq_client.query(export(f"gs://{far}/part-*", lines)).result()
    bq_client.query(export(f"gs://{near}/part-*", lines)).result()
    elsewhere = Dataset(dataset + "_eu")
    elsewhere.location = "EU"
    bq_client.create_dataset(elsewhere)
    bq_client.query(f"CREATE TABLE `{dataset}_eu.t` AS SELECT '/studies/1' AS line").result()
    bq_client.query(export(f"gs://{far}/part-*", f"{dataset}_eu.t")).result()
    bq_client.delete_dataset(elsewhere, delete_contents=True)


def test_an_export_binds_parameters(
    bq_client: bigquery.Client, gcs_client: storage.Client, bucket: str, lines: str
) -> None:
    chosen = ScalarQueryParameter("line", "STRING", "/studies/1.2.7")
    sql = export(f"gs://{bucket}/part-*", lines) + " WHERE line = @line"
    bq_client.query(sql, job_config=QueryJobConfig(query_parameters=[chosen])).result()
    assert shards(gcs_client, bucket, "part-") == [b"/studies/1.2.7\n"]


@pytest.mark.parametrize("name", ["one.csv", "*.csv", "o*"])
def test_a_table_is_loaded_from_cloud_storage(
    bq_client: bigquery.Client, gcs_client: storage.Client, bucket: str, dataset: str, name: str
) -> None:
    gcs_client.bucket(bucket).blob("in/one.csv").upload_from_string("1\n2\n")
    config = LoadJobConfig(schema=[SchemaField("id", "STRING")], source_format="CSV")
    job = bq_client.load_table_from_uri(
        f"gs://{bucket}/in/{name}", f"{dataset}.ids", job_config=config
    )
    job.result()
    assert sorted(row[0] for row in bq_client.list_rows(f"{dataset}.ids")) == ["1", "2"]


def test_a_csv_file_is_read_as_the_job_says(bq_client: bigquery.Client, dataset: str) -> None:
    fields = [SchemaField("id", "STRING"), SchemaField("n", "INTEGER")]
    config = LoadJobConfig(
        schema=fields, source_format="CSV", skip_leading_rows=1, field_delimiter="\t"
    )
    data = io.BytesIO(b"id\tn\n007\t1\n\t2\nO'Neil, x\t\n")
    bq_client.load_table_from_file(data, f"{dataset}.ids", job_config=config).result()
    rows = {tuple(row) for row in bq_client.list_rows(f"{dataset}.ids")}
    assert rows == {("007", 1), ("", 2), ("O'Neil, x", None)}


def test_a_parquet_file_brings_its_schema(bq_client: bigquery.Client, dataset: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    data = io.BytesIO()
    parquet.write_table(pa.table({"id": ["a", "b"], "n": [1, None]}), data)
    data.seek(0)
    config = LoadJobConfig(source_format="PARQUET")
    bq_client.load_table_from_file(data, f"{dataset}.ids", job_config=config).result()
    assert {tuple(row) for row in bq_client.list_rows(f"{dataset}.ids")} == {("a", 1), ("b", None)}


def test_an_upload_becomes_a_job_of_the_name_that_was_chosen_once(
    bq_client: bigquery.Client, dataset: str
) -> None:
    config = LoadJobConfig(schema=[SchemaField("id", "STRING")], source_format="CSV")

    def load(size: int | None) -> bigquery.LoadJob:
        return bq_client.load_table_from_file(
            io.BytesIO(b"1\n2\n"),
            f"{dataset}.ids",
            size=size,
            job_id=f"load_{dataset[5:]}_{size}",
            job_config=config,
        )

    for size in (4, None):
        load(size).result()
        assert bq_client.get_job(f"load_{dataset[5:]}_{size}").state == "DONE"
        with pytest.raises(exceptions.Conflict):
            load(size)
    assert bq_client.get_table(f"{dataset}.ids").num_rows == 4


@pytest.mark.usefixtures("short_retries")
def test_a_query_whose_answer_is_lost_is_not_run_again(
    bigquery_server: BigQueryServer, bq_faults: FaultProxy, lines: str
) -> None:
    with bigquery_server.client(faulty=True) as client:
        bq_faults.add("POST .*/jobs", Reset(When.AFTER))
        assert (
            len(list(client.query(f"SELECT line FROM `{lines}`", job_retry=None).result())) == LINES
        )
    assert bq_faults.count("POST .*/jobs") == 2
    assert bq_faults.count("POST .*/jobs", 409) == 1


def test_a_job_can_look_as_if_it_ran_still_or_had_failed(
    bigquery_server: BigQueryServer, bq_faults: FaultProxy, lines: str
) -> None:
    sql = f"SELECT line FROM `{lines}`"
    with bigquery_server.client(faulty=True) as client:
        bq_faults.add("POST .*/jobs", Edit(running_job))
        bq_faults.add("GET .*/jobs/", Edit(running_job), times=2)
        job = client.query(sql)
        assert [job.state, job.done(), job.done(), job.done()] == ["RUNNING", False, False, True]
        bq_faults.add("POST .*/jobs", Edit(failed_job("quotaExceeded", "Quota exceeded")))
        with pytest.raises(exceptions.Forbidden, match="Quota exceeded"):
            client.query(sql, job_retry=None).result()


@pytest.mark.filterwarnings(
    "ignore::PendingDeprecationWarning"
)  # of one of Google's clients, to another
def test_the_read_api_refuses_when_told_and_breaks_off_and_goes_on(
    bq_client: bigquery.Client, bq_set: Callable[..., None], lines: str
) -> None:
    import os

    import grpc
    from google.cloud.bigquery_storage_v1 import BigQueryReadClient
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (
        BigQueryReadGrpcTransport,
    )

    with grpc.insecure_channel(os.environ["BIGQUERY_STORAGE_EMULATOR_HOST"]) as channel:
        reader = BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))
        table = bq_client.get_table(lines)
        bq_set(refuse_read="PERMISSION_DENIED")
        with pytest.raises(exceptions.PermissionDenied, match=r"bigquery\.readsessions\.create"):
            bq_client.list_rows(table).to_arrow(bqstorage_client=reader)
        bq_set(break_read=1)
        assert bq_client.list_rows(table).to_arrow(bqstorage_client=reader).num_rows == LINES
