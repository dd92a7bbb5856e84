"""Counts that are too small to be shown, and those that would give them away.

A count of patients from 1 to one less than the limit is not shown. Where the rest of a table and
its total would tell it, the next smallest counts are not shown either, until what is hidden could
be many things; a step of a flow that takes too few is told with the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


def is_small(count: int | None, limit: int) -> bool:
    """Tell whether a count of patients is too small to be shown."""
    return count is not None and 0 < count < limit


def hidden(counts: Sequence[int], total: int, limit: int) -> list[bool]:
    """Choose which counts of one table are hidden.

    Args:
        counts: Of patients, a row each. A patient may stand in several rows, and is then taken
            for several.
        total: What stands below them, and is shown unless it is small itself.
        limit: The smallest count that may be shown, 1 for all.

    Returns:
        For each count whether it is hidden. What is hidden is at least two rows, of which each
        could be at least ``limit`` different numbers.
    """
    if is_small(total, limit):
        return [True] * len(counts)
    chosen = [is_small(count, limit) for count in counts]
    if not any(chosen):
        return chosen
    rest = sorted(
        (index for index, count in enumerate(counts) if count and not chosen[index]),
        key=lambda index: counts[index],
    )
    for index in rest:
        if _is_open(counts, chosen, limit):
            return chosen
        chosen[index] = True
    return chosen if _is_open(counts, chosen, limit) else [True] * len(counts)


def _is_open(counts: Sequence[int], chosen: Sequence[bool], limit: int) -> bool:
    """Tell whether what is hidden can be many things: each is known to be one at least."""
    found = [count for count, is_hidden in zip(counts, chosen, strict=True) if is_hidden]
    return len(found) > 1 and sum(found) - len(found) >= limit


class Step(NamedTuple):
    """One step of a flow, of patients.

    Args:
        labels: The clauses, one unless several had to be told together.
        left: Patients that are left; None where it is hidden.
        excluded: Patients that were taken away; None where it is hidden.
        no_value: How many of these have no value; None where it is hidden.
    """

    labels: tuple[str, ...]
    left: int | None
    excluded: int | None
    no_value: int | None


def merged(steps: Sequence[Step], limit: int) -> list[Step]:
    """Tell steps that take too few together with their neighbors.

    Args:
        steps: The whole table first, with all numbers.
        limit: The smallest count that may be shown, 1 for all.

    Returns:
        Steps whose differences, and what remains, are none or at least ``limit``; or hidden.
    """
    first, *rest = steps
    if is_small(first.left, limit):
        return [Step(step.labels, None, None, None) for step in steps]
    kept: list[Step] = [first]
    waiting: list[Step] = []
    for step in rest:
        waiting.append(step)
        told = _together(kept[-1], waiting)
        if not is_small(told.excluded, limit) and not is_small(told.left, limit):
            kept.append(_split(told, limit))
            waiting = []
    if not waiting:
        return kept
    # The last ones take too few or leave too few: they are told with the step before, or, where
    # that does not help either, by their words alone.
    if len(kept) > 1:
        last = kept.pop()
        told = _together(kept[-1], [last, *waiting])
        if not is_small(told.excluded, limit) and not is_small(told.left, limit):
            return [*kept, _split(told, limit)]
        kept.append(last)
    labels = tuple(label for step in waiting for label in step.labels)
    return [*kept, Step(labels, None, None, None)]


def _together(before: Step, steps: Sequence[Step]) -> Step:
    labels = tuple(label for step in steps for label in step.labels)
    left = steps[-1].left
    taken = None if before.left is None or left is None else before.left - left
    # The parts without a value add up: each step counts what it takes of the rest.
    parts = [step.no_value for step in steps]
    no_value = None if None in parts else sum(part or 0 for part in parts)
    return Step(labels, left, taken, no_value)


def _split(step: Step, limit: int) -> Step:
    """Hide the split of an exclusion where a part of it is small."""
    taken, without = step.excluded, step.no_value
    if taken is None or without is None:
        return step._replace(no_value=None)
    if is_small(without, limit) or is_small(taken - without, limit):
        return step._replace(no_value=None)
    return step
