"""``export gcs`` of several filters: one start each, no one stopped by another's failure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dicomfilter.storage import open_storage
from tests.cli.running import call, run
from tests.localcloud.proxy import Reset, When
from tests.stores.folder.images import image, put

if TYPE_CHECKING:
    from pathlib import Path

    from tests.localcloud.healthcare import Control
    from tests.localcloud.proxy import FaultProxy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "scans", *(image(f"1.{n}", f"1.{n}.1", f"1.{n}.1.1") for n in range(1, 4)))
    (tmp_path / "parts").mkdir()
    for number in range(1, 4):
        (tmp_path / f"parts/ct-{number}.txt").write_text(f"/studies/1.{number}\n")
        (tmp_path / f"parts/ct-{number}.txt.rejected.csv").write_text("study,series\n")
    return tmp_path


def export(folder: Path, *more: object) -> tuple[int, str, str]:
    ended = run(
        *("export", "gcs", "./scans", "--gcs-uri-prefix", "out", *more),
        cwd=folder,
        XDG_STATE_HOME=str(folder / "state"),
    )
    return ended.status, ended.out, ended.err


def test_each_filter_is_an_operation_of_its_own(folder: Path) -> None:
    status, out, err = export(folder, "--filter", "parts/ct-*.txt")
    assert status == 0, err
    assert len(set(out.splitlines())) == 3
    assert len(list((folder / "out").rglob("*.dcm"))) == 3
    again, out, err = export(folder, "--filter", "parts/ct-[12].txt", "--max-parallel", 2, "--json")
    assert again == 0, err
    found = json.loads(out)
    assert [one["filter"] for one in found["operations"]] == ["parts/ct-1.txt", "parts/ct-2.txt"]
    assert found["status"] == 0


def test_one_that_cannot_be_used_stops_not_the_others(folder: Path) -> None:
    (folder / "parts/ct-2.txt").write_text("/studies/x\n")
    status, out, err = export(folder, "--filter", "parts/ct-*.txt", "--json")
    assert status == 2, err
    statuses = [one["status"] for one in json.loads(out)["operations"]]
    assert statuses == [0, 2, 0]
    assert len(list((folder / "out").rglob("*.dcm"))) == 2


def test_what_makes_no_sense_starts_nothing(folder: Path) -> None:
    for more in (
        ("--filter", "none/*.txt"),
        ("--filter", "parts/ct-*.txt", "--manifest", "m.json"),
        ("--filter", "parts/ct-*.txt", "--print-request"),
        ("--filter", "parts/ct-*.txt", "--async", "--max-parallel", 2),
        ("--filter", "parts/ct-1.txt", "--max-parallel", 2),
        ("--filter", "parts/ct-*.txt", "--max-parallel", 0),
    ):
        status, out, err = export(folder, *more)
        assert (status, out) == (2, ""), (more, err)
        assert len(err.splitlines()) == 2
    assert not (folder / "out").exists()


@pytest.fixture
def cloud(
    hc_control: Control,
    dicom_store: str,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> list[str]:
    """Put three filters of an instance each into the cloud, and ask for their exports."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.05")
    for number, one in enumerate(hc_control.instances(dicom_store)[:3], 1):
        uri = f"gs://{bucket}/parts/ct-{number}.txt"
        with open_storage(uri).writer(uri, overwrite=False) as writer:
            writer.write(f"{one.path}\n".encode())
    chosen = ["--filter", f"gs://{bucket}/parts/ct-*.txt"]
    return ["export", "gcs", dicom_store, *chosen, "--gcs-uri-prefix", f"gs://{bucket}/out/"]


def test_a_store_of_the_cloud_takes_one_after_the_other(cloud: list[str]) -> None:
    ended = call(*cloud, "--max-parallel", "2")
    assert ended.status == 0, ended.err
    assert len(set(ended.out.splitlines())) == 3
    assert ended.err.count("1 succeeded") == 3
    named = call(*cloud, "--async", "--start-again")
    assert named.status == 0, named.err
    assert len(set(named.out.splitlines()) - set(ended.out.splitlines())) == 3


def test_an_unclear_start_stops_every_further_one(cloud: list[str], hc_faults: FaultProxy) -> None:
    hc_faults.add("POST .*:export", Reset(When.BEFORE))
    ended = call(*cloud, "--timeout-s", "0.1", "--json")
    assert ended.status == 4, ended.err
    found = json.loads(ended.out)
    assert [one["status"] for one in found["operations"]] == [4, 4, 4]
    assert ended.err.count("error[start-unclear]") == 1
    assert not any(one["operation"] for one in found["operations"])
