"""Frames of pixels, out of the forms that transfer syntaxes give them.

pydicom decodes, with the packages that it knows. JPEG of 12 and 16 bits, for which it knows none
under a license that suits, it gets from here.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset
    from pydicom.pixels.decoders.base import Decoder, DecodeRunner
    from pydicom.uid import UID

    Pixels = NDArray[np.generic]

_OURS: Final = "imagecodecs"
_ADDING: Final = Lock()


@dataclass(frozen=True, slots=True)
class Traits:
    """What a frame's pixels mean; shape and values are the array's.

    Args:
        photometric: The photometric interpretation.
        samples: How many samples a pixel has.
        bits_allocated: The size of a sample, in bits.
        bits_stored: How many of them are used.
        signed: Whether samples are two's complement.
    """

    photometric: str
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool

    @classmethod
    def of(cls, dataset: Dataset) -> Traits:
        """Read them from a data set's Image Pixel module."""
        return cls(
            str(dataset.PhotometricInterpretation),
            int(dataset.SamplesPerPixel),
            int(dataset.BitsAllocated),
            int(dataset.BitsStored),
            bool(dataset.get("PixelRepresentation")),
        )


def decode(
    source: BinaryIO, dataset: Dataset, *, syntax: UID, rgb: bool, unused_bits: bool = True
) -> Iterator[tuple[Pixels, str]]:
    """Give the frames of an image, one at a time.

    Args:
        source: A file at the start of the value of Pixel Data.
        dataset: What describes them.
        syntax: The transfer syntax that they are in.
        rgb: Whether colors come as RGB whatever they are stored as; palettes stay.
        unused_bits: Whether bits above Bits Stored stay, which mean nothing but may be something.

    Yields:
        Rows, columns and, for colors, samples, of Bits Allocated each, with the photometric
        interpretation that they have now.
    """
    from pydicom.pixels.utils import as_pixel_options

    kind = dataset.get_item(0x7FE0_0010, keep_deferred=True).VR or "OW"
    options = as_pixel_options(dataset, pixel_vr=kind, correct_unused_bits=not unused_bits)
    yield from decode_described(source, options, syntax=syntax, rgb=rgb)


def decode_described(
    source: BinaryIO, options: dict[str, Any], *, syntax: UID, rgb: bool
) -> Iterator[tuple[Pixels, str]]:
    """Give the frames of an image described as pydicom wants it; see ``decode``."""
    import numpy as np

    decoder = decoder_of(syntax)
    plugin = _OURS if _OURS in decoder.available_plugins else ""
    kind = "i" if options.get("pixel_representation") else "u"
    stored = np.dtype(f"{kind}{max(1, options['bits_allocated'] // 8)}")
    frames = decoder.iter_array(
        source, raw=not rgb, decoding_plugin=plugin, pixel_keyword="PixelData", **options
    )
    for _, (frame, now) in zip(range(options["number_of_frames"]), frames, strict=False):
        pixels = np.ascontiguousarray(frame, stored)
        yield pixels, str(now["photometric_interpretation"])


# What pydicom asks of a module that decodes for it.
DECODER_DEPENDENCIES: Final = {f"1.2.840.10008.1.2.4.{last}": (_OURS,) for last in (50, 51, 57, 70)}


def is_available(_uid: str) -> bool:
    """Tell pydicom whether ``decode_jpeg`` works."""
    with suppress(ImportError):
        import imagecodecs

        return bool(imagecodecs.JPEG8.available)
    return False


def decode_jpeg(source: bytes, runner: DecodeRunner) -> bytes:
    """Decode a JPEG frame for pydicom, which reads none of 12 or 16 bits.

    Args:
        source: The frame.
        runner: What is known of it.

    Returns:
        Its samples as they are in the stream, color by pixel, in Bits Allocated.
    """
    import imagecodecs

    colors: dict[str, Any] = {}
    if runner.samples_per_pixel > 1:  # the same in and out: samples are left alone
        colors = {"colorspace": "RGB", "outcolorspace": "RGB"}
    frame = imagecodecs.jpeg8_decode(source, **colors)
    runner.set_option("planar_configuration", 0)
    if runner.photometric_interpretation == "YBR_FULL_422":  # its chroma has been spread
        runner.set_option("photometric_interpretation", "YBR_FULL")
    return bytes(frame.astype(f"u{runner.bits_allocated // 8}", copy=False).tobytes())


def decoder_of(syntax: UID) -> Decoder:
    """Give pydicom's decoder of a transfer syntax, which knows ours as well."""
    from pydicom.pixels.decoders.base import get_decoder

    decoder = get_decoder(syntax)
    if str(syntax) in DECODER_DEPENDENCIES:
        with _ADDING:
            known = {*decoder.available_plugins, *decoder._unavailable}  # noqa: SLF001 - no public list
            if _OURS not in known:
                decoder.add_plugin(_OURS, (__name__, "decode_jpeg"))
    return decoder
