"""Frames become pictures as a viewer shows them, or bare samples."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import iter_pixels

from dicomfilter.dicom.pixels.rendering import JPEG, PNG, SAMPLES, check_rendering, render
from dicomfilter.errors import SourceError, UsageError
from dicomfilter.stores.media import MIME_TYPES
from tests.dicom.images import sample, save
from tests.dicom.readers import run

if TYPE_CHECKING:
    from pathlib import Path

BARE = f"{SAMPLES}; transfer-syntax=1.2.840.10008.1.2.1"
AS_STORED = f"{SAMPLES}; transfer-syntax=*"
RAMP = np.arange(0, 4096, dtype="u2").reshape(64, 64)


def picture(path: Path, mime_type: str = PNG, *, frame: int = 0) -> np.ndarray[Any, Any]:
    data = [each.data for each in render(path, mime_type)][frame]
    return np.asarray(Image.open(BytesIO(data)))


def with_frames(path: Path, **groups: Any) -> Path:
    """Add functional groups: of all frames, or of each where there are several."""
    dataset = pydicom.dcmread(path)
    for name, items in groups.items():
        setattr(dataset, name, items)
    dataset.save_as(path)
    return path


def group(name: str, **values: Any) -> Dataset:
    """Make a functional group."""
    inner, outer = Dataset(), Dataset()
    inner.update(values)
    setattr(outer, name, [inner])
    return outer


@pytest.mark.parametrize(
    ("values", "greys"),
    [
        # PS3.3 C.11.2.1.2.1: center 2048 and width 4096 reach from 0 to 4095
        ({"WindowCenter": 2048, "WindowWidth": 4096}, (0, 0, 127, 255, 255)),
        ({"WindowCenter": 2048, "WindowWidth": 1}, (0, 0, 0, 255, 255)),
        ({"WindowCenter": 1000, "WindowWidth": 101}, (0, 129, 255, 255, 255)),
        ({"WindowCenter": ["1000", "7"], "WindowWidth": ["101", "9"]}, (0, 129, 255, 255, 255)),
        (
            {"WindowCenter": 0, "WindowWidth": 101, "RescaleIntercept": -1000, "RescaleSlope": 1},
            (0, 129, 255, 255, 255),
        ),
        (
            {"WindowCenter": 1000, "WindowWidth": 100, "VOILUTFunction": "LINEAR_EXACT"},
            (0, 128, 255, 255, 255),
        ),
        (
            {"WindowCenter": 1000, "WindowWidth": 400, "VOILUTFunction": "SIGMOID"},
            (0, 128, 255, 255, 255),
        ),
    ],
)
def test_greys_are_those_of_the_first_window(
    values: dict[str, Any], greys: tuple[int, ...], tmp_path: Path
) -> None:
    path = save(tmp_path / "a.dcm", RAMP, BitsStored=12, **values)
    seen = picture(path).ravel()
    assert seen.dtype == np.uint8
    found = [int(seen[value]) for value in (0, 1000, 2047, 4094, 4095)]
    wide = values["WindowWidth"] == 4096
    expected = (0, 62, 127, 255, 255) if wide else greys
    assert found == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("kind", ["u1", "<u2"])
def test_a_lut_goes_before_a_window(kind: str, tmp_path: Path) -> None:
    lut = Dataset()
    lut.LUTDescriptor = [4096, 0, 8]
    lut.add_new("LUTData", "OW", (255 - np.arange(4096) // 16).astype(kind).tobytes())
    path = save(
        tmp_path / "a.dcm",
        RAMP,
        BitsStored=12,
        WindowCenter=1,
        WindowWidth=2,
        VOILUTSequence=[lut],
    )
    assert np.array_equal(picture(path), 255 - RAMP // 16)


def test_a_lut_may_begin_below_zero(tmp_path: Path) -> None:
    lut = Dataset()
    lut.LUTDescriptor = [4096, 64512, 12]  # -1024, as who does not know the sign reads it
    lut.add_new("LUTData", "OW", RAMP.tobytes())
    values = {"RescaleIntercept": -1024, "RescaleSlope": 1, "VOILUTSequence": [lut]}
    seen = picture(save(tmp_path / "a.dcm", RAMP, BitsStored=12, **values))
    assert np.array_equal(seen, np.rint(RAMP / 4095 * 255))


@pytest.mark.parametrize("window", [{"WindowCenter": 2048, "WindowWidth": 4096}, {}])
@pytest.mark.parametrize("media", [PNG, JPEG])
def test_monochrome1_is_white_at_zero(window: dict[str, Any], media: str, tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.dcm", RAMP, BitsStored=12, PhotometricInterpretation="MONOCHROME1", **window
    )
    seen = picture(path, media)
    assert seen[0, 0] > seen[32, 0] > seen[63, 63]


@pytest.mark.parametrize(("kind", "bits"), [("u2", 16), ("u2", 12), ("i2", 16), ("i2", 12)])
def test_png_keeps_sixteen_bits_without_a_window(kind: str, bits: int, tmp_path: Path) -> None:
    least = -(2 ** (bits - 1)) if kind == "i2" else 0
    drawn = (RAMP.astype(int) * 2 ** (bits - 12) + least).astype(kind)
    seen = picture(save(tmp_path / "a.dcm", drawn, BitsStored=bits))
    assert seen.dtype == np.uint16
    assert np.array_equal(seen.astype(int) + least, drawn)


def test_jpeg_spreads_what_is_there_without_a_window(tmp_path: Path) -> None:
    seen = picture(save(tmp_path / "a.dcm", RAMP + 1000, BitsStored=16), JPEG)
    assert seen.dtype == np.uint8
    assert (seen.min() < 4, seen.max() > 251) == (True, True)


def test_eight_bits_stay_eight_bits(tmp_path: Path) -> None:
    drawn = np.arange(256, dtype="u1").reshape(16, 16)
    assert np.array_equal(picture(save(tmp_path / "a.dcm", drawn)), drawn)


def test_an_even_image_is_even(tmp_path: Path) -> None:
    seen = picture(save(tmp_path / "a.dcm", np.full((8, 8), 300, "u2")), JPEG)
    assert len(np.unique(seen)) == 1


def test_single_bits_are_black_and_white() -> None:
    seen = picture(sample("liver_1frame.dcm"))
    bits = next(iter_pixels(sample("liver_1frame.dcm")))
    assert np.array_equal(seen, bits * 255)


@pytest.mark.parametrize("name", ["SC_ybr_full_422_uncompressed.dcm", "SC_rgb_jpeg_dcmtk.dcm"])
def test_colors_of_every_kind_become_rgb(name: str) -> None:
    seen = picture(sample(name))
    assert seen.shape == (100, 100, 3)
    stripes = [tuple(int(v) for v in seen[row, 50]) for row in (5, 25, 45, 95)]
    for found, wanted in zip(
        stripes, [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)], strict=True
    ):
        assert found == pytest.approx(wanted, abs=5)


def test_sixteen_bit_colors_keep_their_upper_eight() -> None:
    shallow = picture(sample("SC_rgb_rle_2frame.dcm"), frame=1)
    deep = picture(sample("SC_rgb_rle_16bit_2frame.dcm"), frame=1)
    assert np.array_equal(deep, shallow)


def test_a_palette_is_looked_up() -> None:
    seen = picture(sample("examples_palette.dcm"))
    assert seen.shape == (350, 800, 3)
    dataset = pydicom.dcmread(sample("examples_palette.dcm"))
    first = int(dataset.pixel_array[10, 10])
    red = np.frombuffer(dataset.RedPaletteColorLookupTableData, "<u2")
    assert seen[10, 10, 0] == red[first] >> 8


def test_each_frame_has_its_own_window(tmp_path: Path) -> None:
    frames = np.stack([RAMP, RAMP, RAMP])
    path = with_frames(
        save(tmp_path / "a.dcm", frames, BitsStored=12),
        SharedFunctionalGroupsSequence=[
            group("PixelValueTransformationSequence", RescaleIntercept=-1000, RescaleSlope=1)
        ],
        PerFrameFunctionalGroupsSequence=[
            group("FrameVOILUTSequence", WindowCenter=center, WindowWidth=101)
            for center in (0, 1000, 2000)
        ],
    )
    middles = [int(np.argmax(picture(path, frame=frame).ravel() >= 127)) for frame in range(3)]
    assert middles == pytest.approx([1000, 2000, 3000], abs=1)


def test_frames_are_numbered_only_where_there_are_several() -> None:
    assert [each.number for each in render(sample("MR_small.dcm"), PNG)] == [None]
    assert [each.number for each in render(sample("SC_rgb_rle_2frame.dcm"), PNG)] == [1, 2]
    assert len(list(render(sample("examples_ybr_color.dcm"), AS_STORED))) == 30


def test_bare_samples_are_those_of_the_file() -> None:
    for name in ("MR_small_RLE.dcm", "MR_small_bigendian.dcm", "SC_rgb_rle_16bit_2frame.dcm"):
        wanted = list(iter_pixels(sample(name), raw=True))
        found = [each.data for each in render(sample(name), BARE)]
        for data, pixels in zip(found, wanted, strict=True):
            little = pixels.astype(pixels.dtype.newbyteorder("<"))
            assert data == little.tobytes()


def test_frames_as_stored_are_what_the_file_holds() -> None:
    stored = next(render(sample("examples_ybr_color.dcm"), AS_STORED)).data
    assert stored.startswith(b"\xff\xd8")
    assert np.asarray(Image.open(BytesIO(stored))).shape == (240, 320, 3)
    bits = next(render(sample("liver_1frame.dcm"), AS_STORED)).data
    assert bits == pydicom.dcmread(sample("liver_1frame.dcm")).PixelData


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reportsi.dcm", "holds no pixels"),
        ("MR_truncated.dcm", "cannot be taken apart"),
        ("absent.dcm", "cannot be read"),
    ],
)
@pytest.mark.parametrize("mime_type", [PNG, BARE, AS_STORED])
def test_what_is_no_image_is_refused_with_the_reason(
    name: str, reason: str, mime_type: str
) -> None:
    with pytest.raises(SourceError, match=reason):
        list(render(sample(name), mime_type))


def test_every_format_of_frames_that_the_service_writes_is_written() -> None:
    for mime_type in MIME_TYPES:
        if not mime_type.startswith("application/dicom"):
            check_rendering(mime_type)
            assert next(render(sample("examples_rgb_color.dcm"), mime_type)).data


@pytest.mark.parametrize(
    "mime_type", ["image/gif", "application/dicom", f"{PNG}; transfer-syntax=*"]
)
def test_other_formats_are_refused(mime_type: str) -> None:
    with pytest.raises(UsageError, match="frames are not written as"):
        check_rendering(mime_type)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("examples_overlay.dcm", ["+Wi", "1", "-O"]),  # its first window, no overlays
        ("MR_small.dcm", ["+Wi", "1"]),
        ("dicomdirtests/77654033/CR1/6154", ["+Wi", "1"]),  # MONOCHROME1
        ("examples_palette.dcm", []),
        ("examples_rgb_color.dcm", []),
    ],
)
def test_dcmtk_draws_the_same_picture(name: str, options: list[str], tmp_path: Path) -> None:
    run("dcmj2pnm", *options, "+on", sample(name), tmp_path / "a.png")
    theirs = np.asarray(Image.open(tmp_path / "a.png")).astype(int)
    assert abs(picture(sample(name)).astype(int) - theirs).max() <= 1


def test_errors_of_who_takes_a_frame_are_left_alone() -> None:
    rendered = render(sample("MR_small.dcm"), PNG)
    next(rendered)
    with pytest.raises(KeyError):
        rendered.throw(KeyError())  # type: ignore[attr-defined]
