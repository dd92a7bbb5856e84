"""What reading DICOM files needs beside dicomfilter itself."""

from __future__ import annotations

from dicomfilter.errors import UsageError


def demand_pydicom() -> None:
    """Make sure that DICOM files can be read, before anything is made or begun.

    Raises:
        UsageError: pydicom is not installed.
    """
    try:
        import pydicom  # noqa: F401 - whether it is there
    except ImportError as error:
        raise UsageError(
            "pydicom is not installed, and DICOM files are read with it",
            hint="run `pip install 'dicomfilter[dicom]'`",
        ) from error
