"""The data dictionary knows every keyword, and the column that the service makes of it."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from dicomfilter.dictionary import Entry, entries, find, service_type

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "dicomfilter" / "dictionary.tsv").read_text("utf-8").splitlines()
VRS = {
    *("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF"),
    *("OL", "OV", "OW", "PN", "SH", "SL", "SQ", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN"),
    *("UR", "US", "UT", "UV"),
}


def test_the_file_has_a_head_and_is_sorted_without_regard_to_case() -> None:
    keywords = [line.split("\t")[0].lower() for line in LINES[1:]]

    assert LINES[0] == "keyword\ttag\tvr\tvm\tname"
    assert keywords == sorted(set(keywords))
    assert len(keywords) > 5_000


def test_every_line_has_the_shape_of_a_data_element() -> None:
    for line in LINES[1:]:
        keyword, tag, vr, vm, name = line.split("\t")
        assert name.strip() == name != "", line
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", keyword), line
        assert re.fullmatch(r"[0-9A-Fx]{8}", tag), line
        assert vr == "NONE" or set(vr.split(" or ")) <= VRS, line
        assert re.fullmatch(r"[1-9][0-9]*(-([1-9][0-9]*n?|n))?", vm), line


def test_tags_are_given_out_once() -> None:
    tags = [line.split("\t")[1] for line in LINES[1:]]

    assert len(set(tags)) == len(tags)


def test_the_file_is_what_the_generator_prints() -> None:
    pytest.importorskip("pydicom", minversion="3.0.2")
    made = runpy.run_path(str(ROOT / "tools" / "dictionary.py"))

    assert list(made["rows"]()) == LINES


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "studyinstanceuid", "STUDYINSTANCEUID"])
def test_a_keyword_is_found_in_any_case_and_told_in_the_standards(keyword: str) -> None:
    assert find(keyword) == Entry("StudyInstanceUID", "0020000D", "UI", "1", "Study Instance UID")


@pytest.mark.parametrize("keyword", ["", "Study", "StudyInstanceUIDs", "LastUpdated", "keyword"])
def test_what_the_standard_does_not_know_is_not_found(keyword: str) -> None:
    assert find(keyword) is None


NAME = "STRUCT<FamilyName STRING, GivenName STRING, MiddleName STRING, NamePrefix STRING, "
NAME += "NameSuffix STRING>"
NAMES = f"STRUCT<Alphabetic {NAME}, Ideographic {NAME}, Phonetic {NAME}>"


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("PatientID", "STRING"),  # LO
        ("Modality", "STRING"),  # CS
        ("PatientAge", "STRING"),  # AS
        ("SOPInstanceUID", "STRING"),  # UI
        ("RetrieveURL", "STRING"),  # UR
        ("SliceThickness", "STRING"),  # DS: text, though it looks like a number
        ("InstanceNumber", "STRING"),  # IS
        ("PixelSpacing", "ARRAY<STRING>"),  # DS, 2
        ("ImageType", "ARRAY<STRING>"),  # CS, 2-n
        ("StudyDate", "DATE"),
        ("StudyTime", "TIME"),
        ("AcquisitionDateTime", "TIMESTAMP"),
        ("DateOfLastCalibration", "ARRAY<DATE>"),  # DA, 1-n
        ("Rows", "INT64"),  # US
        ("SmallestImagePixelValue", "INT64"),  # US or SS
        ("ReferencePixelX0", "INT64"),  # SL
        ("FrameIncrementPointer", "ARRAY<INT64>"),  # AT, 1-n
        ("DiffusionBValue", "FLOAT64"),  # FD
        ("DiffusionGradientOrientation", "ARRAY<FLOAT64>"),  # FD, 3
        ("RecommendedDisplayFrameRateInFloat", "FLOAT64"),  # FL
        ("PatientName", NAMES),
        ("OperatorsName", f"ARRAY<{NAMES}>"),
        ("ProcedureCodeSequence", "ARRAY<STRUCT<>>"),
    ],
)
def test_an_element_becomes_the_column_that_the_service_writes(keyword: str, expected: str) -> None:
    entry = find(keyword)

    assert entry is not None
    assert str(service_type(entry)) == expected


@pytest.mark.parametrize(
    "keyword",
    ["PixelData", "EncapsulatedDocument", "SelectorUVValue", "LUTData", "OverlayRows", "Item"],
)
def test_what_becomes_no_column_or_an_unknown_one_has_no_type(keyword: str) -> None:
    entry = find(keyword)

    assert entry is not None
    assert service_type(entry) is None


def test_every_element_has_a_type_or_none_without_an_error() -> None:
    entries = [Entry(*line.split("\t")) for line in LINES[1:]]
    without = {e.vr for e in entries if service_type(e) is None and "x" not in e.tag}

    assert {vr for vr in without if not vr.startswith("O")} == {
        *("NONE", "SV", "UN", "UV", "US or OW", "US or SS or OW"),
    }
    assert len([entry for entry in entries if service_type(entry)]) > 4_900


def test_a_look_up_loads_nothing_heavy() -> None:
    loaded = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, dicomfilter.dictionary as d; d.find('Modality'); print(*sys.modules)",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert not {"duckdb", "pyarrow", "sqlglot", "pydicom", "pandas"} & set(loaded)


def test_all_entries_are_listed_and_found_by_their_keywords() -> None:
    listed = entries()
    assert len(listed) > 5000
    assert all(find(entry.keyword) == entry for entry in listed[::50])
