"""Calculating with files of some ten thousand lines, without an engine."""

from __future__ import annotations

from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING

from dicomfilter.filters.algebra.inputs import changed, describe, refuse_unusable
from dicomfilter.filters.algebra.picks import Comparison, Difference
from dicomfilter.filters.lines.chunks import Wrapping
from dicomfilter.filters.lines.small import coarser_of, levels_of, plain_lines, text_of
from dicomfilter.storage.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dicomfilter.filters.algebra.inputs import Input
    from dicomfilter.filters.lines.chunks import Source
    from dicomfilter.filters.lines.findings import LevelCounts
    from dicomfilter.filters.lines.small import Line


class FewPick:
    """Lines in memory; see Pick."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines

    @property
    def levels(self) -> LevelCounts:
        """How many lines name what."""
        return levels_of(self.lines)

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
            yield b"".join(map(text_of, self.lines))


class _Set:
    """Lines, and what lies above and below them."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = frozenset(lines)

    @cached_property
    def has_coarse(self) -> bool:
        """Whether a line of it can cover more than itself."""
        return not all(map(itemgetter(2), self.lines))

    @cached_property
    def above(self) -> frozenset[Line]:
        """The whole studies and series that hold some of the lines, and are more than these."""
        return frozenset(chain.from_iterable(map(coarser_of, self.lines)))

    def covering(self, lines: Iterable[Line]) -> list[Line]:
        """Give those lines that it has, or covers by a coarser one."""
        if not self.has_coarse:
            return [line for line in lines if line in self.lines]
        return [line for line in lines if line in self.lines or self.covers_more_than(line)]

    def lacking(self, lines: Iterable[Line]) -> list[Line]:
        """Give those lines that it has not, nor covers."""
        if not self.has_coarse:
            return [line for line in lines if line not in self.lines]
        return [
            line for line in lines if line not in self.lines and not self.covers_more_than(line)
        ]

    def covers_more_than(self, line: Line) -> bool:
        return any(coarser in self.lines for coarser in coarser_of(line))

    def cuts(self, line: Line) -> bool:
        return line in self.above


class Few:
    """Small filter files that were read; see Algebra."""

    def __init__(self, inputs: tuple[Input, ...], lines: tuple[list[Line], ...]) -> None:
        self.inputs = inputs
        self.lines = lines

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
        found: Iterable[Line] = chain.from_iterable(self.lines)
        for lines in self.lines:
            found = _Set(lines).covering(found)
        return _normal(found)

    def minus(self) -> Difference:
        """Pick what the first input has beyond all others."""
        first, *others = self.lines
        return _minus(first, list(chain.from_iterable(others)))

    def compare(self) -> Comparison:
        """Compare the first input with the second."""
        a, b = self.lines
        return Comparison(_minus(a, b), _minus(b, a), self.common())


def _minus(first: Iterable[Line], others: Iterable[Line]) -> Difference:
    taken = _Set(others)
    left = taken.lacking(_normal(first).lines)
    cut = [line for line in left if not line[2] and taken.cuts(line)]
    if not cut:
        return Difference(FewPick(left), FewPick(()), FewPick(()))
    whole = frozenset(cut)
    cutters = (line for line in taken.lines if not whole.isdisjoint(coarser_of(line)))
    kept = [line for line in left if line not in whole]
    return Difference(FewPick(kept), FewPick(cut), _normal(sorted(cutters)))


def _normal(lines: Iterable[Line]) -> FewPick:
    """Drop lines that come again, or that another covers."""
    once = list(dict.fromkeys(lines))
    own = _Set(once)
    if not own.has_coarse:
        return FewPick(once)
    return FewPick([line for line in once if not own.covers_more_than(line)])


def _read(source: Source) -> tuple[Input, list[Line]]:
    wrapping, digest = Wrapping(), Digest(with_sha256=False)
    pieces = []
    for block in source.blocks(wrapping, digest):
        if wrapping.gzip or wrapping.utf_16:
            refuse_unusable(source)
        pieces.append(block)
    lines = plain_lines(b"".join(pieces))
    if lines is None:
        refuse_unusable(source)
        raise changed(source.uri)  # a check found nothing in what it read
    return describe(source, digest.size_bytes, digest.crc32c), lines
