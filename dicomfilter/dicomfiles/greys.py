"""Grey values as a viewer shows them: modality LUT, window or VOI LUT, inversion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from dicomfilter.dicomfiles.opening import stored_syntax

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset, FileDataset

    from dicomfilter.dicomfiles.decoding import Pixels, Traits

_SHOWN: Final = (
    "RescaleSlope",
    "RescaleIntercept",
    "ModalityLUTSequence",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "VOILUTSequence",
    "PixelRepresentation",
)
_OF_FRAMES: Final = {
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
}
"""Where enhanced objects keep what others keep at the top."""


def frame_values(dataset: FileDataset, index: int) -> Dataset:
    """Gather what says how the grey values of a frame are shown.

    Args:
        dataset: The image.
        index: Which frame, from 0.

    Returns:
        Its modality LUT and its windows, as in an object of one frame.
    """
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset

    found = Dataset()
    found.file_meta = FileMetaDataset()  # which tells the order of bytes in a LUT
    found.file_meta.TransferSyntaxUID = stored_syntax(dataset)
    for name in _SHOWN:
        if dataset.get(name) not in (None, ""):
            found[name] = dataset[name]
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    each = dataset.get("PerFrameFunctionalGroupsSequence") or []
    for group in (*shared[:1], *each[index : index + 1]):
        for sequence, names in _OF_FRAMES.items():
            for name in names if group.get(sequence) else ():
                if group[sequence][0].get(name) not in (None, ""):
                    found[name] = group[sequence][0][name]
    return found


def grey(frame: Pixels, shown: Dataset, traits: Traits, *, deep: bool) -> Pixels:
    """Turn stored values into greys.

    Args:
        frame: The values.
        shown: What says how they are shown, see ``frame_values``.
        traits: What they mean.
        deep: Whether values of up to 16 bits are kept where there is no window.

    Returns:
        As many greys: of 8 bits or, if they are kept, of 16.
    """
    import numpy as np
    from pydicom.pixels.processing import apply_modality_lut

    inverted = traits.photometric == "MONOCHROME1"
    windowed = "WindowCenter" in shown and "WindowWidth" in shown
    if shown.get("VOILUTSequence"):
        greys = _looked_up(apply_modality_lut(frame, shown), shown.VOILUTSequence[0], shown)
    elif windowed:
        greys = _window(apply_modality_lut(frame, shown).astype(np.float64), shown)
    elif traits.bits_stored == 1:
        greys = frame.astype(np.float64)
    elif traits.bits_stored <= 8 and not traits.signed:
        greys = frame.astype(np.float64) / ((1 << traits.bits_stored) - 1)
    elif deep and traits.bits_allocated <= 16:
        return _kept(frame, traits, inverted=inverted)
    else:
        values = frame.astype(np.float64)
        span = float(values.max() - values.min()) or 1.0
        greys = (values - values.min()) / span
    greys = np.clip(1 - greys if inverted else greys, 0, 1)
    return np.rint(greys * 255).astype(np.uint8)


def _kept(frame: Pixels, traits: Traits, *, inverted: bool) -> NDArray[np.uint16]:
    """Keep values; the least that can be stored is 0."""
    import numpy as np

    least = -(1 << (traits.bits_stored - 1)) if traits.signed else 0
    kept = frame.astype(np.int64) - least
    if inverted:
        kept = (1 << traits.bits_stored) - 1 - kept
    return np.clip(kept, 0, 0xFFFF).astype(np.uint16)


def _looked_up(values: Pixels, lut: Dataset, shown: Dataset) -> NDArray[np.float64]:
    """Apply a VOI LUT: its least output is 0, its greatest 1.

    Source:
        DICOM PS3.3, C.11.2.1.1.
    """
    import numpy as np

    entries, first, bits = (int(each) for each in lut.LUTDescriptor)
    entries = entries or 1 << 16
    data = lut.LUTData
    if isinstance(data, bytes):  # of 8 bits, entries lie in a byte each, or in a word each
        order = "<" if shown.file_meta.TransferSyntaxUID.is_little_endian else ">"
        table = np.frombuffer(data, f"{order}u2" if len(data) >= 2 * entries else "u1")
    else:
        table = np.asarray(data)
    if first >= 1 << 15 and values.min() < 0:  # a negative number, read as a positive one
        first -= 1 << 16
    places = np.clip(values.astype(np.int64) - first, 0, min(entries, len(table)) - 1)
    return table[places].astype(np.float64) / ((1 << bits) - 1)


def _window(values: NDArray[np.float64], shown: Dataset) -> NDArray[np.float64]:
    """Apply the first window: below it 0, above it 1.

    Source:
        DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3.
    """
    import numpy as np

    center, width = _first(shown.WindowCenter), _first(shown.WindowWidth)
    function = str(shown.get("VOILUTFunction") or "LINEAR").upper()
    if function == "SIGMOID" and width:
        greys = 1 / (1 + np.exp(-4 * (values - center) / width))
    elif function == "LINEAR_EXACT":
        greys = (values - center) / (width or 1) + 0.5
    else:
        greys = (values - (center - 0.5)) / (width - 1 or 1) + 0.5
    return np.clip(greys, 0, 1)


def _first(value: object) -> float:
    many = cast("list[float]", value if hasattr(value, "__getitem__") else [value])
    return float(many[0])
