"""Checking files of some ten thousand lines without an engine.

To open one takes longer. The findings are those of the ledger's SQL, whose rules stand here once
more; the tests of a check run both ways.
"""

from __future__ import annotations

import codecs
import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Self, TypeAlias

from dicomfilter.filters.lines.chunks import BLANKS, Wrapping
from dicomfilter.filters.lines.findings import (
    MAX_LINES_SHOWN,
    Finding,
    Kind,
    LevelCounts,
    Report,
    in_order,
    wrapped,
)
from dicomfilter.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from dicomfilter.filters.lines.chunks import Source
    from dicomfilter.storage.digest import Digest

Line: TypeAlias = tuple[bytes, bytes, bytes]
"""Study, series, instance; empty where the line names the whole."""

_MOST_BYTES = 1 << 25
"""Up to this length a file is looked through sooner than an engine is opened for it."""
_PATH = rb"/studies/([0-9.]+)(?:/series/([0-9.]+)(?:/instances/([0-9.]+))?)?"
_LINE = re.compile(_PATH + rb"\r?\n")
_BARE = re.compile(_PATH)
_SHAPE = re.compile(rb"/studies/[^/]*(?:/series/[^/]*(?:/instances/[^/]*)?)?")
_PREFIX = re.compile(
    rb"((?:https?://[^/?#]+(?:/[^/?#]+)*?)|(?:/?(?:[^/?#]+/)*?dicomWeb))/studies/[^/]*"
    rb"(?:/series/[^/]*(?:/instances/[^/]*)?)?"
)
_STORES = tuple(map(re.compile, (rb"projects/.*", rb"https?://.*")))
"""What names a store: one of Google's by any address, another by its own."""
_IRREGULAR = tuple(map(re.compile, (rb"\.0[0-9]", rb"/0[0-9]", rb"\.[./\r\n]", rb"/\.")))
"""Somewhere in lines of paths with their line ends: a needless zero, or an empty component.

Each pattern begins with what is searched for at the speed of memory.
"""
_LONGEST = 64
_MEMORY = re.compile(r"[0-9]{1,9}([.][0-9]{1,9})? ?[KMGT]i?B", re.IGNORECASE)
_QUOTES = (b'"', b"'")
_AS_TEXT = bytes(byte if 0 < byte < 0x80 else 1 for byte in range(256))
"""One character stands for each byte that is none of ASCII text, as in the ledger."""


def suits(sources: Iterable[Source], memory_limit: str, most: int) -> bool:
    """Tell whether files are small enough to be read without an engine.

    Args:
        sources: The files.
        memory_limit: What is said of memory; it is for an engine to refuse what is no amount.
        most: How many bytes they may have together.
    """
    if _MEMORY.fullmatch(memory_limit) is None:
        return False
    sizes = (open_storage(source.place).stat(source.place).size_bytes for source in sources)
    return sum(sizes) <= most


def read_small(source: Source, memory_limit: str, digest: Digest | None = None) -> SmallFile | None:
    """Read a file if it is small.

    Args:
        source: The file.
        memory_limit: What is said of memory.
        digest: Takes in the bytes as they lie there, those of a small file.

    Returns:
        What was read; None where it is large, if only once it is unpacked.

    Raises:
        FilterFileError: The file is empty, damaged, or has a line longer than any can be.
        SourceError: It cannot be read.
    """
    if not suits([source], memory_limit, _MOST_BYTES):
        return None
    own = None if digest is None else digest.fresh()
    wrapping, pieces, length = Wrapping(), [], 0
    for block in source.blocks(wrapping, own):
        pieces.append(block)
        length += len(block)
        if length > _MOST_BYTES:
            return None
    if digest is not None and own is not None:
        digest.follow(own)
    return SmallFile.of(source.uri, wrapping, b"".join(pieces))


@dataclass(slots=True)
class SmallFile:
    """A small file that was read.

    Args:
        uri: The file as the caller named it.
        wrapping: What it is wrapped in.
        numbers: The numbers of lines that name something, from 1, in order.
        lines: What these name, once what can be repaired is repaired.
        found: The numbers of lines by what was found in them.
    """

    uri: str
    wrapping: Wrapping
    numbers: list[int] | range = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    found: defaultdict[Kind, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, uri: str, wrapping: Wrapping, data: bytes) -> Self:
        """Look at every line.

        Args:
            uri: The file as the caller named it.
            wrapping: What it is wrapped in; the number of its lines is counted.
            data: The lines, each ended by a newline.
        """
        file = cls(uri, wrapping)
        file._take(data)
        return file

    @property
    def levels(self) -> LevelCounts:
        """How many lines name what."""
        return levels_of(self.lines)

    @property
    def distinct(self) -> tuple[int, int, int]:
        """How many different UIDs of studies, series and instances are named."""
        return (
            len({line[0] for line in self.lines}),
            len({line[1] for line in self.lines if line[1]}),
            len({line[2] for line in self.lines if line[2]}),
        )

    def report(self) -> Report:
        """Tell what was read and found."""
        self.compare()
        levels = self.levels
        findings = [
            Finding(kind, len(numbers), tuple(numbers[:MAX_LINES_SHOWN]))
            for kind, numbers in self.found.items()
        ]
        findings += wrapped(self.wrapping, levels)
        return Report(self.uri, self.wrapping.lines, levels, in_order(*findings))

    def compare(self) -> None:
        """Find the lines that repeat, cover or contradict each other."""
        if not self._may_compare():
            return
        seen: set[Line] = set()
        named = set(self.lines)
        study_of: dict[bytes, bytes] = {}
        series_of: dict[bytes, bytes] = {}
        for number, line in zip(self.numbers, self.lines, strict=True):
            study, series, instance = line
            if line in seen:
                self.found[Kind.DUPLICATE].append(number)
            elif any(coarser in named for coarser in coarser_of(line)):
                self.found[Kind.COVERED].append(number)
            seen.add(line)
            if series and study_of.setdefault(series, study) != study:
                self.found[Kind.SERIES_IN_TWO_STUDIES].append(number)
            if instance and series_of.setdefault(instance, series) != series:
                self.found[Kind.INSTANCE_IN_TWO_SERIES].append(number)

    def kept(self) -> list[Line]:
        """List what is left once the file is repaired; ``compare`` must have been called."""
        gone = {*self.found[Kind.DUPLICATE], *self.found[Kind.COVERED]}
        return [
            line
            for number, line in zip(self.numbers, self.lines, strict=True)
            if number not in gone
        ]

    def _may_compare(self) -> bool:
        """Tell whether lines have anything to do with each other, at the speed of sets."""
        levels = self.levels
        if levels.mixed or len(set(self.lines)) < len(self.lines):
            return True
        pairs = {(study, series) for study, series, _ in self.lines if series}
        if len({series for _, series in pairs}) < len(pairs):
            return True
        return levels.instance > len({instance for _, _, instance in self.lines if instance})

    def _take(self, data: bytes) -> None:
        self.wrapping.lines = data.count(b"\n")
        found = plain_lines(data)
        if found is not None:
            self.lines, self.numbers = found, range(1, len(found) + 1)
            if b"\r" in data:
                ends = (line.endswith(b"\r") for line in data.split(b"\n"))
                self.found[Kind.CRLF] = [
                    number for number, is_crlf in enumerate(ends, 1) if is_crlf
                ]
            if _breaks_rules(data) or max(map(len, chain.from_iterable(found))) > _LONGEST:
                odd = [number for number, line in enumerate(found, 1) if _is_irregular(line)]
                self.found[Kind.IRREGULAR_UID] = odd
            return
        self.numbers = []
        header = self.wrapping.header
        store: bytes | None = None
        for number, raw in enumerate(data[:-1].split(b"\n"), 1):
            path, own = self._look(number, raw, header.encode() if header is not None else None)
            if own is not None:
                store = store or own
                if own != store:
                    self.found[Kind.MIXED_STORES].append(number)
            if path is not None:
                match = _BARE.fullmatch(path)
                assert match is not None  # noqa: S101 - it is one
                self.numbers.append(number)
                self.lines.append((match[1], match[2] or b"", match[3] or b""))
                if _is_irregular(self.lines[-1]):
                    self.found[Kind.IRREGULAR_UID].append(number)

    def _look(
        self, number: int, raw: bytes, header: bytes | None
    ) -> tuple[bytes | None, bytes | None]:
        """Look at one line; give its path, and the store that it names."""

        def note(kind: Kind, there: object) -> None:
            if there:
                self.found[kind].append(number)

        text = raw.removesuffix(b"\r")
        note(Kind.CRLF, text != raw)
        bare = text.removeprefix(codecs.BOM_UTF8)
        note(Kind.BOM, bare != text)
        if _BARE.fullmatch(bare):
            return bare, None
        nul, foreign = b"\0" in bare, not bare.isascii()
        note(Kind.NUL, nul)
        note(Kind.NON_ASCII, foreign)
        text = bare.translate(_AS_TEXT) if nul or foreign else bare
        trimmed = text.strip(BLANKS)
        bare, spaced = trimmed, trimmed != text
        if len(trimmed) > 1 and trimmed[:1] in _QUOTES and trimmed[:1] == trimmed[-1:]:
            bare = trimmed[1:-1].strip(BLANKS)
            spaced = spaced or bare != trimmed[1:-1]
        note(Kind.WHITESPACE, spaced)
        note(Kind.QUOTES, trimmed[:1] in _QUOTES or trimmed[-1:] in _QUOTES)
        is_header = header is not None and bare == header
        note(Kind.BLANK, not bare)
        note(Kind.HEADER, is_header)
        prefix = match[1] if (match := _PREFIX.fullmatch(bare)) else None
        slashless = bare.startswith(b"studies/")
        note(Kind.DICOMWEB_PREFIX, prefix is not None)
        note(Kind.NO_LEADING_SLASH, slashless)
        rest = bare[len(prefix) :] if prefix is not None else b"/" * slashless + bare
        path = rest if _BARE.fullmatch(rest) else None
        if path is None and bare and not (nul or foreign or is_header):
            shaped = _SHAPE.fullmatch(rest)
            note(Kind.UNUSABLE_UID if shaped else Kind.WRONG_SHAPE, there=True)
        named = (pattern.search(prefix or b"") for pattern in _STORES)
        return path, next((match[0] for match in named if match), None)


def plain_lines(data: bytes) -> list[Line] | None:
    r"""Read lines of nothing but paths.

    Args:
        data: Lines, each ended by a newline, or carriage return and newline.

    Returns:
        The paths; None where a line is anything else.

    >>> plain_lines(b"/studies/1/series/2\n"), plain_lines(b"x/studies/1\n")
    ([(b'1', b'2', b'')], None)
    """
    found: list[Line] = _LINE.findall(data)
    # A match has one line end: as many matches as lines have one each, and all bytes if so long.
    levels = levels_of(found)
    words = len("/studies/\n") * levels.total
    words += len("/series/") * (levels.series + levels.instance)
    words += len("/instances/") * levels.instance
    length = words + data.count(b"\r\n") + sum(map(len, chain.from_iterable(found)))
    return found if (levels.total, length) == (data.count(b"\n"), len(data)) else None


def levels_of(lines: Collection[Line]) -> LevelCounts:
    """Count lines by what they name."""
    instances = sum(map(bool, map(itemgetter(2), lines)))
    finer = instances if instances == len(lines) else sum(map(bool, map(itemgetter(1), lines)))
    return LevelCounts(len(lines) - finer, finer - instances, instances)


def coarser_of(line: Line) -> tuple[Line, ...]:
    """List the lines that cover more than one, coarsest first."""
    study, series, instance = line
    if instance:
        return (study, b"", b""), (study, series, b"")
    return ((study, b"", b""),) if series else ()


def text_of(line: Line) -> bytes:
    r"""Spell a line, ended by a newline.

    >>> text_of((b"1.2", b"3", b""))
    b'/studies/1.2/series/3\n'
    """
    study, series, instance = line
    if instance:
        return b"/studies/%b/series/%b/instances/%b\n" % line
    return b"/studies/%b/series/%b\n" % (study, series) if series else b"/studies/%b\n" % study


def _is_irregular(line: Line) -> bool:
    r"""Tell whether a UID of a path breaks the standard's rules.

    >>> _is_irregular((b"1.0.20", b"", b"")), _is_irregular((b"1.02", b"", b""))
    (False, True)
    """
    return any(len(uid) > _LONGEST for uid in line) or _breaks_rules(text_of(line))


def _breaks_rules(data: bytes) -> bool:
    return any(pattern.search(data) for pattern in _IRREGULAR)
