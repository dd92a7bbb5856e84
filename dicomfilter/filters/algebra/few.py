"""Calculating with files of a few thousand lines, without an engine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from dicomfilter.filters.algebra.inputs import changed, describe, refuse_unusable
from dicomfilter.filters.algebra.picks import Comparison, Difference
from dicomfilter.filters.lines.chunks import Wrapping
from dicomfilter.filters.lines.findings import LevelCounts
from dicomfilter.storage.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dicomfilter.filters.algebra.inputs import Input
    from dicomfilter.filters.lines.chunks import Source

Line: TypeAlias = tuple[bytes, bytes, bytes]
"""Study, series, instance; empty where the line names the whole."""

_LINE = rb"/studies/([0-9.]+)(?:/series/([0-9.]+)(?:/instances/([0-9.]+))?)?\r?\n"
_ONE = re.compile(_LINE)
_ALL = re.compile(rb"(?>" + _LINE.replace(b"(?:", b"(?>") + rb")*+")


@dataclass(frozen=True, slots=True)
class FewPick:
    """Lines in memory; see Pick."""

    lines: Sequence[Line]

    @property
    def levels(self) -> LevelCounts:
        """How many lines name what."""
        depths = [1 + bool(series) + bool(instance) for _, series, instance in self.lines]
        return LevelCounts(depths.count(1), depths.count(2), depths.count(3))

    @property
    def studies(self) -> int:
        """How many different studies the lines name, whole or in part."""
        return len({study for study, _, _ in self.lines})

    @property
    def series(self) -> int:
        """How many different series the lines of series and instances name."""
        return len({(study, series) for study, series, _ in self.lines if series})

    def blocks(self) -> Iterator[bytes]:
        """Read the lines, each ended by a newline."""
        if self.lines:
            yield b"".join(map(_text, self.lines))


@dataclass(frozen=True, slots=True)
class _Set:
    """Lines, and what lies above and below them."""

    lines: frozenset[Line]
    above: frozenset[Line] = field(init=False)
    """The whole studies and series that hold some of the lines, and are more than these."""

    @classmethod
    def of(cls, lines: Iterable[Line]) -> _Set:
        return cls(frozenset(lines))

    def __post_init__(self) -> None:
        above = chain.from_iterable(_coarser(line) for line in self.lines)
        object.__setattr__(self, "above", frozenset(above))

    def covers(self, line: Line) -> bool:
        return line in self.lines or self.covers_more_than(line)

    def covers_more_than(self, line: Line) -> bool:
        return any(coarser in self.lines for coarser in _coarser(line))

    def cuts(self, line: Line) -> bool:
        return line in self.above


@dataclass(frozen=True, slots=True)
class Few:
    """Small filter files that were read; see Algebra."""

    inputs: tuple[Input, ...]
    lines: tuple[list[Line], ...]

    @classmethod
    def read(cls, sources: Sequence[Source]) -> Few:
        """Read them.

        Raises:
            FilterFileError: One cannot be used as it is.
            ManifestError: The manifest beside one is another file's.
        """
        inputs, lines = zip(*map(_read, sources), strict=True)
        return cls(inputs, lines)

    def union(self) -> FewPick:
        """Pick what any input has."""
        return _normal(chain.from_iterable(self.lines))

    def common(self) -> FewPick:
        """Pick what all inputs have."""
        sets = [_Set.of(lines) for lines in self.lines]
        every = chain.from_iterable(self.lines)
        return _normal(line for line in every if all(one.covers(line) for one in sets))

    def minus(self) -> Difference:
        """Pick what the first input has beyond all others."""
        first, *others = self.lines
        return _minus(first, list(chain.from_iterable(others)))

    def compare(self) -> Comparison:
        """Compare the first input with the second."""
        a, b = self.lines
        return Comparison(_minus(a, b), _minus(b, a), self.common())


def _minus(first: Iterable[Line], others: Iterable[Line]) -> Difference:
    taken = _Set.of(others)
    left = [line for line in _normal(first).lines if not taken.covers(line)]
    cut = [line for line in left if taken.cuts(line)]
    whole = frozenset(cut)
    cutters = (line for line in taken.lines if not whole.isdisjoint(_coarser(line)))
    kept = [line for line in left if line not in whole]
    return Difference(FewPick(kept), FewPick(cut), _normal(sorted(cutters)))


def _normal(lines: Iterable[Line]) -> FewPick:
    """Drop lines that come again, or that another covers."""
    once = dict.fromkeys(lines)
    own = _Set.of(once)
    return FewPick([line for line in once if not own.covers_more_than(line)])


def _coarser(line: Line) -> tuple[Line, ...]:
    """List the lines that cover more than one, coarsest first."""
    study, series, instance = line
    if instance:
        return (study, b"", b""), (study, series, b"")
    return ((study, b"", b""),) if series else ()


def _text(line: Line) -> bytes:
    study, series, instance = line
    if instance:
        return b"/studies/%b/series/%b/instances/%b\n" % line
    return b"/studies/%b/series/%b\n" % (study, series) if series else b"/studies/%b\n" % study


def _read(source: Source) -> tuple[Input, list[Line]]:
    wrapping, digest = Wrapping(), Digest()
    pieces = []
    for block in source.blocks(wrapping, digest):
        if wrapping.gzip or wrapping.utf_16:
            refuse_unusable(source)
        pieces.append(block)
    data = b"".join(pieces)
    if _ALL.fullmatch(data) is None:
        refuse_unusable(source)
        raise changed(source.uri)  # a check found nothing in what it read
    return describe(source, digest.size_bytes, digest.crc32c), _ONE.findall(data)
