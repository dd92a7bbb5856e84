"""Nothing that is hidden can be worked out from what is shown."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from dicomfilter.proof.report.small_cells import Step, hidden, is_small, merged

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 4
MOST = 14


@given(st.lists(st.integers(0, MOST), min_size=1, max_size=5), st.integers(2, LIMIT))
@settings(max_examples=300, deadline=None)
def test_no_hidden_cell_of_a_table_has_one_solution(counts: list[int], limit: int) -> None:
    total = sum(counts)
    flags = hidden(counts, total, limit)
    shown = [count for count, flag in zip(counts, flags, strict=True) if not flag]
    assert not any(is_small(count, limit) for count in shown)
    unknown = [index for index, flag in enumerate(flags) if flag]
    if not unknown:
        return
    if is_small(total, limit):  # nothing is shown at all
        assert all(flags)
        return
    rest = total - sum(shown)
    # A reader knows the rest, and that a hidden count is one at least unless all are hidden.
    least = 0 if all(flags) else 1
    solutions = [
        found
        for found in product(range(least, rest + 1), repeat=len(unknown))
        if sum(found) == rest
    ]
    if all(flags) and len(unknown) == 1:
        return  # its one row is the total, which is shown and not small
    for place, index in enumerate(unknown):
        values = {found[place] for found in solutions}
        assert len(values) > 1
        if is_small(counts[index], limit) and not all(flags):
            assert max(values) >= limit, "it could be a large one"


def numbers(steps: list[Step]) -> Iterator[int | None]:
    for step in steps:
        yield from (step.left, step.excluded, step.no_value)


@given(
    st.integers(0, 40),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=5),
    st.integers(2, LIMIT + 7),
)
@settings(max_examples=500, deadline=None)
def test_no_small_step_of_a_flow_can_be_worked_out(
    whole: int, takes: list[tuple[int, int]], limit: int
) -> None:
    steps = [Step(("(all)",), whole, 0, 0)]
    for number, (taken, without) in enumerate(takes):
        out = min(taken, steps[-1].left or 0)
        steps.append(Step((f"c{number}",), (steps[-1].left or 0) - out, out, min(without, out)))
    found = merged(steps, limit)
    labels = [label for step in found for label in step.labels]
    assert labels == [label for step in steps for label in step.labels]
    assert not any(is_small(number, limit) for number in numbers(found))
    known = [step for step in found if step.left is not None]
    # Whatever is shown, its differences are no small counts either.
    for one in known:
        for other in known:
            assert not is_small((one.left or 0) - (other.left or 0), limit)
    for step in found:
        if step.excluded is not None and step.no_value is not None:
            assert not is_small(step.excluded - step.no_value, limit)


def test_a_step_of_three_is_told_with_the_next() -> None:
    steps = [
        Step(("(all)",), 100, 0, 0),
        Step(("a",), 97, 3, 0),
        Step(("b",), 43, 54, 20),
        Step(("c",), 20, 23, 2),
    ]
    assert merged(steps, 11) == [
        Step(("(all)",), 100, 0, 0),
        Step(("a", "b"), 43, 57, 20),
        Step(("c",), 20, 23, None),
    ]
    assert merged(steps, 1) == steps
