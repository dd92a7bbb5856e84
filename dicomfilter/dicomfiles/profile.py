"""The Basic Application Level Confidentiality Profile, as a table."""

from __future__ import annotations

from enum import Enum
from functools import cache
from pathlib import Path
from typing import Final

EDITION: Final = "2026c"
"""The edition of the standard that the table is of."""


class Action(Enum):
    """What is done with an attribute."""

    KEEP = "keep"
    """As it is; the items of a sequence are gone through."""
    REMOVE = "remove"
    EMPTY = "empty"
    """No value; of a sequence, no items."""
    REPLACE = "replace"
    """A value that says nothing."""
    NEW_UID = "new UID"
    """The UID that always stands for this one; the items of a sequence are gone through."""
    PSEUDONYM = "pseudonym"
    """What always stands for this patient."""
    SHIFT = "shift"
    """A date moved by as many days as all of the patient's."""


_OF_CODES: Final = {
    "X": Action.REMOVE,
    "Z": Action.EMPTY,
    "D": Action.REPLACE,
    "U": Action.NEW_UID,
    # Where the standard leaves it to the kind of object, what suits each kind.
    "X/Z": Action.EMPTY,
    "X/D": Action.REPLACE,
    "Z/D": Action.REPLACE,
    "X/Z/D": Action.REPLACE,
    "X/Z/U*": Action.NEW_UID,
}
_REPEATING: Final = (0x5000, 0x6000)


@cache
def basic_profile() -> dict[int, Action]:
    """Give what the profile does with each attribute that it names.

    Returns:
        By tag, as one number.

    Source:
        DICOM PS3.15, Table E.1-1, made by ``tools/profile.py``.

    >>> basic_profile()[0x00100010]
    <Action.EMPTY: 'empty'>
    """
    lines = Path(__file__).with_suffix(".tsv").read_text("ascii").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {int(tag, 16): _OF_CODES[code] for tag, _, code in rows if "x" not in tag}


def is_repeating(tag: int) -> bool:
    """Tell whether a tag is of curves (50xx) or overlays (60xx): they go whole.

    >>> is_repeating(0x60023000), is_repeating(0x00280010)
    (True, False)
    """
    return (tag >> 16) & 0xFF00 in _REPEATING
