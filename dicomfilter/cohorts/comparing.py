"""Cohorts beside each other: counts, shares, and how far apart they are."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from dicomfilter.cohorts.values import known, value_counts
from dicomfilter.counts import NO_VALUE, chosen_unit, whole
from dicomfilter.errors import UsageError
from dicomfilter.schema import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from dicomfilter.cohorts.selection import Selection
    from dicomfilter.counts import Counts, Unit
    from dicomfilter.engines.protocol import Engine

_NUMBERS = {Kind.INT64, Kind.FLOAT64, Kind.NUMERIC}
_PAIR = 2
_SHOWN = 20
"""Values of one column; the rarer ones are taken together."""
OTHERS, MEAN = "(other values)", "mean (SD)"


class Sample(NamedTuple):
    """A cohort that is compared.

    Args:
        engine: Where its table is.
        selection: What of it.
        counts: What it holds.
    """

    engine: Engine
    selection: Selection
    counts: Counts


class Line(NamedTuple):
    """One line of a comparison.

    Args:
        column: What is compared.
        value: Of which value, or ``mean (SD)`` of numbers and dates.
        cells: For each cohort: how many and the share of the whole, or mean and deviation.
        difference: The standardised difference of the two; None where there are not two, or where
            it cannot be told.
    """

    column: str
    value: str
    cells: tuple[tuple[float | None, float | None], ...]
    difference: float | None


def compare(
    samples: Mapping[str, Sample], columns: Sequence[str], *, by: Unit | None, today: date
) -> tuple[str, list[Line]]:
    """Compare cohorts column by column.

    Args:
        samples: The cohorts, by name.
        columns: What is compared.
        by: What is counted; None for patients, or studies where patients are not known.
        today: What CURRENT_DATE stands for.

    Returns:
        The unit that was counted, and the lines.

    Raises:
        UsageError: There is no such column or unit, or nothing to compare.

    Source:
        Austin 2009, "Using the standardized difference to compare the prevalence of a binary
        variable between two groups"; of means, Cohen's d with the two variances' mean.
    """
    if not samples or not columns:
        raise UsageError("there is nothing to compare", hint="name cohorts and columns")
    held = [one.counts for one in samples.values()]
    unit = chosen_unit(by, lambda unit: all(getattr(one, unit) is not None for one in held))
    totals = [getattr(one, unit) for one in held]
    lines = [Line(unit, "", tuple((n, 1.0 if n else None) for n in totals), None)]
    for name in columns:
        found = [_counted(one, name, unit, today) for one in samples.values()]
        one = next(iter(samples.values()))
        column = known(one.selection.schema, name)
        if column.type.kind in _NUMBERS | {Kind.DATE}:
            lines.append(_means(column.name, found))
            found = [{k: n for k, n in counts.items() if k is None} for counts in found]
        lines += _shares(column.name, found, totals)
    return unit, lines


def _counted(one: Sample, name: str, unit: str, today: date) -> dict[Any, int]:
    table = value_counts(one.engine, one.selection, name, only=unit, today=today)
    numbers = (whole(n) or 0 for n in table[unit].to_pylist())
    return {k: n for k, n in zip(table["value"].to_pylist(), numbers, strict=True) if n}


def _shares(name: str, found: Sequence[Mapping[Any, int]], totals: Sequence[int]) -> Iterable[Line]:
    every: dict[Any, int] = {}
    for counts in found:
        for value, count in counts.items():
            every[value] = every.get(value, 0) + count
    without = every.pop(None, None)
    ranked = sorted(every, key=lambda value: (-every[value], str(value)))
    rows = [(str(value), [counts.get(value, 0) for counts in found]) for value in ranked[:_SHOWN]]
    if rare := ranked[_SHOWN:]:
        rows.append((OTHERS, [sum(counts.get(value, 0) for value in rare) for counts in found]))
    if without:
        rows.append((NO_VALUE, [counts.get(None, 0) for counts in found]))
    for value, numbers in rows:
        shares = [n / total if total else None for n, total in zip(numbers, totals, strict=True)]
        yield Line(name, value, tuple(zip(numbers, shares, strict=True)), _of_shares(shares))


def _means(name: str, found: Sequence[Mapping[Any, int]]) -> Line:
    """Give mean and deviation; a date is its number of days from the first of January 1."""
    cells: list[tuple[float | None, float | None]] = []
    for counts in found:
        values = {_number(value): n for value, n in counts.items() if value is not None}
        total = sum(values.values())
        if not total:
            cells.append((None, None))
            continue
        mean = sum(value * n for value, n in values.items()) / total
        spread = sum((value - mean) ** 2 * n for value, n in values.items())
        cells.append((mean, sqrt(spread / (total - 1)) if total > 1 else None))
    return Line(name, MEAN, tuple(cells), _of_means(cells))


def _of_means(cells: Sequence[tuple[float | None, float | None]]) -> float | None:
    if len(cells) != _PAIR:
        return None
    (first, one), (second, other) = cells
    if first is None or second is None or one is None or other is None:
        return None
    pooled = sqrt((one**2 + other**2) / 2)
    return (first - second) / pooled if pooled else None


def _of_shares(shares: Sequence[float | None]) -> float | None:
    if len(shares) != _PAIR:
        return None
    one, other = shares
    if one is None or other is None:
        return None
    spread = (one * (1 - one) + other * (1 - other)) / 2
    if spread <= 0:
        return 0.0 if one == other else None
    return (one - other) / sqrt(spread)


def _number(value: Any) -> float:  # noqa: ANN401 - a number or a date
    return float(value.toordinal()) if hasattr(value, "toordinal") else float(value)
