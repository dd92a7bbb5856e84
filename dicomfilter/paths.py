"""A line of a filter file: the resource path of a study, a series or an instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

from dicomfilter.errors import FilterFileError
from dicomfilter.named import Choice
from dicomfilter.uids import is_usable


class Level(Choice):
    """The levels of the DICOM information model that a line can name, coarsest first."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"

    @property
    def depth(self) -> int:
        """How many UIDs a line of this level holds: 1, 2 or 3."""
        return (Level.STUDY, Level.SERIES, Level.INSTANCE).index(self) + 1

    def covers(self, other: Level) -> bool:
        """Tell whether a line of this level can stand for one of the other.

        >>> Level.STUDY.covers(Level.INSTANCE), Level.INSTANCE.covers(Level.STUDY)
        (True, False)
        """
        return self.depth <= other.depth


AnyLevel: TypeAlias = Level | Literal["study", "series", "instance"]
"""A level as callers name it."""


@dataclass(frozen=True, slots=True, order=True)
class ResourcePath:
    """A study, series or instance as a filter file names it.

    ``str()`` and ``parse()`` are inverses.

    Args:
        study: StudyInstanceUID.
        series: SeriesInstanceUID, or empty for a whole study.
        instance: SOPInstanceUID, or empty for a whole series.

    Raises:
        FilterFileError: A UID is unusable, or an instance stands without its series.

    Source:
        Schema DicomFilterConfig of the Cloud Healthcare API.

    >>> ResourcePath.parse("/studies/1.2/series/3.4")
    ResourcePath(study='1.2', series='3.4', instance='')
    >>> str(ResourcePath("1.2"))
    '/studies/1.2'
    """

    study: str
    series: str = ""
    instance: str = ""

    def __post_init__(self) -> None:
        if self.instance and not self.series:
            raise FilterFileError(f"instance {self.instance!r} is named without its series")
        for uid in (self.study, self.series, self.instance)[: self.level.depth]:
            if not is_usable(uid):
                raise FilterFileError(f"{uid!r} is not a usable UID")

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line, without its line end.

        Args:
            line: ``/studies/{uid}[/series/{uid}[/instances/{uid}]]``.

        Returns:
            The path.

        Raises:
            FilterFileError: The line has another shape or an unusable UID.
        """
        parts = line.split("/")
        words = parts[1::2]
        shape = ["studies", "series", "instances"][: len(words)]
        if parts[0] or len(parts) % 2 == 0 or not words or words != shape or "" in parts[1:]:
            raise FilterFileError(
                f"{line!r} is not a resource path",
                hint="write /studies/UID[/series/UID[/instances/UID]]",
            )
        return cls(*parts[2::2])

    @property
    def level(self) -> Level:
        """The level that the path names."""
        if self.instance:
            return Level.INSTANCE
        return Level.SERIES if self.series else Level.STUDY

    def covers(self, other: ResourcePath) -> bool:
        """Tell whether exporting this path exports the other too.

        >>> ResourcePath("1").covers(ResourcePath("1", "2"))
        True
        """
        return (
            self.study == other.study
            and self.series in ("", other.series)
            and self.instance in ("", other.instance)
        )

    def __str__(self) -> str:
        line = f"/studies/{self.study}"
        if self.series:
            line += f"/series/{self.series}"
        if self.instance:
            line += f"/instances/{self.instance}"
        return line
