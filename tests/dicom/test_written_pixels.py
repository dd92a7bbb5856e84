"""Pixels that are written are those that were read, or as near to them as is promised."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import ExplicitVRBigEndian, HTJ2KLossless, JPEG2000Lossless

from dicomfilter.dicom.pixels import encoding
from dicomfilter.dicom.pixels.encoding import (
    LARGEST_ERROR,
    LARGEST_SHARE,
    MEAN_ERROR,
    MEAN_SHARE,
    NEAR,
)
from dicomfilter.dicom.pixels.rendering import PNG, render
from dicomfilter.dicom.pixels.syntaxes import SYNTAXES
from dicomfilter.dicom.pixels.transcoding import transcode
from dicomfilter.errors import SourceError
from tests.dicom.images import sample, save
from tests.dicom.readers import run
from tests.dicom.test_transcoding import LOSSLESS, LOSSY, NATIVE, pixels, transcoded, written_to

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DICOM = "1.2.840.10008.1.2"
CHECKS = np.add.outer(np.arange(64) // 3, np.arange(64) // 3) % 2
SLOPE = np.add.outer(np.arange(64), np.arange(64))
NOISE = np.random.default_rng(7).integers(0, 1 << 16, (64, 64))


def with_value(path: Path, value: bytes, syntax: str, *, bits: int | None = None) -> Path:
    """Put other Pixel Data into a file."""
    dataset = pydicom.dcmread(path)
    dataset.PixelData = value
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = SYNTAXES[syntax].encapsulated
    dataset.file_meta.TransferSyntaxUID = syntax
    if bits is not None:
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit = bits - 1
    dataset.save_as(path)
    return path


def of_single_bits(path: Path, masks: NDArray[Any], syntax: str) -> Path:
    """Make masks of single bits, compressed."""
    path = save(path, masks.astype("u1"))
    if syntax == HTJ2KLossless:
        frames = [imagecodecs.htj2k_encode(mask.astype("u1"), reversible=True) for mask in masks]
    else:
        frames = [
            imagecodecs.jpeg2k_encode(
                mask.astype("u1"), codecformat="j2k", bitspersample=1, reversible=True
            )
            for mask in masks
        ]
    return with_value(path, encapsulate([bytes(each) for each in frames]), syntax, bits=1)


@pytest.mark.parametrize("target", NATIVE)
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, HTJ2KLossless])
@pytest.mark.parametrize("shape", [(1, 64, 64), (3, 5, 7), (2, 3, 3), (9, 1, 1)])
def test_single_bits_are_packed_also_across_frames(
    shape: tuple[int, ...], syntax: str, target: str, tmp_path: Path
) -> None:
    masks = np.arange(np.prod(shape)).reshape(shape) % 3 == 0
    path = of_single_bits(tmp_path / "a.dcm", masks, syntax)
    after = pydicom.dcmread(BytesIO(transcoded(path, target)))
    assert len(after.PixelData) == -(-masks.size // 16) * 2
    assert np.array_equal(after.pixel_array.reshape(shape), masks)  # at once: not frame by frame
    frames = [each.data for each in render(path, "application/octet-stream; transfer-syntax=*")]
    assert len(frames) == shape[0]


BY_RANGE = [
    pytest.param(kind, bits, drawn, signed, id=f"{bits}-in-{kind[1:]}-{name}-{'-+'[not signed]}")
    for kind, bits in [
        ("u1", 1), ("u1", 3), ("u1", 7), ("u1", 8),
        ("u2", 1), ("u2", 6), ("u2", 8), ("u2", 9), ("u2", 10), ("u2", 12), ("u2", 15), ("u2", 16),
    ]
    for name, drawn in [("checks", CHECKS), ("slope", SLOPE), ("noise", NOISE)]
    for signed in (False, True)
    if not (signed and bits == 1)
]  # fmt: skip


def drawn_in(kind: str, bits: int, drawn: NDArray[Any], *, signed: bool) -> NDArray[Any]:
    """Stretch a drawing over all that so many bits hold."""
    greatest = (1 << bits) - 1
    full = np.rint(drawn / drawn.max() * greatest).astype(int)
    return (full - ((greatest + 1) // 2 if signed else 0)).astype(kind.replace("u", "ui"[signed]))


@pytest.mark.parametrize(("kind", "bits", "drawn", "signed"), BY_RANGE)
def test_every_range_of_samples_comes_back_or_is_refused(
    kind: str,
    bits: int,
    drawn: NDArray[Any],
    signed: bool,  # noqa: FBT001 - it is in the name of the test
    tmp_path: Path,
) -> None:
    full = drawn_in(kind, bits, drawn, signed=signed)
    path = save(tmp_path / "a.dcm", full, BitsStored=bits)
    for syntax in (*LOSSLESS, *LOSSY):
        try:
            written = transcoded(path, syntax)
        except SourceError as error:
            # Only the forms of JPEG that lose something refuse, and say why.
            assert syntax in LOSSY[:2], (syntax, error.message)
            assert any(
                why in error.message
                for why in ("no signed samples", "bits a sample", "does not keep these pixels")
            )
            continue
        after = pydicom.dcmread(BytesIO(written))
        found = pixels(after)[0].astype(int)
        errors, span = np.abs(found - full.astype(int)), int(full.max()) - int(full.min())
        mean, largest = float((errors**2).mean() ** 0.5), int(errors.max())
        if not SYNTAXES[syntax].lossy:
            assert largest == 0, syntax
        assert mean <= min(MEAN_ERROR, MEAN_SHARE * span), syntax
        assert largest <= min(NEAR if syntax == LOSSY[2] else LARGEST_ERROR, LARGEST_SHARE * span)
        least = -(1 << bits - 1) if signed else 0
        assert least <= found.min() <= found.max() < least + (1 << bits), syntax
        assert after.BitsStored == bits
        assert after.BitsAllocated == (8 if syntax == LOSSY[0] else full.dtype.itemsize * 8)


@pytest.mark.parametrize("greatest", [1, 2, 5])
@pytest.mark.parametrize("kind", ["u1", "u2", "i2"])
def test_masks_and_labels_in_wide_samples_do_not_vanish(
    kind: str, greatest: int, tmp_path: Path
) -> None:
    """An error of 2 grey values is small, but not where there are no more than that."""
    labels = np.zeros((64, 64), kind)
    labels[10:14, 10:14] = greatest
    path = save(tmp_path / "a.dcm", labels)
    for syntax in LOSSY:
        try:
            after = pydicom.dcmread(BytesIO(transcoded(path, syntax)))
        except SourceError as error:
            assert syntax in LOSSY[:2], error.message
        else:
            assert np.array_equal(pixels(after)[0] > greatest / 2, labels > 0), syntax


def test_samples_beyond_bits_stored_are_not_made_others(tmp_path: Path) -> None:
    """An overlay in the bits above would be smeared into the pixels, or they into it."""
    drawn = (SLOPE * 30 + (CHECKS << 12)).astype("u2")
    path = save(tmp_path / "a.dcm", drawn, BitsStored=12)
    for syntax in LOSSY:
        with pytest.raises(SourceError, match=r"beyond Bits Stored|bits a sample"):
            transcoded(path, syntax)
    for syntax in LOSSLESS:
        after = pydicom.dcmread(BytesIO(transcoded(path, syntax)))
        back = pydicom.pixels.pixel_array
        if syntax not in {f"{DICOM}.4.57", f"{DICOM}.4.70"}:  # which pydicom alone does not read
            assert np.array_equal(back(after, raw=True, correct_unused_bits=False), drawn)


def test_labels_are_not_made_lossy(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", SLOPE.astype("u1"), SegmentationType="LABELMAP")
    for syntax in LOSSY:
        with pytest.raises(SourceError, match="has labels"):
            transcoded(path, syntax)


@pytest.mark.parametrize("bits", [4, 8])
def test_jpeg_baseline_has_samples_of_eight_bits(bits: int, tmp_path: Path) -> None:
    drawn = (SLOPE * ((1 << bits) - 1) // SLOPE.max()).astype("u2")
    path = save(tmp_path / "a.dcm", drawn, BitsStored=bits)
    copy = written_to(tmp_path / "b.dcm", path, f"{DICOM}.4.50")
    after = pydicom.dcmread(copy)
    frame = next(generate_frames(after.PixelData, number_of_frames=1))
    at = frame.index(b"\xff\xc0")
    assert (frame[at + 4], after.BitsAllocated, after.BitsStored) == (8, 8, bits)
    assert after.HighBit == bits - 1
    run("dcmdjpeg", copy, tmp_path / "c.dcm")
    assert np.array_equal(pydicom.dcmread(tmp_path / "c.dcm").pixel_array, pixels(after)[0])


@pytest.mark.parametrize("last", ["80", "81"])
@pytest.mark.parametrize("bits", [1, 6, 8, 9, 12])
def test_others_read_jpeg_ls_of_few_bits_in_words(bits: int, last: str, tmp_path: Path) -> None:
    drawn = (SLOPE * ((1 << bits) - 1) // SLOPE.max()).astype("u2")
    path = save(tmp_path / "a.dcm", drawn, BitsStored=bits)
    copy = written_to(tmp_path / "b.dcm", path, f"{DICOM}.4.{last}")
    run("dcmdjpls", copy, tmp_path / "c.dcm")
    theirs = pydicom.dcmread(tmp_path / "c.dcm").pixel_array
    assert np.array_equal(theirs, pixels(pydicom.dcmread(copy))[0])


@pytest.mark.parametrize("syntax", LOSSY)
@pytest.mark.parametrize("harm", ["shifted", "black", "one sample"])
def test_a_lossy_frame_that_comes_back_as_another_is_not_written(
    syntax: str, harm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coding = SYNTAXES[syntax].coding
    honest = encoding._ENCODERS[coding]

    def harmed(frame: NDArray[Any]) -> NDArray[Any]:
        changed = frame.copy()
        if harm == "shifted":
            changed = np.roll(frame, 1, 0)
        elif harm == "black":
            changed[:] = 0
        else:
            changed[30, 30] += 100
        return changed

    monkeypatch.setitem(
        encoding._ENCODERS, coding, lambda frame, *rest: honest(harmed(frame), *rest)
    )
    path = save(tmp_path / "a.dcm", ((SLOPE * 7) % 150).astype("u1"))
    with pytest.raises(SourceError, match="does not keep these pixels within 2 grey values"):
        transcoded(path, syntax)


def test_color_edges_are_kept_by_the_whole_chroma(tmp_path: Path) -> None:
    colors = np.stack([CHECKS * 255, 255 - CHECKS * 255, CHECKS * 0], -1).astype("u1")
    path = save(tmp_path / "a.dcm", colors, SamplesPerPixel=3)
    after = pydicom.dcmread(BytesIO(transcoded(path, f"{DICOM}.4.50")))
    assert after.PhotometricInterpretation == "YBR_FULL"
    seen = next(pydicom.pixels.iter_pixels(after)).astype(int)
    assert ((seen - colors) ** 2).mean() ** 0.5 <= MEAN_ERROR


@pytest.mark.parametrize("target", NATIVE)
def test_pixels_of_an_odd_length_get_an_even_one(target: str, tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", np.arange(9, dtype="u1").reshape(3, 3))
    data = path.read_bytes()
    at = data.index(struct.pack("<HH", 0x7FE0, 0x10))
    path.write_bytes(
        data[:at] + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 9) + bytes(range(9))
    )
    other = f"{DICOM}.1" if target != f"{DICOM}.1" else DICOM
    copy = written_to(tmp_path / "b.dcm", path, target if target != f"{DICOM}.1" else other)
    run("dcmconv", "+te", copy, tmp_path / "c.dcm")
    after = pydicom.dcmread(tmp_path / "c.dcm")
    assert after.PixelData == bytes(range(9)) + b"\0"


@pytest.mark.parametrize(
    ("vr", "value", "padded"),
    [
        (b"LO", b"abc", b"abc "),
        (b"UI", b"1.2", b"1.2\0"),
        (b"UN", b"abc", b"abc\0"),
        (b"OB", b"abc", b"abc\0"),
        (b"UT", b"abc", b"abc "),
        (b"IS", b"7", b"7 "),
        (b"US", b"abc", None),
        (b"FD", b"abc", None),
        (b"AT", b"abcde", None),
    ],
)
def test_elements_of_an_odd_length_get_an_even_one(
    vr: bytes, value: bytes, padded: bytes | None, tmp_path: Path
) -> None:
    path = save(tmp_path / "a.dcm", np.zeros((4, 4), "u2"))
    head = struct.pack("<HH2s", 0x0029, 0x1010, vr)
    long = vr in {b"UN", b"OB", b"UT"}
    head += struct.pack("<HI", 0, len(value)) if long else struct.pack("<H", len(value))
    creator = struct.pack("<HH2sH", 0x0029, 0x0010, b"LO", 4) + b"TEST"
    data = path.read_bytes()
    at = data.index(struct.pack("<HH", 0x7FE0, 0x10))
    path.write_bytes(data[:at] + creator + head + value + data[at:])
    for syntax in (f"{DICOM}.1.99", f"{DICOM}.5"):
        if padded is None:
            with pytest.raises(SourceError, match=r"no numbers|cannot be taken apart"):
                transcoded(path, syntax)
            continue
        raw = pydicom.dcmread(BytesIO(transcoded(path, syntax))).get_item(0x00291010)
        assert raw.value == padded


def test_words_of_a_big_endian_file_are_turned_round_at_every_depth(tmp_path: Path) -> None:
    def words() -> pydicom.Dataset:
        found = pydicom.Dataset()
        for vr, tag in (("OW", 1), ("OL", 2), ("OF", 3), ("OD", 4), ("OV", 5), ("OB", 6)):
            found.add_new((0x0029, 0x1000 + tag), vr, bytes(range(16)))
        return found

    original = pydicom.dcmread(save(tmp_path / "a.dcm", np.zeros((4, 4), "u2")))
    dataset = words()
    dataset.file_meta = original.file_meta
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.update({each.keyword: each.value for each in original})
    dataset.add_new((0x0029, 0x0010), "LO", "TEST")
    inner, outer = words(), words()
    outer.IconImageSequence = [inner]
    dataset.VOILUTSequence = [outer]
    dataset.PixelData = np.arange(16, dtype=">u2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.save_as(tmp_path / "b.dcm")
    for syntax in (DICOM, f"{DICOM}.1", f"{DICOM}.1.99", f"{DICOM}.5"):
        after = pydicom.dcmread(BytesIO(transcoded(tmp_path / "b.dcm", syntax)))
        assert np.array_equal(pixels(after)[0].ravel(), np.arange(16))
        if syntax == DICOM:
            continue  # in which private words have no VR
        depths = (after, after.VOILUTSequence[0], after.VOILUTSequence[0].IconImageSequence[0])
        for depth in depths:
            for tag, width in ((1, 2), (2, 4), (3, 4), (4, 8), (5, 8), (6, 1)):
                value = depth[0x0029, 0x1000 + tag].value
                turned = np.arange(16, dtype="u1").view(f"u{width}").byteswap().tobytes()
                assert value == turned, (tag, depth)


SIZES = {
    "JPEG": (f"{DICOM}.4.50", b"\xff\xc0", 5, ">HH"),
    "JPEG of 12 bits": (f"{DICOM}.4.51", b"\xff\xc1", 5, ">HH"),
    "JPEG lossless": (f"{DICOM}.4.70", b"\xff\xc3", 5, ">HH"),
    "JPEG-LS": (f"{DICOM}.4.80", b"\xff\xf7", 5, ">HH"),
    "JPEG 2000": (f"{DICOM}.4.90", b"\xff\x51", 6, ">II"),
    "HTJ2K": (f"{DICOM}.4.201", b"\xff\x51", 6, ">II"),
}


def harmed_frame(path: Path, syntax: str, change: Any) -> Path:
    """Change the one frame of a file."""
    dataset = pydicom.dcmread(path)
    frame = bytearray(next(generate_frames(dataset.PixelData, number_of_frames=1)))
    return with_value(path, encapsulate([bytes(change(frame))]), syntax)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("size", [(32767, 32767), (64, 65), (1, 64), (0, 64)])
def test_a_frame_of_another_size_is_not_decoded(
    name: str, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syntax, mark, ahead, form = SIZES[name]
    kind, bits = ("u2", 12) if syntax.endswith(".51") else ("u1", 8)
    path = save(tmp_path / "a.dcm", SLOPE.astype(kind), BitsStored=bits)
    copy = written_to(tmp_path / "b.dcm", path, syntax)

    def change(frame: bytearray) -> bytearray:
        at = frame.index(mark) + ahead
        struct.pack_into(form, frame, at, *size)
        return frame

    harmed_frame(copy, syntax, change)
    monkeypatch.setattr("dicomfilter.dicom.pixels.decoding.decode_described", None)
    for act in (lambda: transcoded(copy, f"{DICOM}.1"), lambda: list(render(copy, PNG))):
        with pytest.raises(SourceError, match=r"where the data set says|as its transfer syntax"):
            act()


def test_a_frame_of_many_small_tiles_is_not_decoded(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", np.zeros((2000, 2000), "u1"))
    copy = written_to(tmp_path / "b.dcm", path, f"{DICOM}.4.90")

    def change(frame: bytearray) -> bytearray:
        struct.pack_into(">II", frame, frame.index(b"\xff\x51") + 22, 1, 1)
        return frame

    with pytest.raises(SourceError, match="as its transfer syntax says"):
        transcoded(harmed_frame(copy, f"{DICOM}.4.90", change), f"{DICOM}.1")


@pytest.mark.parametrize("syntax", [f"{DICOM}.{n}" for n in ("5", "4.50", "4.70", "4.80", "4.90")])
def test_a_frame_that_ends_early_is_not_filled_up_with_grey(syntax: str, tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", (NOISE >> 8).astype("u1"))
    copy = written_to(tmp_path / "b.dcm", path, syntax)
    harmed_frame(copy, syntax, lambda frame: frame[: len(frame) * 3 // 4 // 2 * 2])
    for act in (lambda: transcoded(copy, f"{DICOM}.1"), lambda: list(render(copy, PNG))):
        with pytest.raises(SourceError):
            act()


def test_rle_that_cannot_fill_its_rows_is_not_decoded(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", np.zeros((64, 64), "u1"))
    copy = written_to(tmp_path / "b.dcm", path, f"{DICOM}.5")
    dataset = pydicom.dcmread(copy)
    dataset.Rows = dataset.Columns = 9000
    dataset.save_as(copy)
    with pytest.raises(SourceError, match="ends before its image does"):
        transcoded(copy, f"{DICOM}.1")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"Rows": 65535, "Columns": 65535}, "more than 100,000,000 are not decoded"),
        ({"Rows": 0}, "its Rows is missing"),
        ({"Columns": None}, "its Columns is missing"),
        ({"NumberOfFrames": 2_000_000_000}, "Number of Frames|is too short|of its"),
        ({"NumberOfFrames": -1}, "Number of Frames"),
        ({"NumberOfFrames": 2}, "of its 2 frames|cannot be taken apart|where its frames need"),
        ({"SamplesPerPixel": 3, "PlanarConfiguration": 0}, "where|segments|cannot be taken"),
    ],
)
@pytest.mark.parametrize("syntax", [f"{DICOM}.1", f"{DICOM}.5", f"{DICOM}.4.90", f"{DICOM}.4.80"])
def test_what_is_said_of_pixels_is_compared_with_them(
    syntax: str, values: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = save(tmp_path / "a.dcm", SLOPE.astype("u2"))
    copy = written_to(tmp_path / "b.dcm", path, syntax)
    dataset = pydicom.dcmread(copy)
    for name, value in values.items():
        if value is None:
            del dataset[name]
        else:
            setattr(dataset, name, value)
    dataset.save_as(copy)
    for act in (lambda: transcoded(copy, f"{DICOM}.4.201"), lambda: list(render(copy, PNG))):
        with pytest.raises(SourceError, match=reason):
            act()


@pytest.mark.parametrize("syntax", [f"{DICOM}.1", f"{DICOM}.5", f"{DICOM}.4.90"])
def test_frames_that_are_not_counted_are_not_left_out(syntax: str, tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", np.stack([SLOPE, SLOPE, SLOPE]).astype("u1"))
    copy = written_to(tmp_path / "b.dcm", path, syntax)
    dataset = pydicom.dcmread(copy)
    dataset.NumberOfFrames = 2
    dataset.save_as(copy)
    with pytest.raises(SourceError, match=r"more than the 2 frames|where its frames need"):
        transcoded(copy, f"{DICOM}.4.80")


def test_what_cannot_be_read_again_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk, or whoever writes, may fail: nothing reaches the target then."""
    from dicomfilter.dicom.pixels import transcoding

    honest = transcoding._write

    def harmed(dataset: Any, syntax: str, target: Any) -> None:
        honest(dataset, syntax, target)
        target.seek(-20, 2)
        target.write(b"\x55")

    monkeypatch.setattr(transcoding, "_write", harmed)
    path = save(tmp_path / "a.dcm", NOISE.astype("u2"))
    for syntax in (*NATIVE[::2], *LOSSLESS, LOSSY[2]):
        target = BytesIO()
        with pytest.raises(SourceError):
            transcode(path, syntax, target)
        assert not target.getvalue()


def test_samples_of_a_file_that_pydicom_ships_come_back_from_every_form(tmp_path: Path) -> None:
    path = written_to(tmp_path / "a.dcm", sample("liver_1frame.dcm"), f"{DICOM}.1.99")
    before = pixels(pydicom.dcmread(sample("liver_1frame.dcm")))
    assert np.array_equal(pixels(pydicom.dcmread(BytesIO(transcoded(path, DICOM)))), before)
