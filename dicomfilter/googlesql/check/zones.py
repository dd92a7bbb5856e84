"""Time zones, given by name or by their distance from UTC.

Source: GoogleSQL reference, "Data types", time zones.
"""
# ruff: noqa: TID253 - this module is itself imported inside functions only

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from dicomfilter.googlesql.parse.lifting import KEEP
from dicomfilter.googlesql.parse.reader import start, unsupported
from dicomfilter.googlesql.types import kinds, zone_clocks
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from dicomfilter.googlesql.check.checker import Checker

_OFFSET = re.compile(r"(?:UTC)?(?P<sign>[+-])(?P<hours>[0-9]{1,2})(?::(?P<minutes>[0-9]{2}))?")
_FARTHEST_MINUTES = 14 * 60


def check(checker: Checker, node: exp.Expr) -> exp.Expr:
    """Check a time zone.

    Args:
        checker: Of the clause.
        node: As parsed.

    Returns:
        The literal, which stays one: neither BigQuery's planner nor a translation can look into
        a parameter.

    Raises:
        PredicateError: It is no literal, or no zone that is known here.
    """
    zone = checker.check(node)
    if not isinstance(zone, exp.Literal) or kinds.kind(zone) is not Kind.STRING:
        raise unsupported(
            "a time zone that is no literal text",
            offset=start(node),
            hint="write its name, as in 'Europe/Berlin' or '+01:00'",
        )
    if offset_minutes(zone.name) is None and not zone_clocks.is_zone(zone.name):
        raise unsupported(
            f"the time zone '{zone.name}'",
            offset=start(node),
            hint="write a name of the time zone database, as in 'Europe/Berlin', or '+01:00'",
        )
    zone.meta[KEEP] = True
    return zone


def is_shifted(name: str) -> bool:
    """Tell whether a zone is always at the same distance from UTC, and not at none.

    Its civil times go on where GoogleSQL's range ends; what is known of other zones ends before.
    """
    return offset_minutes(name) not in (None, 0)


def offset_minutes(name: str) -> int | None:
    """Read a zone that is at the same distance from UTC at all times.

    Args:
        name: ``UTC``, or a sign, hours and perhaps minutes.

    Returns:
        How many minutes it is ahead of UTC; None for a zone with a name.

    >>> offset_minutes("-03:30"), offset_minutes("Asia/Tokyo")
    (-210, None)
    """
    if name == "UTC":
        return 0
    match = _OFFSET.fullmatch(name)
    if match is None or int(match["minutes"] or 0) > 59:
        return None
    minutes = int(match["hours"]) * 60 + int(match["minutes"] or 0)
    if minutes > _FARTHEST_MINUTES:
        return None
    return -minutes if match["sign"] == "-" else minutes
