"""The clocks of time zones with a name, as the embedded engine knows them.

One source for literals and for what runs: databases of time zones on different machines differ in
clocks of long ago, and in those that governments have changed of late.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache

FIRST_YEAR, LAST_YEAR = 1993, 2025
"""Of the years between, databases of time zones know the same."""
_NAME = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){1,2}")

_OTHERS = ("Canada/East-Saskatchewan", "US/Pacific-New")
"""Names that the engine still has and BigQuery has not."""


@cache
def is_zone(name: str) -> bool:
    """Tell whether there is a time zone of a name, as in ``Europe/Berlin``."""
    import duckdb

    if not _NAME.fullmatch(name) or name.startswith("SystemV/") or name in _OTHERS:
        return False
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_timezone_names() WHERE name = ?", [name]
        ).fetchone()
    return found != (0,)


@cache
def instant(at: datetime, name: str) -> datetime:
    """Tell the point in time at which the clocks of a zone show a civil time.

    Args:
        at: Without a zone.
        name: Of the zone.

    Returns:
        In UTC; the first of two where clocks are put back, as BigQuery has it.

    Raises:
        ValueError: There is no such zone, or what its clocks show is not known for sure.
    """
    if not FIRST_YEAR <= at.year <= LAST_YEAR or not is_zone(name):
        raise ValueError("no such time zone, or not at that time")
    found = _latest(at, name)
    before = _ahead(found - timedelta(days=1), name)
    first = (at - before).replace(tzinfo=UTC)
    return first if _ahead(first, name) == before else found


def _latest(at: datetime, name: str) -> datetime:
    """Ask the engine, which gives the second of two."""
    us = _ask("SELECT epoch_us(timezone(?, CAST(? AS TIMESTAMP)))", name, at)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def _ahead(moment: datetime, name: str) -> timedelta:
    at = moment.replace(tzinfo=None)
    us = _ask("SELECT epoch_us(timezone(?, timezone('UTC', CAST(? AS TIMESTAMP))))", name, at)
    return datetime(1970, 1, 1) + timedelta(microseconds=us) - at  # noqa: DTZ001 - a civil time


def _ask(sql: str, name: str, at: datetime) -> int:
    import duckdb

    with duckdb.connect() as connection:
        found = connection.execute(sql, [name, at]).fetchone()
    assert found is not None  # noqa: S101 - a SELECT without FROM has one row
    return int(found[0])
