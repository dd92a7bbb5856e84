"""What it costs to mean what BigQuery means: translation, and rewritten predicates beside plain ones.

    python benchmarks/dialect.py
    python benchmarks/dialect.py --worst 20

The predicates are the golden ones whose columns the index of NCI Imaging Data Commons has, under the
names of the golden table, over all of its series. *Plain* is what ``sqlglot.transpile`` makes of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import idc_index_data
import sqlglot

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, to_duckdb
from dicomfilter.googlesql.types.parameters import Parameter, bind
from dicomfilter.schema import Column, SqlType, TableSchema

GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
COLUMNS = {
    "PatientID": "PatientID",
    "PatientSex": "PatientSex",
    "PatientAge": "PatientAge",
    "PatientBirthDate": "CAST(SeriesDate AS DATE)",
    "StudyInstanceUID": "StudyInstanceUID",
    "StudyDate": "CAST(StudyDate AS DATE)",
    "StudyDateStr": "replace(StudyDate, '-', '')",
    "SeriesInstanceUID": "SeriesInstanceUID",
    "SOPInstanceUID": "crdc_series_uuid",
    "Modality": "Modality",
    "SeriesDescription": "SeriesDescription",
    "SeriesNumber": "series_init_idc_version",
    "InstanceNumber": "SeriesNumber",
    "Rows": "instanceCount",
    "Columns": "series_revised_idc_version",
    "SliceThickness": "series_size_MB",
    "SliceThicknessStr": "CAST(round(series_size_MB, 2) AS VARCHAR)",
    "InstanceSize": "CAST(series_size_MB * 1e6 AS BIGINT)",
}
"""What stands for the golden table's columns."""
HEAD = "SELECT SOPInstanceUID FROM d WHERE "
WIDE = 1230
REPEATS = 3


@dataclass(frozen=True)
class Timing:
    """How long a predicate takes, in seconds."""

    predicate: str
    ours: float
    plain: float


def golden() -> list[str]:
    lines = (GOLDEN / "googlesql_cases.ndjson").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    return [c["sql"] for c in cases if c.get("taken") and "parameters" not in c]


def golden_schema() -> TableSchema:
    stored = json.loads((GOLDEN / "dicom_table.json").read_text(encoding="utf-8"))
    return TableSchema(tuple(Column(n, SqlType.parse(t)) for n, t in stored["columns"]))


def wide(schema: TableSchema) -> TableSchema:
    more = (
        Column(f"Keyword{n}", SqlType.parse("STRING")) for n in range(WIDE - len(tuple(schema)))
    )
    return TableSchema((*schema, *more))


def translation(queries: list[str], schema: TableSchema) -> list[float]:
    taken = []
    for sql in queries:
        seconds = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            to_duckdb(check_query(sql, {"d": schema}).tree)
            seconds.append(time.perf_counter() - start)
        taken.append(min(seconds))
    return taken


def connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET default_null_order = 'nulls_last'")
    connection.execute("SET integer_division = false")
    columns = ", ".join(f'{made} AS "{name}"' for name, made in COLUMNS.items())
    index = str(idc_index_data.IDC_INDEX_PARQUET_FILEPATH)
    connection.execute(f"CREATE TABLE d AS SELECT {columns} FROM read_parquet(?)", [index])
    return connection


def best(
    connection: duckdb.DuckDBPyConnection, text: str, values: dict[str, object] | None
) -> float:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        connection.execute(text, values or None).fetchall()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def predicates(queries: list[str]) -> list[Timing]:
    whole = golden_schema()
    schema = TableSchema(tuple(column for column in whole if column.name in COLUMNS))
    found = []
    with connect() as connection:
        for sql in queries:
            if not sql.startswith(HEAD):
                continue
            counting = sql.replace(HEAD, "SELECT COUNT(*) FROM d WHERE ", 1)
            try:
                checked = check_query(counting, {"d": schema})
                (plain,) = sqlglot.transpile(counting, read="bigquery", write="duckdb")
                values = bind(list[Parameter](checked.parameters), today=date(2026, 11, 21))
                ours = best(connection, to_duckdb(checked.tree), values)
                found.append(Timing(sql.removeprefix(HEAD), ours, best(connection, plain, None)))
            except (PredicateError, sqlglot.ParseError, duckdb.Error):
                continue  # the index has no such column, or one of both fails over its rows
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worst", type=int, default=10, help="how many predicates to show")
    options = parser.parse_args()
    queries = golden()
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" DuckDB {duckdb.__version__}, sqlglot {sqlglot.__version__}"
    )
    narrow = golden_schema()
    for name, schema in (("30 columns", narrow), (f"{WIDE:,} columns", wide(narrow))):
        taken = translation(queries, schema)
        print(
            f"translation, {name}: median {statistics.median(taken) * 1e3:.2f} ms,"
            f" p95 {statistics.quantiles(taken, n=20)[-1] * 1e3:.2f} ms, {len(taken)} queries"
        )
    timings = predicates(queries)
    ours, plain = sum(t.ours for t in timings), sum(t.plain for t in timings)
    print(
        f"{len(timings)} predicates over 1,044,191 series: rewritten {ours:.2f} s,"
        f" plain {plain:.2f} s, {ours / plain:.2f} x"
    )
    for timing in sorted(timings, key=lambda t: t.plain - t.ours)[: options.worst]:
        print(f"{timing.ours * 1e3:8.0f} ms  {timing.plain * 1e3:6.0f} ms  {timing.predicate}")


if __name__ == "__main__":
    main()
