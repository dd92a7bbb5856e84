"""What each clause leaves over, as the flow diagram that a paper prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dicomfilter.counts import UNITS, chosen_unit, human_count
from dicomfilter.errors import UsageError
from dicomfilter.pictures import svg
from dicomfilter.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dicomfilter.counts import Unit

_WIDTH, _GAP, _INDENT, _EDGE = 330, 40, 12, 16


@dataclass(frozen=True, slots=True)
class Step:
    """One box of the diagram, and the one beside the way to it.

    Args:
        label: The clause; what the table is for the first.
        left: What is left, by unit; None where that is not known.
        excluded: What was taken away, by unit.
        no_value: How much of that has no value.
    """

    label: str
    left: Mapping[str, int | None]
    excluded: Mapping[str, int | None]
    no_value: Mapping[str, int | None]


def steps_of(rows: Sequence[Mapping[str, Any]], labels: Sequence[str] | None = None) -> list[Step]:
    """Read the rows of an attrition.

    Args:
        rows: As ``attrition()`` gives them, the whole table first.
        labels: Words for the clauses; None for the clauses themselves.

    Raises:
        UsageError: There are not as many labels as clauses.
    """
    if labels is not None and len(labels) != len(rows) - 1:
        raise UsageError(
            f"there are {len(labels)} labels for {len(rows) - 1} clauses",
            hint="give one for each clause, in their order",
        )
    return [
        Step(
            labels[number - 1] if labels is not None and number else str(row["clause"]),
            *(_counts(row, kind) for kind in ("", "excluded_", "no_value_")),
        )
        for number, row in enumerate(rows)
    ]


def flow(steps: Sequence[Step], *, by: Unit | None = None, title: str | None = None) -> svg.Picture:
    """Draw the diagram.

    Args:
        steps: The whole table first.
        by: What exclusions are counted in; None for patients, or studies where patients are not
            known.
        title: What is written above it.

    Raises:
        UsageError: There is no such unit.
    """
    unit = _chosen(steps, by)
    parts: list[str] = []
    y: float = _EDGE
    for line in svg.wrapped(title, 2 * _WIDTH) if title else ():
        parts.append(svg.text(_EDGE, y + 14, line, "strong"))
        y += svg.LINE + 4
    for number, step in enumerate(steps):
        if number:
            y = _excluded(parts, step, unit, y)
        y = _left(parts, step, unit, y)
    return svg.drawn(parts, 2 * _WIDTH + _GAP + 2 * _EDGE, y + _EDGE, _told(steps, unit, title))


def mermaid(steps: Sequence[Step], *, by: Unit | None = None) -> str:
    """Write the diagram in Mermaid, for a page that draws it itself."""
    unit = _chosen(steps, by)
    lines = ["flowchart TD"]
    for number, step in enumerate(steps):
        said = f"{step.label}<br/>{_line(step.left)}".replace('"', "#quot;")
        lines.append(f'  s{number}["{visible(said)}"]')
        if number:
            out = "<br/>".join(_words(step, unit)).replace('"', "#quot;")
            lines += [f'  x{number}["{out}"]', f"  s{number - 1} --> s{number}"]
            lines.append(f"  s{number - 1} -.-> x{number}")
    return "\n".join(lines) + "\n"


def _chosen(steps: Sequence[Step], by: Unit | None) -> str:
    """Choose the unit of exclusions: one that every step knows."""
    return chosen_unit(by, lambda unit: all(step.left.get(unit) is not None for step in steps))


def _left(parts: list[str], step: Step, unit: str, y: float) -> float:
    lines = svg.wrapped(step.label, _WIDTH - 2 * _INDENT)
    rest = [name for name in UNITS if name != unit and step.left.get(name) is not None]
    counts = [f"{human_count(step.left[unit])} {unit}"]
    said = ", ".join(f"{human_count(step.left[name])}\u00a0{name}" for name in rest)
    below = svg.wrapped(said, _WIDTH - 2 * _INDENT) if said else []
    height = svg.LINE * (len(lines) + 1 + len(below)) + 14
    parts.append(svg.box(_EDGE, y, _WIDTH, height, "box"))
    at = y + svg.LINE
    for words, style in (
        *((line, "") for line in lines),
        (counts[0], "strong"),
        *((line, "quiet") for line in below),
    ):
        parts.append(svg.text(_EDGE + _INDENT, at, words, style))
        at += svg.LINE
    return y + height


def _excluded(parts: list[str], step: Step, unit: str, y: float) -> float:
    """Draw the way down, and beside it what leaves."""
    lines = [part for words in _words(step, unit) for part in svg.wrapped(words, _WIDTH - 24)]
    height = svg.LINE * len(lines) + 12
    way, middle = height + 24, _EDGE + _WIDTH / 2
    x, top = _EDGE + _WIDTH + _GAP, y + 12
    parts.append(svg.arrow((middle, y), (middle, y + way)))
    parts.append(svg.arrow((middle, top + height / 2), (x, top + height / 2)))
    parts.append(svg.box(x, top, _WIDTH, height, "out"))
    parts += [
        svg.text(x + _INDENT, top + svg.LINE * (number + 1) - 2, line, "" if number else "strong")
        for number, line in enumerate(lines)
    ]
    return y + way


def _words(step: Step, unit: str) -> list[str]:
    out, without = step.excluded.get(unit), step.no_value.get(unit)
    words = [f"excluded: {human_count(out)} {unit}"]
    if out and without is not None:
        words.append(f"{human_count(out - without)} with another value")
        words.append(f"{human_count(without)} without a value")
    return words


def _line(counts: Mapping[str, int | None]) -> str:
    return ", ".join(f"{human_count(counts[u])} {u}" for u in UNITS if counts.get(u) is not None)


def _told(steps: Sequence[Step], unit: str, title: str | None) -> str:
    first, last = steps[0].left[unit], steps[-1].left[unit]
    return title or f"{human_count(last)} of {human_count(first)} {unit} in {len(steps) - 1} steps"


def _counts(row: Mapping[str, Any], kind: str) -> dict[str, int | None]:
    found = {unit: row.get(f"{kind}{unit}") for unit in UNITS}
    # pandas writes what is not known as NA, which has no index as whole numbers have.
    return {
        unit: None if number is None or not hasattr(number, "__index__") else int(number)
        for unit, number in found.items()
    }
