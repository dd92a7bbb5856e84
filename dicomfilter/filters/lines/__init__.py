"""Filter files as values: what is wrong with one, what it names, its repair."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dicomfilter.filters.lines.changed import recorded_beside
from dicomfilter.filters.lines.chunks import open_source
from dicomfilter.filters.lines.findings import (
    MEMORY_LIMIT,
    Finding,
    Kind,
    LevelCounts,
    Report,
    Severity,
    in_order,
)
from dicomfilter.filters.lines.small import read_small
from dicomfilter.storage.digest import Digest

if TYPE_CHECKING:
    from os import PathLike

    import pyarrow as pa

    from dicomfilter.filters.lines.repairs import Repaired, repair
    from dicomfilter.filters.lines.summaries import Summary, summary

__all__ = [
    "Finding",
    "Kind",
    "LevelCounts",
    "Repaired",
    "Report",
    "Severity",
    "Summary",
    "check",
    "repair",
    "summary",
]

_HOMES = {
    "Repaired": "repairs",
    "repair": "repairs",
    "Summary": "summaries",
    "summary": "summaries",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the public names
    """Load what needs an engine when it is first asked for: small files need none."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def check(
    path: str | PathLike[str],
    *,
    against: pa.RecordBatchReader | pa.Table | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> Report:
    """Check every line of a filter file, at any size.

    Args:
        path: The file, or ``-`` for standard input.
        against: Rows of what a table knows, with the strings ``study``, ``series`` and, where the
            table goes that far, ``instance``: lines that name nothing in it are found too.
        memory_limit: What is kept in memory before it is spilled to a temporary folder.

    Returns:
        What was found, and how many lines name what.

    Raises:
        FilterFileError: The file is empty, damaged, or has a line longer than any line can be.
        SourceError: It cannot be read.
    """
    _, recorded = recorded_beside(str(path))
    digest = None if recorded is None else Digest(with_sha256=False)
    report = _checked(str(path), against, memory_limit, digest)
    if digest is None or digest.crc32c == recorded:
        return report
    return replace(report, findings=in_order(*report.findings, Finding(Kind.CHANGED, 1)))


def _checked(
    path: str,
    against: pa.RecordBatchReader | pa.Table | None,
    memory_limit: str,
    digest: Digest | None,
) -> Report:
    with open_source(path) as source:
        if against is None and (small := read_small(source, memory_limit, digest)) is not None:
            return small.report()
        from dicomfilter.filters.lines.against import find_unknown
        from dicomfilter.filters.lines.ledger import ledger_of

        with ledger_of(source, memory_limit) as ledger:
            ledger.read(digest)
            ledger.compare()
            report = ledger.report()
            unknown = None if against is None else find_unknown(ledger, against)
            if unknown is None:
                return report
            return replace(report, findings=in_order(*report.findings, unknown))
