"""Headers: what is read, what is no instance and why, and that damage never gets further."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dicomfilter.dicom.headers.header import NoInstanceError, header_of, read_contents, read_header
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.dicom.headers.table_rows import Flattener
from tests.dicom.files import FOLDER, bundled, by_pydicom, named
from tests.studies import KINDS, dataset_of, written

if TYPE_CHECKING:
    from pathlib import Path


def reason_of(data: bytes) -> Reason | None:
    """Say why bytes are no instance; None where they are one."""
    try:
        header_of(data)
    except NoInstanceError as error:
        return error.reason
    return None


def row_of(data: bytes) -> dict[str, object]:
    found = header_of(data)
    return Flattener().row(found.elements, little=found.little)


@pytest.mark.parametrize("path", bundled(), ids=lambda path: path.name)
def test_the_same_elements_are_read_as_pydicom_reads(path: Path) -> None:
    theirs = by_pydicom(path)
    try:
        ours = read_header(str(path))
    except NoInstanceError as error:
        lacking = theirs is None or not all(
            theirs.get(name) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        )
        cut = {"MR_truncated.dcm", "rtplan_truncated.dcm"}
        assert error.reason is Reason.DICOMDIR or lacking or path.name in cut, error.reason
        return
    assert theirs is not None
    assert ours.instance == str(theirs.SOPInstanceUID).strip()
    assert ours.study == theirs.StudyInstanceUID
    assert ours.series == theirs.SeriesInstanceUID
    assert ours.transfer_syntax == theirs.file_meta.TransferSyntaxUID
    if path.name != "badVR.dcm":  # whose number is none
        frames = theirs.get("NumberOfFrames")
        assert ours.frames == (int(frames) if frames else None)
    tags = [tag for tag, _, _ in ours.elements]
    theirs_all = [int(tag) for tag in (*theirs.file_meta.keys(), *theirs.keys())]
    assert sorted([*tags, *read_contents(str(path)).pixels]) == theirs_all


@pytest.mark.parametrize("kind", KINDS)
def test_all_transfer_syntaxes_give_the_same_row(kind: str) -> None:
    rows = []
    for syntax in (
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ):
        dataset = pydicom.Dataset(dataset_of(kind, 0, "1.2.3"))
        dataset.file_meta = dataset_of(kind, 0, "1.2.3").file_meta
        dataset.file_meta.TransferSyntaxUID = syntax
        if "PixelData" in dataset:
            del dataset.PixelData
        # A private element has no representation in implicit files unless its maker has told it.
        del dataset[0x0019, 0x0010], dataset[0x0019, 0x1001], dataset[0x0019, 0x1002]
        row = row_of(written(dataset))
        rows.append({n: v for n, v in row.items() if n != "TransferSyntaxUID"})
    assert rows[0]["PatientName"]
    assert all(row == rows[0] for row in rows)


@pytest.mark.parametrize("undefined", [True, False], ids=["delimited", "counted"])
def test_sequences_are_read_whichever_way_they_end(*, undefined: bool) -> None:
    dataset = dataset_of("SEG", 0, "1.2.3")
    for element in dataset.iterall():
        if element.VR == "SQ":
            element.is_undefined_length = undefined
            for item in element.value:
                item.is_undefined_length_sequence_item = undefined
    frames = row_of(written(dataset))["PerFrameFunctionalGroupsSequence"]
    positions = [f["PlanePositionSequence"][0]["ImagePositionPatient"] for f in frames]
    assert positions == [["-200", "-200", "2.5"], ["-200", "-200", "5.0"]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"no DICOM at all", Reason.NOT_DICOM),
        (bytes(200), Reason.NOT_DICOM),
        (bytes(128) + b"DICM", Reason.NO_UID),
        (bytes(128) + b"DICM" + b"\2\0", Reason.TRUNCATED),
        (bytes(128) + b"DICM" + b"\xff" * 64, Reason.DAMAGED),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else "",
)
def test_what_is_no_dicom_is_told_apart(data: bytes, reason: Reason) -> None:
    assert reason_of(data) is reason


def test_a_data_set_without_its_preamble_is_told_from_other_files() -> None:
    whole = written(dataset_of("CT", 0, "1.2.3"))
    assert reason_of(whole[132:]) is Reason.NO_PREAMBLE
    assert reason_of((FOLDER / "test_files" / "rtstruct.dcm").read_bytes()) is Reason.NO_PREAMBLE


@pytest.mark.parametrize("name", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("value", [None, "", "1.2/series/3"])
@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_an_instance_has_all_three_uids(name: str, value: str | None) -> None:
    dataset = dataset_of("CT", 0, "1.2.3")
    if value is None:
        del dataset[name]
    else:
        setattr(dataset, name, value)
    assert reason_of(written(dataset)) is Reason.NO_UID


def test_pixels_that_are_cut_off_are_noticed() -> None:
    plain = written(dataset_of("CT", 0, "1.2.3"))
    assert reason_of(plain) is None
    assert reason_of(plain[:-1]) is Reason.TRUNCATED
    fragments = named("JPEG2000.dcm").read_bytes()
    assert reason_of(fragments) is None
    assert reason_of(fragments[:-600]) is Reason.TRUNCATED


def test_a_file_that_ends_anywhere_is_no_instance() -> None:
    for kind in ("CT", "SR"):
        whole = written(dataset_of(kind, 0, "1.2.3"))
        ends = {reason_of(whole[:length]) for length in range(len(whole))}
        assert ends <= {
            None,  # between two elements that come after the UIDs, where there are no pixels
            Reason.EMPTY,
            Reason.NOT_DICOM,
            Reason.NO_UID,
            Reason.TRUNCATED,
        }
        if kind == "CT":
            assert sum(reason_of(whole[:length]) is None for length in range(len(whole))) < 90


def test_a_header_larger_than_one_read_is_read_whole(tmp_path: Path) -> None:
    dataset = dataset_of("CT", 0, "1.2.3")
    dataset.add_new(0x00091010, "OB", bytes(200_000))
    dataset.add_new(0x00090010, "LO", "BIG")
    dataset.ImageComments = "a" * 9_000
    path = tmp_path / "big.dcm"
    path.write_bytes(written(dataset))
    found = read_header(str(path))
    assert (0x00204000, b"LT", b"a" * 9_000) in found.elements


def test_damage_is_an_outcome_and_never_a_crash() -> None:
    chance = random.Random(5)
    wholes = [written(dataset_of(kind, number, "1.2.3")) for number, kind in enumerate(KINDS)]
    for turn in range(1500):
        data = bytearray(wholes[turn % len(wholes)])
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(132, len(data))] = chance.choice((0, 255, chance.randrange(256)))
        try:
            found = header_of(bytes(data))
        except NoInstanceError:
            continue
        Flattener().row(found.elements, little=found.little)


def test_a_sequence_without_end_in_itself_is_damage() -> None:
    whole = written(dataset_of("SR", 0, "1.2.3"))
    nested = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    nested += struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    assert reason_of(whole + nested * 5_000) in (Reason.DAMAGED, Reason.TRUNCATED)


def test_a_deflated_file_that_is_broken_is_damage() -> None:
    dataset = dataset_of("CT", 0, "1.2.3")
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    whole = written(dataset)
    assert reason_of(whole) is None
    start = whole.index(b"1.2.840.10008.1.2.1.99")
    broken = whole[:start] + whole[start : start + 150] + bytes(200)
    assert reason_of(broken) in (Reason.DAMAGED, Reason.NO_UID, Reason.TRUNCATED)
