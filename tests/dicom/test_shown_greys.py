"""Windows and tables that are not as they should be: read right, passed over, or refused."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from dicomfilter.dicom.pixels.rendering import JPEG, PNG, render
from dicomfilter.dicom.pixels.transcoding import transcode
from dicomfilter.errors import SourceError
from tests.dicom.images import sample, save
from tests.dicom.readers import run
from tests.dicom.test_rendering import RAMP, group, picture, with_frames

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def with_texts(path: Path, **texts: str) -> Path:
    """Put texts where numbers belong, as no library would."""
    dataset = pydicom.dcmread(path)
    keep = {}
    for name, text in texts.items():
        keep[name] = text + " " * (len(text) % 2)
        if name in dataset:
            del dataset[name]
        dataset.add_new(name, "LO", keep[name])
    dataset.save_as(path)
    data = path.read_bytes()
    for name, even in keep.items():
        tag = pydicom.datadict.tag_for_keyword(name)
        assert tag is not None
        head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
        at = data.index(head + b"LO")
        data = data[: at + 4] + b"DS" + data[at + 6 :]
        assert even.encode() in data
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("center", "width"),
    [
        ("40,5", "400,0"),
        ("40 HU", "400 HU"),
        ("4_0", "400"),
        ("40", "4_00"),
        ("nan", "400"),
        ("40", "inf"),
        ("1e999", "400"),
        ("0x28", "400"),
        ("40.5.5", "400"),
        ("+-40", "400"),
        ("40,5\\60", "400\\90"),
        ("--", "400"),
    ],
)
def test_a_window_that_cannot_be_read_is_a_failure(center: str, width: str, tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", RAMP, BitsStored=12)
    with_texts(path, WindowCenter=center, WindowWidth=width)
    for media in (PNG, JPEG):
        with pytest.raises(SourceError, match=r"its Window(Center|Width) cannot be read"):
            picture(path, media)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({"RescaleSlope": "1,5", "RescaleIntercept": "0"}, "its RescaleSlope cannot be read"),
        (
            {"RescaleSlope": "1", "RescaleIntercept": "-1_024"},
            "its RescaleIntercept cannot be read",
        ),
        ({"RescaleSlope": "0", "RescaleIntercept": "0"}, "its RescaleSlope is 0"),
        ({"RescaleSlope": "1e308", "RescaleIntercept": "-1e308"}, "too large to be shown|"),
    ],
)
def test_values_that_cannot_be_rescaled_are_a_failure(
    texts: dict[str, str], reason: str, tmp_path: Path
) -> None:
    path = save(tmp_path / "a.dcm", RAMP, BitsStored=12, WindowCenter=1000, WindowWidth=400)
    with_texts(path, **texts)
    if reason.endswith("|"):
        assert picture(path).shape == RAMP.shape
        return
    with pytest.raises(SourceError, match=reason):
        picture(path)


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ({"WindowCenter": "1000 ", "WindowWidth": " 101"}, (1000, 101)),
        ({"WindowCenter": "+1.0E3", "WindowWidth": "101."}, (1000, 101)),
        ({"WindowCenter": "1000\\7", "WindowWidth": "101\\9"}, (1000, 101)),
        ({"WindowCenter": "1000\\x", "WindowWidth": "101\\y"}, (1000, 101)),
        ({"WindowCenter": "\\1000", "WindowWidth": "5\\101"}, (1000, 101)),
        ({"WindowCenter": "0\\1000", "WindowWidth": "0\\101"}, (1000, 101)),
    ],
)
def test_the_first_window_that_is_one_is_read_as_it_stands(
    texts: dict[str, str], wanted: tuple[int, int], tmp_path: Path
) -> None:
    center, width = wanted
    right = save(tmp_path / "b.dcm", RAMP, BitsStored=12, WindowCenter=center, WindowWidth=width)
    path = with_texts(save(tmp_path / "a.dcm", RAMP, BitsStored=12), **texts)
    assert np.array_equal(picture(path), picture(right))


@pytest.mark.parametrize(
    "values",
    [
        {"WindowCenter": 0, "WindowWidth": 0},
        {"WindowCenter": 0, "WindowWidth": 0.5},
        {"WindowCenter": 0, "WindowWidth": -400},
        {"WindowCenter": 0, "WindowWidth": 0, "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": 0, "WindowWidth": -1, "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": 0},
        {"WindowWidth": 400},
        {"WindowCenter": "", "WindowWidth": ""},
    ],
)
@pytest.mark.parametrize("media", [PNG, JPEG])
def test_a_window_that_is_none_is_passed_over(
    values: dict[str, Any], media: str, tmp_path: Path
) -> None:
    plain = save(tmp_path / "b.dcm", RAMP, BitsStored=12)
    path = save(tmp_path / "a.dcm", RAMP, BitsStored=12, **values)
    assert np.array_equal(picture(path, media), picture(plain, media))
    assert len(np.unique(picture(path, media))) > 200


def test_a_narrow_window_is_one_where_its_function_allows_it(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.dcm",
        RAMP,
        BitsStored=12,
        WindowCenter=100,
        WindowWidth=0.5,
        VOILUTFunction="LINEAR_EXACT",
    )
    assert [int(v) for v in picture(path).ravel()[98:103]] == [0, 0, 128, 255, 255]


def test_a_function_that_is_not_known_is_a_failure(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.dcm",
        RAMP,
        BitsStored=12,
        WindowCenter=100,
        WindowWidth=50,
        VOILUTFunction="CUBIC",
    )
    with pytest.raises(SourceError, match="its VOILUTFunction is not known"):
        picture(path)


def test_a_window_of_a_frame_that_cannot_be_read_is_a_failure_too(tmp_path: Path) -> None:
    bad = group("FrameVOILUTSequence", WindowWidth=101)
    bad.FrameVOILUTSequence[0].add_new("WindowCenter", "LO", "40,5")
    path = with_frames(
        save(tmp_path / "a.dcm", np.stack([RAMP, RAMP]), BitsStored=12),
        PerFrameFunctionalGroupsSequence=[bad, bad],
    )
    with pytest.raises(SourceError, match="its WindowCenter cannot be read"):
        picture(path)


def test_samples_that_do_not_end_at_bit_0_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", RAMP << 4, BitsStored=12)
    dataset = pydicom.dcmread(path)
    dataset.HighBit = 15
    dataset.save_as(path)
    with pytest.raises(SourceError, match="do not end at bit 0"):
        picture(path)


def in_both_orders(tmp_path: Path, pixels: NDArray[Any], **values: Any) -> tuple[Path, Path]:
    """Write an image twice: its numbers little endian, and all of them big endian."""
    little = save(tmp_path / "little.dcm", pixels, **values)
    dataset = pydicom.dcmread(little)
    big = Dataset()
    big.file_meta = dataset.file_meta
    big.file_meta.TransferSyntaxUID = ExplicitVRBigEndian

    def turn(source: Dataset, target: Dataset) -> None:
        for each in source:
            if each.VR == "SQ":
                items = [Dataset() for _ in each.value]
                for one, other in zip(each.value, items, strict=True):
                    turn(one, other)
                target.add_new(each.tag, "SQ", items)
            elif each.VR == "OW":
                words = np.frombuffer(each.value, "<u2").byteswap().tobytes()
                target.add_new(each.tag, "OW", words)
            else:
                target.add_new(each.tag, each.VR, each.value)

    turn(dataset, big)
    big.save_as(tmp_path / "big.dcm")
    return little, tmp_path / "big.dcm"


def palette(entries: int, kind: str, *, first: int = 0, bits: int = 16) -> dict[str, Any]:
    """Make a palette."""
    found: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for number, color in enumerate(("Red", "Green", "Blue")):
        name = f"{color}PaletteColorLookupTable"
        shades = np.arange(entries) * (number + 3) * 1117
        shades = shades % 256 if bits == 8 else shades % 65536
        found[f"{name}Descriptor"] = [entries % 65536, first, bits]
        found[f"{name}Data"] = shades.astype(kind).tobytes()
    return found


@pytest.mark.parametrize(
    ("kind", "bits", "entries", "pixels"),
    [
        ("<u2", 16, 256, "u1"),
        ("<u2", 16, 4096, "<u2"),
        ("<u2", 8, 256, "u1"),
        ("u1", 8, 256, "u1"),
        ("u1", 8, 4096, "<u2"),
        ("<u2", 16, 65536, "<u2"),
    ],
)
def test_palettes_of_big_endian_files_have_the_same_colors(
    kind: str, bits: int, entries: int, pixels: str, tmp_path: Path
) -> None:
    drawn = (RAMP.astype(int) % min(entries, 256 if pixels == "u1" else 65536)).astype(pixels)
    little, big = in_both_orders(tmp_path, drawn, **palette(entries, kind, bits=bits))
    wanted = picture(little)
    assert len(np.unique(wanted.reshape(-1, 3), axis=0)) > 100
    assert np.array_equal(picture(big), wanted)
    turned = BytesIO()
    transcode(big, ExplicitVRLittleEndian, turned)
    (tmp_path / "c.dcm").write_bytes(turned.getvalue())
    assert np.array_equal(picture(tmp_path / "c.dcm"), wanted)
    run("dcmj2pnm", "+on", little, tmp_path / "a.png")
    theirs = np.asarray(Image.open(tmp_path / "a.png")).astype(int)
    assert abs(theirs - wanted).max() <= 1


@pytest.mark.parametrize("first", [10, -5])
def test_a_palette_may_begin_elsewhere(first: int, tmp_path: Path) -> None:
    drawn = (np.arange(64).reshape(8, 8) - 20).astype("i2")
    values = palette(32, "<u2", first=first) | {"PixelRepresentation": 1}
    seen = picture(save(tmp_path / "a.dcm", drawn, **values))
    table = (np.arange(32) * 3 * 1117 % 65536) >> 8
    assert np.array_equal(seen[..., 0], table[np.clip(drawn - first, 0, 31)])


@pytest.mark.parametrize("name", ["VOILUTSequence", "ModalityLUTSequence"])
def test_tables_of_big_endian_files_give_the_same_greys(name: str, tmp_path: Path) -> None:
    lut = Dataset()
    lut.add_new("LUTDescriptor", "US", [4096, 0, 16])
    if name == "ModalityLUTSequence":
        lut.ModalityLUTType = "OD"
    lut.add_new("LUTData", "OW", (np.arange(4096) * 16 % 65536).astype("<u2").tobytes())
    values = {name: [lut], "WindowCenter": 32768, "WindowWidth": 65536}
    little, big = in_both_orders(tmp_path, RAMP, BitsStored=12, **values)
    wanted = picture(little)
    assert len(np.unique(wanted)) > 200
    assert np.array_equal(picture(big), wanted)


@pytest.mark.parametrize(
    ("descriptor", "size_bytes"),
    [([4096, 0, 16], 100), ([4096, 0, 17], 8192), ([4096, 0], 8192), ([0, 0, 8], 4096)],
)
def test_a_table_that_ends_early_or_is_not_described_is_a_failure(
    descriptor: list[int], size_bytes: int, tmp_path: Path
) -> None:
    lut = Dataset()
    lut.add_new("LUTDescriptor", "US", descriptor)
    lut.add_new("LUTData", "OW", bytes(size_bytes))
    path = save(tmp_path / "a.dcm", RAMP, BitsStored=12, VOILUTSequence=[lut])
    with pytest.raises(SourceError, match="look-up table"):
        picture(path)


def test_a_palette_without_its_data_is_a_failure(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.dcm", np.zeros((4, 4), "u1"), PhotometricInterpretation="PALETTE COLOR"
    )
    with pytest.raises(SourceError, match="its palette is missing"):
        picture(path)


@pytest.mark.parametrize(
    "name", ["MR_small.dcm", "examples_rgb_color.dcm", "SC_rgb_jpeg_dcmtk.dcm"]
)
def test_pictures_as_jpeg_are_near_to_those_as_png(name: str) -> None:
    exact, near = (picture(sample(name), media).astype(int) for media in (PNG, JPEG))
    if exact.max() < 256:
        assert ((exact - near) ** 2).mean() ** 0.5 <= 2
        assert abs(exact - near).max() <= 32


@pytest.mark.parametrize("media", [PNG, JPEG])
def test_a_picture_that_cannot_be_read_again_is_not_given(
    media: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Image.open
    monkeypatch.setattr(
        "PIL.Image.open", lambda file: honest(file).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    )
    with pytest.raises(SourceError, match=r"could not be read again|does not keep a picture"):
        list(render(sample("MR_small.dcm"), media))
