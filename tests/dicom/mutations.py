"""Real DICOM files, damaged in every way that files are: reproducible by seed and number.

``mutation("7", 12)`` is the thirteenth of seed 7, whatever was made before. Each has a SOPInstanceUID
of its own, unless the damage hit it, so that none is passed over as another one's duplicate.
"""

from __future__ import annotations

import random
import struct
import warnings
import zlib
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import product
from typing import TYPE_CHECKING, Final, cast

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dicomfilter.dicom.pixels.transcoding import transcode
from tests.dicom.files import bundled, named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydicom.dataelem import RawDataElement

LARGEST_BYTES: Final = 160_000
"""Of a file that is damaged: small ones, of which many can be tried."""
_TO_MAKE: Final = ("CT_small.dcm", "SC_rgb_rle_2frame.dcm")
_MADE: Final = tuple(
    f"1.2.840.10008.1.2.{last}" for last in ("1.99", "4.57", "4.70", "4.81", "4.201", "4.203")
)
_PIXELS: Final = 0x7FE0_0010
_NUMBERS: Final = (0, 1, 2, 3, 7, 9, 24, 33, 255, 256, 4096, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)
_LENGTHS: Final = (0, 1, 3, 0xFFFE, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF)
_SYNTAXES: Final = (
    b"1.2.840.10008.1.2",
    b"1.2.840.10008.1.2.1",
    b"1.2.840.10008.1.2.2",
    b"1.2.840.10008.1.2.5",
    b"1.2.840.10008.1.2.1.99",
    *(b"1.2.840.10008.1.2.4.%d" % last for last in (50, 51, 57, 70, 80, 81, 90, 91, 201, 203)),
)


@dataclass(frozen=True, slots=True)
class Element:
    """Where an element of the top level lies in a file.

    Args:
        tag: Its tag.
        start: Of its tag.
        value: Of its value.
        length: Of its value; 0 where it does not say.
        length_bytes: Of the field before the value that gives the length.
        explicit: Whether its VR stands after the tag.
        little: Whether its numbers are little endian.
    """

    tag: int
    start: int
    value: int
    length: int
    length_bytes: int
    explicit: bool
    little: bool


@dataclass(frozen=True, slots=True)
class Original:
    """A file that is to be damaged.

    Args:
        name: Its name.
        data: Its bytes.
        instance: Its SOPInstanceUID.
        elements: Those of its top level, in their order; none where it is deflated.
    """

    name: str
    data: bytes
    instance: bytes
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Mutation:
    """A damaged file.

    Args:
        number: Which of its seed.
        kind: What was done to it.
        original: The name of the file that it was.
        data: Its bytes.
    """

    number: int
    kind: str
    original: str
    data: bytes

    @property
    def name(self) -> str:
        """A name for it as a file."""
        return f"{self.number:06}-{self.kind}.dcm"


def mutation(seed: str, number: int) -> Mutation:
    """Make one of the damaged files of a seed."""
    chance = random.Random(f"{seed}/{number}")
    original = chance.choice(chance.choice(originals()))
    instance = _instance(seed, number, len(original.instance))
    data = _renamed(original.data, original.instance, instance)
    kind = chance.choice(list(KINDS))
    return Mutation(number, kind, original.name, KINDS[kind](chance, data, original))


@cache
def originals() -> tuple[tuple[Original, ...], ...]:
    """Give the files that are damaged, by transfer syntax.

    They are those that pydicom brings along, and some of them in the transfer syntaxes of which it
    has none.
    """
    found: dict[str, list[Original]] = {}
    for path in bundled():
        if path.stat().st_size <= LARGEST_BYTES:
            _add(found, path.name, path.read_bytes())
    for name, syntax in product(_TO_MAKE, _MADE):
        written = BytesIO()
        transcode(named(name), syntax, written)
        _add(found, f"{name} in {syntax}", written.getvalue())
    return tuple(tuple(each) for each in found.values())


def _add(found: dict[str, list[Original]], name: str, data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(BytesIO(data), stop_before_pixels=True)
        except InvalidDicomError:
            return
    instance = str(dataset.get("SOPInstanceUID") or "")
    if len(instance) < 16 or "StudyInstanceUID" not in dataset:
        return
    syntax = str(dataset.file_meta.get("TransferSyntaxUID"))
    elements = () if syntax == DeflatedExplicitVRLittleEndian else tuple(_elements(data))
    found.setdefault(syntax, []).append(Original(name, data, instance.encode(), elements))


def _elements(data: bytes) -> Iterator[Element]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(BytesIO(data), force=True)
    for tag in dataset.keys():  # noqa: SIM118 - a Dataset gives its elements, read, otherwise
        each = cast("RawDataElement", dataset.get_item(tag))
        if not each.is_raw or each.value_tell is None:
            continue
        length = 0 if each.length == 0xFFFF_FFFF else each.length
        explicit = not each.is_implicit_VR
        short = explicit and data[each.value_tell - 4 : each.value_tell - 2].isalpha()
        head = 8 if short or not explicit else 12
        yield Element(
            int(tag),
            each.value_tell - head,
            each.value_tell,
            length,
            2 if short else 4,
            explicit,
            bool(each.is_little_endian),
        )


def _instance(seed: str, number: int, length: int) -> bytes:
    """Make up a UID of so many characters."""
    own = f"{zlib.crc32(seed.encode()) % 10**6}{number:07}"
    return f"1.9.{own}".ljust(length, "7")[:length].encode()


def _renamed(data: bytes, before: bytes, after: bytes) -> bytes:
    if before in data.partition(before)[2] or b"1.2.840.10008.1.2.1.99" not in data[:400]:
        return data.replace(before, after)
    start = 144 + int.from_bytes(data[140:144], "little")
    whole = zlib.decompress(data[start:], -zlib.MAX_WBITS).replace(before, after)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = deflater.compress(whole) + deflater.flush()
    return data[:start].replace(before, after) + body


def _place(chance: random.Random, data: bytes, original: Original) -> int:
    """Choose a byte: of the head, of the elements, of the head of the pixels, or any."""
    pixels = [each.value for each in original.elements if each.tag == _PIXELS]
    start = min(pixels[0] if pixels else len(data), len(data) - 1)
    low, high = chance.choice(
        [(128, 400), (132, start), (132, start), (start - 12, start + 700), (0, len(data))]
    )
    low = max(0, min(low, len(data) - 2))
    return chance.randrange(low, max(low + 1, min(high, len(data))))


def _span(chance: random.Random, data: bytes, original: Original) -> tuple[int, int]:
    start = _place(chance, data, original)
    return start, start + chance.choice([1, 2, 4, 8, 12, 64, 1024])


def _cut(chance: random.Random, data: bytes, original: Original) -> bytes:
    return data[: _place(chance, data, original)]


def _flipped(chance: random.Random, data: bytes, original: Original) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 8, 32])):
        changed[_place(chance, data, original)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _scrambled(chance: random.Random, data: bytes, original: Original) -> bytes:
    start, end = _span(chance, data, original)
    return data[:start] + chance.randbytes(end - start) + data[end:]


def _emptied(chance: random.Random, data: bytes, original: Original) -> bytes:
    start, end = _span(chance, data, original)
    return data[:start] + chance.choice([b"\0", b"\xff", b" "]) * (end - start) + data[end:]


def _removed(chance: random.Random, data: bytes, original: Original) -> bytes:
    start, end = _span(chance, data, original)
    return data[:start] + data[end:]


def _doubled(chance: random.Random, data: bytes, original: Original) -> bytes:
    start, end = _span(chance, data, original)
    return data[:end] + data[start:]


def _trailed(chance: random.Random, data: bytes, original: Original) -> bytes:
    del original
    return data + chance.randbytes(chance.choice([1, 7, 8, 64, 3000]))


def _element(chance: random.Random, original: Original) -> Element | None:
    return chance.choice(original.elements) if original.elements else None


def _with_length(chance: random.Random, data: bytes, original: Original) -> bytes:
    each = _element(chance, original)
    if each is None:
        return _flipped(chance, data, original)
    near = [max(0, each.length + step) for step in (-2, -1, 1, 2, 8)]
    length = chance.choice([*_LENGTHS, *near]) % (1 << 8 * each.length_bytes)
    written = length.to_bytes(each.length_bytes, "little" if each.little else "big")
    return data[: each.value - each.length_bytes] + written + data[each.value :]


def _with_vr(chance: random.Random, data: bytes, original: Original) -> bytes:
    each = _element(chance, original)
    if each is None or not each.explicit:
        return _scrambled(chance, data, original)
    vr = chance.choice(b"SQ UN OB OW US FL FD DS IS TM PN UT AT UV -- ZZ \0\0 us".split(b" "))
    return data[: each.start + 4] + vr + data[each.start + 6 :]


def _with_value(chance: random.Random, data: bytes, original: Original) -> bytes:
    each = _element(chance, original)
    if each is None or not each.length:
        return _scrambled(chance, data, original)
    texts = (b"nan", b"1e999", b"1_0", b"4,5", b"-1", b"\\\\\\", b"\x1b[2J", b"\xff\xfe", b"\0")
    value = chance.choice(texts)
    value = (value * (each.length // len(value) + 1))[: each.length]
    return data[: each.value] + value + data[each.value + each.length :]


def _with_pixels(chance: random.Random, data: bytes, original: Original) -> bytes:
    """Change what an image says of its pixels."""
    said = [e for e in original.elements if e.tag >> 16 == 0x28 and e.length == 2]
    if not said:
        return _with_value(chance, data, original)
    changed = bytearray(data)
    for each in chance.sample(said, min(len(said), chance.choice([1, 1, 2]))):
        number = chance.choice(_NUMBERS)
        changed[each.value : each.value + 2] = struct.pack("<>"[not each.little] + "H", number)
    return bytes(changed)


def _with_size(chance: random.Random, data: bytes, original: Original) -> bytes:
    """Change the size that a compressed frame gives in its own head."""
    marks = [b"\xff\xc0", b"\xff\xc1", b"\xff\xc3", b"\xff\xf7", b"\xff\x51"]
    start = next((e.value for e in original.elements if e.tag == _PIXELS), None)
    at = -1 if start is None else max(data.find(mark, start, start + 2000) for mark in marks)
    if at < 0:
        return _with_pixels(chance, data, original)
    changed = bytearray(data)
    if data[at + 1] == 0x51:  # the SIZ of JPEG 2000: Xsiz, Ysiz, their offsets, tiles
        place = at + 6 + 4 * chance.randrange(8)
        changed[place : place + 4] = struct.pack(">I", chance.choice([*_NUMBERS, *_LENGTHS]))
    else:
        place = at + 4 + chance.choice([0, 1, 3, 5])
        changed[place : place + 2] = struct.pack(">H", chance.choice(_NUMBERS))
    return bytes(changed)


def _swapped(chance: random.Random, data: bytes, original: Original) -> bytes:
    known = [e for e in original.elements if e.length]
    if len(known) < 2:
        return _doubled(chance, data, original)
    first, second = sorted(chance.sample(known, 2), key=lambda e: e.start)
    ends = first.value + first.length, second.value + second.length
    return (
        data[: first.start]
        + data[second.start : ends[1]]
        + data[ends[0] : second.start]
        + data[first.start : ends[0]]
        + data[ends[1] :]
    )


def _with_syntax(chance: random.Random, data: bytes, original: Original) -> bytes:
    """Say another transfer syntax than the one that it is in."""
    del original
    at = data.find(b"\x02\x00\x10\x00UI", 132, 1000)
    if at < 0:
        return data[:132]
    length = int.from_bytes(data[at + 6 : at + 8], "little")
    syntax = chance.choice(_SYNTAXES)
    syntax += b"\0" * (len(syntax) % 2)
    changed = data[:at] + b"\x02\x00\x10\x00UI" + struct.pack("<H", len(syntax)) + syntax
    changed += data[at + 8 + length :]
    if data[132:136] == b"\x02\x00\x00\x00":  # the length of the group
        whole = int.from_bytes(data[140:144], "little") + len(syntax) - length
        changed = changed[:140] + struct.pack("<I", whole) + changed[144:]
    return changed


KINDS: Final[dict[str, Callable[[random.Random, bytes, Original], bytes]]] = {
    "cut": _cut,
    "flipped": _flipped,
    "scrambled": _scrambled,
    "emptied": _emptied,
    "removed": _removed,
    "doubled": _doubled,
    "trailed": _trailed,
    "length": _with_length,
    "vr": _with_vr,
    "value": _with_value,
    "pixels": _with_pixels,
    "size": _with_size,
    "swapped": _swapped,
    "syntax": _with_syntax,
}
"""What is done to a file, by name."""
