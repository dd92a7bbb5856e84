"""Long-running operations: what they tell while they run, and how they end."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.localcloud.healthcare_server.refusals import NOT_FOUND, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from tests.localcloud.healthcare_server.switches import Settings

    Item = Callable[[], int | None]
    """One unit of the counters, or as many frames as it gives; raises ``ItemFailedError`` or ``RefusedError`` when it fails."""

_TYPES = "type.googleapis.com"
_LOGS = "https://console.cloud.google.com/logs/query/advancedFilter"


class ItemFailedError(Exception):
    """One item of an operation failed; the others go on."""


class ItemUncountedError(Exception):
    """One item needed nothing to be done, and is not counted."""


@dataclass(frozen=True)
class Work:
    """What an operation does."""

    api_method: str
    """For example ``dicom.DicomService.ExportDicomData``."""
    response: str
    """For example ``dicom.ExportDicomDataResponse``."""
    items: Callable[[], Iterable[Item]]
    """Asked when the operation runs; a ``RefusedError`` is its end."""
    finish: Callable[[], None] | None = None
    """Done after the items."""


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@dataclass
class Operation:
    """One operation."""

    name: str
    version: str
    work: Work
    created: datetime
    """By the clock of ``Date``."""
    ended: datetime | None = None
    counters: Counter[str] = field(default_factory=Counter)
    cancel_requested: bool = False
    outcome: dict[str, Any] = field(default_factory=dict)
    """``response`` or ``error``; empty while it runs."""

    def described(self, settings: Settings) -> dict[str, Any]:
        """Describe it as the API does; ``done`` is absent while it runs."""
        whole = f"google.cloud.healthcare.{self.version}"
        skew = timedelta(seconds=settings.assumptions.clock_skew_s)
        metadata: dict[str, Any] = {
            "@type": f"{_TYPES}/{whole}.OperationMetadata",
            "apiMethodName": f"{whole}.{self.work.api_method}",
            "createTime": _written(self.created + skew),
            "logsUrl": f"{_LOGS}?id={self.name.rpartition('/')[2]}",
        }
        if self.ended:
            metadata["endTime"] = _written(self.ended + skew)
        if self.cancel_requested:
            metadata["cancelRequested"] = True
        assumed, counter = settings.assumptions, {}
        for name in ("success", "failure", "pending"):
            if name == "pending" and not assumed.pending_counted:
                continue
            if assumed.counts == "nothing":
                continue
            number = self.counters[name]
            if name == "success" and assumed.counts == "half":
                number //= 2
            if number or not assumed.zero_counters_absent:
                counter[name] = str(number)
        if counter:
            metadata["counter"] = counter
        described = {"name": self.name, "metadata": metadata}
        return {**described, "done": True, **self.outcome} if self.outcome else described


def _fail() -> None:
    raise ItemFailedError("a failure of the tests")


@dataclass
class Operations:
    """All operations since the start."""

    settings: Settings
    by_name: dict[str, Operation] = field(default_factory=dict)

    def start(self, dataset: str, version: str, work: Work) -> dict[str, Any]:
        """Start one and say its name."""
        number = uuid.uuid4().int % 10**19
        name = f"{dataset}/operations/{number}"
        operation = Operation(name, version, work, self.settings.now())
        self.by_name[operation.name] = operation
        threading.Thread(target=self._run, args=(operation,), daemon=True).start()
        return {"name": operation.name}

    def listed(self, dataset: str) -> list[Operation]:
        """List those of a dataset that have been there for long enough to be listed."""
        until = self.settings.now() - timedelta(seconds=self.settings.assumptions.list_lag_s)
        start = f"{dataset}/operations/"
        every = [o for name, o in self.by_name.items() if name.startswith(start)]
        return [operation for operation in every if operation.created <= until]

    def get(self, name: str) -> Operation:
        """Find one."""
        if name not in self.by_name:
            raise RefusedError(NOT_FOUND, f"operation not found: {name}.")
        return self.by_name[name]

    def cancel(self, name: str) -> None:
        """Ask one to end; what it has written stays."""
        operation = self.get(name)
        with self.settings.changed:
            operation.cancel_requested = operation.cancel_requested or not operation.outcome
            self.settings.changed.notify_all()

    def _run(self, operation: Operation) -> None:
        try:
            outcome = self._worked(operation)
        except RefusedError as refused:
            outcome = {"error": refused.status()}
        except Exception as error:  # noqa: BLE001 - it must end, and say what was wrong here
            outcome = {"error": {"code": 13, "message": f"{type(error).__name__}: {error}"}}
        operation.ended, operation.outcome = self.settings.now(), outcome

    def _worked(self, operation: Operation) -> dict[str, Any]:
        switches, work, counters = self.settings.switches, operation.work, operation.counters
        time.sleep(switches.start_s)
        if switches.refuse_operation:
            raise RefusedError(switches.refuse_operation, switches.refuse_operation_message)
        items = list(work.items())
        counters["pending"] = len(items)
        for number, item in enumerate(items):
            self._pause(operation, number)
            try:
                frames = (item if number >= switches.fail else _fail)()
                in_frames = self.settings.assumptions.counts == "frames"
                counters["success"] += (frames or 1) if in_frames else 1
            except (ItemFailedError, RefusedError) as failed:
                if isinstance(failed, RefusedError) and failed.code == 7:
                    raise  # the agent lacks a role; it will for the rest
                counters["failure"] += 1
            except ItemUncountedError:
                pass
            counters["pending"] -= 1
        self._pause(operation, len(items))
        if work.finish:
            work.finish()
        if counters["failure"] and self.settings.assumptions.failures_end_in == "error":
            words = f"{counters['failure']} errors; see the logs of the operation."
            raise RefusedError(2, words)
        kind = f"{_TYPES}/google.cloud.healthcare.{operation.version}.{work.response}"
        return {"response": {"@type": kind}}

    def _pause(self, operation: Operation, number: int) -> None:
        """Wait as long as the test wants, unless cancelled."""
        settings = self.settings
        with settings.changed:
            if settings.switches.step_s:
                settings.changed.wait_for(
                    lambda: operation.cancel_requested, settings.switches.step_s
                )
            while not operation.cancel_requested:
                hold = settings.switches.hold_after
                if hold is None or number < hold:
                    return
                settings.changed.wait(1)
        raise RefusedError(1, "Operation was cancelled.")
