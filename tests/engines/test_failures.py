"""Whatever fails, no cell of a table is in what is said: on both engines, over every kind of file."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import duckdb
import pytest

from dicomfilter.cohorts.ids.id_lists import IdList, read_ids
from dicomfilter.engines.duckdb.failures import arrived, translated
from dicomfilter.engines.duckdb.files import find_files
from dicomfilter.errors import DicomFilterError
from dicomfilter.notebook.table import open_table

if TYPE_CHECKING:
    from pathlib import Path

    from dicomfilter.notebook.table import Table
    from tests.localcloud.bigquery import LoadTable

PLANTED = "PLANTED77"
ROW = {
    "PatientID": PLANTED,
    "StudyInstanceUID": "1.2",
    "SeriesInstanceUID": "1.2.1",
    "SOPInstanceUID": "1.2.1.1",
}
FAILING = (
    "ERROR(PatientID) = 'x'",
    "REGEXP_CONTAINS('a', CONCAT('[', PatientID))",
    "REGEXP_CONTAINS('a', CONCAT(PatientID, '('))",
    "REGEXP_EXTRACT('a', CONCAT('*', PatientID)) = 'x'",
    "REGEXP_REPLACE('a', CONCAT('(?P<', PatientID), 'x') = 'x'",
    "CAST(PatientID AS INT64) = 1",
    "CAST(PatientID AS FLOAT64) = 1",
    "CAST(PatientID AS NUMERIC) = 1",
    "CAST(PatientID AS BOOL)",
    "CAST(PatientID AS DATE) = '2020-01-01'",
    "CAST(PatientID AS TIME) = '10:00:00'",
    "CAST(PatientID AS DATETIME) = '2020-01-01 10:00:00'",
    "CAST(PatientID AS TIMESTAMP) = '2020-01-01 10:00:00+00'",
    "PARSE_DATE('%Y%m%d', PatientID) = '2020-01-01'",
    "PARSE_TIMESTAMP('%Y', PatientID) > '2020-01-01 10:00:00+00'",
    "JSON_VALUE(PARSE_JSON(PatientID), '$.a') = 'x'",
    "FROM_HEX(PatientID) = b'x'",
    "FROM_BASE64(PatientID) = b'x'",
    "SPLIT(PatientID, 'x')[OFFSET(LENGTH(PatientID))] = 'x'",
    "1 / (LENGTH(PatientID) - 9) > 0",
    "SUBSTR(PatientID, 1, -LENGTH(PatientID)) = 'x'",
    "REPEAT(PatientID, -LENGTH(PatientID)) = 'x'",
    "CHR(1000000000 * LENGTH(PatientID)) = PatientID",
    "CAST(CONCAT(PatientID, '.5') AS INT64) = 1",
    "DATE_ADD('9999-12-31', INTERVAL LENGTH(PatientID) DAY) > '2020-01-01'",
)


def said(error: BaseException) -> str:
    """Write down all that a person may see of an error and of what led to it."""
    texts = ["".join(traceback.format_exception(error))]
    pending: list[BaseException | None] = [error]
    while pending:
        here = pending.pop()
        if here is None:
            continue
        texts += [str(here), repr(here), str(getattr(here, "hint", "")), *map(str, here.args)]
        texts += getattr(here, "__notes__", [])
        pending += [here.__cause__, here.__context__]

    return "\n".join(texts)


def failures(table: Table, predicate: str) -> int:
    """Run what fails in each way there is, look at what is said, and count what failed."""
    try:
        cohort = table.where(predicate)
    except DicomFilterError as error:
        assert PLANTED not in said(error)
        return 3
    select = f"SELECT COUNT(*) AS n FROM metadata WHERE {predicate}"
    found = []
    for work in (cohort.counts, cohort.to_arrow, lambda: table.query(select).read_all()):
        try:
            work()
        except DicomFilterError as error:
            found.append(error)
    for error in found:
        assert PLANTED not in said(error)
        assert error.__cause__ is error.__context__ is None
    return len(found)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.ndjson", "t.json", "t.duckdb"])
def test_no_cell_of_a_file_is_in_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    columns = ", ".join(f"'{value}' AS {column}" for column, value in ROW.items())
    with duckdb.connect(str(path) if name == "t.duckdb" else ":memory:") as connection:
        connection.execute(f"CREATE TABLE t AS SELECT {columns}")
        if name != "t.duckdb":
            form = {"parquet": "PARQUET", "csv": "CSV, HEADER", "json": "JSON, ARRAY true"}
            options = form.get(path.suffix[1:], "JSON")
            connection.execute(f"COPY t TO '{path}' (FORMAT {options})")
    with open_table(str(path)) as table:
        assert table.all().counts().instances == 1
        assert {predicate: failures(table, predicate) for predicate in FAILING} == dict.fromkeys(
            FAILING, 3
        )


@pytest.mark.cloud
def test_no_cell_of_a_table_of_bigquery_is_in_an_error(load_table: LoadTable) -> None:
    uri = load_table(", ".join(f"{column} STRING" for column in ROW), ROW)
    with open_table(uri) as table:
        # The emulator takes some of them, see CONTRIBUTING.
        assert sum(failures(table, predicate) == 3 for predicate in FAILING) > 2 * len(FAILING) // 3


def test_no_error_of_duckdbs_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    files = find_files([str(tmp_path / "t.csv")])
    kinds = [
        k for k in vars(duckdb).values() if isinstance(k, type) and issubclass(k, duckdb.Error)
    ]
    assert len(kinds) > 20
    for kind in kinds:
        found = translated(kind(f"Some Error: {PLANTED}\nOriginal Line: {PLANTED}"), files)
        assert PLANTED not in said(found), kind
        assert isinstance(found, DicomFilterError | KeyboardInterrupt)
    for text in (
        "Conversion Error: {}",
        "Invalid Input Error: missing ): {}",
        "IO Error: {}",
        "{}",
    ):
        assert PLANTED not in said(arrived(OSError(text.format(PLANTED)), files))


@pytest.mark.parametrize(
    "content",
    [
        f'PatientID,Arm\n"{PLANTED},A\n',
        f"PatientID,Arm\n{PLANTED},A,B\n",
        f"PAR1{PLANTED}",
    ],
)
def test_no_identifier_is_in_an_error_of_a_list(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ids.csv"
    path.write_text(content)
    with pytest.raises(DicomFilterError) as caught:
        read_ids(str(path))
    assert PLANTED not in said(caught.value)
    with pytest.raises(DicomFilterError) as caught:
        IdList.of("PatientID", [7, PLANTED])  # type: ignore[list-item]
    assert PLANTED not in said(caught.value).replace("[7, PLANTED]", "")
