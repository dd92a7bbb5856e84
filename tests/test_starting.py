"""A start call is sent once: whatever is lost on the way, there are never two operations."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import RemoteError, StartUnclearError
from dicomfilter.journal import Event, Journal
from dicomfilter.starting import FilterUsed, Starter
from dicomfilter.stores.discovery import prepare
from dicomfilter.stores.healthcare import HealthcareStore
from dicomfilter.stores.requests import ExportToBigQuery, ExportToGcs
from dicomfilter.stores.wire import Wire
from tests.localcloud.proxy import FAULTS, FaultProxy, Hang, Reset, Status, When
from tests.stores.service import STORE, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dicomfilter.stores.discovery import Call

USED = FilterUsed("gs://in/f.txt", crc32c="AAAAAA==", generation=7, covered=12)
CALL = prepare(STORE, ExportToGcs("gs://out/x/", filter_uri=USED.uri))
NAMES = {"503", "reset before", "reset in the middle", "reset after", "truncated", "hung"}
ARRIVED = {"reset after", "truncated"}


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def faults(service: Service) -> Iterator[FaultProxy]:
    proxy = FaultProxy("127.0.0.1", service.port).start()
    yield proxy
    proxy.stop()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "operations.jsonl")


@pytest.fixture
def starter(faults: FaultProxy, journal: Journal) -> Starter:
    store = HealthcareStore(STORE, Wire(None, faults.url, timeout_s=1), sleep=lambda _: None)
    return Starter(store, journal, settle_s=(0.0,), sleep=lambda _: None)


def events(journal: Journal) -> list[Event]:
    return [entry.event for entry in journal.entries()]


def test_a_start_is_journaled_before_and_after(
    starter: Starter, service: Service, journal: Journal
) -> None:
    started = starter.start(CALL, USED)
    assert started.is_certain
    assert started.notes == ()
    intent, submitted = journal.entries()
    assert (intent.event, submitted.event) == (Event.INTENT, Event.SUBMITTED)
    assert submitted.operation == started.state.name
    for entry in (intent, submitted):
        assert entry.store == str(STORE)
        assert (entry.place, entry.filter_uri) == ("gs://out/x/", USED.uri)
        assert (entry.filter_crc32c, entry.filter_generation, entry.covered) == ("AAAAAA==", 7, 12)
    order = [line.split()[0] for line in service.log]
    assert order == ["GET", "POST"]


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_lost_answer_never_makes_two_operations(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal, name: str
) -> None:
    service.start("ExportDicomData")
    faults.add("POST .*:export", FAULTS[name])
    if name in ARRIVED:
        started = starter.start(CALL, USED)
        assert started.state.name == list(service.operations)[-1]
        assert not started.is_certain
        assert "the one operation" in started.notes[0]
        assert events(journal) == [Event.INTENT, Event.ADOPTED]
    else:
        with pytest.raises(StartUnclearError, match="no new operation is to be seen"):
            starter.start(CALL, USED)
        assert events(journal) == [Event.INTENT]
    assert faults.count("POST") == 1
    assert len(service.operations) == (2 if name in ARRIVED else 1)


def test_a_server_that_hangs_up_is_asked_once(service: Service, journal: Journal) -> None:
    service.hang_up = ":export"
    store = HealthcareStore(STORE, Wire(None, service.url), sleep=lambda _: None)
    started = Starter(store, journal, settle_s=(0.0,)).start(CALL)
    assert list(service.operations) == [started.state.name]


def test_a_refused_start_is_over(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    faults.add("POST", Status(429))
    with pytest.raises(RemoteError):
        starter.start(CALL, USED)
    assert events(journal) == [Event.INTENT, Event.ABSENT]
    starter.start(CALL, USED)
    assert len(service.operations) == 1


def colleague(service: Service, method: str = "ExportDicomData", *, ago_s: float = 0) -> None:
    service.start(method, created=datetime.now(UTC) - timedelta(seconds=ago_s))


def losing(service: Service, *methods: str, ago_s: float = 0) -> None:
    """Let others start operations just while our answer is lost."""
    start = service.start

    def work(method: str, *, created: datetime | None = None) -> dict[str, object]:
        found = start(method, created=created)
        for other in methods:
            start(other, created=datetime.now(UTC) - timedelta(seconds=ago_s))
        return found

    service.start = work  # type: ignore[method-assign]


def test_what_a_colleague_started_before_is_not_adopted(
    starter: Starter, service: Service, faults: FaultProxy
) -> None:
    colleague(service, ago_s=1)
    faults.add("POST", Reset(When.BEFORE))
    with pytest.raises(StartUnclearError, match="no new operation"):
        starter.start(CALL, USED)


def test_what_a_colleague_started_meanwhile_stops_with_both_names(
    starter: Starter, service: Service, faults: FaultProxy
) -> None:
    losing(service, "ExportDicomData")
    faults.add("POST", Reset(When.AFTER))
    with pytest.raises(StartUnclearError, match="2 operations are new") as caught:
        starter.start(CALL, USED)
    for name in service.operations:
        assert name.rpartition("/")[2] in caught.value.message
    assert "--start-again" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "method", ["ImportDicomData", "ExportDicomData_bq", "SetBlobStorageSettings"]
)
def test_what_is_of_another_kind_is_not_ours(
    starter: Starter, service: Service, faults: FaultProxy, method: str
) -> None:
    losing(service, method)
    faults.add("POST", Reset(When.AFTER))
    started = starter.start(CALL, USED)
    assert started.state.method.endswith(".ExportDicomData")


def test_an_export_to_bigquery_may_be_called_so(
    starter: Starter, service: Service, faults: FaultProxy
) -> None:
    start = service.start
    service.start = lambda _method: start("ExportDicomData_bq")  # type: ignore[method-assign]
    faults.add("POST", Reset(When.AFTER))
    call = prepare(STORE, ExportToBigQuery("p.d.t", filter_uri=USED.uri))
    assert starter.start(call, USED).state.method.endswith("_bq")


def test_what_was_started_long_before_is_not_ours_though_it_is_listed_late(
    starter: Starter, service: Service, faults: FaultProxy
) -> None:
    losing(service, "ExportDicomData", ago_s=60)
    faults.add("POST", Reset(When.AFTER))
    assert starter.start(CALL, USED).state.name == next(iter(service.operations))


def test_what_another_run_of_ours_started_meanwhile_is_not_adopted(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    start = service.start

    def work(method: str) -> dict[str, object]:
        found, other = start(method), start(method)
        entry = journal.entries()[0]
        journal.add(entry.then(Event.SUBMITTED, other["name"]))
        return found

    service.start = work  # type: ignore[method-assign]
    faults.add("POST", Reset(When.AFTER))
    assert starter.start(CALL, USED).state.name == next(iter(service.operations))


def test_without_the_right_to_list_a_start_goes_on_and_says_so(
    starter: Starter, service: Service
) -> None:
    service.refuse.append(("GET", 403, "The caller does not have permission"))
    started = starter.start(CALL, USED)
    assert "cannot be found again" in started.notes[0]


def test_without_the_right_to_list_a_lost_answer_stops(
    starter: Starter, service: Service, faults: FaultProxy
) -> None:
    service.refuse += [("GET", 403, "The caller does not have permission")] * 2
    faults.add("POST", Reset(When.AFTER))
    with pytest.raises(StartUnclearError, match="may not be listed"):
        starter.start(CALL, USED)
    with pytest.raises(StartUnclearError, match=r"healthcare\.operations\.list"):
        starter.start(CALL, USED)
    assert len(service.operations) == 1


def test_a_listing_that_fails_starts_nothing(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    faults.add("GET", Status(503), times=None)
    with pytest.raises(RemoteError):
        starter.start(CALL, USED)
    assert not service.count("POST")
    assert events(journal) == []


def test_a_listing_that_fails_after_a_lost_answer_stops(
    starter: Starter, service: Service, faults: FaultProxy
) -> None:
    faults.add("GET", Status(503), times=None, skip=1)
    faults.add("POST", Reset(When.AFTER))
    with pytest.raises(StartUnclearError, match="could not be listed"):
        starter.start(CALL, USED)
    assert len(service.operations) == 1


def test_a_journal_that_cannot_be_written_starts_nothing(
    starter: Starter, service: Service, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    elsewhere = Starter(starter.store, Journal(tmp_path / "file" / "x"))
    with pytest.raises(OSError, match="cannot be written"):
        elsewhere.start(CALL, USED)
    assert not service.count("POST")


def unclear(starter: Starter, faults: FaultProxy, when: When) -> None:
    """Leave an intent of which nothing more is known."""
    faults.add("POST", Reset(when))
    rule = faults.add("GET", Status(503), times=None, skip=1)
    with pytest.raises(StartUnclearError):
        starter.start(CALL, USED)
    rule.left = 0


def test_the_next_run_adopts_what_an_earlier_one_started(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    unclear(starter, faults, When.AFTER)
    started = starter.start(CALL, USED)
    assert list(service.operations) == [started.state.name]
    assert not started.is_certain
    assert "an earlier run" in started.notes[0]
    assert events(journal) == [Event.INTENT, Event.ADOPTED]
    starter.start(CALL, USED)
    assert len(service.operations) == 2


def test_the_next_run_waits_until_it_is_sure_that_there_is_nothing(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    unclear(starter, faults, When.BEFORE)
    with pytest.raises(StartUnclearError, match="an earlier run"):
        starter.start(CALL, USED)
    age(journal)
    started = starter.start(CALL, USED)
    assert started.is_certain
    assert list(service.operations) == [started.state.name]


def age(journal: Journal) -> None:
    """Let what is in the journal be five minutes older."""
    entries = journal.entries()
    journal.path.unlink()
    for entry in entries:
        clock = datetime.fromisoformat(entry.clock or "") - timedelta(minutes=5)
        journal.add(replace(entry, clock=clock.isoformat()))


def test_a_colleague_s_export_of_later_is_not_adopted_by_the_next_run(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    unclear(starter, faults, When.BEFORE)
    age(journal)
    colleague(service)
    started = starter.start(CALL, USED)
    assert started.state.name == list(service.operations)[-1]
    assert len(service.operations) == 2


def test_a_run_for_something_else_does_not_ask(
    starter: Starter, service: Service, faults: FaultProxy
) -> None:
    unclear(starter, faults, When.BEFORE)
    other = prepare(STORE, ExportToGcs("gs://out/other/", filter_uri=USED.uri))
    assert starter.start(other, USED).is_certain
    assert len(service.operations) == 1


@pytest.mark.parametrize(
    ("call", "used"),
    [
        (prepare(STORE, ExportToGcs("gs://out/x/", "image/png", USED.uri)), USED),
        (CALL, replace(USED, crc32c="BBBBBB==")),
    ],
    ids=["another format", "another content of the filter"],
)
def test_what_an_earlier_run_started_is_not_taken_for_another(
    starter: Starter, service: Service, faults: FaultProxy, call: Call, used: FilterUsed
) -> None:
    unclear(starter, faults, When.AFTER)
    assert starter.start(call, used).is_certain
    assert len(service.operations) == 2


def test_a_person_may_decide_to_start_again(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    unclear(starter, faults, When.AFTER)
    assert starter.start(CALL, USED, again=True).is_certain
    assert len(service.operations) == 2
    assert Event.GIVEN_UP in events(journal)


RUN = """
import sys
from pathlib import Path
from dicomfilter.journal import Journal
from dicomfilter.starting import Starter
from dicomfilter.stores.healthcare import HealthcareStore
from dicomfilter.stores.wire import Wire
from tests.test_starting import CALL, STORE, USED
store = HealthcareStore(STORE, Wire(None, sys.argv[1]))
Starter(store, Journal(Path(sys.argv[2]))).start(CALL, USED)
"""


@pytest.mark.parametrize("arrives", [True, False])
def test_a_run_that_is_killed_before_it_hears_the_answer_is_known_to_the_next(
    starter: Starter,
    service: Service,
    faults: FaultProxy,
    journal: Journal,
    arrives: bool,  # noqa: FBT001 - a case
) -> None:
    fault = FAULTS["slow"].__class__(30) if arrives else Hang()
    faults.add("POST", fault)
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, faults.url, str(journal.path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    deadline = time.monotonic() + 30
    while not (service.operations if arrives else faults.count("POST")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait(10)
    assert events(journal) == [Event.INTENT]
    if arrives:
        assert starter.start(CALL, USED).state.name in service.operations
    else:
        with pytest.raises(StartUnclearError, match="cut off"):
            starter.start(CALL, USED)
    assert len(service.operations) == (1 if arrives else 0)
