"""What a calculation gives: lines picked out of its inputs, not yet written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dicomfilter.filters.algebra.inputs import Input
    from dicomfilter.filters.lines.findings import LevelCounts


class Pick(Protocol):
    """Lines of the inputs, each once and none covered by another."""

    @property
    def levels(self) -> LevelCounts:
        """How many lines name what."""

    @property
    def studies(self) -> int:
        """How many different studies the lines name, whole or in part."""

    @property
    def series(self) -> int:
        """How many different series the lines of series and instances name."""

    def blocks(self) -> Iterator[bytes]:
        """Read the lines, each ended by a newline, in the order of the inputs.

        Raises:
            FilterFileError: An input is no longer what it was.
        """


@dataclass(frozen=True, slots=True)
class Difference:
    """What one set has beyond others.

    Args:
        kept: Lines of which the others have nothing.
        cut: Lines of which the others have a part; it takes metadata to name the rest.
        cutters: The lines of the others that name these parts.
    """

    kept: Pick
    cut: Pick
    cutters: Pick


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two sets differ.

    Args:
        a: What the first has beyond the second.
        b: What the second has beyond the first.
        both: What both have.
    """

    a: Difference
    b: Difference
    both: Pick


class Algebra(Protocol):
    """Filter files that were read, to be calculated with."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The files, as they were read."""

    def union(self) -> Pick:
        """Pick what any input has."""

    def common(self) -> Pick:
        """Pick what all inputs have."""

    def minus(self) -> Difference:
        """Pick what the first input has beyond all others."""

    def compare(self) -> Comparison:
        """Compare the first input with the second."""


@dataclass(frozen=True, slots=True)
class Result:
    """Lines that are to be written.

    Args:
        levels: How many lines name what.
        studies: How many different studies they name.
        series: How many different series.
        blocks: Reads them.
        warnings: What a person should know.
        details: What the manifest says beyond operation and inputs.
    """

    levels: LevelCounts
    studies: int
    series: int
    blocks: Callable[[], Iterator[bytes]]
    warnings: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
