"""Files that pydicom brings along, and what can be done to one."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import pydicom
import pydicom.data
from pydicom.errors import InvalidDicomError

FOLDER = Path(pydicom.data.__file__).parent
"""The folder of pydicom's own test files; nothing is downloaded."""


@cache
def bundled() -> tuple[Path, ...]:
    """List the files that are DICOM and no DICOMDIR, by path."""
    folders = (FOLDER / "charset_files", FOLDER / "test_files")
    paths = (path for folder in folders for path in sorted(folder.rglob("*")))
    return tuple(p for p in paths if p.is_file() and p.read_bytes()[128:132] == b"DICM")


def named(name: str) -> Path:
    """Find one of them."""
    return next(path for path in bundled() if path.name == name)


def by_pydicom(path: Path) -> pydicom.Dataset | None:
    """Read a file as pydicom does; None where it cannot."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(path)
        except InvalidDicomError:
            return None
