"""The GoogleSQL of all jobs of a build to Cloud Storage, as it is sent: one scan of the table."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines.bigquery.engine import BigQueryEngine
from dicomfilter.engines.bigquery.table_names import BigQueryTable
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.filters.build import BuildOptions, build
from tests.engines.test_bigquery_build import COLUMNS, PLAIN, VERSIONED, VERSIONS
from tests.engines.test_bigquery_json import COLUMNS as JSON_COLUMNS
from tests.engines.test_bigquery_json import TAGS
from tests.engines.test_bigquery_json import rows as json_rows
from tests.localcloud.faults import into

if TYPE_CHECKING:
    from tests.localcloud.bigquery import BigQueryServer, LoadTable

pytestmark = pytest.mark.cloud
GOLDEN = Path(__file__).parents[1] / "golden" / "bigquery"
TABLES: dict[str, tuple[str, Any]] = {
    "build": (COLUMNS, PLAIN),
    "build_streamed": (COLUMNS + VERSIONS, VERSIONED),
    "build_json": (JSON_COLUMNS, json_rows(TAGS)),
}


def jobs_of_a_build(
    server: BigQueryServer, uri: str, dataset: str, bucket: str, *ids: str
) -> list[tuple[str, str]]:
    """Build, and list the jobs that were inserted: looked at or run, and what was sent."""
    client = server.client()
    options = EngineOptions(temp_dataset=dataset)
    with BigQueryEngine(BigQueryTable.parse(uri), options, client) as engine:
        transport = into(client)
        selection = Selection(engine.schema()).where("Modality = 'CT'")
        if ids:
            selection = selection.where_in(IdList.of("PatientID", ids))
        chosen = BuildOptions(today=date(2026, 11, 21))
        build(engine, selection, f"gs://{bucket}/filters/ct.txt", options=chosen)
    sent = zip(transport.sent, transport.bodies, strict=True)
    bodies = [body["configuration"] for line, body in sent if re.match(r"POST .*/jobs\?", line)]
    return [("look" if b.get("dryRun") else "run", b["query"]["query"]) for b in bodies]


def fixed(sql: str, dataset: str, bucket: str) -> str:
    """Put fixed names in place of those that are new in every run."""
    text = sql.replace(dataset.partition(".")[2], "dataset").replace(bucket, "bucket")
    text = re.sub(r"dicomfilter[_-][0-9a-f]{32}", "stage", text)
    return re.sub(r"gs://bucket/[^'*]*\*", "gs://bucket/shards/*", text)


@pytest.mark.parametrize("name", TABLES)
def test_the_sql_of_a_build_is_the_golden_one_and_scans_the_table_once(
    bigquery_server: BigQueryServer, load_table: LoadTable, dataset: str, bucket: str, name: str
) -> None:
    columns, rows = TABLES[name]
    uri = load_table(columns, *rows)
    jobs = [
        (kind, fixed(sql, dataset, bucket))
        for kind, sql in jobs_of_a_build(bigquery_server, uri, dataset, bucket)
    ]
    looked = [sql for kind, sql in jobs if kind == "look"]
    ran = [sql for kind, sql in jobs if kind == "run"]
    assert len([sql for sql in ran if "`metadata`" in sql]) == 1
    assert ran[0].count("FROM `demo`.`dataset`.`metadata`") == 1
    assert all("FROM `demo`.`dataset`.`stage`" in sql for sql in ran[1:])
    assert ran[-1].startswith("EXPORT DATA OPTIONS")
    assert "header=FALSE" in ran[-1]
    assert set(ran[:-1]) <= set(looked)
    assert ran[-1].partition(" AS ")[2] in looked
    assert "'CT'" not in "".join(ran)
    names = ["stage", "counts", *(f"irregular {n + 1}" for n in range(len(ran) - 4))]
    named = zip([*names, "size", "export"], ran, strict=True)
    text = "\n\n".join(f"-- {job}\n{sql}" for job, sql in named) + "\n"
    golden = GOLDEN / f"{name}.sql"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()
