"""Each file of ``sql/`` is GoogleSQL that a person can paste, and says what it needs."""

from __future__ import annotations

import datetime as dt
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from dicomfilter.cohorts.named_queries import NamedQuery, find_query, named_queries, run_query
from dicomfilter.engines import open_engine
from dicomfilter.errors import ParameterError, TableError, UsageError
from dicomfilter.googlesql import check_query
from dicomfilter.googlesql.query import METADATA
from dicomfilter.googlesql.types.parameters import Parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path(__file__).parents[1] / "sql"
FILES = sorted(FOLDER.glob("*.sql"))
VALUES = {"n": 10, "modality": "CT", "patient_id": "P1"}
COLUMNS = {
    "PatientID": pa.string(),
    "StudyInstanceUID": pa.string(),
    "SeriesInstanceUID": pa.string(),
    "SOPInstanceUID": pa.string(),
    "StudyDate": pa.date32(),
    "Modality": pa.string(),
    "BodyPartExamined": pa.string(),
    "DroppedTags": pa.list_(pa.struct({"TagName": pa.string()})),
    "OtherElements": pa.list_(pa.struct({"Tag": pa.string(), "Data": pa.list_(pa.string())})),
    "LastUpdated": pa.timestamp("us", tz="UTC"),
    "Type": pa.string(),
}
STATIC = tuple(name for name in COLUMNS if name not in {"LastUpdated", "Type"})

TODAY = date(2026, 11, 21)


def row(uids: str, *, modality: str = "CT", **more: object) -> dict[str, Any]:
    """Make a row from ``patient/study/series/instance``."""
    patient, study, series, sop = uids.split("/")
    made: dict[str, Any] = {
        "PatientID": patient,
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "SOPInstanceUID": sop,
        "StudyDate": dt.date(2020, 1, int(study)),
        "Modality": modality,
        "BodyPartExamined": "CHEST",
        "DroppedTags": [{"TagName": "PixelData"}],
        "OtherElements": [{"Tag": "Tag_00091001", "Data": ["x", "y"]}],
        "LastUpdated": dt.datetime(2021, 1, 1, tzinfo=dt.UTC),
        "Type": "CREATE",
    }
    return made | more


ROWS = (
    row("P1/1/11/111"),
    row("P1/1/11/112", DroppedTags=[{"TagName": "PixelData"}, {"TagName": "AudioSampleData"}]),
    row("P1/1/12/121", modality="MR", OtherElements=[], BodyPartExamined=None),
    row("P2/2/21/211", DroppedTags=[], StudyDate=dt.date(2020, 1, 2)),
    row("P3/3/31/311", modality="US", StudyDate=None),
)
LATER = dt.datetime(2022, 1, 1, tzinfo=dt.UTC)
STREAMED = (
    *ROWS,
    row("P2/2/21/211", LastUpdated=LATER, Type="DELETE"),
    row("P1/1/11/112", LastUpdated=LATER, DroppedTags=[], OtherElements=[]),
)
ANSWERS: dict[str, list[tuple[object, ...]]] = {
    "dropped-tags": [("PixelData", 4), ("AudioSampleData", 1)],
    "filter-paths": [
        ("/studies/1/series/11/instances/111",),
        ("/studies/1/series/11/instances/112",),
        ("/studies/2/series/21/instances/211",),
    ],
    "modalities": [
        ("CT", "CHEST", 2, 2, 2),
        ("MR", None, 1, 1, 1),
        ("US", "CHEST", 1, 1, 1),
    ],
    "patient": [
        ("/dicomWeb/studies/1/series/11",),
        ("/dicomWeb/studies/1/series/12",),
    ],
    "private-elements": [("Tag_00091001", 4)],
    "recent-studies": [
        (dt.date(2020, 1, 2), "P2", "2", 1),
        (dt.date(2020, 1, 1), "P1", "1", 2),
    ],
    "study-instances": [("1", 2, 3), ("2", 1, 1), ("3", 1, 1)],
}
"""What each query says of ``ROWS``; latest-versions needs the columns that these lack."""
STREAMED_ANSWERS: dict[str, list[tuple[object, ...]]] = {
    "dropped-tags": [("PixelData", 3)],
    "filter-paths": ANSWERS["filter-paths"][:2],
    "latest-versions": [
        ("1", "11", "111", dt.datetime(2021, 1, 1, tzinfo=dt.UTC), "CREATE"),
        ("1", "11", "112", LATER, "CREATE"),
        ("1", "12", "121", dt.datetime(2021, 1, 1, tzinfo=dt.UTC), "CREATE"),
        ("3", "31", "311", dt.datetime(2021, 1, 1, tzinfo=dt.UTC), "CREATE"),
    ],
    "modalities": [
        ("CT", "CHEST", 1, 1, 1),
        ("MR", None, 1, 1, 1),
        ("US", "CHEST", 1, 1, 1),
    ],
    "patient": ANSWERS["patient"],
    "private-elements": [("Tag_00091001", 2)],
    "recent-studies": [(dt.date(2020, 1, 1), "P1", "1", 2)],
    "study-instances": [("1", 2, 3), ("3", 1, 1)],
}


def write(path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    schema = pa.schema({name: COLUMNS[name] for name in columns})
    kept = [{name: each[name] for name in columns} for each in rows]
    parquet.write_table(pa.Table.from_pylist(kept, schema=schema), path)
    return str(path)


def values(query: NamedQuery) -> list[Parameter]:
    return [Parameter(name, of, VALUES[name]) for name, of in query.parameters]


def answer(uri: str, query: NamedQuery) -> list[tuple[object, ...]]:
    with open_engine([uri]) as engine:
        rows = run_query(engine, query, parameters=values(query), today=TODAY).read_all()
    return [tuple(each.values()) for each in rows.to_pylist()]


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("sql") / "static.parquet", ROWS, STATIC)


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("sql") / "streamed.parquet", STREAMED, list(COLUMNS))


def test_there_are_eight_and_each_is_a_file() -> None:
    assert len(FILES) == len(named_queries()) == 8
    assert [q.name.replace("-", "_") for q in named_queries()] == [path.stem for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_head_is_four_comment_lines_in_order(path: Path) -> None:
    lines = path.read_text().splitlines()
    heads = [re.match(r"-- (\w+): \S", line) for line in lines]
    assert [h[1] for h in heads if h] == ["name", "about", "parameters", "requires"]
    assert all(heads[:4])
    assert lines[4].startswith("SELECT")
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("query", named_queries(), ids=lambda query: query.name)
def test_a_head_names_every_column_and_parameter_that_the_query_has(
    query: NamedQuery, streamed: str
) -> None:
    body = query.sql.split("SELECT", maxsplit=1)[1]
    assert set(re.findall(r"@(\w+)", body)) == {name for name, _ in query.parameters}
    with open_engine([streamed]) as engine:
        schema = engine.schema()
    needed = type(schema)(tuple(c for c in schema if c.name in query.requires))
    assert len(needed.columns) == len(query.requires)
    checked = check_query(query.sql, {METADATA: needed}, parameters=values(query))
    assert checked.schema.columns
    for name in query.requires:
        assert re.search(rf"\b{name}\b", body), f"{name} is required and not read"


@pytest.mark.parametrize("query", named_queries(), ids=lambda query: query.name)
def test_a_query_says_how_its_rows_are_ordered(query: NamedQuery) -> None:
    assert "\nORDER BY " in query.sql


@pytest.mark.parametrize("name", ANSWERS)
def test_a_query_answers_over_a_table_that_is_written_once(name: str, static: str) -> None:
    assert answer(static, find_query(name)) == ANSWERS[name]


@pytest.mark.parametrize("name", STREAMED_ANSWERS)
def test_a_query_sees_the_current_state_of_a_streamed_table(name: str, streamed: str) -> None:
    assert answer(streamed, find_query(name)) == STREAMED_ANSWERS[name]


@pytest.mark.parametrize("query", named_queries(), ids=lambda query: query.name)
def test_a_table_that_lacks_columns_is_answered_with_their_names(
    query: NamedQuery, tmp_path: Path
) -> None:
    uids = [n for n in COLUMNS if n.endswith("UID")]
    uri = write(tmp_path / "uids.parquet", ROWS, uids[:2])
    lacking = [name for name in query.requires if name not in uids[:2]]
    with pytest.raises(TableError) as caught:
        answer(uri, query)
    assert f"needs {', '.join(lacking)}," in str(caught.value)
    assert "dicomfilter columns" in (caught.value.hint or "")


def test_a_missing_or_ill_typed_or_unused_value_is_said(static: str) -> None:
    query = find_query("recent-studies")
    with open_engine([static]) as engine:
        with pytest.raises(ParameterError, match="needs @n") as caught:
            run_query(engine, query, today=TODAY)
        assert caught.value.hint == "add --param n:INT64:VALUE"
        with pytest.raises(ParameterError, match="is INT64, not STRING"):
            run_query(engine, query, parameters=[Parameter.of("n", "10")], today=TODAY)
        both = [Parameter.of("n", 10), Parameter.of("more", 1)]
        with pytest.raises(ParameterError, match="more"):
            run_query(engine, query, parameters=both, today=TODAY)


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        find_query("recent-study")
    assert caught.value.hint == "did you mean recent-studies?"


def test_a_file_without_a_head_is_refused() -> None:
    with pytest.raises(UsageError, match="begins with its name"):
        NamedQuery.parse("SELECT 1")
