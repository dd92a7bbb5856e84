"""A file in another transfer syntax has the same elements and, where nothing may be lost, pixels."""

from __future__ import annotations

import tracemalloc
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames
from pydicom.pixels import iter_pixels
from pydicom.uid import JPEG2000Lossless

from dicomfilter.dicom.pixels import encoding
from dicomfilter.dicom.pixels.decoding import decoder_of
from dicomfilter.dicom.pixels.syntaxes import SYNTAXES, check_syntax, support_table
from dicomfilter.dicom.pixels.transcoding import transcode
from dicomfilter.errors import SourceError, UsageError
from dicomfilter.stores.media import MIME_TYPES
from tests.dicom.images import CHARSETS, SAMPLES, sample, save
from tests.dicom.readers import complaints, run

if TYPE_CHECKING:
    from pathlib import Path

DICOM = "1.2.840.10008.1.2"
NATIVE = (DICOM, f"{DICOM}.1", f"{DICOM}.1.99")
LOSSLESS = (f"{DICOM}.5", *(f"{DICOM}.4.{last}" for last in (57, 70, 80, 90, 201, 202)))
LOSSY = tuple(f"{DICOM}.4.{last}" for last in (50, 51, 81, 91, 203))
WRITTEN = (*NATIVE, *LOSSLESS, *LOSSY)
IMAGES = (
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_jp2klossless.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "examples_palette.dcm",
    "dicomdirtests/77654033/CR1/6154",
)
"""Signed and unsigned, 8 to 16 bits, both byte orders, colors of three kinds, several frames."""
_UNKNOWN_TO_DCIODVFY = {f"{DICOM}.1.99", *(f"{DICOM}.4.{last}" for last in (201, 202, 203))}
SAID_OF_PIXELS = {
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
    "PixelData",
}


def transcoded(source: Path, syntax: str) -> bytes:
    written = BytesIO()
    transcode(source, syntax, written)
    return written.getvalue()


def written_to(path: Path, source: Path, syntax: str) -> Path:
    path.write_bytes(transcoded(source, syntax))
    return path


def pixels(dataset: pydicom.FileDataset) -> np.ndarray[Any, Any]:
    """Decode with pydicom, colors as they are stored."""
    decoder_of(dataset.file_meta.TransferSyntaxUID)  # pydicom alone does not read .57 and .70
    return np.stack(list(iter_pixels(dataset, raw=True)))


def elements(dataset: pydicom.Dataset, *, but: set[str]) -> dict[Any, Any]:
    """List all elements of a data set, those of its sequences within."""
    return {
        each.tag: [elements(item, but=but) for item in each.value]
        if each.VR == "SQ"
        else (each.VR, each.value)
        for each in dataset
        if each.keyword not in but and each.tag.element  # the length of a group is of its encoding
    }


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("name", IMAGES)
def test_no_pixel_changes_in_a_lossless_syntax_and_back(
    name: str, syntax: str, tmp_path: Path
) -> None:
    before = pixels(pydicom.dcmread(sample(name)))
    compressed = written_to(tmp_path / "compressed.dcm", sample(name), syntax)
    assert np.array_equal(pixels(pydicom.dcmread(compressed)), before)
    back = written_to(tmp_path / "back.dcm", compressed, f"{DICOM}.1")
    assert np.array_equal(pixels(pydicom.dcmread(back)), before)


@pytest.mark.parametrize("syntax", [*NATIVE, f"{DICOM}.5", f"{DICOM}.4.90", f"{DICOM}.4.203"])
@pytest.mark.parametrize("name", IMAGES)
def test_nothing_but_what_tells_of_pixels_changes(name: str, syntax: str) -> None:
    if SYNTAXES[syntax].lossy and name == "examples_palette.dcm":
        syntax = f"{DICOM}.4.201"  # for the numbers of colors are never lossy
    before = pydicom.dcmread(sample(name))
    after = pydicom.dcmread(BytesIO(transcoded(sample(name), syntax)))
    assert after.file_meta.TransferSyntaxUID == syntax
    assert after.file_meta.MediaStorageSOPInstanceUID == before.SOPInstanceUID
    if syntax == DICOM:  # which has no room for the VR of private elements
        before.remove_private_tags()
        after.remove_private_tags()
    assert elements(after, but=SAID_OF_PIXELS) == elements(before, but=SAID_OF_PIXELS)


@pytest.mark.parametrize("syntax", NATIVE)
def test_every_object_goes_into_a_native_syntax_with_all_its_elements(syntax: str) -> None:
    tried = 0
    for path in sorted([*SAMPLES.glob("*.dcm"), *CHARSETS.glob("*.dcm")]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # not all of them are what they say
            before = pydicom.dcmread(path, force=True)
            if "MediaStorageSOPInstanceUID" not in before.file_meta or "PixelData" in before:
                continue
        if path.name == "rtplan_truncated.dcm":  # a part of it is not all of it
            with pytest.raises(SourceError, match="truncated"):
                transcoded(path, syntax)
            continue
        after = pydicom.dcmread(BytesIO(transcoded(path, syntax)))
        if syntax == DICOM:
            before.remove_private_tags()
            after.remove_private_tags()
        assert elements(after, but=set()) == elements(before, but=set()), path.name
        tried += 1
    assert tried >= 10


@pytest.mark.parametrize("name", ["MR_small_bigendian.dcm", "liver_expb_1frame.dcm"])
def test_the_bytes_of_a_word_are_turned_round(name: str) -> None:
    """Also of the words that single bits are packed into."""
    before = pixels(pydicom.dcmread(sample(name)))
    after = pydicom.dcmread(BytesIO(transcoded(sample(name), f"{DICOM}.1")))
    assert np.array_equal(pixels(after), before)


@pytest.mark.parametrize("syntax", ["*", f"{DICOM}.1"])
def test_a_file_that_is_in_the_syntax_is_copied_byte_for_byte(syntax: str) -> None:
    path = sample("MR_small_padded.dcm")
    assert transcoded(path, syntax) == path.read_bytes()


def test_even_what_is_no_dicom_is_copied_where_nothing_is_asked_of_it(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(b"no DICOM")
    assert transcoded(path, "*") == b"no DICOM"


@pytest.mark.parametrize("syntax", LOSSY)
def test_lossy_pixels_are_near_and_say_so(syntax: str, tmp_path: Path) -> None:
    rows, columns = np.mgrid[:80, :96]
    bits = 8 if syntax.endswith(".50") else 12
    drawn = (np.sin(rows / 9) + np.cos(columns / 7) + 2) / 4 * (2**bits - 1)
    kind = "u1" if bits == 8 else "u2"
    path = save(tmp_path / "a.dcm", np.rint(drawn).astype(kind), BitsStored=bits)
    after = pydicom.dcmread(BytesIO(transcoded(path, syntax)))
    assert abs(pixels(after)[0] - np.rint(drawn)).max() <= 2 ** (bits - 8) * 4
    assert after.LossyImageCompression == "01"
    coded = len(after.PixelData) - 8 - 12  # the table of offsets, the head of the frame
    assert float(after.LossyImageCompressionRatio) == pytest.approx(
        drawn.size * np.dtype(kind).itemsize / coded, rel=0.02
    )
    assert (
        after.LossyImageCompressionMethod
        == {
            ".50": "ISO_10918_1",
            ".51": "ISO_10918_1",
            ".81": "ISO_14495_1",
            ".91": "ISO_15444_1",
            "203": "ISO_15444_15",
        }[syntax[-3:]]
    )
    assert after.SOPInstanceUID == "1.2.3.4.5"


@pytest.mark.parametrize("syntax", [f"{DICOM}.4.81", f"{DICOM}.4.91", f"{DICOM}.4.203"])
def test_no_lossy_sample_changes_its_sign_over_the_end_of_its_range(
    syntax: str, tmp_path: Path
) -> None:
    drawn = np.rint(1900 * np.sin(np.mgrid[:64, :64].sum(0) / 9)).astype("i2")
    for bits in (12, 16):
        path = save(tmp_path / "a.dcm", drawn, BitsStored=bits)
        after = pydicom.dcmread(BytesIO(transcoded(path, syntax)))
        assert abs(pixels(after)[0].astype(int) - drawn).max() <= 16


def test_what_was_lost_before_is_still_told(tmp_path: Path) -> None:
    again = pydicom.dcmread(BytesIO(transcoded(sample("SC_rgb_jpeg_dcmtk.dcm"), f"{DICOM}.4.91")))
    assert list(again.LossyImageCompressionMethod)[-1] == "ISO_15444_1"
    assert len(again.LossyImageCompressionRatio) == 2
    rows = np.zeros((32, 32), "u1")
    unsaid = written_to(tmp_path / "b.dcm", save(tmp_path / "a.dcm", rows), f"{DICOM}.4.50")
    dataset = pydicom.dcmread(unsaid)
    del dataset.LossyImageCompression
    dataset.save_as(unsaid)
    after = pydicom.dcmread(BytesIO(transcoded(unsaid, f"{DICOM}.1")))
    assert after.LossyImageCompression == "01"


@pytest.mark.parametrize(
    ("syntax", "photometric"),
    [
        (f"{DICOM}.1", "RGB"),
        (f"{DICOM}.5", "RGB"),
        (f"{DICOM}.4.50", "YBR_FULL_422"),
        (f"{DICOM}.4.70", "RGB"),
        (f"{DICOM}.4.80", "RGB"),
        (f"{DICOM}.4.90", "YBR_RCT"),
        (f"{DICOM}.4.91", "YBR_ICT"),
        (f"{DICOM}.4.201", "YBR_RCT"),
        (f"{DICOM}.4.203", "YBR_ICT"),
    ],
)
def test_colors_are_called_what_they_have_become(
    syntax: str, photometric: str, tmp_path: Path
) -> None:
    drawn = np.indices((40, 48)).sum(0)[..., None] * np.array([1, 2, 1]) % 256
    path = save(
        tmp_path / "a.dcm",
        np.moveaxis(drawn.astype("u1"), -1, 0).reshape(40, 48, 3),
        SamplesPerPixel=3,
        PlanarConfiguration=1,
    )
    after = pydicom.dcmread(BytesIO(transcoded(path, f"{DICOM}.5")))
    by_plane = written_to(tmp_path / "b.dcm", path, f"{DICOM}.4.80")
    after = pydicom.dcmread(BytesIO(transcoded(by_plane, syntax)))
    assert (after.PhotometricInterpretation, after.PlanarConfiguration) == (photometric, 0)
    seen = np.stack(list(iter_pixels(after)))[0]
    assert abs(seen.astype(int) - drawn).max() <= (90 if SYNTAXES[syntax].lossy else 0)


def test_signed_samples_and_those_beyond_bits_stored_survive(tmp_path: Path) -> None:
    drawn = np.arange(-2000, 2096).reshape(64, 64).astype("i2")
    for values in ({"BitsStored": 12}, {"BitsStored": 16}, {"BitsStored": 10}):
        path = save(tmp_path / "a.dcm", drawn, **values)
        for syntax in LOSSLESS:
            copy = written_to(tmp_path / "b.dcm", path, syntax)
            back = pydicom.dcmread(BytesIO(transcoded(copy, f"{DICOM}.1")))
            words = np.frombuffer(back.PixelData, "i2").reshape(64, 64)
            assert np.array_equal(words, drawn), (syntax, values)
            assert back.BitsStored == values["BitsStored"]


def test_frames_are_found_by_their_offsets() -> None:
    after = pydicom.dcmread(BytesIO(transcoded(sample("examples_ybr_color.dcm"), f"{DICOM}.4.80")))
    offsets = np.frombuffer(after.PixelData[8 : 8 + 4 * 30], "<u4")
    lengths = [len(frame) for frame in generate_frames(after.PixelData, number_of_frames=30)]
    assert list(offsets) == [0, *np.cumsum([8 + length for length in lengths])[:-1]]
    assert "ExtendedOffsetTable" not in after


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_reports_are_not_compressed(syntax: str) -> None:
    with pytest.raises(SourceError, match=r"reportsi\.dcm holds no pixels"):
        transcoded(sample("reportsi.dcm"), syntax)


@pytest.mark.parametrize(
    ("name", "syntax", "reason"),
    [
        ("liver_1frame.dcm", f"{DICOM}.5", "samples of 1 bits"),
        ("rtdose.dcm", f"{DICOM}.4.90", "samples of 32 bits"),
        ("CT_small.dcm", f"{DICOM}.4.50", "no signed samples"),
        ("examples_overlay.dcm", f"{DICOM}.4.50", "holds 8 bits a sample, and here are 12"),
        ("examples_palette.dcm", f"{DICOM}.4.91", "has a palette"),
        ("MR_truncated.dcm", f"{DICOM}.4.90", "cannot be taken apart"),
        ("MR_truncated.dcm", f"{DICOM}", "cannot be taken apart"),
        ("rtstruct.dump", f"{DICOM}.1", "cannot be taken apart"),
        ("absent.dcm", f"{DICOM}.1", "cannot be read: no such file"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(name: str, syntax: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        transcoded(sample(name), syntax)


@pytest.mark.parametrize("syntax", [f"{DICOM}.1", f"{DICOM}.4.90"])
def test_a_file_that_is_not_written_as_it_says_is_understood(syntax: str) -> None:
    """Its transfer syntax is JPEG Baseline, which is explicit, but it is written as implicit."""
    after = pydicom.dcmread(BytesIO(transcoded(sample("SC_rgb_jpeg.dcm"), syntax)))
    right = pydicom.dcmread(sample("SC_rgb_jpeg_dcmd.dcm"))  # the same, by dcmtk
    assert after.SOPInstanceUID == right.SOPInstanceUID
    assert np.array_equal(next(iter_pixels(after)), next(iter_pixels(right)))


def test_an_image_without_pixels_is_copied_but_not_compressed(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", np.zeros((0, 4), "u2"))
    assert pydicom.dcmread(BytesIO(transcoded(path, DICOM)))["PixelData"].is_empty
    with pytest.raises(SourceError, match="has empty Pixel Data"):
        transcoded(path, f"{DICOM}.4.90")


def test_frames_that_are_missing_are_missed(tmp_path: Path) -> None:
    path = written_to(tmp_path / "a.dcm", sample("SC_rgb_rle_2frame.dcm"), f"{DICOM}.4.80")
    dataset = pydicom.dcmread(path)
    dataset.NumberOfFrames = 3
    dataset.save_as(path)
    with pytest.raises(SourceError):
        transcoded(path, f"{DICOM}.1")


def test_a_lossless_frame_that_would_not_come_back_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coding = SYNTAXES[f"{DICOM}.4.90"].coding
    honest = encoding._ENCODERS[coding]
    monkeypatch.setitem(
        encoding._ENCODERS, coding, lambda frame, *rest: honest(frame ^ (frame == 7), *rest)
    )
    path = save(tmp_path / "a.dcm", np.arange(1024, dtype="u2").reshape(32, 32))
    with pytest.raises(SourceError, match="without loss"):
        transcoded(path, JPEG2000Lossless)


def test_a_codec_that_gives_up_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", np.arange(9, dtype="u1").reshape(3, 3))  # too small for CharLS
    with pytest.raises(SourceError, match=r"pyjpegls .* cannot write these pixels"):
        transcoded(path, f"{DICOM}.4.80")


def test_an_icon_that_is_compressed_is_not_left_behind(tmp_path: Path) -> None:
    path = written_to(tmp_path / "a.dcm", sample("MR_small.dcm"), f"{DICOM}.5")
    dataset, icon = pydicom.dcmread(path), pydicom.Dataset()
    icon.add(pydicom.DataElement("PixelData", "OB", dataset.PixelData))
    icon["PixelData"].is_undefined_length = True
    dataset.IconImageSequence = [icon]
    dataset.save_as(path)
    with pytest.raises(SourceError, match="has an icon"):
        transcoded(path, f"{DICOM}.1")


def test_no_reason_shows_a_value_of_the_file() -> None:
    with pytest.raises(SourceError) as raised:
        transcoded(sample("badVR.dcm"), f"{DICOM}.5")
    assert "1A" not in str(raised.value)


def test_memory_does_not_grow_with_an_image(tmp_path: Path) -> None:
    frames = np.zeros((64, 512, 512), "u2")  # 32 MB
    path = save(tmp_path / "a.dcm", frames)
    for syntax in (DICOM, f"{DICOM}.4.80"):
        tracemalloc.start()
        with (tmp_path / "b.dcm").open("wb") as target:
            transcode(path, syntax, target)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8_000_000


@pytest.mark.parametrize(
    ("syntax", "reason"),
    [
        (f"{DICOM}.4.110", "JPEG XL Lossless .* is not written here"),
        (f"{DICOM}.8.1", "Deflated Image Frame Compression .* is not written here"),
        (f"{DICOM}.2", "Explicit VR Big Endian .* is not written here"),
        ("1.2.3", "'1.2.3' is not a transfer syntax of images"),
    ],
)
def test_a_syntax_that_nothing_writes_is_refused_by_name(syntax: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        check_syntax(syntax)


def test_a_codec_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    from dicomfilter.dicom.pixels import syntaxes

    def version(package: str) -> str:
        if package == "imagecodecs":
            raise metadata.PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(syntaxes, "version", version)
    check_syntax(f"{DICOM}.4.80")
    with pytest.raises(UsageError, match="imagecodecs, which writes HTJ2K, is not") as raised:
        check_syntax(f"{DICOM}.4.203")
    assert raised.value.hint == "run `pip install 'dicomfilter[pixels]'`"


def test_every_syntax_of_the_service_is_written_or_refused() -> None:
    exported = {
        mime.rpartition("=")[2] for mime in MIME_TYPES if mime.startswith("application/dicom")
    }
    assert exported - {"*"} <= set(SYNTAXES)
    written = {uid for uid, _, reader, writer in support_table() if writer}
    assert written == set(WRITTEN)
    assert all(reader for uid, _, reader, _ in support_table() if uid in written)


@pytest.mark.parametrize("syntax", WRITTEN)
def test_others_find_what_is_written_to_be_dicom(syntax: str, tmp_path: Path) -> None:
    name = "SC_rgb_rle_2frame.dcm"
    copy = written_to(tmp_path / "b.dcm", sample(name), syntax)
    assert run("dcmftest", copy).startswith("yes:")
    assert "SOPInstanceUID" in run("dcmdump", "+P", "SOPInstanceUID", copy)
    if syntax not in _UNKNOWN_TO_DCIODVFY:
        assert complaints(copy) <= complaints(sample(name))


@pytest.mark.parametrize(
    ("reader", "last"),
    [
        ("dcmdrle", "5"),
        ("dcmdjpeg", "4.50"),
        ("dcmdjpeg", "4.51"),
        ("dcmdjpeg", "4.57"),
        ("dcmdjpeg", "4.70"),
        ("dcmdjpls", "4.80"),
        ("dcmdjpls", "4.81"),
    ],
)
@pytest.mark.parametrize(
    ("name", "but"),
    [
        ("CT_small.dcm", ("4.50", "4.51")),
        ("examples_overlay.dcm", ("4.50",)),
        ("SC_rgb_rle.dcm", ()),
    ],
    ids=["signed", "twelve-bits", "colors"],
)
def test_dcmtk_decodes_the_same_pixels(
    name: str, but: tuple[str, ...], reader: str, last: str, tmp_path: Path
) -> None:
    if last in but:  # which has no room for them
        with pytest.raises(SourceError):
            transcoded(sample(name), f"{DICOM}.{last}")
        return
    copy = written_to(tmp_path / "a.dcm", sample(name), f"{DICOM}.{last}")
    decoded = tmp_path / "b.dcm"
    colors = ["+cn"] if reader == "dcmdjpeg" else []  # leaves YCbCr alone
    run(reader, *colors, copy, decoded)
    ours, theirs = pydicom.dcmread(copy), pydicom.dcmread(decoded)
    assert np.array_equal(pixels(theirs), pixels(ours))
