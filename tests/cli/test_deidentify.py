"""``dicomfilter deidentify``: into another store, as a configuration says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.healthcare import Control

STORE = "projects/p/locations/l/datasets/d/dicomStores/s"
OTHER = STORE[:-1] + "research"
REQUEST = ("--all", "--print-request", "--json")


@pytest.fixture(autouse=True)
def _fresh_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.05")


def test_copies_go_to_another_store(dicom_store: str, hc_control: Control) -> None:
    other = hc_control.make_store(dataset=dicom_store.split("/dicomStores/", maxsplit=1)[0])
    ended = call("deidentify", dicom_store, "--all", "--destination-store", other)
    assert ended.status == 0, ended.err
    assert len(hc_control.instances(other)) == len(hc_control.instances(dicom_store))


@pytest.mark.parametrize("name", ["research", OTHER])
def test_the_other_store_is_named_in_full_or_not(name: str) -> None:
    found = call("deidentify", STORE, "--destination-store", name, *REQUEST).object
    assert found["url"].endswith(f"/v1/{STORE}:deidentify")
    assert found["body"] == {"destinationStore": OTHER}


def test_a_configuration_is_sent(tmp_path: Path) -> None:
    config = {"dicom": {"filterProfile": "MINIMAL_KEEP_LIST_PROFILE"}}
    (tmp_path / "c.json").write_text(json.dumps(config))
    how = ("--destination-store", "research", "--config", tmp_path / "c.json")
    assert call("deidentify", STORE, *how, *REQUEST).object["body"]["config"] == config


def test_a_configuration_in_the_cloud_is_named() -> None:
    how = ("--destination-store", "research", "--gcs-config-uri", "gs://b/c.json")
    found = call("deidentify", STORE, *how, *REQUEST).object
    assert found["body"]["gcsConfigUri"] == "gs://b/c.json"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no JSON object"),
        ('{"dicm": {}}', "there is no field config.dicm"),
        ('{"dicom": {"filterProfile": "NONE"}}', "not one of"),
    ],
)
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "c.json").write_text(content)
    how = ("--destination-store", "research", "--config", tmp_path / "c.json", "--all")
    ended = call("deidentify", STORE, *how)
    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--destination-store", "s", "--all"), "the source itself"),
        (("--destination-store", OTHER.replace("/l/", "/m/"), "--all"), "not in l"),
        (("--destination-store", "research"), "no filter is named"),
        (("--all",), "--destination-store"),
        (("--destination-store", "t", "--all", "--config", "nowhere.json"), "nowhere.json"),
    ],
)
def test_misuse_is_two_lines(arguments: tuple[str, ...], words: str) -> None:
    ended = call("deidentify", STORE, *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert words in ended.err.splitlines()[0]
    assert ended.err.splitlines()[1].startswith("hint: ")
