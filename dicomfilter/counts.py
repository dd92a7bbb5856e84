"""How much a filter file, or a selection, stands for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from dicomfilter.errors import UsageError
from dicomfilter.faces import Face

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dicomfilter.schema import TableSchema


Unit: TypeAlias = Literal["patients", "studies", "series", "instances"]
UNITS = ("patients", "studies", "series", "instances")
"""What is counted, the widest first; a table may not know all of it."""
NO_VALUE = "(no value)"
"""What stands for NULL where values are listed."""


@dataclass(frozen=True, slots=True)
class Counts(Face):
    """How many patients, studies, series and instances there are, and their size.

    Args:
        patients: Distinct PatientIDs; None where the table has no such column.
        studies: Studies.
        series: Series.
        instances: Instances; None where the table does not know, as in a series index without
            ``instanceCount``.
        size_bytes: Bytes of their images; None where the table does not know.
    """

    patients: int | None
    studies: int
    series: int
    instances: int | None
    size_bytes: int | None

    def facts(self) -> list[tuple[str, str]]:
        """Spell each count."""
        return [
            ("patients", human_count(self.patients)),
            ("studies", human_count(self.studies)),
            ("series", human_count(self.series)),
            ("instances", human_count(self.instances)),
            ("size", human_size(self.size_bytes)),
        ]

    def __sub__(self, other: Counts) -> Counts:
        """Say how much more this is; unknown where one of the two is."""

        def less(name: str) -> int | None:
            ours, theirs = getattr(self, name), getattr(other, name)
            return None if ours is None or theirs is None else int(ours - theirs)

        names = ("patients", "instances", "size_bytes")
        patients, instances, size_bytes = map(less, names)
        studies, series = self.studies - other.studies, self.series - other.series
        return Counts(patients, studies, series, instances, size_bytes)


@dataclass(frozen=True, slots=True, repr=False)
class Coverage(Face):
    """What the lines of one filter file cover, and what of it matched.

    Args:
        lines: Lines of the file.
        study_lines: Lines that name a study.
        series_lines: Lines that name a series.
        instance_lines: Lines that name an instance.
        studies: Studies that the lines name, whole or in part.
        series: Series that they cover, whole or in part.
        matched_series: Series that satisfy the predicate, in a series index; else None.
        matched_instances: Instances that satisfy it; None where the table does not know.
        covered_instances: Instances that the lines cover; None where the table does not know.
        size_bytes: Bytes that the lines cover; None where the table does not know.
        rejected_rows: Selected rows whose UIDs cannot make a line.
    """

    lines: int
    study_lines: int
    series_lines: int
    instance_lines: int
    studies: int
    series: int
    matched_series: int | None
    matched_instances: int | None
    covered_instances: int | None
    size_bytes: int | None
    rejected_rows: int

    def facts(self) -> list[tuple[str, str]]:
        """Spell what the lines name, and how much that is."""
        return [
            ("lines", human_count(self.lines)),
            ("studies", human_count(self.studies)),
            ("series", human_count(self.series)),
            ("instances", human_count(self.covered_instances)),
            ("size", human_size(self.size_bytes)),
        ]

    @classmethod
    def of(cls, row: Mapping[str, object], schema: TableSchema) -> Self:
        """Read the one row of a cover's ``counts`` query.

        Args:
            row: The sums, by name.
            schema: The table's columns, which tell what a unit is.

        Returns:
            The coverage.
        """
        number = {name: whole(value) for name, value in row.items()}
        by_instance = schema.finest.depth == 3
        return cls(
            lines=number["line_count"] or 0,
            study_lines=number["study_lines"] or 0,
            series_lines=number["series_lines"] or 0,
            instance_lines=number["instance_lines"] or 0,
            studies=number["studies"] or 0,
            series=number["series"] or 0,
            matched_series=None if by_instance else number["matched"] or 0,
            matched_instances=(
                number["matched"] or 0 if by_instance else number.get("matched_instances")
            ),
            covered_instances=number["units"] or 0 if by_instance else number.get("instances"),
            size_bytes=number.get("size_bytes"),
            rejected_rows=number["rejected"] or 0,
        )

    def to_dict(self) -> dict[str, int | None]:
        """Give the numbers by name, for a manifest or ``--json``."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def chosen_unit(by: str | None, is_known: Callable[[str], bool]) -> str:
    """Choose what is counted.

    Args:
        by: What the caller names; None for the widest that is known.
        is_known: Tells whether the table knows a unit.

    Raises:
        UsageError: There is no such unit, or the table does not know it.
    """
    if by is not None and by not in UNITS:
        raise UsageError(f"{by!r} is none of {', '.join(UNITS)}", hint="write by='studies'")
    known = [unit for unit in UNITS if is_known(unit)]
    if by is not None and by not in known:
        raise UsageError(f"the table does not know {by}", hint=f"write by={known[0]!r}")
    return by or known[0]


def whole(value: object) -> int | None:
    """Read a sum as a whole number, exactly.

    Args:
        value: An int, float or Decimal, as an engine gives it.

    Returns:
        The number; None for NULL and for what is no number, for a size is never a guess.

    >>> whole(9007199254740993), whole(1.5e6), whole(float("nan")), whole(None)
    (9007199254740993, 1500000, None, None)
    """
    number = Decimal("NaN") if value is None else Decimal(str(value))
    return round(number) if number.is_finite() else None


def human_size(size_bytes: int | None) -> str:
    """Spell a size for people, in powers of ten as disks and bills count.

    >>> human_size(1_234_567_890), human_size(999), human_size(None)
    ('1.23 GB', '999 bytes', 'unknown')
    """
    if size_bytes is None:
        return "unknown"
    size, units = float(size_bytes), ["bytes", "kB", "MB", "GB", "TB", "PB"]
    while size >= 999.5 and len(units) > 1:
        size /= 1000
        del units[0]
    if units[0] == "bytes":
        return f"{size_bytes} bytes"
    digits = 2 if size < 10 else 1 if size < 100 else 0
    return f"{size:.{digits}f} {units[0]}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Spell a count with its noun.

    Args:
        count: How many.
        noun: Of what, in the singular.
        plural: Its plural, where that takes more than an s.

    >>> counted(1, "row"), counted(1200, "row"), counted(2, "study", "studies")
    ('1 row', '1,200 rows', '2 studies')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def human_count(count: int | None) -> str:
    """Spell a count for people.

    >>> human_count(1234567), human_count(None)
    ('1,234,567', 'unknown')
    """
    return "unknown" if count is None else f"{count:,}"
