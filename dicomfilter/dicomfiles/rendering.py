"""Frames as pictures that anyone can open, or as bare samples.

Grey values go the way that a viewer takes them: modality LUT, then the VOI LUT or the first window
that the object has (of the frame, in enhanced objects), then the inversion of MONOCHROME1. Without
a window, PNG keeps values of up to 16 bits as they are stored, with the least one that can be
stored as 0, and JPEG spreads what is there over its 256 greys. Colors become RGB, 8 bits a sample.
Overlays are not drawn, and pixels are not stretched where they are not square.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from itertools import count, islice
from typing import TYPE_CHECKING, Final

from dicomfilter.dicomfiles.decoding import Traits, decode
from dicomfilter.dicomfiles.greys import frame_values, grey
from dicomfilter.dicomfiles.opening import open_dataset, pixel_source, reading, stored_syntax
from dicomfilter.dicomfiles.syntaxes import AS_STORED, INSTALL, SYNTAXES
from dicomfilter.errors import SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset, FileDataset

    Pixels = NDArray[np.generic]

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
SAMPLES: Final = "application/octet-stream"
QUALITY: Final = 90
"""Of JPEG, from 1 to 95."""
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
            several = int(dataset.get("NumberOfFrames") or 1) > 1
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


def _as_stored(source: Path, dataset: FileDataset, stack: ExitStack) -> Iterator[bytes]:
    from pydicom.encaps import generate_frames

    if not SYNTAXES[stored_syntax(dataset)].encapsulated:
        yield from _as_samples(source, dataset, stack)
        return
    number = int(dataset.get("NumberOfFrames") or 1)
    found = generate_frames(pixel_source(source, dataset, stack), number_of_frames=number)
    yield from islice(found, number)


def _as_samples(source: Path, dataset: FileDataset, stack: ExitStack) -> Iterator[bytes]:
    import numpy as np

    file = pixel_source(source, dataset, stack)
    for frame, _ in decode(file, dataset, syntax=stored_syntax(dataset), rgb=False):
        if dataset.BitsAllocated == 1:
            yield np.packbits(frame.astype(np.uint8), bitorder="little").tobytes()
        else:
            yield frame.tobytes()


def _as_pictures(
    source: Path, dataset: FileDataset, mime_type: str, stack: ExitStack
) -> Iterator[bytes]:
    from PIL import Image

    traits = Traits.of(dataset)
    file = pixel_source(source, dataset, stack)
    syntax = stored_syntax(dataset)
    frames = decode(file, dataset, syntax=syntax, rgb=True, unused_bits=False)
    for index, (frame, photometric) in enumerate(frames):
        if photometric == "PALETTE COLOR":
            pixels = _from_palette(frame, dataset)
        elif traits.samples > 1:
            pixels = _eight_bits(frame, traits.bits_stored)
        else:
            pixels = grey(frame, frame_values(dataset, index), traits, deep=mime_type == PNG)
        picture, written = Image.fromarray(pixels), BytesIO()
        if mime_type == PNG:
            picture.save(written, "PNG")
        else:
            picture.save(written, "JPEG", quality=QUALITY)
        yield written.getvalue()


def _eight_bits(pixels: Pixels, bits: int) -> NDArray[np.uint8]:
    """Keep the upper eight of so many bits."""
    import numpy as np

    return np.right_shift(pixels, max(0, bits - 8)).astype(np.uint8)


def _from_palette(frame: Pixels, dataset: Dataset) -> Pixels:
    from pydicom.pixels.processing import apply_color_lut

    colors = apply_color_lut(frame, dataset)
    return _eight_bits(colors, colors.dtype.itemsize * 8)
