"""Damaged files end no command, cost no whole file its place, and take no more than there is."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.dicom.mutate import COMMANDS, hunt
from tests.dicom.mutations import KINDS, mutation, originals


def test_a_damaged_file_is_the_same_again() -> None:
    found = [mutation("7", number) for number in range(200)]
    assert [mutation("7", number) for number in reversed(range(200))] == found[::-1]
    assert {each.kind for each in found} == set(KINDS)
    whole = {original.data for group in originals() for original in group}
    assert sum(each.data in whole for each in found) < 5
    assert max(Counter(each.data for each in found).values()) == 1


@pytest.mark.timeout(300)  # five commands, twice, in processes of their own; 30 s
def test_damaged_files_end_no_command() -> None:
    """A sample of ``make mutate-dicom``."""
    tally = hunt("sample", range(60))
    assert not tally.faults, tally.report()
    assert all(tally.ends[name, "failed"] for name in ("native", "compressed", "pictures"))
    assert all(tally.ends[name, "succeeded"] >= 20 for name in COMMANDS if name != "index")
