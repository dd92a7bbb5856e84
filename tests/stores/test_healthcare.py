from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dicomfilter.errors import RemoteError, RemoteNotFoundError, RemotePermissionError
from dicomfilter.stores.healthcare.discovery import ApiVersion, prepare
from dicomfilter.stores.healthcare.names import StoreName
from dicomfilter.stores.healthcare.store import HealthcareStore
from dicomfilter.stores.healthcare.wire import Wire
from dicomfilter.stores.protocol import Unanswered
from dicomfilter.stores.requests import (
    Deidentify,
    ExportToGcs,
    ImportFromGcs,
    SetStorageClass,
    StorageClass,
)
from dicomfilter.stores.state import Missed, State
from tests.localcloud.proxy import FAULTS, Reset, Status, Truncate, When
from tests.stores.service import PARENT, STORE, ending

if TYPE_CHECKING:
    from dicomfilter.stores.requests import Request
    from tests.localcloud.proxy import FaultProxy
    from tests.stores.service import Service

EXPORT = ExportToGcs("gs://out/x/", filter_uri="gs://in/f.txt")
OTHER = StoreName(STORE.parent, "other")
REQUESTS: dict[str, Request] = {
    "export": EXPORT,
    "import": ImportFromGcs("gs://in/**.dcm", StorageClass.NEARLINE),
    "set-storage-class": SetStorageClass(StorageClass.ARCHIVE, "gs://in/f.txt"),
    "deidentify": Deidentify(OTHER, filter_uri="gs://in/f.txt"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_start_sends_the_body_and_gives_the_operation(
    store: HealthcareStore, service: Service, name: str
) -> None:
    request = REQUESTS[name]
    found = store.start(prepare(STORE, request))
    assert isinstance(found, State)
    assert found.name in service.operations
    assert service.bodies == [request.body()]
    version = "v1beta1" if request.filter_uri else "v1"
    assert service.log == [f"POST /{version}/{STORE}:{request.verb}?alt=json"]


def test_the_version_may_be_chosen(store: HealthcareStore, service: Service) -> None:
    store.start(prepare(STORE, EXPORT, ApiVersion.V1))
    assert service.log[0].startswith("POST /v1/")


AMBIGUOUS = {
    "503": "HTTP 503",
    "reset in the middle": "ConnectionResetError",
    "reset before": "ConnectionResetError",
    "reset after": "ConnectionResetError",
    "truncated": "IncompleteRead",
    "hung": "TimeoutError",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_start_without_an_answer_is_sent_once_and_not_known(
    store: HealthcareStore, service: Service, faults: FaultProxy, name: str
) -> None:
    faults.add("POST .*:export", FAULTS[name], times=9)
    found = store.start(prepare(STORE, EXPORT))
    assert isinstance(found, Unanswered)
    assert AMBIGUOUS[name] in found.reason
    assert faults.count(":export") == 1
    assert service.count(":export") <= 1


def test_a_start_is_not_sent_again_when_the_server_hangs_up(service: Service) -> None:
    # httplib2 by itself repeats a POST whose connection is closed without an answer.
    service.hang_up = ":export"
    found = HealthcareStore(STORE, Wire(None, service.url)).start(prepare(STORE, EXPORT))
    assert isinstance(found, Unanswered)
    assert service.count("POST .*:export") == 1
    assert len(service.operations) == 1


def test_an_answer_that_is_no_operation_is_no_answer(
    store: HealthcareStore, service: Service
) -> None:
    service.refuse.append((":export", 200, "nothing of use"))
    assert isinstance(store.start(prepare(STORE, EXPORT)), Unanswered)


@pytest.mark.parametrize("status", [400, 404, 409, 429])
def test_a_start_that_is_refused_started_nothing(
    store: HealthcareStore, service: Service, status: int
) -> None:
    service.refuse.append((":export", status, "it is refused for a reason"))
    with pytest.raises(RemoteError, match="it is refused for a reason"):
        store.start(prepare(STORE, EXPORT))
    assert not service.operations


def test_a_server_that_is_not_there_started_nothing() -> None:
    gone = HealthcareStore(STORE, Wire(None, "http://127.0.0.1:9"))
    with pytest.raises(RemoteError, match="could not be reached"):
        gone.start(prepare(STORE, EXPORT))


def test_operations_are_listed_page_by_page(store: HealthcareStore, service: Service) -> None:
    for _ in range(5):
        service.start("ExportDicomData")
    listing = store.operations()
    assert [state.name for state in listing.states] == list(service.operations)
    assert listing.date is not None
    assert service.count("GET .*operations") == 3


def test_no_operations_are_an_empty_listing(store: HealthcareStore) -> None:
    assert store.operations().states == ()


@pytest.mark.parametrize("name", [*AMBIGUOUS, "429", "slow"])
def test_a_listing_survives(
    store: HealthcareStore, service: Service, faults: FaultProxy, name: str
) -> None:
    service.start("ExportDicomData")
    faults.add("GET .*operations", FAULTS[name])
    assert len(store.operations().states) == 1


def test_a_listing_gives_up_in_the_end(store: HealthcareStore, faults: FaultProxy) -> None:
    faults.add("GET .*operations", Status(503), times=None)
    with pytest.raises(RemoteError, match="HTTP 503"):
        store.operations()
    assert len(faults.log) == 5


def test_a_listing_that_is_not_allowed_names_the_permission(
    store: HealthcareStore, service: Service
) -> None:
    service.refuse.append(("GET", 403, "The caller does not have permission"))
    with pytest.raises(RemotePermissionError, match=r"healthcare\.operations\.list") as caught:
        store.operations()
    assert "roles/healthcare.datasetAdmin" in (caught.value.hint or "")


@pytest.mark.parametrize("name", [*AMBIGUOUS, "429"])
def test_a_look_that_fails_is_a_miss_and_the_next_succeeds(
    store: HealthcareStore, service: Service, faults: FaultProxy, name: str
) -> None:
    service.steps = [ending(success=3)]
    operation = service.start("ExportDicomData")["name"]
    faults.add("GET .*operations", FAULTS[name])
    assert isinstance(store.poll(operation), Missed)
    found = store.poll(operation)
    assert isinstance(found, State)
    assert found.name == operation


def test_a_look_that_cannot_succeed_says_that_the_operation_goes_on(
    store: HealthcareStore, service: Service
) -> None:
    operation = service.start("ExportDicomData")["name"]
    service.refuse.append(("GET", 403, "The caller does not have permission"))
    with pytest.raises(RemotePermissionError, match="goes on") as caught:
        store.poll(operation)
    assert f"operations wait {operation}" in (caught.value.hint or "")


def test_an_operation_that_is_not_there_is_not_found(store: HealthcareStore) -> None:
    with pytest.raises(RemoteNotFoundError, match="operations/1"):
        store.get(f"{PARENT}/operations/1")


@pytest.mark.parametrize("fault", [Reset(When.AFTER), Status(503), Truncate()], ids=repr)
def test_a_cancellation_is_asked_for_until_it_is_heard(
    store: HealthcareStore, service: Service, faults: FaultProxy, fault: object
) -> None:
    operation = service.start("ExportDicomData")["name"]
    faults.add("POST .*:cancel", fault)
    store.cancel(operation)
    assert service.operations[operation]["metadata"]["cancelRequested"]


@pytest.mark.parametrize(
    "name", ["", "7", f"{PARENT}x/operations/7", f"{PARENT}/operations", f"{PARENT}/operations/7/8"]
)
def test_an_answer_about_another_operation_is_no_answer(
    store: HealthcareStore, service: Service, name: str
) -> None:
    operation = service.start("ExportDicomData")["name"]
    service.start = lambda _method: {"name": name}  # type: ignore[method-assign]
    assert isinstance(store.start(prepare(STORE, EXPORT)), Unanswered)
    service.operations[operation]["name"] = f"{operation}0"
    assert isinstance(store.poll(operation), Missed)
