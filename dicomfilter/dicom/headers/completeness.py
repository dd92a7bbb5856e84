"""Whether pydicom has read all of a file.

It takes what it can follow for the whole, and leaves out the rest without a word. Our own reading
ends where the file does, so both are compared: a copy of a part is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dicomfilter.dicom.headers.elements import Items
from dicomfilter.dicom.headers.header import NoInstanceError, read_contents
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.dicom.headers.scanning import items_of
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

    from dicomfilter.dicom.headers.elements import Element
    from dicomfilter.dicom.headers.header import Contents

_META: Final = 2
_ROWS, _COLUMNS, _SAMPLES, _BITS = 0x0028_0010, 0x0028_0011, 0x0028_0002, 0x0028_0100
_FRAMES: Final = 0x0028_0008
_BESIDE_PIXELS: Final = 1 << 26
_INFLATED_AT_MOST: Final = 1 << 29


def contents_of(source: Path) -> Contents | None:
    """Read a file to its end; None for one without a head, which pydicom alone reads.

    Raises:
        SourceError: It has none that can be reached, or inflates to more than its pixels need.
    """
    try:
        found = read_contents(str(source))
    except NoInstanceError as error:
        if error.reason in {Reason.NO_PREAMBLE, Reason.NOT_DICOM}:
            return None
        if error.reason is Reason.UNREADABLE:
            raise SourceError(f"{source.name} cannot be read: {error}") from error
        raise SourceError(f"{source.name} cannot be taken apart: it is {error.reason}") from error
    if found.is_deflated and found.size_bytes > min(_pixel_bytes(found), _INFLATED_AT_MOST):
        raise SourceError(f"{source.name} inflates to {found.size_bytes:,} bytes")
    return found


def _pixel_bytes(contents: Contents) -> int:
    """Tell how many bytes the pixels of an image come to, with room for the rest."""
    size = 1
    found = {tag: value for tag, _, value in contents.elements if isinstance(value, bytes)}
    for tag in (_ROWS, _COLUMNS, _SAMPLES, _BITS):
        size *= int.from_bytes(found.get(tag, b"\1")[:2], "little")
    frames = found.get(_FRAMES, b"").strip(b"\0 ")
    count = int(frames) if frames.isdigit() and len(frames) < 10 else 1
    return size * count // 8 + _BESIDE_PIXELS


def check_whole(source: Path, dataset: Dataset, contents: Contents, *, deep: bool = False) -> None:
    """Make sure that a data set has all elements of its file.

    Args:
        source: The file.
        dataset: As pydicom has read it.
        contents: As we have.
        deep: Whether the items of sequences are looked into, which then are taken apart.

    Raises:
        SourceError: It has not.
    """
    elements = [element for element in contents.elements if element[0] >> 16 != _META]
    if not _is_whole(dataset, elements, contents.pixels, deep=deep):
        raise SourceError(
            f"{source.name} cannot be taken apart to its end",
            hint="look at it with dcmdump or pydicom",
        )


def check_written(copy: Path, dataset: Dataset) -> None:
    """Make sure that a copy has all that was to be written.

    Raises:
        SourceError: It has not.
    """
    contents = contents_of(copy)
    if contents is None:
        raise SourceError("the copy is no DICOM file")
    check_whole(copy, dataset, contents)


def _is_whole(
    dataset: Dataset, elements: list[Element], pixels: tuple[int, ...] = (), *, deep: bool
) -> bool:
    ours = {tag: value for tag, _, value in elements}
    if {*ours, *pixels} != {int(tag) for tag in dataset.keys()}:  # noqa: SIM118 - elements otherwise
        return False
    return not deep or all(_is_same(dataset, tag, value) for tag, value in ours.items())


def _is_same(dataset: Dataset, tag: int, value: bytes | Items) -> bool:
    from pydicom.sequence import Sequence

    stored = dataset.get_item(tag, keep_deferred=True)
    if not isinstance(value, Items) and stored.VR not in {"SQ", "UN", None}:
        return True
    theirs = dataset[tag].value
    if not isinstance(theirs, Sequence):
        return not isinstance(value, Items)
    items = value if isinstance(value, Items) else items_of(value)
    if items is None or len(items) != len(theirs):
        return not value and not theirs
    pairs = zip(theirs, items, strict=True)
    return all(_is_whole(item, elements, deep=True) for item, elements in pairs)
