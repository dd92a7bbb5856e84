"""Lines are proved sound and alone by their bytes: against a test of each UID, one by one."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicomfilter.engines import line_proof
from dicomfilter.engines.line_proof import Proof
from dicomfilter.errors import UnprovedError

WORDS = ("/studies/", "/series/", "/instances/")
REGULAR = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")
UIDS = st.one_of(
    st.from_regex(REGULAR, fullmatch=True).filter(lambda uid: len(uid) <= 64),
    st.text("0123456789./ \nse", max_size=9),
    st.text("01.", min_size=1, max_size=6),
)


def is_regular(uid: str) -> bool:
    return REGULAR.fullmatch(uid) is not None and len(uid) <= 64


def line(*uids: str) -> str:
    return "".join(w + u for w, u in zip(WORDS, uids, strict=False)) + "\n"


def batch(rows: list[tuple[str, ...]], *, wide: bool = False) -> pa.RecordBatch:
    lines = [line(*row) for row in rows]
    return pa.record_batch(
        {
            "line": pa.array(lines, pa.large_string() if wide else pa.string()),
            "short": pa.array([all(len(uid) <= 64 for uid in row) for row in rows], pa.bool_()),
            "hash": pa.array([hash(text) % (1 << 64) for text in lines], pa.uint64()),
        }
    )


def holds(*batches: pa.RecordBatch, words: tuple[str, ...] = WORDS) -> bool:
    with Proof(words) as found:
        try:
            for each in batches:
                assert found.add(each).schema.names == ["line"]
            found.finish()
        except UnprovedError:
            return False
    return True


@settings(deadline=None)
@given(st.lists(st.tuples(UIDS, UIDS, UIDS), max_size=5))
def test_lines_hold_where_every_uid_is_regular_and_no_line_comes_twice(
    rows: list[tuple[str, ...]],
) -> None:
    expected = all(is_regular(uid) for row in rows for uid in row) and len({*rows}) == len(rows)
    assert holds(batch(rows)) is expected
    assert holds(batch(rows, wide=True)) is expected
    assert holds(*(batch([row]) for row in rows)) is expected


@settings(deadline=None)
@given(st.lists(st.tuples(UIDS), min_size=1, max_size=8), st.integers(1, 40))
def test_it_does_not_matter_where_the_pieces_end(rows: list[tuple[str, ...]], piece: int) -> None:
    expected = all(is_regular(uid) for row in rows for uid in row) and len({*rows}) == len(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_proof, "PIECE", piece)
        assert holds(batch(rows), words=WORDS[:1]) is expected


@pytest.mark.parametrize("where", [0, 1, 500, 998, 999])
@pytest.mark.parametrize("uid", ["", "1..2", "01", "1.02", ".1", "1.", "1 ", "1/2", "1\n", "1é"])
def test_one_doubtful_uid_among_many_is_found(where: int, uid: str) -> None:
    rows: list[tuple[str, ...]] = [("1.2", "3.4", f"5.{n}") for n in range(1, 1001)]
    assert holds(batch(rows))
    rows[where] = ("1.2", "3.4", uid)
    assert not holds(batch(rows))
    rows[where] = ("1.2", uid, "6.1")
    assert not holds(batch(rows))


def test_a_part_of_a_longer_array_is_what_is_looked_at() -> None:
    whole = batch([("1", "01", "1"), ("1", "2", "3"), ("1", "2", "4"), ("1", "2", "..")])
    assert holds(whole.slice(1, 2))
    assert not holds(whole.slice(0, 2))
    assert not holds(whole.slice(2, 2))


def test_a_missing_line_and_a_long_uid_do_not_hold() -> None:
    assert holds(batch([("1" * 64, "2", "3")]))
    assert not holds(batch([("1" * 65, "2", "3")]))
    good = batch([("1", "2", "3"), ("1", "2", "4")])
    missing = pa.array([None, good["line"][1].as_py()], pa.string())
    assert not holds(good.set_column(0, "line", missing))
    unknown = pa.array([None, True])
    assert not holds(good.set_column(1, "short", unknown))


def test_a_line_that_comes_twice_is_found_across_batches() -> None:
    rows: list[tuple[str, ...]] = [("1", "2", str(n)) for n in range(1, 100)]
    assert holds(batch(rows[:50]), batch(rows[50:]))
    assert not holds(batch(rows[:51]), batch(rows[50:]))


def test_too_many_lines_are_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[tuple[str, ...]] = [("1", "2", str(n)) for n in range(1, 12)]
    monkeypatch.setattr(line_proof, "_MOST_LINES", 10)
    assert not holds(batch(rows))
    assert holds(batch(rows[:10]))


def test_a_doubtful_line_ends_the_work_before_the_last_batch() -> None:
    batches = [batch([("1", "2", ".." if n == 1 else str(n))]) for n in range(1, 100)]
    with Proof(WORDS) as found, pytest.raises(UnprovedError):
        list(map(found.add, batches))
