"""``dicomfilter log``: what left, when, where to, and on whose word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Json, Quiet
from dicomfilter.cli.terminal import echo

if TYPE_CHECKING:
    from dicomfilter.operations.log import Left


def log(
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="STORE", help="Only of this store; a folder, or in full."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="The newest only."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """List what was exported, imported and de-identified.

    Example: dicomfilter log --store STORE
    """
    from dicomfilter.notebook.asking import store_name
    from dicomfilter.operations.journal import Journal
    from dicomfilter.operations.log import left

    journal = Journal.of_user()
    name = None if store is None else str(store_name(store))
    found = left(journal, store=name)[:limit]
    if as_json:
        echo(
            json.dumps({"journal": str(journal.path), "entries": [one.to_dict() for one in found]})
        )
        return 0
    if not found:
        if not quiet:
            messages.note(f"{journal.path} knows of nothing that was started")
        return 0
    from dicomfilter.cli.table_output import table

    head = ("started", "what", "store", "place", "filter", "by", "purpose", "standing", "images")
    table(head, map(_row, found))
    return 0


def _row(one: Left) -> tuple[str, ...]:
    own = one.entry
    counted = "" if one.success is None else f"{one.success:,} done, {one.failure or 0:,} failed"
    return (
        own.time,
        own.verb,
        own.store,
        own.place,
        own.filter_uri or "(all)",
        str(one.author),
        own.purpose or "",
        one.standing,
        counted,
    )
