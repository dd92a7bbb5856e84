"""What a DICOM UID must be to stand in a line of a filter file."""

from __future__ import annotations

import re

MAX_LENGTH = 64
"""Longest UID that the standard allows, in characters."""

_USABLE = re.compile(r"[0-9.]+")
_REGULAR = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")


def is_usable(uid: str | None) -> bool:
    r"""Tell whether a UID can stand in a resource path.

    A UID is unusable where it is missing, empty or holds a character outside ``0-9.``:
    such a value could end the line early or change its shape.

    Args:
        uid: The value as stored.

    Returns:
        True where the value can be written into a line as it is.

    Source:
        DICOM PS3.5, section 9.1 (UID encoding rules).

    >>> is_usable("1.2.840.10008.1.2"), is_usable("1.2/series/3"), is_usable("1.2\n")
    (True, False, False)
    """
    return uid is not None and _USABLE.fullmatch(uid) is not None


def is_irregular(uid: str) -> bool:
    """Tell whether a usable UID breaks the standard in a way that stores keep.

    Args:
        uid: A usable UID.

    Returns:
        True for leading zeros, empty components or more than 64 characters.

    Source:
        DICOM PS3.5, section 9.1 (UID encoding rules).

    >>> is_irregular("1.2.840"), is_irregular("1.02.840"), is_irregular("1..2")
    (False, True, True)
    """
    return len(uid) > MAX_LENGTH or _REGULAR.fullmatch(uid) is None
