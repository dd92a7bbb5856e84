"""What identifies beside the values that a profile names.

UIDs stand in addresses and texts too, an element may claim to be of another kind than its attribute
is, and above the bits that are shown there is room for an overlay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from dicomfilter.dicom.pixels.opening import PIXEL_DATA, pixel_source, raw_pixels, room_for
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset
    from pydicom.uid import UID

    from dicomfilter.dicom.deid.pseudonyms import Pseudonyms

_TEXTS: Final = frozenset(["LO", "LT", "SH", "ST", "UC", "UT"])
_NUMBERS: Final = frozenset(["FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"])
_BYTES: Final = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "UN"])
_ALIKE: Final = (_TEXTS, _NUMBERS, _BYTES, frozenset(("DS", "IS")))
_ADDRESS: Final = "UR"
_DOTTED: Final = re.compile(r"[0-9]+(?:(?:[.]|%2[Ee])[0-9]+)+")
_LEAST_DOTS, _LEAST_LENGTH = 5, 24
"""What a dotted number has at least to be a UID by its looks: addresses of machines have 3 dots."""
_OVERLAYS: Final = range(0x6000, 0x6100, 2)
_POSITION, _DATA = 0x0102, 0x3000
_CHUNK_BYTES: Final = 1 << 22
_ALLOCATED: Final = (8, 16, 32)
_UNDEFINED: Final = 0xFFFF_FFFF
_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"


def trimmed(value: object) -> str:
    """Give an identifier without what pads it, as the metadata table has it.

    >>> trimmed(" P1 "), trimmed(None)
    ('P1', '')
    """
    if value is None:
        return ""
    parts = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else value
    return "\\".join(str(part).strip("\0 ") for part in parts)


def known_vr(tag: int) -> str | None:
    """Look up an attribute's value representation; None for an unknown one."""
    from pydicom.datadict import dictionary_VR

    try:
        return dictionary_VR(tag)
    except KeyError:
        return None


def is_of_its_kind(stored: str | None, known: str) -> bool:
    """Tell whether an element may be what its attribute is, by what it claims.

    >>> is_of_its_kind("LO", "SH"), is_of_its_kind("LO", "US"), is_of_its_kind("OW", "OB or OW")
    (True, False, True)
    """
    if stored in {None, "UN"} or stored in known.split(" or "):
        return True
    return any(stored in kind and known in kind for kind in _ALIKE)


def replace_uids(dataset: Dataset, uids: Mapping[str, str], pseudonyms: Pseudonyms) -> None:
    """Replace UIDs within addresses and texts, at every depth.

    Args:
        dataset: De-identified but for them.
        uids: What was replaced, by what it was.
        pseudonyms: What stands for others, which are taken for UIDs in addresses alone.
    """
    for tag in list(dataset.keys()):
        stored = dataset.get_item(tag, keep_deferred=True)
        vr = stored.VR if stored.VR not in {None, "UN"} else known_vr(tag)
        if vr == "SQ":
            for item in dataset[tag].value or ():
                replace_uids(item, uids, pseudonyms)
        elif vr == _ADDRESS or vr in _TEXTS:
            _replace_within(dataset, tag, uids, pseudonyms if vr == _ADDRESS else None)


def _replace_within(
    dataset: Dataset, tag: int, uids: Mapping[str, str], pseudonyms: Pseudonyms | None
) -> None:
    def stand_in(match: re.Match[str]) -> str:
        uid = re.sub("%2[Ee]", ".", match[0])
        if uid in uids:
            return uids[uid]
        is_uid = uid.count(".") >= _LEAST_DOTS or len(uid) >= _LEAST_LENGTH
        return pseudonyms.uid(uid) if pseudonyms is not None and is_uid else match[0]

    before = dataset[tag].value
    many = [before] if isinstance(before, str) else list(before or [])
    after = [_DOTTED.sub(stand_in, str(each)) for each in many]
    if after != [str(each) for each in many]:
        dataset[tag].value = after[0] if isinstance(before, str) else after


def has_overlay_in_pixels(dataset: Dataset) -> bool:
    """Tell whether an overlay lies in the pixels."""
    return any(
        dataset.get(group << 16 | _POSITION)
        and (dataset[group << 16 | _POSITION].value or group << 16 | _DATA not in dataset)
        for group in _OVERLAYS
    )


def clear_unused_bits(
    dataset: Dataset, source: Path, syntax: UID, stack: ExitStack, *, overlaid: bool
) -> None:
    """Leave nothing in the bits of pixels that are not shown.

    Args:
        dataset: What describes the pixels; they are replaced where they hold more.
        source: The file that they are in.
        syntax: The transfer syntax.
        stack: Keeps what is written meanwhile.
        overlaid: Whether an overlay lies in them.

    Raises:
        SourceError: They are compressed and hold an overlay, or it cannot be told where it is.
    """
    from pydicom.dataelem import DataElement

    if PIXEL_DATA not in dataset:
        return
    element = raw_pixels(dataset)
    stored = getattr(element, "length", 0)  # of what pydicom has not converted yet
    if stored == _UNDEFINED or getattr(element, "is_undefined_length", False):
        if overlaid:
            raise SourceError(f"{source.name} has an overlay in its compressed pixels")
        return
    bits = _Bits.of(source, dataset, overlaid=overlaid)
    if bits is None:
        return
    is_big = str(syntax) == _BIG_ENDIAN and element.VR != "OB"
    length = len(element.value) if element.value is not None else stored
    pieces = partial(_pieces, source, dataset, stack, length)
    if all(bits.cleared(piece, is_big=is_big) == piece for piece in pieces()):
        return
    waiting = room_for(length, stack)
    for piece in pieces():
        waiting.write(bits.cleared(piece, is_big=is_big))
    waiting.seek(0)
    dataset[PIXEL_DATA] = DataElement(PIXEL_DATA, element.VR or "OW", waiting)


@dataclass(frozen=True, slots=True)
class _Bits:
    """Which bits of a sample are shown."""

    allocated: int
    stored: int
    lowest: int
    signed: bool

    @classmethod
    def of(cls, source: Path, dataset: Dataset, *, overlaid: bool) -> _Bits | None:
        """Read it from an image; None where all are shown."""
        allocated, stored = (int(dataset.get(n) or 0) for n in ("BitsAllocated", "BitsStored"))
        if allocated not in _ALLOCATED or not 0 < stored <= allocated:
            if overlaid:
                raise SourceError(f"{source.name} has an overlay in pixels of {allocated} bits")
            return None
        lowest = int(dataset.get("HighBit") or stored - 1) + 1 - stored
        if not 0 <= lowest <= allocated - stored:
            raise SourceError(f"{source.name} says wrongly which bits of its pixels are used")
        signed = bool(dataset.get("PixelRepresentation"))
        return None if stored == allocated else cls(allocated, stored, lowest, signed)

    def cleared(self, data: bytes, *, is_big: bool) -> bytes:
        """Give samples with nothing in the other bits but, above, the sign."""
        import numpy as np

        kind = np.dtype(
            f"{'>' if is_big else '<'}{'i' if self.signed else 'u'}{self.allocated // 8}"
        )
        whole = len(data) // kind.itemsize * kind.itemsize
        words: NDArray[np.signedinteger] = np.frombuffer(data[:whole], kind)
        down = self.allocated - self.stored
        shown = words << (down - self.lowest) >> down << self.lowest
        return bytes(shown.astype(kind).tobytes()) + data[whole:]


def _pieces(source: Path, dataset: Dataset, stack: ExitStack, length: int) -> Iterator[bytes]:
    """Give the bytes of pixels, of whole words each."""
    file = pixel_source(source, dataset, stack)
    while length and (piece := file.read(min(_CHUNK_BYTES, length))):
        length -= len(piece)
        yield piece
