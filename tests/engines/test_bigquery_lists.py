"""Lists of more values than a parameter takes become tables, and are removed again."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.cohorts.attrition import count
from dicomfilter.cohorts.ids.id_lists import IdList
from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines import open_engine
from dicomfilter.engines.bigquery import jobs
from dicomfilter.engines.bigquery.table_names import BigQueryTable
from dicomfilter.engines.bigquery.value_lists import (
    MAXIMUM_VALUES,
    LongLists,
    long_lists,
    shortened,
)
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.errors import ParameterError, RemoteError, RemotePermissionError, UsageError
from dicomfilter.filters.build import build
from dicomfilter.googlesql import to_googlesql
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.schema import SqlType
from tests.engines.test_bigquery import query
from tests.engines.test_bigquery_build import COLUMNS, PLAIN
from tests.localcloud.proxy import FAULTS, Slow, Status

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud import bigquery

    from dicomfilter.cohorts.attrition import Tally
    from tests.localcloud.bigquery import LoadTable
    from tests.localcloud.proxy import FaultProxy

TODAY = date(2026, 11, 21)
MANY = 30_000
TABLE = BigQueryTable("p", "d", "list")
LOAD = r"POST /(resumable/)?upload/bigquery/v2/projects/demo/jobs"


def many(*known: str, count: int = MANY) -> IdList:
    made = [f"9.{number}" for number in range(count - len(known))]
    return IdList.of("StudyInstanceUID", [*made, *known])


def values(count: int = MAXIMUM_VALUES + 1, kind: str = "STRING") -> Parameter:
    held = tuple(f"9.{n}" for n in range(count)) if kind == "STRING" else tuple(range(count))
    return Parameter("ids", SqlType.parse(f"ARRAY<{kind}>"), held)


def names(client: bigquery.Client, dataset: str) -> set[str]:
    return {table.table_id for table in client.list_tables(dataset)}


def tallied(uri: str, ids: IdList, dataset: str | None) -> Tally:
    with open_engine([uri], options=EngineOptions(temp_dataset=dataset)) as engine:
        return count(engine, Selection(engine.schema()).where_in(ids), today=TODAY)


@pytest.mark.cloud
def test_many_identifiers_are_a_table_for_the_time_of_the_run(
    load_table: LoadTable, dataset: str, bq_client: bigquery.Client
) -> None:
    uri = load_table(COLUMNS, *PLAIN)
    before = names(bq_client, dataset)
    with open_engine([uri], options=EngineOptions(temp_dataset=dataset)) as engine:
        selection = Selection(engine.schema()).where_in(many("1", "2"))
        found = count(engine, selection, today=TODAY)
        held = names(bq_client, dataset) - before
        assert count(engine, selection, today=TODAY) == found
        assert names(bq_client, dataset) - before == held  # loaded once
    assert found.counts.studies == 2
    assert len(held) == 1
    assert names(bq_client, dataset) == before


@pytest.mark.cloud
def test_a_build_of_many_identifiers_gives_the_lines_and_what_matched_nothing(
    load_table: LoadTable, dataset: str, bq_client: bigquery.Client, tmp_path: Path
) -> None:
    uri = load_table(COLUMNS, *PLAIN)
    before = names(bq_client, dataset)
    with open_engine([uri], options=EngineOptions(temp_dataset=dataset)) as engine:
        selection = Selection(engine.schema()).where_in(many("2", "3"))
        built = build(engine, selection, str(tmp_path / "f.txt"))
    lines = sorted((tmp_path / "f.txt").read_text().splitlines())
    assert [line.split("/")[2] for line in lines] == ["2", "3", "3"]
    assert built.manifest.unmatched == MANY - 2
    assert names(bq_client, dataset) == before


@pytest.mark.cloud
def test_without_a_temporary_dataset_it_is_said_before_anything_runs(
    load_table: LoadTable, tmp_path: Path
) -> None:
    uri = load_table(COLUMNS, *PLAIN)
    with open_engine([uri]) as engine:
        selection = Selection(engine.schema()).where_in(many("2"))
        with pytest.raises(UsageError, match="30,000 values, and BigQuery takes 10,000") as caught:
            build(engine, selection, str(tmp_path / "f.txt"))
    assert "--temp-dataset" in str(caught.value.hint)
    assert "9.17" not in caught.value.message
    assert not list(tmp_path.iterdir())


@pytest.mark.cloud
def test_a_look_loads_nothing(
    load_table: LoadTable, dataset: str, bq_client: bigquery.Client
) -> None:
    uri = load_table(COLUMNS, *PLAIN)
    before = names(bq_client, dataset)
    with open_engine([uri], options=EngineOptions(temp_dataset=dataset)) as engine:
        sql = "SELECT COUNT(*) AS n FROM metadata WHERE StudyInstanceUID IN UNNEST(@ids)"
        assert engine.estimate(query(sql, values())).bytes_processed
        assert names(bq_client, dataset) == before


@pytest.mark.cloud
def test_whole_numbers_are_a_table_too(load_table: LoadTable, dataset: str) -> None:
    uri = load_table(COLUMNS, *PLAIN)
    with open_engine([uri], options=EngineOptions(temp_dataset=dataset)) as engine:
        sql = "SELECT COUNT(*) AS n FROM metadata WHERE BlobStorageSize IN UNNEST(@ids)"
        found = engine.rows(query(sql, values(kind="INT64"))).read_all().to_pylist()
    assert found == [{"n": len(PLAIN) - 1}]


@pytest.mark.cloud
def test_what_is_not_allowed_names_the_dataset_and_the_command(
    load_table: LoadTable, dataset: str, bq_faults: FaultProxy
) -> None:
    uri = load_table(COLUMNS, *PLAIN)
    bq_faults.add(r"POST .*/tables", Status(403, "Access Denied: Dataset", "accessDenied"))
    with pytest.raises(RemotePermissionError, match=r"bigquery\.tables\.create") as caught:
        tallied(uri, many("1"), dataset)
    assert dataset in caught.value.message
    assert "roles/bigquery.dataEditor" in str(caught.value.hint)


@pytest.mark.cloud
@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_of_the_load_is_recovered_from_or_told(
    load_table: LoadTable,
    dataset: str,
    bq_client: bigquery.Client,
    bq_faults: FaultProxy,
    *,
    short_retries: None,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    assert short_retries is None
    monkeypatch.setattr(jobs, "REQUEST_TIMEOUT_S", 2.0)
    uri = load_table(COLUMNS, *PLAIN)
    before = names(bq_client, dataset)
    rule = bq_faults.add(LOAD, Slow(0.1) if kind == "slow" else FAULTS[kind])
    found: Any = None
    try:
        found = tallied(uri, many("1", "2", count=MAXIMUM_VALUES + 1), dataset)
    except RemoteError:
        assert kind in {"corrupted", "truncated", "reset after"}
    assert rule.hits == 1
    assert found is None or found.counts.studies == 2
    assert names(bq_client, dataset) == before


def lists() -> tuple[LongLists, list[bytes]]:
    loaded: list[bytes] = []

    def load(content: bytes, _of: SqlType) -> BigQueryTable:
        loaded.append(content)
        return TABLE

    return LongLists(load), loaded


def test_a_search_in_a_long_list_asks_a_table() -> None:
    placing, loaded = lists()
    asked = query("SELECT 1 AS a FROM metadata WHERE NOT PatientID IN UNNEST(@ids)", values())
    for _ in range(2):
        placed = placing.placed(asked)
        assert to_googlesql(placed.tree) == (
            "SELECT 1 AS a FROM metadata WHERE NOT PatientID IN (SELECT value FROM `p`.`d`.`list`)"
        )
        assert placed.parameters == ()
    assert len(loaded) == 1
    assert loaded[0].startswith(b"PAR1")
    assert "UNNEST" in to_googlesql(asked.tree)


@pytest.mark.parametrize(
    ("sql", "parameter"),
    [
        ("SELECT 1 AS a FROM metadata WHERE PatientID IN UNNEST(@ids)", values(MAXIMUM_VALUES)),
        ("SELECT ARRAY_LENGTH(@ids) AS a", values()),
        ("SELECT 'x' IN UNNEST(@ids) AS a, ARRAY_LENGTH(@ids) AS b", values()),
        ("SELECT 1.5 IN UNNEST(@ids) AS a", Parameter("ids", SqlType.parse("ARRAY<FLOAT64>"), ())),
    ],
    ids=["ten thousand", "no search", "not only searches", "empty"],
)
def test_other_parameters_stay_parameters(sql: str, parameter: Parameter) -> None:
    placing, loaded = lists()
    asked = query(sql, parameter)
    assert long_lists(asked) == {}
    assert placing.placed(asked) is asked
    assert shortened(asked).parameters == asked.parameters
    assert not loaded


def test_a_null_in_a_long_list_is_refused() -> None:
    placing, _ = lists()
    held = (*(str(n) for n in range(MAXIMUM_VALUES)), None)
    parameter = Parameter("ids", SqlType.parse("ARRAY<STRING>"), held)
    with pytest.raises(ParameterError, match="holds a NULL"):
        placing.placed(query("SELECT 'a' IN UNNEST(@ids) AS a", parameter))
