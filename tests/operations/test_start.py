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
from typing import TYPE_CHECKING, Any

import pytest

from dicomfilter.errors import RemoteError, StartUnclearError
from dicomfilter.filters.used import FilterUsed
from dicomfilter.operations.journal import Event, Journal
from dicomfilter.operations.resolving import Manner, Seen, Sight
from dicomfilter.operations.start import Starter
from dicomfilter.stores.healthcare.discovery import prepare
from dicomfilter.stores.healthcare.store import HealthcareStore
from dicomfilter.stores.healthcare.wire import Wire
from dicomfilter.stores.requests import (
    Deidentify,
    ExportToBigQuery,
    ExportToGcs,
    ImportFromGcs,
    SetStorageClass,
    StorageClass,
    WriteDisposition,
)
from tests.localcloud.proxy import FAULTS, FaultProxy, Hang, Reset, Status, When
from tests.stores.service import STORE, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dicomfilter.stores.protocol import Call

USED = FilterUsed("gs://in/f.txt", "AAAAAA==", 7, 12, lines=3, digest="v:1")
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
        assert events(journal) == [Event.INTENT, Event.LOST, Event.ADOPTED]
    else:
        with pytest.raises(StartUnclearError, match="no new operation is to be seen"):
            starter.start(CALL, USED)
        assert events(journal) == [Event.INTENT, Event.LOST]
    assert faults.count("POST") == 1
    assert len(service.operations) == (2 if name in ARRIVED else 1)


def test_a_server_that_hangs_up_is_asked_once(service: Service, journal: Journal) -> None:
    service.hang_up = ":export"
    store = HealthcareStore(STORE, Wire(None, service.url), sleep=lambda _: None)
    started = Starter(store, journal, settle_s=(0.0,)).start(CALL)
    assert list(service.operations) == [started.state.name]


@pytest.mark.parametrize("status", [408, 499, 500, 502, 503, 504])
def test_an_answer_that_does_not_refuse_leaves_it_unclear(
    starter: Starter, faults: FaultProxy, journal: Journal, status: int
) -> None:
    faults.add("POST", Status(status))
    with pytest.raises(StartUnclearError):
        starter.start(CALL, USED)
    with pytest.raises(StartUnclearError):
        starter.start(CALL, USED)
    assert faults.count("POST") == 1
    assert Event.ABSENT not in events(journal)


def test_after_too_many_requests_the_list_is_looked_at_once(
    starter: Starter, service: Service, journal: Journal
) -> None:
    service.refuse.append((":export", 429, "Quota exceeded"))
    with pytest.raises(RemoteError, match="Quota exceeded"):
        starter.start(CALL, USED)
    assert service.count("GET") == 2
    work = service.work

    def taken_up(target: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, answer = work(target, body)
        error = {"error": {"code": 429, "message": "Quota exceeded"}}
        return (429, error) if ":export" in target else (status, answer)

    service.work = taken_up  # type: ignore[method-assign]
    with pytest.raises(StartUnclearError, match="can have been started by it"):
        starter.start(CALL, USED)
    assert events(journal)[-1] is Event.LOST


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


def unclear(
    starter: Starter,
    faults: FaultProxy,
    when: When,
    call: Call = CALL,
    used: FilterUsed | None = USED,
) -> None:
    """Leave an intent of which nothing more is known."""
    faults.add("POST", Reset(when))
    rule = faults.add("GET", Status(503), times=None, skip=1)
    with pytest.raises(StartUnclearError):
        starter.start(call, used)
    rule.left = 0


def test_the_next_run_adopts_what_an_earlier_one_started(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    unclear(starter, faults, When.AFTER)
    started = starter.start(CALL, USED)
    assert list(service.operations) == [started.state.name]
    assert not started.is_certain
    assert "an earlier run" in started.notes[0]
    assert events(journal) == [Event.INTENT, Event.LOST, Event.ADOPTED]
    assert starter.start(CALL, USED).state == started.state
    journal.add(journal.entries()[0].then(Event.SHOWN, started.state.name, is_heard=True))
    service.operations[started.state.name]["done"] = True
    assert starter.start(CALL, USED).is_new
    assert len(service.operations) == 2


def seeing(starter: Starter, seen: Seen = Seen.UNCHANGED, **manner: Any) -> Starter:
    """Let a starter see a destination."""
    sight = Sight(seen, f"the destination is {seen}")
    return replace(starter, sight=lambda _: sight, manner=Manner(**manner))


def test_what_most_likely_never_arrived_is_not_started_again_by_itself(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    unclear(starter, faults, When.BEFORE)
    with pytest.raises(StartUnclearError, match="may still turn up"):
        starter.start(CALL, USED)
    age(journal)
    for _ in range(2):
        with pytest.raises(StartUnclearError, match="most likely never arrived") as caught:
            seeing(starter, patience_s=60, line="dicomfilter export --start-again").start(
                CALL, USED
            )
        assert "run `dicomfilter export --start-again`" in (caught.value.hint or "")
    assert service.operations == {}


def test_it_is_started_once_more_where_that_was_asked_for(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    unclear(starter, faults, When.BEFORE)
    age(journal)
    started = seeing(starter, patience_s=60, retries=True).start(CALL, USED)
    assert started.is_certain
    assert list(service.operations) == [started.state.name]
    assert events(journal) == [
        *(Event.INTENT, Event.LOST, Event.ABSENT),
        *(Event.INTENT, Event.SUBMITTED),
    ]


def test_a_second_start_that_is_lost_too_is_the_last(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    unclear(starter, faults, When.BEFORE)
    age(journal)
    faults.add("POST", Reset(When.BEFORE), times=None)
    for _ in range(3):
        with pytest.raises(StartUnclearError):
            seeing(starter, patience_s=60, retries=True).start(CALL, USED)
        age(journal)
    assert faults.count("POST") == 2
    assert service.operations == {}


@pytest.mark.parametrize("seen", [Seen.PARTLY, Seen.EVERY_LINE, Seen.ALL, Seen.HIDDEN])
def test_nothing_is_started_once_more_where_the_destination_does_not_show_that_nothing_came(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal, seen: Seen
) -> None:
    unclear(starter, faults, When.BEFORE)
    age(journal)
    with pytest.raises(StartUnclearError, match="the destination is"):
        seeing(starter, seen, patience_s=60, retries=True).start(CALL, USED)
    assert service.operations == {}


HARMFUL = {
    "append": ExportToBigQuery("p.d.t", WriteDisposition.WRITE_APPEND, filter_uri=USED.uri),
    "truncate": ExportToBigQuery("p.d.t", WriteDisposition.WRITE_TRUNCATE, filter_uri=USED.uri),
    "empty": ExportToBigQuery("p.d.t", filter_uri=USED.uri),
    "deidentify": Deidentify(replace(STORE, store="other"), filter_uri=USED.uri),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_what_would_do_harm_twice_is_never_started_once_more(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal, name: str
) -> None:
    call = prepare(STORE, HARMFUL[name])
    unclear(starter, faults, When.BEFORE, call)
    age(journal)
    with pytest.raises(StartUnclearError):
        seeing(starter, patience_s=60, retries=True).start(call, USED)
    assert service.operations == {}


BLOCKED = {"append", "truncate", "deidentify"}
HARMLESS = {
    "images": CALL.request,
    "empty": HARMFUL["empty"],
    "import": ImportFromGcs("gs://in/*.dcm"),
    "class": SetStorageClass(StorageClass.COLDLINE, USED.uri),
}


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("name", sorted({*HARMFUL, *HARMLESS}))
def test_after_a_day_only_what_would_do_harm_goes_on_being_blocked(
    starter: Starter,
    service: Service,
    faults: FaultProxy,
    journal: Journal,
    *,
    name: str,
    listed: bool,
) -> None:
    call = prepare(STORE, (HARMFUL | HARMLESS)[name])
    used = None if name == "import" else USED
    unclear(starter, faults, When.BEFORE, call, used)
    age(journal, hours=25)
    if not listed:
        service.refuse += [("GET", 403, "The caller does not have permission")] * 3
    if name in BLOCKED:
        with pytest.raises(StartUnclearError) as caught:
            seeing(starter, Seen.HIDDEN).start(call, used)
        assert "--start-again" in (caught.value.hint or "")
        assert service.operations == {}
        assert seeing(starter, Seen.HIDDEN).start(call, used, again=True).is_new
        return
    started = seeing(starter, Seen.HIDDEN).start(call, used)
    assert started.is_new
    assert "a day has passed" in started.notes[-1]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("name", HARMFUL)
def test_after_a_day_a_destination_that_did_not_change_settles_it(
    starter: Starter,
    service: Service,
    faults: FaultProxy,
    journal: Journal,
    *,
    name: str,
    listed: bool,
) -> None:
    call = prepare(STORE, HARMFUL[name])
    unclear(starter, faults, When.BEFORE, call)
    age(journal, hours=25)
    if not listed:
        service.refuse.append(("GET", 403, "The caller does not have permission"))
    started = seeing(starter).start(call, USED)
    assert started.is_new
    assert "came to nothing" in started.notes[-1]


def test_within_a_day_and_without_the_right_to_list_it_is_in_the_way(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    unclear(starter, faults, When.BEFORE)
    age(journal, hours=20)
    service.refuse.append(("GET", 403, "The caller does not have permission"))
    with pytest.raises(StartUnclearError, match=r"healthcare\.operations\.list"):
        seeing(starter).start(CALL, USED)


def age(journal: Journal, *, hours: float = 5 / 60) -> None:
    """Let what is in the journal be older, by five minutes or more."""
    entries, ago = journal.entries(), timedelta(hours=hours)
    journal.path.unlink()
    for entry in entries:
        times = {"time": entry.time, "clock": entry.clock}
        older = {n: (datetime.fromisoformat(t) - ago).isoformat() for n, t in times.items() if t}
        journal.add(replace(entry, **older))


def test_a_colleague_s_export_of_later_is_not_adopted_by_the_next_run(
    starter: Starter, service: Service, faults: FaultProxy, journal: Journal
) -> None:
    unclear(starter, faults, When.BEFORE)
    age(journal)
    colleague(service)
    with pytest.raises(StartUnclearError, match="most likely never arrived"):
        seeing(starter, patience_s=60).start(CALL, USED)
    started = seeing(starter, patience_s=60, retries=True).start(CALL, USED)
    assert started.state.name == list(service.operations)[-1]
    assert len(service.operations) == 2


def test_a_run_for_something_else_does_not_ask(
    starter: Starter, service: Service, faults: FaultProxy
) -> None:
    unclear(starter, faults, When.BEFORE)
    other = prepare(STORE, ExportToGcs("gs://out/other/", filter_uri=USED.uri))
    assert starter.start(other, USED).is_certain
    assert len(service.operations) == 1


def test_an_unclear_start_is_not_in_the_way_of_another_format(
    starter: Starter, service: Service, faults: FaultProxy
) -> None:
    unclear(starter, faults, When.AFTER)
    call = prepare(STORE, ExportToGcs("gs://out/x/", "image/png", USED.uri))
    assert starter.start(call, USED).is_certain
    assert len(service.operations) == 2


@pytest.mark.parametrize(
    "used",
    [
        replace(USED, crc32c="BBBBBB==", digest="v:2"),
        replace(USED, crc32c="BBBBBB==", digest=None, lines=4),
        replace(USED, crc32c="BBBBBB==", digest=None, lines=None),
        None,
    ],
    ids=["other lines", "more lines", "unknown lines", "the whole store"],
)
def test_an_unclear_start_stops_another_to_the_same_destination(
    starter: Starter, service: Service, faults: FaultProxy, used: FilterUsed | None
) -> None:
    unclear(starter, faults, When.AFTER)
    call = CALL if used else prepare(STORE, ExportToGcs("gs://out/x/"))
    with pytest.raises(StartUnclearError, match="is unclear; this one, of") as caught:
        starter.start(call, used)
    assert "--start-again" in (caught.value.hint or "")
    assert len(service.operations) == 1
    assert starter.start(call, used, again=True).is_new


def test_the_same_set_in_another_file_and_order_is_the_same_start(
    starter: Starter, service: Service, faults: FaultProxy
) -> None:
    unclear(starter, faults, When.AFTER)
    used = replace(USED, uri="gs://in/g.txt", crc32c="BBBBBB==", generation=8)
    call = prepare(STORE, ExportToGcs("gs://out/x", filter_uri=used.uri))
    assert not starter.start(call, used).is_certain
    assert len(service.operations) == 1


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
from dicomfilter.operations.journal import Journal
from dicomfilter.operations.start import Starter
from dicomfilter.stores.healthcare.store import HealthcareStore
from dicomfilter.stores.healthcare.wire import Wire
from tests.operations.test_start import CALL, STORE, USED
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
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
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
