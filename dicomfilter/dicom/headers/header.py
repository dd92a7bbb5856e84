"""The header of a DICOM file: all of it but the pixels, or why there is none.

A header is whole or not there at all: its reading ends where the file does, after the pixels, or
the file is damaged.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from dicomfilter.dicom.headers.byte_windows import FileBytes, InflatedBytes, MemoryBytes
from dicomfilter.dicom.headers.elements import (
    ITEM,
    SEQUENCE_END,
    IrregularError,
    Items,
    ShortError,
    in_order,
    looks_explicit,
    standard_vrs,
)
from dicomfilter.dicom.headers.headless import begins_like_dicom
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.dicom.headers.scanning import Reading, Scanner
from dicomfilter.uids import is_usable

if TYPE_CHECKING:
    from pydicom import Dataset

    from dicomfilter.dicom.headers.byte_windows import Source
    from dicomfilter.dicom.headers.elements import Element, Memory

DIRECTORY_CLASS: Final = b"1.2.840.10008.1.3.10"
"""The SOP class of a DICOMDIR."""
_BIG_ENDIAN: Final = b"1.2.840.10008.1.2.2"
_DEFLATED: Final = b"1.2.840.10008.1.2.1.99"
_FIRST_READ: Final = 1 << 14
_AT_ONCE: Final = 1 << 27
"""Bytes of the longest element that is read."""
_AHEAD: Final = 1 << 20
"""Bytes that are read at once where no element needs more."""
_HEADER_AT_MOST: Final = 1 << 27
_INFLATED_HEADER_AT_MOST: Final = 1 << 24
"""Bytes of all elements but pixels: as objects they take some thirty times as many."""
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_META: Final = 132
"""Where group 2 begins: after the preamble and DICM."""
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
    """What a file holds beside the pixels.

    Args:
        elements: Of the file meta information and of the data set, by tag.
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


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds beside the pixels, whether or not it is an instance.

    Args:
        elements: Of the file meta information and of the data set, by tag.
        little: Whether numbers are in little-endian order.
        syntax: TransferSyntaxUID.
        pixels: The tags of pixel data that there are.
        size_bytes: Length of the data set, inflated where it was deflated.
        is_padded: Whether it ends with zeros that are no elements.
    """

    elements: list[Element]
    little: bool
    syntax: bytes
    pixels: tuple[int, ...]
    size_bytes: int
    is_padded: bool = False

    @property
    def is_deflated(self) -> bool:
        """Whether the data set is deflated as a whole."""
        return self.syntax == _DEFLATED


def read_header(path: str, memory: Memory | None = None) -> Header:
    """Read the header of a file.

    Args:
        path: The file.
        memory: What was read in the files before, where many are read.

    Raises:
        NoInstanceError: The file is no instance.
    """
    return _identified(read_contents(path, memory))


def header_of(data: bytes) -> Header:
    """Read the header of a file's bytes.

    Raises:
        NoInstanceError: They are no instance.
    """
    return _identified(_contents(MemoryBytes(data), None))


def header_at(source: Source) -> Header:
    """Read the header of bytes, wherever they are; pixels are passed over.

    Raises:
        NoInstanceError: They are no instance.
    """
    return _identified(_contents(source, None))


def read_contents(path: str, memory: Memory | None = None) -> Contents:
    """Read a file that may lack what makes it an instance; see ``read_header``.

    Raises:
        NoInstanceError: It is no DICOM file, or damaged.
    """
    try:
        fd = os.open(path, _FLAGS)
    except OSError as error:
        raise _unreadable(error) from error
    try:
        return _contents(FileBytes(fd), memory)
    except OSError as error:
        raise _unreadable(error) from error
    finally:
        os.close(fd)


def _unreadable(error: OSError) -> NoInstanceError:
    return NoInstanceError(Reason.UNREADABLE, os.strerror(error.errno or 0).lower())


def _contents(source: Source, memory: Memory | None) -> Contents:
    try:
        return _read(source, memory)
    except (EOFError, struct.error) as error:
        raise NoInstanceError(Reason.TRUNCATED) from error
    except IrregularError as error:
        raise NoInstanceError(Reason.DAMAGED, str(error) or None) from error
    except (RecursionError, zlib.error) as error:
        raise NoInstanceError(Reason.DAMAGED) from error
    except MemoryError as error:
        raise NoInstanceError(Reason.DAMAGED, "it needs more memory than there is") from error


def _read(source: Source, memory: Memory | None) -> Contents:
    if not source.size:
        raise NoInstanceError(Reason.EMPTY)
    first = source.read(0, _FIRST_READ)
    if first[128:_META] != b"DICM":
        raise NoInstanceError(Reason.NO_PREAMBLE if begins_like_dicom(first) else Reason.NOT_DICOM)
    meta, start = _read_meta(source, first)
    told = {tag: value.rstrip(b"\0 ") for tag, _, value in meta if isinstance(value, bytes)}
    if told.get(_META_CLASS) == DIRECTORY_CLASS:
        raise NoInstanceError(Reason.DICOMDIR)
    syntax = told.get(_SYNTAX, b"")
    found = _read_data_set(source, start, syntax, memory)
    elements = [*in_order(meta), *in_order(found.elements)]
    return Contents(
        elements, found.little, syntax, tuple(found.pixels), found.at, is_padded=found.is_padded
    )


def _read_meta(source: Source, data: bytes) -> tuple[list[Element], int]:
    """Read group 2; give its elements and where it ends."""
    while True:
        try:
            return Scanner(data, source.size, explicit=True).scan_meta(_META)
        except ShortError as short:
            data = _window(source, 0, short.needed, len(data))
            if len(data) < short.needed:
                raise EOFError from None


def _window(source: Source, at: int, needed: int, before: int) -> bytes:
    """Read on, larger pieces each time; fewer bytes than are needed only at the end."""
    if needed > _AT_ONCE:
        raise IrregularError
    return source.read(at, min(_AT_ONCE, max(needed + _FIRST_READ, 2 * before)))


def _read_data_set(source: Source, start: int, syntax: bytes, memory: Memory | None) -> _DataSet:
    """Read the data set; where it can be read in several ways, in the first that ends with it."""
    little, first = syntax != _BIG_ENDIAN, None
    for reading in Reading:
        is_deflated = syntax == _DEFLATED
        bytes_ = InflatedBytes(source, start) if is_deflated else source
        found = _DataSet(bytes_, 0 if is_deflated else start, little, memory, reading)
        try:
            found.read()
        except (IrregularError, EOFError) as error:
            first = first or error
            if not found.is_odd:
                break
        else:
            return found
    raise first or IrregularError


@dataclass(slots=True)
class _DataSet:
    """Reads a data set from where it begins to the end of its bytes."""

    source: Source
    at: int
    little: bool
    memory: Memory | None
    reading: Reading
    elements: list[Element] = field(default_factory=list)
    pixels: list[int] = field(default_factory=list)
    is_odd: bool = False
    is_padded: bool = False

    def read(self) -> None:
        """Read all elements.

        Raises:
            EOFError: The bytes end within one.
            IrregularError: They cannot be followed, or are more than memory is for.
        """
        window = self.source.read(self.at, _FIRST_READ)
        # What the first element looks like counts, rather than what is said of it.
        explicit = looks_explicit(window, 0)
        is_inflated = isinstance(self.source, InflatedBytes)
        left = _INFLATED_HEADER_AT_MOST if is_inflated else _HEADER_AT_MOST
        while window:
            scanner = Scanner(
                window,
                self.source.size - self.at,
                explicit=explicit,
                little=self.little,
                memory=self.memory,
                reading=self.reading,
            )
            needed = 0
            try:
                end = scanner.scan(self.elements)
            except ShortError as short:
                end, needed = scanner.at, short.needed - scanner.at
            finally:
                self.is_odd = self.is_odd or scanner.is_odd
            self.at += end
            left -= min(end, len(window))
            if left < max(needed, 0 if end else len(window)):
                raise IrregularError("its header needs too much memory")
            self.pixels += scanner.pixels
            if scanner.in_fragments:
                self._pass_fragments()
            # The element in which nothing has been passed is read in ever larger pieces.
            before = min(len(window), _AHEAD) if end else len(window)
            window = _window(self.source, self.at, needed, before)
            if self.pixels and not any(window[:8]) and self._pass_padding(window):
                return
            if 0 < len(window) < needed:
                raise EOFError

    def _pass_padding(self, window: bytes) -> bool:
        """Pass over zeros to the end, with which some writers fill a block, if nothing else is."""
        at = self.at
        while window and not any(window):
            at += len(window)
            window = self.source.read(at, _FIRST_READ)
        if not window:
            self.is_padded, self.at = at > self.at, at
        return not window

    def _pass_fragments(self) -> None:
        """Pass over the fragments of pixel data, of each its head."""
        while True:
            head = self.source.read(self.at, 8)
            if len(head) < 8 or self.at > self.source.size:
                raise EOFError
            group, number, length = struct.unpack("<HHI", head)
            self.at += 8
            if group << 16 | number == SEQUENCE_END:
                return
            if group << 16 | number != ITEM:
                raise IrregularError
            self.at += length


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


def _identified(found: Contents) -> Header:
    wanted: dict[int, str] = {}
    for tag, _, value in found.elements:
        if tag in _IDENTIFYING and isinstance(value, bytes):
            text = value.decode("ascii", "replace").strip("\0 ")
            if wanted.setdefault(tag, text) != text:
                raise NoInstanceError(Reason.DAMAGED, "it has two identities")
        elif tag > _FRAMES:
            break
    study, series, instance = (wanted.get(tag, "") for tag in _UIDS)
    if not (is_usable(study) and is_usable(series) and is_usable(instance)):
        raise NoInstanceError(Reason.NO_UID)
    frames = wanted.get(_FRAMES, "").strip()
    return Header(
        found.elements,
        found.little,
        study,
        series,
        instance,
        wanted.get(_SOP_CLASS) or None,
        found.syntax.decode("ascii", "replace") or None,
        int(frames) if frames.isascii() and frames.isdecimal() and len(frames) < 10 else None,
    )


_IDENTIFYING = frozenset((*_UIDS, _SOP_CLASS, _FRAMES))
