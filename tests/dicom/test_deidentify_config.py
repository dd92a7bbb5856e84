"""A DeidentifyConfig of the service is taken as far as it means something for a folder."""

from __future__ import annotations

from typing import Any

import pytest

from dicomfilter.dicom.deid.config import rules_of
from dicomfilter.dicom.deid.profile import Action, Dates, Profile, Rules
from dicomfilter.errors import UsageError

PATIENT_ID, SEX = 0x00100020, 0x00100040


@pytest.mark.parametrize(
    ("config", "rules"),
    [
        (None, Rules()),
        ({}, Rules(Profile.KEEP_ALL)),
        ({"dicom": {}}, Rules(Profile.KEEP_ALL)),
        ({"useRegionalDataProcessing": True}, Rules(Profile.KEEP_ALL)),
        ({"image": {"textRedactionMode": "REDACT_NO_TEXT"}}, Rules(Profile.KEEP_ALL)),
        (
            {"dicom": {"filterProfile": "ATTRIBUTE_CONFIDENTIALITY_BASIC_PROFILE"}},
            Rules(Profile.BASIC),
        ),
        (
            {"dicom": {"filterProfile": "MINIMAL_KEEP_LIST_PROFILE", "skipIdRedaction": True}},
            Rules(Profile.MINIMAL, keep_primary_uids=True),
        ),
        (
            {"dicom": {"keepList": {"tags": ["PatientSex", "StudyInstanceUID"]}}},
            Rules(Profile.MINIMAL, {SEX: Action.KEEP}),
        ),
        (
            {"dicom": {"removeList": {"tags": ["00100020", "patientsex"]}}},
            Rules(Profile.KEEP_ALL, {PATIENT_ID: Action.REMOVE, SEX: Action.REMOVE}),
        ),
        ({"dicomTagConfig": {}}, Rules(Profile.BASIC)),
        (
            {
                "dicomTagConfig": {
                    "profileType": "KEEP_ALL_PROFILE",
                    "options": {"primaryIds": "KEEP"},
                    "actions": [
                        {"queries": ["PatientID", "PN"], "removeTag": {}},
                        {"queries": ["PatientID"], "resetTag": {}},
                        {"queries": ["SQ"], "recurseTag": {}},
                    ],
                }
            },
            Rules(
                Profile.KEEP_ALL,
                {PATIENT_ID: Action.REPLACE},
                {"PN": Action.EMPTY, "SQ": Action.KEEP},
                keep_primary_uids=True,
            ),
        ),
    ],
)
def test_a_config_is_understood(config: dict[str, Any] | None, rules: Rules) -> None:
    assert rules_of(config) == rules
    assert rules_of(config, dates=Dates.SHIFT).dates is Dates.SHIFT


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"text": {}}, "text of DeidentifyConfig is not done for a folder"),
        ({"fhir": {}}, "fhir of DeidentifyConfig is not done for a folder"),
        ({"misspelt": {}}, "misspelt of DeidentifyConfig"),
        ({"image": {"textRedactionMode": "REDACT_ALL_TEXT"}}, "text in pixels is not looked for"),
        ({"image": {"customRegexes": []}}, "customRegexes of image"),
        ({"dicom": {"filterProfile": "DEIDENTIFY_TAG_CONTENTS"}}, "DEIDENTIFY_TAG_CONTENTS is not"),
        ({"dicom": {"keepList": {}, "removeList": {}}}, "both keepList and removeList"),
        ({"dicom": {"removeList": {"tags": ["PatientXY"]}}}, "'PatientXY' is no tag"),
        ({"dicom": [1]}, "dicom is not an object"),
        ({"dicom": {}, "dicomTagConfig": {}}, "both dicom and dicomTagConfig"),
        ({"dicomTagConfig": {"options": {"cleanDescriptors": {}}}}, "cleanDescriptors of"),
        (
            {
                "dicomTagConfig": {
                    "options": {"cleanImage": {"textRedactionMode": "REDACT_ALL_TEXT"}}
                }
            },
            "text in pixels",
        ),
        ({"dicomTagConfig": {"actions": [{"queries": [], "cleanTextTag": {}}]}}, "cleanTextTag of"),
        ({"dicomTagConfig": {"actions": [{"queries": ["PN"]}]}}, "not one thing to do"),
    ],
)
def test_what_is_not_done_here_is_refused_by_name(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        rules_of(config)
