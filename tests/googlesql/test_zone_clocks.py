"""Clocks of time zones: hours shown twice, hours left out, and what nobody knows for sure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dicomfilter.googlesql.types.zone_clocks import instant, is_zone


@pytest.mark.parametrize(
    ("at", "zone", "expected"),
    [
        ("2020-02-29 19:30", "America/New_York", "2020-03-01 00:30"),
        ("2020-11-01 01:30", "America/New_York", "2020-11-01 05:30"),  # shown twice: the first
        ("2020-03-08 02:30", "America/New_York", "2020-03-08 07:30"),  # left out
        ("2020-04-05 01:45", "Australia/Lord_Howe", "2020-04-04 14:45"),  # half an hour, twice
        ("2021-06-01 12:00", "Asia/Kolkata", "2021-06-01 06:30"),
    ],
)
def test_a_civil_time_is_the_moment_that_bigquery_takes_it_for(
    at: str, zone: str, expected: str
) -> None:
    found = instant(datetime.fromisoformat(at), zone)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "zone"),
    [
        ("1992-12-31 12:00", "Europe/Berlin"),
        ("2026-01-01 12:00", "Europe/Berlin"),
        ("2020-01-01 12:00", "Nowhere/Land"),
    ],
)
def test_what_is_not_known_for_sure_is_no_moment(at: str, zone: str) -> None:
    with pytest.raises(ValueError, match="no such time zone"):
        instant(datetime.fromisoformat(at), zone)


@pytest.mark.parametrize(
    "name",
    ["", "Berlin", "europe/berlin", "EUROPE/BERLIN", "../etc/passwd", "posix/UTC", "SystemV/EST5"],
)
def test_a_zone_has_its_name_in_the_database_letter_for_letter(name: str) -> None:
    assert is_zone("Europe/Berlin")
    assert not is_zone(name)
    assert not is_zone("US/Pacific-New")
