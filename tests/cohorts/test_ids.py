"""Lists of identifiers are read from whatever people have, and what is odd is said."""

from __future__ import annotations

import io
import re
import sys
import time
from typing import TYPE_CHECKING

import pytest

from dicomfilter.cohorts.ids.id_lists import IdList, read_ids
from dicomfilter.errors import IdListError, SourceNotFoundError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def saved(tmp_path: Path):
    """Write a file and give its path."""

    def save(content: bytes | str, name: str = "ids.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return save


def values(ids: IdList) -> list[str]:
    return ids.values.to_pylist()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("PatientID,Note\n19045,a\n19046,b\n", "ids.csv"),
        ("Note;PatientID\na;19045\nb;19046\n", "ids.csv"),
        ("PatientID\tNote\n19045\ta\n19046\tb\n", "ids.tsv"),
        ("PatientID|Note\n19045|a\n19046|b\n", "ids.txt"),
        ("PatientID\n19045\n19046\n", "ids.txt"),
        ("PatientID\r\n19045\r\n19046\r\n", "ids.txt"),
        ("PatientID\r19045\r19046\r", "old-mac.csv"),
        ("PatientID\n19045\n19046", "no-final-newline.txt"),
        ("\n\nPatientID\n19045\n19046\n", "blank-head.txt"),
        ('"PatientID","Note"\n"19045","a, b"\n"19046","line\nbreak"\n', "quoted.csv"),
        ("sep=;\nPatientID;Note\n19045;a\n19046;b\n", "excel.csv"),
        ("\ufeffPatientID,Note\n19045,a\n19046,b\n", "bom.csv"),
        ("PatientID,Größe,\n19045,1,\n19046,2,\n", "umlaut.csv"),
    ],
)
def test_delimited_text_of_any_make_is_read(saved, content: str, name: str) -> None:
    ids = read_ids(saved(content, name))

    assert values(ids) == ["19045", "19046"]
    assert (ids.column, ids.source, ids.rows, ids.findings) == ("PatientID", name, 2, ())


@pytest.mark.parametrize(
    ("header", "keyword"),
    [
        ("PatientID", "PatientID"),
        ("patient_id", "PatientID"),
        (" Patient ID ", "PatientID"),
        ("MRN", "PatientID"),
        ("Accession Number", "AccessionNumber"),
        ("accession-no", "AccessionNumber"),
        ("StudyUID", "StudyInstanceUID"),
        ("STUDY INSTANCE UID", "StudyInstanceUID"),
        ("series_uid", "SeriesInstanceUID"),
        ("SOPInstanceUID", "SOPInstanceUID"),
    ],
)
def test_friendly_spellings_of_a_header_are_known(saved, header: str, keyword: str) -> None:
    ids = read_ids(saved(f"Nr,{header}\n7,1.2.3\n"))

    assert (ids.column, values(ids)) == (keyword, ["1.2.3"])


@pytest.mark.parametrize("column", ["AccessionNumber", "accessionnumber", "Accession Number"])
def test_a_named_column_is_taken_among_several(saved, column: str) -> None:
    ids = read_ids(saved("PatientID,AccessionNumber\n1,A7\n2,A8\n"), column=column)

    assert (ids.column, values(ids)) == ("AccessionNumber", ["A7", "A8"])


def test_any_column_of_the_metadata_can_be_named(saved) -> None:
    ids = read_ids(saved("collection_id,PatientID\nx1,1\n"), column="Collection_ID")

    assert (ids.column, values(ids)) == ("Collection_ID", ["x1"])


def test_a_plain_list_needs_only_the_column(saved) -> None:
    ids = read_ids(saved("19045\n19046\n"), column="patientid")

    assert (ids.column, values(ids), ids.rows) == ("PatientID", ["19045", "19046"], 2)


def test_an_unknown_header_over_one_column_is_left_out_and_said(saved) -> None:
    ids = read_ids(saved("our number\n19045\n19046\n"), column="PatientID")

    assert values(ids) == ["19045", "19046"]
    assert ids.findings == ("the first row was taken for a header and left out",)


def test_a_plain_list_of_words_has_no_header(saved) -> None:
    ids = read_ids(saved("liver\nlung\n"), column="collection_id")

    assert values(ids) == ["liver", "lung"]


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("19045\n19046\n", None, "no header that names an identifier"),
        ("a,b\n1,2\n", None, "names no identifier, only a, b"),
        ("PatientID,Accession Number\n1,2\n", None, "several identifiers: PatientID, Accession"),
        ("a,b\n1,2\n", "PatientID", "its header names a, b"),
        ("1,2\n3,4\n", "PatientID", "2 columns and no header"),
        ("AccessionNumber\nA7\n", "PatientID", "its header names AccessionNumber"),
        ("PatientID,patientid\n1,2\n", "PatientID", "2 columns PatientID"),
        ("PatientID,Name\n1,DOE\n2,DOE,JOHN\n", None, "row 3 of ids.csv has 3 columns, not 2"),
        ("PatientID,Name\n\n1\n", None, "row 3 of ids.csv has 1 column, not 2"),
        ('PatientID\n"19045\n19046\n', None, "identifier in row 2 of ids.csv has a line break"),
        ("PatientID\n\n \n", None, "holds no identifier"),
        ("PatientID\n", None, "holds no identifier"),
        ("", None, "is empty"),
        ("\ufeff\r\n", None, "is empty"),
    ],
)
def test_what_cannot_be_told_is_refused(saved, content: str, column, message: str) -> None:
    with pytest.raises(IdListError, match=message):
        read_ids(saved(content), column=column)


@pytest.mark.parametrize(
    ("raw", "message", "hint"),
    [
        (b"PK\x03\x04\x14\0xl/workbook.xml", "Excel workbook", "save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel workbook", "save it as CSV"),
        (b"\x1f\x8b\x08\0PatientID", "compressed", "gunzip"),
        (b"%PDF-1.7", "PDF", "CSV"),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"abcdefghij" * 9, "no text", "CSV"),
        (b"PAR1 but no more", "no whole Parquet", "again"),
    ],
)
def test_files_of_other_kinds_are_refused_by_name(saved, raw: bytes, message: str, hint) -> None:
    with pytest.raises(IdListError, match=message) as refused:
        read_ids(saved(raw))

    assert hint in (refused.value.hint or "")


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"missing\.csv"):
        read_ids(tmp_path / "missing.csv")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_other_unicode_is_decoded_and_said(saved, encoding: str) -> None:
    ids = read_ids(saved("PatientID\n19045\nMÜ-7\n".encode(encoding)))

    assert values(ids) == ["19045", "MÜ-7"]
    assert ids.findings == (() if "8" in encoding else ("the file was read as UTF-16",))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_what_is_not_utf_8_is_read_as_windows_does(saved, encoding: str) -> None:
    ids = read_ids(saved("PatientID;Name\n19045;Jürgen\nMÜ-7;x\n".encode(encoding)))

    assert values(ids) == ["19045", "MÜ-7"]
    assert ids.findings == ("the file is not UTF-8 and was read as Windows-1252",)


def test_rows_are_counted_by_what_became_of_them(saved) -> None:
    ids = read_ids(saved("PatientID\n2\n\n 1\n1\n  \n2\t\n\u00a03\n"))

    assert values(ids) == ["2", "1", "3"]
    assert (ids.rows, ids.blanks, ids.duplicates, ids.padded) == (7, 2, 2, 3)


def test_blank_rows_of_a_table_are_counted_too(saved) -> None:
    ids = read_ids(saved("PatientID,Name\n1,a\n\n,b\n1,c\n,\n"))

    assert (ids.rows, ids.blanks, ids.duplicates) == (5, 3, 1)


def test_quotes_and_delimiters_inside_a_value_stay(saved) -> None:
    ids = read_ids(saved('PatientID,Note\n"A,1","x"\n"say ""hi""",y\n'))

    assert values(ids) == ["A,1", 'say "hi"']


def test_values_are_never_taken_for_numbers_or_nulls(saved) -> None:
    odd = ["007", "1e5", "NULL", "nan", "true", "2020-13-45", "-1", "N/A"]
    ids = read_ids(saved("PatientID\n" + "\n".join(odd) + "\n"))

    assert values(ids) == odd
    assert ids.findings == ()


@pytest.mark.parametrize(
    ("spoilt", "finding"),
    [
        ("1.2E+5", "scientific notation"),
        ("1.23457E+11", "scientific notation"),
        ("1,23457E+11", "scientific notation"),
        ("123456789012345000", "only zeros after 15 digits"),
        ("19045.0", r"trailing \.0"),
        ("1,234,567", "separators of thousands"),
        ("1.234.567", "separators of thousands"),
        ("1 234", "separators of thousands"),
        ("#N/A", "error of a spreadsheet"),
        ("#NAME?", "error of a spreadsheet"),
        ("########", "error of a spreadsheet"),
        ("=A1+1", "formula"),
        ('="007"', "formula"),
        ("2021-03-04", "date"),
        ("2021-03-04 00:00:00", "date"),
        ("3/4/2021", "date"),
        ("04.03.2021", "date"),
        ("4-Mar", "date"),
        ("Mar-21", "date"),
    ],
)
def test_what_a_spreadsheet_spoilt_is_said_and_not_repaired(saved, spoilt, finding) -> None:
    quoted = '"' + spoilt.replace('"', '""') + '"'
    ids = read_ids(saved(f"PatientID\n0007\n{quoted}\n0008\n{quoted}\n"))

    assert values(ids) == ["0007", spoilt, "0008"]
    (said,) = ids.findings
    assert re.search(finding, said)
    assert said.endswith(": 1 value, first in row 3")
    assert spoilt not in said.replace("as 1.2E+5", "")


def test_the_row_of_a_finding_counts_blank_rows_and_all_values(saved) -> None:
    ids = read_ids(saved("sep=,\n\nPatientID,Name\nA1,x\n\n#N/A,y\n#REF!,z\n"))

    assert ids.findings == (
        "an error of a spreadsheet in place of a value: 2 values, first in row 6",
    )


@pytest.mark.parametrize(
    ("listed", "suspected"),
    [
        (["19045", "1904", "904"], 2),
        (["1234567", "234567", "34567"], 2),
        ([str(n) for n in range(9_000, 12_000)], 1_000),
        (["19045", "19046"], 0),  # of one length
        (["19045", "01904", "904"], 0),  # one has kept its zero
        (["19045", "A1904", "904"], 0),  # letters were not taken for numbers
        (["1", "22", "333"], 0),  # too short to have been padded
        ([str(n) for n in range(100, 10_200)], 0),  # mostly shorter: plain counting
    ],
)
def test_lost_leading_zeros_are_suspected_with_care(saved, listed, suspected: int) -> None:
    ids = read_ids(saved("PatientID\n" + "\n".join(listed) + "\n"))
    said = [finding for finding in ids.findings if "leading zeros may be lost" in finding]

    assert len(said) == bool(suspected)
    if suspected:
        assert f": {suspected:,} value" in said[0]


def test_uids_are_judged_as_uids(saved) -> None:
    uids = ["1.2.840.113619.2", "1.234.567", "12.03.2021", "2.25.123456789012345678000", "1.0"]
    good = read_ids(saved("StudyInstanceUID\n" + "\n".join(uids) + "\n"))
    bad = read_ids(saved("StudyInstanceUID\n1.2.3\n1.2E+5\n1.2.x\n"))

    assert good.findings == ()
    assert [said.partition(":")[0] for said in bad.findings] == [
        "scientific notation, as 1.2E+5, whose digits are lost",
        "characters that no UID holds",
    ]


@pytest.mark.parametrize("kind", ["int64", "uint8", "string", "large_string", "dictionary"])
def test_parquet_of_text_or_whole_numbers_is_read(tmp_path: Path, kind: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    column = pa.array(["19", None, "4", "19"])
    if kind == "dictionary":
        column = column.dictionary_encode()
    else:
        column = column.cast(getattr(pa, kind)())
    parquet.write_table(
        pa.table({"a.b": [1, 2, 3, 4], "Patient ID": column}), tmp_path / "ids.parquet"
    )
    ids = read_ids(tmp_path / "ids.parquet")

    assert values(ids) == ["19", "4"]
    assert (ids.column, ids.rows, ids.blanks, ids.duplicates) == ("PatientID", 4, 1, 1)
    assert values(read_ids(tmp_path / "ids.parquet", column="a.b")) == ["1", "2", "3", "4"]


def test_parquet_of_fractions_or_without_the_column_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    path = tmp_path / "ids.parquet"
    parquet.write_table(pa.table({"PatientID": [1.0], "Nr": [1]}), path)
    with pytest.raises(IdListError, match=r"PatientID of ids\.parquet is double") as refused:
        read_ids(path)
    with pytest.raises(IdListError, match="names PatientID, Nr"):
        read_ids(path, column="AccessionNumber")

    assert "text" in (refused.value.hint or "")


def test_standard_input_is_a_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"19045\n")))
    ids = read_ids("-", column="PatientID")

    assert (values(ids), ids.source) == (["19045"], "standard input")


def test_a_list_can_be_made_of_what_is_at_hand() -> None:
    import pandas as pd
    import pyarrow as pa

    for given in (
        ["b", "a", "b"],
        ("b", "a"),
        (text for text in "ba"),
        pa.array(["b", None, "a"]),
        pd.Series(["b", "a"], dtype="category"),
        pd.Series(["b", "a"]),
    ):
        assert values(IdList.of("PatientID", given)) == ["b", "a"]
    assert sorted(values(IdList.of("PatientID", {"a", "b"}))) == ["a", "b"]
    assert values(IdList.of("PatientID", [7, 8])) == ["7", "8"]
    assert IdList.of("PatientID", ["19045", "904"]).findings == ()  # no spreadsheet was there


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no identifier for PatientID"),
        ([None, " "], "no identifier"),
        ("19045", "one value is no list"),
        (["a", 1], "several types"),
        ([1.5], "neither text nor whole numbers"),
    ],
)
def test_what_is_no_list_of_identifiers_is_refused(given, message: str) -> None:
    with pytest.raises(IdListError, match=message):
        IdList.of("PatientID", given)


def test_values_are_not_in_the_repr(saved) -> None:
    ids = read_ids(saved("PatientID\nSECRET7\n"))

    assert "SECRET7" not in repr(ids)
    assert hash(ids) == hash(ids)


def test_a_million_identifiers_take_a_moment(saved) -> None:
    lines = "".join(f"{number:09d},A{number},x\n" for number in range(1_000_000))
    path = saved("PatientID,Accession Number,Note\n" + lines)
    start = time.process_time()
    ids = read_ids(path, column="AccessionNumber")

    assert len(ids.values) == ids.rows == 1_000_000
    assert time.process_time() - start < 5  # 1 s where this was written
