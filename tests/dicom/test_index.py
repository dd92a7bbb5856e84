"""The index: the table of a folder, whatever order its files have, kept up to date, taken up again."""

from __future__ import annotations

import csv
import shutil
import stat
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, date, datetime
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import dicomfilter as dcf
from dicomfilter.dicom.headers import index_parts as parts_module
from dicomfilter.dicom.headers import reading, walk
from dicomfilter.dicom.headers.arrow import conformed
from dicomfilter.dicom.headers.catalog import Catalog
from dicomfilter.dicom.headers.header import NoInstanceError, read_header
from dicomfilter.dicom.headers.index import Indexed, index_folder, paths_beside
from dicomfilter.dicom.headers.survey import Changes
from dicomfilter.dicom.headers.table_rows import Flattener
from dicomfilter.errors import (
    DestinationError,
    DestinationExistsError,
    SourceError,
    SourceNotFoundError,
    TableError,
    UsageError,
)
from tests.dicom.files import FOLDER, bundled, named
from tests.studies import KINDS, Made, dataset_of, write_studies, written

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = datetime(2026, 1, 2, tzinfo=UTC)
OVERWRITE = dcf.BuildOptions(overwrite=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_studies(tmp_path / "scans", 4, 3)
    return tmp_path / "scans"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "metadata.parquet"


def rows(table: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(table).to_pylist()
    return found


def current(table: Path) -> set[str]:
    """Give the instances that a filter made of the table names."""
    with dcf.open_table(str(table)) as opened:
        opened.all().write_filter(str(table.with_suffix(".txt")), options=OVERWRITE)
    return {line.rpartition("/")[2] for line in table.with_suffix(".txt").read_text().splitlines()}


def findings(path: str | None) -> list[dict[str, str]]:
    assert path is not None
    with Path(path).open() as file:
        return list(csv.DictReader(file))


# Reads 190 files and writes 290 columns: 1 s.
def test_pydicom_s_own_files_are_indexed_as_they_are_read_one_by_one(tmp_path: Path) -> None:
    for name in ("test_files", "charset_files"):
        shutil.copytree(FOLDER / name, tmp_path / "scans" / name)
    made = index_folder(
        tmp_path / "scans", tmp_path / "m.parquet", errors=tmp_path / "errors.csv", workers=1
    )
    found = {row["SOPInstanceUID"]: row for row in rows(tmp_path / "m.parquet")}
    schema = pq.read_schema(tmp_path / "m.parquet")
    assert len(found) == made.instances == made.rows == made.changes.added > 100
    paths = pq.read_table(made.paths_uri)
    assert set(paths["SOPInstanceUID"].to_pylist()) == set(found)
    for row in paths.to_pylist():
        path = tmp_path / "scans" / row["path"]
        header = read_header(str(path))
        alone = Flattener().row(header.elements, little=header.little)
        indexed = found[row["SOPInstanceUID"]]
        assert header.instance == row["SOPInstanceUID"]
        assert indexed["BlobStorageSize"] == path.stat().st_size
        for name, value in alone.items():
            if name not in schema.names:  # a sequence that never has an item
                assert value == []
                continue
            kind = schema.field(name).type
            narrow = pa.array([indexed[name]], kind)
            given = pa.array([value], kind)
            assert conformed(given, kind) == narrow, (path.name, name)
        absent = {n for n, v in indexed.items() if v not in (None, [])} - set(alone)
        assert absent == {"LastUpdated", "StorageClass", "BlobStorageSize", "Type"}
    assert sum(made.passed.values()) == len(findings(made.errors_uri)) - sum(made.values.values())
    no_instances = sum(1 for path in bundled() if not is_instance(path))
    assert (
        made.passed["no-uid"] + made.passed["dicomdir"] + made.passed["truncated"] == no_instances
    )
    again = made.passed["duplicate"] + made.passed["conflict"]
    assert len(bundled()) == no_instances + made.instances + again


def is_instance(path: Path) -> bool:
    try:
        read_header(str(path))
    except NoInstanceError:
        return False
    return True


def test_columns_have_the_types_of_the_service(tmp_path: Path, table: Path) -> None:
    write_studies(tmp_path / "scans", len(KINDS), 1)
    index_folder(tmp_path / "scans", table)
    types = {f.name: str(f.type) for f in pq.read_schema(table)}
    assert types["StudyDate"] == "date32[day]"
    assert types["StudyTime"] == "time64[us]"
    assert types["AcquisitionDateTime"] == types["LastUpdated"] == "timestamp[us, tz=UTC]"
    assert types["Rows"] == types["BlobStorageSize"] == "int64"
    assert types["SingleCollimationWidth"] == "double"
    assert types["SliceThickness"] == types["InstanceNumber"] == types["Type"] == "string"
    assert types["FrameIncrementPointer"].startswith("list<")
    assert "int64" in types["FrameIncrementPointer"]
    with dcf.open_table(str(table)) as opened:
        kinds = {column.name: str(column.type) for column in opened.schema.columns}
    name = "STRUCT<FamilyName STRING, GivenName STRING, MiddleName STRING, NamePrefix STRING, NameSuffix STRING>"
    assert kinds["PatientName"] == f"STRUCT<Alphabetic {name}, Ideographic {name}, Phonetic {name}>"
    assert kinds["OtherElements"] == "ARRAY<STRUCT<Tag STRING, Data ARRAY<STRING>>>"
    assert kinds["DroppedTags"] == "ARRAY<STRUCT<TagName STRING>>"


def test_the_order_of_files_changes_nothing(tmp_path: Path) -> None:
    tables = []
    for order in (1, -1):
        scans = tmp_path / str(order)
        scans.mkdir()
        for number, kind in enumerate(KINDS[::order]):
            index = KINDS.index(kind)
            (scans / f"{number}.dcm").write_bytes(written(dataset_of(kind, index, f"1.2.{index}")))
        index_folder(scans, tmp_path / f"{order}.parquet", now=lambda: FIRST)
        tables.append(pq.read_table(tmp_path / f"{order}.parquet"))
    assert tables[0].schema == tables[1].schema
    one, other = (t.sort_by("SOPInstanceUID").to_pylist() for t in tables)
    assert one == other


def test_parts_of_any_size_and_any_number_of_workers_make_the_same_table(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = index_folder(folder, tmp_path / "a.parquet", workers=1, now=lambda: FIRST)
    monkeypatch.setattr(reading, "_CHUNK", 5)
    many = index_folder(folder, tmp_path / "b.parquet", workers=1, now=lambda: FIRST)
    monkeypatch.setattr(reading, "_FEW", 0)
    spread = index_folder(folder, tmp_path / "c.parquet", workers=2, now=lambda: FIRST)
    assert pq.read_table(whole.uri) == pq.read_table(many.uri) == pq.read_table(spread.uri)
    assert pq.read_table(whole.paths_uri) == pq.read_table(spread.paths_uri)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted(
        ["scans", *(f"{n}{e}" for n in "abc" for e in (".parquet", ".paths.parquet"))]
    )


def test_of_a_doubled_instance_the_first_is_kept(tmp_path: Path, folder: Path, table: Path) -> None:
    original = min(folder.rglob("*.dcm"))
    shutil.copy(original, folder / "z.dcm")
    made = index_folder(folder, table, errors=tmp_path / "errors.csv")
    assert (made.rows, made.passed, made.losses) == (12, {"duplicate": 1}, 0)
    assert findings(made.errors_uri) == [
        {"path": "z.dcm", "reason": "duplicate", "element": "", "detail": ""}
    ]
    # The original goes, and what was its double is the instance.
    original.unlink()
    made = index_folder(folder, table, update=True)
    assert (made.rows, made.instances, made.passed) == (13, 12, {})
    assert len(current(table)) == 12


def test_an_update_reads_and_adds_only_what_is_new(
    folder: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = index_folder(folder, table, now=lambda: FIRST)
    before, changed = rows(table), table.stat().st_mtime_ns
    again = index_folder(folder, table, update=True, now=lambda: SECOND)
    assert again.changes == Changes()
    assert (again.rows, again.columns) == (first.rows, first.columns)
    assert table.stat().st_mtime_ns == changed
    (new,) = write_studies(folder / "more", 1, 1, kinds=["SEG"], seed=3)
    read: list[str] = []
    real = parts_module.read_header
    monkeypatch.setattr(parts_module, "read_header", lambda p, m: read.append(p) or real(p, m))
    made = index_folder(folder, table, update=True, now=lambda: SECOND)
    assert [Path(path) for path in read] == [new.path]
    assert made.changes == Changes(added=1, read=1)
    assert made.columns > first.columns
    after = rows(table)
    names = set(before[0])
    assert [{n: row[n] for n in names} for row in after[:12]] == before
    assert after[12]["SOPInstanceUID"] == new.instance
    assert after[12]["LastUpdated"] == SECOND
    assert current(table) == {row["SOPInstanceUID"] for row in after}


def test_what_has_gone_is_a_deletion_and_what_comes_back_is_there_again(
    folder: Path, table: Path, tmp_path: Path
) -> None:
    index_folder(folder, table, now=lambda: FIRST)
    whole = current(table)
    gone = min(folder.rglob("*.dcm"))
    uid = read_header(str(gone)).instance
    gone.rename(tmp_path / "aside.dcm")
    made = index_folder(folder, table, update=True, now=lambda: SECOND)
    assert (made.changes, made.rows, made.instances) == (Changes(gone=1), 13, 11)
    last = rows(table)[-1]
    assert (last["SOPInstanceUID"], last["Type"], last["LastUpdated"]) == (uid, "DELETE", SECOND)
    assert last["PatientID"] is None
    assert current(table) == whole - {uid}
    # As it was, with its old time: that it is there again is news of today, or even of a clock
    # that goes wrong.
    (tmp_path / "aside.dcm").rename(gone)
    made = index_folder(folder, table, update=True, now=lambda: FIRST)
    assert (made.changes, made.rows) == (Changes(added=1, read=1), 14)
    assert rows(table)[-1]["LastUpdated"] > SECOND
    assert current(table) == whole


def test_a_changed_file_takes_the_place_of_what_it_was(folder: Path, table: Path) -> None:
    index_folder(folder, table, now=lambda: FIRST)
    one, two, *_ = sorted(folder.rglob("*.dcm"))
    data = one.read_bytes()
    one.write_bytes(data.replace(b"CT series, routine", b"CT series, changed"))
    header = read_header(str(two))
    moved = header.study[:-1] + ("1" if header.study[-1] != "1" else "2")
    two.write_bytes(two.read_bytes().replace(header.study.encode(), moved.encode()))
    made = index_folder(folder, table, update=True, now=lambda: SECOND)
    assert (made.changes.changed, made.instances) == (2, 12)
    added = rows(table)[12:]
    assert [row["Type"] for row in added] == ["CREATE", "CREATE", "DELETE"]
    assert (added[2]["StudyInstanceUID"], added[2]["SOPInstanceUID"]) == (
        header.study,
        header.instance,
    )
    with dcf.open_table(str(table)) as opened:
        assert opened.where("SeriesDescription = 'CT series, changed'").counts().instances == 1
        assert opened.where("StudyInstanceUID = @study", study=moved).counts().instances == 1
        assert opened.all().counts().instances == 12


def test_a_folder_that_cannot_be_looked_into_has_not_gone(
    folder: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_folder(folder, table)
    real = walk._entries

    def refuse(root: Path, path: str) -> list[str]:
        if path == "patient000000":
            raise PermissionError
        return real(root, path)

    monkeypatch.setattr(walk, "_entries", refuse)
    made = index_folder(folder, table, update=True)
    assert (made.changes, made.instances, made.passed) == (Changes(), 12, {"unreadable": 1})
    assert made.losses == 1


def test_storage_classes_are_those_of_the_catalog(folder: Path, table: Path) -> None:
    index_folder(folder, table, now=lambda: FIRST)
    uid = rows(table)[0]["SOPInstanceUID"]
    chosen = pa.table({"SOPInstanceUID": [uid]})
    Catalog.open(folder).set_storage_class("ARCHIVE", chosen)
    made = index_folder(folder, table, update=True, now=lambda: SECOND)
    assert made.changes.changed == 1
    last = rows(table)[-1]
    assert (last["SOPInstanceUID"], last["StorageClass"]) == (uid, "ARCHIVE")
    assert index_folder(folder, table, update=True).changes == Changes()
    fresh = index_folder(folder, table, overwrite=True)
    assert [r["StorageClass"] for r in rows(Path(fresh.uri))].count("ARCHIVE") == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_was_ended_goes_on_where_it_was(
    tmp_path: Path, folder: Path, table: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_CHUNK", 4)
    monkeypatch.setattr(reading, "_FEW", 0)
    whole = index_folder(folder, tmp_path / "whole.parquet", now=lambda: FIRST)

    def stop(step: str, _done: int = 0, _total: int | None = None, /) -> None:
        if step == "read":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_folder(folder, table, workers=workers, progress=stop)
    assert not table.exists()
    # What has changed since does not count.
    changed = min(folder.rglob("*.dcm"))
    changed.touch()
    made = index_folder(folder, table, workers=1, now=lambda: FIRST)
    assert made.resumed >= 3
    assert made.changes.added == 12
    one, other = (pq.read_table(t).sort_by("SOPInstanceUID") for t in (whole.uri, made.uri))
    assert one == other
    assert not (tmp_path / ".dicomfilter-metadata.parquet.parts").exists()


def test_parts_of_another_folder_are_not_taken_up(
    tmp_path: Path, folder: Path, table: Path
) -> None:
    def stop(step: str, _done: int = 0, _total: int | None = None, /) -> None:
        if step == "read":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_folder(folder, table, progress=stop)
    write_studies(tmp_path / "others", 1, 1, seed=5)
    made = index_folder(tmp_path / "others", table)
    assert (made.resumed, made.rows) == (0, 1)


def test_two_at_once_do_not_write_one_table(folder: Path, table: Path) -> None:
    def meanwhile(step: str, _done: int = 0, _total: int | None = None, /) -> None:
        if step == "read":
            with pytest.raises(DestinationError, match="another process"):
                index_folder(folder, table)

    assert index_folder(folder, table, progress=meanwhile).rows == 12


# Starts two processes of its own: 2 s.
def test_a_worker_that_ends_by_itself_is_an_error(folder: Path, table: Path) -> None:
    pids: list[int] = []

    def kill(step: str, _done: int = 0, _total: int | None = None, /) -> None:
        if step == "read":
            for child in active_children():
                pids.append(child.pid or 0)
                with suppress(ProcessLookupError):
                    child.kill()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_CHUNK", 1)
        patch.setattr(reading, "_FEW", 0)
        with pytest.raises(SourceError, match="ended by itself"):
            index_folder(folder, table, workers=2, progress=kill)
    assert pids
    assert not table.exists()
    assert index_folder(folder, table, workers=1).rows == 12


def test_what_is_not_in_the_table_is_listed_and_no_value_with_it(
    tmp_path: Path, folder: Path, table: Path
) -> None:
    whole = written(dataset_of("CT", 0, "1.2.3"))
    (folder / "cut.dcm").write_bytes(whole[:-10])
    (folder / "empty").touch()
    (folder / "notes.txt").write_text("no DICOM")
    (folder / "bare.dcm").write_bytes(whole[132:])
    (folder / "bad.dcm").write_bytes(
        whole.replace(b"1.2.3\0", b"1.2.4\0").replace(b"DA\x08\x0019300115", b"DA\x08\x0019301315")
    )
    (folder / "again").symlink_to(folder)
    made = index_folder(folder, table, errors=tmp_path / "errors.csv")
    assert made.passed == {
        "empty": 1,
        "no-preamble": 1,
        "not-dicom": 1,
        "symlink-loop": 1,
        "truncated": 1,
    }
    assert made.values == {"bad-value": 1}
    assert made.losses == 4
    found = {line["path"]: line for line in findings(made.errors_uri)}
    assert found["bad.dcm"] == {
        "path": "bad.dcm",
        "reason": "bad-value",
        "element": "PatientBirthDate",
        "detail": "DA",
    }
    assert set(found) == {"again", "bad.dcm", "bare.dcm", "cut.dcm", "empty", "notes.txt"}
    assert "19301315" not in (tmp_path / "errors.csv").read_text()
    assert stat.S_IMODE((tmp_path / "errors.csv").stat().st_mode) == 0o600
    (bad,) = [row for row in rows(table) if row["SOPInstanceUID"] == "1.2.4"]
    assert bad["PatientBirthDate"] is None


def test_an_empty_folder_is_an_empty_table(tmp_path: Path, table: Path) -> None:
    (tmp_path / "scans").mkdir()
    made = index_folder(tmp_path / "scans", table)
    assert (made.rows, made.instances) == (0, 0)
    write_studies(tmp_path / "scans", 1, 1)
    assert index_folder(tmp_path / "scans", table, update=True).rows == 1


def test_a_table_that_is_there_is_not_replaced_unasked(folder: Path, table: Path) -> None:
    table.write_text("mine")
    with pytest.raises(DestinationExistsError):
        index_folder(folder, table)
    assert table.read_text() == "mine"
    assert index_folder(folder, table, overwrite=True).rows == 12


def test_a_table_from_elsewhere_is_not_brought_up_to_date(
    tmp_path: Path, folder: Path, table: Path
) -> None:
    index_folder(folder, table)
    shutil.copy(table, tmp_path / "alone.parquet")
    pq.write_table(pa.table({"SOPInstanceUID": ["1"]}), tmp_path / "other.parquet")
    index_folder(folder, tmp_path / "second.parquet")
    shutil.copy(table, tmp_path / "second.parquet")
    for name in ("alone", "other", "second"):
        with pytest.raises(TableError, match="brought up to date"):
            index_folder(folder, tmp_path / f"{name}.parquet", update=True)


def test_a_folder_that_has_nothing_of_a_table_is_another_one(
    tmp_path: Path, folder: Path, table: Path
) -> None:
    index_folder(folder, table)
    before = table.read_bytes()
    (tmp_path / "not mounted").mkdir()
    (tmp_path / "others").mkdir()
    shutil.copy(named("CT_small.dcm"), tmp_path / "others")
    for other in ("not mounted", "others"):
        with pytest.raises(TableError, match="none of the 12 instances") as caught:
            index_folder(tmp_path / other, table, update=True)
        assert "--overwrite" in str(caught.value.hint)
    assert table.read_bytes() == before
    moved = folder.rename(tmp_path / "moved")
    assert index_folder(moved, table, update=True).changes.gone == 0


def test_an_update_and_an_overwrite_exclude_each_other(folder: Path, table: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        index_folder(folder, table, update=True, overwrite=True)


def test_a_folder_in_the_cloud_is_none_of_this_machine(table: Path) -> None:
    with pytest.raises(UsageError, match="gs://bucket/scans is in Cloud Storage"):
        index_folder("gs://bucket/scans", table)


def test_a_run_that_was_killed_between_table_and_paths_is_repaired(
    tmp_path: Path, folder: Path, table: Path
) -> None:
    made = index_folder(folder, table, now=lambda: FIRST)
    shutil.copy(made.paths_uri, tmp_path / "old")
    write_studies(folder / "more", 1, 1, seed=3)
    index_folder(folder, table, update=True, now=lambda: SECOND)
    shutil.copy(tmp_path / "old", made.paths_uri)
    again = index_folder(folder, table, update=True, now=lambda: SECOND)
    assert (again.rows, again.instances) == (14, 13)
    assert len(current(table)) == 13


@pytest.mark.parametrize("output", ["-", "gs://bucket/m.parquet", "metadata.csv"])
def test_a_table_is_a_local_parquet_file(folder: Path, output: str) -> None:
    with pytest.raises(UsageError, match="no local Parquet file"):
        index_folder(folder, output)


def test_a_folder_has_to_be_there(tmp_path: Path, table: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="no folder"):
        index_folder(tmp_path / "nothing", table)
    (tmp_path / "scans").mkdir()
    with pytest.raises(DestinationError):
        index_folder(tmp_path / "scans", tmp_path / "nowhere" / "m.parquet")


def test_without_pydicom_it_is_said_what_to_install(
    folder: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(UsageError, match="pydicom") as error:
        index_folder(folder, table)
    assert error.value.hint == "run `pip install 'dicomfilter[dicom]'`"


def test_filters_are_built_on_an_index(tmp_path: Path, table: Path) -> None:
    made: list[Made] = write_studies(tmp_path / "scans", 16, 2)
    index_folder(tmp_path / "scans", table)

    def chosen(predicate: str, **values: Any) -> set[str]:
        with dcf.open_table(str(table)) as opened:
            opened.where(predicate, **values).write_filter(
                str(tmp_path / "f.txt"), options=OVERWRITE
            )
        lines = (tmp_path / "f.txt").read_text().splitlines()
        return {line.rpartition("/")[2] for line in lines}

    def of(*numbers: int) -> set[str]:
        return {one.instance for number in numbers for one in made[2 * number : 2 * number + 2]}

    assert chosen("PatientName.Alphabetic.FamilyName = 'Müller'") == of(2, 3)
    assert chosen("StudyDate >= @start", start=date(2024, 1, 1)) == of(14)
    liver = "EXISTS (SELECT 1 FROM UNNEST(SegmentSequence) s WHERE s.SegmentLabel = 'Liver')"
    assert chosen(liver) == of(4, 12)
    assert chosen("'AXIAL' IN UNNEST(ImageType) AND StudyTime < '12:00:00'") == of(0)


def test_the_library_and_its_outcome_are_public() -> None:
    assert dcf.index_folder is index_folder
    assert dcf.Indexed is Indexed


def test_a_run_that_was_killed_between_table_and_list_is_put_right_by_the_next(
    folder: Path, table: Path
) -> None:
    index_folder(folder, table)
    before = paths_beside(table).read_bytes()
    gone, changed, *_ = sorted(folder.rglob("*.dcm"))
    gone.unlink()
    changed.write_bytes(changed.read_bytes() + bytes(8))
    write_studies(folder / "more", 1, 2, seed=9)
    index_folder(folder, table, update=True)
    whole, listed = rows(table), pq.read_table(paths_beside(table)).to_pylist()
    paths_beside(table).write_bytes(before)  # as kill -9 between the two files leaves it
    made = index_folder(folder, table, update=True)
    assert rows(table) == whole
    assert made.changes.added == made.changes.changed == made.changes.gone == 0
    assert pq.read_table(paths_beside(table)).to_pylist() == listed
    assert index_folder(folder, table, update=True).changes.read == 0


def test_what_changed_after_a_killed_run_is_a_new_row(folder: Path, table: Path) -> None:
    index_folder(folder, table)
    before = paths_beside(table).read_bytes()
    (made,) = write_studies(folder / "more", 1, 1, seed=9)
    index_folder(folder, table, update=True)
    paths_beside(table).write_bytes(before)
    data = made.path.read_bytes()
    made.path.unlink()
    again = index_folder(folder, table, update=True)
    assert (again.changes.gone, again.rows) == (1, 14)
    made.path.write_bytes(data)
    assert index_folder(folder, table, update=True).changes.added == 1


@pytest.mark.parametrize("seconds", [0.4, 1.0, 1.6])
def test_a_killed_run_leaves_nothing_that_the_next_does_not_remove(
    folder: Path, table: Path, seconds: float
) -> None:
    command = [f"{sys.prefix}/bin/dicomfilter", "index", str(folder), "-o", str(table), "-q"]
    index_folder(folder, table)
    write_studies(folder / "more", 1, 3, seed=9)
    with subprocess.Popen([*command, "--update"]) as process:
        time.sleep(seconds)
        process.kill()
    paths_beside(table).with_name(paths_beside(table).name + ".0123abcd.part").touch()
    subprocess.run([*command, "--update"], check=True, stdout=subprocess.DEVNULL)
    current = {(row["SOPInstanceUID"], row["Type"]) for row in rows(table)}
    assert len(current) == len(rows(table)) == 15
    assert sorted(p.name for p in table.parent.iterdir() if p != folder) == [
        table.name,
        paths_beside(table).name,
    ]


@pytest.mark.parametrize("which", ["t.paths.parquet", "errors.csv"])
@pytest.mark.parametrize("there", ["a file", "a link", "a dangling link"])
def test_what_lies_beside_is_not_replaced_unasked_and_no_link_followed(
    tmp_path: Path, folder: Path, which: str, there: str
) -> None:
    table, errors, mine = (tmp_path / name for name in ("t.parquet", "errors.csv", "mine"))
    if there != "a dangling link":
        mine.write_text("my own")
    if there == "a file":
        (tmp_path / which).write_text("my own")
    else:
        (tmp_path / which).symlink_to(mine)
    asked: list[dict[str, bool]] = [{}, {"update": True}] if which == "errors.csv" else [{}]
    for words in asked:
        with pytest.raises(DestinationExistsError, match=f"{which} exists already"):
            index_folder(folder, table, errors=errors, **words)
        assert not table.exists()
    index_folder(folder, table, errors=errors, overwrite=True)
    assert not (tmp_path / which).is_symlink()
    assert not mine.exists() or mine.read_text() == "my own"


def test_an_update_replaces_the_list_of_the_run_before(
    tmp_path: Path, folder: Path, table: Path
) -> None:
    (folder / "cut.dcm").write_bytes(written(dataset_of("CT", 0, "1.2.3"))[:-10])
    made = index_folder(folder, table, errors=tmp_path / "e.csv")
    (folder / "cut.dcm").unlink()
    assert len(findings(made.errors_uri)) == 1
    made = index_folder(folder, table, errors=tmp_path / "e.csv", update=True)
    assert not findings(made.errors_uri)
