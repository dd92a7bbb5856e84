from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dicomfilter.filters.lines.proofs import (
    holds_no_irregular_component,
    holds_only_paths,
    skeleton,
)
from dicomfilter.uids import MAX_LENGTH, is_irregular, is_usable
from tests.filters.lines.files import ANY_FILES, paths

WORDS = ["", "studies", None, "series", None, "instances", None]
USABLE = st.text("012.", min_size=1, max_size=12)
REGULAR = st.lists(st.sampled_from(["0", "1", "10", "205", "9" * 9]), min_size=1, max_size=5).map(
    ".".join
)


def ended(lines):
    return "".join(f"{line}\n" for line in lines).encode()


def shows_usable(data):
    return holds_only_paths(skeleton(data), data.count(b"\n"))


def uids_where_words_stand(data):
    for line in data.decode("latin-1").removesuffix("\n").split("\n"):
        parts = line.split("/")
        if len(parts) in (3, 5, 7) and all(
            word in (None, part) for word, part in zip(WORDS, parts, strict=False)
        ):
            yield from parts[2::2]


@settings(max_examples=600)
@given(data=ANY_FILES.map(lambda data: data if data.endswith(b"\n") else data + b"\n"))
@example(data=b"/studies/1studies/series/2/instances/3\n/series/1\n")
@example(data=b"studiesstudies/series/1\n/studies/1\n")
@example(data=b"/studies/1\nseriesinstances\n")
@example(data=b"/studies/1!\n")
@example(data=b"!\n")
def test_what_is_shown_to_be_usable_is(data):
    if shows_usable(data):
        assert all(is_usable(uid) or uid == "" for uid in uids_where_words_stand(data))


@given(lines=st.lists(paths(USABLE), min_size=1, max_size=9))
def test_paths_with_usable_uids_are_shown_at_any_mix_of_levels(lines):
    assert shows_usable(ended(lines))


@settings(max_examples=600)
@given(lines=st.lists(paths(USABLE), min_size=1, max_size=9))
@example(lines=["/studies/1."])
@example(lines=["/studies/0"])
@example(lines=["/studies/0.0", "/studies/00"])
@example(lines=["/studies/1/series/.1"])
@example(lines=["/studies/1/series/2/instances/1..2"])
def test_what_is_shown_to_be_regular_is_and_the_rest_is_not(lines):
    data = ended(lines)
    irregular = [uid for uid in uids_where_words_stand(data) if is_irregular(uid)]
    assert holds_no_irregular_component(data) == (not irregular)


@given(lines=st.lists(paths(REGULAR), min_size=1, max_size=40))
def test_regular_uids_are_shown_to_be_so_wherever_they_lie_in_a_block(lines):
    assert holds_no_irregular_component(ended(lines))


@pytest.mark.parametrize("uid", ["01", "1.02", "1..2", "1.", ".1", "00", "0.00"])
@pytest.mark.parametrize("before", range(17))
def test_an_irregular_uid_is_not_overlooked_at_any_offset(uid, before):
    assert not holds_no_irregular_component(ended([f"/studies/1{'2' * before}", f"/studies/{uid}"]))


@pytest.mark.parametrize("byte", sorted(set(range(256)) - set(b"0123456789./")))
def test_no_byte_but_digits_and_dots_passes_for_a_uid(byte):
    data = b"/studies/1.2\n/studies/1" + bytes([byte]) + b"2\n/studies/3\n"
    if byte == ord("\n"):
        data = data.replace(b"\n2\n", b"\n")
    assert shows_usable(data) == (byte == ord("\n"))


def test_length_is_for_others_to_see():
    line = f"/studies/{'1' * (MAX_LENGTH + 1)}"
    assert holds_no_irregular_component(ended([line]))


def test_the_skeleton_keeps_line_ends():
    assert re.fullmatch(rb"studies\n\nx\r\n", skeleton(b"/studies/1.2\n\n1x\r\n"))
