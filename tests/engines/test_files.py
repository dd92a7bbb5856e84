"""From names to files: what is one table, what is none, and when it has changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dicomfilter.engines import is_bigquery, open_engine
from dicomfilter.engines.duckdb.files import Files, Format, find_files, looks_like_files
from dicomfilter.errors import TableError, TableNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    Touch = Callable[..., str]


@pytest.fixture
def touch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Touch:
    """Make files of the current folder and give the path of the last."""
    monkeypatch.chdir(tmp_path)

    def touch(*names: str) -> str:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        return str(tmp_path / names[-1])

    return touch


def short(files: Files) -> list[str]:
    """Name what was found, within the current folder."""
    return [str(Path(path).relative_to(Path.cwd())) for path in files.paths]


# What a name stands for


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("a.parquet", Format.PARQUET),
        ("a.PQ", Format.PARQUET),
        ("a.ndjson", Format.NDJSON),
        ("a.jsonl", Format.NDJSON),
        ("a.json", Format.NDJSON),
        ("a.csv", Format.CSV),
        ("a.tsv", Format.CSV),
        ("a.csv.gz", Format.CSV),
        ("a.ndjson.zst", Format.NDJSON),
        ("a.duckdb", Format.DUCKDB),
        ("a.ddb", Format.DUCKDB),
        ("a.db", Format.DUCKDB),
        ("a.b.c.parquet", Format.PARQUET),
    ],
)
def test_a_files_ending_says_what_it_is(touch: Touch, name: str, format_: Format) -> None:
    path = touch(name)
    found = find_files([name])
    assert found == Files(name, format_, (path,), names=(name,))
    assert looks_like_files(name)
    assert not is_bigquery(name)


@pytest.mark.parametrize("name", ["a.txt", "a", "a.gz", "a.parquet.bak", ".parquet", "a.xlsx"])
def test_a_file_of_another_ending_is_no_table(touch: Touch, name: str) -> None:
    touch(name)
    with pytest.raises(TableError, match="is no table that can be read") as caught:
        find_files([name])
    assert caught.value.hint == "name a .parquet, .ndjson, .csv or .duckdb file"


@pytest.mark.parametrize("name", ["no.parquet", "", "no/such/folder", "no.duckdb::t", "a\0.csv"])
def test_a_name_of_nothing_is_said(touch: Touch, name: str) -> None:
    touch("a.parquet")
    with pytest.raises(TableNotFoundError, match="no such file") as caught:
        find_files([name])
    assert isinstance(caught.value, FileNotFoundError)
    assert caught.value.exit_status == 2


def test_no_name_at_all_is_said() -> None:
    with pytest.raises(TableError, match="no table is named"):
        find_files([])
    with pytest.raises(TableError, match="no table is named"):
        open_engine([])


def test_several_files_are_one_table_in_their_order(touch: Touch) -> None:
    touch("a.parquet", "b.parquet", "c.parquet")
    found = find_files(["c.parquet", "a.parquet", "c.parquet"])
    assert short(found) == ["c.parquet", "a.parquet"]
    assert found.name == "c.parquet a.parquet c.parquet"
    assert found.names == ("c.parquet", "a.parquet", "c.parquet")


def test_a_file_by_two_names_is_one_file(touch: Touch, tmp_path: Path) -> None:
    touch("a.parquet")
    (tmp_path / "link.parquet").symlink_to("a.parquet")
    names = ["a.parquet", "./a.parquet", "link.parquet", str(tmp_path / "a.parquet")]
    assert short(find_files(names)) == ["a.parquet"]


def test_files_of_several_formats_are_no_table(touch: Touch) -> None:
    touch("a.parquet", "b.csv", "c.ndjson")
    with pytest.raises(TableError, match="mixes CSV and NDJSON and Parquet files"):
        find_files(["a.parquet", "b.csv", "c.ndjson"])


# Globs and folders


def test_a_glob_is_every_file_it_matches(touch: Touch) -> None:
    touch("m/b.parquet", "m/a.parquet", "m/deep/c.parquet", "m/notes.txt")
    assert short(find_files(["m/*.parquet"])) == ["m/a.parquet", "m/b.parquet"]
    assert short(find_files(["m/**/*.parquet"])) == [
        "m/a.parquet",
        "m/b.parquet",
        "m/deep/c.parquet",
    ]
    assert short(find_files(["m/[ab].parquet"])) == ["m/a.parquet", "m/b.parquet"]
    with pytest.raises(TableNotFoundError, match=r"no file matches m/\*\.csv"):
        find_files(["m/*.csv"])


def test_a_glob_that_is_a_files_own_name_is_that_file(touch: Touch) -> None:
    touch("a1.parquet", "a[1].parquet")
    assert short(find_files(["a[1].parquet"])) == ["a[1].parquet"]
    assert short(find_files(["a[2-9].parquet", "a1.parquet"][1:])) == ["a1.parquet"]


def test_a_folder_is_every_table_file_within(touch: Touch) -> None:
    touch(
        "m/y=2/b.parquet",
        "m/y=1/a.parquet",
        "m/_SUCCESS",
        "m/_temporary/x.parquet",
        "m/.hidden.parquet",
        "m/.cache/x.parquet",
        "m/README.md",
    )
    assert short(find_files(["m"])) == ["m/y=1/a.parquet", "m/y=2/b.parquet"]
    assert short(find_files(["m/"])) == ["m/y=1/a.parquet", "m/y=2/b.parquet"]


def test_what_a_build_leaves_in_a_folder_is_no_part_of_its_table(touch: Touch) -> None:
    touch("m/a.csv", "m/ct.txt", "m/ct.txt.manifest.json")
    touch("m/ct.txt.rejected.csv", "m/ct.txt.unmatched.csv")
    assert short(find_files(["m"])) == ["m/a.csv"]


def test_the_paths_beside_an_index_are_no_part_of_its_table(touch: Touch) -> None:
    touch("m/a.parquet", "m/a.paths.parquet")
    assert short(find_files(["m"])) == ["m/a.parquet"]
    assert short(find_files(["m/*.parquet"])) == ["m/a.parquet"]
    assert short(find_files(["m/*.paths.parquet"])) == ["m/a.paths.parquet"]
    assert short(find_files(["m/a.paths.parquet"])) == ["m/a.paths.parquet"]


def test_a_folder_without_a_table_says_so(touch: Touch, tmp_path: Path) -> None:
    touch("m/README.md")
    (tmp_path / "empty").mkdir()
    for name in ("m", "empty"):
        with pytest.raises(TableNotFoundError, match="holds no Parquet, NDJSON or CSV file"):
            find_files([name])


# DuckDB files and idc


def test_a_duckdb_file_may_name_a_table(touch: Touch) -> None:
    path = touch("h.duckdb")
    found = find_files(["h.duckdb::main.dicom"])
    assert (found.paths, found.table, found.name) == ((path,), "main.dicom", "h.duckdb::main.dicom")
    assert find_files(["h.duckdb"]).table is None


def test_a_file_may_hold_the_mark_in_its_own_name(touch: Touch) -> None:
    touch("a::b.parquet")
    assert short(find_files(["a::b.parquet"])) == ["a::b.parquet"]


def test_only_one_duckdb_file_is_read_at_a_time(touch: Touch) -> None:
    touch("a.duckdb", "b.duckdb")
    with pytest.raises(TableError, match="are 2 DuckDB files, and only one"):
        find_files(["a.duckdb", "b.duckdb"])


def test_a_parquet_file_holds_no_named_table(touch: Touch) -> None:
    touch("a.parquet")
    with pytest.raises(TableError, match="names a table in a Parquet file") as caught:
        find_files(["a.parquet::t"])
    assert caught.value.hint == "name a.parquet"


def test_idc_is_the_index_that_is_installed(touch: Touch) -> None:
    touch("a.parquet")
    found = find_files(["idc"])
    assert found.format is Format.PARQUET
    assert Path(found.paths[0]).stat().st_size > 50_000_000
    with pytest.raises(TableError, match="idc is a table of its own"):
        find_files(["idc", "a.parquet"])


# Fingerprints


def test_a_fingerprint_is_of_names_sizes_and_times(touch: Touch, tmp_path: Path) -> None:
    path = touch("a.csv", "b.csv")
    os.utime(path, (1e9, 1e9))
    os.utime(tmp_path / "a.csv", (1e9 + 5, 1e9 + 5))
    seen = find_files(["a.csv", "b.csv"]).fingerprint()
    assert (seen.uri, seen.names) == ("a.csv b.csv", ("a.csv", "b.csv"))
    assert (seen.rows, seen.size_bytes) == (None, len("a.csv") + len("b.csv"))
    assert seen.modified == "2001-09-09T01:46:45+00:00"
    assert find_files(["a.csv"]).fingerprint().names == ()


def test_any_change_of_a_file_changes_the_fingerprint(touch: Touch, tmp_path: Path) -> None:
    path = Path(touch("a.csv", "b.csv"))
    os.utime(path, (1e9, 1e9))
    digests = {find_files(["b.csv"]).fingerprint().digest}

    def note(*names: str) -> None:
        digest = find_files(names).fingerprint().digest
        assert digest not in digests
        digests.add(digest)

    path.write_text("longer than it was")
    os.utime(path, (1e9, 1e9))
    note("b.csv")
    os.utime(path, ns=(10**18, 10**18 + 1))
    note("b.csv")
    note("a.csv", "b.csv")
    note("b.csv", "a.csv")
    path.rename(tmp_path / "c.csv")
    note("c.csv")


def test_a_copy_of_the_same_files_is_the_same_table(touch: Touch, tmp_path: Path) -> None:
    path = touch("a.csv")
    (tmp_path / "copy").mkdir()
    shutil.copy2(path, tmp_path / "copy" / "a.csv")
    here, there = find_files(["a.csv"]).fingerprint(), find_files(["copy/a.csv"]).fingerprint()
    assert here.digest == there.digest
    assert here.uri != there.uri


def test_a_file_that_has_gone_is_said(touch: Touch, tmp_path: Path) -> None:
    touch("a.csv")
    files = find_files(["a.csv"])
    (tmp_path / "a.csv").unlink()
    with pytest.raises(TableError, match=r"a\.csv cannot be read any more: .*a\.csv has gone"):
        files.fingerprint()


# BigQuery's names


@pytest.mark.parametrize(
    ("name", "is_remote"),
    [
        ("bq://p.d.t", True),
        ("p.d.t", True),
        ("my-project:imaging.metadata", True),
        ("example.com:proj.d.t", True),
        ("bq://p.d.parquet", True),
        ("p.d.t/x.parquet", False),
        ("part.0.parquet", False),
        ("h.duckdb::main.t", False),
        ("idc", False),
        ("./a.b.c", False),
        ("*.parquet", False),
        ("metadata", False),
    ],
)
def test_a_name_is_of_files_or_of_bigquery(touch: Touch, name: str, *, is_remote: bool) -> None:
    touch("unrelated.csv")
    assert is_bigquery(name) == is_remote


def test_a_folder_named_like_a_table_is_that_folder(touch: Touch) -> None:
    touch("p.d.t/a.parquet")
    assert not is_bigquery("p.d.t")
    assert short(find_files(["p.d.t"])) == ["p.d.t/a.parquet"]
