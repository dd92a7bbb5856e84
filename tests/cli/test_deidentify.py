"""``dicomfilter deidentify``: the options of the profile, on a folder and in the cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pydicom
import pytest

from tests.cli.running import call
from tests.studies import write_studies

if TYPE_CHECKING:
    from pathlib import Path

STORES = "projects/p/locations/l/datasets/d/dicomStores"
CLOUD = ["deidentify", f"{STORES}/s", "--all", "--destination-store", "t", "--print-request"]


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ((), "dates uids"),
        (("--retain-dates",), "uids"),
        (("--retain-uids",), "dates"),
        (("--shift-dates", "--retain-uids"), "dates"),
    ],
)
def test_what_is_retained_stays(tmp_path: Path, options: tuple[str, ...], changed: str) -> None:
    (made,) = write_studies(tmp_path / "in", 1, 1)
    command = ["deidentify", str(tmp_path / "in"), "--all", "--destination-store"]
    (tmp_path / "out").mkdir()
    assert call(*command, tmp_path / "out", "--quiet", *options).status == 0
    (copy,) = (tmp_path / "out").rglob("*.dcm")
    before, after = pydicom.dcmread(made.path), pydicom.dcmread(copy)
    assert (before.StudyDate != after.StudyDate) == ("dates" in changed)
    assert (before.StudyInstanceUID != after.StudyInstanceUID) == ("uids" in changed)
    assert before.PatientID != after.PatientID


def test_the_cloud_is_asked_for_the_profile_that_keeps_uids() -> None:
    asked = call(*CLOUD, "--retain-uids", "--json").object["body"]["config"]
    assert asked == {
        "dicom": {
            "filterProfile": "ATTRIBUTE_CONFIDENTIALITY_BASIC_PROFILE",
            "skipIdRedaction": True,
        }
    }


@pytest.mark.parametrize(
    "options",
    [
        ("--retain-dates",),
        ("--shift-dates",),
        ("--retain-dates", "--shift-dates"),
        ("--retain-uids", "--gcs-config-uri", "gs://b/c.json"),
        ("--retain-uids", "--config", "c.json"),
    ],
)
def test_what_the_cloud_cannot_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.json").write_text("{}")
    assert call(*CLOUD, *options).status == 2
