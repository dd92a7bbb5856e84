"""Look-up tables of an image: for its modality, for a viewer, and palettes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from dicomfilter.dicom.pixels.native import turned
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset

    from dicomfilter.dicom.pixels.decoding import Pixels

_COLORS: Final = ("Red", "Green", "Blue")
_MOST: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Lut:
    """A look-up table.

    Args:
        first: The value that its first entry is for.
        bits: How many bits an entry has.
        table: Its entries.
    """

    first: int
    bits: int
    table: NDArray[np.uint16]

    @classmethod
    def of(cls, descriptor: object, data: object, *, little: bool) -> Lut:
        """Read one.

        Args:
            descriptor: How many entries it has, the value that the first is for, and their bits.
            data: The entries: numbers, or the words or bytes that they are in the file.
            little: Whether words are little endian.

        Raises:
            SourceError: It is no such table, or ends early.

        Source:
            DICOM PS3.3, C.11.1.1 and C.7.6.3.1.5.
        """
        import numpy as np

        try:
            entries, first, bits = (int(each) for each in descriptor)  # type: ignore[attr-defined]
        except (TypeError, ValueError):
            raise SourceError("a look-up table is not described") from None
        entries = entries or _MOST
        if isinstance(data, bytes):
            if len(data) >= 2 * entries:
                table = np.frombuffer(data[: 2 * entries], "<u2" if little else ">u2")
            else:  # two entries in a word
                table = np.frombuffer(data if little else turned(data, 2), "u1")
        else:
            table = np.atleast_1d(np.asarray(data))
        if not 0 < entries <= len(table) or not 1 <= bits <= 16:
            raise SourceError("a look-up table ends early, or is not as it is described")
        return cls(first, bits, table[:entries].astype(np.uint16))

    def __call__(self, values: Pixels) -> NDArray[np.uint16]:
        """Look up values; those outside of it are as its ends."""
        import numpy as np

        return self.table[np.clip(values.astype(np.int64) - self.first, 0, len(self.table) - 1)]

    def over(self, least: float) -> Lut:
        """Place it for a least value: a negative ``first`` may be read as positive."""
        return (
            replace(self, first=self.first - _MOST) if self.first >= 1 << 15 and least < 0 else self
        )

    @property
    def greatest(self) -> int:
        """The greatest value that an entry can have."""
        return (1 << self.bits) - 1


def lut_of(dataset: Dataset, name: str, *, little: bool) -> Lut | None:
    """Read the first table of a sequence; None where there is none.

    Raises:
        SourceError: It is none that can be read.
    """
    items = dataset.get(name)
    if not items:
        return None
    item = items[0]
    return Lut.of(item.get("LUTDescriptor"), item.get("LUTData"), little=little)


def colored(frame: Pixels, dataset: Dataset, *, little: bool) -> NDArray[np.uint8]:
    """Look up colors in the palette of an image.

    Args:
        frame: Which entries, rows and columns.
        dataset: The image.
        little: Whether words are little endian.

    Returns:
        Rows, columns and RGB, of 8 bits.

    Raises:
        SourceError: It has no palette that can be read.
    """
    import numpy as np

    shades = []
    for color in _COLORS:
        name = f"{color}PaletteColorLookupTable"
        descriptor, data = dataset.get(f"{name}Descriptor"), dataset.get(f"{name}Data")
        if data is None:
            data = _expanded(dataset, color, descriptor, little=little)
        lut = Lut.of(descriptor, data, little=little).over(int(frame.min()))
        shades.append(np.right_shift(lut(frame), max(0, lut.bits - 8)).astype(np.uint8))
    return np.stack(shades, axis=-1)


def _expanded(dataset: Dataset, color: str, descriptor: object, *, little: bool) -> object:
    """Expand a palette that is kept in segments.

    Source:
        DICOM PS3.3, C.7.9.2.
    """
    from pydicom.pixels.processing import _expand_segmented_lut

    data = dataset.get(f"Segmented{color}PaletteColorLookupTableData")
    if not isinstance(data, bytes) or not descriptor:
        raise SourceError("its palette is missing")
    wide = int(descriptor[2]) > 8  # type: ignore[index]
    if not wide and not little:
        data = turned(data, 2)
    import numpy as np

    order = ("<" if little else ">") + ("u2" if wide else "u1")
    words = np.frombuffer(data[: len(data) // (1 + wide) * (1 + wide)], order)
    return _expand_segmented_lut(tuple(int(each) for each in words), f"<{len(words)}{'BH'[wide]}")
