"""Rows: what a header becomes, compared with pydicom's own DICOM JSON; bad values are noted."""

from __future__ import annotations

import json
import warnings
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VM, keyword_for_tag, repeater_has_tag
from pydicom.sequence import Sequence

from dicomfilter.dicom.headers.arrow import batch_of
from dicomfilter.dicom.headers.element_columns import Column, plan_of
from dicomfilter.dicom.headers.header import NoInstanceError, header_of, read_header
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.dicom.headers.table_rows import Flattener, Note
from dicomfilter.dictionary import entries, service_type
from tests.dicom.files import bundled, by_pydicom, named
from tests.dicom.readers import run
from tests.studies import KINDS, dataset_of, written

if TYPE_CHECKING:
    from pathlib import Path

BINARY = {"OB", "OD", "OF", "OL", "OV", "OW", "UN", "SV", "UV"}


def row_of(dataset: Dataset) -> tuple[dict[str, Any], list[Note]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = header_of(written(dataset))
    flattener = Flattener()
    return flattener.row(found.elements, little=found.little), flattener.notes


def dataset_with(*elements: DataElement) -> Dataset:
    dataset = dataset_of("CT", 0, "1.2.3")
    for element in elements:
        dataset[element.tag] = element
    return dataset


def file_with(tag: int, vr: bytes, value: bytes) -> bytes:
    """Put an element as it is, of the short kind, before the pixels of a file."""
    value += b" " * (len(value) % 2)
    dataset = dataset_of("CT", 0, "1.2.3")
    if tag in dataset:
        del dataset[tag]
    whole = written(dataset)
    at = whole.index(b"\x19\x00\x10\x00LO")  # before the private elements
    head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    return whole[:at] + head + vr + len(value).to_bytes(2, "little") + value + whole[at:]


def noted(data: bytes) -> tuple[dict[str, Any], list[Note]]:
    found, flattener = header_of(data), Flattener()
    return flattener.row(found.elements), flattener.notes


def as_json(vr: str, value: Any) -> Any:
    """Give a value of ours as DICOM JSON has it."""
    if isinstance(value, datetime):
        return value.strftime("%Y%m%d%H%M%S") + f".{value.microsecond:06}"
    if isinstance(value, date):
        return value.strftime("%Y%m%d")
    if isinstance(value, time):
        return value.strftime("%H%M%S") + f".{value.microsecond:06}"
    if vr == "PN":
        parts = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
        return {
            form: "^".join(name.get(part, "") for part in parts).rstrip("^")
            for form, name in value.items()
        }
    return value


def theirs_as_ours(vr: str, value: Any) -> Any:
    """Give a value of DICOM JSON in a form that can be compared."""
    if vr == "AT":
        return int(value, 16)
    if vr in ("DS", "IS"):
        return float(value)
    if vr == "TM":
        digits, _, fraction = value.replace(":", "").strip().partition(".")
        return f"{digits.ljust(6, '0')}.{fraction.ljust(6, '0')}"
    if vr == "DT":
        digits, _, fraction = value.strip().partition(".")
        return f"{digits.ljust(14, '0')}.{fraction.ljust(6, '0')}"
    if vr == "DA":
        return value.replace(".", "").strip()
    if vr == "PN":
        return {form: text.rstrip("^ =") for form, text in value.items() if text.strip("^ =")}
    return value.strip(" \0") if isinstance(value, str) else value


def assert_same(row: dict[str, Any], theirs: dict[str, Any], where: str) -> int:
    """Compare a row with DICOM JSON; give how many elements were compared."""
    compared = 0
    for tag_text, element in theirs.items():
        tag, vr = int(tag_text, 16), element["vr"]
        name = keyword_for_tag(tag)
        if not name or vr in BINARY or repeater_has_tag(tag) or not tag & 0xFFFF:
            continue
        values = [v for v in element.get("Value", []) if v is not None and v != {}]
        ours = row[name]
        if vr == "SQ":
            assert len(ours) == len(element.get("Value", [])), f"{where}.{name}"
            for number, (item, other) in enumerate(
                zip(ours, element.get("Value", []), strict=True)
            ):
                compared += assert_same(item, other, f"{where}.{name}[{number}]")
            continue
        many = dictionary_VM(tag) != "1"
        ours = [v for v in (ours if many else [ours]) if v is not None and v != ""]
        if vr in ("DS", "IS"):
            ours = [float(v) for v in ours]
        expected = [theirs_as_ours(vr, v) for v in values]
        expected = [v for v in expected if v not in ("", {})]
        found = [as_json(vr, v) for v in ours]
        assert found == pytest.approx(expected) if vr in ("FL", "FD") else found == expected, (
            f"{where}.{name}"
        )
        compared += 1
    return compared


@pytest.mark.parametrize("path", bundled(), ids=lambda path: path.name)
def test_a_row_holds_what_pydicom_s_json_holds(path: Path) -> None:
    try:
        found = read_header(str(path))
    except NoInstanceError:
        return
    theirs = by_pydicom(path)
    assert theirs is not None
    row = Flattener().row(found.elements, little=found.little)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            document = theirs.to_json_dict(bulk_data_threshold=1 << 30)
        except (ValueError, TypeError):
            assert path.name == "badVR.dcm"
            return
    if path.name != "badVR.dcm":
        assert assert_same(row, document, path.name) > 5


DCMTK = (  # which reads neither Japanese nor compressed pixels
    *("chrArab chrFren chrGerm chrGreek chrHbrw chrI2 chrKoreanMulti chrRuss chrX1 chrX2".split()),
    *(
        "CT_small MR_small MR_small_bigendian MR_small_implicit liver nested_priv_SQ priv_SQ".split()
    ),
    *("image_dfl reportsi rtdose rtplan test-SR waveform_ecg examples_overlay".split()),
)


# Starts a program for each file: 1 s in all.
@pytest.mark.parametrize("name", DCMTK)
def test_a_row_holds_what_dcmtk_s_json_holds(name: str) -> None:
    path = next((path for path in bundled() if path.stem == name), None)
    if path is None or not is_instance(path):
        return
    found = read_header(str(path))
    theirs = json.loads(run("dcm2json", "--quiet", "-fc", path))
    theirs.pop("00080005", None)  # that of the JSON itself
    row = Flattener().row(found.elements, little=found.little)
    assert assert_same(row, theirs, path.name) > 5


def is_instance(path: Path) -> bool:
    try:
        read_header(str(path))
    except NoInstanceError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_made_studies_hold_what_pydicom_s_json_holds(kind: str) -> None:
    for number in (0, 2):
        dataset = dataset_of(kind, number, "1.2.3")
        row, notes = row_of(dataset)
        del dataset[0x0019, 0x0010], dataset[0x0019, 0x1001], dataset[0x0019, 0x1002]
        assert assert_same(row, dataset.to_json_dict(), kind) > 40
        assert not notes


def test_columns_have_the_types_that_the_dictionary_gives() -> None:
    names = {"STRING": "STRING", "INTEGER": "INT64", "FLOAT": "FLOAT64"}
    compared = 0
    for entry in entries():
        expected = service_type(entry)
        if expected is None or entry.vr in ("SQ", "PN") or entry.tag.endswith("0000"):
            continue
        column = plan_of(int(entry.tag, 16)).column()
        kind = names.get(column.type, column.type)
        assert str(expected) == (f"ARRAY<{kind}>" if column.repeated else kind), entry
        compared += 1
    assert compared > 3_500


def test_a_name_is_a_record_of_records() -> None:
    row, _ = row_of(dataset_with(DataElement(0x00100010, "PN", "Yamada^Tarou=山田^太郎")))
    assert row["PatientName"] == {
        "Alphabetic": {"FamilyName": "Yamada", "GivenName": "Tarou"},
        "Ideographic": {"FamilyName": "山田", "GivenName": "太郎"},
    }
    assert [n["Alphabetic"]["FamilyName"] for n in row["OperatorsName"]] == ["First", "Second"]


def test_private_elements_are_gathered() -> None:
    row, _ = row_of(dataset_of("CT", 0, "1.2.3"))
    assert row["OtherElements"] == [
        {"Tag": "Tag_00190010", "Data": ["MADE UP 01"]},
        {"Tag": "Tag_00191001", "Data": ["kept for service"]},
        {"Tag": "Tag_00191002", "Data": ["1.5", "2.5"]},
    ]


def test_private_elements_without_representation_are_known_by_their_maker() -> None:
    row, _ = row_of(dataset_of("CT", 2, "1.2.3"))  # implicit
    assert row["OtherElements"] == [{"Tag": "Tag_00190010", "Data": ["MADE UP 01"]}]
    assert {"TagName": "Tag_00191001"} in row["DroppedTags"]
    found = read_header(str(named("CT_small.dcm")))
    data = {e["Tag"]: e["Data"] for e in Flattener().row(found.elements)["OtherElements"]}
    assert data["Tag_00091001"] == ["GE_GENESIS_FF"]
    assert data["Tag_00191002"] == ["912"]


def test_private_sequences_are_columns() -> None:
    item = Dataset()
    item.CodeValue = "1"
    row, _ = row_of(
        dataset_with(
            DataElement(0x00210010, "LO", "MAKER"),
            DataElement(0x00211001, "SQ", Sequence([item])),
        )
    )
    assert row["Tag_00211001"] == [{"CodeValue": "1"}]


def test_binary_data_is_dropped_and_named_in_sequences_too() -> None:
    item = Dataset()
    item.add_new(0x00420011, "OB", b"%PDF")
    row, notes = row_of(
        dataset_with(
            DataElement(0x00282000, "OB", b"profile!"),
            DataElement(0x00081115, "SQ", Sequence([item])),
        )
    )
    names = [each["TagName"] for each in row["DroppedTags"]]
    assert names == ["FileMetaInformationVersion", "EncapsulatedDocument", "ICCProfile"]
    assert "ICCProfile" not in row
    assert not notes


def test_a_repeating_group_is_one_column() -> None:
    row, _ = row_of(
        dataset_with(
            DataElement(0x60000010, "US", 4),
            DataElement(0x60020010, "US", 8),
            DataElement(0x60003000, "OW", b"1234"),
        )
    )
    assert row["OverlayRows"] == [{"Id": "6000", "Value": ["4"]}, {"Id": "6002", "Value": ["8"]}]
    assert {"TagName": "OverlayData"} in row["DroppedTags"]


def test_the_length_of_a_group_is_no_data() -> None:
    row, _ = row_of(dataset_with(DataElement(0x00080000, "UL", 100)))
    assert not {"FileMetaInformationGroupLength", "Tag_00080000"} & set(row)
    assert all(each["Tag"] != "Tag_00080000" for each in row["OtherElements"])


def test_of_either_sign_is_what_the_pixels_are() -> None:
    for representation, expected in ((0, 65_535), (1, -1)):
        dataset = dataset_of("CT", 2, "1.2.3")  # implicit
        dataset.PixelRepresentation = representation
        dataset.add_new(0x00280107, "OB", b"\xff\xff")
        assert row_of(dataset)[0]["LargestImagePixelValue"] == expected


@pytest.mark.parametrize(
    ("tag", "vr", "value", "name"),
    [
        (0x00181012, b"DA", b"20210231", "DateOfSecondaryCapture"),
        (0x00181014, b"TM", b"2560", "TimeOfSecondaryCapture"),
        (0x0018A002, b"DT", b"20211301", "ContributionDateTime"),
        (0x00181012, b"LO", b"31 Jan 2021", "DateOfSecondaryCapture"),
        (0x00181012, b"US", b"\1\0", "DateOfSecondaryCapture"),
        (0x00189073, b"FD", b"\1\0\0\0", "AcquisitionDuration"),
        (0x00189069, b"CS", b"fast", "ParallelReductionFactorInPlane"),
        (0x0018A001, b"LO", b"text", "ContributingEquipmentSequence"),
    ],
)
def test_a_malformed_value_is_null_and_noted(tag: int, vr: bytes, value: bytes, name: str) -> None:
    row, notes = noted(file_with(tag, vr, value))
    assert not row[name]
    assert [(note.element, note.reason) for note in notes] == [(name, Reason.BAD_VALUE)]
    assert value.decode("latin-1") not in notes[0].detail


@pytest.mark.parametrize(
    ("tag", "vr", "value", "name", "expected"),
    [
        (0x00181012, b"LO", b"20210131", "DateOfSecondaryCapture", date(2021, 1, 31)),
        (0x00181310, b"IS", b"256\\0\\0\\192", "AcquisitionMatrix", [256, 0, 0, 192]),
        (0x00180050, b"FL", b"\0\0\0\x40", "SliceThickness", "2.0"),
        (0x00189073, b"DS", b"1.50", "AcquisitionDuration", 1.5),
    ],
)
def test_a_wrong_representation_costs_nothing_where_the_value_fits(
    tag: int, vr: bytes, value: bytes, name: str, expected: Any
) -> None:
    row, notes = noted(file_with(tag, vr, value))
    assert row[name] == expected
    assert not notes


def test_text_in_an_unknown_character_set_is_null_and_noted() -> None:
    dataset = dataset_of("CT", 0, "1.2.3")
    whole = written(dataset).replace(b"ISO_IR 192", b"KLINGON 99")
    assert b"Doe" in whole
    row, notes = noted(whole)
    assert row["PatientName"]["Alphabetic"]["FamilyName"] == "Doe"
    assert not notes
    row, notes = noted(whole.replace(b"Doe", b"D\xf6e"))
    assert row["PatientName"] is None
    assert notes == [Note("PatientName", Reason.BAD_CHARACTERS, "PN")]


def test_an_item_may_have_a_character_set_of_its_own() -> None:
    item = Dataset()
    item.SpecificCharacterSet = "ISO_IR 144"
    item.CodeMeaning = "Люк"
    row, _ = row_of(dataset_with(DataElement(0x00081032, "SQ", Sequence([item]))))
    assert row["ProcedureCodeSequence"][0]["CodeMeaning"] == "Люк"
    assert row["SpecificCharacterSet"] == ["ISO_IR 192"]


def test_of_several_values_where_one_may_be_the_first_is_kept_and_noted() -> None:
    row, notes = noted(file_with(0x00185101, b"CS", b"AP\\LL"))
    assert row["ViewPosition"] == "AP"
    assert [note.element for note in notes] == ["ViewPosition"]


def test_a_note_names_the_sequences_that_it_is_in() -> None:
    inner = Dataset()
    inner["PerformedProcedureStepStartDate"] = DataElement(0x00400244, "LO", "yesterday")
    row, notes = row_of(dataset_with(DataElement(0x00400275, "SQ", Sequence([inner]))))
    assert row["RequestAttributesSequence"] == [{"PerformedProcedureStepStartDate": None}]
    expected = "RequestAttributesSequence.PerformedProcedureStepStartDate"
    assert [note.element for note in notes] == [expected]


def test_sequences_deeper_than_a_table_can_be_are_dropped_and_named() -> None:
    inner = Dataset()
    inner.TextValue = "deepest"
    for _ in range(20):
        outer = Dataset()
        outer.ContentSequence = [inner]
        inner = outer
    row, _ = row_of(dataset_with(DataElement(0x0040A730, "SQ", Sequence([inner]))))
    assert {"TagName": "ContentSequence"} in row["DroppedTags"]
    depth, found = 0, row
    while found.get("ContentSequence"):
        found, depth = found["ContentSequence"][0], depth + 1
    assert depth == 14


def test_what_was_seen_before_is_taken_for_the_same_only_where_it_is() -> None:
    flattener, rows = Flattener(), []
    for charset in ("ISO_IR 100", "ISO_IR 144", "ISO_IR 100"):
        dataset = dataset_of("CT", 0, "1.2.3")
        dataset.SpecificCharacterSet = charset
        dataset.StudyDescription = "X"
        whole = written(dataset).replace(b"Doe^", b"D\xef^ ")
        rows.append(flattener.row(header_of(whole).elements))
    names = [row["PatientName"]["Alphabetic"]["FamilyName"] for row in rows]
    assert names == ["Dï", "Dя", "Dï"]


def test_rows_of_one_flattener_are_those_of_many() -> None:
    shared, memory = Flattener(), {}
    for path in bundled():
        try:
            found = read_header(str(path), memory)
            alone = read_header(str(path))
        except NoInstanceError:
            continue
        lone = Flattener()
        row = shared.row(found.elements, little=found.little)
        assert row == lone.row(alone.elements, little=alone.little), path.name
        assert shared.notes == lone.notes
    columns = Column("RECORD", fields=shared.columns).ordered().fields
    assert batch_of([row], columns).num_columns == len(columns)
