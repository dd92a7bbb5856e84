"""What stands in files counts; what their folders' names say fills in what they have not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from dicomfilter.engines import open_engine
from dicomfilter.errors import TableError
from tests.engines.test_relations import UIDS, ndjson, rows

if TYPE_CHECKING:
    from pathlib import Path

TABLE = pa.table(
    {name: [uid] for name, uid in {**UIDS, "Modality": "MR", "PatientID": "P1"}.items()}
)


def write(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(TABLE, path)
    elif path.suffix == ".csv":
        csv.write_csv(TABLE, path)
    else:
        path.write_text(ndjson({"Modality": "MR", "PatientID": "P1"}))
    return str(path)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "ndjson"])
@pytest.mark.parametrize(
    "folder",
    [
        "Modality=CT",
        "modality=CT",
        "StudyInstanceUID=9.9.9",
        "PatientID=A%2FB",
        "Modality=CT/PatientID=x",
        "SOPINSTANCEUID=",
        "Modality=__HIVE_DEFAULT_PARTITION__",
    ],
)
def test_a_folder_does_not_overrule_its_files(tmp_path: Path, folder: str, suffix: str) -> None:
    path = write(tmp_path / folder / f"t.{suffix}")
    for name in (path, str(tmp_path)):
        (found,) = rows(name)
        assert found == {**UIDS, "Modality": "MR", "PatientID": "P1"}
        with open_engine([name]) as engine:
            (note, *_) = engine.schema().caveats
        assert note.endswith("what their folders' names say of it is not used")


@pytest.mark.parametrize("suffix", ["parquet", "csv", "ndjson"])
def test_beside_a_doubled_folder_the_others_still_fill_in(tmp_path: Path, suffix: str) -> None:
    write(
        tmp_path
        / "Modality=CT"
        / "Site (a)=x%20y"
        / "Lot=__HIVE_DEFAULT_PARTITION__"
        / f"t.{suffix}"
    )
    (found,) = rows(str(tmp_path))
    assert (found["Modality"], found["Site (a)"], found["Lot"]) == ("MR", "x y", None)


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_folders_of_text_files_are_columns_of_text(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / "Site=007" / f"t.{suffix}")
    assert rows(str(tmp_path))[0]["Site"] == "007"


def test_columns_of_parquet_that_differ_in_case_alone_are_named(tmp_path: Path) -> None:
    doubled = TABLE.append_column("modality", pa.array(["CT"]))
    parquet.write_table(doubled, tmp_path / "t.parquet")
    with pytest.raises(TableError, match="has two columns called modality"):
        open_engine([str(tmp_path / "t.parquet")])
    named = TABLE.append_column("Modality_1", pa.array(["CT"]))
    parquet.write_table(named, tmp_path / "t.parquet")
    assert rows(str(tmp_path / "t.parquet"))[0]["Modality_1"] == "CT"
