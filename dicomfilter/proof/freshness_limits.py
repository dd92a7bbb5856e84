"""Ages and shares: what of a table's lag is taken for fresh."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from dicomfilter.errors import UsageError

_AGE = re.compile(r"([0-9]{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")
YOUNG = timedelta(minutes=10)
"""What changed so recently, metrics may not have heard of."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken for fresh.

    Args:
        max_age: The most that a table may be behind.
        max_drift: The share of instances by which it may differ from its store.
    """

    max_age: timedelta = timedelta(hours=24)
    max_drift: float = 0.001


def age_of(text: str | timedelta) -> timedelta:
    """Read an age.

    Raises:
        UsageError: It is none.

    >>> age_of("24h")
    datetime.timedelta(days=1)
    """
    if isinstance(text, timedelta):
        return text
    found = _AGE.fullmatch(text)
    if found is None or not int(found[1]):
        raise UsageError(f"{text!r} is no age", hint="write 90m, 24h or 7d")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def share_of(text: str | float) -> float:
    """Read a share of a whole.

    Raises:
        UsageError: It is none.

    >>> share_of("0.1%")
    0.001
    """
    if isinstance(text, float | int):
        share = float(text)
    else:
        found = _SHARE.fullmatch(text)
        share = -1.0 if found is None else float(found[1]) / 100
    if not 0 <= share <= 1:
        raise UsageError(f"{text!r} is no share", hint="write 0.1%")
    return share


def span(length: timedelta) -> str:
    """Write a length of time as people say it.

    >>> span(timedelta(hours=50)), span(timedelta(seconds=-3))
    ('2 days', '0 s')
    """
    seconds = max(0, int(length.total_seconds()))
    for unit, name, least in (("d", "days", 2), ("h", "h", 2), ("m", "min", 2)):
        if seconds >= least * _SECONDS[unit]:
            return f"{seconds // _SECONDS[unit]:,} {name}"
    return f"{seconds} s"
