"""An answer that nobody reads holds up no other query, in no thread; NaN is found in Parquet."""

from __future__ import annotations

import gc
import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dicomfilter as dcf
from dicomfilter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 50_000
ALL = "SELECT SOPInstanceUID FROM metadata"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("unread") / "metadata.parquet"
    rows = {
        "StudyInstanceUID": ["1.2"] * ROWS,
        "SeriesInstanceUID": ["1.2.3"] * ROWS,
        "SOPInstanceUID": [f"1.2.3.{n}" for n in range(ROWS)],
        "Modality": ["CT", "MR"] * (ROWS // 2),
    }
    pq.write_table(pa.table(rows), made)
    return made


@pytest.fixture
def table(path: Path) -> Iterator[dcf.Table]:
    with dcf.open_table(str(path)) as opened:
        yield opened


def _instances(table: dcf.Table) -> int | None:
    return table.where("Modality = 'CT'").counts().instances


def test_every_call_works_beside_an_unread_answer(table: dcf.Table, tmp_path: Path) -> None:
    unread, begun = table.query(ALL), table.query(ALL)
    batches = begun.to_batches()
    first = next(batches).num_rows
    cohort = table.where("Modality = 'CT'")
    assert cohort.counts().instances == ROWS // 2
    assert len(cohort.to_dataframe(limit=3)) == 3
    assert cohort.to_arrow(limit=3).num_rows == 3
    assert len(cohort.attrition()) == 2
    cohort.write_filter(str(tmp_path / "ct.txt"), level="instance")
    assert (tmp_path / "ct.txt").read_bytes().count(b"\n") == ROWS // 2
    assert table.query(ALL).read_all().num_rows == ROWS
    assert unread.read_all().num_rows == ROWS
    assert first + sum(batch.num_rows for batch in batches) == ROWS


def test_threads_share_a_table(table: dcf.Table) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: _instances(table), range(12))) == {ROWS // 2}


def test_answers_interleave(table: dcf.Table) -> None:
    left, right = table.query(ALL), table.query(ALL)
    found = sum(a.num_rows + b.num_rows for a, b in zip(left, right, strict=True))
    assert found == 2 * ROWS


def test_an_answer_that_is_thrown_away_leaves_nothing(table: dcf.Table) -> None:
    for _ in range(20):
        table.query(ALL)
    gc.collect()
    assert _instances(table) == ROWS // 2


def test_a_closed_table_says_so_to_whoever_still_reads(path: Path) -> None:
    with dcf.open_table(str(path)) as table:
        unread = table.query(ALL)
    with pytest.raises(UsageError, match="is closed"):
        unread.read_all()
    with pytest.raises(UsageError, match="is closed"):
        table.query(ALL)


NUMBERS = ("SliceThickness", "Spacing[SAFE_OFFSET(0)]", "Parts.a", "Small")


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dcf.Table]:
    """Open a Parquet file whose statistics, as in any, know of no NaN."""
    values = [1.0, math.nan, 3.0, -0.0, None]
    made = tmp_path_factory.mktemp("numbers") / "numbers.parquet"
    rows = {
        "StudyInstanceUID": [f"1.{n}" for n in range(len(values))],
        "SeriesInstanceUID": [f"1.{n}.1" for n in range(len(values))],
        "SliceThickness": values,
        "Spacing": [[value] for value in values],
        "Parts": [{"a": value} for value in values],
        "Small": pa.array(values, pa.float32()),
    }
    pq.write_table(pa.table(rows), made)
    with dcf.open_table(str(made)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        ("IS_NAN({})", [1]),
        ("NOT {} <= 5", [1]),
        ("NOT {} < 5", [1]),
        ("NOT {} BETWEEN -5 AND 5", [1]),
        ("{} != 7", [0, 1, 2, 3]),
        ("NOT {} IN (0, 1, 3)", [1]),
        ("{} > 5", []),
        ("{} IS DISTINCT FROM 1 AND {} IS DISTINCT FROM 3", [1, 3, 4]),
        ("CAST({} AS STRING) = 'nan'", [1]),
    ],
)
def test_what_a_parquet_file_says_of_its_numbers_hides_no_nan(
    predicate: str, expected: list[int], numbers: dcf.Table
) -> None:
    for number in NUMBERS:
        where = predicate.replace("{}", number)
        sql = f"SELECT StudyInstanceUID AS u FROM metadata WHERE {where} ORDER BY u"
        assert numbers.query(sql).read_all()["u"].to_pylist() == [f"1.{n}" for n in expected]


def test_nan_wins_over_all_in_a_parquet_file(numbers: dcf.Table) -> None:
    for number in NUMBERS:
        sql = f"SELECT MAX({number}) AS a, MIN({number}) AS b FROM metadata"
        (row,) = numbers.query(sql).read_all().to_pylist()
        assert math.isnan(row["a"])
        assert math.isnan(row["b"])
