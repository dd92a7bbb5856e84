from __future__ import annotations

import re

import pytest

from dicomfilter.errors import UsageError
from dicomfilter.stores.healthcare.discovery import ApiVersion, document
from dicomfilter.stores.media import MIME_TYPES, mime_type


@pytest.mark.parametrize("version", ApiVersion)
def test_the_types_are_those_of_the_discovery_document(version: ApiVersion) -> None:
    name = f"GoogleCloudHealthcare{version.capitalize()}DicomGcsDestination"
    text = document(version)["schemas"][name]["properties"]["mimeType"]["description"]
    text = text.split("The following extensions")[0]
    listed = re.findall(r"- ((?:application|image)/[\w-]+(?:; transfer-syntax=[\w.*]+)?)", text)
    assert sorted(listed) == sorted(MIME_TYPES)
    assert len(set(MIME_TYPES)) == len(MIME_TYPES)


@pytest.mark.parametrize("text", MIME_TYPES)
def test_a_type_is_taken_in_any_spelling(text: str) -> None:
    assert mime_type(text) == text
    assert mime_type(text.upper().replace("; ", " ;")) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "image/jpeg",
        "image/gif",
        "image/png; transfer-syntax=*",
        "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.52",
        "application/dicom+json",
    ],
)
def test_other_types_are_refused_with_one_that_is_near(text: str) -> None:
    with pytest.raises(UsageError, match="not a MIME type") as caught:
        mime_type(text)
    assert any(known in (caught.value.hint or "") for known in MIME_TYPES)


def test_a_bare_transfer_syntax_is_told_in_full() -> None:
    with pytest.raises(UsageError) as caught:
        mime_type("1.2.840.10008.1.2.4.90")
    wanted = "write for example 'application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90'"
    assert caught.value.hint == wanted


def test_the_form_of_the_service_s_own_samples_is_passed_on() -> None:
    assert mime_type(" Application/DICOM") == "application/dicom"
