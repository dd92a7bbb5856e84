"""Waiting for operations: real client, real HTTP, and answers that the test decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import (
    FindingsError,
    OperationFailedError,
    RemoteNotFoundError,
    RemotePermissionError,
    StartUnclearError,
    StillRunningError,
    TripwireError,
)
from dicomfilter.operations.operation import Operation, Tripwire
from dicomfilter.operations.polling import Pace
from dicomfilter.stores.healthcare.store import HealthcareStore
from dicomfilter.stores.healthcare.wire import Wire
from dicomfilter.stores.state import Counters, Missed, State
from tests.localcloud.proxy import FAULTS, FaultProxy, Status
from tests.stores.service import PARENT, STORE, Service, counting, ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Time:
    """A clock that goes on only where something sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)
    then: Callable[[], None] | None = None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        if self.then:
            self.then()

    def pace(self, **options: float) -> Pace:
        return Pace(**options, sleep=self.sleep, clock=lambda: self.now)  # type: ignore[arg-type]


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
def store(faults: FaultProxy) -> HealthcareStore:
    return HealthcareStore(STORE, Wire(None, faults.url, timeout_s=1), sleep=lambda _: None)


@pytest.fixture
def time() -> Time:
    return Time()


def started(service: Service, store: HealthcareStore, *steps: object) -> Operation:
    service.steps = list(steps)  # type: ignore[arg-type]
    return Operation(service.start("ExportDicomData")["name"], store)


def test_an_operation_is_waited_for_to_its_end(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    operation = started(service, store, counting(pending=3), counting(1, pending=2), ending(3))
    looks: list[State | Missed] = []
    outcome = operation.wait(pace=time.pace(), watch=looks.append)
    assert outcome.state.counters == Counters(3)
    assert outcome.findings == ()
    assert [look.counters.total for look in looks if isinstance(look, State)] == [3, 3, 3]
    assert time.slept == [10, 15]


def test_waits_grow_from_ten_seconds_to_a_minute(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    operation = started(service, store, *[counting()] * 8, ending(1))
    operation.wait(pace=time.pace())
    assert time.slept == [10, 15, 22.5, 33.75, 50.625, 60, 60, 60]


@pytest.mark.parametrize("name", [n for n in FAULTS if n != "corrupted"])
def test_a_look_that_fails_is_not_a_failed_operation(
    service: Service, store: HealthcareStore, faults: FaultProxy, time: Time, name: str
) -> None:
    operation = started(service, store, ending(3))
    faults.add("GET .*/operations/", FAULTS[name], times=2)
    assert operation.wait(pace=time.pace()).state.counters.success == 3
    assert faults.count("GET .*/operations/") == (3 if name != "slow" else 1)


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_whatever_passes_is_looked_past(
    service: Service, store: HealthcareStore, faults: FaultProxy, time: Time, status: int
) -> None:
    operation = started(service, store, ending(3))
    faults.add("GET", Status(status), times=4)
    assert operation.wait(pace=time.pace()).state.done
    assert len(time.slept) == 4


def test_looks_that_fail_for_an_hour_are_given_up_and_the_operation_goes_on(
    service: Service, store: HealthcareStore, faults: FaultProxy, time: Time
) -> None:
    operation = started(service, store)
    faults.add("GET", Status(503), times=None)
    with pytest.raises(StillRunningError, match="could not be looked at for 3,600 s") as caught:
        operation.wait(pace=time.pace())
    assert 3600 < time.now < 3700
    assert operation.resume in (caught.value.hint or "")


def test_a_wait_that_is_too_long_ends_and_the_operation_goes_on(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    operation = started(service, store)
    with pytest.raises(StillRunningError, match="still running after 25 s") as caught:
        operation.wait(timeout_s=25, pace=time.pace())
    assert time.slept == [10, 15]
    assert caught.value.exit_status == 8
    assert f"operations wait {operation.name}" in (caught.value.hint or "")
    assert not service.count("cancel")


def test_a_wait_of_no_seconds_looks_once(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    assert started(service, store, ending(1)).wait(timeout_s=0, pace=time.pace()).state.done
    with pytest.raises(StillRunningError):
        started(service, store).wait(timeout_s=0, pace=time.pace())
    assert time.slept == []


def interrupt() -> None:
    raise KeyboardInterrupt


def test_an_interrupted_wait_leaves_the_operation_running(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    time.then = interrupt
    with pytest.raises(KeyboardInterrupt):
        started(service, store).wait(pace=time.pace())
    assert not service.count("cancel")


def test_an_interrupted_wait_cancels_where_that_was_asked_for(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    time.then = interrupt
    with pytest.raises(KeyboardInterrupt):
        started(service, store).wait(pace=time.pace(), cancel_on_interrupt=True)
    assert service.count("POST .*:cancel") == 1


def test_an_error_is_told_with_its_code_and_what_was_done_before(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    error = {"code": 5, "message": "no such bucket", "details": [{"at": "out"}]}
    operation = started(service, store, ending(2, 1, error))
    with pytest.raises(OperationFailedError) as caught:
        operation.wait(pace=time.pace())
    assert caught.value.exit_status == 5
    for part in ("NOT_FOUND", "no such bucket", "'at': 'out'", "2 done before"):
        assert part in caught.value.message
    assert "console.example" in (caught.value.hint or "")


def test_a_cancelled_operation_says_so(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    operation = started(service, store, ending(error={"code": 1, "message": "cancelled"}))
    with pytest.raises(OperationFailedError, match="was cancelled"):
        operation.wait(pace=time.pace())


def test_an_error_counts_more_than_counters(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    operation = started(service, store, ending(5, 5, {"code": 13, "message": "oh"}))
    with pytest.raises(OperationFailedError, match="INTERNAL"):
        operation.wait(pace=time.pace(), allow_findings=True)


def test_failures_without_an_error_are_findings(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    operation = started(service, store, ending(5, 2))
    with pytest.raises(FindingsError, match="2 of 7 failed") as caught:
        operation.wait(pace=time.pace())
    assert caught.value.exit_status == 6
    outcome = operation.wait(pace=time.pace(), allow_findings=True)
    assert len(outcome.findings) == 1


def test_what_is_found_afterwards_is_a_finding(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    service.steps = [ending(5)]
    name = service.start("ExportDicomData")["name"]
    operation = Operation(name, store, afterwards=lambda: ("the filter was replaced",))
    with pytest.raises(FindingsError, match="the filter was replaced"):
        operation.wait(pace=time.pace())


def tripping(service: Service, store: HealthcareStore, *steps: object) -> Operation:
    plain = started(service, store, *steps)
    return Operation(plain.name, store, tripwire=Tripwire(1000))


def test_an_operation_that_takes_too_much_is_cancelled(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    operation = tripping(service, store, counting(10, pending=900), counting(400, 1, pending=710))
    with pytest.raises(TripwireError, match="takes 1,111 instances") as caught:
        operation.wait(pace=time.pace())
    assert caught.value.exit_status == 5
    assert service.operations[operation.name]["metadata"]["cancelRequested"]


def test_an_operation_may_take_one_percent_and_a_hundred_more(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    assert tripping(service, store, ending(1110)).wait(pace=time.pace()).state.done
    assert not service.count("cancel")


def test_an_operation_that_took_too_much_before_it_was_looked_at_is_told(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    with pytest.raises(TripwireError, match="already ended"):
        tripping(service, store, ending(5000)).wait(pace=time.pace())
    assert not service.count("cancel")


def test_a_cancellation_that_is_refused_is_told(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    operation = tripping(service, store, counting(pending=5000))
    service.refuse.append(("cancel", 403, "The caller does not have permission"))
    with pytest.raises(TripwireError, match="could not be cancelled") as caught:
        operation.wait(pace=time.pace())
    assert "roles/healthcare.dicomEditor" in (caught.value.hint or "")


def test_what_may_be_another_s_is_not_cancelled(
    service: Service, store: HealthcareStore, time: Time
) -> None:
    plain = started(service, store, counting(pending=5000))
    operation = Operation(plain.name, store, tripwire=Tripwire(1), is_certain=False)
    with pytest.raises(StartUnclearError, match="may be somebody else's"):
        operation.wait(pace=time.pace())
    assert not service.count("cancel")


@pytest.mark.parametrize(
    ("status", "kind"), [(403, RemotePermissionError), (404, RemoteNotFoundError)]
)
def test_a_look_that_is_refused_ends_the_wait_but_not_the_operation(
    service: Service, store: HealthcareStore, time: Time, status: int, kind: type[Exception]
) -> None:
    operation = started(service, store)
    service.refuse.append(("GET", status, "The caller does not have permission"))
    with pytest.raises(kind, match="the operation itself goes on") as caught:
        operation.wait(pace=time.pace())
    assert operation.resume in str(getattr(caught.value, "hint", ""))


@pytest.mark.parametrize(
    "answer",
    [
        {"name": "n"},
        {"name": "n", "metadata": {}},
        {"name": "n", "metadata": {"counter": {}}, "done": False},
    ],
)
def test_anything_but_the_name_may_be_missing(answer: dict[str, object]) -> None:
    state = State.of(answer)
    assert not state.done
    assert state.counters.total == 0
    assert state.verdict == "running"


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "running"),
        ({"metadata": {"cancelRequested": True}}, "cancelling"),
        ({"done": True}, "done"),
        ({"done": True, "metadata": {"counter": {"failure": "1"}}}, "done with failures"),
        ({"done": True, "error": {"code": 1}}, "cancelled"),
        ({"done": True, "error": {"code": 7}}, "failed"),
    ],
)
def test_a_verdict_is_a_word_or_two(change: dict[str, object], verdict: str) -> None:
    assert State.of({"name": f"{PARENT}/operations/1", **change}).verdict == verdict


def test_the_first_wait_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", "0.5")
    assert Pace.from_environment().first_s == 0.5


@pytest.mark.parametrize("text", ["", "soon", "-1", "0", "nan"])
def test_a_first_wait_that_is_no_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("DICOMFILTER_FIRST_WAIT_S", text)
    if not text:
        assert Pace.from_environment().first_s == 10
        return
    with pytest.raises(ValueError, match="DICOMFILTER_FIRST_WAIT_S"):
        Pace.from_environment()
