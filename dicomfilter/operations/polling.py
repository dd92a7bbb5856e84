"""How often something remote is looked at, and for how long in vain."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from dicomfilter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VARIABLE = "DICOMFILTER_FIRST_WAIT_S"
"""Seconds before the second look; 10 by default."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to look; clock and sleep are passed in where time is to be made.

    Args:
        first_s: Seconds between the first look and the second.
        factor: How much longer each next wait is.
        longest_s: The longest wait.
        patience_s: How long looks may fail in a row.
        sleep: Waits for so many seconds.
        clock: Tells seconds that only grow.

    Source:
        Cloud Healthcare API documentation, "Best practices for long-running operations": back off
        exponentially, from an interval such as 10 seconds.
    """

    first_s: float = 10.0
    factor: float = 1.5
    longest_s: float = 60.0
    patience_s: float = 3600.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)

    @classmethod
    def from_environment(cls) -> Self:
        """Take the first wait from ``DICOMFILTER_FIRST_WAIT_S``, if it is set.

        Raises:
            UsageError: It is no number of seconds.
        """
        text = os.environ.get(VARIABLE)
        if not text:
            return cls()
        try:
            first_s = float(text)
        except ValueError:
            first_s = -1.0
        if not 0 < first_s < 3600:
            raise UsageError(f"{VARIABLE}={text} is no number of seconds", hint="write 10")
        return cls(first_s=first_s)

    def waits(self) -> Iterator[float]:
        """Give the seconds of each wait, without end.

        >>> waits = Pace(first_s=30).waits()
        >>> [next(waits) for _ in range(3)]
        [30, 45.0, 60.0]
        """
        wait_s = self.first_s
        while True:
            yield wait_s
            wait_s = min(wait_s * self.factor, self.longest_s)
