"""What a store answers: an operation that was started, or a list of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dicomfilter.filters.used import FilterUsed
    from dicomfilter.operations.journal import Entry
    from dicomfilter.operations.operation import Operation
    from dicomfilter.stores.state import State


@dataclass(frozen=True, slots=True)
class OperationList:
    """Operations, and who says so.

    Args:
        states: What the service lists; empty where the journal had to do.
        entries: What was started from this machine; empty where the service lists.
        refused: Why the service does not list; None where it does.
    """

    states: tuple[State, ...] = ()
    entries: tuple[Entry, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Launched:
    """An operation that was started, and what a person should know of that.

    Args:
        operation: It.
        filter: What it was given; None for the whole store.
        notes: What was seen of the filter.
        warnings: What is unusual about the start.
    """

    operation: Operation
    filter: FilterUsed | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
