"""An operation on a folder, from the filter that it is given to its end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dicomfilter.filters.transfer import take_up
from dicomfilter.operations.journal import Entry, Event, new_attempt, now
from dicomfilter.operations.operation import Operation
from dicomfilter.stores.folder import VERSION, FolderCall

if TYPE_CHECKING:
    from dicomfilter.errors import DicomFilterError
    from dicomfilter.filters.used import FilterUsed
    from dicomfilter.operations.journal import Journal
    from dicomfilter.stores.folder import FolderStore
    from dicomfilter.stores.requests import Request
    from dicomfilter.stores.state import Status


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that has ended, well or badly.

    Args:
        operation: It.
        used: What it was given; None for the whole store.
        notes: What was seen of the filter.
    """

    operation: Operation
    used: FilterUsed | None = None
    notes: tuple[str, ...] = ()


def _refusal(store: FolderStore, request: Request, status: Status) -> DicomFilterError | None:
    return store.refusal(status, request)


def do(
    store: FolderStore, journal: Journal, request: Request, *, manifest: str | None = None
) -> Done:
    """Do what is asked of a folder.

    Args:
        store: The folder.
        journal: Remembers the operation, from before it begins.
        request: What is asked, with its filter.
        manifest: Where the filter's manifest is, if not beside it.

    Raises:
        FilterFileError: The filter is empty, or has lines that are no paths.
        DicomFilterError: Nothing was begun.
    """
    uri = request.filter_uri
    handover = None if uri is None else take_up(uri, manifest=manifest)
    used = handover.used if handover else None
    crc32c = used.crc32c if used else None
    call = FolderCall(store.name, request, store.name.new_operation(), crc32c)
    entry = Entry(
        event=Event.SUBMITTED,
        attempt=new_attempt(),
        time=now(),
        store=str(store.name),
        verb=request.verb,
        version=VERSION,
        place=request.place,
        filter_uri=uri,
        filter_crc32c=crc32c,
        filter_generation=used.generation if used else None,
        covered=used.covered if used else None,
        operation=call.operation,
    )
    journal.add(entry)
    name = store.start(call).name
    refusal = partial(_refusal, store, request)
    if handover is None:
        return Done(Operation(name, store, refusal=refusal))
    operation = Operation(name, store, afterwards=handover.afterwards, refusal=refusal)
    return Done(operation, handover.used, handover.notes)
