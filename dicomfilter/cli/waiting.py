"""Starting an operation, naming it, and waiting for it where a person watches."""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dicomfilter.cli import messages
from dicomfilter.cli.progress import drawing
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import (
    DicomFilterError,
    FindingsError,
    RemotePermissionError,
    StillRunningError,
)
from dicomfilter.stores.state import Missed
from dicomfilter.stores.store_kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from dicomfilter.cli.store_options import Starting
    from dicomfilter.notebook.asking import Asked, StartOptions
    from dicomfilter.notebook.store import Store
    from dicomfilter.operations.operation import Operation, Outcome
    from dicomfilter.stores.protocol import AnyName
    from dicomfilter.stores.requests import Request
    from dicomfilter.stores.state import State, Watch

    Afterwards: TypeAlias = Callable[[str], tuple[dict[str, Any], int]]
    """Takes an operation's name; gives what JSON says of it, and a status."""


def launch(
    name: AnyName,
    request: Request,
    how: Starting,
    *,
    into: str | None = None,
    then: Afterwards | None = None,
) -> int:
    """Start what a request asks for, name it, and wait for it.

    Args:
        name: The store.
        request: What is asked, without a filter.
        how: The options.
        into: Where images or rows go; None where none go anywhere.
        then: Done after the wait.

    Returns:
        The status to exit with.
    """
    from dicomfilter.notebook.asking import ask

    asked = ask(name, request, how.filter, everything=how.everything, options=prepared(how))
    if how.print_request:
        call = asked.planned()
        _show_call(call.url, dict(call.body), as_json=how.as_json)
        return 0
    from dicomfilter.notebook.store import open_store

    runs_here = kind_of(name).runs_here
    with _done_here(quiet=how.quiet) if runs_here else nullcontext() as watch:
        store = open_store(str(name))
        with _diagnosed(asked):
            launched = store.start(replace(asked, options=replace(asked.options, watch=watch)))
    operation = launched.operation
    # Standard error first: what follows may find standard output full, or its reader gone.
    with suppress(OSError):
        if not runs_here:
            messages.note(f"resume   {operation.resume}")
        if not how.quiet:
            if runs_here and into is not None:
                messages.note(f"into     {into}")
            for text in launched.notes:
                messages.note(text)
        messages.warnings(launched.warnings)
    no_wait = how.no_wait and not runs_here
    if no_wait and how.as_json:
        say(json.dumps({"operation": operation.name, "done": False}))
    elif not how.as_json:
        say(operation.name)
    if no_wait or not how.as_json:
        if sys.stdout is not None:
            store.heard(operation)
        return 0 if no_wait else follow(operation, how, then=then)
    with _heard_at_its_end(store, operation):
        return follow(operation, how, then=then)


@contextmanager
def _diagnosed(asked: Asked) -> Iterator[None]:
    """Show what the doctor finds where a start is refused for want of a right."""
    try:
        yield
    except RemotePermissionError as refused:
        if not kind_of(asked.call.store).runs_here:
            from dicomfilter.cli.doctor import attached

            attached(refused, asked)
        raise


def prepared(how: Starting) -> StartOptions:
    """Say how an operation is started, from the options of a command."""
    from dicomfilter.notebook.asking import StartOptions
    from dicomfilter.operations.journal import now

    return StartOptions(
        how.staging,
        how.manifest,
        how.api_version,
        again=how.again,
        retry=how.retry,
        timeout_s=how.timeout_s,
        no_wait=how.no_wait,
        is_heard=False,
        line=_again_line(),
        told=messages.note,
        asked=now(),
        purpose=how.purpose,
    )


def _again_line() -> str:
    """Write the command that runs, as it is written to start in spite of an earlier start."""
    words = [word for word in sys.argv[1:] if word not in {"--retry-start", "--start-again"}]
    return shlex.join(["dicomfilter", *words, "--start-again"])


def say(text: str) -> None:
    """Print a result at once, for who reads a pipe is not to wait for it."""
    echo(text)
    if sys.stdout is not None:
        sys.stdout.flush()


@contextmanager
def _heard_at_its_end(store: Store, operation: Operation) -> Iterator[None]:
    """Note that an operation was heard of once its end was told, by output or by status."""
    try:
        yield
    except StillRunningError:
        raise
    except DicomFilterError:
        store.heard(operation)
        raise
    store.heard(operation)


@contextmanager
def _done_here(*, quiet: bool) -> Iterator[Watch]:
    """Show how far an operation is that is done before it can be waited for."""
    try:
        with _watching(quiet=quiet) as watch:
            yield watch
    except KeyboardInterrupt:
        messages.note("what is complete stays; the same command goes on from there")
        raise


def follow(operation: Operation, how: Starting, *, then: Afterwards | None = None) -> int:
    """Wait for an operation and say how it ended.

    Args:
        operation: It.
        how: The options.
        then: Done where it did not fail, and told beside it.

    Returns:
        The status to exit with.
    """
    with _interruptible(operation, how), _watching(quiet=how.quiet) as watch:
        outcome = operation.wait(
            timeout_s=how.timeout_s,
            watch=watch,
            cancel_on_interrupt=how.cancel_on_interrupt,
            allow_findings=True,
        )
    status = FindingsError.exit_status if outcome.findings else 0
    if then is None:
        _show(outcome, {}, as_json=how.as_json, quiet=how.quiet)
        return status
    if not how.as_json:
        _show(outcome, {}, as_json=False, quiet=how.quiet)
    document, other = then(operation.name)
    if how.as_json:
        _show(outcome, document, as_json=True, quiet=how.quiet)
    return max(status, other)


def described(state: State) -> dict[str, Any]:
    """Give what is known of an operation as JSON has it."""
    counters, error = state.counters, state.error
    return {
        "operation": state.name,
        "verdict": state.verdict,
        "done": state.done,
        "method": state.method,
        "created": state.created,
        "ended": state.ended,
        "success": counters.success,
        "failure": counters.failure,
        "pending": counters.pending,
        "size_bytes": counters.size_bytes,
        "error": error and {"code": error.code, "name": error.name, "message": error.message},
        "logs_url": state.logs_url,
    }


def _show_call(url: str, body: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        echo(json.dumps({"method": "POST", "url": url, "body": body}))
        return
    echo(f"POST {url}")
    echo(json.dumps(body, indent=2))


def _show(outcome: Outcome, more: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    state = outcome.state
    if as_json:
        say(json.dumps({**described(state), "findings": outcome.findings, **more}))
    if not quiet:
        messages.note(f"done     {state.counters}")
        if state.logs_url:
            messages.note(f"logs     {state.logs_url}")
    messages.warnings(outcome.findings)


@contextmanager
def _interruptible(operation: Operation, how: Starting) -> Iterator[None]:
    """Say on Ctrl-C what becomes of the operation."""
    try:
        yield
    except KeyboardInterrupt:
        if how.cancel_on_interrupt:
            messages.note(f"{operation.name} was asked to cancel")
        else:
            messages.note("the operation goes on")
            messages.hint(f"wait for it with `{operation.resume}`")
        raise


def warning() -> Watch:
    """Make what warns of looks that fail, once of each reason."""
    missed: set[str] = set()

    def warn(look: State | Missed) -> None:
        if isinstance(look, Missed) and look.reason not in missed:
            missed.add(look.reason)
            messages.warnings([f"a look at the operation failed, and is repeated: {look.reason}"])

    return warn


@contextmanager
def _watching(*, quiet: bool) -> Iterator[Watch]:
    """Show how far an operation is, where a person watches; warn where looks fail."""
    warn = warning()
    with drawing("running", quiet=quiet) as draw:
        if draw is None:
            yield warn
            return

        def show(look: State | Missed) -> None:
            warn(look)
            if not isinstance(look, Missed):
                counters = look.counters
                done = counters.success + counters.failure
                draw(look.verdict, done, counters.total or None, str(counters))

        yield show
