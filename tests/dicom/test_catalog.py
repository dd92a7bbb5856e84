"""The catalog of a folder: as the folder is, wherever it may be kept, whoever else looks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dicomfilter.dicom.headers import catalog as catalogs
from dicomfilter.dicom.headers import reading
from dicomfilter.dicom.headers.catalog import Catalog, catalog_of, place_of
from dicomfilter.dicom.headers.survey import Changes
from dicomfilter.errors import SourceError, SourceNotFoundError
from tests.studies import Made, write_studies

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_studies(tmp_path / "scans", 3, 2)
    return tmp_path / "scans"


def rows(catalog: Catalog) -> list[dict[str, Any]]:
    return [row for batch in catalog.batches() for row in batch.to_pylist()]


def others(catalog: Catalog) -> dict[str, str]:
    table = pq.read_table(catalog.others)
    return dict(zip(table["path"].to_pylist(), table["Reason"].to_pylist(), strict=True))


def files_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note which files are read from now on."""
    read: list[str] = []
    real = reading.read_header

    def noting(path: str, memory: Any = None) -> Any:
        read.append(path)
        return real(path, memory)

    monkeypatch.setattr(reading, "read_header", noting)
    return read


def test_every_instance_is_a_row(tmp_path: Path) -> None:
    made = write_studies(tmp_path, 8, 2)
    found = rows(Catalog.open(tmp_path, now=lambda: FIRST))
    assert [
        (r["StudyInstanceUID"], r["SeriesInstanceUID"], r["SOPInstanceUID"]) for r in found
    ] == [(m.study, m.series, m.instance) for m in made]
    for row, one in zip(found, made, strict=True):
        assert row["path"] == one.path.relative_to(tmp_path).as_posix()
        assert row["size_bytes"] == one.path.stat().st_size
        assert row["modified_ns"] == one.path.stat().st_mtime_ns
        assert (row["StorageClass"], row["Type"], row["LastUpdated"]) == (
            "STANDARD",
            "CREATE",
            FIRST,
        )
        assert row["NumberOfFrames"] == {"US": 3, "SEG": 2}.get(one.kind)
        assert row["TransferSyntaxUID"].startswith("1.2.840.10008.1.2")


def test_what_has_not_changed_is_not_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "notes.txt").write_text("no DICOM")
    first = Catalog.open(folder)
    before = first.parquet.stat().st_mtime_ns
    read = files_read(monkeypatch)
    again = Catalog.open(folder)
    assert (again.changes, again.instances, again.errors) == (Changes(), 6, {"not-dicom": 1})
    assert read == []
    assert again.parquet.stat().st_mtime_ns == before


def test_what_is_new_changed_or_gone_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Catalog.open(folder, now=lambda: FIRST)
    one, two, *_ = sorted(folder.rglob("*.dcm"))
    one.unlink()
    two.write_bytes(two.read_bytes() + b"\0\0")
    write_studies(folder / "more", 1, 1, seed=9)
    read = files_read(monkeypatch)
    found = Catalog.open(folder, now=lambda: SECOND)
    assert (found.changes, found.instances) == (Changes(added=1, changed=1, gone=1, read=2), 6)
    assert len(read) == 2
    moments = {row["path"]: row["LastUpdated"] for row in rows(found)}
    assert moments.pop(two.relative_to(folder).as_posix()) == SECOND
    assert moments.pop("more/patient000000/study000000/CT/000001.dcm") == SECOND
    assert set(moments.values()) == {FIRST}


def test_of_a_doubled_instance_the_first_stays_until_it_goes(folder: Path) -> None:
    original = min(folder.rglob("*.dcm"))
    shutil.copy(original, folder / "copy.dcm")
    name = original.relative_to(folder).as_posix()
    found = Catalog.open(folder)
    assert (found.instances, found.errors) == (6, {"duplicate": 1})
    kept = "copy.dcm"  # the first by name
    assert kept in {row["path"] for row in rows(found)}
    assert others(found) == {name: "duplicate"}
    # A file of a name before is the newly pushed one now, and is ignored.
    shutil.copy(original, folder / "a.dcm")
    assert others(Catalog.open(folder)) == {name: "duplicate", "a.dcm": "duplicate"}
    (folder / kept).unlink()
    last = Catalog.open(folder)
    assert "a.dcm" in {row["path"] for row in rows(last)}
    assert others(last) == {name: "duplicate"}


def test_a_file_that_could_not_be_read_is_tried_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = os.open, str(min(folder.rglob("*.dcm")))

    def refuse(path: Any, *arguments: Any, **named: Any) -> int:
        if path == refused:
            raise PermissionError(13, "no")
        return real(path, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert Catalog.open(folder).errors == {"unreadable": 1}
    assert Catalog.open(folder).errors == {}


def test_a_storage_class_is_recorded_and_stays(folder: Path) -> None:
    catalog = Catalog.open(folder, now=lambda: FIRST)
    chosen = pa.table({"SOPInstanceUID": [rows(catalog)[0]["SOPInstanceUID"], "1.2.3"]})
    assert catalog.set_storage_class("COLDLINE", chosen, now=lambda: SECOND) == 1
    write_studies(folder / "more", 1, 1, seed=9)
    first, *rest = rows(Catalog.open(folder))
    assert (first["StorageClass"], first["LastUpdated"]) != ("STANDARD", FIRST)
    classes = [(row["StorageClass"], row["path"]) for row in (first, *rest)]
    assert sorted({name for name, _ in classes}) == ["COLDLINE", "STANDARD"]


def test_a_folder_that_cannot_be_written_is_cataloged_in_the_cache(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    real = catalogs._usable
    monkeypatch.setattr(catalogs, "_usable", lambda p: p.name != ".dicomfilter" and real(p))
    found = Catalog.open(folder)
    assert found.place.is_relative_to(tmp_path / "cache" / "dicomfilter" / "catalogs")
    assert not (folder / ".dicomfilter").exists()
    assert Catalog.open(folder).changes == Changes()
    # By whatever name the folder is given.
    (tmp_path / "link").symlink_to(folder)
    assert place_of(tmp_path / "link") == found.place
    assert catalog_of(tmp_path / "link") == found.parquet
    monkeypatch.setattr(catalogs, "_usable", lambda _: False)
    with pytest.raises(SourceError, match="can be written"):
        Catalog.open(folder)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="no folder"):
        Catalog.open(tmp_path / "nothing")


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"no Parquet at all"])
def test_a_catalog_that_is_damaged_is_made_anew(folder: Path, damage: bytes) -> None:
    catalog = Catalog.open(folder)
    catalog.parquet.write_bytes(damage)
    catalog.others.write_bytes(damage)
    assert Catalog.open(folder).instances == 6


def test_what_a_killed_process_left_is_removed(folder: Path) -> None:
    place = Catalog.open(folder).place
    (place / "catalog.parquet.0000.part").write_text("half")
    Catalog.open(folder)
    assert sorted(path.name for path in place.iterdir()) == [
        "catalog.parquet",
        "lock",
        "others.parquet",
    ]


def test_an_exception_leaves_the_catalog_as_it_was(folder: Path) -> None:
    before = rows(Catalog.open(folder))
    write_studies(folder / "more", 1, 1, seed=9)

    def stop(step: str, _done: int = 0, _total: int | None = None, /) -> None:
        if step == "read":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Catalog.open(folder, progress=stop)
    assert pq.read_table(catalog_of(folder)).num_rows == len(before)
    assert Catalog.open(folder).instances == 7


# Starts two processes of its own: 2 s.
def test_processes_that_open_a_folder_at_once_agree(folder: Path) -> None:
    code = f"from dicomfilter.dicom.headers.catalog import Catalog; print(Catalog.open({str(folder)!r}).instances)"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate(timeout=60)[0].strip() for process in running] == ["6"] * 2
    assert Catalog.open(folder).changes == Changes()


# Starts a process, and two more in that: 3 s.
def test_a_killed_process_takes_its_workers_with_it(tmp_path: Path) -> None:
    made: list[Made] = write_studies(tmp_path / "scans", 4, 600, kinds=["PR"])
    script = tmp_path / "open.py"
    script.write_text(
        "from dicomfilter.dicom.headers.catalog import Catalog\n"
        "from dicomfilter.dicom.headers import reading\n"
        "import time\n"
        "reading._FEW = 0\n"
        "def stop(step, done=0, total=None):\n"
        "    if step == 'read':\n"
        "        print(done, flush=True)\n"
        "        time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        f"    Catalog.open({str(tmp_path / 'scans')!r}, workers=2, progress=stop)\n"
    )
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        family = below(process.pid)
        assert len(family) >= 2
        process.kill()
    until = time.monotonic() + 20
    while any(alive(pid) for pid in family) and time.monotonic() < until:
        time.sleep(0.05)
    assert [pid for pid in family if alive(pid)] == []
    assert Catalog.open(tmp_path / "scans", workers=1).instances == len(made)


def below(pid: int) -> set[int]:
    """List the processes that a process has started, and those that these have."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int(
                (folder / "stat").read_text().rpartition(")")[2].split()[1]
            )
        except OSError:
            continue
    found: set[int] = set()
    waiting = {pid}
    while waiting:
        waiting = {child for child, parent in parents.items() if parent in waiting} - found
        found |= waiting
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
