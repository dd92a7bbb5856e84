"""A DICOM store of the Cloud Healthcare API."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from dicomfilter.errors import DicomFilterError, RemoteError, RemoteNotFoundError, UsageError
from dicomfilter.stores.healthcare.discovery import ApiVersion, parameter
from dicomfilter.stores.healthcare.names import OperationName
from dicomfilter.stores.healthcare.refusals import (
    Asked,
    explain,
    failures,
    is_passing,
    operation_refused,
    short,
    surely_refused,
)
from dicomfilter.stores.healthcare.wire import Answer, Wire, open_wire
from dicomfilter.stores.protocol import Listing, Unanswered
from dicomfilter.stores.state import Missed, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from dicomfilter.stores.healthcare.names import StoreName
    from dicomfilter.stores.protocol import Call
    from dicomfilter.stores.requests import Request
    from dicomfilter.stores.state import Status, Watch

_TRIES = 5
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class HealthcareStore:
    """A DICOM store and the operations of its dataset.

    Args:
        name: The store.
        wire: The way to the service.
        sleep: Waits for so many seconds between tries.
    """

    name: StoreName
    wire: Wire
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @classmethod
    def connect(cls, name: StoreName) -> Self:
        """Connect to a store; nothing is sent yet.

        Raises:
            UsageError: The client is not installed.
            RemotePermissionError: There are no credentials.
        """
        return cls(name, open_wire(Asked("get", str(name), name).place))

    def start(self, call: Call, watch: Watch | None = None) -> State | Unanswered:  # noqa: ARG002 - the Protocol's
        """Start an operation; the call is sent once, whatever happens to it.

        Args:
            call: What to start.
            watch: Is told nothing: an operation goes on by itself.

        Returns:
            The operation; or why it is not known whether there is one.

        Raises:
            DicomFilterError: It was surely not started.
        """
        from google.auth.exceptions import GoogleAuthError

        asked = Asked(call.request.verb, str(self.name), self.name, call.request)
        named = {
            parameter(call.version, call.request.verb): str(self.name),
            "body": dict(call.body),
        }

        def make(datasets: Any) -> Any:  # noqa: ANN401 - the client publishes no types
            method = "import_" if call.request.verb == "import" else call.request.verb
            return getattr(datasets.dicomStores(), method)(**named)

        attempt = self.wire.attempt()
        try:
            state = State.of(self.wire.send(ApiVersion(call.version), make, attempt).body)
            if OperationName.parse(state.name).parent == self.name.parent:
                return state
            return Unanswered(f"the answer names {state.name}")
        except (RemoteError, UsageError) as error:
            if not attempt.sent:
                raise
            return Unanswered(error.message)
        except failures() as error:
            # Credentials are refreshed before a call, or after the service refused it.
            if surely_refused(error) or isinstance(error, GoogleAuthError) or not attempt.sent:
                raise explain(error, asked) from error
            return Unanswered(short(error))

    def operations(self) -> Listing:
        """List the operations of the store's dataset that the service remembers.

        Returns:
            All of them, of whatever kind, and what the service's clock said.

        Raises:
            DicomFilterError: They cannot be listed.
        """
        parent = str(self.name.parent)
        asked = Asked("list", f"the operations of {parent}", self.name)
        states: list[State] = []
        token: str | None = None
        date = None
        while True:
            page = {"name": parent, "pageSize": _PAGE, "pageToken": token}
            answer = self._again(asked, partial(_list, page))
            date = date or answer.date
            entries, last = answer.body.get("operations") or [], token
            token = answer.body.get("nextPageToken")
            if not isinstance(entries, list) or not isinstance(token, str | None):
                raise RemoteError(f"what the Healthcare API lists of {parent} is no operations")
            states += [State.of(entry) for entry in entries]
            if not token:
                return Listing(tuple(states), date)
            if token == last:
                raise RemoteError(f"the list of the operations of {parent} has no end")

    def get(self, name: str) -> State:
        """Look at an operation, again where a look brings nothing.

        Raises:
            DicomFilterError: It cannot be looked at.
        """
        asked = Asked("get", name, self.name)
        answer = self._again(asked, lambda datasets: datasets.operations().get(name=name))
        return State.of(answer.body)

    def poll(self, name: str) -> State | Missed:
        """Look at an operation once.

        Raises:
            DicomFilterError: Looking again would not help.
        """
        try:
            answer = self.wire.send(
                ApiVersion.V1, lambda datasets: datasets.operations().get(name=name)
            )
            state = State.of(answer.body)
        except RemoteError as error:
            return Missed(error.message)
        except failures() as error:
            if is_passing(error):
                return Missed(short(error))
            lost = explain(error, Asked("get", name, self.name))
            raise type(lost)(
                f"{lost.message}; the operation itself goes on",
                hint=f"{lost.hint or 'look into it'}; then `dicomfilter operations wait {name}`",
            ) from error
        return state if state.name == name else Missed(f"the answer is about {state.name}")

    def cancel(self, name: str) -> None:
        """Ask to cancel an operation.

        Raises:
            DicomFilterError: That was refused.
        """
        asked = Asked("cancel", name, self.name)
        self._again(asked, lambda datasets: datasets.operations().cancel(name=name, body={}))

    def instance_count(self, study: str, series: str | None = None) -> int | None:
        """Ask how many instances a study or series has.

        Returns:
            The number; None where the store does not know the study or series.

        Raises:
            DicomFilterError: It cannot be asked.
        """
        path = f"{self.name}/dicomWeb/studies/{study}"
        path += "" if series is None else f"/series/{series}"
        asked = Asked("metrics", path, self.name)

        def make(datasets: Any) -> Any:  # noqa: ANN401 - the client publishes no types
            studies = datasets.dicomStores().dicomWeb().studies()
            if series is None:
                return studies.getStudyMetrics(study=path)
            return studies.series().getSeriesMetrics(series=path)

        try:
            count = self._again(asked, make).body.get("instanceCount")
        except RemoteNotFoundError:
            return None
        return None if count is None else int(count)

    def ask(self, asked: Asked, make: Callable[[Any], Any]) -> Answer:
        """Make a call that changes nothing, again where an answer is lost.

        Args:
            asked: What it is about, for the words of an error.
            make: Given the client's resource of datasets, makes its request.

        Raises:
            DicomFilterError: It was refused, or nobody answers.
        """
        return self._again(asked, make)

    def refusal(self, status: Status, request: Request | None) -> DicomFilterError | None:
        """Explain which role is missing, where one is."""
        return operation_refused(status, self.name, request)

    def _again(self, asked: Asked, make: Callable[[Any], Any]) -> Answer:
        """Make a call that may be repeated, until it succeeds or five times."""
        for number in range(1, _TRIES + 1):
            try:
                return self.wire.send(ApiVersion.V1, make)
            except failures() as error:
                if number == _TRIES or not is_passing(error):
                    raise explain(error, asked) from error
                self.sleep(0.5 * 2**number)
        raise AssertionError  # the last try returns or raises


def _list(page: dict[str, Any], datasets: Any) -> Any:  # noqa: ANN401 - the client has no types
    return datasets.operations().list(**page)
