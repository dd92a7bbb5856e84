"""Analysts' queries over real rows: some hundreds of the series of NCI Imaging Data Commons."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from dicomfilter.engines import open_engine
from dicomfilter.googlesql import check_query
from dicomfilter.googlesql.query import METADATA, Query
from tests.googlesql.dicom import GOLDEN, Result, Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dicomfilter.engines.protocol import Engine
    from tests.googlesql.oracle import Oracle

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("real rows"),  # which are taken out of a million once
]

QUERIES = [
    line
    for line in (GOLDEN / "idc_queries.sql").read_text(encoding="utf-8").splitlines()
    if not line.startswith("--")
]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take every 2,000th series or so: those whose random identifier ends alike."""
    import pyarrow.parquet as pq

    path = tmp_path_factory.mktemp("idc") / "sample.parquet"
    condition = "ENDS_WITH(crdc_series_uuid, '7f3') OR ENDS_WITH(crdc_series_uuid, '0a1')"
    with open_engine(["idc"]) as engine:
        pq.write_table(fetch(engine, f"SELECT * FROM metadata WHERE {condition}"), path)
    return path


@pytest.fixture(scope="module")
def engine(sample: Path) -> Iterator[Engine]:
    with open_engine([str(sample)]) as opened:
        yield opened


@pytest.fixture(scope="module")
def evaluator(engine: Engine) -> Iterator[Oracle]:
    from tests.googlesql.oracle import oracle

    rows = list(zip(*fetch(engine, "SELECT * FROM metadata").to_pydict().values(), strict=True))
    with oracle().holding({METADATA: Table(engine.schema(), list(map(list, rows)))}) as holding:
        yield holding


def fetch(engine: Engine, sql: str):
    checked = check_query(sql, {METADATA: engine.schema()})
    return engine.rows(Query(checked.tree, checked.parameters)).read_all()


def answer(engine: Engine, sql: str) -> Result:
    checked = check_query(sql, {METADATA: engine.schema()})
    found = engine.rows(Query(checked.tree, checked.parameters)).read_all()
    rows = list(zip(*(column.to_pylist() for column in found.columns), strict=True))
    columns = [(column.name, str(column.type)) for column in checked.schema]
    return Result(columns, rows, ordered=checked.tree.args.get("order") is not None)


def test_the_sample_is_read_with_the_types_of_the_index(engine: Engine) -> None:
    with open_engine(["idc"]) as whole:
        assert engine.schema() == whole.schema()


def test_real_rows_are_selected_as_google_selects_them(engine: Engine, evaluator: Oracle) -> None:
    from tests.googlesql.differential import UNFORGIVABLE, Verdict, weigh

    counted: Counter[Verdict] = Counter()
    for sql in QUERIES:
        found = weigh(sql, evaluator.ask(sql), lambda sql=sql: answer(engine, sql))
        assert found.verdict not in (*UNFORGIVABLE, Verdict.FAILED, Verdict.UNKNOWN), found
        counted[found.verdict] += 1
    assert counted[Verdict.SAME] >= 60
    assert counted[Verdict.REFUSED] <= 0.06 * len(QUERIES)


def test_enough_rows_are_asked_about(engine: Engine) -> None:
    assert 400 < fetch(engine, "SELECT PatientID FROM metadata").num_rows < 700
    assert len(QUERIES) > 60
