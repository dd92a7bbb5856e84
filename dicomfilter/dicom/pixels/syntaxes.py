"""Transfer syntaxes: what each is, and what reads and writes it here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from dicomfilter.errors import UsageError

AS_STORED: Final = "*"
"""No transcoding: the bytes of the file."""

INSTALL: Final = "run `pip install 'dicomfilter[pixels]'`"
_DICOM: Final = "1.2.840.10008.1.2"


class Coding(Enum):
    """How pixels are laid down in a file."""

    NATIVE = "native"
    RLE = "RLE"
    JPEG = "JPEG"
    JPEG_LOSSLESS = "JPEG lossless"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"
    HTJ2K = "HTJ2K"
    JPEG_XL = "JPEG XL"
    DEFLATED_FRAMES = "deflated frames"


@dataclass(frozen=True, slots=True)
class Syntax:
    """A transfer syntax.

    Args:
        uid: Its UID.
        name: What people call it.
        coding: How it lays down pixels.
        lossy: Whether pixels that are written in it change.
        readers: The packages that read its pixels, each of them alone; empty: none is known.
        writers: The packages that write its pixels, likewise.
    """

    uid: str
    name: str
    coding: Coding = Coding.NATIVE
    lossy: bool = False
    readers: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()

    @property
    def encapsulated(self) -> bool:
        """Whether each frame is compressed by itself."""
        return self.coding is not Coding.NATIVE

    @property
    def reader(self) -> str | None:
        """The installed package that reads it, with its version; None without one."""
        return _installed(self.readers)

    @property
    def writer(self) -> str | None:
        """The installed package that writes it, with its version; None without one."""
        return _installed(self.writers)


_PYDICOM = ("pydicom",)
_RLE = ("pylibjpeg-rle", "pydicom")
_CODECS = ("imagecodecs",)
_LS = ("pyjpegls",)
_J2K = ("pylibjpeg-openjpeg",)

SYNTAXES: Final = {
    each.uid: each
    for each in (
        Syntax(_DICOM, "Implicit VR Little Endian", readers=_PYDICOM, writers=_PYDICOM),
        Syntax(f"{_DICOM}.1", "Explicit VR Little Endian", readers=_PYDICOM, writers=_PYDICOM),
        Syntax(
            f"{_DICOM}.1.99",
            "Deflated Explicit VR Little Endian",
            readers=_PYDICOM,
            writers=_PYDICOM,
        ),
        Syntax(f"{_DICOM}.2", "Explicit VR Big Endian", readers=_PYDICOM),
        Syntax(f"{_DICOM}.4.50", "JPEG Baseline", Coding.JPEG, True, (*_CODECS, "pillow"), _CODECS),
        Syntax(f"{_DICOM}.4.51", "JPEG Extended", Coding.JPEG, True, _CODECS, _CODECS),
        Syntax(
            f"{_DICOM}.4.57",
            "JPEG Lossless",
            Coding.JPEG_LOSSLESS,
            readers=_CODECS,
            writers=_CODECS,
        ),
        Syntax(
            f"{_DICOM}.4.70",
            "JPEG Lossless, first-order prediction",
            Coding.JPEG_LOSSLESS,
            readers=_CODECS,
            writers=_CODECS,
        ),
        Syntax(f"{_DICOM}.4.80", "JPEG-LS Lossless", Coding.JPEG_LS, readers=_LS, writers=_LS),
        Syntax(f"{_DICOM}.4.81", "JPEG-LS Near-Lossless", Coding.JPEG_LS, True, _LS, _LS),
        Syntax(f"{_DICOM}.4.90", "JPEG 2000 Lossless", Coding.JPEG_2000, False, _J2K, _CODECS),
        Syntax(f"{_DICOM}.4.91", "JPEG 2000", Coding.JPEG_2000, True, _J2K, _CODECS),
        Syntax(f"{_DICOM}.4.110", "JPEG XL Lossless", Coding.JPEG_XL),
        Syntax(f"{_DICOM}.4.111", "JPEG XL JPEG Recompression", Coding.JPEG_XL, lossy=True),
        Syntax(f"{_DICOM}.4.112", "JPEG XL", Coding.JPEG_XL, lossy=True),
        Syntax(f"{_DICOM}.4.201", "HTJ2K Lossless", Coding.HTJ2K, False, _J2K, _CODECS),
        Syntax(f"{_DICOM}.4.202", "HTJ2K Lossless RPCL", Coding.HTJ2K, False, _J2K, _CODECS),
        Syntax(f"{_DICOM}.4.203", "HTJ2K", Coding.HTJ2K, True, _J2K, _CODECS),
        Syntax(f"{_DICOM}.5", "RLE Lossless", Coding.RLE, readers=_RLE, writers=_RLE),
        Syntax(f"{_DICOM}.8.1", "Deflated Image Frame Compression", Coding.DEFLATED_FRAMES),
    )
}
"""Every transfer syntax that a store exports, and the one that only old files have.

Source:
    DICOM PS3.6, Annex A; ``dicomfilter.stores.media`` for those that the service writes.
"""


def check_syntax(syntax: str) -> None:
    """Refuse a transfer syntax that cannot be written here, before anything is.

    Args:
        syntax: Its UID, or ``*``.

    Raises:
        UsageError: It is none, nothing writes it, or what does is not installed.

    >>> check_syntax("*")
    >>> check_syntax("1.2.840.10008.1.2.4.110")
    Traceback (most recent call last):
        ...
    dicomfilter.errors.UsageError: JPEG XL Lossless (1.2.840.10008.1.2.4.110) is not written here
    hint: choose another transfer syntax, or * for no transcoding
    """
    if syntax == AS_STORED:
        return
    found = SYNTAXES.get(syntax)
    if found is None:
        raise UsageError(
            f"{syntax!r} is not a transfer syntax of images",
            hint=f"write for example {_DICOM}.4.90, or * for no transcoding",
        )
    if not found.writers:
        raise UsageError(
            f"{found.name} ({found.uid}) is not written here",
            hint="choose another transfer syntax, or * for no transcoding",
        )
    if _installed(_PYDICOM) is None or found.writer is None:
        missing = " or ".join(found.writers)
        raise UsageError(f"{missing}, which writes {found.name}, is not installed", hint=INSTALL)


def support_table() -> tuple[tuple[str, str, str, str], ...]:
    """Tell what reads and writes each transfer syntax, of what is installed.

    Returns:
        UID, name, reader and writer of each; empty where there is none.

    >>> support_table()[0][:2]
    ('1.2.840.10008.1.2', 'Implicit VR Little Endian')
    """
    return tuple((s.uid, s.name, s.reader or "", s.writer or "") for s in SYNTAXES.values())


def _installed(packages: tuple[str, ...]) -> str | None:
    for package in packages:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            continue
    return None
