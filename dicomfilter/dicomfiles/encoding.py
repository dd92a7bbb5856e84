"""Frames of pixels, into the forms that transfer syntaxes give them."""

from __future__ import annotations

import math
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from dicomfilter.dicomfiles.decoding import decode_described
from dicomfilter.dicomfiles.syntaxes import Coding, Syntax
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.dicomfiles.decoding import Pixels, Traits

JPEG_QUALITY: Final = 90
"""Of lossy JPEG, from 1 to 100."""
TOLERANCE: Final = 2
"""What other lossy forms may change a sample by, in grey values.

For JPEG-LS it is a bound, for JPEG 2000 the root of the mean square, for HTJ2K the step of
quantization.
"""

_YBR: Final = ("YBR_FULL", "YBR_FULL_422")


def encode(frame: Pixels, syntax: Syntax, traits: Traits) -> bytes:
    """Compress a frame.

    Args:
        frame: Rows, columns and, for colors, samples.
        syntax: Into which transfer syntax.
        traits: What the pixels mean; their photometric interpretation as it is in ``frame``.

    Returns:
        One fragment, of even length.

    Raises:
        SourceError: The transfer syntax has no room for such pixels, or they do not come back.
    """
    if not _fits(frame, traits):
        traits = replace(traits, bits_stored=traits.bits_allocated)
    try:
        encoded = _ENCODERS[syntax.coding](frame, syntax, traits)
    except SourceError:
        raise
    except (RuntimeError, ValueError) as error:  # what codecs raise; it may show values
        raise SourceError(f"{syntax.writer} cannot write these pixels") from error
    encoded += b"\0" * (len(encoded) % 2)
    if not syntax.lossy and not _comes_back(encoded, frame, syntax, traits):
        raise SourceError(f"{syntax.writer} did not write these pixels without loss")
    return encoded


def _comes_back(encoded: bytes, frame: Pixels, syntax: Syntax, traits: Traits) -> bool:
    """Whether what is read of an encoded frame is the frame, to the last bit."""
    import numpy as np
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    options = _options(frame, syntax, traits) | {"pixel_vr": "OB", "correct_unused_bits": False}
    source = BytesIO(encapsulate([encoded]))
    return all(
        np.array_equal(again, frame)
        for again, _ in decode_described(source, options, syntax=UID(syntax.uid), rgb=False)
    )


def _options(frame: Pixels, syntax: Syntax, traits: Traits) -> dict[str, Any]:
    """Describe a frame to pydicom."""
    return {
        "rows": frame.shape[0],
        "columns": frame.shape[1],
        "number_of_frames": 1,
        "samples_per_pixel": traits.samples,
        "bits_allocated": traits.bits_allocated,
        "bits_stored": traits.bits_stored,
        "pixel_representation": int(traits.signed),
        "photometric_interpretation": photometric_in(syntax, traits.photometric),
        "planar_configuration": 0,
    }


def photometric_in(syntax: Syntax, photometric: str) -> str:
    """Tell the photometric interpretation of an image after it was compressed.

    Args:
        syntax: The transfer syntax.
        photometric: What it was before.

    >>> from dicomfilter.dicomfiles.syntaxes import SYNTAXES
    >>> photometric_in(SYNTAXES["1.2.840.10008.1.2.4.90"], "RGB")
    'YBR_RCT'
    """
    if syntax.coding is Coding.JPEG and photometric in {"RGB", *_YBR}:
        return "YBR_FULL_422"
    if syntax.coding in {Coding.JPEG_2000, Coding.HTJ2K} and photometric == "RGB":
        return "YBR_ICT" if syntax.lossy else "YBR_RCT"
    return photometric


def _fits(frame: Pixels, traits: Traits) -> bool:
    """Whether no sample needs more than the bits that are said to be used."""
    low = -(1 << (traits.bits_stored - 1)) if traits.signed else 0
    high = (1 << (traits.bits_stored - traits.signed)) - 1
    return bool(low <= int(frame.min()) and int(frame.max()) <= high)


def _by_pydicom(frame: Pixels, syntax: Syntax, traits: Traits) -> bytes:
    from pydicom.pixels.encoders.base import get_encoder
    from pydicom.uid import UID

    options: dict[str, Any] = {}
    if syntax.coding is Coding.RLE:  # which has a segment for each byte of a sample
        traits = replace(traits, bits_stored=traits.bits_allocated)
    elif syntax.lossy:
        options["jls_error"] = TOLERANCE
    options |= _options(frame, syntax, traits)
    return bytes(get_encoder(UID(syntax.uid)).encode(frame, **options))


def _by_jpeg(frame: Pixels, syntax: Syntax, traits: Traits) -> bytes:
    import imagecodecs

    _refuse_signed(syntax, traits)
    bits = 8 if traits.bits_allocated == 8 else traits.bits_stored
    most = 8 if syntax.uid.endswith(".50") else 12
    if bits > most:
        raise SourceError(
            f"{syntax.name} holds {most} bits a sample, and here are {bits}",
            hint="choose a lossless transfer syntax, or JPEG 2000",
        )
    if traits.bits_allocated == 16:
        bits = 12
    colors: dict[str, Any] = {}
    if traits.samples > 1:
        colorspace = "YCBCR" if traits.photometric in _YBR else "RGB"
        colors = {"colorspace": colorspace, "outcolorspace": "YCBCR", "subsampling": "422"}
    return bytes(imagecodecs.jpeg8_encode(frame, level=JPEG_QUALITY, bitspersample=bits, **colors))


def _by_lossless_jpeg(frame: Pixels, _syntax: Syntax, traits: Traits) -> bytes:
    import imagecodecs

    size_bytes = traits.bits_allocated // 8
    signed = traits.signed and int(frame.min()) < 0
    bits = traits.bits_allocated if signed else traits.bits_stored
    bits = max(bits, 9 if size_bytes == 2 else 2)
    # Said to be YCbCr, libjpeg-turbo 3.1 loses samples; said to be RGB, readers take them for it.
    colors: dict[str, Any] = {}
    if traits.samples > 1:
        colors = {"colorspace": "UNKNOWN", "outcolorspace": "UNKNOWN"}
    return bytes(
        imagecodecs.jpeg8_encode(
            frame.view(f"u{size_bytes}"), lossless=True, predictor=1, bitspersample=bits, **colors
        )
    )


def _by_jpeg_2000(frame: Pixels, syntax: Syntax, traits: Traits) -> bytes:
    import imagecodecs

    decibels = round(20 * math.log10(((1 << traits.bits_stored) - 1) / TOLERANCE))
    return bytes(
        imagecodecs.jpeg2k_encode(
            frame,
            decibels if syntax.lossy else None,
            codecformat="j2k",
            bitspersample=traits.bits_stored,
            reversible=not syntax.lossy,
            mct=traits.photometric == "RGB",
            resolutions=min(6, min(frame.shape[:2]).bit_length()),
        )
    )


def _by_htj2k(frame: Pixels, syntax: Syntax, traits: Traits) -> bytes:
    import imagecodecs

    options: dict[str, Any] = {"rgb": traits.photometric == "RGB"} if traits.samples > 1 else {}
    if syntax.uid.endswith(".202"):  # asks for them, as for the order that OpenJPH has anyway
        options |= {"tlm": True, "tilepart": imagecodecs.HTJ2K.TILEPART.RESOLUTIONS}
    level = TOLERANCE / (1 << traits.bits_allocated) if syntax.lossy else None
    return bytes(imagecodecs.htj2k_encode(frame, level, reversible=not syntax.lossy, **options))


def _refuse_signed(syntax: Syntax, traits: Traits) -> None:
    # An error that carries a sample over the end of its range would turn black into white.
    if traits.signed:
        raise SourceError(
            f"{syntax.name} has no signed samples, and here are some",
            hint="choose a lossless transfer syntax, or JPEG 2000",
        )


_ENCODERS: Final[dict[Coding, Callable[[Pixels, Syntax, Traits], bytes]]] = {
    Coding.RLE: _by_pydicom,
    Coding.JPEG: _by_jpeg,
    Coding.JPEG_LOSSLESS: _by_lossless_jpeg,
    Coding.JPEG_LS: _by_pydicom,
    Coding.JPEG_2000: _by_jpeg_2000,
    Coding.HTJ2K: _by_htj2k,
}
