"""The formats that a store exports images in, as the service lists them."""

from __future__ import annotations

import difflib
import re

from dicomfilter.errors import UsageError

DICOM = "application/dicom"
"""The service's own samples write it so, and mean images as they are stored."""
_SYNTAXES = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    *(
        f"1.2.840.10008.1.2.4.{last}"
        for last in (50, 51, 57, 70, 80, 81, 90, 91, 110, 111, 112, 201, 202, 203)
    ),
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.8.1",
    "*",
)
MIME_TYPES = (
    *(f"{DICOM}; transfer-syntax={syntax}" for syntax in _SYNTAXES),
    "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1",
    "application/octet-stream; transfer-syntax=*",
    "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50",
    "image/png",
)
"""Every MIME type that an export takes, ``*`` for no transcoding.

Source:
    Discovery document of the Healthcare API, schema ``DicomGcsDestination``, ``mimeType``.
"""


def mime_type(text: str) -> str:
    """Find the MIME type that was meant.

    Args:
        text: One of ``MIME_TYPES``, in any case and with any blanks, or ``application/dicom`` as
            the service's own samples have it.

    Returns:
        As the service spells it.

    Raises:
        UsageError: The service exports no such format.

    >>> mime_type("application/dicom;transfer-syntax=*")
    'application/dicom; transfer-syntax=*'
    """
    known = {_bare(own): own for own in (*MIME_TYPES, DICOM)}
    if found := known.get(_bare(text)):
        return found
    same = [own for own in MIME_TYPES if own.endswith(f"={text.strip()}")]  # a bare syntax
    near = same or difflib.get_close_matches(text, MIME_TYPES, n=1, cutoff=0)
    raise UsageError(
        f"{text!r} is not a MIME type that a store exports", hint=f"write for example '{near[0]}'"
    )


def _bare(text: str) -> str:
    return re.sub(r"[\s\"]+", "", text).lower()
