"""What is about to be started, written down so that it is known again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from dicomfilter.filters.authors import Author
from dicomfilter.filters.used import FilterUsed
from dicomfilter.operations.journal import Entry, Event, new_attempt, now
from dicomfilter.stores.requests import ExportToBigQuery, WriteDisposition

if TYPE_CHECKING:
    from dicomfilter.stores.protocol import Call, Listing


def filter_of(entry: Entry) -> FilterUsed:
    """Recall the filter that a start was given; ``filter_uri`` must be there."""
    return FilterUsed(
        str(entry.filter_uri),
        entry.filter_crc32c,
        entry.filter_generation,
        entry.covered,
        entry.filter_lines,
        entry.filter_digest,
    )


def takes_up(call: Call) -> bool:
    """Tell whether a repetition may join what runs, as nothing else can be meant."""
    request = call.request
    if request.filter_uri is None:
        return False
    if isinstance(request, ExportToBigQuery):
        return request.write_disposition is not WriteDisposition.WRITE_APPEND
    return request.verb in {"export", "setBlobStorageSettings"}


def set_of(entry: Entry) -> str:
    """Name what a start takes."""
    return entry.filter_uri or "the whole store"


def made(
    call: Call, used: FilterUsed | None, *, is_heard: bool, purpose: str | None = None
) -> Entry:
    """Write down what is about to be started.

    Args:
        call: What is called.
        used: Its filter; None for the whole store.
        is_heard: Whether its name reaches whoever asked by itself.
        purpose: Why, in a person's words.
    """
    author = Author.of_process(purpose)
    return Entry(
        event=Event.INTENT,
        attempt=new_attempt(),
        time=now(),
        store=str(call.store),
        verb=call.request.verb,
        version=str(call.version),
        place=call.request.place,
        asked_sha256=_asked(call),
        filter_uri=used.uri if used else None,
        filter_crc32c=used.crc32c if used else None,
        filter_generation=used.generation if used else None,
        filter_lines=used.lines if used else None,
        filter_digest=used.digest if used else None,
        covered=used.covered if used else None,
        mime_type=getattr(call.request, "mime_type", None),
        is_heard=is_heard,
        user=author.user,
        machine=author.machine,
        account=author.account,
        purpose=author.purpose,
    )


def _asked(call: Call) -> str:
    """Sum up what is asked for apart from the filter, however its destination is written."""
    body = {name: value for name, value in call.body.items() if name != "filterConfig"}
    if (gcs := body.get("gcsDestination")) is not None:
        body["gcsDestination"] = {**gcs, "uriPrefix": f"{gcs['uriPrefix'].rstrip('/')}/"}
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def knowing(intent: Entry, before: Listing | None) -> Entry:
    """Remember which operations were there; old ones cannot be mistaken for new."""
    if before is None:
        return intent
    floor = before.date - timedelta(days=1) if before.date else None
    known = tuple(
        state.name.rpartition("/")[2]
        for state in before.states
        if floor is None or state.created_at is None or state.created_at >= floor
    )
    date = before.date.isoformat() if before.date else None
    return replace(intent, known=known, clock=date, time=now())
