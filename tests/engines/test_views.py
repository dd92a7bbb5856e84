"""Columns of files have the exact types of a BigQuery table, and texts become what they say."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from pyarrow import parquet

from dicomfilter.engines import open_engine
from dicomfilter.engines.duckdb.views import Reading, duckdb_type, view_of
from dicomfilter.googlesql.query import Query
from dicomfilter.schema import Kind, SqlType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


def reading(connection: duckdb.DuckDBPyConnection, name: str, declared: str) -> Reading | None:
    found = view_of(connection.sql(f'SELECT NULL::{declared} AS "{name}"')).columns
    return found[0] if found else None


def read(connection: duckdb.DuckDBPyConnection, name: str, text: str | None) -> Any:
    """Read one text of a column as the view does."""
    connection.execute("CREATE OR REPLACE TEMP TABLE t AS SELECT $x::VARCHAR AS c", {"x": text})
    relation = connection.sql(f'SELECT c AS "{name}" FROM t')
    (found,) = view_of(relation).columns
    return relation.project(found.expression.sql("duckdb")).to_arrow_table()[0][0].as_py()


# DuckDB's types as GoogleSQL's


@pytest.mark.parametrize(
    ("declared", "of"),
    [
        ("VARCHAR", "STRING"),
        ("ENUM('a', 'b')", "STRING"),
        ("UUID", "STRING"),
        ("BLOB", "BYTES"),
        ("BOOLEAN", "BOOL"),
        ("TINYINT", "INT64"),
        ("SMALLINT", "INT64"),
        ("INTEGER", "INT64"),
        ("BIGINT", "INT64"),
        ("UTINYINT", "INT64"),
        ("UINTEGER", "INT64"),
        ("UBIGINT", "INT64"),
        ("FLOAT", "FLOAT64"),
        ("DOUBLE", "FLOAT64"),
        ("DECIMAL(10, 2)", "NUMERIC"),
        ("DECIMAL(38, 9)", "NUMERIC"),
        ("DATE", "DATE"),
        ("TIME", "TIME"),
        ("TIMESTAMP", "DATETIME"),
        ("TIMESTAMP_S", "DATETIME"),
        ("TIMESTAMP_MS", "DATETIME"),
        ("TIMESTAMP_NS", "DATETIME"),
        ("TIMESTAMPTZ", "TIMESTAMP"),
        ("JSON", "JSON"),
        ("VARCHAR[]", "ARRAY<STRING>"),
        ("VARCHAR[3]", "ARRAY<STRING>"),
        ("STRUCT(a VARCHAR, b STRUCT(c INTEGER)[])", "STRUCT<a STRING, b ARRAY<STRUCT<c INT64>>>"),
    ],
)
def test_a_type_of_duckdbs_is_one_of_bigquerys(
    connection: duckdb.DuckDBPyConnection, declared: str, of: str
) -> None:
    found = reading(connection, "Private_00091001", declared)
    assert found is not None
    assert (str(found.column.type), found.is_parsed) == (of, False)


@pytest.mark.parametrize(
    ("declared", "named"),
    [
        ("INTERVAL", "INTERVAL"),
        ("BIT", "BIT"),
        ("VARCHAR[][]", "LIST OF LISTS"),
        ("MAP(VARCHAR, VARCHAR)", "MAP"),
        ("STRUCT(a VARCHAR, b MAP(VARCHAR, VARCHAR))", "MAP"),
        ("STRUCT(a ENUM('DOE'), b BIT)[]", "BIT"),
        ("UNION(a INTEGER, b VARCHAR)", "UNION"),
        ("VARIANT", "VARIANT"),
        ("GEOMETRY", "GEOMETRY"),
    ],
)
def test_a_type_that_bigquery_does_not_have_is_left_out_by_name(
    connection: duckdb.DuckDBPyConnection, declared: str, named: str
) -> None:
    found = view_of(connection.sql(f'SELECT 1 AS a, NULL::{declared} AS "x"'))
    assert [r.column.name for r in found.columns] == ["a"]
    assert [(lost.name, lost.type) for lost in found.left_out] == [("x", named)]


@pytest.mark.parametrize(
    ("value", "of", "read"),
    [
        ("5::HUGEINT", "INT64", "5"),
        ("5::UHUGEINT", "INT64", "5"),
        ("9223372036854775807::UBIGINT", "INT64", "9223372036854775807"),
        ("9223372036854775808::UBIGINT", "NUMERIC", "9223372036854775808.000000000"),
        ("12345678901234567890123456789::HUGEINT", "NUMERIC", "12345678901234567890123456789.0"),
        ("5::DECIMAL(38, 0)", "NUMERIC", "5.0"),
        ("5.25::DECIMAL(38, 10)", "NUMERIC", "5.25"),
        ("TIMESTAMP_NS '2024-03-01 10:00:00.123456'", "DATETIME", "2024-03-01 10:00:00.123456"),
        ("TIMESTAMPTZ_NS '2024-03-01 10:00:00+02'", "TIMESTAMP", "2024-03-01 08:00:00+00:00"),
        ("TIME_NS '10:00:00.5'", "TIME", "10:00:00.500000"),
        ("TIMETZ '10:00:00+00'", "TIME", "10:00:00"),
        ("[5::HUGEINT]", "ARRAY<INT64>", "[5]"),
        ("{'at': TIMESTAMP_NS '2024-03-01'}", "STRUCT<at DATETIME>", None),
    ],
)
def test_a_type_that_holds_more_is_read_where_its_values_are_exact(
    connection: duckdb.DuckDBPyConnection, value: str, of: str, read: str | None
) -> None:
    relation = connection.sql(f"SELECT {value} AS x")
    (found,) = view_of(relation).columns
    assert str(found.column.type) == of
    got = relation.project(found.expression.sql("duckdb")).fetchall()[0][0]
    if read is not None:
        assert got == Decimal(read) if of == "NUMERIC" else str(got) == read


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("170141183460469231731687303715884105727::HUGEINT", "HUGEINT"),
        ("99999999999999999999999999999999999999::DECIMAL(38, 0)", "DECIMAL"),
        ("0.0000000001::DECIMAL(38, 10)", "DECIMAL"),
        ("TIMESTAMP_NS '2024-03-01 10:00:00.123456789'", "TIMESTAMP_NS"),
        ("TIMESTAMPTZ_NS '2024-03-01 10:00:00.000000001+00'", "TIMESTAMPTZ_NS"),
        ("TIME_NS '10:00:00.123456789'", "TIME_NS"),
        ("TIMETZ '10:00:00+02'", "TIME WITH TIME ZONE"),
        ("[TIMESTAMP_NS '2024-03-01 10:00:00.123456789']", "TIMESTAMP_NS"),
    ],
)
def test_a_type_whose_values_are_not_exact_is_left_out_by_name(
    connection: duckdb.DuckDBPyConnection, value: str, named: str
) -> None:
    found = view_of(connection.sql(f"SELECT 1 AS a, {value} AS x"))
    assert [lost.type for lost in found.left_out] == [named]
    assert str(found.left_out[0]).startswith("x is left out: no type of GoogleSQL holds")


def test_columns_stay_in_their_order_and_spelling(connection: duckdb.DuckDBPyConnection) -> None:
    relation = connection.sql("SELECT 1 AS z, 2::BIT AS y, 'a' AS \"Odd name\", 3 AS Rows")
    assert [r.column.name for r in view_of(relation).columns] == ["z", "Odd name", "Rows"]


def test_numbers_keep_their_values(connection: duckdb.DuckDBPyConnection) -> None:
    relation = connection.sql(
        "SELECT 255::UTINYINT AS a, 1.5::FLOAT AS b, 18446744073709551615::UBIGINT AS c"
    )
    expressions = ", ".join(r.expression.sql("duckdb") for r in view_of(relation).columns)
    assert [str(v) for v in relation.project(expressions).fetchall()[0]] == [
        "255",
        "1.5",
        "18446744073709551615.000000000",
    ]


def test_a_missing_array_is_an_empty_one(connection: duckdb.DuckDBPyConnection) -> None:
    relation = connection.sql("SELECT NULL::VARCHAR[] AS ImageType, NULL::STRUCT(a VARCHAR) AS s")
    expressions = ", ".join(r.expression.sql("duckdb") for r in view_of(relation).columns)
    assert relation.project(expressions).fetchall() == [([], None)]


@pytest.mark.parametrize("kind", [k for k in Kind if k not in (Kind.BIGNUMERIC, Kind.INTERVAL)])
def test_every_type_is_spelled_for_duckdb_and_comes_back(
    connection: duckdb.DuckDBPyConnection, kind: Kind
) -> None:
    of = {
        Kind.ARRAY: SqlType.parse("ARRAY<STRUCT<a INT64>>"),
        Kind.STRUCT: SqlType.parse("STRUCT<a STRING, b ARRAY<DATE>>"),
    }.get(kind, SqlType(kind))
    found = reading(connection, "x", duckdb_type(of))
    assert found is not None
    assert found.column.type == of


def test_a_field_of_any_name_is_quoted() -> None:
    of = SqlType(Kind.STRUCT, fields=(('say "a"', SqlType(Kind.STRING)),))
    assert duckdb_type(of) == 'STRUCT("say ""a""" VARCHAR)'


# Texts where the service writes another type


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("StudyDate", "DATE"),
        ("studydate", "DATE"),
        ("StudyTime", "TIME"),
        ("Rows", "INT64"),
        ("FlipAngle", "STRING"),
        ("PixelSpacing", "STRING"),
        ("PatientName", "STRING"),
        ("PatientID", "STRING"),
        ("StudyInstanceUID", "STRING"),
        ("LastUpdated", "TIMESTAMP"),
        ("lastupdated", "TIMESTAMP"),
        ("BlobStorageSize", "INT64"),
        ("BLOBSTORAGESIZE", "INT64"),
        ("Type", "STRING"),
        ("MyDate", "STRING"),
    ],
)
def test_a_text_has_the_type_of_its_keyword(
    connection: duckdb.DuckDBPyConnection, name: str, of: str
) -> None:
    found = reading(connection, name, "VARCHAR")
    assert found is not None
    assert str(found.column.type) == of
    assert found.is_parsed == (of != "STRING")


def test_what_is_typed_already_keeps_its_type(connection: duckdb.DuckDBPyConnection) -> None:
    for declared, of in (("DATE", "DATE"), ("TIMESTAMP", "DATETIME"), ("BIGINT", "INT64")):
        found = reading(connection, "StudyDate", declared)
        assert found is not None
        assert (str(found.column.type), found.is_parsed) == (of, False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2021-01-31", date(2021, 1, 31)),
        ("20210131", date(2021, 1, 31)),
        ("0001-01-01", date(1, 1, 1)),
        ("2024-02-29", date(2024, 2, 29)),
        *(
            (text, None)
            for text in (
                None,
                "",
                "2021-02-29",
                "20210230",
                "2021/01/31",
                "2021-1-31",
                "2021-01-3",
                "31.01.2021",
                "2021.01.31",
                "2021-01-31 12:00:00",
                "20210131 ",
                " 2021-01-31",
                "today",
                "infinity",
                "-infinity",
                "+2021-1-1",
                "2021-13-01",
                "２０２１-01-31",
                "0000000",
            )
        ),
    ],
)
def test_a_date_is_one_of_the_two_spellings(
    connection: duckdb.DuckDBPyConnection, text: str | None, value: date | None
) -> None:
    assert read(connection, "StudyDate", text) == value


def test_no_damaged_date_is_taken_for_another_date(connection: duckdb.DuckDBPyConnection) -> None:
    chance = random.Random(1)
    texts = []
    for date_ in ("2021-01-31", "20210131", "00010101", "9999-12-31", "infinity") * 2000:
        characters = list(date_)
        for _ in range(chance.randint(0, 3)):
            characters[chance.randrange(len(date_))] = chance.choice("0123456789-+ ./eE\t\n:T")
        texts.append("".join(characters))
    table = pa.table({"StudyDate": texts, "text": texts})
    relation = connection.from_arrow(table)
    expression = view_of(relation).columns[0].expression.sql("duckdb")
    found = relation.project(f'"text", {expression}').fetchall()
    assert [(text, value) for text, value in found if value != plain_date(text)] == []
    assert sum(value is not None for _, value in found) > 2000


def plain_date(text: str) -> date | None:
    match = re.fullmatch(r"([0-9]{4})(-?)([0-9]{2})\2([0-9]{2})", text)
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("08:30:00", time(8, 30)),
        ("08:30:00.123456", time(8, 30, 0, 123456)),
        ("083000", time(8, 30)),
        ("083000.5", time(8, 30, 0, 500000)),
        ("235959.999999", time(23, 59, 59, 999999)),
        *((text, None) for text in (None, "", "0830", "8:30:00", "25:00:00", "noon", "08:30:00Z")),
    ],
)
def test_a_time_is_one_of_the_two_spellings(
    connection: duckdb.DuckDBPyConnection, text: str | None, value: time | None
) -> None:
    assert read(connection, "StudyTime", text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-31 12:00:00 UTC", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31 12:00:00.5 UTC", datetime(2026, 1, 31, 12, 0, 0, 500000, tzinfo=UTC)),
        ("2026-01-31T14:00:00+02:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31 12:00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("never", None),
        ("infinity", None),
        ("epoch", None),
        ("", None),
    ],
)
def test_a_moment_is_of_utc_unless_it_says_otherwise(
    connection: duckdb.DuckDBPyConnection, text: str, value: datetime | None
) -> None:
    assert read(connection, "LastUpdated", text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("512", 512),
        ("-1", -1),
        ("+1", 1),
        ("007", 7),
        ("9223372036854775807", 2**63 - 1),
        *(
            (text, None)
            for text in (
                "9223372036854775808",
                "1.5",
                "1e3",
                "0x10",
                "1_000",
                " 1",
                "",
                "٣",
                "many",
            )
        ),
    ],
)
def test_a_whole_number_is_of_digits(
    connection: duckdb.DuckDBPyConnection, text: str, value: int | None
) -> None:
    assert read(connection, "Rows", text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2.5", 2.5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("1.2E+5", 120_000.0),
        *((text, None) for text in ("nan", "inf", "Infinity", "1,5", "", "1e", ".", "0x1p3")),
    ],
)
def test_a_fraction_is_a_decimal_number(
    connection: duckdb.DuckDBPyConnection, text: str, value: float | None
) -> None:
    assert read(connection, "TableSpeed", text) == value


def test_a_time_of_day_is_one_whichever_arrow_wrote_it(tmp_path: Path) -> None:
    from sqlglot import exp

    item = pa.struct({"ScheduledProcedureStepStartTime": pa.time64("us")})
    table = pa.table(
        {
            "StudyInstanceUID": ["1"],
            "StudyTime": pa.array([time(10, 30)], pa.time64("us")),
            "RequestAttributesSequence": pa.array(
                [[{"ScheduledProcedureStepStartTime": time(23)}]], pa.list_(item)
            ),
        }
    )
    # In Parquet a time was in UTC by name, before Arrow 22, which has an option for that.
    is_new = int(pa.__version__.partition(".")[0]) >= 22
    options = {"write_time_adjusted_to_utc": True} if is_new else {}
    parquet.write_table(table, tmp_path / "t.parquet", **options)
    with open_engine([str(tmp_path / "t.parquet")]) as engine:
        types = [str(column.type) for column in engine.schema()]
        tree = exp.select("StudyTime", "RequestAttributesSequence").from_("metadata")
        (row,) = engine.rows(Query(tree)).read_all().to_pylist()
    assert types[1:] == ["TIME", "ARRAY<STRUCT<ScheduledProcedureStepStartTime TIME>>"]
    assert row["StudyTime"] == time(10, 30)
    assert row["RequestAttributesSequence"] == [{"ScheduledProcedureStepStartTime": time(23)}]


def test_the_same_rows_have_one_meaning_in_every_kind_of_file(tmp_path: Path) -> None:
    rows = [
        {"StudyInstanceUID": "1", "StudyDate": "2021-01-31", "Rows": "512"},
        {"StudyInstanceUID": "2", "StudyDate": "never", "Rows": ""},
    ]
    table = pa.Table.from_pylist(rows)
    parquet.write_table(table, tmp_path / "t.parquet")
    names = list(rows[0])
    cells = [",".join(row[name] for name in names) for row in rows]
    (tmp_path / "t.csv").write_text("\n".join([",".join(names), *cells]) + "\n")
    (tmp_path / "t.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with duckdb.connect(str(tmp_path / "t.duckdb")) as connection:
        connection.register("given", table)
        connection.execute("CREATE TABLE metadata AS FROM given")
    from sqlglot import exp

    tree = exp.select(*names).from_("metadata")
    for name in ("t.parquet", "t.csv", "t.ndjson", "t.duckdb::metadata"):
        with open_engine([str(tmp_path / name)]) as engine:
            found = engine.rows(Query(tree.copy())).read_all().to_pylist()
            types = [str(column.type) for column in engine.schema()]
        assert sorted(found, key=str) == [
            {"StudyInstanceUID": "1", "StudyDate": date(2021, 1, 31), "Rows": 512},
            {"StudyInstanceUID": "2", "StudyDate": None, "Rows": None},
        ], name
        assert types == ["STRING", "DATE", "INT64"]
