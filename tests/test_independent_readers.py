"""What a folder exports is taken by an archive of another maker, and is what it was there."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pydicom
import pytest

import dicomfilter
from dicomfilter.dicom.deid.deidentification import Deidentifier, deidentify_file
from dicomfilter.dicom.deid.pseudonyms import Pseudonyms
from tests.dicom.images import SAMPLES
from tests.dicom.readers import run
from tests.orthanc import Orthanc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STUDIES = ("98892001", "98892003", "77654033")
FORMS = (None, "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5")


@pytest.fixture(scope="module")
def server() -> Iterator[Orthanc]:
    with Orthanc() as server:
        yield server


@pytest.fixture
def orthanc(server: Orthanc) -> Orthanc:
    """Give it empty."""
    server.clear()
    return server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("images")
    for name in STUDIES:
        shutil.copytree(SAMPLES / "dicomdirtests" / name, found / name)
    return found


def uids(path: Path) -> tuple[str, str, str]:
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    return dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID


def files(folder: Path) -> list[Path]:
    found = folder.rglob("*")
    return sorted(path for path in found if path.is_file() and ".dicomfilter" not in path.parts)


@pytest.mark.parametrize("syntax", FORMS)
def test_orthanc_takes_what_was_exported_and_counts_the_same(
    syntax: str | None, folder: Path, tmp_path: Path, orthanc: Orthanc
) -> None:
    mime_type = syntax and f"application/dicom; transfer-syntax={syntax}"
    store = dicomfilter.open_store(str(folder))
    store.export_to_gcs(str(tmp_path), everything=True, mime_type=mime_type).wait()
    exported = files(tmp_path)
    assert {orthanc.store(path) for path in exported} == {"Success"}
    wanted = {uids(path) for path in files(folder)}
    assert orthanc.paths() == wanted
    studies, series, instances = (len({each[: n + 1] for each in wanted}) for n in range(3))
    assert orthanc.count() == (studies, series, instances) == (6, 13, 31)


def test_orthanc_takes_only_what_a_filter_names(
    folder: Path, tmp_path: Path, orthanc: Orthanc
) -> None:
    lines = sorted({f"/studies/{study}\n" for study, _, _ in map(uids, files(folder))})[:2]
    wanted = {each for each in map(uids, files(folder)) if f"/studies/{each[0]}\n" in lines}
    (tmp_path / "filter.txt").write_text("".join(lines))
    store = dicomfilter.open_store(str(folder))
    store.export_to_gcs(str(tmp_path / "out"), filter=str(tmp_path / "filter.txt")).wait()
    assert {orthanc.store(path) for path in files(tmp_path / "out")} == {"Success"}
    assert orthanc.paths() == wanted


def test_orthanc_takes_what_was_de_identified(
    folder: Path, tmp_path: Path, orthanc: Orthanc
) -> None:
    deidentifier = Deidentifier(Pseudonyms(bytes(32)))
    for number, path in enumerate(files(folder)):
        with (tmp_path / str(number)).open("wb") as target:
            deidentify_file(path, deidentifier, target)
    assert {orthanc.store(path) for path in files(tmp_path)} == {"Success"}
    assert orthanc.count() == (6, 13, 31)
    assert not orthanc.paths() & {uids(path) for path in files(folder)}


def test_dcmtk_finds_every_exported_file_to_be_dicom(folder: Path, tmp_path: Path) -> None:
    store = dicomfilter.open_store(str(folder))
    store.export_to_gcs(str(tmp_path), everything=True).wait()
    said = run("dcmftest", *files(tmp_path)).splitlines()
    assert len(said) == 31
    assert all(line.startswith("yes:") for line in said)
    by_uid = {uids(path): path for path in files(folder)}
    exported = files(tmp_path)
    shown = [
        [line for line in run("dcmdump", *paths).splitlines() if not line.startswith("# dcmdump")]
        for paths in (exported, [by_uid[uids(path)] for path in exported])
    ]
    assert shown[0] == shown[1]
    assert len(shown[0]) > 31 * 50
