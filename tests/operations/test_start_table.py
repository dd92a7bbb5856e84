"""Starts crossed with faults, other users, other processes, late lists and clocks: one operation.

Each case asks three times for the same, as cron does. The local cloud is behind a clock that goes on
where something sleeps, so that five minutes take no time. ``make faults`` tries all cases.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.errors import DicomFilterError
from dicomfilter.notebook.asking import StartOptions
from dicomfilter.notebook.store import Store
from dicomfilter.operations.journal import Journal
from dicomfilter.operations.polling import Pace
from dicomfilter.storage import open_storage
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.healthcare.store import HealthcareStore
from dicomfilter.stores.healthcare.wire import Wire
from dicomfilter.stores.requests import StorageClass, WriteDisposition
from tests.localcloud.clock import Clock
from tests.localcloud.dicom import write_instances
from tests.localcloud.proxy import Edit, Reset, Status, When

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dicomfilter.operations.operation import Operation
    from dicomfilter.stores.protocol import Call
    from tests.localcloud.healthcare import Control, HealthcareServer
    from tests.localcloud.proxy import Fault, FaultProxy
    from tests.localcloud.tally import Tally

CALLS = 3
STARTS: dict[str, Callable[[World, StartOptions], Operation]] = {
    "export": lambda w, o: w.store().export_to_gcs(w.prefix, filter=w.filter, options=o),
    "export all": lambda w, o: w.store().export_to_gcs(w.prefix, everything=True, options=o),
    "table": lambda w, o: w.store().export_to_bigquery(w.table, filter=w.filter, options=o),
    "table anew": lambda w, o: w.store().export_to_bigquery(
        w.table, filter=w.filter, write_disposition=WriteDisposition.WRITE_TRUNCATE, options=o
    ),
    "table append": lambda w, o: w.store().export_to_bigquery(
        w.table, filter=w.filter, write_disposition=WriteDisposition.WRITE_APPEND, options=o
    ),
    "import": lambda w, o: w.store().import_from_gcs(f"{w.incoming}*.dcm", options=o),
    "storage class": lambda w, o: w.store().set_storage_class(
        StorageClass.COLDLINE, filter=w.filter, options=o
    ),
    "deidentify": lambda w, o: w.store().deidentify(w.other, filter=w.filter, options=o),
}
FAULTS: dict[str, Fault | None] = {
    "none": None,
    "lost before": Reset(When.BEFORE),
    "lost after": Reset(When.AFTER),
    "499": Status(499),
    "429": Status(429),
    "503": Status(503),
    "html": Edit(lambda _: b"<html>Sign in</html>"),
    "killed before": None,
    "killed after": None,
}
ARRIVES = {"none", "lost after", "html", "killed after"}
OTHERS = ("nobody", "before", "meanwhile")
PROCESSES = (1, 2)
LAGS_S = (0, 30, 300)
SKEWS_S = (-5, 0, 5)
CASES = [
    case
    for case in product(STARTS, FAULTS, OTHERS, PROCESSES, LAGS_S, SKEWS_S, (False, True))
    if not (case[-1] and (case[0] == "deidentify" or case[0].startswith("table") or case[5]))
    and not (case[3] == 2 and (case[2] != "nobody" or case[5]))
]
"""Start, fault, second user, processes, lag, skew, and whether a second start was asked for."""
_EVERY = int(os.environ.get("DICOMFILTER_EVERY", "97"))
if os.environ.get("DICOMFILTER_FAULTS") == "all":
    _EVERY = 1
"""A number that shares no factor with the sizes of the table, so that each value is met."""


class KilledError(BaseException):
    """The process ends here."""


@dataclass(frozen=True)
class Dying:
    """A way to a store that ends with the process, before or after its call has arrived."""

    edge: HealthcareStore
    arrives: bool

    def __getattr__(self, name: str) -> Any:
        return getattr(self.edge, name)

    def start(self, call: Call) -> None:
        if self.arrives:
            self.edge.start(call)
        raise KilledError


@dataclass
class World:
    """A store, its destination, a journal and a clock, for one case."""

    name: str
    other: str
    bucket: str
    url: str
    journal: Journal
    clock: Clock
    filter: str = ""
    incoming: str = ""
    table: str = ""
    dying: bool | None = None
    statuses: list[int] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        return f"gs://{self.bucket}/out/{self.name.rpartition('/')[2]}/"

    def store(self) -> Store:
        edge: Any = HealthcareStore(
            StoreName.parse(self.name), Wire(None, self.url, timeout_s=5), sleep=lambda _: None
        )
        if self.dying is not None:
            edge, self.dying = Dying(edge, self.dying), None
        return Store(edge, self.journal, sleep=self.clock.sleep)

    def call(self, start: Callable[[World, StartOptions], Operation], *, retry: bool) -> None:
        """Start and wait, as the command does."""
        pace = Pace(first_s=0.01, longest_s=0.05)
        try:
            operation = start(self, StartOptions(retry=retry))
            outcome = operation.wait(pace=pace, timeout_s=30, allow_findings=True)
            self.statuses.append(6 if outcome.findings else 0)
        except DicomFilterError as error:
            self.statuses.append(error.exit_status)
        except KilledError:
            self.statuses.append(137)
        except Exception as error:  # noqa: BLE001 - a thread's own would be lost
            self.statuses.append(1)
            self.broken.append(error)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    write_instances(folder, 2, PatientID="1")
    return folder


@pytest.fixture
def make_world(
    healthcare: HealthcareServer,
    dicom_store: str,
    hc_control: Control,
    hc_faults: FaultProxy,
    gcs_faults: FaultProxy,
    *,
    bq_faults: FaultProxy,
    dataset: str,
    bucket: str,
    images: Path,
    tmp_path: Path,
) -> Callable[[int, int], World]:
    made: list[World] = []

    def make(lag_s: int, skew_s: int) -> World:
        hc_control.reset()
        hc_faults.clear()
        gcs_faults.clear()
        bq_faults.clear()
        number = len(made)
        place = f"{dicom_store.partition('/dicomStores/')[0]}-{number}"
        name = hc_control.make_store(images, dataset=place)
        clock = Clock(hc_control, skew_s=skew_s)
        clock.storage(gcs_faults)
        clock.tables(bq_faults)
        hc_control.assume(list_lag_s=lag_s, clock_skew_s=skew_s)
        world = World(
            name,
            hc_control.make_store(dataset=place),
            bucket,
            healthcare.url.rstrip("/"),
            Journal(tmp_path / str(number) / "operations.jsonl"),
            clock,
        )
        world.filter = f"gs://{bucket}/filter.txt"
        world.table = f"bq://{dataset}.t{number}"
        world.incoming = f"gs://{bucket}/incoming/"
        if not made:
            lines = "".join(f"{each.path}\n" for each in hc_control.instances(name))
            put(world.filter, lines.encode())
            for path in images.iterdir():
                put(f"{world.incoming}{path.name}", path.read_bytes())
        made.append(world)
        return world

    return make


def put(uri: str, data: bytes) -> None:
    with open_storage(uri).writer(uri, overwrite=True) as writer:
        writer.write(data)


def tried(world: World, control: Control, proxy: FaultProxy, case: tuple[Any, ...]) -> int:
    """Try a case; count what was started."""
    start, fault, others, processes, _, _, retry = case
    colleague = control.make_store(dataset=world.name.partition("/dicomStores/")[0])
    theirs: list[str] = []

    def meddle() -> None:
        theirs.append(control.export(colleague, f"gs://{world.bucket}/theirs/"))

    if others == "before":
        meddle()
    if others == "meanwhile":
        world.clock.then = meddle
    if fault.startswith("killed"):
        world.dying = fault == "killed after"
    elif (what := FAULTS[fault]) is not None:
        proxy.add(r"POST .*/dicomStores/[^/]+:", what)
    while not {0, 6} & {*world.statuses} and len(world.statuses) < CALLS * processes:
        running = [
            threading.Thread(target=world.call, args=(STARTS[start],), kwargs={"retry": retry})
            for _ in range(processes)
        ]
        for each in running:
            each.start()
        for each in running:
            each.join(120)
        if any(each.is_alive() for each in running):
            raise TimeoutError
    return len(control.operations(world.name)) - len(theirs)


def outcome(world: World, count: int) -> str:
    """Say in a few words what came of a case."""
    if count > 1:
        return "two"
    known = {0, 6} & {*world.statuses}
    return f"{'one' if count else 'none'}, {'done' if known else 'and said'}"


GROUPS = sorted({(case[0], case[1]) for case in CASES})


@pytest.mark.parametrize(("start", "fault"), GROUPS)
def test_nothing_is_started_twice_and_what_is_not_known_is_said(
    make_world: Callable[[int, int], World],
    hc_control: Control,
    hc_faults: FaultProxy,
    tally: Tally,
    *,
    start: str,
    fault: str,
) -> None:
    for number, case in enumerate(CASES):
        if case[:2] != (start, fault) or number % _EVERY:
            continue
        *_, lag_s, skew_s, retry = case
        world = make_world(lag_s, skew_s)
        count = tried(world, hc_control, hc_faults, case)
        where = f"{case}: {count} started, {world.statuses} {world.broken}"
        what = outcome(world, count)
        tally.rows.append((f"{start}, lag {lag_s}{', retry' * retry}", fault, what))
        assert {*world.statuses} <= {0, 4, 137}, where
        assert {0, 4} & {*world.statuses}, where
        # A list that is five minutes late is later than what is waited for.
        assert count <= (2 if lag_s == max(LAGS_S) and retry else 1), where
        assert what != "none, done", where
        if fault == "none":
            assert what == "one, done", where
        if retry and fault in {"lost before", "499", "503"} and start.startswith("export"):
            assert count, where
