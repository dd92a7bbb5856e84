"""Make DICOM files where pydicom's own are not enough."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

if TYPE_CHECKING:
    from pathlib import Path


def new_uid() -> str:
    """Make a UID that nobody has."""
    return f"2.25.{uuid.uuid4().int}"


def write_instances(folder: Path, count: int, **elements: Any) -> list[str]:
    """Write the instances of one series, without pixels.

    Args:
        folder: Where; one file an instance.
        count: How many.
        elements: Values by DICOM keyword, the same in all of them; ``StudyInstanceUID`` and
            ``SeriesInstanceUID`` are new unless given.

    Returns:
        Their SOP instance UIDs.
    """
    study, series, made = new_uid(), new_uid(), []
    for number in range(1, count + 1):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        meta.MediaStorageSOPInstanceUID = new_uid()
        dataset = pydicom.Dataset()
        dataset.file_meta = meta
        dataset.SOPClassUID = SecondaryCaptureImageStorage
        dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.InstanceNumber = number
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        dataset.save_as(folder / f"{dataset.SOPInstanceUID}.dcm", enforce_file_format=True)
        made.append(str(dataset.SOPInstanceUID))
    return made
