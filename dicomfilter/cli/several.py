"""One export for each of several filters, started one after the other."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dicomfilter.cli import messages
from dicomfilter.cli.waiting import described, prepared, say, warning
from dicomfilter.errors import (
    DicomFilterError,
    FindingsError,
    StartUnclearError,
    StillRunningError,
    UsageError,
)
from dicomfilter.stores.store_kinds import kind_of

if TYPE_CHECKING:
    from dicomfilter.cli.store_options import Starting
    from dicomfilter.notebook.asking import Asked
    from dicomfilter.notebook.store import Store
    from dicomfilter.operations.operation import Operation
    from dicomfilter.stores.protocol import AnyName
    from dicomfilter.stores.requests import Request

MOST_PARALLEL = 3
"""More at a time slow each other down, and each takes minutes of its own."""
_TURN_S = 2.0
"""How long one of them is waited for before the next is looked at."""
_WORSE = (0, 6, 8, 1, 3, 7, 2, 5, 4)
"""Statuses from the best to the worst; an unclear start is the worst, for it stops the rest."""


@dataclass(slots=True)
class _One:
    """A filter on its way."""

    filter: str
    asked: Asked
    operation: Operation | None = None
    status: int | None = None
    told: dict[str, Any] = field(default_factory=dict)


def launch_several(
    name: AnyName, request: Request, how: Starting, *, max_parallel: int | None
) -> int:
    """Start an export for each filter, wait for all, and say how each ended.

    Args:
        name: The store.
        request: What is asked, without a filter.
        how: The options; its filter is a pattern.
        max_parallel: How many may be at work; None for three.

    Returns:
        The worst of their statuses.

    Raises:
        UsageError: An option makes no sense for several, or a filter cannot be used: nothing is
            started.
    """
    from dicomfilter.filters.matching import filters_of

    filters = filters_of(how.filter or "")
    for given, option in ((how.manifest, "--manifest"), (how.print_request, "--print-request")):
        if given:
            raise UsageError(f"{option} is for one filter", hint=f"drop {option}, or name one")
    if how.no_wait and max_parallel is not None:
        raise UsageError(
            "--async waits for none, so --max-parallel cannot hold", hint="drop one of the two"
        )
    from dicomfilter.notebook.asking import ask
    from dicomfilter.notebook.store import open_store

    options = prepared(how)
    asked = [ask(name, request, uri, options=options) for uri in filters]
    store = open_store(str(name))
    ones = [_One(uri, one) for uri, one in zip(filters, asked, strict=True)]
    several = _Several(store, how, ones)
    most = len(filters) if how.no_wait else max_parallel or MOST_PARALLEL
    try:
        several.run(most, no_wait=how.no_wait and not kind_of(name).runs_here)
    except KeyboardInterrupt:
        several.left()
        raise
    return several.report()


@dataclass(slots=True)
class _Several:
    store: Store
    how: Starting
    ones: list[_One]
    is_unclear: bool = False

    def run(self, most: int, *, no_wait: bool) -> None:
        """Start each when there is room, and look at those at work in turn."""
        limit = self.how.timeout_s
        end = None if limit is None else time.monotonic() + limit
        waiting, working = list(self.ones), list[_One]()
        while waiting or working:
            self._fill(waiting, working, most)
            if no_wait:
                return
            for one in list(working):
                left = _TURN_S if end is None else min(_TURN_S, end - time.monotonic())
                self._look(one, max(left, 0.0))
                if one.status is not None:
                    working.remove(one)
            if end is not None and time.monotonic() >= end:
                _give_up(working, StillRunningError, "still running")
                _give_up(waiting, StillRunningError, "not started in time")
                return

    def _fill(self, waiting: list[_One], working: list[_One], most: int) -> None:
        """Start what there is room for; after an unclear start nothing more is."""
        while waiting and len(working) < most and not self.is_unclear:
            one = waiting.pop(0)
            self._start(one)
            if one.status is None:
                working.append(one)
        if self.is_unclear:
            _give_up(waiting, StartUnclearError, "not started, for an earlier start is unclear")
            waiting.clear()

    def _start(self, one: _One) -> None:
        try:
            launched = self.store.start(one.asked)
        except DicomFilterError as error:
            self._failed(one, error)
            self.is_unclear = isinstance(error, StartUnclearError)
            return
        one.operation = launched.operation
        messages.note(f"started  {one.filter}: {one.operation.name}")
        if not self.how.quiet:
            for text in launched.notes:
                messages.note(text)
        messages.warnings(launched.warnings)
        if not self.how.as_json:
            say(one.operation.name)
            if sys.stdout is not None:
                self.store.heard(one.operation)

    def _look(self, one: _One, timeout_s: float) -> None:
        assert one.operation is not None  # noqa: S101 - for the types alone
        try:
            outcome = one.operation.wait(timeout_s=timeout_s, watch=warning(), allow_findings=True)
        except StillRunningError:
            return
        except DicomFilterError as error:
            self._failed(one, error)
            return
        one.status = FindingsError.exit_status if outcome.findings else 0
        one.told = {**described(outcome.state), "findings": outcome.findings}
        messages.note(f"done     {one.filter}: {outcome.state.counters}")
        messages.warnings(outcome.findings)

    def _failed(self, one: _One, error: DicomFilterError) -> None:
        one.status = error.exit_status
        one.told["error"] = error.message
        messages.note(f"failed   {one.filter}")
        messages.error(error)

    def left(self) -> None:
        """Say on Ctrl-C what becomes of what is at work."""
        for one in self.ones:
            if one.operation is None or one.status is not None:
                continue
            if self.how.cancel_on_interrupt:
                one.operation.cancel()
                messages.note(f"{one.operation.name} was asked to cancel")
            else:
                messages.note(f"{one.operation.name} goes on")
                messages.hint(f"wait for it with `{one.operation.resume}`")

    def report(self) -> int:
        """Print the object of ``--json``, and give the worst status."""
        statuses = [one.status or 0 for one in self.ones]
        worst = max(statuses, key=_WORSE.index)
        if self.how.as_json:
            listed = [
                {
                    "filter": one.filter,
                    "operation": one.operation and one.operation.name,
                    "status": one.status,
                    **one.told,
                }
                for one in self.ones
            ]
            say(json.dumps({"status": worst, "operations": listed}))
            for one in self.ones:
                if one.operation is not None:
                    self.store.heard(one.operation)
        return worst


def _give_up(ones: list[_One], error: type[DicomFilterError], why: str) -> None:
    for one in ones:
        one.status = error.exit_status
        one.told["error"] = why
        messages.note(f"{why}: {one.filter}")
