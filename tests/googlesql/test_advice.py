"""What is suggested knows DICOM: how its texts are read as numbers, dates and names."""

from __future__ import annotations

import pytest

from dicomfilter.cohorts.explanation import explain, standard_schema
from dicomfilter.errors import PredicateError

TABLES = {"metadata": standard_schema()}


@pytest.mark.parametrize(
    ("sql", "hint"),
    [
        ("SliceThickness > 3", "write SAFE_CAST(SliceThickness AS FLOAT64)"),
        ("3 < SliceThickness", "write SAFE_CAST(SliceThickness AS FLOAT64)"),
        ("InstanceNumber = 3", "write SAFE_CAST(InstanceNumber AS INT64)"),
        (
            "PatientAge >= 60",
            "write SAFE_CAST(REGEXP_EXTRACT(PatientAge, r'^([0-9]+)Y$') AS INT64)",
        ),
        (
            "PatientID = 19045",
            "put the number between quotes, '19045', or write SAFE_CAST(PatientID AS INT64)",
        ),
        ("PatientName = 'DOE'", "PatientName.Alphabetic.FamilyName = 'DOE'"),
        (r"PatientName = 'O\'NEILL'", "PatientName.Alphabetic.FamilyName = 'X'"),
        ("ImageType = 'PRIMARY'", "search an array with 'PRIMARY' IN UNNEST(ImageType)"),
        ("ImageType.x = 'PRIMARY'", "search an array with 'X' IN UNNEST(ImageType)"),
        (
            "OtherPatientNames.Alphabetic IS NULL",
            "write EXISTS (SELECT 1 FROM UNNEST(OtherPatientNames) AS x WHERE x.Alphabetic",
        ),
        ("StudyDate = 20210101", "write DATE '2021-01-01'"),
        ("StudyDate = 2021", "write EXTRACT(YEAR FROM StudyDate)"),
        ("StudyDate = DATE '20210101'", "write DATE '2021-01-01'"),
        ("ContentTime < '083000'", "write TIME '08:30:00'"),
        ("WaveformSequence IS NULL", "WaveformSequence of DICOM is not in this table"),
        ("PatientIDs = 'x'", "write PatientID"),
        ("[my-project:dicom.metadata] = 1", "write `my-project.dicom.metadata` in GoogleSQL"),
    ],
)
def test_a_hint_says_what_to_write(sql: str, hint: str) -> None:
    with pytest.raises(PredicateError) as caught:
        explain(sql, TABLES)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    "sql",
    [
        "SAFE_CAST(SliceThickness AS FLOAT64) > 3",
        "SAFE_CAST(REGEXP_EXTRACT(PatientAge, r'^([0-9]+)Y$') AS INT64) >= 60",
        "'PRIMARY' IN UNNEST(ImageType)",
        "EXISTS (SELECT 1 FROM UNNEST(ImageType) AS x WHERE x LIKE 'PRI%')",
        "PatientName.Alphabetic.FamilyName = 'DOE'",
        "StudyDate = DATE '2021-01-01'",
        "ContentTime < TIME '08:30:00'",
    ],
)
def test_what_is_suggested_is_taken(sql: str) -> None:
    explain(sql, TABLES)
