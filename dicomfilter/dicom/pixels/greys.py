"""Grey values as a viewer shows them: modality LUT, window or VOI LUT, inversion."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from dicomfilter.dicom.pixels.lookup import Lut, lut_of
from dicomfilter.dicom.pixels.opening import stored_syntax
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset, FileDataset

    from dicomfilter.dicom.pixels.decoding import Pixels, Traits

_OF_FRAMES: Final = {
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
}
"""Where enhanced objects keep what others keep at the top."""
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NARROWEST: Final = {"LINEAR": 1.0, "LINEAR_EXACT": 0.0, "SIGMOID": 0.0}
"""What a window has to be wide, by its function; but for LINEAR it has to be wider than that."""
_BAND: Final = 1 << 18
"""How many greys are worked on at a time: they are large numbers until they are greys."""


@dataclass(frozen=True, slots=True)
class Window:
    """The values that are shown from black to white.

    Args:
        center: The value in the middle.
        width: How many there are.
        function: How greys go from the one to the other.
    """

    center: float
    width: float
    function: str

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Make values greys: below the window 0, above it 1.

        Source:
            DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3.
        """
        import numpy as np

        center, width = self.center, self.width
        if self.function == "SIGMOID":
            with np.errstate(over="ignore"):
                return 1 / (1 + np.exp(-4 * (values - center) / width))
        if self.function == "LINEAR_EXACT":
            return (values - center) / width + 0.5
        if width == 1:
            return (values > center - 0.5).astype(np.float64)
        return (values - (center - 0.5)) / (width - 1) + 0.5


@dataclass(frozen=True, slots=True)
class Shown:
    """What says how the grey values of a frame are shown.

    Args:
        slope: What stored values are multiplied with.
        intercept: What is added to them then.
        modality: The table that makes stored values other ones, in place of these.
        voi: The table that makes those values greys.
        window: What makes them greys where there is no table.
    """

    slope: float = 1.0
    intercept: float = 0.0
    modality: Lut | None = None
    voi: Lut | None = None
    window: Window | None = None

    def values(self, frame: Pixels) -> Pixels:
        """Make stored values those that windows are of."""
        import numpy as np

        if self.modality is not None:
            return self.modality(frame)
        if (self.slope, self.intercept) == (1.0, 0.0):
            return frame
        return frame.astype(np.float64) * self.slope + self.intercept

    def over(self, least: int, greatest: int) -> Shown:
        """Place its tables for stored values of this range."""
        modality = None if self.modality is None else self.modality.over(least)
        if self.voi is None:
            return replace(self, modality=modality)
        ends = (least * self.slope + self.intercept, greatest * self.slope + self.intercept)
        return replace(self, modality=modality, voi=self.voi.over(0 if modality else min(ends)))


def frame_values(dataset: FileDataset, index: int) -> Shown:
    """Gather what says how the grey values of a frame are shown.

    Args:
        dataset: The image.
        index: Which frame, from 0.

    Returns:
        Its modality LUT, and its VOI LUT or its first window.

    Raises:
        SourceError: It says something that cannot be read.
    """
    little = stored_syntax(dataset).is_little_endian
    places: dict[str, Dataset] = {name: dataset for names in _OF_FRAMES.values() for name in names}
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    each = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for group in (*shared[:1], *each[index : index + 1]):
        for sequence, names in _OF_FRAMES.items():
            if items := group.get(sequence):
                places |= {name: items[0] for name in names if items[0].get(name) not in (None, "")}
    slope, intercept = (
        next(_numbers(places[name], name), None) for name in ("RescaleSlope", "RescaleIntercept")
    )
    if slope == 0:
        raise SourceError("its RescaleSlope is 0, which makes all values one")
    return Shown(
        1.0 if slope is None else slope,
        intercept or 0.0,
        lut_of(dataset, "ModalityLUTSequence", little=little),
        lut_of(dataset, "VOILUTSequence", little=little),
        _window(places),
    )


def _window(places: dict[str, Dataset]) -> Window | None:
    """Read the first window that is one; a narrower one than its function allows is none."""
    function = str(places["VOILUTFunction"].get("VOILUTFunction") or "LINEAR").strip().upper()
    if function not in _NARROWEST:
        raise SourceError("its VOILUTFunction is not known")
    centers, widths = (_numbers(places[name], name) for name in ("WindowCenter", "WindowWidth"))
    for center, width in zip(centers, widths, strict=False):
        if center is None or width is None:
            continue
        least = _NARROWEST[function]
        if width >= least if function == "LINEAR" else width > least:
            return Window(center, width, function)
    return None


def _numbers(dataset: Dataset, name: str) -> Iterator[float | None]:
    """Read the numbers of a decimal string, strictly; None for an empty one.

    What pydicom makes of ``40,5`` or ``4_0`` is not asked for.

    Raises:
        SourceError: One of them is none.
    """
    if name not in dataset:
        return
    element = dataset.get_item(name)
    value = element.value
    if isinstance(value, bytes):
        value = value.decode("latin-1").split("\\")
    many = value if isinstance(value, list) or hasattr(value, "append") else [value]
    for each in many or ():
        text = "" if each is None else str(each).strip(" \0")
        if not text:
            yield None
        elif not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            raise SourceError(f"its {name} cannot be read")
        else:
            yield float(text)


def grey(frame: Pixels, shown: Shown, traits: Traits, *, deep: bool) -> Pixels:
    """Turn stored values into greys.

    Args:
        frame: The values.
        shown: What says how they are shown, see ``frame_values``.
        traits: What they mean.
        deep: Whether values of up to 16 bits are kept where there is no window.

    Returns:
        As many greys: of 8 bits or, if they are kept, of 16.

    Raises:
        SourceError: What says how they are shown makes no greys of them.
    """
    import numpy as np

    seen = shown.voi is not None or shown.window is not None
    shallow = traits.bits_stored <= 8 and (not traits.signed or traits.bits_stored == 1)
    kept = not seen and not shallow and deep and traits.bits_allocated <= 16
    least, greatest = int(frame.min()), int(frame.max())
    if shallow:
        least, greatest = 0, (1 << traits.bits_stored) - 1
    shown = shown.over(least, greatest)
    found = np.empty(frame.shape, np.uint16 if kept else np.uint8)
    step = max(1, _BAND // max(1, frame.shape[1]))
    for top in range(0, len(frame), step):
        band = frame[top : top + step]
        if kept:
            found[top : top + step] = _kept(band, traits)
            continue
        if shown.voi is not None:
            greys = shown.voi(shown.values(band)) / shown.voi.greatest
        elif shown.window is not None:
            greys = shown.window(shown.values(band).astype(np.float64))
        else:
            greys = (band.astype(np.float64) - least) / ((greatest - least) or 1)
        if np.isnan(greys).any():
            raise SourceError("its rescaled values are too large to be shown")
        greys = np.clip(greys, 0, 1)
        inverted = 1 - greys if traits.photometric == "MONOCHROME1" else greys
        found[top : top + step] = np.rint(inverted * 255)
    return found


def _kept(frame: Pixels, traits: Traits) -> NDArray[np.int64]:
    """Keep values; the least that can be stored is 0."""
    import numpy as np

    least = -(1 << (traits.bits_stored - 1)) if traits.signed else 0
    kept = frame.astype(np.int64) - least
    if traits.photometric == "MONOCHROME1":
        kept = (1 << traits.bits_stored) - 1 - kept
    return np.clip(kept, 0, 0xFFFF)
