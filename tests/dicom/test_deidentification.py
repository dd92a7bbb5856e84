"""De-identified data sets hold nothing that the profile takes, and are whole all the same."""

from __future__ import annotations

import json
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID

from dicomfilter.dicom.deid.deidentification import Deidentifier, deidentify_file
from dicomfilter.dicom.deid.profile import Action, Dates, Profile, Rules, basic_profile
from dicomfilter.dicom.deid.pseudonyms import Pseudonyms
from dicomfilter.errors import SourceError
from tests.dicom.images import CHARSETS, SAMPLES, sample, save
from tests.dicom.readers import complaints, run

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))
LEAK = "LEAK7531"
_LEAKS: dict[str, Any] = {
    "AE": LEAK,
    "AS": "075Y",
    "CS": LEAK,
    "DA": "17531231",
    "DS": "7531.25",
    "DT": "17531231235959",
    "IS": "75317531",
    "LO": LEAK,
    "LT": LEAK,
    "OB": LEAK.encode(),
    "PN": f"{LEAK}^{LEAK}",
    "SH": LEAK,
    "ST": LEAK,
    "TM": "235957",
    "UC": LEAK,
    "UI": "1.7531.7531",
    "UN": LEAK.encode(),
    "UR": f"http://{LEAK}",
    "US": 7531,
    "UT": LEAK,
}


def deidentified(source: Path | Dataset, **rules: Any) -> pydicom.Dataset:
    deidentifier = Deidentifier(Pseudonyms(KEY), Rules(**rules))
    if isinstance(source, Dataset):
        return deidentifier.apply(source)
    written = BytesIO()
    deidentify_file(source, deidentifier, written)
    return pydicom.dcmread(BytesIO(written.getvalue()))


def leaky(tags: list[int], *, depth: int = 2) -> Dataset:
    """Fill a data set, and the items of a sequence that stays, with what must not stay."""
    dataset = Dataset()
    for tag in tags:
        dataset.add_new(tag, dictionary_VR(tag), _LEAKS[dictionary_VR(tag)])
    if depth:
        dataset.ReferencedSeriesSequence = [leaky(tags, depth=depth - 1)]
    return dataset


def named_by_the_profile() -> list[int]:
    known = [tag for tag in basic_profile() if keyword_for_tag(tag) and tag >> 16 != 2]
    return [tag for tag in known if dictionary_VR(tag) in _LEAKS]


def nested(dataset: Dataset) -> Dataset:
    inner: Dataset = dataset.ReferencedSeriesSequence[0]
    return inner


def test_nothing_that_the_profile_names_survives_anywhere() -> None:
    tags = named_by_the_profile()
    assert len(tags) > 500
    after = deidentified(leaky(tags))
    text = json.dumps(after.to_json_dict(bulk_data_threshold=10**9))
    for leak in (LEAK, "17531231", "7531.25", "75317531", "235957", "075Y", "1.7531.7531"):
        assert leak not in text
    assert "TEVBSzc1Mz" not in text  # of LEAK753 in base64
    assert len(nested(nested(after))) > 100


def test_what_the_profile_does_not_name_stays() -> None:
    before = pydicom.dcmread(sample("CT_small.dcm"))
    after = deidentified(sample("CT_small.dcm"))
    gone = {each.keyword for each in before if each.tag not in after and not each.tag.is_private}
    assert {"PatientBirthDate", "KVP", "Rows", "Modality", "StudyDate"} & gone == set()
    assert {"StudyDescription", "PatientAge"} <= gone
    for keyword in ("KVP", "Rows", "Modality", "ImagePositionPatient", "PixelData"):
        assert after[keyword] == before[keyword]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("PatientName", "7531"),
        ("StudyDate", None),
        ("AccessionNumber", None),
        ("PatientBirthDate", None),
        ("StructureSetLabel", "REMOVED"),
        ("ContentDate", "19000101"),
    ],
)
def test_what_has_to_be_there_is_empty_or_says_nothing(keyword: str, value: str | None) -> None:
    dataset = Dataset()
    setattr(dataset, keyword, "20200202" if keyword.endswith("Date") else "Doe")
    after = deidentified(dataset)
    if keyword == "PatientName":
        assert len(str(after.PatientName)) == 16
    else:
        assert (after[keyword].value or None) == value


def test_a_patient_and_every_uid_have_one_stand_in_in_all_runs() -> None:
    study = [SAMPLES / f"dicomdirtests/98892001/CT5N/{n}" for n in (2062, 2392)]
    other = sample("MR_small.dcm")
    first, second, third = (deidentified(each) for each in (*study, other))
    assert first.StudyInstanceUID == second.StudyInstanceUID != third.StudyInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.PatientID == second.PatientID != third.PatientID
    assert first.SOPInstanceUID == deidentified(study[0]).SOPInstanceUID
    assert first.SOPInstanceUID == first.file_meta.MediaStorageSOPInstanceUID
    uid = UID(first.SOPInstanceUID)
    assert uid.is_valid
    assert uid.startswith("2.25.")


def test_references_lead_to_what_they_led_to() -> None:
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset = Dataset()
    dataset.SOPInstanceUID, dataset.SourceImageSequence = "1.2.3.4", [item]
    after = deidentified(dataset)
    assert after.SourceImageSequence[0].ReferencedSOPInstanceUID == after.SOPInstanceUID
    assert after.SourceImageSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"


def test_uids_of_the_standard_and_lists_of_uids_are_understood() -> None:
    dataset = Dataset()
    dataset.FrameOfReferenceUID = "1.2.840.10008.1.4.1.1"
    dataset.IrradiationEventUID = ["1.2.3", "1.2.4"]
    after = deidentified(dataset)
    assert after.FrameOfReferenceUID == "1.2.840.10008.1.4.1.1"
    assert len(set(after.IrradiationEventUID) - {"1.2.3", "1.2.4"}) == 2


def test_uids_of_objects_and_names_that_the_profile_forgets_go_too() -> None:
    dataset = Dataset()
    dataset.SOPInstanceUID = dataset.SOPInstanceUIDOfConcatenationSource = "1.2.3"
    dataset.SOPClassUID, dataset.CodingSchemeUID = "1.3.12.2.1107.5.9.1", "1.2.4"
    dataset.EvaluatorName = LEAK
    after = deidentified(dataset)
    assert after.SOPInstanceUIDOfConcatenationSource == after.SOPInstanceUID != "1.2.3"
    assert (after.SOPClassUID, after.CodingSchemeUID) == ("1.3.12.2.1107.5.9.1", "1.2.4")
    assert not after.EvaluatorName


def test_private_elements_overlays_and_unknown_ones_go_at_every_depth() -> None:
    item = Dataset()
    item.private_block(0x0011, "SOMEONE", create=True).add_new(1, "LO", LEAK)
    item.add_new(0x60003000, "OW", bytes(2))
    item.add_new(0x60000010, "US", 4)
    item.add_new(0x00100011, "UN", LEAK.encode())
    dataset = Dataset()
    dataset.ReferencedSeriesSequence = [item]
    assert not deidentified(dataset).ReferencedSeriesSequence[0]


def test_a_sequence_that_came_as_unknown_bytes_is_looked_into_or_goes() -> None:
    def element(tag: int, value: bytes) -> bytes:
        return tag.to_bytes(4, "little") + len(value).to_bytes(4, "little") + value

    item = element(0xE000_FFFE, element(0x0010_0010, LEAK.encode()))  # PatientName
    for value in (item, b"?" + LEAK.encode()):
        raw = RawDataElement(BaseTag(0x00081115), "UN", len(value), value, 0, False, True)
        dataset = Dataset()
        dataset[raw.tag] = raw
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert LEAK not in str(deidentified(dataset))


def test_a_report_keeps_its_questions_and_loses_its_answers() -> None:
    before = pydicom.dcmread(sample("reportsi.dcm"))
    after = deidentified(sample("reportsi.dcm"))
    assert len(after.ContentSequence) == len(before.ContentSequence)
    texts = [each for each in after.iterall() if each.keyword == "TextValue"]
    assert {each.value for each in texts} <= {"REMOVED"}
    asked = [item.ConceptNameCodeSequence[0].CodeMeaning for item in before.ContentSequence]
    still = [item.ConceptNameCodeSequence[0].CodeMeaning for item in after.ContentSequence]
    assert still == asked


def test_answers_of_every_kind_go_from_a_report() -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "F", "DCM", LEAK
    name, coded, counted, said = Dataset(), Dataset(), Dataset(), Dataset()
    coded.ValueType, coded.ConceptCodeSequence = "CODE", [code]
    number = Dataset()
    number.NumericValue = "7531"
    counted.ValueType, counted.MeasuredValueSequence = "NUM", [number]
    name.ValueType, name.PersonName = "PNAME", LEAK
    said.ValueType, said.TextValue, said.ContentSequence = "TEXT", LEAK, [name]
    dataset = Dataset()
    dataset.ContentSequence = [coded, counted, said]
    after = deidentified(dataset)
    assert LEAK not in str(after)
    assert "7531" not in str(after)
    assert after.ContentSequence[0].ConceptCodeSequence[0].CodingSchemeDesignator == "99DICOMFILTER"
    assert after.ContentSequence[2].ContentSequence[0].PersonName == "REMOVED"


def test_a_document_is_replaced_with_its_length() -> None:
    dataset = Dataset()
    dataset.EncapsulatedDocument = b"%PDF " + LEAK.encode() * 10 + b" "
    dataset.EncapsulatedDocumentLength = len(dataset.EncapsulatedDocument)
    after = deidentified(dataset)
    assert after.EncapsulatedDocumentLength == len(after.EncapsulatedDocument) == 8


def test_dates_stay_if_asked_for_but_not_those_of_the_patients_life() -> None:
    dataset = Dataset()
    dataset.StudyDate, dataset.StudyTime, dataset.PatientBirthDate = "20200202", "1201", "19500101"
    after = deidentified(dataset, dates=Dates.KEEP)
    assert (after.StudyDate, after.StudyTime) == ("20200202", "1201")
    assert after["PatientBirthDate"].is_empty
    assert after.LongitudinalTemporalInformationModified == "UNMODIFIED"


def test_shifted_dates_of_a_patient_keep_their_distances() -> None:
    def days(patient: str, first: str, second: str) -> tuple[int, int]:
        dataset = Dataset()
        dataset.PatientID, dataset.StudyDate = patient, first
        dataset.AcquisitionDateTime = f"{second}101112.5+0100"
        after = deidentified(dataset, dates=Dates.SHIFT)
        moved = np.datetime64(f"{after.StudyDate[:4]}-{after.StudyDate[4:6]}-{after.StudyDate[6:]}")
        later = after.AcquisitionDateTime
        assert later.endswith("101112.5+0100")
        end = np.datetime64(f"{later[:4]}-{later[4:6]}-{later[6:8]}")
        return int((np.datetime64("2020-03-01") - moved).astype(int)), int(
            (end - moved).astype(int)
        )

    assert days("A", "20200301", "20200311")[1] == 10
    assert days("A", "20200301", "20200311") == days("A", "20200301", "20200311")
    assert 1 <= days("A", "20200301", "20200311")[0] <= 1000
    assert days("A", "20200301", "20200311") != days("B", "20200301", "20200311")


@pytest.mark.parametrize("value", ["2020", "20201399", "0001.01.01", "", "00010101"])
def test_a_date_that_cannot_be_moved_goes(value: str) -> None:
    dataset = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset.StudyDate = value
    assert not deidentified(dataset, dates=Dates.SHIFT).StudyDate


def test_uids_of_images_stay_if_asked_for() -> None:
    after = deidentified(sample("CT_small.dcm"), keep_primary_uids=True)
    before = pydicom.dcmread(sample("CT_small.dcm"))
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert after[keyword] == before[keyword]
    assert after.FrameOfReferenceUID != before.FrameOfReferenceUID


def test_a_minimum_is_an_image_and_nothing_else() -> None:
    after = deidentified(sample("CT_small.dcm"), profile=Profile.MINIMAL)
    assert np.array_equal(after.pixel_array, pydicom.dcmread(sample("CT_small.dcm")).pixel_array)
    assert "PatientID" not in after
    assert len(after) < 25


def test_single_tags_and_kinds_of_values_are_treated_as_asked() -> None:
    tag = {name: pydicom.tag.Tag(name) for name in ("PatientID", "StudyDescription", "Rows")}
    after = deidentified(
        sample("CT_small.dcm"),
        profile=Profile.KEEP_ALL,
        actions={
            tag["PatientID"]: Action.EMPTY,
            tag["StudyDescription"]: Action.REPLACE,
            tag["Rows"]: Action.KEEP,
        },
        of_vrs={"PN": Action.REMOVE, "US": Action.REPLACE},
    )
    assert (after.PatientID, after.StudyDescription) == ("", "REMOVED")
    assert "PatientName" not in after
    assert (after.Rows, after.Columns) == (128, 0)
    assert after.StudyDate
    assert after.PatientIdentityRemoved == "NO"


def test_a_data_set_says_what_was_done() -> None:
    after = deidentified(sample("CT_small.dcm"), dates=Dates.SHIFT)
    assert after.PatientIdentityRemoved == "YES"
    assert after.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [each.CodeValue for each in after.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107"]
    again = deidentified(after)
    assert len(again.DeidentificationMethod) == 2


def test_the_head_of_a_file_is_new(tmp_path: Path) -> None:
    dataset = pydicom.dcmread(save(tmp_path / "a.dcm", np.zeros((4, 4), "u2")))
    dataset.file_meta.SourceApplicationEntityTitle = LEAK
    dataset.preamble = (LEAK * 16).encode()
    dataset.save_as(tmp_path / "a.dcm")
    written = BytesIO()
    deidentify_file(tmp_path / "a.dcm", Deidentifier(Pseudonyms(KEY)), written)
    assert LEAK.encode() not in written.getvalue()


def test_the_description_tells_everything_but_the_key() -> None:
    told = Deidentifier(Pseudonyms(KEY), Rules(actions={0x00100020: Action.REMOVE})).describe()
    text = json.dumps(told)
    assert told["actions"] == {"PatientID": "remove"}
    assert told["key_fingerprint"] == Pseudonyms(KEY).fingerprint
    assert KEY.hex() not in text
    assert KEY.hex() not in repr(Deidentifier(Pseudonyms(KEY)).__dict__)


@pytest.mark.parametrize("folder", [SAMPLES, CHARSETS], ids=["samples", "charsets"])
def test_every_file_is_de_identified_and_can_be_read_again(folder: Path) -> None:
    done = 0
    warnings.simplefilter("ignore")  # not all of them are what they say; pytest puts this back
    for path in sorted(folder.glob("*.dcm")):
        before = pydicom.dcmread(path, force=True)
        if "SOPInstanceUID" not in before or path.name == "SC_rgb_jpeg.dcm":
            continue
        if "truncated" in path.name:  # a part of it is not all of it
            with pytest.raises(SourceError, match="truncated"):
                deidentified(path)
            continue
        after = deidentified(path)
        assert not any(each.tag.is_private for each in after.iterall())
        names = {str(each.value) for each in before.iterall() if each.VR == "PN" and each.value}
        assert not {name for name in names if len(name) > 4 and name in str(after)}
        assert after.get("PixelData") == before.get("PixelData")
        done += 1
    assert done > (50 if folder == SAMPLES else -1)


def test_what_is_no_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no DICOM")
    with pytest.raises(SourceError):
        deidentify_file(tmp_path / "a.txt", Deidentifier(Pseudonyms(KEY)), BytesIO())


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small.dcm",
        "MR_small_bigendian.dcm",
        "rtplan.dcm",
        "rtdose.dcm",
        "reportsi.dcm",
        "test-SR.dcm",
        "waveform_ecg.dcm",
        "liver_1frame.dcm",
        "examples_overlay.dcm",
        "examples_palette.dcm",
        "examples_ybr_color.dcm",
    ],
)
def test_others_find_no_fault_that_was_not_there(name: str, tmp_path: Path) -> None:
    copy = tmp_path / "a.dcm"
    with copy.open("wb") as target:
        deidentify_file(sample(name), Deidentifier(Pseudonyms(KEY)), target)
    assert run("dcmftest", copy).startswith("yes:")
    assert "2.25." in run("dcmdump", "+P", "SOPInstanceUID", copy)
    assert complaints(copy) <= complaints(sample(name))
