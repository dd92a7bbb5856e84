"""Small DICOM files, made in no time and told apart by their bytes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, order=True)
class Image:
    """An instance and the bytes of its file."""

    study: str
    series: str
    instance: str
    data: bytes

    @property
    def line(self) -> str:
        """Its line in a filter file."""
        return f"/studies/{self.study}/series/{self.series}/instances/{self.instance}\n"

    @property
    def name(self) -> str:
        """Where an export puts it."""
        return f"{self.study}/{self.series}/{self.instance}.dcm"


def image(study: str, series: str, instance: str, **elements: object) -> Image:
    """Make an image of four pixels."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = instance
    dataset = pydicom.Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some are irregular on purpose
        dataset.SOPInstanceUID = instance
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
    dataset.Modality, dataset.PatientID, dataset.PatientName = "OT", "P1", "DOE^JANE"
    dataset.StudyDate = "20210131"
    dataset.Rows = dataset.Columns = 2
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = bytes(range(4))
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return Image(study, series, instance, file.getvalue())


STUDIES = tuple(
    image(f"1.{study}", f"1.{study}.{series}", f"1.{study}.{series}.{number}")
    for study in (1, 2)
    for series in (1, 2)
    for number in (1, 2, 3)
)
"""Two studies of two series of three images."""


def put(folder: Path, *images: Image) -> Path:
    """Write images into a folder under names of their own, as they come off a disk."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(images):
        (folder / f"IM{number:04}").write_bytes(each.data)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Read all files below a folder, but for what we keep there ourselves."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".dicomfilter" not in path.parts
    }
