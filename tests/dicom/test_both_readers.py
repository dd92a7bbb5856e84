"""Our reading of headers and pydicom's are the same, or a file is refused where they are not."""

from __future__ import annotations

import warnings
from collections import Counter
from io import BytesIO
from typing import TYPE_CHECKING

import pydicom

from dicomfilter.dicom.headers.completeness import check_whole
from dicomfilter.dicom.headers.elements import in_order
from dicomfilter.dicom.headers.header import NoInstanceError, elements_of, is_little, read_contents
from dicomfilter.dicom.headers.table_rows import Flattener
from dicomfilter.errors import SourceError
from tests.dicom.files import bundled
from tests.dicom.mutations import mutation

if TYPE_CHECKING:
    from pathlib import Path


def verdict(path: Path) -> str:
    """Compare both readings of a file, which rows are made of."""
    warnings.simplefilter("ignore")  # they show values; pytest puts this back
    try:
        ours = read_contents(str(path))
    except NoInstanceError:
        return "refused"
    dataset = pydicom.dcmread(BytesIO(path.read_bytes()), force=True)
    try:
        check_whole(path, dataset, ours, deep=True)
    except SourceError:
        return "apart"
    elements = [element for element in ours.elements if element[0] >> 16 != 2]
    theirs = in_order([each for each in elements_of(dataset) if each[0] not in ours.pixels])
    rows = [
        Flattener().row(found, little=little)
        for found, little in ((elements, ours.little), (theirs, is_little(dataset)))
    ]
    return "same" if rows[0] == rows[1] else "other"


def test_real_files_are_read_alike() -> None:
    found = Counter(map(verdict, bundled()))
    assert set(found) == {"same", "refused"}
    assert found["refused"] == 10  # eight DICOMDIR, and two that are cut off


def test_damaged_files_are_read_alike_or_not_copied(tmp_path: Path) -> None:
    path, found = tmp_path / "a.dcm", Counter[str]()
    for number in range(300):
        path.write_bytes(mutation("readers", number).data)
        found[verdict(path)] += 1
    assert not found["other"]
    assert found["same"] > 100
