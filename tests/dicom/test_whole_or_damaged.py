"""A file is read to its end, whatever is odd in it, or it is damaged: never a part of it."""

from __future__ import annotations

import gzip
import io
import resource
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pydicom
import pytest

from dicomfilter.dicom.deid.deidentification import Deidentifier, deidentify_file
from dicomfilter.dicom.deid.pseudonyms import Pseudonyms
from dicomfilter.dicom.headers.header import NoInstanceError, header_of
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.dicom.headers.table_rows import Flattener, Note
from dicomfilter.dicom.pixels.transcoding import transcode
from dicomfilter.errors import SourceError
from tests.dicom.crafted import (
    DEFLATED,
    IMAGE,
    IMPLICIT,
    PREAMBLE,
    UIDS,
    deflated,
    element,
    file,
    image,
    item,
    tag_of,
    words,
)

if TYPE_CHECKING:
    from pathlib import Path

COMMENTS = 0x00204000
END_OF_ITEM, END_OF_SEQUENCE = (tag_of(tag) + bytes(4) for tag in (0xFFFEE00D, 0xFFFEE0DD))
NOT_OF_THE_STANDARD = {
    "hyphens": b"--\4\0ABCD",
    "zeros": b"\0\0\4\0ABCD",
    "blanks": b"  \4\0ABCD",
    "small letters": b"lt\4\0ABCD",
    "a later edition's": b"ZZ\0\0\4\0\0\0ABCD",
    "letters, short": b"ZZ\4\0ABCD",
}
"""What follows the tag of an element whose value representation is none."""
FOLLOWED: dict[str, tuple[bytes, str | None]] = {
    "none": (b"\4\0\0\0ABCD", "ABCD"),
    "unknown": (b"UN\0\0\4\0\0\0ABCD", "ABCD"),
    "an odd length": (b"LT\3\0ABC", "ABC"),
    "fragments": (b"OB\0\0" + b"\xff" * 4 + item(b"ABCD") + END_OF_SEQUENCE, None),
    "no items": (b"UN\0\0" + b"\xff" * 4 + END_OF_SEQUENCE, None),
}
"""Likewise, and the value that it has."""
SEQUENCE = tag_of(0x00081140) + b"SQ\0\0"
BROKEN = {
    "longer than the file": (tag_of(COMMENTS) + b"LT\xa0\x0fABCD", Reason.TRUNCATED),
    "text without end": (tag_of(COMMENTS) + b"UT\0\0\xff\xff\xff\xffABCD", Reason.DAMAGED),
    "end of an item": (END_OF_ITEM, Reason.DAMAGED),
    "end of a sequence": (END_OF_SEQUENCE, Reason.DAMAGED),
    "no item": (SEQUENCE + b"\x08\0\0\0ABCDEFGH", Reason.DAMAGED),
    "an item too long": (
        SEQUENCE + struct.pack("<I", 12) + tag_of(0xFFFEE000) + b"\x90\1\0\0ABCD",
        Reason.DAMAGED,
    ),
    "a sequence without end": (SEQUENCE + b"\xff" * 4 + item(b""), Reason.DAMAGED),
    "zeros": (bytes(8), Reason.DAMAGED),
}
"""What stands in the middle of a data set, and what the file is then."""
BEHIND = {
    "some bytes": (b"abc", Reason.TRUNCATED),
    "text": (b"what somebody put behind the pixels", Reason.TRUNCATED),
    "end of an item": (END_OF_ITEM, Reason.DAMAGED),
    "zeros and then text": (bytes(600) + b"text here", Reason.TRUNCATED),
    "an element cut off": (element(0x7FE10010, b"LO", "ABCD")[:-1], Reason.TRUNCATED),
}


def row_of(data: bytes) -> tuple[dict[str, Any], list[Note]]:
    found, flattener = header_of(data), Flattener()
    return flattener.row(found.elements, little=found.little), list(flattener.notes)


def reason_of(data: bytes) -> Reason:
    with pytest.raises(NoInstanceError) as caught:
        header_of(data)
    return caught.value.reason


def copies(path: Path, data: bytes) -> list[pydicom.Dataset | None]:
    """Transcode and de-identify a file; None where that is refused."""
    path.write_bytes(data)
    made: list[pydicom.Dataset | None] = []
    for write in (
        lambda out: transcode(path, IMPLICIT, out),
        lambda out: deidentify_file(path, Deidentifier(Pseudonyms(bytes(range(32)))), out),
    ):
        out = io.BytesIO()
        try:
            write(out)
        except SourceError:
            made.append(None)
        else:
            made.append(pydicom.dcmread(io.BytesIO(out.getvalue())))
    return made


@pytest.mark.parametrize("write", [file, deflated], ids=["plain", "deflated"])
@pytest.mark.parametrize("kind", NOT_OF_THE_STANDARD)
def test_an_unknown_representation_costs_its_element_alone(
    write: Any, kind: str, tmp_path: Path
) -> None:
    data = write(image({COMMENTS: tag_of(COMMENTS) + NOT_OF_THE_STANDARD[kind]}))
    row, notes = row_of(data)
    assert row["PerformedProcedureStepDescription"] == "CHEST"
    assert row["ImageComments"] is None
    assert [(note.element, note.reason) for note in notes] == [("ImageComments", Reason.BAD_VALUE)]
    for copy in copies(tmp_path / "a.dcm", data):
        assert copy is None or copy.PixelData == words(1, 2, 3, 4)


@pytest.mark.parametrize("write", [file, deflated], ids=["plain", "deflated"])
@pytest.mark.parametrize("kind", FOLLOWED)
def test_what_can_be_followed_is_and_copies_are_whole(
    write: Any, kind: str, tmp_path: Path
) -> None:
    stored, value = FOLLOWED[kind]
    data = write(image({COMMENTS: tag_of(COMMENTS) + stored}))
    row, notes = row_of(data)
    assert row["PerformedProcedureStepDescription"] == "CHEST"
    assert row["ImageComments"] == value
    assert bool(notes) == (value is None)
    for copy in copies(tmp_path / "a.dcm", data):
        assert copy is not None
        assert copy.PixelData == words(1, 2, 3, 4)


@pytest.mark.parametrize("write", [file, deflated], ids=["plain", "deflated"])
@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_be_followed_is_no_row_and_no_copy(
    write: Any, kind: str, tmp_path: Path
) -> None:
    stored, reason = BROKEN[kind]
    data = write(image({COMMENTS: stored}))
    assert reason_of(data) is reason
    assert copies(tmp_path / "a.dcm", data) == [None, None]


@pytest.mark.parametrize("write", [file, deflated], ids=["plain", "deflated"])
@pytest.mark.parametrize("kind", BEHIND)
def test_what_follows_the_pixels_is_elements_or_damage(write: Any, kind: str) -> None:
    behind, reason = BEHIND[kind]
    assert reason_of(write(image(behind=behind))) is reason


@pytest.mark.parametrize("write", [file, deflated], ids=["plain", "deflated"])
@pytest.mark.parametrize("length", [1, 8, 511, 512, 70_000])
def test_zeros_behind_the_pixels_are_padding(write: Any, length: int, tmp_path: Path) -> None:
    data = write(image(behind=bytes(length)))
    assert row_of(data) == row_of(write(image()))
    for copy in copies(tmp_path / "a.dcm", data):
        assert copy is not None
        assert copy.PixelData == words(1, 2, 3, 4)


UMLAUT = element(0x00100010, b"PN", "Müller".encode())
UTF8, LATIN1 = (element(0x00080005, b"CS", term) for term in ("ISO_IR 192", "ISO_IR 100"))
OTHERS = list(IMAGE.values())
ORDERS = {
    "the character set last": [UMLAUT, *OTHERS, UTF8],
    "the character set before the pixels": [UMLAUT, *OTHERS[:-1], UTF8, OTHERS[-1]],
    "the UIDs last": [UTF8, UMLAUT, *OTHERS[3:], *OTHERS[:3]],
    "backwards": [UTF8, UMLAUT, *OTHERS][::-1],
    "the pixels first": [OTHERS[-1], UTF8, UMLAUT, *OTHERS[:-1]],
    "one out of place": [UTF8, *OTHERS, UMLAUT],
}


@pytest.mark.parametrize("order", ORDERS)
def test_elements_out_of_order_are_read_as_those_in_order(order: str, tmp_path: Path) -> None:
    data = file(b"".join(ORDERS[order]))
    assert row_of(data) == row_of(file(image({0x00080005: UTF8, 0x00100010: UMLAUT})))
    assert row_of(data)[0]["PatientName"] == {"Alphabetic": {"FamilyName": "Müller"}}
    for copy in copies(tmp_path / "a.dcm", data):
        assert copy is not None
        assert copy.PixelData == words(1, 2, 3, 4)


def test_items_out_of_order_have_their_own_character_set() -> None:
    inner = element(0x00400007, b"LO", "Müller".encode("latin-1")) + LATIN1
    data = file(image({0x00080005: UTF8, 0x00400275: element(0x00400275, b"SQ", item(inner))}))
    (request,) = row_of(data)[0]["RequestAttributesSequence"]
    assert request["ScheduledProcedureStepDescription"] == "Müller"


def test_a_sign_that_comes_late_counts_for_what_was_before() -> None:
    elements = [element(tag, b"", uid, implicit=True) for tag, uid in UIDS.items()]
    smallest = element(0x00280106, b"", struct.pack("<h", -5), implicit=True)
    signed = element(0x00280103, b"", words(1), implicit=True)
    data = file(b"".join([*elements, smallest, signed]), syntax=IMPLICIT)
    assert row_of(data)[0]["SmallestImagePixelValue"] == -5


@pytest.mark.parametrize("uid", UIDS)
def test_two_identities_are_none(uid: int) -> None:
    assert reason_of(file(image(behind=element(uid, b"UI", "1.9")))) is Reason.DAMAGED


WHOLE = image()
DEFLATES = {
    "well": (deflated(WHOLE), None),
    "stored": (deflated(WHOLE, level=0), None),
    "a zero behind": (deflated(WHOLE, behind=b"\0"), None),
    "zeros behind": (deflated(WHOLE, behind=bytes(511)), None),
    "a gzip file's end behind": (
        deflated(WHOLE, behind=struct.pack("<II", zlib.crc32(WHOLE), len(WHOLE))),
        None,
    ),
    "text behind": (deflated(WHOLE, behind=b"text"), Reason.DAMAGED),
    "another stream behind": (deflated(WHOLE, behind=zlib.compress(WHOLE)), Reason.DAMAGED),
    "cut off": (deflated(WHOLE)[:-3], Reason.TRUNCATED),
    "cut off early": (deflated(WHOLE)[:-100], Reason.TRUNCATED),
    "a zlib file": (file(zlib.compress(WHOLE), syntax=DEFLATED), Reason.DAMAGED),
    "a gzip file": (file(gzip.compress(WHOLE, mtime=0), syntax=DEFLATED), Reason.DAMAGED),
    "not at all": (file(WHOLE, syntax=DEFLATED), Reason.DAMAGED),
}


@pytest.mark.parametrize("kind", DEFLATES)
def test_a_deflated_data_set_is_whole_or_damaged(kind: str) -> None:
    data, reason = DEFLATES[kind]
    if reason is None:
        values = row_of(data)[0]
        assert values.pop("TransferSyntaxUID") == DEFLATED
        expected = row_of(file(WHOLE))[0]
        assert values == {name: expected[name] for name in expected if name != "TransferSyntaxUID"}
    else:
        assert reason_of(data) is reason


LONG = 24 << 20


def inflating(what: bytes, size: int) -> bytes:
    """Write a file of some kilobytes, that inflates to an image and so much more."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    pieces = [deflater.compress(image())]
    more = what * ((1 << 20) // len(what))
    pieces += [deflater.compress(more) for _ in range(size // len(more))]
    return file(b"".join([*pieces, deflater.flush()]), syntax=DEFLATED)


BOMBS = {
    "zeros": (inflating(b"\0", LONG), None),
    "one long text": (
        deflated(image({0x00410010: element(0x00410010, b"UT", bytes(LONG))})),
        Reason.DAMAGED,
    ),
    "one long element of bytes": (
        deflated(image({0x00420011: element(0x00420011, b"OB", bytes(LONG))})),
        None,
    ),
    "pixels": (deflated(image({0x7FE00010: element(0x7FE00010, b"OW", bytes(LONG))})), None),
    "texts": (inflating(element(0x7FE10010, b"LT", "A" * 9_000), LONG), Reason.DAMAGED),
    "empty items": (
        deflated(image({0x00081140: element(0x00081140, b"SQ", item(b"") * (LONG // 8))})),
        Reason.DAMAGED,
    ),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_what_inflates_to_much_takes_little_memory(kind: str) -> None:
    data, reason = BOMBS[kind]
    assert len(data) < LONG // 300
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if reason is None:
        assert row_of(data)[0]["PerformedProcedureStepDescription"] == "CHEST"
    else:
        assert reason_of(data) is reason
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # kB


def test_what_inflates_to_more_than_its_image_is_not_copied(tmp_path: Path) -> None:
    pixels = {0x7FE00010: element(0x7FE00010, b"OW", bytes(72 << 20))}
    assert copies(tmp_path / "a.dcm", deflated(image(pixels))) == [None, None]


@pytest.mark.parametrize("size", [n << 20 for n in (1, 5, 12)])
def test_the_end_of_what_inflates_to_much_is_found(size: int) -> None:
    # What zlib holds back when it has read everything is not what the file lacks.
    assert row_of(inflating(b"\0", size)) == row_of(deflated(image()))


NUMBERS = (
    "5_12",
    "1__0",
    "٣",
    "９",
    "²",
    "inf",
    "nan",
    "Infinity",
    "0x10",
    "1,5",
    "--1",
    "1 2",
    "1d5",
)
"""What Python or another language takes for a number, or people do, and DICOM does not."""


@pytest.mark.parametrize("vr", [b"DS", b"IS", b"LO", b"SH"])
@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize(
    ("tag", "name"), [(0x00280010, "Rows"), (0x00189073, "AcquisitionDuration")]
)
def test_what_is_no_number_is_null_and_noted(tag: int, name: str, vr: bytes, text: str) -> None:
    row, notes = row_of(file(image({tag: element(tag, vr, text)})))
    assert row[name] is None
    assert [(note.element, note.reason) for note in notes] == [(name, Reason.BAD_VALUE)]
    assert row["PerformedProcedureStepDescription"] == "CHEST"


@pytest.mark.parametrize(
    ("text", "number"),
    [(" 12 ", 12.0), ("+7", 7.0), ("1E+2", 100.0), (".5", 0.5), ("5.", 5.0), ("-0", 0.0)],
)
def test_what_is_a_number_is_read(text: str, number: float) -> None:
    tag = 0x00189073
    row, notes = row_of(file(image({tag: element(tag, b"DS", text)})))
    assert row["AcquisitionDuration"] == number
    assert not notes


def test_a_head_without_its_preamble_is_named() -> None:
    whole = image()
    implicit = b"".join(element(tag, b"", uid, implicit=True) for tag, uid in UIDS.items())
    length = element(0x00080000, b"UL", struct.pack("<I", len(whole)))
    group = element(0x00080000, b"", struct.pack("<I", len(implicit)), implicit=True)
    for data in (
        whole,
        implicit,
        length + whole,
        group + implicit,
        file(whole)[132:],
        file(whole)[128:],
        bytes(128) + file(whole)[132:],
        bytes(132) + whole,
        b"\x08\0\5\0CS\x0a\0ISO_IR 100" + whole,
    ):
        assert reason_of(data) is Reason.NO_PREAMBLE
    for data in (b"GIF89a" + bytes(200), b"%PDF-1.7 " * 40, bytes(500), PREAMBLE[:100]):
        assert reason_of(data) is Reason.NOT_DICOM
