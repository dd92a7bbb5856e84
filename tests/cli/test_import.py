"""``dicomfilter import``: what the wildcards mean, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.running import call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.healthcare import Control

STORE = "projects/p/locations/l/datasets/d/dicomStores/s"


@pytest.fixture(autouse=True)
def _fresh_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.05")


def test_what_was_exported_can_be_imported(
    dicom_store: str, bucket: str, hc_control: Control
) -> None:
    to = f"gs://{bucket}/out/"
    assert call("export", "gcs", dicom_store, "--all", "--gcs-uri-prefix", to).status == 0
    empty = hc_control.make_store()
    ended = call("import", "gcs", empty, "--gcs-uri", f"{to}**.dcm", "--storage-class", "nearline")
    assert ended.status == 0, ended.err
    assert "/operations/" in ended.out
    found = hc_control.instances(empty)
    assert {each.path for each in found} == {e.path for e in hc_control.instances(dicom_store)}
    assert {each.storage_class for each in found} == {"NEARLINE"}


def test_the_request_is_printed() -> None:
    found = call(
        *("import", "gcs", STORE, "--gcs-uri", "gs://b/in/**", "--print-request", "--json")
    ).object
    assert found["url"].endswith(f"/v1/{STORE}:import")
    assert found["body"] == {"gcsSource": {"uri": "gs://b/in/**"}}


@pytest.mark.parametrize(
    "uri", ["in/*", "gs://b/**/x.dcm", "gs://b/[ab].dcm", "gs://b/in/", "gs://b"]
)
def test_other_patterns_are_refused(uri: str) -> None:
    ended = call("import", "gcs", STORE, "--gcs-uri", uri)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("error[usage]: ")
    assert ended.err.splitlines()[1].startswith("hint: write")


@pytest.mark.parametrize("flag", ["--filter=gs://b/f.txt", "--all", "--mime-type=image/png"])
def test_an_import_takes_no_filter(flag: str) -> None:
    ended = call("import", "gcs", STORE, "--gcs-uri", "gs://b/**", flag)
    assert ended.status == 2
    assert flag.split("=", maxsplit=1)[0] in ended.err


def test_an_unknown_storage_class_is_refused() -> None:
    ended = call("import", "gcs", STORE, "--gcs-uri", "gs://b/**", "--storage-class", "ICE")
    assert ended.status == 2
    assert "ICE" in ended.err
