# ruff: noqa: INP001 - a script, no part of a package
"""Print dicomfilter/dictionary.tsv from the DICOM dictionary that pydicom carries.

Run it as ``python tools/dictionary.py > dicomfilter/dictionary.tsv`` where pydicom is installed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def rows() -> Iterator[str]:
    """Give one line a keyword, sorted by keyword without regard to case."""
    from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary

    yield "keyword\ttag\tvr\tvm\tname"
    elements = {f"{tag:08X}": element for tag, element in DicomDictionary.items()}
    elements.update((tag[:8], element) for tag, element in RepeatersDictionary.items())
    found = [
        (keyword, tag, vr, vm, name)
        for tag, (vr, vm, name, _retired, keyword) in elements.items()
        if keyword
    ]
    for row in sorted(found, key=lambda row: row[0].lower()):
        yield "\t".join(row)


if __name__ == "__main__":
    sys.stdout.writelines(f"{row}\n" for row in rows())
