"""Images for tests: pydicom's own, and made ones where it has none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = Path(pydicom.__file__).parent / "data/test_files"
CHARSETS = Path(pydicom.__file__).parent / "data/charset_files"


def sample(name: str) -> Path:
    """Give a file that pydicom's wheel ships."""
    return SAMPLES / name


def save(path: Path, pixels: NDArray[Any], **values: Any) -> Path:
    """Write an image of a frame, or of several where the first dimension is that of frames.

    Args:
        path: Where.
        pixels: Its frames; colors by pixel.
        values: Elements that are other than one would read off the array, or none with None.
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    colors = values.pop("SamplesPerPixel", 1) > 1
    shape = pixels.shape[:-1] if colors else pixels.shape
    bits = pixels.dtype.itemsize * 8
    dataset.update(
        {
            "SOPClassUID": SecondaryCaptureImageStorage,
            "SOPInstanceUID": "1.2.3.4.5",
            "StudyInstanceUID": "1.2.3",
            "SeriesInstanceUID": "1.2.3.4",
            "PatientID": "P1",
            "Modality": "OT",
            "SamplesPerPixel": 3 if colors else 1,
            "PhotometricInterpretation": "RGB" if colors else "MONOCHROME2",
            "Rows": shape[-2],
            "Columns": shape[-1],
            "BitsAllocated": bits,
            "BitsStored": bits,
            "PixelRepresentation": int(pixels.dtype.kind == "i"),
        }
    )
    if colors:
        dataset.PlanarConfiguration = 0
    if len(shape) > 2:
        dataset.NumberOfFrames = shape[0]
    dataset.update({name: value for name, value in values.items() if value is not None})
    dataset.HighBit = dataset.BitsStored - 1
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    dataset.save_as(path, enforce_file_format=True)
    return path
