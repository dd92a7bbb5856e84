"""DICOM stores: what one is asked to do and how it answers, chosen by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from dicomfilter.stores.requests import narrowed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from os import PathLike

    from dicomfilter.errors import DicomFilterError
    from dicomfilter.filters.transfer import Handover
    from dicomfilter.stores.folder.names import FolderName
    from dicomfilter.stores.healthcare.names import StoreName
    from dicomfilter.stores.requests import Kinds, Request
    from dicomfilter.stores.state import Missed, State, Status, Watch

    AnyName = StoreName | FolderName
    """Which store: one of the Healthcare API, or a folder."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was checked, and may be sent to a store.

    Args:
        store: The store that it is for.
        request: What it asks.
        version: Of the API.
        url: Where it goes.
        filter_crc32c: Of its filter, where that was looked through.
        operation: The name that its operation will have, where that is known before.
    """

    store: AnyName
    request: Request
    version: str
    url: str
    filter_crc32c: str | None = None
    operation: str = ""

    @property
    def body(self) -> Mapping[str, Any]:
        """What is sent."""
        return self.request.body()

    def narrowed(self, filter_uri: str | None, crc32c: str | None = None) -> Call:
        """Put the filter into it that the store may be given."""
        return replace(self, request=narrowed(self.request, filter_uri), filter_crc32c=crc32c)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A start call that may or may not have reached the service.

    Args:
        reason: What happened on the way.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The operations of a dataset at one moment.

    Args:
        states: All that the service remembers, of whatever kind and store.
        date: What its clock said; None where it did not say.
    """

    states: tuple[State, ...]
    date: datetime | None


class DicomStore(Protocol):
    """A store and the operations of its dataset."""

    @property
    def name(self) -> AnyName:
        """The store."""

    def start(self, call: Call, watch: Watch | None = None) -> State | Unanswered:
        """Start an operation; the call is sent once, whatever happens to it.

        Args:
            call: What to start.
            watch: Is told how it stands, where it has ended when this returns.

        Raises:
            DicomFilterError: It was surely not started.
        """

    def operations(self) -> Listing:
        """List the operations of the store's dataset.

        Raises:
            RemotePermissionError: That is not allowed.
        """

    def get(self, name: str) -> State:
        """Look at an operation.

        Raises:
            DicomFilterError: It cannot be looked at.
        """

    def poll(self, name: str) -> State | Missed:
        """Look at an operation once.

        Raises:
            DicomFilterError: Looking again would not help.
        """

    def cancel(self, name: str) -> None:
        """Ask to cancel an operation.

        Raises:
            DicomFilterError: That was refused.
        """

    def refusal(self, status: Status, request: Request | None) -> DicomFilterError | None:
        """Explain why an operation failed, where more can be said than the service says."""


class StoreKind(Protocol):
    """What differs between kinds of store, and is known before one is opened."""

    @property
    def requests(self) -> Kinds:
        """The requests that it takes."""

    @property
    def runs_here(self) -> bool:
        """Whether this process does all that is asked before ``start`` answers."""

    def beside(self, store: Any, other: AnyName | str | PathLike[str]) -> AnyName:  # noqa: ANN401 - a name of this kind
        """Name a store that works together with another; see ``asking.beside``."""

    def prepare(self, store: Any, request: Request, version: str | None) -> Call:  # noqa: ANN401 - a name of this kind
        """Make a call of a request, checked as far as the words tell.

        Raises:
            UsageError: It cannot be done.
        """

    def connect(self, store: Any) -> DicomStore:  # noqa: ANN401 - a name of this kind
        """Open the store; nothing is sent yet."""

    def check(self, store: Any, call: Call) -> None:  # noqa: ANN401 - a name of this kind
        """Stop at places that cannot be used, before anything is begun.

        Raises:
            DicomFilterError: One cannot.
        """

    def named_place(self, filter_uri: str, staging: str | None) -> str:
        """Tell where a filter will be, as far as that is known without reading it."""

    def planned_place(self, filter_uri: str, staging: str | None) -> str:
        """Tell where a filter will be; it is read for that, and sent nowhere."""

    def hand_over(self, filter_uri: str, staging: str | None, manifest: str | None) -> Handover:
        """Look a filter through and put it where the store can read it."""
