"""What a check can find in a filter file, class by class."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from dicomfilter.faces import Face

if TYPE_CHECKING:
    from dicomfilter.filters.lines.chunks import Wrapping

MEMORY_LIMIT = "2GB"
"""What a check keeps in memory before it spills; blocks of lines come on top."""
MAX_LINES_SHOWN = 5
"""How many line numbers a finding keeps."""


class Severity(StrEnum):
    """Whether a finding stands in the way."""

    ERROR = "error"
    """An export would fail, or take something else than was meant."""
    NOTICE = "notice"
    """The format allows it."""


class Kind(StrEnum):
    """The classes of findings, those of the whole file first."""

    CHANGED = "changed-since-manifest"
    GZIP = "gzip"
    UTF_16 = "utf-16"
    NO_PATHS = "no-paths"
    BOM = "bom"
    HEADER = "header-line"
    BLANK = "blank-line"
    NUL = "nul"
    NON_ASCII = "non-ascii"
    WHITESPACE = "surrounding-whitespace"
    QUOTES = "quotes"
    DICOMWEB_PREFIX = "dicomweb-prefix"
    MIXED_STORES = "mixed-stores"
    NO_LEADING_SLASH = "no-leading-slash"
    WRONG_SHAPE = "wrong-shape"
    UNUSABLE_UID = "unusable-uid"
    DUPLICATE = "duplicate"
    COVERED = "covered"
    SERIES_IN_TWO_STUDIES = "series-in-two-studies"
    INSTANCE_IN_TWO_SERIES = "instance-in-two-series"
    NOT_IN_METADATA = "not-in-metadata"
    IRREGULAR_UID = "irregular-uid"
    CRLF = "crlf"
    NO_FINAL_NEWLINE = "no-final-newline"

    @property
    def severity(self) -> Severity:
        """Whether findings of this class stand in the way.

        >>> str(Kind.CRLF.severity), str(Kind.BOM.severity)
        ('notice', 'error')
        """
        return Severity.NOTICE if self in _NOTICES else Severity.ERROR

    @property
    def repairable(self) -> bool:
        """Whether there is one way to put it right.

        >>> Kind.BOM.repairable, Kind.UNUSABLE_UID.repairable
        (True, False)
        """
        return self in _REPAIRABLE

    @property
    def explanation(self) -> str:
        """What was found, as the end of a sentence that starts with a number of lines."""
        return _EXPLANATIONS[self]


_NOTICES = frozenset({Kind.IRREGULAR_UID, Kind.CRLF, Kind.NO_FINAL_NEWLINE})
_REPAIRABLE = frozenset(
    {
        Kind.CHANGED,
        Kind.GZIP,
        Kind.UTF_16,
        Kind.BOM,
        Kind.HEADER,
        Kind.BLANK,
        Kind.WHITESPACE,
        Kind.QUOTES,
        Kind.DICOMWEB_PREFIX,
        Kind.NO_LEADING_SLASH,
        Kind.DUPLICATE,
        Kind.COVERED,
        Kind.CRLF,
        Kind.NO_FINAL_NEWLINE,
    }
)
_EXPLANATIONS = {
    Kind.CHANGED: "is not the file that the manifest beside it describes",
    Kind.GZIP: "the file is compressed with gzip; a filter file is plain text",
    Kind.UTF_16: "the file is UTF-16; a filter file is ASCII",
    Kind.NO_PATHS: "no line names anything; what an export does then is not documented",
    Kind.BOM: "starts with a byte order mark",
    Kind.HEADER: "is a header; a filter file has none",
    Kind.BLANK: "is blank",
    Kind.NUL: "holds a NUL byte",
    Kind.NON_ASCII: "holds a character outside ASCII",
    Kind.WHITESPACE: "starts or ends with whitespace",
    Kind.QUOTES: "starts or ends with a quote",
    Kind.DICOMWEB_PREFIX: "starts with the address of a store; a line starts at /studies/",
    Kind.MIXED_STORES: "names another store than lines before; a filter is for one store",
    Kind.NO_LEADING_SLASH: "lacks the slash at its start",
    Kind.WRONG_SHAPE: "is not /studies/UID[/series/UID[/instances/UID]]",
    Kind.UNUSABLE_UID: "holds a UID that is empty or has a character outside 0-9 and the dot",
    Kind.DUPLICATE: "repeats an earlier line",
    Kind.COVERED: "is covered by a coarser line, which exports it too",
    Kind.SERIES_IN_TWO_STUDIES: "puts a series into another study than lines before",
    Kind.INSTANCE_IN_TWO_SERIES: "puts an instance into another series than lines before",
    Kind.NOT_IN_METADATA: "names nothing that the metadata know",
    Kind.IRREGULAR_UID: "holds a UID that breaks the standard's rules but that stores keep "
    "(leading zeros, empty components, over 64 characters)",
    Kind.CRLF: "ends with carriage return and line feed",
    Kind.NO_FINAL_NEWLINE: "is the last and does not end with a newline",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One class of findings in a filter file.

    Args:
        kind: The class.
        count: How many lines it concerns; 1 where it concerns the whole file.
        first_lines: The first of their numbers, from 1, at most ``MAX_LINES_SHOWN``; empty where
            it concerns the whole file.
        notes: What can be said of single lines beyond the explanation.
    """

    kind: Kind
    count: int
    first_lines: tuple[int, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def severity(self) -> Severity:
        """Whether it stands in the way."""
        return self.kind.severity

    @property
    def repairable(self) -> bool:
        """Whether there is one way to put it right."""
        return self.kind.repairable

    @property
    def explanation(self) -> str:
        """What was found, as the end of a sentence that starts with a number of lines."""
        return self.kind.explanation

    @property
    def where(self) -> str:
        """The lines in words.

        >>> Finding(Kind.BLANK, 7, (1, 2, 3, 4, 9)).where
        'lines 1, 2, 3, 4, 9 and 2 more'
        >>> Finding(Kind.BLANK, 1, (3,)).where, Finding(Kind.GZIP, 1).where
        ('line 3', 'the whole file')
        """
        if not self.first_lines:
            return "the whole file"
        numbers = ", ".join(str(line) for line in self.first_lines)
        more = self.count - len(self.first_lines)
        return f"line{'s' if self.count > 1 else ''} {numbers}" + (f" and {more} more" * (more > 0))


@dataclass(frozen=True, slots=True)
class LevelCounts:
    """How many lines name a study, a series, an instance.

    Args:
        study: Lines that name a whole study.
        series: Lines that name a whole series.
        instance: Lines that name an instance.
    """

    study: int = 0
    series: int = 0
    instance: int = 0

    @property
    def total(self) -> int:
        """Lines that name anything."""
        return self.study + self.series + self.instance

    @property
    def mixed(self) -> bool:
        """Whether lines of more than one level are there, so that one may cover another."""
        return sum(count > 0 for count in (self.study, self.series, self.instance)) > 1


@dataclass(frozen=True, slots=True, repr=False)
class Report(Face):
    """What a check found.

    Args:
        uri: The file as the caller named it.
        lines: How many lines it has, whatever is in them.
        levels: How many of them name what, once what can be repaired is repaired; duplicates and
            covered lines count.
        findings: One a class, errors before notices.
    """

    uri: str
    lines: int
    levels: LevelCounts
    findings: tuple[Finding, ...] = ()

    def facts(self) -> list[tuple[str, str]]:
        """List how many lines there are, and what was found of which; no line is quoted."""
        return [
            ("filter", self.uri),
            ("lines", f"{self.lines:,}"),
            ("usable", "as it is" if self.ok else "once repaired" if self.repairable else "no"),
            *((str(f.severity), f"{f.kind}: {f.where}: {f.explanation}") for f in self.findings),
        ]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What stands in the way."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)

    @property
    def notices(self) -> tuple[Finding, ...]:
        """What the format allows."""
        return tuple(f for f in self.findings if f.severity is Severity.NOTICE)

    @property
    def ok(self) -> bool:
        """Whether the file can be used as it is."""
        return not self.errors

    @property
    def repairable(self) -> bool:
        """Whether everything that stands in the way can be put right."""
        return all(finding.repairable for finding in self.errors)

    def find(self, kind: Kind) -> Finding | None:
        """Look up one class of findings; None where there are none of it."""
        return next((finding for finding in self.findings if finding.kind is kind), None)


def in_order(*findings: Finding) -> tuple[Finding, ...]:
    """Put findings into the order of ``Kind``, where one explains the next."""
    order = list(Kind)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.kind)))


def wrapped(wrapping: Wrapping, levels: LevelCounts) -> list[Finding]:
    """List what concerns a whole file.

    Args:
        wrapping: What it is wrapped in.
        levels: How many of its lines name what.
    """
    found = []
    if wrapping.gzip:
        found.append(Finding(Kind.GZIP, 1))
    if wrapping.utf_16:
        found.append(Finding(Kind.UTF_16, 1))
    if not levels.total:
        found.append(Finding(Kind.NO_PATHS, 1))
    if not wrapping.ends:
        found.append(Finding(Kind.NO_FINAL_NEWLINE, 1, (wrapping.lines,)))
    return found
