"""What identifies where no profile looks: unknown attributes, addresses, unused bits, odd claims."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicomfilter.dicom.deid.deidentification import Deidentifier, deidentify_file
from dicomfilter.dicom.deid.profile import basic_profile
from dicomfilter.dicom.deid.pseudonyms import Pseudonyms
from dicomfilter.dicom.headers.header import read_header
from dicomfilter.dicom.headers.table_rows import Flattener
from dicomfilter.dictionary import entries
from dicomfilter.errors import SourceError
from tests.dicom.crafted import element
from tests.documents import part
from tests.studies import dataset_of, written

if TYPE_CHECKING:
    from pathlib import Path

PSEUDONYMS = Pseudonyms(bytes(range(32)))


def copied(path: Path, data: bytes) -> bytes:
    """De-identify the bytes of a file."""
    path.write_bytes(data)
    copy = BytesIO()
    deidentify_file(path, Deidentifier(PSEUDONYMS), copy)
    return copy.getvalue()


def with_element(made: bytes) -> bytes:
    """Put an element before the private ones of an image."""
    whole = written(dataset_of("CT", 0, "1.2.3"))
    at = whole.index(b"\x19\x00\x10\x00LO")
    return whole[:at] + made + whole[at:]


@pytest.mark.parametrize(
    "vr", [b"LO", b"SH", b"LT", b"ST", b"UT", b"UC", b"DA", b"UN", b"PN", b"CS"]
)
def test_what_no_dictionary_knows_goes_whatever_it_claims(tmp_path: Path, vr: bytes) -> None:
    plain = element(0x00185550, vr, b"SECRET")
    nested = element(0x00081140, b"SQ", b"\xfe\xff\x00\xe0" + struct.pack("<I", len(plain)) + plain)
    for made in (plain, nested):
        copy = copied(tmp_path / "a.dcm", with_element(made))
        assert b"SECRET" not in copy
        assert b"Modality" not in copy
        assert pydicom.dcmread(BytesIO(copy)).Modality == "CT"


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        (0x00181400, b"PN"),  # AcquisitionDeviceProcessingDescription, LO
        (0x00180022, b"LO"),  # ScanOptions, CS
        (0x00181114, b"LO"),  # EstimatedRadiographicMagnificationFactor, DS
        (0x00181310, b"UT"),  # AcquisitionMatrix, US
        (0x00181101, b"ZZ"),  # a representation that is none
    ],
)
def test_what_claims_to_be_of_another_kind_goes(tmp_path: Path, tag: int, vr: bytes) -> None:
    if vr == b"ZZ":
        made = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, 6) + b"SECRET"
    else:
        made = element(tag, vr, b"SECRET")
    try:
        copy = copied(tmp_path / "a.dcm", with_element(made))
    except SourceError:
        return  # pydicom does not follow it
    assert b"SECRET" not in copy


@pytest.mark.parametrize(
    "form", ["http://pacs/studies/{0}", "wado?objectUID={0}&x=1", "urn:oid:{0}", "{0}"]
)
def test_uids_within_addresses_and_texts_are_replaced(form: str) -> None:
    dataset = dataset_of("CT", 0, "1.2.3.77")
    before = str(dataset.SOPInstanceUID)
    dataset.RetrieveURL = form.format(before)
    dataset.SegmentDescription = f"see {before}"
    dataset.ImageFilterDescription = f"of {before}."
    item = Dataset()
    item.RetrieveURI = form.format("1.2.840.99999.7.5.31")
    dataset.ReferencedImageSequence = [item]
    Deidentifier(PSEUDONYMS).apply(dataset)
    texts = [dataset.RetrieveURL, dataset.SegmentDescription, dataset.ImageFilterDescription]
    assert not any(before in text for text in texts)
    assert all(PSEUDONYMS.uid(before) in text for text in texts)
    inner = dataset.ReferencedImageSequence[0].RetrieveURI
    assert "99999" not in inner
    assert PSEUDONYMS.uid("1.2.840.99999.7.5.31") in inner


def test_addresses_of_machines_and_versions_are_no_uids() -> None:
    dataset = dataset_of("CT", 0, "1.2.3.77")
    dataset.RetrieveURL = "http://10.1.2.3:8042/v1.2"
    Deidentifier(PSEUDONYMS).apply(dataset)
    assert dataset.RetrieveURL == "http://10.1.2.3:8042/v1.2"


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("stored", "high"), [(12, 11), (12, 15), (10, 9)])
def test_nothing_is_left_in_bits_that_are_not_shown(
    tmp_path: Path, syntax: str, stored: int, high: int, *, signed: bool
) -> None:
    shown = np.arange(64, dtype="i4").reshape(8, 8) - (32 if signed else 0)
    lowest = high + 1 - stored
    samples = (shown << lowest) & (((1 << stored) - 1) << lowest)
    noise = (np.indices((8, 8)).sum(0) % 2) << (0 if lowest else 15)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    dataset = dataset_of("CT", 0, "1.2.3")
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.Rows = dataset.Columns = 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, stored, high
    dataset.PixelRepresentation = int(signed)
    dataset.PixelData = (samples | noise).astype(f"{order}u2").tobytes()
    dataset.add_new(0x60020010, "US", 8)
    dataset.add_new(0x60020102, "US", 0 if lowest else 15)
    copy = pydicom.dcmread(BytesIO(copied(tmp_path / "a.dcm", written(dataset))))
    found = np.frombuffer(copy.PixelData, f"{order}{'i' if signed else 'u'}2").reshape(8, 8)
    assert np.array_equal(found >> lowest, shown)
    assert not (found & ((1 << lowest) - 1)).any()
    assert not [each for each in copy if each.tag.group == 0x6002]


def test_an_overlay_in_compressed_pixels_is_refused(tmp_path: Path) -> None:
    dataset = dataset_of("CT", 0, "1.2.3")
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"
    dataset.PixelData = encapsulate([bytes(16)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.add_new(0x60000102, "US", 12)
    with pytest.raises(SourceError, match="overlay"):
        copied(tmp_path / "a.dcm", written(dataset))


@pytest.mark.parametrize("padding", [b"P1", b" P1", b"P1  ", b"\0P1", b" P1 \0"])
def test_a_patient_is_the_same_in_the_table_and_for_the_stand_in(
    tmp_path: Path, padding: bytes
) -> None:
    padded = padding + b" " * (len(padding) % 2)
    dataset = dataset_of("CT", 0, "1.2.3")
    del dataset.PatientID
    whole = written(dataset)
    at = whole.index(b"\x10\x00\x10\x00PN")
    at += 8 + struct.unpack_from("<H", whole, at + 6)[0]
    whole = whole[:at] + element(0x00100020, b"LO", padded) + whole[at:]
    copy = pydicom.dcmread(BytesIO(copied(tmp_path / "a.dcm", whole)))
    assert copy.PatientID == PSEUDONYMS.patient("P1")
    found = read_header(str(tmp_path / "a.dcm"))
    assert Flattener().row(found.elements)["PatientID"] == "P1"


@pytest.mark.parametrize(
    "syntax",
    ["1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.112", "1.2.840.10008.1.2.8.1", "1.3.99.7"],
)
def test_a_transfer_syntax_that_nothing_here_reads_is_no_hindrance(
    tmp_path: Path, syntax: str
) -> None:
    dataset = dataset_of("CT", 0, "1.2.3")
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.90"
    dataset.PixelData = encapsulate([b"\xff\x0a" + bytes(10)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    whole = written(dataset)
    old = element(0x00020010, b"UI", b"1.2.840.10008.1.2.4.90")
    assert whole.count(old) == 1
    new = element(0x00020010, b"UI", syntax.encode()).replace(b" ", b"\0")
    whole = whole.replace(old, new)
    (length,) = struct.unpack_from("<I", whole, 140)
    whole = whole[:140] + struct.pack("<I", length + len(new) - len(old)) + whole[144:]
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(copied(tmp_path / "a.dcm", whole))
    assert read_header(str(copy)).transfer_syntax == syntax
    assert pydicom.dcmread(copy).PixelData == dataset.PixelData


def test_the_pages_list_the_free_text_that_stays() -> None:
    listed = {name.strip() for name in part("free text").partition(";")[0].split(",")}
    assert listed == {
        entry.keyword
        for entry in entries()
        if entry.vr in ("LT", "ST", "UC", "UR", "UT")
        and "x" not in entry.tag
        and int(entry.tag, 16) not in basic_profile()
        and int(entry.tag, 16) >> 16 > 2
    }
