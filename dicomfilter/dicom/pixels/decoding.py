"""Frames of pixels, out of the forms that transfer syntaxes give them.

pydicom decodes, with the packages that it knows. JPEG of 12 and 16 bits, for which it knows none
under a license that suits, it gets from here.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from threading import Condition, Lock
from typing import TYPE_CHECKING, Any, Final

from dicomfilter.dicom.pixels.codestreams import Shape, check_frame, check_items
from dicomfilter.dicom.pixels.native import turned
from dicomfilter.dicom.pixels.opening import raw_pixels
from dicomfilter.dicom.pixels.syntaxes import SYNTAXES
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import BinaryIO

    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset
    from pydicom.dataelem import RawDataElement
    from pydicom.pixels.decoders.base import Decoder, DecodeRunner
    from pydicom.uid import UID

    Pixels = NDArray[np.generic]

_OURS: Final = "imagecodecs"
_ADDING: Final = Lock()
LARGEST_FRAME: Final = 100_000_000
"""Samples of a frame that is decoded; a photograph of 30 megapixels in colors has fewer."""


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
) -> Generator[tuple[Pixels, str]]:
    """Give the frames of an image, one at a time.

    Close it where it is not read to its end: it keeps room for a frame, which others wait for.

    Args:
        source: A file at the start of the value of Pixel Data.
        dataset: What describes them.
        syntax: The transfer syntax that they are in.
        rgb: Whether colors come as RGB whatever they are stored as; palettes stay.
        unused_bits: Whether bits above Bits Stored stay, which mean nothing but may be something.

    Yields:
        Rows, columns and, for colors, samples, of Bits Allocated each, with the photometric
        interpretation that they have now; as many as Number of Frames says.

    Raises:
        SourceError: What is there is not what the data set says, or is too large to be decoded.
    """
    from pydicom.pixels.utils import as_pixel_options

    element, shape, count = raw_pixels(dataset), described(dataset), frames_of(dataset)
    options = as_pixel_options(
        dataset, pixel_vr=element.VR or "OW", correct_unused_bits=not unused_bits
    )
    samples = shape.rows * shape.columns * shape.samples
    if samples > LARGEST_FRAME:
        raise SourceError(
            f"its frames have {samples:,} samples, and more than {LARGEST_FRAME:,} are not decoded",
            hint="export it with transfer-syntax=*, which copies the file as it is",
        )
    if SYNTAXES[syntax].encapsulated:
        found = _decode_each(source, options, shape, syntax=syntax, rgb=rgb)
    else:
        _check_length(element, options, shape)
        if shape.bits == 1:
            turn = not syntax.is_little_endian and element.VR != "OB"
            found = _single_bits(source, shape, count, turn=turn)
        else:
            found = decode_described(source, options, syntax=syntax, rgb=rgb)
    decoded = 0
    while True:
        with _ROOM.taken(samples):
            frame = next(found, None)
            if frame is None:
                break
            decoded += 1
            if decoded > count:
                raise SourceError(f"it has more than the {count} frames that it says")
            yield frame
    if decoded < count:
        raise SourceError(f"it has {decoded} of its {count} frames")


def frames_of(dataset: Dataset) -> int:
    """Read how many frames an image has.

    Raises:
        SourceError: What it says is no such number, or more than its pixels can be.
    """
    value = dataset.get("NumberOfFrames")
    try:
        count = int(str(1 if value in (None, "", 0) else value))
    except ValueError:
        count = 0
    if not 0 < count <= 8 * raw_pixels(dataset).length:
        raise SourceError("its Number of Frames is no number that an image can have")
    return count


def described(dataset: Dataset) -> Shape:
    """Read what a data set says of the frames of its image.

    Returns:
        Rows, Columns, Samples per Pixel and Bits Allocated.

    Raises:
        SourceError: One of them is missing, or no such number.
    """
    found = []
    for name in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated"):
        value = dataset.get(name)
        if not isinstance(value, int) or not 0 < value <= 0xFFFF:
            raise SourceError(f"its {name} is missing, or no number that an image can have")
        found.append(value)
    return Shape(*found)


def _check_length(element: RawDataElement, options: dict[str, Any], shape: Shape) -> None:
    """Compare the length of native Pixel Data with the frames that they have to hold."""
    bits = shape.rows * shape.columns * shape.samples * shape.bits
    if options["photometric_interpretation"] == "YBR_FULL_422":
        bits = bits // 3 * 2
    needed, over = -(-bits * options["number_of_frames"] // 8), max(2, -(-bits // 8))
    if not needed <= element.length < needed + over:
        raise SourceError(
            f"it has {element.length:,} bytes of pixels where its frames need {needed:,}"
        )


def _single_bits(
    source: BinaryIO, shape: Shape, count: int, *, turn: bool
) -> Iterator[tuple[Pixels, str]]:
    """Unpack frames of single bits, which may begin within a byte: pydicom loses bits of those."""
    import numpy as np

    bits, first = shape.rows * shape.columns, source.tell()
    for start in range(0, bits * count, bits):
        word = start // 16 * 2
        source.seek(first + word)
        packed = source.read(-(-(start + bits) // 16) * 2 - word)
        if turn:
            packed = turned(packed, 2)
        at = start - 8 * word
        frame = np.unpackbits(np.frombuffer(packed, "u1"), bitorder="little")[at : at + bits]
        yield frame.reshape(shape.rows, shape.columns), "MONOCHROME2"


def _decode_each(
    source: BinaryIO, options: dict[str, Any], shape: Shape, *, syntax: UID, rgb: bool
) -> Iterator[tuple[Pixels, str]]:
    """Decode compressed frames, each after a look at its head."""
    from pydicom.encaps import encapsulate, generate_frames

    count = options["number_of_frames"]
    check_items(source)
    for frame in generate_frames(source, number_of_frames=count):
        check_frame(frame, SYNTAXES[syntax].coding, shape)
        one = options | {"number_of_frames": 1}
        alone = BytesIO(encapsulate([frame], has_bot=False))
        yield from decode_described(alone, one, syntax=syntax, rgb=rgb)


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


@dataclass(slots=True)
class _Room:
    """Memory for frames, shared by threads: what there is no room for waits.

    Args:
        samples: How many samples may be worked on at a time; one frame always may.
    """

    samples: int
    used: int = 0
    changed: Condition = field(default_factory=Condition)

    @contextmanager
    def taken(self, samples: int) -> Iterator[None]:
        """Wait for room, and hold it."""
        with self.changed:
            self.changed.wait_for(lambda: not self.used or self.used + samples <= self.samples)
            self.used += samples
        try:
            yield
        finally:
            with self.changed:
                self.used -= samples
                self.changed.notify_all()


_ROOM: Final = _Room(1 << 24)


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
