"""Frames of pixels, into the forms that transfer syntaxes give them.

Each is decoded again before it counts. Lossless forms give the same samples; lossy ones are tried
from the coarsest on until what they lose is within the bounds below, and the last that JPEG 2000,
HTJ2K and JPEG-LS try loses nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from dicomfilter.dicom.pixels.decoding import decode_described
from dicomfilter.dicom.pixels.syntaxes import Coding, Syntax
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dicomfilter.dicom.pixels.decoding import Pixels, Traits

    Attempt = Callable[[], bytes | bytearray]

MEAN_ERROR: Final = 2.0
"""The root of the mean square by which a lossy form may change the samples of a frame."""
MEAN_SHARE: Final = 1 / 16
"""The same, as a part of what the frame spans from its least sample to its greatest."""
LARGEST_ERROR: Final = 32
"""What it may change any sample by."""
LARGEST_SHARE: Final = 1 / 4
"""The same, as a part of what the frame spans: a mask of 0 and 1 does not change at all."""
NEAR: Final = 2
"""What JPEG-LS, whose errors can be bounded, may change any sample by."""

_YBR: Final = ("YBR_FULL", "YBR_FULL_422")
_FALSIFIED: Final = "choose a lossless transfer syntax"


class TooFarError(SourceError):
    """Pixels that a lossy form does not keep as near as is promised."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A compressed frame.

    Args:
        data: One fragment, of even length.
        mean_error: The root of the mean square of the errors, of colors in RGB.
        largest_error: The greatest of them.
    """

    data: bytes
    mean_error: float = 0.0
    largest_error: int = 0


def encode(frame: Pixels, syntax: Syntax, traits: Traits, *, chroma: str = "422") -> Encoded:
    """Compress a frame, and decode it again, until it is near enough.

    Args:
        frame: Rows, columns and, for colors, samples.
        syntax: Into which transfer syntax.
        traits: What the pixels mean; their photometric interpretation as it is in ``frame``.
        chroma: How JPEG keeps colors, at half of the columns (422) or at all (444).

    Returns:
        It, with what it lost.

    Raises:
        TooFarError: It cannot be had within the bounds above.
        SourceError: The transfer syntax has no room for such pixels, or they do not come back.
    """
    if not _fits(frame, traits):
        if syntax.lossy:
            raise SourceError(
                f"samples go beyond Bits Stored, and {syntax.name} would change what they mean",
                hint=_FALSIFIED,
            )
        traits = replace(traits, bits_stored=traits.bits_allocated)
    best: Encoded | None = None
    refusal: Exception | None = None
    for attempt in _ENCODERS[syntax.coding](frame, syntax, traits, chroma):
        try:
            data = bytes(attempt())
            found = _measured(data + b"\0" * (len(data) % 2), frame, syntax, traits, chroma)
        except (RuntimeError, ValueError) as error:  # what codecs raise; it may show values
            refusal = error
            continue
        if found is not None and _is_near(found, frame, syntax):
            return found
        best = found or best
    if best is None and refusal is not None:
        raise SourceError(f"{syntax.writer} cannot write these pixels") from refusal
    if not syntax.lossy:
        raise SourceError(f"{syntax.writer} did not write these pixels without loss")
    far = "" if best is None else f", but only within {best.mean_error:.2f}"
    raise TooFarError(
        f"{syntax.name} does not keep these pixels within {MEAN_ERROR:g} grey values{far}",
        hint=_FALSIFIED,
    )


def _is_near(encoded: Encoded, frame: Pixels, syntax: Syntax) -> bool:
    """Whether a frame came back as near as is promised."""
    if not syntax.lossy:
        return encoded.largest_error == 0
    span = int(frame.max()) - int(frame.min())
    largest = NEAR if syntax.coding is Coding.JPEG_LS else LARGEST_ERROR
    return encoded.mean_error <= min(MEAN_ERROR, MEAN_SHARE * span) and (
        encoded.largest_error <= min(largest, LARGEST_SHARE * span)
    )


def _measured(
    encoded: bytes, frame: Pixels, syntax: Syntax, traits: Traits, chroma: str
) -> Encoded | None:
    """Decode a frame that was just made, and compare; None where samples leave Bits Stored."""
    import numpy as np
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    converted = syntax.coding is Coding.JPEG and traits.photometric == "RGB"
    options = _options(frame, traits) | {
        "pixel_vr": "OB",
        "correct_unused_bits": False,
        "photometric_interpretation": photometric_in(syntax, traits.photometric, chroma=chroma),
    }
    source = BytesIO(encapsulate([encoded]))
    again, _ = next(decode_described(source, options, syntax=UID(syntax.uid), rgb=converted))
    if again.shape != frame.shape:
        return None
    if not syntax.lossy:
        return Encoded(encoded, 0.0, 0 if np.array_equal(again, frame) else 1)
    if not _fits(again, traits):
        return None
    mean, largest = errors(again, frame)
    if traits.photometric in _YBR and frame.dtype == np.uint8:
        from pydicom.pixels.processing import convert_color_space

        mean, _ = errors(*(convert_color_space(each, "YBR_FULL", "RGB") for each in (again, frame)))
    return Encoded(encoded, mean, largest)


def errors(found: Pixels, wanted: Pixels) -> tuple[float, int]:
    """Compare samples with those that they are to be.

    Args:
        found: They, of the same shape.
        wanted: What they are to be.

    Returns:
        The root of the mean square of their errors, and the greatest of them.
    """
    import numpy as np

    total, largest = 0, 0
    for top in range(0, len(wanted), _BAND):  # a band at a time, for the memory that it takes
        band = slice(top, top + _BAND)
        far = np.abs(found[band].astype(np.int64) - wanted[band].astype(np.int64))
        total += int((far * far).sum())
        largest = max(largest, int(far.max()))
    return math.sqrt(total / wanted.size), largest


_BAND: Final = 256


def _options(frame: Pixels, traits: Traits) -> dict[str, Any]:
    """Describe a frame to pydicom."""
    return {
        "rows": frame.shape[0],
        "columns": frame.shape[1],
        "number_of_frames": 1,
        "samples_per_pixel": traits.samples,
        "bits_allocated": traits.bits_allocated,
        "bits_stored": traits.bits_stored,
        "pixel_representation": int(traits.signed),
        "photometric_interpretation": traits.photometric,
        "planar_configuration": 0,
    }


def photometric_in(syntax: Syntax, photometric: str, *, chroma: str = "422") -> str:
    """Tell the photometric interpretation of an image after it was compressed.

    Args:
        syntax: The transfer syntax.
        photometric: What it was before.
        chroma: How JPEG keeps colors.

    >>> from dicomfilter.dicom.pixels.syntaxes import SYNTAXES
    >>> photometric_in(SYNTAXES["1.2.840.10008.1.2.4.90"], "RGB")
    'YBR_RCT'
    """
    if syntax.coding is Coding.JPEG and photometric in {"RGB", *_YBR}:
        return "YBR_FULL_422" if chroma == "422" else "YBR_FULL"
    if syntax.coding in {Coding.JPEG_2000, Coding.HTJ2K} and photometric == "RGB":
        return "YBR_ICT" if syntax.lossy else "YBR_RCT"
    return photometric


def bits_allocated_in(syntax: Syntax, traits: Traits) -> int:
    """Tell Bits Allocated of an image after it was compressed.

    Source:
        DICOM PS3.5, 8.2.1: those of JPEG Baseline are 8.
    """
    return 8 if syntax.uid.endswith(".50") else traits.bits_allocated


def _fits(frame: Pixels, traits: Traits) -> bool:
    """Whether no sample needs more than the bits that are said to be used."""
    low = -(1 << (traits.bits_stored - 1)) if traits.signed else 0
    high = (1 << (traits.bits_stored - traits.signed)) - 1
    return bool(low <= int(frame.min()) and int(frame.max()) <= high)


def _by_rle(frame: Pixels, syntax: Syntax, traits: Traits, _chroma: str) -> Iterator[Attempt]:
    # Which has a segment for each byte of a sample.
    whole = replace(traits, bits_stored=traits.bits_allocated)
    yield lambda: _by_pydicom(frame, syntax, whole)


def _by_jpeg_ls(frame: Pixels, syntax: Syntax, traits: Traits, _chroma: str) -> Iterator[Attempt]:
    # It has no room for single bits; and fewer than 9 lie in bytes, which readers do not widen.
    least = 9 if traits.bits_allocated == 16 else 2
    wide = replace(traits, bits_stored=max(traits.bits_stored, least))
    for near in (NEAR, 0) if syntax.lossy else (0,):
        yield partial(_by_pydicom, frame, syntax, wide, near)


def _by_pydicom(frame: Pixels, syntax: Syntax, traits: Traits, near: int = 0) -> bytes:
    from pydicom.pixels.encoders.base import get_encoder
    from pydicom.uid import UID

    options = _options(frame, traits) | ({"jls_error": near} if near else {})
    return bytes(get_encoder(UID(syntax.uid)).encode(frame, **options))


def _by_jpeg(frame: Pixels, syntax: Syntax, traits: Traits, chroma: str) -> Iterator[Attempt]:
    import imagecodecs
    import numpy as np

    _refuse_signed(syntax, traits)
    most = 8 if syntax.uid.endswith(".50") else 12
    if traits.bits_stored > most:
        raise SourceError(
            f"{syntax.name} holds {most} bits a sample, and here are {traits.bits_stored}",
            hint="choose a lossless transfer syntax, or JPEG 2000",
        )
    bits = 8 if most == 8 or traits.bits_allocated == 8 else 12
    frame = frame.astype("u1" if bits == 8 else "u2", copy=False)
    colors: dict[str, Any] = {}
    if traits.samples > 1:
        colorspace = "YCBCR" if traits.photometric in _YBR else "RGB"
        colors = {"colorspace": colorspace, "outcolorspace": "YCBCR", "subsampling": chroma}
    white = (1 << traits.bits_stored) - 1
    for quality, below in _QUALITIES:
        # Where more bits are coded than are stored, white may come back whiter than white.
        kept = np.minimum(frame, frame.dtype.type(max(0, white - below))) if below else frame
        yield partial(imagecodecs.jpeg8_encode, kept, level=quality, bitspersample=bits, **colors)


_QUALITIES: Final = ((90, 0), (95, 0), (98, 0), (100, 0), (100, 1), (100, 2))
"""Of JPEG, and by how much white is taken back, from what is tried first."""


def _by_lossless_jpeg(
    frame: Pixels, _syntax: Syntax, traits: Traits, _chroma: str
) -> Iterator[Attempt]:
    import imagecodecs

    size_bytes = traits.bits_allocated // 8
    signed = traits.signed and int(frame.min()) < 0
    bits = traits.bits_allocated if signed else traits.bits_stored
    bits = max(bits, 9 if size_bytes == 2 else 2)
    # Said to be YCbCr, libjpeg-turbo 3.1 loses samples; said to be RGB, readers take them for it.
    colors: dict[str, Any] = {}
    if traits.samples > 1:
        colors = {"colorspace": "UNKNOWN", "outcolorspace": "UNKNOWN"}
    yield partial(
        imagecodecs.jpeg8_encode,
        frame.view(f"u{size_bytes}"),
        lossless=True,
        predictor=1,
        bitspersample=bits,
        **colors,
    )


def _by_jpeg_2000(frame: Pixels, syntax: Syntax, traits: Traits, _chroma: str) -> Iterator[Attempt]:
    import imagecodecs

    frame = _narrow(frame, traits)
    greatest = (1 << traits.bits_stored) - 1
    aims = [20 * math.log10(greatest / aim) for aim in _AIMS] if syntax.lossy else []
    for decibels in (*(math.ceil(each) for each in aims if each > 0), None):
        yield partial(
            imagecodecs.jpeg2k_encode,
            frame,
            decibels,
            codecformat="j2k",
            bitspersample=traits.bits_stored,
            reversible=decibels is None,
            mct=traits.photometric == "RGB",
            resolutions=min(6, min(frame.shape[:2]).bit_length()),
        )


def _by_htj2k(frame: Pixels, syntax: Syntax, traits: Traits, _chroma: str) -> Iterator[Attempt]:
    import imagecodecs

    frame = _narrow(frame, traits)
    options: dict[str, Any] = {"rgb": traits.photometric == "RGB"} if traits.samples > 1 else {}
    if syntax.uid.endswith(".202"):  # asks for them, as for the order that OpenJPH has anyway
        options |= {"tlm": True, "tilepart": imagecodecs.HTJ2K.TILEPART.RESOLUTIONS}
    steps = [aim / (1 << frame.dtype.itemsize * 8) for aim in _AIMS] if syntax.lossy else []
    for step in (*steps, None):
        yield partial(imagecodecs.htj2k_encode, frame, step, reversible=step is None, **options)


_AIMS: Final = (MEAN_ERROR, MEAN_ERROR / 2)
"""What JPEG 2000 is told to lose, from what is tried first; then nothing, in the same syntax."""


def _narrow(frame: Pixels, traits: Traits) -> Pixels:
    """Put samples of up to 8 bits into bytes: codecs take what lies in words for words."""
    if traits.bits_stored > 8 or frame.dtype.itemsize == 1:
        return frame
    return frame.astype(f"{frame.dtype.kind}1")


def _refuse_signed(syntax: Syntax, traits: Traits) -> None:
    # An error that carries a sample over the end of its range would turn black into white.
    if traits.signed:
        raise SourceError(
            f"{syntax.name} has no signed samples, and here are some",
            hint="choose a lossless transfer syntax, or JPEG 2000",
        )


_ENCODERS: Final[dict[Coding, Callable[[Pixels, Syntax, Traits, str], Iterator[Attempt]]]] = {
    Coding.RLE: _by_rle,
    Coding.JPEG: _by_jpeg,
    Coding.JPEG_LOSSLESS: _by_lossless_jpeg,
    Coding.JPEG_LS: _by_jpeg_ls,
    Coding.JPEG_2000: _by_jpeg_2000,
    Coding.HTJ2K: _by_htj2k,
}
