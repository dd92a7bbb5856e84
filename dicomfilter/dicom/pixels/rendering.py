"""Frames as pictures that anyone can open, or as bare samples.

Grey values go the way that a viewer takes them: modality LUT, then the VOI LUT or the first window
that the object has (of the frame, in enhanced objects), then the inversion of MONOCHROME1. Without
a window, PNG keeps values of up to 16 bits as they are stored, with the least one that can be
stored as 0, and JPEG spreads what is there over its 256 greys. Colors become RGB, 8 bits a sample.
Overlays are not drawn, and pixels are not stretched where they are not square. Each picture is
opened again before it counts.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Final

from dicomfilter.dicom.pixels.codestreams import check_items
from dicomfilter.dicom.pixels.decoding import Traits, decode, frames_of
from dicomfilter.dicom.pixels.encoding import LARGEST_ERROR, MEAN_ERROR, errors
from dicomfilter.dicom.pixels.greys import frame_values, grey
from dicomfilter.dicom.pixels.lookup import colored
from dicomfilter.dicom.pixels.opening import open_dataset, pixel_source, reading, stored_syntax
from dicomfilter.dicom.pixels.syntaxes import AS_STORED, INSTALL, SYNTAXES
from dicomfilter.errors import SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pydicom import FileDataset

    Pixels = NDArray[np.generic]

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
SAMPLES: Final = "application/octet-stream"
_QUALITIES: Final = ((90, 2), (90, 0), (95, 0), (100, 0))
"""Of JPEG, and how its chroma is thinned out, from what is tried first."""
_WITH: Final = {
    JPEG: ("", "1.2.840.10008.1.2.4.50"),
    PNG: ("",),
    SAMPLES: (AS_STORED, "1.2.840.10008.1.2.1"),
}
"""Which transfer syntax each may name."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame in its own file.

    Args:
        number: Which, from 1; None for an object of one frame.
        data: The contents of the file.
    """

    number: int | None
    data: bytes


def check_rendering(mime_type: str) -> None:
    """Refuse what frames cannot be written as, before anything is.

    Args:
        mime_type: As ``stores.media.mime_type`` spells it.

    Raises:
        UsageError: It is no format of frames, or what writes it is not installed.

    >>> check_rendering("application/octet-stream; transfer-syntax=*")
    """
    media, syntax = _parts(mime_type)
    if media not in {JPEG, PNG, SAMPLES} or syntax not in _WITH[media]:
        raise UsageError(f"frames are not written as {mime_type!r}", hint=f"write {PNG!r}")
    packages = ("pydicom",) if media == SAMPLES else ("pydicom", "PIL")
    for package in packages:
        if find_spec(package) is None:
            raise UsageError(f"{package}, which writes {media}, is not installed", hint=INSTALL)


def render(source: Path, mime_type: str) -> Iterator[Frame]:
    """Give the frames of an image, one at a time.

    Args:
        source: A DICOM file.
        mime_type: ``image/png``, ``image/jpeg…`` or ``application/octet-stream…``. Bare samples are
            little endian, colors by pixel; with ``transfer-syntax=*`` they are what the file holds
            of the frame, compressed or not.

    Yields:
        Each frame.

    Raises:
        UsageError: Frames are not written as that.
        SourceError: The file cannot be read, or is no image.
    """
    check_rendering(mime_type)
    media, syntax = _parts(mime_type)
    with ExitStack() as stack:
        with reading(source):
            dataset = open_dataset(source)
            _check(source, dataset)
            several = frames_of(dataset) > 1
            if media != SAMPLES:
                found = _as_pictures(source, dataset, media, stack)
            elif syntax == AS_STORED:
                found = _as_stored(source, dataset, stack)
            else:
                found = _as_samples(source, dataset, stack)
        for number in count(1):
            with reading(source):  # not around the yield: its taker's errors are its own
                data = next(found, None)
            if data is None:
                return
            yield Frame(number if several else None, data)


def _parts(mime_type: str) -> tuple[str, str]:
    media, _, syntax = mime_type.partition("; transfer-syntax=")
    return media, syntax


def _check(source: Path, dataset: FileDataset) -> None:
    if "PixelData" not in dataset:
        floats = "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset
        raise SourceError(f"{source.name} holds {'floating-point' if floats else 'no'} pixels")
    stored = stored_syntax(dataset)
    if stored not in SYNTAXES or SYNTAXES[stored].reader is None:
        raise SourceError(f"{source.name} is in a transfer syntax that is not read: {stored}")
    if dataset.get("HighBit", dataset.get("BitsStored", 1) - 1) != dataset.get("BitsStored", 1) - 1:
        raise SourceError(f"{source.name} has samples that do not end at bit 0, which are not read")


def _as_stored(source: Path, dataset: FileDataset, stack: ExitStack) -> Iterator[bytes]:
    from pydicom.encaps import generate_frames

    if not SYNTAXES[stored_syntax(dataset)].encapsulated:
        yield from _as_samples(source, dataset, stack)
        return
    number, file = frames_of(dataset), pixel_source(source, dataset, stack)
    check_items(file)
    given = 0
    for given, frame in enumerate(generate_frames(file, number_of_frames=number), 1):
        if given <= number:
            yield frame
    if given != number:
        raise SourceError(f"{source.name} has {given} frames where it says {number}")


def _as_samples(source: Path, dataset: FileDataset, stack: ExitStack) -> Iterator[bytes]:
    import numpy as np

    file = pixel_source(source, dataset, stack)
    frames = decode(file, dataset, syntax=stored_syntax(dataset), rgb=False)
    stack.enter_context(closing(frames))
    for frame, _ in frames:
        if dataset.BitsAllocated == 1:
            yield np.packbits(frame.astype(np.uint8), bitorder="little").tobytes()
        else:
            yield frame.tobytes()


def _as_pictures(
    source: Path, dataset: FileDataset, mime_type: str, stack: ExitStack
) -> Iterator[bytes]:
    traits = Traits.of(dataset)
    file = pixel_source(source, dataset, stack)
    syntax = stored_syntax(dataset)
    frames = decode(file, dataset, syntax=syntax, rgb=True, unused_bits=False)
    stack.enter_context(closing(frames))
    write = _png if mime_type == PNG else _jpeg
    for index, (frame, photometric) in enumerate(frames):
        if photometric == "PALETTE COLOR":
            pixels: Pixels = colored(frame, dataset, little=syntax.is_little_endian)
        elif traits.samples > 1:
            pixels = _eight_bits(frame, traits.bits_stored)
        else:
            pixels = grey(frame, frame_values(dataset, index), traits, deep=mime_type == PNG)
        yield write(pixels)


def _png(pixels: Pixels) -> bytes:
    import numpy as np
    from PIL import Image

    written = BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    if not np.array_equal(np.asarray(Image.open(written)), pixels):
        raise SourceError("a picture could not be read again")
    return written.getvalue()


def _jpeg(pixels: Pixels) -> bytes:
    """Write a picture as JPEG, of a quality that keeps it near to what it is."""
    import numpy as np
    from PIL import Image

    for quality, chroma in _QUALITIES:
        written = BytesIO()
        Image.fromarray(pixels).save(written, "JPEG", quality=quality, subsampling=chroma)
        mean, largest = errors(np.asarray(Image.open(written)), pixels)
        if mean <= MEAN_ERROR and largest <= LARGEST_ERROR:
            return written.getvalue()
    raise SourceError(f"JPEG does not keep a picture within {MEAN_ERROR:g} grey values")


def _eight_bits(pixels: Pixels, bits: int) -> NDArray[np.uint8]:
    """Keep the upper eight of so many bits."""
    import numpy as np

    return np.right_shift(pixels, max(0, bits - 8)).astype(np.uint8)
