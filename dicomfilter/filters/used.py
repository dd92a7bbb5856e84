"""A filter file as a start uses it: its lines, and their proof."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FilterUsed:
    """The filter of a start, as it is remembered.

    Args:
        uri: Where it is.
        crc32c: Its CRC32C; None where unknown.
        generation: Its generation; likewise.
        covered: Instances that it covers; likewise.
        lines: How many lines it has; likewise.
        digest: Of its lines in any order; likewise.
    """

    uri: str
    crc32c: str | None = None
    generation: int | None = None
    covered: int | None = None
    lines: int | None = field(default=None, compare=False)
    digest: str | None = field(default=None, compare=False)
