"""A clock for tests that wait: a sleep moves the local cloud on, and takes no time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.localcloud.edits import of_json
from tests.localcloud.proxy import Edit

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.localcloud.healthcare import Control
    from tests.localcloud.proxy import FaultProxy


@dataclass
class Clock:
    """How far the local cloud is ahead of this machine.

    Args:
        control: Of the Healthcare API, which is told.
        skew_s: How far Cloud Storage and BigQuery are ahead of the Healthcare API.
        slept: What was waited for.
        then: Done once, at the next sleep: what others do while somebody waits.
    """

    control: Control
    skew_s: float = 0.0
    slept: list[float] = field(default_factory=list)
    then: Callable[[], object] | None = None
    _steps: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)], repr=False)

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.slept.append(seconds)
        then, self.then = self.then, None
        if then is not None:
            then()
        ahead = self._steps[-1][1] + seconds
        self._steps.append((time.time(), ahead))
        self.control.set(ahead_s=ahead)

    def storage(self, proxy: FaultProxy) -> None:
        """Let Cloud Storage say when objects were made by this clock."""
        proxy.add(r"GET /storage/v1/b/[^/]+/o\?", Edit(of_json(self._dated)), times=None)

    def tables(self, proxy: FaultProxy) -> None:
        """Let BigQuery say when tables were changed by this clock."""
        proxy.add(r"GET .*/tables/[^/?]+(\?|$)", Edit(of_json(self._modified)), times=None)

    def _dated(self, answer: dict[str, Any]) -> None:
        for item in answer.get("items", ()):
            if "timeCreated" in item:
                made = datetime.fromisoformat(item["timeCreated"])
                moved = made + self._ahead(made.timestamp())
                item["timeCreated"] = moved.isoformat().replace("+00:00", "Z")

    def _modified(self, answer: dict[str, Any]) -> None:
        if "lastModifiedTime" in answer:
            made_s = int(answer["lastModifiedTime"]) / 1000
            ahead_s = self._ahead(made_s).total_seconds()
            answer["lastModifiedTime"] = str(int((made_s + ahead_s) * 1000))

    def _ahead(self, moment_s: float) -> timedelta:
        """Tell how far ahead the cloud was at a moment of this machine's."""
        ahead_s = next(ahead for at, ahead in reversed(self._steps) if at <= moment_s)
        return timedelta(seconds=ahead_s + self.skew_s)
