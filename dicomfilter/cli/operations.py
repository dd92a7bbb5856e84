"""``dicomfilter operations``: what runs and what ran."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.help import Command
from dicomfilter.cli.options import Json, Quiet
from dicomfilter.cli.store_options import Starting, WhereIfAny, with_options
from dicomfilter.cli.table_output import table
from dicomfilter.cli.terminal import echo
from dicomfilter.cli.waiting import described, follow

if TYPE_CHECKING:
    from dicomfilter.operations.journal import Entry
    from dicomfilter.stores.state import State

operations = typer.Typer(
    name="operations",
    help="Look at operations, wait for them, cancel them.",
    no_args_is_help=False,
    rich_markup_mode=None,
)
_WAITED = {"timeout_s", "cancel_on_interrupt", "as_json", "quiet"}
_NOT_OF_WAITING = [field.name for field in fields(Starting) if field.name not in _WAITED]
Name = Annotated[
    str,
    typer.Argument(metavar="OPERATION", help="Its full name, or its last part with --store."),
]


@operations.command("list", cls=Command)
@with_options()
def list_operations(
    *,
    where: WhereIfAny,
    as_json: Json = False,
) -> int:
    """List operations: the service's, or without the right to the journal's.

    Example: dicomfilter operations list --store STORE
    """
    from dicomfilter.notebook.store import open_operations

    found = open_operations(**asdict(where)).operations()
    if found.refused is not None:
        messages.warnings([f"{found.refused}; this is what was started from this machine"])
    if as_json:
        source = "service" if found.refused is None else "journal"
        entries = [described(state) for state in found.states] or [
            _remembered(entry) for entry in found.entries
        ]
        echo(json.dumps({"source": source, "operations": entries}))
    elif found.refused is None:
        head = ("operation", "state", "method", "created", "success", "failure")
        table(head, map(_row, found.states), right=("success", "failure"))
    else:
        remembered = ("operation", "method", "started", "place", "filter")
        table(remembered, map(_entry_row, found.entries))
    return 0


@operations.command("describe", cls=Command)
@with_options()
def describe(
    *,
    name: Name,
    where: WhereIfAny,
    as_json: Json = False,
) -> int:
    """Show how an operation stands.

    Example: dicomfilter operations describe OPERATION
    """
    from dicomfilter.notebook.store import open_operations

    opened = open_operations(name, **asdict(where))
    state = opened.describe(name)
    if as_json:
        echo(json.dumps(described(state)))
        return 0
    rows = [
        ("operation", state.name),
        ("state", state.verdict),
        ("method", state.method),
        ("created", state.created),
        ("ended", state.ended),
        ("counters", str(state.counters)),
        ("error", f"{state.error.name}: {state.error.message}" if state.error else ""),
        ("logs", state.logs_url or ""),
    ]
    for head, text in rows:
        if text:
            echo(f"{head:<9} {text}")
    return 0


@operations.command("wait", cls=Command)
@with_options(*_NOT_OF_WAITING)
def wait(
    *,
    name: Name,
    where: WhereIfAny,
    how: Starting,
) -> int:
    """Wait for an operation's end.

    Example: dicomfilter operations wait OPERATION
    """
    from dicomfilter.notebook.store import open_operations

    opened = open_operations(name, **asdict(where))
    status = follow(opened.operation(name), how)
    if not how.as_json:
        echo(opened.operation(name).name)
    return status


@operations.command("cancel", cls=Command)
@with_options()
def cancel(
    *,
    name: Name,
    where: WhereIfAny,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Ask to cancel an operation; what it has written stays.

    Example: dicomfilter operations cancel OPERATION
    """
    from dicomfilter.notebook.store import open_operations

    opened = open_operations(name, **asdict(where))
    operation = opened.operation(name)
    operation.cancel()
    if not quiet:
        messages.note("it was asked to cancel, and may end otherwise")
    echo(json.dumps({"operation": operation.name}) if as_json else operation.name)
    return 0


def _row(state: State) -> tuple[str, ...]:
    return (
        state.name.rpartition("/")[2],
        state.verdict,
        state.method.rpartition(".")[2],
        state.created,
        f"{state.counters.success:,}",
        f"{state.counters.failure:,}",
    )


def _entry_row(entry: Entry) -> tuple[str, ...]:
    number = (entry.operation or "").rpartition("/")[2]
    return (number, entry.verb, entry.time, entry.place, entry.filter_uri or "")


def _remembered(entry: Entry) -> dict[str, object]:
    return {
        "operation": entry.operation,
        "method": entry.verb,
        "started": entry.time,
        "store": entry.store,
        "place": entry.place,
        "filter": entry.filter_uri,
        "filter_crc32c": entry.filter_crc32c,
    }
