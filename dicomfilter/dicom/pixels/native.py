"""What lies in a file without compression: single bits, and words of bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset
    from pydicom.dataelem import DataElement, RawDataElement

    Pixels = NDArray[np.generic]

_WORD_BYTES: Final = {"OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}
"""The words of values that pydicom gives as the bytes that they are in the file."""
_BYTES: Final = frozenset({"UI", "OB", "OW", "UN"})
"""VRs that a zero makes even; texts are with a space."""
_UNDEFINED: Final = 0xFFFF_FFFF


@dataclass(slots=True)
class Frames:
    """Writes frames one behind the other.

    Args:
        target: Where.
        bits_allocated: The size of a sample; single bits are packed, also across frames.
    """

    target: BinaryIO
    bits_allocated: int
    _left: list[NDArray[np.bool_]] = field(default_factory=list)

    def add(self, frame: Pixels) -> int:
        """Write a frame.

        Returns:
            How many bytes that took.
        """
        import numpy as np

        if self.bits_allocated != 1:
            return self.target.write(frame.tobytes())
        bits = np.concatenate([*self._left, np.not_equal(frame, 0).ravel()])
        whole = len(bits) // 8 * 8
        self._left = [bits[whole:]]
        return self.target.write(np.packbits(bits[:whole], bitorder="little").tobytes())

    def end(self) -> None:
        """Write the bits that fill no byte, and make the length even."""
        import numpy as np

        for bits in self._left:
            self.target.write(np.packbits(bits, bitorder="little").tobytes())
        if self.target.tell() % 2:
            self.target.write(b"\0")


def checksum(data: bytes, before: int = 0) -> int:
    """Sum up bytes (CRC32C), after those before them."""
    from google_crc32c import extend

    return int(extend(before, data))


def turn_words(dataset: Dataset, *, but: int) -> None:
    """Turn round the bytes of words that pydicom keeps as they are, at every depth.

    Palettes, look-up tables, overlays, waveforms and floating-point pixels are such words.

    Args:
        dataset: Of a big-endian file.
        but: The tag of an element at the top that is left alone.
    """
    for element in _all_elements(dataset, but):
        width = _WORD_BYTES.get(str(element.VR))
        if width and isinstance(element.value, bytes):
            element.value = turned(element.value, width)


def turned(data: bytes, width: int) -> bytes:
    """Turn round each word; what fills none at the end is kept.

    >>> turned(b"abcde", 2)
    b'badce'
    """
    import numpy as np

    whole = len(data) // width * width
    return np.frombuffer(data[:whole], f"u{width}").byteswap().tobytes() + data[whole:]


def _all_elements(dataset: Dataset, but: int = -1) -> Iterator[DataElement]:
    for tag in list(dataset.keys()):
        if tag == but:
            continue
        element = dataset[tag]
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _all_elements(item)
        else:
            yield element


def make_even(dataset: Dataset, *, but: int) -> None:
    """Give an even length to values at the top that are written as they were read.

    Args:
        dataset: The file's.
        but: The tag of an element that is left alone.

    Raises:
        SourceError: It is the length of numbers, which cannot be told then.
    """
    from pydicom.datadict import dictionary_has_tag, dictionary_VR
    from pydicom.valuerep import STR_VR

    for tag in list(dataset.keys()):
        raw = cast("RawDataElement", dataset.get_item(tag, keep_deferred=True))
        length = getattr(raw, "length", 0)
        if tag == but or length % 2 == 0 or length == _UNDEFINED:
            continue
        vr = raw.VR or (dictionary_VR(tag) if dictionary_has_tag(tag) else "UN")
        if vr not in STR_VR | _BYTES:
            raise SourceError(f"{tag} has {length} bytes, which are no numbers of VR {vr}")
        whole = cast("RawDataElement", dataset.get_item(tag))
        value = (whole.value or b"") + (b"\0" if vr in _BYTES else b" ")
        dataset[tag] = whole._replace(value=value, length=length + 1)
