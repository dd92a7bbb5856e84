"""How data sets are de-identified: a profile, and what is asked beyond it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dicomfilter.dicomfiles.profile import Action


class Profile(StrEnum):
    """What becomes of an attribute that nothing else is said of."""

    BASIC = "basic"
    """What PS3.15 says; others stay."""
    MINIMAL = "minimal"
    """It goes, unless an image cannot be had without."""
    KEEP_ALL = "keep-all"
    """It stays."""


class Dates(StrEnum):
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
