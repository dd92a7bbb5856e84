"""Filter files as values, by the name that a notebook uses for ``filters.lines``."""

from dicomfilter.filters.algebra.deriving import repair
from dicomfilter.filters.lines import Finding, Kind, LevelCounts, Report, Severity, check
from dicomfilter.filters.lines.repairs import Repaired
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
