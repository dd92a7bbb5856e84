"""Checksums of joined parts, against those of the joined bytes."""

from __future__ import annotations

import base64

import google_crc32c
from hypothesis import given
from hypothesis import strategies as st

from dicomfilter.storage.crc32c import of_joined


def crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(content).digest()).decode()


def parts_of(*contents: bytes) -> list[tuple[str, int]]:
    return [(crc32c(content), len(content)) for content in contents]


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_the_checksum_of_the_whole_follows_from_those_of_the_parts(contents: list[bytes]) -> None:
    assert of_joined(parts_of(*contents)) == crc32c(b"".join(contents))


@given(st.binary(min_size=1, max_size=50), st.binary(max_size=50))
def test_the_order_of_the_parts_matters(one: bytes, other: bytes) -> None:
    joined = of_joined(parts_of(one, other))
    assert (joined == of_joined(parts_of(other, one))) == (one + other == other + one)


def test_nothing_has_the_checksum_of_nothing() -> None:
    assert of_joined([]) == of_joined([("AAAAAA==", 0)]) == crc32c(b"")


def test_a_part_of_many_gigabytes_costs_no_more_than_a_small_one() -> None:
    zeros = of_joined([("AAAAAA==", 0)])
    half, whole = 1 << 40, 1 << 41
    # What precedes 2 TiB is what precedes one TiB and then another.
    moved = of_joined([(crc32c(b"a"), 1), (zeros, half), (zeros, half)])
    assert moved == of_joined([(crc32c(b"a"), 1), (zeros, whole)])
