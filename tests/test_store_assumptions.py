"""What is not documented of the service is assumed one way and the other: both are lived with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import DicomFilterError
from dicomfilter.notebook.store import open_store
from dicomfilter.storage import open_storage
from tests.localcloud.proxy import Reset, Status, When

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from google.cloud import storage

    from dicomfilter.notebook.store import Store
    from dicomfilter.operations.operation import Outcome
    from tests.localcloud.healthcare import Control, Stored
    from tests.localcloud.proxy import FaultProxy

GONE = "/studies/1.2.3.4.5.6.7.8.9\n"


@dataclass(frozen=True)
class World:
    """A store, a bucket, and some of the store's instances."""

    store: Store
    bucket: str
    chosen: list[Stored]
    control: Control
    client: storage.Client

    def put(self, text: str, name: str = "f.txt") -> str:
        uri = f"gs://{self.bucket}/{name}"
        with open_storage(uri).writer(uri, overwrite=True) as writer:
            writer.write(text.encode())
        return uri

    @property
    def lines(self) -> str:
        return "".join(f"{each.path}\n" for each in self.chosen)

    def export(self, text: str | None = None, bucket: str | None = None) -> Outcome:
        uri = self.put(self.lines if text is None else text)
        to = f"gs://{bucket or self.bucket}/out"
        return self.store.export_to_gcs(to, filter=uri).wait(allow_findings=True)

    def names(self) -> set[str]:
        return {blob.name for blob in self.client.list_blobs(self.bucket, prefix="out")}

    @property
    def expected(self) -> set[str]:
        return {f"out/{each.study}/{each.series}/{each.instance}.dcm" for each in self.chosen}


@pytest.fixture
def world(
    dicom_store: str,
    hc_control: Control,
    bucket: str,
    gcs_client: storage.Client,
    *,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> World:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.05")
    chosen = hc_control.instances(dicom_store)[5:30:6]
    return World(open_store(dicom_store), bucket, chosen, hc_control, gcs_client)


def status(work: Callable[[], Outcome]) -> int:
    """Do something and give the status that the command would end with."""
    try:
        outcome = work()
    except DicomFilterError as error:
        assert error.message
        return error.exit_status
    return 6 if outcome.findings else 0


@pytest.mark.parametrize(("assumed", "expected"), [("counted", 6), ("ignored", 6), ("fails", 5)])
def test_a_line_that_is_not_in_the_store(world: World, assumed: str, expected: int) -> None:
    world.control.assume(missing_path=assumed)
    assert status(lambda: world.export(world.lines + GONE)) == expected
    assert world.names() <= world.expected
    if expected != 5:
        assert world.names() == world.expected


@pytest.mark.parametrize("assumed", ["operation", "start"])
def test_a_filter_that_vanishes_before_the_service_reads_it(
    world: World, hc_faults: FaultProxy, assumed: str
) -> None:
    from dicomfilter.stores.healthcare.discovery import prepare
    from dicomfilter.stores.requests import ExportToGcs

    world.control.assume(missing_filter=assumed)
    request = ExportToGcs(f"gs://{world.bucket}/out", filter_uri=f"gs://{world.bucket}/gone.txt")

    def export() -> Outcome:
        found = world.store.edge.start(prepare(world.store.name, request))
        return world.store.operation(found.name).wait()  # type: ignore[union-attr]

    assert status(export) == (5 if assumed == "operation" else 4)
    assert world.names() == set()
    assert hc_faults.count("POST .*:export") == 1


@pytest.mark.parametrize("assumed", ["operation", "start"])
def test_a_bucket_that_is_not_there(world: World, gcs_faults: FaultProxy, assumed: str) -> None:
    gcs_faults.add("GET /storage/v1/b/not-there-at-all/o", Status(403), times=None)  # or we see it
    world.control.assume(missing_bucket=assumed)
    work = lambda: world.export(bucket="not-there-at-all")  # noqa: E731 - done later
    assert status(work) == (5 if assumed == "operation" else 4)


@pytest.mark.parametrize("assumed", ["nothing", "error", "everything"])
def test_an_empty_filter_is_never_sent_whatever_it_would_do(world: World, assumed: str) -> None:
    world.control.assume(empty_filter=assumed)
    for text in ("", "\n", "\r\n\n"):
        assert status(lambda text=text: world.export(text)) == 2  # type: ignore[misc]
    assert world.names() == set()
    assert world.store.operations().states == ()


@pytest.mark.parametrize("assumed", ["ignored", "bad"])
def test_a_blank_line_is_never_sent_whatever_it_would_do(world: World, assumed: str) -> None:
    world.control.assume(blank_line=assumed)
    assert status(lambda: world.export(world.lines.replace("\n", "\n\n"))) == 2
    assert world.store.operations().states == ()


@pytest.mark.parametrize("assumed", ["once", "again"])
def test_lines_that_cover_each_other_are_never_sent(world: World, assumed: str) -> None:
    world.control.assume(doubled=assumed)
    study = f"/studies/{world.chosen[0].study}\n"
    assert status(lambda: world.export(study + world.lines)) == 2
    assert status(lambda: world.export(world.lines * 2)) == 2
    assert world.store.operations().states == ()


@pytest.mark.parametrize("assumed", [True, False])
def test_a_slash_at_the_start_is_always_there(world: World, assumed: bool) -> None:  # noqa: FBT001 - a case
    world.control.assume(slash_optional=assumed)
    assert status(lambda: world.export(world.lines.replace("/studies", "studies"))) == 2


@pytest.mark.parametrize("assumed", [True, False])
def test_a_slash_at_the_end_of_the_prefix_is_the_service_s_business(
    world: World,
    assumed: bool,  # noqa: FBT001 - a case
) -> None:
    world.control.assume(appends_slash=assumed)
    assert status(world.export) == 0
    assert {name.removeprefix("out").lstrip("/") for name in world.names()} == {
        name.removeprefix("out/") for name in world.expected
    }


@pytest.mark.parametrize("assumed", ["operation", "start"])
def test_an_agent_that_may_not_write(world: World, assumed: str) -> None:
    from dicomfilter.errors import OperationFailedError, RemotePermissionError

    world.control.assume(agent_refused=assumed)
    words = "Healthcare API doesn't have required Cloud Storage permission."
    switch = {"refuse_start": 7, "refuse_start_message": words}
    if assumed == "operation":
        switch = {"refuse_operation": 7, "refuse_operation_message": words}
    world.control.set(**switch)
    with pytest.raises((OperationFailedError, RemotePermissionError)) as caught:
        world.export()
    assert caught.value.exit_status == (5 if assumed == "operation" else 4)
    for part in ("roles/storage.objectAdmin", "gcp-sa-healthcare", f"gs://{world.bucket}"):
        assert part in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("assumed", "expected"), [("success", 0), ("failure", 6), ("uncounted", 0)]
)
def test_an_import_of_what_is_there(world: World, assumed: str, expected: int) -> None:
    world.control.assume(duplicate_import=assumed)
    world.export()
    before = world.control.instances(str(world.store.name))
    uri = f"gs://{world.bucket}/out/**.dcm"
    work = lambda: world.store.import_from_gcs(uri).wait(allow_findings=True)  # noqa: E731 - done later
    assert status(work) == expected
    assert world.control.instances(str(world.store.name)) == before


def test_an_import_of_what_is_no_dicom_is_told(world: World) -> None:
    uri = world.put("this is no image", "in/a.dcm")
    work = lambda: world.store.import_from_gcs(uri).wait(allow_findings=True)  # noqa: E731 - done later
    assert status(work) == 6


@pytest.mark.parametrize(("assumed", "expected"), [("error", 5), ("nothing", 0)])
def test_an_import_of_nothing(world: World, assumed: str, expected: int) -> None:
    world.control.assume(nothing_to_import=assumed)
    uri = f"gs://{world.bucket}/nowhere/*.dcm"
    work = lambda: world.store.import_from_gcs(uri).wait(allow_findings=True)  # noqa: E731 - done later
    assert status(work) == expected


@pytest.mark.parametrize("assumed", ["changed", "kept"])
def test_de_identified_uids(world: World, assumed: str) -> None:
    world.control.assume(deidentified_uids=assumed)
    other = world.control.make_store(dataset=str(world.store.name.parent))
    world.store.deidentify(other, filter=world.put(world.lines)).wait()
    found = {each.path for each in world.control.instances(other)}
    assert len(found) == len(world.chosen)
    assert (found == {each.path for each in world.chosen}) == (assumed == "kept")


@pytest.mark.parametrize("assumed", [True, False])
def test_the_order_of_a_listing_is_no_matter_for_what_is_adopted(
    world: World,
    hc_faults: FaultProxy,
    assumed: bool,  # noqa: FBT001 - a case
) -> None:
    world.control.assume(newest_first=assumed)
    for _ in range(3):
        world.export()
    hc_faults.add("POST .*:export", Reset(When.AFTER))
    assert status(world.export) == 0
    assert len(world.store.operations().states) == 4
    entries = world.store.journal.submitted()
    assert len({entry.operation for entry in entries}) == 4
