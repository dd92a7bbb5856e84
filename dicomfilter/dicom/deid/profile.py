"""The profile of PS3.15, and what is asked beyond it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dicomfilter.named import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping


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


class Profile(StrEnum):
    """What becomes of an attribute that nothing else is said of."""

    BASIC = "basic"
    """What PS3.15 says; others stay."""
    MINIMAL = "minimal"
    """It goes, unless an image cannot be had without."""
    KEEP_ALL = "keep-all"
    """It stays."""


class Dates(Choice):
    """What becomes of dates and times, those about the patient's life aside."""

    REMOVE = "remove"
    """What the profile says."""
    KEEP = "keep"
    SHIFT = "shift"
    """A patient's are moved back by the same number of days; times stay."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How data sets are de-identified.

    Args:
        profile: What holds for attributes that ``actions`` and ``of_vrs`` do not name.
        actions: What is done with single attributes, by tag.
        of_vrs: What is done with all of a value representation, unless ``actions`` says otherwise.
        keep_primary_uids: Whether the UIDs of studies, series and instances stay.
        dates: What becomes of dates and times.
    """

    profile: Profile = Profile.BASIC
    actions: Mapping[int, Action] = field(default_factory=dict)
    of_vrs: Mapping[str, Action] = field(default_factory=dict)
    keep_primary_uids: bool = False
    dates: Dates = Dates.REMOVE


PRIMARY_UIDS: Final = (0x0008_0018, 0x0020_000D, 0x0020_000E, 0x0002_0003)
MINIMAL: Final = frozenset(
    (
        *PRIMARY_UIDS,
        0x0008_0005,  # SpecificCharacterSet
        0x0008_0016,  # SOPClassUID
        0x0008_1150,  # ReferencedSOPClassUID
        0x0008_1155,  # ReferencedSOPInstanceUID
        *(0x0028_0000 | low for low in (2, 4, 6, 8, 9, 0x10, 0x11, 0x34, 0x100, 0x101, 0x102)),
        *(0x0028_0000 | low for low in (0x103, 0x106, 0x107, 0x1101, 0x1102, 0x1103)),
        *(0x0028_0000 | low for low in (0x1201, 0x1202, 0x1203, 0x2110, 0x2112, 0x2114)),
        *(0x7FE0_0000 | low for low in (1, 2, 3, 8, 9, 0x10)),
    )
)
"""What an image cannot be had without.

Source:
    DICOM PS3.3, C.7.6.3 (Image Pixel), C.7.6.6 (Multi-frame) and C.12.1 (SOP Common). The service
    names no tags where it says "required to produce valid DICOM objects".
"""
