"""CSV: the header decides, cells are what stands there, and what does not fit is named by line."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from dicomfilter.engines import open_engine
from dicomfilter.errors import TableError
from tests.engines.test_relations import HEAD, ROW, one, rows, save

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.test_relations import Save

__all__ = ["save"]
PLANTED = "PLANTED77"
CELL = f"{PLANTED},1,1.1,1.1.1,CT\n"


def zstd(content: str) -> bytes:
    return pa.compress(content.encode(), "zstd", asbytes=True)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("sep=;\n" + (HEAD + ROW).replace(",", ";"), "t.csv"),
        ("\n\n" + HEAD + ROW, "t.csv"),
        ((HEAD + ROW).replace("\n", "\r"), "t.csv"),
        (("\ufeff" + HEAD + ROW).replace("\n", "\r\n"), "t.csv"),
        ((HEAD + ROW).replace("Modality", '"Modality"'), "t.csv"),
        (HEAD + "\n" + ROW + "\n", "t.csv"),
        (HEAD.replace("Modality", " Modality ") + ROW, "t.csv"),
    ],
)
def test_a_header_is_found_wherever_it_stands(save: Save, content: str, name: str) -> None:
    assert one(save(content, name))["Modality"] == "CT"
    assert one(save(zstd(content), name + ".zst"))["PatientID"] == "00123"
    assert one(save(gzip.compress(content.encode()), name + ".gz"))["PatientID"] == "00123"


def test_a_column_without_a_name_has_its_place_for_a_name(save: Save) -> None:
    assert one(save("," + HEAD + "0," + ROW))["column0"] == "0"


def test_a_zero_byte_within_a_cell_stays_in_it(save: Save) -> None:
    assert one(save(HEAD + "a\0b,1,1.1,1.1.1,CT\n"))["PatientID"] == "a\0b"


def test_files_of_other_headers_and_delimiters_are_one_table(save: Save) -> None:
    other = "modality;StudyInstanceUID;SeriesInstanceUID;SOPInstanceUID\nMR;2;2.1;2.1.1\n"
    found = rows(save(HEAD + ROW, "a.csv"), save(other, "b.csv"))
    assert sorted((row["Modality"], row["PatientID"]) for row in found) == [
        ("CT", "00123"),
        ("MR", None),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD + CELL + "\n(1 row)\n", "line 4 of .*t.csv has 1 column, not 5"),
        (HEAD + CELL + "1,2\n", "line 3 of .*t.csv has 2 columns, not 5"),
        (HEAD + CELL + CELL.replace("CT", "CT,MR"), "line 3 of .*t.csv has 6 columns, not 5"),
        (HEAD + CELL.replace(PLANTED, f'"{PLANTED}'), "a quote is left open in line 2"),
        (HEAD + CELL.replace(PLANTED, f'"{PLANTED}"x'), "line 2, or text follows it"),
        ((HEAD + CELL).encode("utf-16"), "is in UTF-16"),
        ((HEAD + CELL).encode("utf-16-le"), "is in UTF-16"),
        (
            (HEAD + CELL + f"{PLANTED}é,1,1.1,1.1.2,CT\n").encode("latin-1"),
            "line 3 of .* not in UTF-8",
        ),
        ((HEAD + CELL * 60_000 + "é").encode("latin-1"), "line 60,002 of .*t.csv is not in UTF-8"),
        (HEAD + CELL.replace("\n", "\r\n") + CELL, "its lines end in two ways"),
        (HEAD.replace("Modality", "PatientID") + CELL, "two columns of one name: PatientID"),
        (HEAD.replace("Modality", "patientid") + CELL, "one name: PatientID and patientid"),
        (gzip.compress((HEAD + CELL).encode(), mtime=0), "is not in UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_without_its_cells(
    save: Save, content: str | bytes, said: str
) -> None:
    with pytest.raises(TableError, match=said) as caught:
        rows(save(content))
    assert PLANTED not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__context__ is caught.value.__cause__ is None


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zst"])
def test_a_file_that_is_not_compressed_is_named(save: Save, name: str) -> None:
    with pytest.raises(TableError, match="not compressed as its name says"):
        open_engine([save(HEAD + CELL, name)])


def test_a_file_that_is_cut_short_is_named(save: Save) -> None:
    packed = gzip.compress((HEAD + CELL * 1000).encode())
    with pytest.raises(TableError, match="not compressed as its name says"):
        rows(save(packed[:-20], "t.csv.gz"))


def test_a_file_may_not_be_allowed_to_be_read(save: Save, tmp_path: Path) -> None:
    path = save(HEAD + CELL)
    (tmp_path / "t.csv").chmod(0)
    try:
        found = rows(path)  # whoever may read everything
    except TableError as error:
        assert "permission denied" in str(error)
    else:
        assert len(found) == 1
