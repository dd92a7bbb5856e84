"""Every remote step of an export under every fault: never a wrong one, and never two."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import DicomFilterError, TripwireError
from dicomfilter.notebook.asking import StartOptions
from dicomfilter.notebook.store import Store
from dicomfilter.operations.journal import Journal
from dicomfilter.operations.polling import Pace
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.healthcare.store import HealthcareStore
from dicomfilter.stores.healthcare.wire import Wire
from tests.localcloud.clock import Clock
from tests.localcloud.proxy import FAULTS, Slow, crossed

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud import storage

    from tests.localcloud.healthcare import Control, HealthcareServer, Stored
    from tests.localcloud.proxy import FaultProxy
    from tests.localcloud.tally import Tally

KINDS = {**FAULTS, "slow": Slow(0.1)}
STEPS = {
    "stage": ("gcs", "POST /upload/"),
    "list before": ("hc", r"GET .*/operations\?"),
    "start": ("hc", "POST .*:export"),
    "look": ("hc", r"GET .*/operations/\d+"),
    "compare filter": ("gcs", "GET /storage/.*dicomfilter-"),
}
LOST = {"503", "reset before", "reset in the middle", "hung"}
"""A start that never reached the service: nobody can tell, so it stops."""
REFUSED = {"429"}


@dataclass(frozen=True)
class World:
    """A store behind the faulty way, a filter, and what must come of it."""

    store: Store
    filter: Path
    bucket: str
    chosen: list[Stored]
    client: storage.Client
    control: Control

    def names(self) -> set[str]:
        return {blob.name for blob in self.client.list_blobs(self.bucket, prefix="out/")}

    @property
    def expected(self) -> set[str]:
        return {f"out/{each.study}/{each.series}/{each.instance}.dcm" for each in self.chosen}

    def export(self) -> None:
        options = StartOptions(staging=f"gs://{self.bucket}/staged/")
        operation = self.store.export_to_gcs(
            f"gs://{self.bucket}/out/", filter=self.filter, options=options
        )
        operation.wait(pace=Pace(first_s=0.02, longest_s=0.2), timeout_s=30)


@pytest.fixture
def world(
    healthcare: HealthcareServer,
    dicom_store: str,
    hc_control: Control,
    bucket: str,
    gcs_client: storage.Client,
    *,
    tmp_path: Path,
) -> World:
    chosen = hc_control.instances(dicom_store)[3:40:4]
    path = tmp_path / "filter.txt"
    path.write_text("".join(f"{each.path}\n" for each in chosen))
    wire = Wire(None, healthcare.url.rstrip("/"), timeout_s=1)
    edge = HealthcareStore(StoreName.parse(dicom_store), wire, sleep=lambda _: None)
    journal, clock = Journal(tmp_path / "operations.jsonl"), Clock(hc_control)
    store = Store(edge, journal, settle_s=(0.0, 0.1), sleep=clock.sleep)
    return World(store, path, bucket, chosen, gcs_client, hc_control)


def clean(world: World) -> int:
    """Count operations by a way without faults."""
    return len(world.store.operations().states)


@pytest.mark.parametrize(
    ("step", "kind"),
    # The one step that may not be taken twice is tried with all of them.
    [*product(["start"], KINDS), *crossed([step for step in STEPS if step != "start"], KINDS)],
)
def test_a_fault_is_recovered_from_or_told_and_never_exports_twice_or_wrongly(
    world: World,
    gcs_faults: FaultProxy,
    hc_faults: FaultProxy,
    short_retries: None,
    tally: Tally,
    *,
    step: str,
    kind: str,
) -> None:
    assert short_retries is None
    where, pattern = STEPS[step]
    if where == "gcs" and kind == "hung":
        pytest.skip("the storage's own tests have a shorter patience")
    proxy = gcs_faults if where == "gcs" else hc_faults
    rule = proxy.add(pattern, KINDS[kind])
    failed = None
    try:
        world.export()
    except DicomFilterError as error:
        failed = error
    assert rule.hits == 1
    tally.rows.append((step, kind, f"status {failed.exit_status}" if failed else "recovered"))
    assert hc_faults.count("POST .*:export") <= 1
    assert (clean(world), world.names()) in ([(0, set())] if failed else [(1, world.expected)])
    should_fail = step == "start" and kind in LOST | REFUSED
    if kind != "corrupted":  # a byte that TLS would not let pass: anything but a wrong export
        assert bool(failed) == should_fail, failed
    if failed and step == "start":
        assert failed.exit_status == 4
        assert failed.code == ("remote" if kind in REFUSED else "start-unclear")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "corrupted"])
def test_what_takes_too_much_is_cancelled_through_any_fault(
    world: World, hc_faults: FaultProxy, tally: Tally, kind: str
) -> None:
    world.control.set(ignores_filter=True)
    world.control.hold(3)
    hc_faults.add("POST .*:cancel", KINDS[kind])
    with pytest.raises(TripwireError, match="asked to cancel"):
        world.export()
    tally.rows.append(("cancel", kind, "recovered"))
    (state,) = world.store.operations().states
    assert state.verdict in {"cancelling", "cancelled"}
