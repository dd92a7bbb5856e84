"""DICOM stores: what one is asked to do and how it answers, chosen by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from dicomfilter.errors import DicomFilterError
    from dicomfilter.stores.healthcare.discovery import Call
    from dicomfilter.stores.healthcare.names import StoreName
    from dicomfilter.stores.requests import Request
    from dicomfilter.stores.state import Missed, State, Status


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
    def name(self) -> StoreName:
        """The store."""

    def start(self, call: Call) -> State | Unanswered:
        """Start an operation; the call is sent once, whatever happens to it.

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
