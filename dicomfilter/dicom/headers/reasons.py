"""Why a file is no instance, and what in an instance could not be taken."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """What became of a file or a value that is not in the table."""

    EMPTY = "empty"
    """The file has no bytes; what was to be in it nobody can tell."""
    NOT_DICOM = "not-dicom"
    """It has no DICM at byte 128, and does not begin like a data set."""
    NO_PREAMBLE = "no-preamble"
    """It begins like a data set, without the head that a DICOM file has."""
    DICOMDIR = "dicomdir"
    """It lists other files."""
    UNREADABLE = "unreadable"
    """The system does not let it be read."""
    TRUNCATED = "truncated"
    """It ends before its data set does."""
    DAMAGED = "damaged"
    """Its data set cannot be followed."""
    NO_UID = "no-uid"
    """It lacks one of the UIDs of study, series and instance, or one cannot stand in a path."""
    DUPLICATE = "duplicate"
    """A file with the same bytes is there already."""
    CONFLICT = "conflict"
    """An instance of the same UIDs, but with other contents, is there already."""
    LOOP = "symlink-loop"
    """A link to a folder that is walked anyway."""
    NOT_A_FILE = "not-a-file"
    """A device, a socket or a pipe."""
    UNUSABLE_NAME = "unusable-name"
    """Its name is no Unicode text."""
    BAD_VALUE = "bad-value"
    """A value that its type does not allow; NULL in the table."""
    BAD_CHARACTERS = "bad-characters"
    """Text that is not in the character set that it names; as near as can be in the table."""

    @property
    def is_loss(self) -> bool:
        """Whether DICOM data is missing from the table, rather than a file passed over."""
        return self in _LOSSES


_LOSSES = {
    Reason.EMPTY,
    Reason.CONFLICT,
    Reason.UNUSABLE_NAME,
    Reason.NO_PREAMBLE,
    Reason.UNREADABLE,
    Reason.TRUNCATED,
    Reason.DAMAGED,
    Reason.NO_UID,
    Reason.BAD_VALUE,
    Reason.BAD_CHARACTERS,
}

LOST: Final = tuple(sorted(reason.value for reason in _LOSSES))
"""The reasons of files that may be DICOM and are not taken, as a table has them."""
