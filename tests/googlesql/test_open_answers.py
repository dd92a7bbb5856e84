"""What BigQuery may answer in several ways, and what analysts write besides, beside the oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import PredicateError
from dicomfilter.googlesql import check_query, to_duckdb
from tests.googlesql.dicom import TODAY, run, tables
from tests.googlesql.differential import Verdict, compare

if TYPE_CHECKING:
    import duckdb

# fmt: off
QUERIES = [
    "SELECT PatientSex, STRING_AGG(DISTINCT Modality) AS m FROM d GROUP BY PatientSex HAVING COUNT(DISTINCT Modality) = 1",
    "SELECT ARRAY_LENGTH(ARRAY_AGG(Modality IGNORE NULLS)) FROM d",
    "SELECT LENGTH(STRING_AGG(Modality, '|')) FROM d",
    "SELECT STRING_AGG(Modality) IS NULL FROM d WHERE FALSE",
    "SELECT LENGTH(STRING_AGG(SOPInstanceUID, ',' LIMIT 1)) > 5 FROM d",
    "SELECT SUM(LENGTH(x)) FROM (SELECT STRING_AGG(PatientID) AS x FROM d GROUP BY PatientSex)",
    "SELECT ANY_VALUE(StudyInstanceUID) FROM d GROUP BY StudyInstanceUID",
    "SELECT ANY_VALUE(PixelSpacing) FROM d WHERE SOPInstanceUID = '1.2.840.3.1'",
    "SELECT ANY_VALUE(PatientName).Alphabetic FROM d WHERE SOPInstanceUID = '1.2.840.3.1'",
    "SELECT DISTINCT ImageType FROM d",
    "SELECT DISTINCT ImageType AS x, Modality FROM d",
    "SELECT ImageType, COUNT(*) FROM d GROUP BY ImageType",
    "SELECT DISTINCT d.ImageType FROM d, e",
    "SELECT COUNT(*) FROM (SELECT DISTINCT ImageType FROM d)",
    "SELECT SOPInstanceUID, CAST(StudyDate AS STRING FORMAT 'YYYYMMDD') FROM d",
    "SELECT SOPInstanceUID FROM d WHERE CAST(StudyDate AS STRING FORMAT 'YYYYMMDD') LIKE '2020%'",
    "SELECT SOPInstanceUID, CAST(StudyDate AS STRING FORMAT 'DD-MON-YYYY') FROM d",
    "SELECT SOPInstanceUID, CAST(StudyDate AS STRING FORMAT 'Day, DD Month YYYY') FROM d",
    'SELECT SOPInstanceUID, CAST(StudyDate AS STRING FORMAT \'yyyy/mm/dd DDD dy "of %" mon\') FROM d',
    "SELECT SOPInstanceUID, CAST(StudyTime AS STRING FORMAT 'HH24MISS') FROM d",
    "SELECT SOPInstanceUID, CAST(AcquisitionDateTime AS STRING FORMAT 'YYYYMMDDHH24MISS') FROM d",
    'SELECT SOPInstanceUID, CAST(IngestTime AS STRING FORMAT \'YYYY-MM-DD"T"HH24:MI:SS\') FROM d',
    "SELECT SOPInstanceUID, CAST(IngestTime AS STRING FORMAT 'HH12:MI') FROM e",
    "SELECT SOPInstanceUID, CAST(StudyDate AS STRING FORMAT 'YYYY') FROM e",
    "SELECT SOPInstanceUID, SAFE_CAST(StudyDate AS STRING FORMAT 'MM/DD/YYYY') FROM d",
    "SELECT SOPInstanceUID, ROUND(SliceThickness, SeriesNumber) FROM d WHERE ABS(SeriesNumber) < 11",
    "SELECT SOPInstanceUID, ROUND(SliceThickness, CAST(2 - FLOOR(LOG10(3.5)) AS INT64)) FROM d",
    "SELECT SOPInstanceUID, TRUNC(SliceThickness, SeriesNumber - 1) FROM d WHERE ABS(SeriesNumber) < 11",
    "SELECT SOPInstanceUID, ROUND(KVP, SeriesNumber) FROM d WHERE ABS(SeriesNumber) < 4",
    "SELECT x, n, ROUND(x, n), TRUNC(x, n) FROM UNNEST([2.5, -2.5, 1.005, 0.285, 1234567.891, 1e15, 9007199254740993.0, 1e-7, 0.5, 0.05, 1e300, -0.0, 123456789012345.67]) x, UNNEST([-15,-7,-3,-2,-1,0,1,2,3,5,7,14,15]) n",
    "SELECT x, n, ROUND(x, n), TRUNC(x, n) FROM UNNEST([NUMERIC '2.5', NUMERIC '-12345.678', NUMERIC '0.000000005']) x, UNNEST([-4,-3,-1,0,1,2,5,8]) n",
    "SELECT COUNT(*) FROM d WHERE RAND() >= 0 AND RAND() < 1",
    "SELECT COUNT(*) FROM d WHERE RAND() BETWEEN 0 AND 1",
    "SELECT SOPInstanceUID FROM d WHERE Modality = 'SEG' ORDER BY RAND() LIMIT 0",
    "SELECT COUNT(*) FROM (SELECT * FROM d ORDER BY RAND() LIMIT 3)",
    "SELECT COUNT(*) FROM d WHERE ROUND(RAND() * 10) / 10 <= 1 AND CAST(FLOOR(RAND() * 3) AS INT64) IN (0, 1, 2)",
]
# fmt: on


@pytest.mark.parametrize("sql", QUERIES)
@pytest.mark.oracle
@pytest.mark.timeout(300)
def test_the_answer_is_one_that_google_gives(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    found = compare(connection, sql)
    assert found.verdict is Verdict.SAME, found.detail


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT STRING_AGG(Modality) FROM d",
        "SELECT STRING_AGG(Modality, '|' LIMIT 3) FROM d",
        "SELECT STRING_AGG(DISTINCT Modality) FROM d",
        "SELECT ARRAY_AGG(Modality IGNORE NULLS) FROM d",
        "SELECT ARRAY_AGG(DISTINCT Modality IGNORE NULLS LIMIT 2) FROM d",
        "SELECT ANY_VALUE(Modality) FROM d",
        "SELECT ANY_VALUE(PixelSpacing), ANY_VALUE(StudyDate) FROM d",
    ],
)
def test_what_hangs_on_no_order_is_the_same_whatever_the_order_of_rows(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    turned = sql.replace(" FROM d", " FROM (SELECT * FROM d ORDER BY SOPInstanceUID DESC)")
    assert run(connection, sql, today=TODAY).rows == run(connection, turned, today=TODAY).rows


@pytest.mark.parametrize(
    "cast",
    [
        "CAST(StudyDate AS STRING FORMAT 'HH24')",
        "CAST(StudyDate AS STRING FORMAT 'YYYY-Q')",
        "CAST(StudyDate AS STRING FORMAT 'mOn')",
        "CAST(StudyDate AS STRING FORMAT Modality)",
        "CAST(PatientID AS DATE FORMAT 'YYYYMMDD')",
        "CAST(`Rows` AS STRING FORMAT '999')",
        "CAST(IngestTime AS STRING FORMAT 'YYYY' AT TIME ZONE 'Asia/Tokyo')",
        "CAST(PatientID AS STRING(3))",
    ],
)
def test_a_cast_with_a_format_that_is_not_proved_is_refused_in_our_name(cast: str) -> None:
    with pytest.raises(PredicateError) as caught:
        to_duckdb(check_query(f"SELECT {cast} AS v FROM d", {"d": tables()["d"].schema}).tree)
    assert caught.value.refused
    assert "bare type" not in str(caught.value.hint)
