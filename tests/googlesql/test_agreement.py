"""Kinds of queries that once were answered, refused or worded otherwise than by BigQuery.

Each is asked of both engines. An example stands for its kind; the fuzz writes others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import duckdb

pytestmark = [pytest.mark.oracle, pytest.mark.timeout(300)]

MOST = "NUMERIC '99999999999999999999999999999.999999999'"


@pytest.mark.parametrize(
    "sql",
    [
        # A product of NUMERIC whose 18 places have no room in DuckDB.
        f"SELECT KVP * 0.1 * {MOST} AS v FROM e WHERE KVP = 2.5",
        f"SELECT {MOST} * NUMERIC '0.999999999' AS v",
        f"SELECT -1 * {MOST} AS v",
        "SELECT NUMERIC '9999999999999999999' * NUMERIC '9999999999.999999999' AS v",
        "SELECT NUMERIC '316227766016837.933199889' * NUMERIC '-316227766016837.933199889' AS v",
        "SELECT NUMERIC '12345678901234567890.123456789' * KVP AS v FROM d",
        f"SELECT SAFE_MULTIPLY({MOST}, KVP) AS v FROM e",
        f"SELECT SAFE_MULTIPLY({MOST}, NUMERIC '1.000000001') AS v",
        # The civil time in a zone may lie in the years 0 and 10000.
        "SELECT EXTRACT(HOUR FROM IngestTime AT TIME ZONE '+05:30') AS v FROM e",
        "SELECT EXTRACT(YEAR FROM IngestTime AT TIME ZONE '+05:30') AS v FROM e",
        "SELECT EXTRACT(YEAR FROM IngestTime AT TIME ZONE '-05:30') AS v FROM e",
        "SELECT EXTRACT(ISOWEEK FROM IngestTime AT TIME ZONE '-05:30') AS v FROM e",
        "SELECT EXTRACT(DAYOFWEEK FROM IngestTime AT TIME ZONE '+14:00') AS v FROM e",
        "SELECT EXTRACT(WEEK FROM IngestTime AT TIME ZONE '-00:01') AS v FROM e",
        "SELECT EXTRACT(TIME FROM IngestTime AT TIME ZONE '+00:01') AS v FROM e",
        # A cast to the type that a value has is the value.
        "SELECT PatientID AS v FROM d GROUP BY CAST(PatientID AS STRING)",
        "SELECT PatientID AS v FROM d GROUP BY SAFE_CAST(PatientID AS STRING)",
        "SELECT CAST(SeriesNumber AS INT64) AS v FROM d GROUP BY SeriesNumber",
        "SELECT LENGTH(PatientID) AS v FROM d GROUP BY LENGTH(CAST(PatientID AS STRING))",
        "SELECT DISTINCT PatientID FROM d ORDER BY CAST(PatientID AS STRING)",
        "SELECT DISTINCT CAST(PatientID AS STRING) AS v FROM d ORDER BY PatientID",
        # What a STRUCT holds is grouped by an alias, not by an equal expression.
        "SELECT STRUCT(PatientID AS q).q AS v FROM d GROUP BY v",
        # The name of a table is a STRUCT of its columns.
        "SELECT w FROM (SELECT SOPInstanceUID, ImageType FROM d) AS w",
        "SELECT ANY_VALUE(w).Modality, COUNT(w) AS n FROM (SELECT Modality FROM d LIMIT 1) AS w",
        "WITH w AS (SELECT Modality AS m FROM d) SELECT ARRAY_AGG(w ORDER BY w.m) AS v FROM w",
        "SELECT (SELECT w) AS v FROM (SELECT Modality FROM d) AS w",
        "SELECT f, w.a FROM (SELECT 1 AS a) AS w LEFT JOIN (SELECT 2 AS a) AS f ON f.a = w.a",
        "SELECT w, COUNT(*) AS n FROM (SELECT Modality, IsPhantom FROM d) AS w GROUP BY w",
        # Rows are grouped by a STRUCT, and by arrays that a table holds.
        "SELECT PatientName, COUNT(*) AS n FROM d GROUP BY PatientName",
        "SELECT DISTINCT PatientName FROM e",
        "SELECT COUNT(DISTINCT PatientName) AS n FROM d",
        "SELECT COUNT(DISTINCT (Modality, IsPhantom)) AS n FROM d",
        "SELECT PatientName FROM d UNION DISTINCT SELECT PatientName FROM e",
        "SELECT ImageType FROM d UNION DISTINCT SELECT ImageType FROM e",
        "SELECT ProcedureCodeSequence, COUNT(*) AS n FROM d GROUP BY 1",
        # A name of ours is none of the table's, whatever its case.
        "SELECT SOPInstanceUID FROM d WHERE (`Rows`, Columns) IN (SELECT AS STRUCT `Rows`, Columns)",
        "SELECT SOPInstanceUID FROM d WHERE (`Rows`, Columns) IN (SELECT (`Rows`, Columns) FROM e)",
        "SELECT SOPInstanceUID FROM d WHERE SliceThickness IN (SELECT `Rows` / 1 FROM e)",
        "SELECT DISTINCT `Rows` / 3 AS v FROM d ORDER BY v",
        "SELECT `Rows` FROM d UNION ALL SELECT 1.5 ORDER BY `Rows`",
        # What may fail is computed for joined rows alone.
        "SELECT x.v FROM (SELECT d.ImageType[OFFSET(0)] AS v FROM d JOIN (SELECT * FROM d WHERE"
        " ARRAY_LENGTH(ImageType) > 0) AS f ON f.SOPInstanceUID = d.SOPInstanceUID) AS x"
        " WHERE x.v <> 'DERIVED'",
        "WITH x AS (SELECT f.*, d.ImageType[OFFSET(0)] AS v FROM d JOIN (SELECT SOPInstanceUID FROM"
        " d WHERE ARRAY_LENGTH(ImageType) > 0) AS f USING (SOPInstanceUID)) SELECT * FROM x"
        " WHERE v > 'A'",
        "SELECT d.SOPInstanceUID FROM d, UNNEST(ImageType) AS t WHERE ImageType[OFFSET(0)] = t",
        "SELECT v FROM (SELECT ImageType[OFFSET(1)] AS v, t FROM d, UNNEST(ImageType) AS t"
        " WHERE ARRAY_LENGTH(ImageType) > 1) WHERE v < t",
        "SELECT SOPInstanceUID, v FROM d, UNNEST(SPLIT(PatientID, '-')) AS v WHERE Modality = 'CT'",
        # Groups that HAVING leaves out, and sums that have room.
        "SELECT Modality, SUM(InstanceSize) AS v FROM d GROUP BY 1 HAVING COUNT(*) > 1",
        "SELECT Modality FROM d GROUP BY 1 HAVING COUNT(*) > 1 ORDER BY SUM(KVP), Modality",
        "SELECT Modality, AVG(SliceThickness) AS v FROM d GROUP BY 1 HAVING COUNT(*) > 1",
        "SELECT Modality, SUM(`Rows`) + 1 AS v FROM d GROUP BY 1 HAVING Modality = 'CT'",
        "SELECT SUM(SeriesNumber) AS v FROM d HAVING COUNT(*) > 100",
    ],
)
def test_the_answer_is_bigquerys(sql: str, connection: duckdb.DuckDBPyConnection) -> None:
    from tests.googlesql.differential import Verdict, compare

    found = compare(connection, sql)
    assert found.verdict is Verdict.SAME, found.detail


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {MOST} * 2 AS v",
        "SELECT NUMERIC '316227766016837.93319989' * NUMERIC '316227766016837.93319989' AS v",
        "SELECT EXTRACT(DATE FROM IngestTime AT TIME ZONE '+05:30') AS v FROM e",
        "SELECT EXTRACT(DATETIME FROM IngestTime AT TIME ZONE '-05:30') AS v FROM e",
        "SELECT EXTRACT(HOUR FROM DATETIME(IngestTime, '+05:30')) AS v FROM e",
        # An array that fails is made before WHERE leaves its row out.
        "SELECT v FROM e, UNNEST(ARRAY(SELECT InstanceSize + x FROM UNNEST([1, 2]) AS x ORDER BY x))"
        " AS v WHERE EXISTS (SELECT 1 FROM UNNEST(ImageType) AS t WHERE t = PatientID)",
        "SELECT v FROM d, UNNEST([ImageType[OFFSET(0)]]) AS v WHERE EXISTS (SELECT 1 FROM"
        " UNNEST(ImageType) AS t WHERE t = 'ORIGINAL')",
        # Sums are computed over the groups that HAVING leaves out too.
        "SELECT SUM(9223372036854775807) AS v FROM d, UNNEST([1, 2]) GROUP BY Modality HAVING COUNT(*) > 20",
        "SELECT SUM(9223372036854775807) AS v FROM d HAVING COUNT(*) > 20",
        "SELECT IsPhantom FROM d GROUP BY 1 HAVING COUNT(*) > 20 ORDER BY SUM(9223372036854775807)",
        "SELECT 1 + SUM(1e308) AS v FROM d, UNNEST([1, 2]) GROUP BY Modality HAVING COUNT(*) > 20",
        f"SELECT SUM({MOST}) AS v FROM d GROUP BY IsPhantom HAVING IsPhantom IS NULL",
        # An expression that makes a STRUCT equals no other.
        "SELECT DISTINCT STRUCT(PatientID AS q).q FROM d ORDER BY STRUCT(PatientID AS q).q",
        "SELECT STRUCT(PatientID AS q).q AS v FROM d GROUP BY STRUCT(PatientID AS q).q",
        "SELECT (PatientID, 1) = ('a', 1) AS v FROM d GROUP BY (PatientID, 1) = ('a', 1)",
        "SELECT (PatientID, 1) IN (('a', 1)) AS v FROM d GROUP BY (PatientID, 1) IN (('a', 1))",
        "SELECT COUNT(*) FROM d GROUP BY STRUCT(PatientID AS q).q ORDER BY STRUCT(PatientID AS q).q",
    ],
)
def test_what_bigquery_refuses_is_refused(sql: str, connection: duckdb.DuckDBPyConnection) -> None:
    from tests.googlesql.differential import Verdict, compare

    found = compare(connection, sql)
    assert found.verdict is Verdict.BOTH_REFUSE, found.detail


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT AVG(InstanceSize) AS v FROM e",  # a mean that hangs on the order of its numbers
        "SELECT EXTRACT(YEAR FROM @daytext) AS v FROM d",  # a text that BigQuery may read as a date
    ],
)
def test_what_is_not_taken_is_refused_in_our_name(
    sql: str, connection: duckdb.DuckDBPyConnection
) -> None:
    from tests.googlesql.differential import Verdict, compare
    from tests.googlesql.grammar import PARAMETERS

    given = [p for p in PARAMETERS if f"@{p.name}" in sql]
    found = compare(connection, sql, given)
    assert found.verdict is Verdict.REFUSED, found.detail
