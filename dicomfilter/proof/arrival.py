"""What a destination holds of a start: nothing, some of it, or all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dicomfilter.engines import open_engine
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.errors import DicomFilterError, TableNotFoundError
from dicomfilter.filters import lines
from dicomfilter.filters.lines import Kind
from dicomfilter.notebook.table import open_table
from dicomfilter.operations.earlier import moment
from dicomfilter.operations.journal import Event
from dicomfilter.operations.resolving import SKEW, Seen, Sight
from dicomfilter.storage import open_storage
from dicomfilter.storage.gcs.listing import written_since
from dicomfilter.storage.gcs.objects import GcsStorage
from dicomfilter.stores.folder.layout import named_uids

if TYPE_CHECKING:
    import pyarrow as pa

    from dicomfilter.operations.journal import Entry, Journal
    from dicomfilter.stores.state import State

_UNSURE = timedelta(hours=1)
"""How far a clock of this machine may be from the service's."""


def look(entry: Entry) -> Sight:
    """Look at the destination of a start.

    Args:
        entry: The start, as it was journaled.

    Returns:
        What was written there since; ``HIDDEN`` where that cannot be found out.
    """
    if entry.verb != "export":
        return Sight(Seen.NOWHERE, f"what {entry.verb} does is not to be seen from here")
    allowance = SKEW if entry.clock else _UNSURE
    since = moment(entry.clock or entry.time) - allowance
    try:
        if entry.place.startswith("bq://"):
            return _table(entry, since)
        return _objects(entry, since)
    except DicomFilterError as error:
        return Sight(Seen.HIDDEN, f"{entry.place} cannot be looked at: {error.message}")


def proved(journal: Journal, name: str, state: State) -> str | None:
    """Show by its destination that an operation was ours.

    Args:
        journal: Remembers what was started, and that this was shown.
        name: The operation.
        state: How it ended.

    Returns:
        What is wrong; None where it is shown.
    """
    entry = journal.find(name)
    if entry is None:
        return "it was not started from here"
    if state.error is not None:
        return f"it failed ({state.error.name}: {state.error.message})"
    sight = look(entry)
    # Lines of series and studies do not say how many instances there are; counters do.
    is_whole = sight.seen is Seen.EVERY_LINE or entry.filter_uri is None
    if sight.seen is not Seen.ALL and not (
        is_whole and sight.newer and sight.newer == state.counters.success
    ):
        return sight.told
    journal.add(entry.then(Event.SHOWN, name))
    return None


def _objects(entry: Entry, since: datetime) -> Sight:
    import pyarrow as pa

    start = entry.place.rstrip("/")
    start = start if start.count("/") > 2 else f"{start}/"
    names = written_since(GcsStorage(), start, since)
    found = {uids for name in names if (uids := named_uids(name.lstrip("/")))}
    if not found:
        return Sight(Seen.UNCHANGED, f"nothing was written to {entry.place} since")
    if entry.filter_uri is None:
        return Sight(Seen.PARTLY, _so_many(entry, len(found)), len(found))
    columns = dict(zip(("study", "series", "instance"), zip(*found, strict=True), strict=True))
    return _compared(entry, pa.table(columns), len(found))


def _table(entry: Entry, since: datetime) -> Sight:
    try:
        with open_engine([entry.place]) as engine:
            state = engine.fingerprint()
    except TableNotFoundError:
        return Sight(Seen.UNCHANGED, f"{entry.place} does not exist")
    if state.modified is None:
        return Sight(Seen.HIDDEN, f"when {entry.place} was written is not known")
    if moment(state.modified) < since:
        return Sight(Seen.UNCHANGED, f"{entry.place} was not written since")
    rows = state.rows or 0
    if entry.filter_uri is None or not rows:
        return Sight(Seen.PARTLY, _so_many(entry, rows), rows)
    options = EngineOptions(command="export")
    with open_table(entry.place, options=options) as table:
        return _compared(entry, table.resources(), rows)


def _compared(entry: Entry, known: pa.Table | pa.RecordBatchReader, newer: int) -> Sight:
    """Compare what is new with the filter, whose lines each want something."""
    uri = str(entry.filter_uri)
    crc32c = open_storage(uri).stat(uri).crc32c
    if entry.filter_crc32c not in {None, crc32c}:
        return Sight(Seen.HIDDEN, f"{uri} is no longer the filter that was used")
    report = lines.check(uri, against=known)
    lacking = sum(f.count for f in report.findings if f.kind is Kind.NOT_IN_METADATA)
    if lacking == report.levels.total:
        return Sight(Seen.UNCHANGED, f"nothing of the filter was written to {entry.place} since")
    if lacking:
        return Sight(
            Seen.PARTLY,
            f"{entry.place} holds nothing new of {lacking:,} of the filter's lines",
            newer,
        )
    wants = entry.covered
    if not report.levels.series and not report.levels.study:
        wants = report.levels.instance
    if wants is not None and newer >= wants:
        return Sight(Seen.ALL, f"{entry.place} holds all that the filter names", newer)
    return Sight(Seen.EVERY_LINE, _so_many(entry, newer), newer)


def _so_many(entry: Entry, newer: int) -> str:
    return f"{entry.place} holds {newer:,} instances that were written since"
