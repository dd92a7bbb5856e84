"""Files are opened as what they are: no value of theirs is guessed at, none is lost."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from pyarrow import dataset, parquet

from dicomfilter.cohorts.selection import Selection
from dicomfilter.engines import open_engine
from dicomfilter.engines.duckdb.files import find_files
from dicomfilter.engines.duckdb.relations import exactly, open_source
from dicomfilter.errors import TableError
from dicomfilter.filters.build import build
from dicomfilter.googlesql.query import Query

if TYPE_CHECKING:
    from collections.abc import Callable

    Save = Callable[..., str]

HEAD = "PatientID,StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID,Modality\n"
ROW = "00123,1,1.1,1.1.1,CT\n"
UIDS = {"StudyInstanceUID": "1", "SeriesInstanceUID": "1.1", "SOPInstanceUID": "1.1.1"}


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write a file and give its path."""

    def save(content: str | bytes, name: str = "t.csv") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return save


def rows(*names: str) -> list[dict[str, Any]]:
    """Read a table as GoogleSQL sees it, in the order of its instances."""
    from sqlglot import exp

    with open_engine(names) as engine:
        columns = [exp.column(exp.to_identifier(c.name, quoted=True)) for c in engine.schema()]
        tree = exp.select(*columns).from_("metadata")
        found: list[dict[str, Any]] = engine.rows(Query(tree)).read_all().to_pylist()
    return sorted(found, key=str)


def one(*names: str) -> dict[str, Any]:
    (row,) = rows(*names)
    return row


# CSV


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (HEAD + ROW, "t.csv"),
        ((HEAD + ROW).replace(",", ";"), "t.csv"),
        ((HEAD + ROW).replace(",", "|"), "t.csv"),
        ((HEAD + ROW).replace(",", "\t"), "t.tsv"),
        ((HEAD + ROW).replace("\n", "\r\n"), "t.csv"),
        ("\ufeff" + HEAD + ROW, "t.csv"),
        (HEAD + '"00123","1","1.1","1.1.1","CT"\n', "t.csv"),
        ((HEAD + ROW).strip(), "t.csv"),
        (gzip.compress((HEAD + ROW).encode(), mtime=0), "t.csv.gz"),
    ],
)
def test_csv_of_any_make_is_read_as_text(save: Save, content: str | bytes, name: str) -> None:
    assert one(save(content, name)) == {**UIDS, "PatientID": "00123", "Modality": "CT"}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("", None),
        ('""', ""),
        ("NULL", "NULL"),
        ("NA", "NA"),
        ("#7", "#7"),
        ("'7'", "'7'"),
        ('"a ""b"" c"', 'a "b" c'),
        ('"a,b"', "a,b"),
        ('"a\nb"', "a\nb"),
        (" a ", " a "),
        ("1.2E+5", "1.2E+5"),
        ("2020-01-01", "2020-01-01"),
        ("true", "true"),
    ],
)
def test_a_cell_of_csv_is_the_text_that_stands_there(
    save: Save, cell: str, value: str | None
) -> None:
    content = HEAD + ROW + f"{cell},2,2.1,2.1.1,MR\n"
    found = {row["StudyInstanceUID"]: row["PatientID"] for row in rows(save(content))}
    assert found == {"1": "00123", "2": value}


def test_a_quote_or_a_hash_behind_the_sample_is_what_it_is_before(save: Save) -> None:
    many = "".join(f"p,1,1.1,1.1.{number},CT\n" for number in range(25_000))
    content = HEAD + many + '"q",2,2.1,2.1.1,"C""T"\n#r,3,3.1,3.1.1,CT\n'
    found = [row for row in rows(save(content)) if row["StudyInstanceUID"] != "1"]
    assert [(row["PatientID"], row["Modality"]) for row in found] == [("#r", "CT"), ("q", 'C"T')]


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("p,2,2.1\n", "line 25,002 of .* has 3 columns, not 5"),
        ("p,2,2.1,2.1.1,CT,more\n", "line 25,002 of .* has 6 columns, not 5"),
        ('"p,2,2.1,2.1.1,CT\n', "a quote is left open in line 25,002"),
    ],
)
def test_a_broken_row_of_csv_is_an_error_and_never_left_out(
    save: Save, tmp_path: Path, last: str, said: str
) -> None:
    many = "".join(f"secret,1,1.1,1.1.{number},CT\n" for number in range(25_000))
    path = save(HEAD + many + last)
    with pytest.raises(TableError, match=said) as caught:
        rows(path)
    assert "2.1" not in str(caught.value)
    with open_engine([path]) as engine, pytest.raises(TableError, match=said):
        build(engine, Selection(engine.schema()), str(tmp_path / "f.txt"))
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_several_csv_files_are_one_table_by_name(save: Save) -> None:
    other = "SOPInstanceUID,StudyInstanceUID,SeriesInstanceUID,Extra\n2.1.1,2,2.1,x\n"
    found = rows(save(HEAD + ROW, "a.csv"), save(other, "b.csv"))
    assert {(row["StudyInstanceUID"], row["PatientID"], row["Extra"]) for row in found} == {
        ("2", None, "x"),
        ("1", "00123", None),
    }


# NDJSON


def ndjson(*objects: dict[str, Any]) -> str:
    return "".join(json.dumps({**UIDS, **each}) + "\n" for each in objects)


@pytest.mark.parametrize(
    "value",
    [
        "00123",
        "2020-01-01",
        "20:15:00",
        "2020-01-01 12:00:00",
        "550e8400-e29b-41d4-a716-446655440000",
        "",
        "null",
        'with "quotes"\n',
    ],
)
def test_a_text_of_json_stays_the_text_that_it_is(save: Save, value: str) -> None:
    assert one(save(ndjson({"PatientID": value}), "t.ndjson"))["PatientID"] == value


def test_json_keeps_its_numbers_booleans_and_nests(save: Save) -> None:
    value = {
        "SeriesNumber": 3,
        "SliceThickness": 2.5,
        "BurnedIn": True,
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "PatientName": {"Alphabetic": {"FamilyName": "DOE"}},
        "Seq": [{"CodeValue": "1"}, {"CodeValue": "2"}],
    }
    assert one(save(ndjson(value), "t.jsonl")) == {**UIDS, **value}


def test_a_field_that_only_later_objects_have_is_a_column(save: Save) -> None:
    objects = [{} for _ in range(25_000)]
    objects.append({"PatientID": "late"})
    found = rows(save(ndjson(*objects), "t.ndjson"))
    assert [row["PatientID"] for row in found if row["PatientID"]] == ["late"]


def test_a_column_of_nothing_but_null_is_a_column(save: Save, tmp_path: Path) -> None:
    text = save(ndjson({"StudyDate": None, "PatientID": None}), "t.ndjson")
    path = tmp_path / "t.parquet"
    nothing = pa.nulls(1)
    whole = {name: [uid] for name, uid in UIDS.items()}
    parquet.write_table(pa.table({**whole, "StudyDate": nothing, "PatientID": nothing}), path)
    for name in (text, str(path)):
        assert one(name) == {**UIDS, "StudyDate": None, "PatientID": None}
        with open_engine([name]) as engine:
            types = {column.name: str(column.type) for column in engine.schema()}
        assert (types["StudyDate"], types["PatientID"]) == ("DATE", "STRING")


@pytest.mark.parametrize("broken", ['{"StudyInstanceUID":', "{]", "not json"])
def test_broken_json_is_an_error_and_never_left_out(save: Save, broken: str) -> None:
    with pytest.raises(TableError, match="cannot be read"):
        rows(save(ndjson({}, {}) + broken + "\n", "t.ndjson"))


# Parquet


def write_parquet(path: Path, **columns: list[Any]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = len(next(iter(columns.values())))
    whole = {name: [uid] * size for name, uid in UIDS.items()} | columns
    parquet.write_table(pa.table(whole), path)
    return str(path)


def test_several_parquet_files_are_one_table_by_name(tmp_path: Path) -> None:
    a = write_parquet(tmp_path / "a.parquet", PatientID=["p"], StudyDate=["2020-01-01"])
    b = write_parquet(tmp_path / "b.parquet", StudyDate=[date(2020, 1, 2)], Extra=[1])
    assert {(row["StudyDate"], row["PatientID"], row["Extra"]) for row in rows(a, b)} == {
        (date(2020, 1, 2), None, 1),
        (date(2020, 1, 1), "p", None),
    }


def test_hive_folders_are_columns_of_text(tmp_path: Path) -> None:
    values = {"PatientID": ["00123", "a b/c%", None], "Modality": ["CT", "MR", "CT"]}
    table = pa.table({**{name: [uid] * 3 for name, uid in UIDS.items()}, **values})
    parts = pa.schema([("Modality", pa.string()), ("PatientID", pa.string())])
    whole = tmp_path / "whole"
    dataset.write_dataset(
        table, whole, format="parquet", partitioning=dataset.partitioning(parts, flavor="hive")
    )
    expected = sorted(zip(*values.values(), strict=True), key=str)
    for name in (str(whole), f"{whole}/**/*.parquet", f"{whole}/*/*/*.parquet"):
        found = [(row["PatientID"], row["Modality"]) for row in rows(name)]
        assert sorted(found, key=str) == expected
    (only,) = (whole / "Modality=MR").rglob("*.parquet")
    assert one(str(only))["PatientID"] == "a b/c%"


@pytest.mark.parametrize("name", ["a*b", "[a]", "a?", "it's", 'say "a"', "a b", "ä", "a;b", "$a"])
def test_a_file_of_any_name_is_that_file_alone(tmp_path: Path, name: str) -> None:
    write_parquet(tmp_path / "axb.parquet", PatientID=["other"])
    write_parquet(tmp_path / "a.parquet", PatientID=["other"])
    path = write_parquet(tmp_path / name / f"{name}.parquet", PatientID=["mine"])
    assert one(path)["PatientID"] == "mine"
    assert one(str(tmp_path / name))["PatientID"] == "mine"


def test_a_path_is_spelled_so_that_it_matches_itself_alone() -> None:
    import fnmatch

    for path in ("a*b", "[ab]", "a?b", "a[b", "plain", "[!a]*"):
        assert fnmatch.fnmatchcase(path, exactly(path))
    assert not fnmatch.fnmatchcase("axb", exactly("a*b"))


# DuckDB files


def write_duckdb(path: Path, *statements: str) -> str:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return str(path)


TABLE = (
    "CREATE TABLE {} AS SELECT '{}' AS PatientID, '1' AS StudyInstanceUID, "
    "'1.1' AS SeriesInstanceUID, '1.1.1' AS SOPInstanceUID"
)


def test_the_one_table_with_uids_is_found(tmp_path: Path) -> None:
    path = write_duckdb(
        tmp_path / "h.duckdb", TABLE.format("dicom", "p"), "CREATE TABLE other AS SELECT 1 AS a"
    )
    assert one(path)["PatientID"] == "p"


def test_a_table_among_several_is_named(tmp_path: Path) -> None:
    path = write_duckdb(
        tmp_path / "h.duckdb",
        TABLE.format("first", "one"),
        "CREATE SCHEMA lab",
        TABLE.format('lab."Odd name"', "two"),
        "CREATE VIEW third AS FROM first",
    )
    with pytest.raises(TableError, match=r"holds 3 tables with the UID columns: lab\.Odd") as no:
        rows(path)
    assert no.value.hint == f"name one as {path}::TABLE"
    assert one(f"{path}::first")["PatientID"] == "one"
    assert one(f"{path}::FIRST")["PatientID"] == "one"
    assert one(f"{path}::Odd name")["PatientID"] == "two"
    assert one(f"{path}::lab.odd name")["PatientID"] == "two"
    assert one(f"{path}::third")["PatientID"] == "one"
    with pytest.raises(TableError, match="holds no tables called fourth"):
        rows(f"{path}::fourth")


def test_a_duckdb_file_is_only_read(tmp_path: Path) -> None:
    path = write_duckdb(tmp_path / "h.duckdb", TABLE.format("dicom", "p"))
    before = Path(path).read_bytes()
    with open_engine([path]) as engine, pytest.raises(duckdb.Error, match="read-only"):
        engine.connection.execute("DELETE FROM source_file.main.dicom")  # type: ignore[attr-defined]
    assert Path(path).read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["h.duckdb"]


def test_a_view_over_another_file_is_refused(tmp_path: Path) -> None:
    outside = write_parquet(tmp_path / "a.parquet", PatientID=["p"])
    view = f"CREATE VIEW v AS FROM read_parquet('{outside}')"
    path = write_duckdb(tmp_path / "h.duckdb", view)
    with pytest.raises(TableError, match="a view over what lies outside of its file"):
        rows(f"{path}::v")


# Files that are not what their names say


@pytest.mark.parametrize("name", ["t.parquet", "t.duckdb", "t.ndjson", "t.csv.gz", "t.parquet.gz"])
def test_a_file_that_is_not_what_its_name_says_is_named(save: Save, name: str) -> None:
    path = save("this is plain text, and long enough to be looked at\n" * 3, name)
    with pytest.raises(TableError, match=name) as caught:
        rows(path)
    assert "cannot be read" in str(caught.value)
    assert caught.value.hint in (
        "check that the file is whole and is what its name says",
        "write one whole object a line, or all of them as one array",
    )


@pytest.mark.parametrize("name", ["t.parquet", "t.duckdb"])
def test_a_file_cut_short_is_named(save: Save, tmp_path: Path, name: str) -> None:
    if name == "t.parquet":
        path = write_parquet(tmp_path / name, PatientID=[str(n) for n in range(1000)])
    else:
        path = write_duckdb(tmp_path / name, TABLE.format("dicom", "p"))
    save(Path(path).read_bytes()[:-500], name)
    with pytest.raises(TableError, match=f"{name} cannot be read"):
        rows(path)


def test_an_empty_file_has_no_columns(save: Save) -> None:
    for name in ("t.csv", "t.ndjson"):
        with pytest.raises(TableError, match=f"{name} is empty: it has no column"):
            open_engine([save("", name)])
    assert one(save("\n", "none.csv"), save(HEAD + ROW, "all.csv"))["PatientID"] == "00123"


def test_the_files_are_seen_as_source() -> None:
    import idc_index_data

    with duckdb.connect() as connection:
        open_source(connection, find_files(["idc"]), "source")
        (count,) = connection.execute("SELECT count(*) FROM source").fetchall()[0]
        path = str(idc_index_data.IDC_INDEX_PARQUET_FILEPATH)
        own = connection.execute("SELECT count(*) FROM read_parquet($path)", {"path": path})
        assert own.fetchall() == [(count,)]
