"""Counts as bars, a value a line, and what they are in Vega-Lite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dicomfilter.counts import NO_VALUE, counted
from dicomfilter.pictures import svg
from dicomfilter.visible import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOM, _LABEL, _EDGE, _HEIGHT = 380, 220, 16, 22
_MOST = 40
"""Bars of one picture; more are said, not drawn."""


class Bar(NamedTuple):
    """One bar.

    Args:
        label: Of the value; None where there is none.
        size: Its length, in whatever is counted.
        shown: What is written beside it.
        of: The whole that it is a part of, drawn behind it; None for none.
    """

    label: str | None
    size: float
    shown: str
    of: float | None = None


def bars(found: Sequence[Bar], *, title: str, most_bars: int = _MOST) -> svg.Picture:
    """Draw bars below each other.

    Args:
        found: Them, in their order.
        title: What they are of.
        most_bars: How many are drawn; more are said.
    """
    shown = found[:most_bars]
    most = max((max(bar.size, bar.of or 0) for bar in shown), default=0) or 1
    labels = [_fitted(bar.label if bar.label is not None else NO_VALUE) for bar in shown]
    left = _EDGE + min(_LABEL, max(map(svg.width_of, labels), default=0)) + 10
    parts = [svg.text(_EDGE, _EDGE + 12, title, "strong")]
    y = _EDGE + 26.0
    for bar, label in zip(shown, labels, strict=True):
        foot = y + _HEIGHT - 7
        style = "end quiet" if bar.label is None else "end"
        parts.append(svg.text(left - 10, foot, label, style))
        if bar.of is not None:
            parts.append(svg.box(left, y + 2, _ROOM * bar.of / most, _HEIGHT - 6, "part"))
        length = _ROOM * bar.size / most
        # What is there at all is seen, however little it is beside the rest.
        parts.append(svg.box(left, y + 2, max(length, 1) if bar.size else 0, _HEIGHT - 6, "bar"))
        end = _ROOM * max(bar.size, bar.of or 0) / most
        parts.append(svg.text(left + end + 8, foot, bar.shown, "quiet"))
        y += _HEIGHT
    if len(found) > most_bars:
        rest = counted(len(found) - most_bars, "further value")
        parts.append(svg.text(left, y + _HEIGHT - 7, f"… and {rest}", "quiet"))
        y += _HEIGHT
    if not found:
        parts.append(svg.text(left, y + _HEIGHT - 7, "nothing", "quiet"))
        y += _HEIGHT
    room = max((svg.width_of(bar.shown) for bar in shown), default=0) + 24
    width = max(left + _ROOM + room, svg.width_of(title) + 2 * _EDGE)
    return svg.drawn(parts, round(width), y + _EDGE, title)


def vega_lite(found: Sequence[Bar], *, title: str, unit: str) -> dict[str, Any]:
    """Describe the same bars for Vega-Lite 5 and Altair's ``Chart.from_dict``."""
    values = [{"value": bar.label, unit: bar.size} for bar in found]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": title,
        "data": {"values": values},
        "mark": "bar",
        "encoding": {
            "y": {"field": "value", "type": "nominal", "sort": None},
            "x": {"field": unit, "type": "quantitative"},
            "tooltip": [{"field": "value"}, {"field": unit}],
        },
    }


def _fitted(label: str) -> str:
    """Cut a label that has no room, and say so by a sign."""
    label = visible(label)
    while svg.width_of(label) > _LABEL:
        label = f"{label[:-2]}…"
    return label
