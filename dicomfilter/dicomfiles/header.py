"""The header of a DICOM file: everything before the pixels, or why there is none."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from dicomfilter.dicomfiles.elements import (
    ITEM,
    SEQUENCE_END,
    UNDEFINED,
    IrregularError,
    Items,
    Scanner,
    ShortError,
    standard_vrs,
)
from dicomfilter.dicomfiles.reasons import Reason
from dicomfilter.uids import is_usable

if TYPE_CHECKING:
    from pydicom import Dataset

    from dicomfilter.dicomfiles.elements import Element, Memory, Scanned

DIRECTORY_CLASS = b"1.2.840.10008.1.3.10"
"""The SOP class of a DICOMDIR."""
_BIG_ENDIAN = b"1.2.840.10008.1.2.2"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_FIRST_READ = 1 << 14
_INFLATED_AT_MOST = 1 << 30
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_META = 132
"""Where group 2 begins: after the preamble and DICM."""
_STARTS = (2, 4, 8)
"""Groups that a data set may begin with."""
_META_CLASS, _SYNTAX = 0x00020002, 0x00020010
_UIDS = (0x0020000D, 0x0020000E, 0x00080018)
_SOP_CLASS, _FRAMES = 0x00080016, 0x00280008


class NoInstanceError(Exception):
    """A file is no instance: noted, and never shown.

    Args:
        reason: Why.
        detail: More of it, without a value of the file.
    """

    def __init__(self, reason: Reason, detail: str | None = None) -> None:
        super().__init__(detail or reason.value)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the pixels.

    Args:
        elements: Of the file meta information and of the data set, as they are.
        little: Whether numbers are in little-endian order.
        study: StudyInstanceUID.
        series: SeriesInstanceUID.
        instance: SOPInstanceUID.
        sop_class: SOPClassUID.
        transfer_syntax: TransferSyntaxUID.
        frames: NumberOfFrames, where it is a number.
    """

    elements: list[Element]
    little: bool
    study: str
    series: str
    instance: str
    sop_class: str | None
    transfer_syntax: str | None
    frames: int | None


def read_header(path: str, memory: Memory | None = None) -> Header:
    """Read the header of a file.

    Args:
        path: The file.
        memory: What was read in the files before, where many are read.

    Raises:
        NoInstanceError: The file is no instance.
    """
    try:
        fd = os.open(path, _FLAGS)
        try:
            return _read(fd, memory)
        finally:
            os.close(fd)
    except OSError as error:
        raise NoInstanceError(Reason.UNREADABLE, os.strerror(error.errno or 0).lower()) from error
    except (EOFError, struct.error) as error:
        raise NoInstanceError(Reason.TRUNCATED) from error


def _read(fd: int, memory: Memory | None) -> Header:
    size = os.fstat(fd).st_size
    data = os.read(fd, _FIRST_READ)
    while True:
        try:
            return _header(data, size, fd, memory)
        except ShortError as short:
            wanted = min(size, max(short.needed + _FIRST_READ, 4 * len(data)))
            more = os.read(fd, wanted - len(data))
            if not more:
                raise EOFError from None
            data += more


def header_of(data: bytes) -> Header:
    """Read the header of a file's bytes.

    Raises:
        NoInstanceError: They are no instance.
    """
    try:
        return _header(data, len(data), None, None)
    except (EOFError, ShortError, struct.error) as error:
        raise NoInstanceError(Reason.TRUNCATED) from error


def _header(data: bytes, size: int, fd: int | None, memory: Memory | None) -> Header:
    if not size:
        raise NoInstanceError(Reason.EMPTY)
    if data[128:_META] != b"DICM":
        raise NoInstanceError(Reason.NO_PREAMBLE if _is_data_set(data) else Reason.NOT_DICOM)
    little = True
    try:
        meta, at = Scanner(data, size, explicit=True).scan_meta(_META)
        told = {tag: value.rstrip(b"\0 ") for tag, _, value in meta if isinstance(value, bytes)}
        if told.get(_META_CLASS) == DIRECTORY_CLASS:
            raise NoInstanceError(Reason.DICOMDIR)
        syntax = told.get(_SYNTAX, b"")
        little = syntax != _BIG_ENDIAN
        if syntax == _DEFLATED:
            data = _whole(data, size, fd)
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            data = data[:at] + inflater.decompress(data[at:], _INFLATED_AT_MOST)
            size, fd = len(data), None
        elements = _scanned(data, size, at, fd, little=little, memory=memory)
    except (IrregularError, zlib.error):
        elements, syntax, little = _by_pydicom(_whole(data, size, fd))
        meta = []
    return _identified([*meta, *elements], syntax, little=little)


def _scanned(
    data: bytes, size: int, at: int, fd: int | None, *, little: bool, memory: Memory | None
) -> list[Element]:
    """Read the data set, by what its first element looks like rather than what is said of it."""
    if len(data) < at + 6 <= size:
        raise ShortError(at + 6)
    representation = data[at + 4 : at + 6]
    explicit = representation.isalpha() and representation.isupper()
    scanner = Scanner(data, size, explicit=explicit, little=little, memory=memory)
    found = scanner.scan(at)
    _demand_pixels(found, data, size, fd)
    return found.elements


def _demand_pixels(found: Scanned, data: bytes, size: int, fd: int | None) -> None:
    """Look whether the pixels are there to their end.

    Raises:
        EOFError: They are not.
    """
    at = found.pixels
    if at is None:
        return
    if found.pixels_bytes != UNDEFINED:
        if at + found.pixels_bytes > size:
            raise EOFError
        return
    while True:  # fragment by fragment, of each its head
        head = data[at : at + 8]
        if len(head) < 8 and fd is not None and hasattr(os, "pread"):
            head = os.pread(fd, 8, at)
        if len(head) < 8:
            raise EOFError
        group, number, length = struct.unpack("<HHI", head)
        tag = group << 16 | number
        if tag == SEQUENCE_END:
            return
        if tag != ITEM:  # no fragments, whatever it is: nothing can be said of it
            return
        at += 8 + length
        if at > size:
            raise EOFError


def _is_data_set(data: bytes) -> bool:
    """Tell whether bytes begin as a data set does that lacks its preamble."""
    if len(data) < 8:
        return False
    for order in ("<", ">"):
        group, number = struct.unpack_from(f"{order}HH", data)
        if group not in _STARTS or (group << 16 | number) not in {
            *standard_vrs(),
            group << 16,
        }:
            continue
        known = data[4:6].isalpha() and data[4:6].isupper()
        if known or struct.unpack_from(f"{order}I", data, 4)[0] < len(data):
            return True
    return False


def _whole(data: bytes, size: int, fd: int | None) -> bytes:
    """Give all bytes of the file."""
    if len(data) < size and fd is not None:
        raise ShortError(size)
    return data


def _by_pydicom(data: bytes) -> tuple[list[Element], bytes, bool]:
    """Read what is irregular as pydicom does.

    Raises:
        NoInstanceError: Neither can pydicom.
    """
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(BytesIO(data), stop_before_pixels=True)
            elements = [*elements_of(dataset.file_meta), *elements_of(dataset)]
            syntax = str(dataset.file_meta.get("TransferSyntaxUID") or "").encode()
    except (
        BytesLengthException,
        InvalidDicomError,
        AttributeError,
        EOFError,
        KeyError,
        NotImplementedError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        raise NoInstanceError(Reason.DAMAGED) from error
    return elements, syntax, syntax != _BIG_ENDIAN


def elements_of(dataset: Dataset) -> list[Element]:
    """Give the elements of pydicom's data set as ours.

    Args:
        dataset: Read from a file or made; what is binary must be bytes.

    Returns:
        The elements, with numbers in the order of ``is_little``.
    """
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_data_element

    found: list[Element] = []
    for raw in dataset.values():
        tag = int(raw.tag)
        vr = str(raw.VR or "").encode() or standard_vrs().get(tag, b"")
        value = raw.value
        if vr == b"SQ":
            items = dataset[raw.tag].value if isinstance(value, bytes) else value
            found.append((tag, vr, Items(elements_of(item) for item in items or ())))
        elif value is None or isinstance(value, bytes):
            found.append((tag, vr, value or b""))
        else:  # what has been looked at, such as the character set
            file = DicomBytesIO()
            file.is_little_endian, file.is_implicit_VR = is_little(dataset), True
            write_data_element(file, dataset[raw.tag])
            found.append((tag, vr, file.getvalue()[8:]))
    return found


def is_little(dataset: Dataset) -> bool:
    """Tell whether the numbers of a data set are in little-endian order."""
    return dataset.original_encoding[1] is not False


def _identified(elements: list[Element], syntax: bytes, *, little: bool) -> Header:
    wanted: dict[int, str] = {}
    for tag, _, value in elements:
        if tag in _IDENTIFYING and isinstance(value, bytes):
            wanted[tag] = value.decode("ascii", "replace").strip("\0 ")
        elif tag > _FRAMES:
            break
    study, series, instance = (wanted.get(tag, "") for tag in _UIDS)
    if not (is_usable(study) and is_usable(series) and is_usable(instance)):
        raise NoInstanceError(Reason.NO_UID)
    frames = wanted.get(_FRAMES, "").strip()
    return Header(
        elements,
        little,
        study,
        series,
        instance,
        wanted.get(_SOP_CLASS) or None,
        syntax.decode("ascii", "replace") or None,
        int(frames) if frames.isascii() and frames.isdecimal() and len(frames) < 10 else None,
    )


_IDENTIFYING = frozenset((*_UIDS, _SOP_CLASS, _FRAMES))
