"""De-identified data sets, by the profile of PS3.15 and what is asked beyond it.

Of the packages that de-identify DICOM, none did all of the profile: ``dicognito`` and ``deid`` have
lists of their own, and ``dicom-anonymizer``, which has the standard's table, does not look into
sequences that stay and gives other UIDs in each run. So the table is its (``profile.tsv``), and the
walk through a data set is ours, with pydicom.

What is always done, whatever is kept: private elements, curves and overlays go, UIDs of objects are
replaced wherever they occur, also those that the profile does not name, and the head of the file is
written anew. By the basic profile, names of persons that it does not name are emptied too, and
attributes that are in no dictionary go. Text in pixels is not looked for; free text that the
profile does not name stays.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from dicomfilter.dicom.deid.hidden import (
    clear_unused_bits,
    has_overlay_in_pixels,
    is_of_its_kind,
    known_vr,
    replace_uids,
    trimmed,
)
from dicomfilter.dicom.deid.marking import mark, renew_head
from dicomfilter.dicom.deid.profile import (
    EDITION,
    MINIMAL,
    PRIMARY_UIDS,
    Action,
    Dates,
    Profile,
    Rules,
    basic_profile,
    is_repeating,
)
from dicomfilter.dicom.pixels.opening import (
    open_dataset,
    reading,
    stored_syntax,
    take_apart,
    write_whole,
)
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from pydicom import Dataset
    from pydicom.tag import BaseTag

    from dicomfilter.dicom.deid.pseudonyms import Pseudonyms


_IDENTITY: Final = (0x0010_0010, 0x0010_0020)
_CONTENT: Final = 0x0040_A730
_TEMPORAL: Final = ("DA", "DT", "TM")
_OF_THE_PATIENT: Final = 0x0010
_WORD: Final = "REMOVED"
_DUMMIES: Final[dict[str, Any]] = {
    "AS": "000Y",
    "AT": 0,
    "DA": "19000101",
    "DT": "19000101000000",
    "TM": "000000",
    "UR": "about:blank",
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("FD", "FL"), 0.0),
    **dict.fromkeys(("SL", "SS", "SV", "UL", "US", "UV"), 0),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW", "UN"), bytes(8)),
}
_OF_NO_OBJECT: Final = re.compile(
    "ClassUID|TransferSyntax|CodingScheme|ContextUID|MappingResource|CreatorUID|VersionUID"
)
"""Keywords of UIDs that name what is alike everywhere: classes, encodings, vocabularies."""
_ANSWERS: Final = {
    0x0040_A160: Action.REPLACE,  # TextValue
    0x0040_A168: Action.REPLACE,  # ConceptCodeSequence
    0x0040_A300: Action.EMPTY,  # MeasuredValueSequence
}
"""What the items of a report answer; what they ask, and how they hang together, stays."""


class Deidentifier:
    """De-identifies data sets, all in the same way.

    Args:
        pseudonyms: What stands for UIDs and patients.
        rules: How; the basic profile without.
    """

    def __init__(self, pseudonyms: Pseudonyms, rules: Rules | None = None) -> None:
        self._pseudonyms = pseudonyms
        self._rules = rules or Rules()

    def apply(self, dataset: Dataset) -> Dataset:
        """De-identify a data set, in place.

        Args:
            dataset: As it was read from a file.

        Returns:
            The same data set; its file meta information and preamble are new.
        """
        patient = trimmed(dataset.get("PatientID")) or trimmed(dataset.get("StudyInstanceUID"))
        replaced: dict[str, str] = {}
        self._go_through(dataset, patient, replaced)
        if self._rules.profile is not Profile.KEEP_ALL:
            replace_uids(dataset, replaced, self._pseudonyms)
        if "EncapsulatedDocument" in dataset and "EncapsulatedDocumentLength" in dataset:
            dataset.EncapsulatedDocumentLength = len(dataset.EncapsulatedDocument)
        mark(dataset, self._rules)
        renew_head(dataset)
        return dataset

    def describe(self) -> dict[str, Any]:
        """Tell how it is done, for the manifest; the key is not in it."""
        from pydicom import __version__
        from pydicom.datadict import keyword_for_tag

        rules = self._rules
        return {
            "profile": rules.profile.value,
            "standard": f"DICOM PS3.15 {EDITION}, Table E.1-1",
            "dates": rules.dates.value,
            "primary_uids": "kept" if rules.keep_primary_uids else "replaced",
            "actions": {
                keyword_for_tag(tag) or f"{tag:08X}": action.value
                for tag, action in sorted(rules.actions.items())
            },
            "actions_of_vrs": {vr: action.value for vr, action in sorted(rules.of_vrs.items())},
            "uids": "2.25, HMAC-SHA-256 under a key that is not recorded",
            "key_fingerprint": self._pseudonyms.fingerprint,
            "text_in_pixels": "not looked for",
            "with": f"pydicom {__version__}",
        }

    def _go_through(
        self,
        dataset: Dataset,
        patient: str,
        replaced: dict[str, str],
        *,
        in_content: bool = False,
    ) -> None:
        """De-identify a data set or an item of a sequence; what stays is not read.

        Args:
            dataset: It.
            patient: Whose it is.
            replaced: UIDs that were replaced, to which its own are added.
            in_content: Whether it is a part of a report that is replaced.
        """
        for tag in list(dataset.keys()):
            vr = _vr(dataset, tag)
            action = self._action(tag, vr)
            if in_content and tag not in self._rules.actions:
                action = _ANSWERS.get(tag, action)
            if action is Action.REMOVE:
                del dataset[tag]
            elif vr == "SQ":
                self._act_on_items(dataset, tag, action, patient, replaced)
            elif action is not Action.KEEP:
                self._act(dataset, tag, action, patient, replaced)

    def _action(self, tag: BaseTag, vr: str | None) -> Action:
        """Decide what is done with an element."""
        if tag.is_private or is_repeating(tag) or tag.element == 0:
            return Action.REMOVE
        return self._asked_for(tag, vr) or self._of_profile(tag, vr)

    def _asked_for(self, tag: BaseTag, vr: str | None) -> Action | None:
        rules = self._rules
        if tag not in rules.actions and tag in PRIMARY_UIDS and rules.keep_primary_uids:
            return Action.KEEP
        return rules.actions.get(tag) or rules.of_vrs.get(vr or "")

    def _of_profile(self, tag: BaseTag, vr: str | None) -> Action:
        rules = self._rules
        found = basic_profile().get(tag) or _beyond(tag, vr)
        if vr is None and (found is Action.KEEP or known_vr(tag) == "SQ"):
            found = Action.REMOVE
        if rules.profile is Profile.MINIMAL and tag not in MINIMAL:
            found = Action.REMOVE
        elif found is Action.NEW_UID:
            pass
        elif rules.dates is not Dates.REMOVE and _is_date(tag, vr):
            is_moved = rules.dates is Dates.SHIFT and vr != "TM"
            found = Action.SHIFT if is_moved else Action.KEEP
        elif rules.profile is not Profile.BASIC:
            found = Action.KEEP
        elif tag in _IDENTITY:
            found = Action.PSEUDONYM
        return found

    def _act(
        self,
        dataset: Dataset,
        tag: BaseTag,
        action: Action,
        patient: str,
        replaced: dict[str, str],
    ) -> None:
        """Do with an element that stays what has to be done."""
        from pydicom.dataelem import DataElement

        vr = _vr(dataset, tag) or known_vr(tag) or "UN"
        if vr == "UI" and action in {Action.NEW_UID, Action.REPLACE}:
            old = dataset[tag].value
            uids = map(trimmed, [old] if isinstance(old, str) else list(old or []))
            new = {uid: self._pseudonyms.uid(uid) for uid in uids}
            replaced |= {uid: stand_in for uid, stand_in in new.items() if "." in uid}
            value: Any = list(new.values())
        elif action is Action.PSEUDONYM:
            value = self._pseudonyms.patient(trimmed(dataset[tag].value) or patient)
        elif action is Action.SHIFT:
            value = self._shifted(dataset[tag].value, patient)
        elif action is Action.EMPTY:
            value = None
        else:
            value = _DUMMIES.get(vr, _WORD)
        dataset[tag] = DataElement(tag, vr[:2], value)  # of "US or SS", the first

    def _shifted(self, value: Any, patient: str) -> list[str] | None:  # noqa: ANN401 - any value
        """Move the dates that can be read; without exception, or they go."""
        many = [value] if isinstance(value, str) else list(value or [])
        moved = []
        for each in map(str, many):
            try:
                day = date.fromisoformat(f"{each[:4]}-{each[4:6]}-{each[6:8]}")
                moved.append(f"{self._pseudonyms.earlier(day, patient):%Y%m%d}{each[8:]}")
            except (ValueError, OverflowError):
                return None
        return moved

    def _act_on_items(
        self,
        dataset: Dataset,
        tag: BaseTag,
        action: Action,
        patient: str,
        replaced: dict[str, str],
    ) -> None:
        """De-identify the items of a sequence."""
        from pydicom.sequence import Sequence

        if action is Action.EMPTY:
            dataset[tag].value = Sequence()
            return
        if isinstance(dataset[tag].value, bytes):  # which cannot be looked into
            del dataset[tag]
            return
        in_content = tag == _CONTENT and action is Action.REPLACE
        for item in dataset[tag].value or ():
            self._go_through(item, patient, replaced, in_content=in_content)
            if action is Action.REPLACE and _is_code(item):
                _replace_code(item)


def _vr(dataset: Dataset, tag: BaseTag) -> str | None:
    """Tell an element's value representation, unread.

    Returns:
        None for an attribute that no dictionary knows, whatever the element claims, and for one
        that claims to be of another kind than it is: who knows what is in it.
    """
    known = known_vr(tag)
    stored = dataset.get_item(tag, keep_deferred=True).VR
    if known is None or not is_of_its_kind(stored, known):
        return None
    return known if stored in {None, "UN"} else str(stored)


def _beyond(tag: BaseTag, vr: str | None) -> Action:
    """Decide what is done with an attribute that the profile does not name."""
    from pydicom.datadict import keyword_for_tag

    if vr is None:
        return Action.REMOVE
    if vr == "PN":
        return Action.EMPTY
    is_of_an_object = vr == "UI" and not _OF_NO_OBJECT.search(keyword_for_tag(tag))
    return Action.NEW_UID if is_of_an_object else Action.KEEP


def _is_date(tag: BaseTag, vr: str | None) -> bool:
    return vr in _TEMPORAL and tag.group != _OF_THE_PATIENT


def _is_code(item: Dataset) -> bool:
    return any(name in item for name in ("CodeValue", "LongCodeValue", "URNCodeValue"))


def _replace_code(item: Dataset) -> None:
    item.clear()
    item.CodeValue, item.CodingSchemeDesignator = _WORD, "99DICOMFILTER"
    item.CodeMeaning = "Removed"


def deidentify_file(source: Path, deidentifier: Deidentifier, target: BinaryIO) -> Dataset:
    """Write a DICOM file de-identified, in the transfer syntax that it is in.

    Args:
        source: The file.
        deidentifier: How.
        target: Where it is written, from here on.

    Returns:
        What was written; its UIDs are the new ones.

    Raises:
        SourceError: The file cannot be read.
    """
    with reading(source), ExitStack() as stack:
        dataset = open_dataset(source, deep=True)
        if "SOPInstanceUID" not in dataset:
            raise SourceError(f"{source.name} has no SOPInstanceUID")
        syntax = stored_syntax(dataset)
        take_apart(dataset, syntax)
        overlaid = has_overlay_in_pixels(dataset)
        deidentifier.apply(dataset)
        clear_unused_bits(dataset, source, syntax, stack, overlaid=overlaid)
        write_whole(dataset, syntax, target)
    return dataset
