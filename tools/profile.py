# ruff: noqa: INP001 - a script, no part of a package
"""Print dicomfilter/dicom/deid/profile.tsv from the table that dicom-anonymizer made of PS3.15.

Run it as ``python tools/profile.py > dicomfilter/dicom/deid/profile.tsv`` where dicom-anonymizer
and pydicom are installed.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

EDITION = "2026c"
TABLE = f"dicomanonymizer.dicom_anonymization_databases.dicomfields_{EDITION}"
ACTIONS = {
    "X_TAGS": "X",
    "Z_TAGS": "Z",
    "D_TAGS": "D",
    "U_TAGS": "U",
    "X_Z_TAGS": "X/Z",
    "X_D_TAGS": "X/D",
    "Z_D_TAGS": "Z/D",
    "X_Z_D_TAGS": "X/Z/D",
    "X_Z_U_STAR_TAGS": "X/Z/U*",
}


def rows() -> Iterator[str]:
    """Give one line an attribute, by tag; ``x`` stands for any digit."""
    from pydicom.datadict import keyword_for_tag

    table = import_module(TABLE)
    yield "tag\tkeyword\taction"
    found = {}
    for name, action in ACTIONS.items():
        for group, element, *masks in getattr(table, name):
            tag = f"{group:04X}{element:04X}"
            if masks:
                mask = f"{masks[0]:04X}{masks[1]:04X}"
                tag = "".join(
                    "x" if of == "0" else digit for digit, of in zip(tag, mask, strict=True)
                )
            found[tag] = ("" if masks else keyword_for_tag(group << 16 | element), action)
    for tag, (keyword, action) in sorted(found.items()):
        yield f"{tag}\t{keyword}\t{action}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{row}\n" for row in rows())
