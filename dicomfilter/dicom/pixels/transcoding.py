"""DICOM files in another transfer syntax, all but their pixels as they were.

Frames go through memory one at a time, and what is made of them waits in a temporary file, so that
the size of an image does not matter; only a deflated file has to be in memory whole. What was
written is read again before it counts: each frame, lossy ones within the bounds of ``encoding``.

SOPInstanceUID stays, also where pixels change: an export is named by it, and what was asked for
has to be found again. What loses pixels says so (Lossy Image Compression, its ratio and method).
Objects without pixels (reports, plans) go into any transfer syntax that does not compress frames.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from dicomfilter.dicom.pixels.codestreams import check_items
from dicomfilter.dicom.pixels.decoding import Traits, decode, described, frames_of
from dicomfilter.dicom.pixels.encoding import TooFarError, bits_allocated_in, encode, photometric_in
from dicomfilter.dicom.pixels.native import Frames, checksum, make_even, turn_words, turned
from dicomfilter.dicom.pixels.opening import (
    PIXEL_DATA,
    open_dataset,
    pixel_source,
    raw_pixels,
    reading,
    room_for,
    said_syntax,
    stored_syntax,
    take_apart,
)
from dicomfilter.dicom.pixels.syntaxes import AS_STORED, SYNTAXES, Coding, Syntax, check_syntax
from dicomfilter.engines.duckdb.spill import scratch_file
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from pydicom import Dataset, FileDataset
    from pydicom.uid import UID

_CHUNK_BYTES: Final = 1 << 20
_ITEM: Final = b"\xfe\xff\x00\xe0"
_LONGEST: Final = 0xFFFF_FFFE
_OTHER_PIXELS: Final = ("FloatPixelData", "DoubleFloatPixelData")
_OF_ENCAPSULATION: Final = (0x7FE0_0001, 0x7FE0_0002, 0x7FE0_0003)
_COMPRESSED_BITS: Final = (8, 16)
_METHODS: Final = {
    Coding.JPEG: "ISO_10918_1",
    Coding.JPEG_LS: "ISO_14495_1",
    Coding.JPEG_2000: "ISO_15444_1",
    Coding.HTJ2K: "ISO_15444_15",
}

__all__ = ["check_syntax", "transcode"]


def transcode(source: Path, syntax: str, target: BinaryIO) -> None:
    """Write a DICOM file in a transfer syntax.

    Args:
        source: The file as it is stored.
        syntax: The UID of the transfer syntax; ``*``, or the one that it has, copies its bytes.
        target: Where it is written, from here on.

    Raises:
        UsageError: Nothing here writes the transfer syntax.
        SourceError: The file cannot be read, or what it holds cannot be in that transfer syntax.
    """
    check_syntax(syntax)
    with reading(source), ExitStack() as stack:
        if syntax == AS_STORED:
            _copy(source, target)
            return
        dataset = open_dataset(source)
        if said_syntax(dataset) == syntax:
            _copy(source, target)
            return
        take_apart(dataset, stored_syntax(dataset), pixels=False)
        make_even(dataset, but=PIXEL_DATA)
        sums = _change(source, dataset, SYNTAXES[syntax], stack)
        made = stack.enter_context(scratch_file())
        _write(dataset, syntax, cast("BinaryIO", made))
        made.flush()
        _prove(Path(made.name), dataset, sums, stack)
        _copy(Path(made.name), target)


def _copy(source: Path, target: BinaryIO) -> None:
    with source.open("rb") as file:
        shutil.copyfileobj(file, target, _CHUNK_BYTES)


def _change(source: Path, dataset: FileDataset, syntax: Syntax, stack: ExitStack) -> list[int]:
    """Put the pixels of a data set into another form.

    Returns:
        The CRC32C of each frame as it has to be found in the file: of its fragment or, where it is
        not compressed, of its samples; of the whole value where samples were only moved.
    """
    stored = stored_syntax(dataset)
    if stored not in SYNTAXES:
        raise SourceError(f"{source.name} is in a transfer syntax that is not read: {stored}")
    before = SYNTAXES[stored]
    if not stored.is_little_endian:
        turn_words(dataset, but=PIXEL_DATA)
    if PIXEL_DATA not in dataset:
        if not syntax.encapsulated:
            return []
        what = "floating-point pixels" if _floats(dataset) else "no pixels"
        raise SourceError(f"{source.name} holds {what}, and {syntax.name} compresses images")
    if not before.encapsulated and not syntax.encapsulated:
        return _keep_native(source, dataset, stored, stack)
    _check(source, dataset, before, syntax)
    if syntax.coding is Coding.JPEG and dataset.SamplesPerPixel > 1:
        with suppress(TooFarError):
            return _reframe(source, dataset, syntax, stack, chroma="422")
    return _reframe(source, dataset, syntax, stack, chroma="444")


def _floats(dataset: Dataset) -> bool:
    return any(name in dataset for name in _OTHER_PIXELS)


def _check(source: Path, dataset: Dataset, before: Syntax, syntax: Syntax) -> None:
    """Refuse what cannot be made of an image."""
    element = raw_pixels(dataset)
    if element.length == 0:
        raise SourceError(f"{source.name} has empty Pixel Data")
    if before.encapsulated and before.reader is None:
        packages = " or ".join(before.readers) or "no package"
        raise SourceError(f"{source.name} is in {before.name}, which {packages} reads")
    if any(each["PixelData"].is_undefined_length for each in _icons(dataset)):
        raise SourceError(f"{source.name} has an icon that is compressed as its image is")
    described(dataset)
    if not syntax.encapsulated:
        return
    if dataset.BitsAllocated not in _COMPRESSED_BITS:
        raise SourceError(
            f"{source.name} has samples of {dataset.BitsAllocated} bits, "
            f"and {syntax.name} takes those of 8 and 16",
            hint="export it in a transfer syntax that does not compress frames",
        )
    if syntax.lossy and dataset.PhotometricInterpretation == "PALETTE COLOR":
        raise SourceError(f"{source.name} has a palette, which {syntax.name} would falsify")
    if syntax.lossy and dataset.get("SegmentationType") == "LABELMAP":
        raise SourceError(f"{source.name} has labels, which {syntax.name} would falsify")


def _icons(dataset: Dataset) -> list[Dataset]:
    return [item for item in dataset.get("IconImageSequence") or () if "PixelData" in item]


def _keep_native(source: Path, dataset: Dataset, stored: UID, stack: ExitStack) -> list[int]:
    """Take pixels over as they are, but for the order of bytes in a word."""
    element = raw_pixels(dataset)
    bits = int(dataset.get("BitsAllocated") or 16)
    kind = "OB" if element.VR == "OB" else "OW"
    width = 1 if stored.is_little_endian or kind == "OB" else max(2, bits // 8)
    waiting = room_for(element.length, stack)
    file = pixel_source(source, dataset, stack)
    left = element.length
    while left:
        chunk = file.read(min(_CHUNK_BYTES, left))
        if not chunk:
            raise EOFError
        left -= len(chunk)
        waiting.write(turned(chunk, width))
    if waiting.tell() % 2:
        waiting.write(b"\0")
    length = waiting.tell()
    waiting.seek(0)
    total = _sum(waiting, length)
    _put(dataset, waiting, kind)
    return [total]


def _sum(file: BinaryIO, length: int) -> int:
    """Sum up so many bytes from here on."""
    total = 0
    while length and (chunk := file.read(min(_CHUNK_BYTES, length))):
        total, length = checksum(chunk, total), length - len(chunk)
    return total


def _reframe(
    source: Path, dataset: FileDataset, syntax: Syntax, stack: ExitStack, *, chroma: str
) -> list[int]:
    """Decode each frame and write it in its new form."""
    stored = stored_syntax(dataset)
    before, traits = SYNTAXES[stored], Traits.of(dataset)
    size_bytes = dataset.Rows * dataset.Columns * traits.samples * traits.bits_allocated // 8
    count = frames_of(dataset)
    if before.encapsulated and count > source.stat().st_size // len(_ITEM):
        raise SourceError(f"{source.name} says that it has {count:,} frames, and is too short")
    waiting = room_for(size_bytes * count, stack)
    # Decoded JPEG is RGB for most readers; where nothing was lost yet, nothing is converted.
    rgb = before.coding is Coding.JPEG
    frames = decode(pixel_source(source, dataset, stack), dataset, syntax=stored, rgb=rgb)
    lengths: list[int] = []
    sums: list[int] = []
    photometric = traits.photometric
    native = Frames(waiting, traits.bits_allocated)
    waiting.write(bytes(8 + 4 * count if syntax.encapsulated else 0))
    with closing(frames):  # or it would keep its room until it is collected
        for frame, photometric in frames:
            if syntax.encapsulated:
                seen = replace(traits, photometric=photometric)
                data = encode(frame, syntax, seen, chroma=chroma).data
                waiting.write(_ITEM + len(data).to_bytes(4, "little"))
                lengths.append(waiting.write(data))
            else:
                data = frame.tobytes()
                lengths.append(native.add(frame))
            sums.append(checksum(data))
    if waiting.tell() > _LONGEST:
        raise SourceError(f"{source.name} would have more than 4 GB of pixels")
    if syntax.encapsulated:
        _write_offsets(waiting, lengths)
        photometric = photometric_in(syntax, photometric, chroma=chroma)
        traits = replace(traits, bits_allocated=bits_allocated_in(syntax, traits))
    else:
        native.end()
    _describe(dataset, photometric, before, syntax, size_bytes * count / max(1, sum(lengths)))
    dataset.BitsAllocated = traits.bits_allocated
    kind = "OB" if syntax.encapsulated or traits.bits_allocated <= 8 else "OW"
    _put(dataset, waiting, kind, encapsulated=syntax.encapsulated)
    return sums


def _tags(dataset: Dataset) -> set[int]:
    """List the elements at the top, but lengths of groups, which are of an encoding."""
    return {tag for tag in dataset.keys() if tag.element}  # noqa: SIM118 - or it reads each


def _prove(made: Path, dataset: Dataset, sums: list[int], stack: ExitStack) -> None:
    """Read what was written, and compare it with what it has to be.

    Args:
        made: The file.
        dataset: What was written.
        sums: As ``_change`` gives them.
        stack: Closes what is opened.

    Raises:
        SourceError: It differs.
    """
    from pydicom.encaps import generate_frames

    again = open_dataset(made)
    if _tags(again) != _tags(dataset):
        raise SourceError("what was written could not be read again")
    if not sums:
        return
    syntax, file = stored_syntax(again), pixel_source(made, again, stack)
    start, found = file.tell(), []
    if SYNTAXES[syntax].encapsulated:
        check_items(file)
        found += [checksum(each) for each in generate_frames(file, number_of_frames=len(sums))]
    else:
        found.append(_sum(file, raw_pixels(again).length))
        if found != sums:
            file.seek(start)
            frames = decode(file, again, syntax=syntax, rgb=False)
            found = [checksum(frame.tobytes()) for frame, _ in frames]
    if found != sums:
        raise SourceError("the pixels that were written differ from those that were read")


def _describe(
    dataset: Dataset, photometric: str, before: Syntax, syntax: Syntax, ratio: float
) -> None:
    """Say in a data set what was done to its pixels."""
    dataset.PhotometricInterpretation = photometric
    if dataset.SamplesPerPixel > 1:
        dataset.PlanarConfiguration = 0
    if before.coding is Coding.JPEG and dataset.get("LossyImageCompression") != "01":
        dataset.LossyImageCompression = "01"
    if syntax.lossy:
        dataset.LossyImageCompression = "01"
        for name, value in (
            ("LossyImageCompressionRatio", f"{ratio:.4g}"),
            ("LossyImageCompressionMethod", _METHODS[syntax.coding]),
        ):
            earlier = dataset.get(name) or []
            many = [earlier] if isinstance(earlier, (str, float)) else list(earlier)
            setattr(dataset, name, [*many, value])


def _write_offsets(waiting: BinaryIO, lengths: list[int]) -> None:
    """Fill the basic offset table that room was left for."""
    end = waiting.tell()
    offset, table = 0, bytearray()
    for length in lengths:
        table += offset.to_bytes(4, "little")
        offset += 8 + length
    waiting.seek(0)
    waiting.write(_ITEM + len(table).to_bytes(4, "little") + table)
    waiting.seek(end)


def _put(dataset: Dataset, waiting: BinaryIO, kind: str, *, encapsulated: bool = False) -> None:
    from pydicom.dataelem import DataElement

    waiting.seek(0)
    element = DataElement(PIXEL_DATA, kind, waiting)
    element.is_undefined_length = encapsulated
    dataset[PIXEL_DATA] = element
    for tag in _OF_ENCAPSULATION:
        if tag in dataset:
            del dataset[tag]


def _write(dataset: FileDataset, syntax: str, target: BinaryIO) -> None:
    from pydicom import dcmwrite
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID

    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    dataset.file_meta.ImplementationVersionName = "DICOMFILTER"
    dcmwrite(target, dataset, enforce_file_format=True)
