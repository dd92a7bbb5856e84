"""The embedded engine: what it runs is locked in, exact, and fails in words of ours."""

from __future__ import annotations

import datetime as dt
import os
import re
import tempfile
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from pyarrow import parquet

from dicomfilter.cohorts.cover import Cover
from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines import open_engine
from dicomfilter.engines.duckdb.engine import DuckDbEngine, open_duckdb
from dicomfilter.engines.protocol import EngineOptions, Estimate
from dicomfilter.errors import (
    DicomFilterError,
    PredicateError,
    TableError,
    TableNotFoundError,
    UnprovedError,
    UsageError,
)
from dicomfilter.googlesql.query import Query
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.paths import Level
from tests import made
from tests.reference import is_usable, key, line
from tests.tables import INSTANCES, STREAMED, instance, write

if TYPE_CHECKING:
    from collections.abc import Iterator

TODAY = date(2026, 11, 21)
ROWS = [instance("1", "1.1", "1.1.1"), instance("1", "1.1", "1.1.2", "MR")]
OPTIONS = EngineOptions()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return write(tmp_path / "metadata.parquet", INSTANCES, ROWS)


@pytest.fixture
def engine(path: str) -> Iterator[DuckDbEngine]:
    with open_duckdb([path], options=OPTIONS) as opened:
        yield opened


def query(sql: str, *parameters: Parameter) -> Query:
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(sql, dialect="bigquery")
    assert isinstance(tree, exp.Query)
    return Query(tree, parameters)


def answers(engine: DuckDbEngine, sql: str, *parameters: Parameter) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = engine.rows(query(sql, *parameters)).read_all().to_pylist()
    return found


# The session is locked in


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_csv('{secret}')",
        "FROM '{secret}'",
        "FROM read_text('{secret}')",
        "FROM glob('{folder}/*')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "ATTACH '{folder}/other.duckdb'",
        "EXPORT DATABASE '{folder}/all'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "FROM read_parquet('https://127.0.0.1:9/x.parquet')",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET allowed_paths = ['{secret}']",
        "SET TimeZone = 'Europe/Berlin'",
        "SET temp_directory = '{folder}'",
        "RESET enable_external_access",
    ],
)
def test_a_session_reaches_nothing_but_its_table(
    engine: DuckDbEngine, tmp_path: Path, sql: str
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nb\n")
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(duckdb.Error):
        engine.connection.execute(sql.format(secret=secret, folder=tmp_path)).fetchall()
    assert sorted(p.name for p in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM `/etc/passwd`",
        "SELECT * FROM source",
        "SELECT a FROM information_schema.tables",
        "SELECT READ_TEXT('/etc/passwd') AS a FROM metadata",
        "SELECT GETENV('PATH') AS a FROM metadata",
        "SELECT CURRENT_SETTING('threads') AS a FROM metadata",
    ],
)
def test_a_query_names_only_its_table_and_known_functions(engine: DuckDbEngine, sql: str) -> None:
    with pytest.raises(PredicateError):
        answers(engine, sql)


def test_a_session_is_in_utc_whatever_the_machine_is_in(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with open_duckdb([path], options=OPTIONS) as engine:
        (zone,) = engine.connection.execute("SELECT current_setting('TimeZone')").fetchall()[0]
    assert zone == "UTC"


# Opening and closing


def test_an_engine_leaves_no_folder_behind(
    path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "spill"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with open_duckdb([path], options=OPTIONS) as engine:
        assert Path(engine.spill.path).parent == folder
    assert list(folder.iterdir()) == []
    engine.close()
    for names in (["no.parquet"], [__file__.replace(".py", ".parquet")]):
        with pytest.raises(TableNotFoundError):
            open_duckdb(names, options=OPTIONS)
    (tmp_path / "bad.parquet").write_text("no Parquet at all")
    with pytest.raises(TableError):
        open_duckdb([str(tmp_path / "bad.parquet")], options=OPTIONS)
    assert list(folder.iterdir()) == []


def test_a_closed_table_says_so(path: str) -> None:
    engine = open_duckdb([path], options=OPTIONS)
    engine.close()
    with pytest.raises(UsageError, match=r"metadata\.parquet is closed") as caught:
        answers(engine, "SELECT Modality FROM metadata")
    assert caught.value.hint == "open the table again"


@pytest.mark.parametrize(
    "limit", ["-1", "80%", "lots", "4", "GB", "4GB; SET x = 1", "٤GB", "4GB\n", ""]
)
def test_a_memory_limit_is_an_amount_of_memory(path: str, limit: str) -> None:
    with pytest.raises(UsageError, match="is not an amount of memory") as caught:
        open_duckdb([path], options=EngineOptions(memory_limit=limit))
    assert caught.value.hint == "write 4GB"


@pytest.mark.parametrize(
    ("limit", "shown"), [("512MB", "488.2 MiB"), ("1 GiB", "1.0 GiB"), ("1.5gb", "1.3 GiB")]
)
def test_a_memory_limit_is_kept(path: str, limit: str, shown: str) -> None:
    with open_duckdb([path], options=EngineOptions(memory_limit=limit)) as engine:
        (kept,) = engine.connection.execute("SELECT current_setting('memory_limit')").fetchall()[0]
    assert kept == shown


def test_too_little_memory_is_said_without_a_traceback(tmp_path: Path) -> None:
    wide = pa.table(
        {
            "StudyInstanceUID": [f"1.{n}" for n in range(400_000)],
            "SeriesInstanceUID": [f"{n}" * 9 for n in range(400_000)],
        }
    )
    parquet.write_table(wide, tmp_path / "wide.parquet")
    options = EngineOptions(memory_limit="9MB")
    with (
        open_duckdb([str(tmp_path / "wide.parquet")], options=options) as engine,
        pytest.raises(DicomFilterError, match="does not fit into the memory") as caught,
    ):
        answers(engine, "SELECT SeriesInstanceUID FROM metadata ORDER BY SeriesInstanceUID")
    assert "--memory-limit" in str(caught.value.hint)


# Queries


def test_values_are_bound_with_their_types(engine: DuckDbEngine) -> None:
    values = {
        "s": "it's $1 @p1",
        "i": 2**63 - 1,
        "f": 0.1,
        "b": True,
        "y": b"\x00\xff",
        "n": Decimal("1.5"),
        "d": date(2021, 1, 31),
        "t": dt.time(8, 30, 0, 1),
        "dt": dt.datetime(2021, 1, 31, 8, 30, tzinfo=dt.UTC).replace(tzinfo=None),
        "ts": dt.datetime(2021, 1, 31, 8, 30, tzinfo=dt.UTC),
        "l": ["a", "b"],
        "none": [],
    }
    names = ", ".join(f"@{name} AS {name}" for name in values)
    parameters = [Parameter.of(name, value) for name, value in values.items()]
    (row,) = answers(engine, f"SELECT {names} FROM metadata WHERE Modality = 'MR'", *parameters)
    assert row == values


def test_an_answer_streams_in_batches(tmp_path: Path) -> None:
    wide = pa.table(
        {
            name: [str(n) for n in range(120_000)]
            for name in ("StudyInstanceUID", "SeriesInstanceUID")
        }
    )
    parquet.write_table(wide, tmp_path / "wide.parquet")
    with open_duckdb([str(tmp_path / "wide.parquet")], options=OPTIONS) as engine:
        reader = engine.rows(query("SELECT StudyInstanceUID FROM metadata"))
        sizes = [batch.num_rows for batch in reader]
    assert sum(sizes) == 120_000
    assert len(sizes) > 1
    assert max(sizes) <= 60_000


def test_an_order_is_bigquerys(tmp_path: Path) -> None:
    rows = [instance(str(n), "1.1", "1.1.1", m) for n, m in enumerate(["b", None, "B", "a"])]
    with open_duckdb([write(tmp_path / "t.parquet", INSTANCES, rows)], options=OPTIONS) as engine:
        for order, wanted in (("", [None, "B", "a", "b"]), (" DESC", ["b", "a", "B", None])):
            found = answers(engine, f"SELECT Modality FROM metadata ORDER BY Modality{order}")
            assert [row["Modality"] for row in found] == wanted


def test_a_value_that_cannot_be_converted_is_said_without_the_value(engine: DuckDbEngine) -> None:
    for sql in (
        "SELECT CAST(PatientID AS INT64) AS a FROM metadata",
        "SELECT BlobStorageSize AS a FROM metadata WHERE CAST(PatientID AS INT64) = 1",
    ):
        with pytest.raises(UsageError, match="a value cannot be converted") as caught:
            answers(engine, sql)
        assert "patient-1" not in str(caught.value)
        assert "SAFE_CAST" in str(caught.value.hint)


def test_a_file_that_breaks_while_it_is_read_is_said(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", INSTANCES, ROWS * 10)
    with open_duckdb([path], options=OPTIONS) as engine:
        os.truncate(path, 300)
        with pytest.raises(TableError, match=r"t\.parquet cannot be read"):
            answers(engine, "SELECT Modality FROM metadata")


def test_a_query_costs_nothing_that_could_be_told(engine: DuckDbEngine, path: str) -> None:
    assert engine.estimate(query("SELECT Modality FROM metadata")) == Estimate(None, (path,))
    with pytest.raises(PredicateError, match="Unrecognized name: Modalitee"):
        engine.estimate(query("SELECT Modalitee FROM metadata"))


def test_the_text_of_a_query_is_duckdbs(engine: DuckDbEngine) -> None:
    text = engine.text(
        query("SELECT `Modality` FROM metadata WHERE PatientID = @id", Parameter.of("id", "x"))
    )
    assert '"Modality"' in text
    assert "$id" in text
    assert engine.connection.execute(text, {"id": "patient-1"}).fetchall() == [("CT",), ("MR",)]


def test_texts_that_are_no_values_of_their_type_are_counted(tmp_path: Path) -> None:
    table = {
        "StudyInstanceUID": ["1", "2", "3", "4"],
        "StudyDate": ["2020-01-01", "20200102", "never", None],
        "Rows": ["1", "x", "y", ""],
        "Modality": ["CT", "", None, "never"],
    }
    parquet.write_table(pa.table(table), tmp_path / "t.parquet")
    with open_duckdb([str(tmp_path / "t.parquet")], options=OPTIONS) as engine:
        assert engine.unparsed(["StudyDate"]) == {"StudyDate": 1}
        assert engine.unparsed(["studydate", "ROWS"]) == {"StudyDate": 1, "Rows": 3}
        assert engine.unparsed(["Modality", "Nope"]) == {}
        assert engine.unparsed([]) == {}


# Staging: the shortcut is the long way, or is not taken


def lines(engine: DuckDbEngine, cover: Cover, *, presume: bool) -> Counter[str]:
    staged = engine.stage(cover.staging, presume=presume)
    found = engine.lines(cover.lines, staged=staged).read_all()["line"].to_pylist()
    return Counter(found)


@settings(max_examples=30, deadline=None)
@given(rows=made.rows())
def test_what_is_presumed_of_a_stage_is_true_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]
) -> None:
    path = write(tmp_path_factory.mktemp("t") / "t.parquet", INSTANCES, rows)
    usable = [key(row) for row in rows if is_usable(key(row))]
    with open_duckdb([path], options=OPTIONS) as engine:
        cover = Cover(Selection(engine.schema()), Level.INSTANCE, False, TODAY)
        right = lines(engine, cover, presume=False)
        try:
            presumed = lines(engine, cover, presume=True)
        except UnprovedError:
            presumed = None
    assert right == Counter({line(*uids) + "\n" for uids in usable})
    assert presumed in (None, right)
    if len(set(usable)) < len(rows):
        assert presumed is None, "a doubled or unusable row was let through"
    else:
        assert presumed == right, "a clean table went the long way"


@pytest.mark.parametrize(
    "uid", ["1..2", ".1", "1.", "01.2", "1.02", "1" * 65, "1/2", "1\n", "", "x", None, "1 ", "１"]
)
@pytest.mark.parametrize("column", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_a_uid_that_needs_a_look_is_never_presumed(
    tmp_path: Path, column: str, uid: str | None
) -> None:
    rows = [*ROWS, instance("2", "2.1", "2.1.1") | {column: uid}]
    with open_duckdb([write(tmp_path / "t.parquet", INSTANCES, rows)], options=OPTIONS) as engine:
        cover = Cover(Selection(engine.schema()), Level.INSTANCE, False, TODAY)
        with pytest.raises(UnprovedError):
            lines(engine, cover, presume=True)


def test_only_exact_covers_without_versions_are_presumed(path: str, tmp_path: Path) -> None:
    streamed = write(tmp_path / "streamed.parquet", STREAMED, ROWS)
    for name, level, compact, presumed in (
        (path, Level.INSTANCE, False, True),
        (path, Level.INSTANCE, True, False),
        (path, Level.SERIES, False, False),
        (path, Level.STUDY, False, False),
        (streamed, Level.INSTANCE, False, False),
    ):
        with open_duckdb([name], options=OPTIONS) as engine:
            cover = Cover(Selection(engine.schema()), level, compact, TODAY)
            staged = engine.stage(cover.staging, presume=True)
            assert staged.is_presumed == presumed
            assert not engine.stage(cover.staging).is_presumed


def test_stages_do_not_get_into_each_others_way(engine: DuckDbEngine) -> None:
    found = {}
    for modality in ("CT", "MR"):
        selection = Selection(engine.schema()).where(f"Modality = '{modality}'")
        for presume in (False, True):
            cover = Cover(selection, Level.INSTANCE, False, TODAY)
            staged = engine.stage(cover.staging, presume=presume)
            found[modality, presume] = (cover, staged)
    assert len({staged.name for _, staged in found.values()}) == 4
    for (modality, _), (cover, staged) in found.items():
        (text,) = engine.rows(cover.lines, staged=staged).read_all()["line"].to_pylist()
        assert text.endswith({"CT": "/1.1.1\n", "MR": "/1.1.2\n"}[modality])


def test_a_stage_is_temporary_and_of_this_session_alone(path: str, engine: DuckDbEngine) -> None:
    cover = Cover(Selection(engine.schema()), Level.STUDY, False, TODAY)
    staged = engine.stage(cover.staging)
    with open_duckdb([path], options=OPTIONS) as other, pytest.raises(KeyError):
        other.rows(cover.lines, staged=staged)
    assert sorted(os.listdir(Path(path).parent)) == ["metadata.parquet"]


def test_the_files_are_named_and_their_state_is_known(engine: DuckDbEngine, path: str) -> None:
    assert (engine.uri, engine.paths) == (path, (path,))
    assert engine.schema() == INSTANCES
    assert re.fullmatch("[0-9a-f]{64}", engine.fingerprint().digest)


def test_opening_by_name_is_opening_the_embedded_engine(path: str) -> None:
    with open_engine([path]) as engine:
        assert isinstance(engine, DuckDbEngine)
