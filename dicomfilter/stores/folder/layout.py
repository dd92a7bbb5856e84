"""Where an exported image lies, and which of its files there are."""

from __future__ import annotations

import re
from dataclasses import dataclass

_USABLE = re.compile(r"[0-9.]*[0-9][0-9.]*")
_EXTENSIONS = {
    "application/dicom": ".dcm",
    "application/octet-stream": "",
    "image/jpeg": ".jpg",
    "image/png": ".png",
}
NAME = r"([0-9.]+)/([0-9.]+)/([0-9.]+?)(?:/([1-9][0-9]*))?(?:\.([a-z]+))?"
"""The name of an exported file: study, series, instance, frame and extension."""
DICOM = "application/dicom"
ORIGINAL = "*"


@dataclass(frozen=True, slots=True)
class Format:
    """In which form images are exported.

    Args:
        media: Without parameters, ``application/dicom``.
        syntax: The transfer syntax; ``*`` for the one that an image has, None where pictures
            have none.
    """

    media: str = DICOM
    syntax: str | None = ORIGINAL

    @classmethod
    def parse(cls, mime_type: str | None) -> Format:
        """Read a MIME type in the service's spelling; None for images as they are stored.

        >>> Format.parse("image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50").extension
        '.jpg'
        >>> Format.parse("application/dicom").is_copy
        True
        """
        if mime_type in {None, DICOM}:
            return cls()
        media, _, syntax = mime_type.partition("; transfer-syntax=")
        return cls(media, syntax or None)

    def __str__(self) -> str:
        return self.media if self.syntax is None else f"{self.media}; transfer-syntax={self.syntax}"

    @property
    def extension(self) -> str:
        """What names of files end with; nothing for ``application/octet-stream``.

        Source:
            Discovery document of the Healthcare API, schema ``DicomGcsDestination``.
        """
        return _EXTENSIONS[self.media]

    @property
    def is_copy(self) -> bool:
        """Whether files are exported byte for byte."""
        return self == Format()

    @property
    def is_dicom(self) -> bool:
        """Whether files are DICOM, one an instance; otherwise there is one a frame."""
        return self.media == DICOM


def instance_name(uids: tuple[str, str, str], extension: str) -> str:
    """Name the file of an instance below a destination.

    >>> instance_name(("1.2", "1.2.3", "1.2.3.4"), ".dcm")
    '1.2/1.2.3/1.2.3.4.dcm'
    """
    return "/".join(uids) + extension


def named_uids(name: str) -> tuple[str, str, str] | None:
    """Read whose image an exported file is by its name; None where it is none.

    >>> named_uids("1.2/1.2.3/1.2.3.4.dcm"), named_uids("1.2/1.2.3/1.2.3.4/7.png")
    (('1.2', '1.2.3', '1.2.3.4'), ('1.2', '1.2.3', '1.2.3.4'))
    >>> named_uids("filters/ct/mr.txt"), named_uids("ct.txt")
    (None, None)
    """
    found = re.fullmatch(NAME, name)
    return None if found is None else (found[1], found[2], found[3])


def frame_name(uids: tuple[str, str, str], frame: int, extension: str) -> str:
    """Name the file of one of several frames of an instance, counted from 1.

    >>> frame_name(("1.2", "1.2.3", "1.2.3.4"), 7, ".png")
    '1.2/1.2.3/1.2.3.4/7.png'
    """
    return f"{'/'.join(uids)}/{frame}{extension}"


def unusable(uids: tuple[str, ...]) -> str | None:
    """Find a UID that can be no name of a file or folder; None where all can.

    What a file says of itself is not trusted: ``..`` would lead out of the destination.

    >>> unusable(("1.2", "..", "1.2.3")), unusable(("1.2", "1.2.3", "1.2.3.4"))
    ('..', None)
    """
    return next((uid for uid in uids if not _USABLE.fullmatch(uid)), None)
