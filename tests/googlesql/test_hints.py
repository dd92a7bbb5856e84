"""Hints are promises: whoever follows one selects what the words meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import PredicateError
from tests.googlesql.dicom import TODAY, run

if TYPE_CHECKING:
    import duckdb

ROWS = "SELECT SOPInstanceUID FROM d WHERE "
FOLLOWED = [
    # What is written, what the hint proposes (nothing: the words that stay are those before the
    # arrow), what is written then, and a predicate that says what was meant.
    ("PixelSpacing[SAFE_OFFSET(0)] < '1'", "leave out the quotes: 1",
     "PixelSpacing[SAFE_OFFSET(0)] < 1",
     "EXISTS (SELECT 1 FROM UNNEST(PixelSpacing) AS x WITH OFFSET AS o WHERE o = 0 AND x < 1.0)"),
    ("SPLIT(SliceThicknessStr, '|')[SAFE_OFFSET(0)] < 1",
     "SAFE_CAST(SPLIT(SliceThicknessStr, '|')[SAFE_OFFSET(0)] AS FLOAT64)",
     "SAFE_CAST(SPLIT(SliceThicknessStr, '|')[SAFE_OFFSET(0)] AS FLOAT64) < 1",
     "SAFE_CAST(SliceThicknessStr AS FLOAT64) < 1.0"),
    ("SliceThicknessStr = 2.5", "SAFE_CAST(SliceThicknessStr AS FLOAT64)",
     "SAFE_CAST(SliceThicknessStr AS FLOAT64) = 2.5", "SOPInstanceUID = '1.2.840.3.2'"),
    ("SliceThicknessStr IN (5.0, 2.5)", "SAFE_CAST(SliceThicknessStr AS FLOAT64)",
     "SAFE_CAST(SliceThicknessStr AS FLOAT64) IN (5.0, 2.5)",
     "SliceThicknessStr IN ('5.0', '2.5')"),
    ("SliceThicknessStr BETWEEN 0 AND 5", "SAFE_CAST(SliceThicknessStr AS FLOAT64)",
     "SAFE_CAST(SliceThicknessStr AS FLOAT64) BETWEEN 0 AND 5",
     "SliceThicknessStr IN ('5.0', '2.5', ' 3.3 ', '0.30000000000000004')"),
    ("SliceThicknessStr * 2 > 5", "SAFE_CAST(SliceThicknessStr AS FLOAT64)",
     "SAFE_CAST(SliceThicknessStr AS FLOAT64) * 2 > 5",
     "SliceThicknessStr IN ('5.0', ' 3.3 ', '1e1')"),
    ("ROUND(SliceThicknessStr) = 5", "SAFE_CAST(SliceThicknessStr AS FLOAT64)",
     "ROUND(SAFE_CAST(SliceThicknessStr AS FLOAT64)) = 5", "SliceThicknessStr = '5.0'"),
    ("ROUND(SliceThicknessStr, 1) = 2.5", "SAFE_CAST(SliceThicknessStr AS FLOAT64)",
     "ROUND(SAFE_CAST(SliceThicknessStr AS FLOAT64), 1) = 2.5", "SliceThicknessStr = '2.5'"),
    ("InstanceNumber = 3", "SAFE_CAST(InstanceNumber AS INT64)",
     "SAFE_CAST(InstanceNumber AS INT64) = 3", "InstanceNumber = '003'"),
    ("InstanceNumber > 2", "SAFE_CAST(InstanceNumber AS INT64)",
     "SAFE_CAST(InstanceNumber AS INT64) > 2", "InstanceNumber IN ('10', '003', '9', '0x10')"),
    ("REGEXP_EXTRACT(PatientID, r'-0*(\\d+)$') >= 3", "AS FLOAT64)",
     "SAFE_CAST(REGEXP_EXTRACT(PatientID, r'-0*(\\d+)$') AS FLOAT64) >= 3",
     "PatientID IN ('LUNG1-010', 'lung1-003', '山田-6')"),
    ("COALESCE(SliceThicknessStr, 0) = 5", "SAFE_CAST(SliceThicknessStr AS FLOAT64)",
     "COALESCE(SAFE_CAST(SliceThicknessStr AS FLOAT64), 0) = 5", "SliceThicknessStr = '5.0'"),
    ("PatientAge >= 60", "SAFE_CAST(REGEXP_EXTRACT(PatientAge, r'^([0-9]+)Y$') AS INT64)",
     "SAFE_CAST(REGEXP_EXTRACT(PatientAge, r'^([0-9]+)Y$') AS INT64) >= 60",
     "PatientAge IN ('063Y', '101Y', '99Y', '100Y')"),
    ("PatientID = 7", "put the number between quotes, '7'", "PatientID = '7'", "PatientID = '7'"),
    ("PatientID IN (7, 8)", "put the numbers between quotes: '7', '8'", "PatientID IN ('7', '8')",
     "PatientID = '7' OR PatientID = '8'"),
    ("STARTS_WITH(SliceThicknessStr, 1)", "put the number between quotes, '1'",
     "STARTS_WITH(SliceThicknessStr, '1')", "SliceThicknessStr IN ('1.25mm', '1e1')"),
    ("SeriesNumber = '2'", "leave out the quotes: 2", "SeriesNumber = 2",
     "CAST(SeriesNumber AS STRING) = '2'"),
    ("SliceThickness IN ('5.0', '2.5')", "leave out the quotes: 5.0", "SliceThickness IN (5.0, 2.5)",
     "SOPInstanceUID IN ('1.2.840.3.1', '1.2.840.3.2')"),
    ("`Rows` LIKE '5%'", "CAST(`Rows` AS STRING)", "CAST(`Rows` AS STRING) LIKE '5%'",
     "`Rows` = 512"),
    ("STARTS_WITH(`Rows`, '5')", "CAST(`Rows` AS STRING)", "STARTS_WITH(CAST(`Rows` AS STRING), '5')",
     "`Rows` = 512"),
    ("ImageType = 'PRIMARY'", "'PRIMARY' IN UNNEST(ImageType)", "'PRIMARY' IN UNNEST(ImageType)",
     "EXISTS (SELECT 1 FROM UNNEST(ImageType) AS x WHERE x = 'PRIMARY')"),
    ("ImageType != 'PRIMARY'", "'PRIMARY' NOT IN UNNEST(ImageType)",
     "'PRIMARY' NOT IN UNNEST(ImageType)",
     "NOT EXISTS (SELECT 1 FROM UNNEST(ImageType) AS x WHERE x = 'PRIMARY')"),
    ("ImageType IN ('AXIAL', 'NORM')", None,
     "EXISTS (SELECT 1 FROM UNNEST(ImageType) AS x WHERE x IN ('AXIAL', 'NORM'))",
     "'AXIAL' IN UNNEST(ImageType) OR 'NORM' IN UNNEST(ImageType)"),
    ("ImageType LIKE 'PRI%'", None,
     "EXISTS (SELECT 1 FROM UNNEST(ImageType) AS x WHERE x LIKE 'PRI%')",
     "ARRAY_TO_STRING(ImageType, '|') LIKE '%PRI%'"),
    ("PixelSpacing < 0.5", None,
     "EXISTS (SELECT 1 FROM UNNEST(PixelSpacing) AS x WHERE x < 0.5)",
     "SOPInstanceUID IN ('1.2.840.3.7', '1.2.840.3.10')"),
    ("PixelSpacing BETWEEN 0.5 AND 0.6", None,
     "EXISTS (SELECT 1 FROM UNNEST(PixelSpacing) AS x WHERE x BETWEEN 0.5 AND 0.6)",
     "SOPInstanceUID = '1.2.840.3.8'"),
    ("PixelSpacing = 0.7", "0.7 IN UNNEST(PixelSpacing)", "0.7 IN UNNEST(PixelSpacing)",
     "PatientID = 'LUNG1-001'"),
    ("SPLIT(SliceThicknessStr, '|') < 1", None,
     "EXISTS (SELECT 1 FROM UNNEST(SPLIT(SliceThicknessStr, '|')) AS x "
     "WHERE SAFE_CAST(x AS FLOAT64) < 1)",
     "SAFE_CAST(SliceThicknessStr AS FLOAT64) < 1"),
    ("ProcedureCodeSequence = 'P5-0808E'", None,
     "EXISTS (SELECT 1 FROM UNNEST(ProcedureCodeSequence) AS x WHERE x.CodeValue = 'P5-0808E')",
     "SOPInstanceUID = '1.2.840.3.2'"),
    ("PatientName = 'DOE^JOHN'", "PatientName.Alphabetic = 'DOE^JOHN'",
     "PatientName.Alphabetic = 'DOE^JOHN'", "PatientID = 'LUNG1-001'"),
    ("PatientName LIKE 'DOE%'", "PatientName.Alphabetic LIKE 'DOE%'",
     "PatientName.Alphabetic LIKE 'DOE%'", "PatientID = 'LUNG1-001'"),
    ("StudyDate = 20200229", "DATE '2020-02-29'", "StudyDate = DATE '2020-02-29'",
     "FORMAT_DATE('%Y%m%d', StudyDate) = '20200229'"),
    ("StudyDate >= 2021", "EXTRACT(YEAR FROM StudyDate)", "EXTRACT(YEAR FROM StudyDate) >= 2021",
     "StudyDate > '2020-12-31'"),
    ("StudyDate BETWEEN 2019 AND 2020", "EXTRACT(YEAR FROM StudyDate)",
     "EXTRACT(YEAR FROM StudyDate) BETWEEN 2019 AND 2020",
     "StudyDate BETWEEN '2019-01-01' AND '2020-12-31'"),
    ("StudyDate LIKE '202002%'", "FORMAT_DATE('%Y%m%d', StudyDate)",
     "FORMAT_DATE('%Y%m%d', StudyDate) LIKE '202002%'", "DATE_TRUNC(StudyDate, MONTH) = '2020-02-01'"),
    ("StudyDate LIKE '2020-02%'", "CAST(StudyDate AS STRING)",
     "CAST(StudyDate AS STRING) LIKE '2020-02%'", "DATE_TRUNC(StudyDate, MONTH) = '2020-02-01'"),
    ("CAST(StudyDate AS INT64) > 20200301", "CAST(FORMAT_DATE('%Y%m%d', StudyDate) AS INT64)",
     "CAST(FORMAT_DATE('%Y%m%d', StudyDate) AS INT64) > 20200301", "StudyDate > '2020-03-01'"),
    ("StudyDateStr > DATE '2020-12-01'",
     "COALESCE(SAFE_CAST(StudyDateStr AS DATE), SAFE.PARSE_DATE('%Y%m%d', StudyDateStr))",
     "COALESCE(SAFE_CAST(StudyDateStr AS DATE), SAFE.PARSE_DATE('%Y%m%d', StudyDateStr)) "
     "> DATE '2020-12-01'",
     "SOPInstanceUID = '1.2.840.3.6'"),
    ("IsPhantom = 'true'", "write TRUE without quotes", "IsPhantom = TRUE", "IsPhantom"),
    ("StudyTime > '083000'", "TIME '08:30:00'", "StudyTime > TIME '08:30:00'",
     "EXTRACT(HOUR FROM StudyTime) > 8 OR SOPInstanceUID = '1.2.840.3.2'"),
    ("Modality = CT", "put text between quotes: 'CT'", "Modality = 'CT'", "Modality IN ('CT')"),
    ("Modality = NULL", "write IS NULL", "Modality IS NULL", "COALESCE(Modality, 'x') = 'x'"),
    ("Modality == 'CT'", "write = once", "Modality = 'CT'", "Modality IN ('CT')"),
    ("`Rows` % 100 = 12", "MOD", "MOD(`Rows`, 100) = 12", "`Rows` IN (512)"),
    ("Modality NOT LIKE ANY ('C%', 'M%')", "NOT LIKE", "Modality NOT LIKE 'C%' OR Modality NOT LIKE 'M%'",
     "Modality IS NOT NULL"),
    ("MD5(PatientID) = SHA512(PatientID)", "use SHA256 or MD5",
     "MD5(PatientID) = MD5(PatientID)", "PatientID IS NOT NULL"),
    ("INITCAP(Modality) = 'Ct'", "compare LOWER or UPPER", "LOWER(Modality) = LOWER('Ct')",
     "Modality IN ('CT', 'ct')"),
]  # fmt: skip


def selected(connection: duckdb.DuckDBPyConnection, predicate: str) -> list[str]:
    return sorted(row[0] for row in run(connection, ROWS + predicate, today=TODAY).rows)


@pytest.mark.parametrize(("sql", "proposed", "followed", "meant"), FOLLOWED)
def test_who_follows_a_hint_selects_what_the_words_meant(
    connection: duckdb.DuckDBPyConnection, sql: str, proposed: str | None, followed: str, meant: str
) -> None:
    with pytest.raises(PredicateError) as caught:
        run(connection, ROWS + sql, today=TODAY)
    assert (proposed or followed) in str(caught.value.hint)
    assert selected(connection, followed) == selected(connection, meant)


@pytest.mark.parametrize(
    "sql",
    [
        "`Rows` = 'abc'",
        "LOWER(`Rows`) = 5",
        "Modality = TRUE",
        "StudyDate LIKE 20200101",
        "SUBSTR(PatientID, 1.5) = 'x'",
        "Hash = 'abc'",
        "ImageType = ['A']",
        "SeriesNumber IN ('a', 'b')",
        "IsPhantom = 'maybe'",
        "StudyTime > Modality",
    ],
)
def test_where_nothing_is_known_to_be_meant_no_value_is_proposed(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    with pytest.raises(PredicateError) as caught:
        run(connection, ROWS + sql, today=TODAY)
    hint = str(caught.value.hint)
    assert not re.search(r"leave out the quotes|between quotes|without quotes|UNNEST", hint), hint
