"""What a de-identified file says of what was done to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicomfilter.dicom.deid.profile import Action, Dates, Profile

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.sr.coding import Code

    from dicomfilter.dicom.deid.profile import Rules


def mark(dataset: Dataset, rules: Rules) -> None:
    """Say in a data set what was done.

    Source:
        DICOM PS3.3, C.12.1 and C.7.1.1; PS3.16, CID 7050.
    """
    from pydicom.sr.codedict import codes

    is_whole = rules.profile is not Profile.KEEP_ALL and Action.KEEP not in {
        *rules.actions.values(),
        *rules.of_vrs.values(),
    }
    dataset.PatientIdentityRemoved = "YES" if is_whole else "NO"
    said = dataset.get("DeidentificationMethod") or []
    earlier = [said] if isinstance(said, str) else list(said)
    dataset.DeidentificationMethod = [*earlier, f"dicomfilter, {rules.profile} profile"]
    dataset.LongitudinalTemporalInformationModified = {
        Dates.REMOVE: "REMOVED",
        Dates.KEEP: "UNMODIFIED",
        Dates.SHIFT: "MODIFIED",
    }[rules.dates if rules.profile is Profile.BASIC else Dates.KEEP]
    if not is_whole or rules.profile is not Profile.BASIC:
        return
    known = codes.cid7050
    done = [known.BasicApplicationConfidentialityProfile]
    if rules.dates is Dates.KEEP:
        done.append(known.RetainLongitudinalTemporalInformationFullDatesOption)
    if rules.dates is Dates.SHIFT:
        done.append(known.RetainLongitudinalTemporalInformationModifiedDatesOption)
    if rules.keep_primary_uids:
        done.append(known.RetainUidsOption)
    dataset.DeidentificationMethodCodeSequence = [_coded(code) for code in done]


def _coded(code: Code) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code.value, code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def renew_head(dataset: Dataset) -> None:
    """Write the head of a file anew, without who sent it or what lay before."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

    old = getattr(dataset, "file_meta", None) or {}
    new = FileMetaDataset()
    for name in ("MediaStorageSOPClassUID", "TransferSyntaxUID"):
        if old.get(name):
            setattr(new, name, old[name].value)
    new.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID")
    new.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    new.ImplementationVersionName = "DICOMFILTER"
    dataset.file_meta = new
    dataset.preamble = bytes(128)
