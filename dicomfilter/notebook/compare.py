"""``compare``: cohorts beside each other, as the first table of a paper."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from dicomfilter.cohorts.comparing import Sample
from dicomfilter.cohorts.comparing import compare as _compare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from dicomfilter.counts import Unit
    from dicomfilter.notebook.cohort import Cohort


def compare(
    cohorts: Mapping[str, Cohort], columns: Sequence[str], *, by: Unit | None = None
) -> pd.DataFrame:
    """Compare cohorts: how many, which share, and how far apart.

    Args:
        cohorts: By name, as ``{"train": a, "test": b}``; of one table or of several.
        columns: What is compared: values by their counts, dates and numbers by mean and standard
            deviation, what has no value in a line of its own.
        by: What is counted: ``patients``, ``studies``, ``series`` or ``instances``; None for
            patients where they are known. An image of two values counts for both, so that shares
            of patients may come to more than 1.

    Returns:
        A row a value: ``column``, ``value``, for each cohort ``NAME_n`` (a count, or the mean) and
        ``NAME_share`` (of the whole, or the standard deviation), and ``difference``, for two
        cohorts the standardised one, of which 0.1 is usually taken for small. The mean of dates is
        in days from the first of January of the year 1, as ``date.toordinal`` counts.

    Raises:
        UsageError: There is no such column or unit, or nothing to compare.

    >>> with open_table("idc") as t:  # doctest: +SKIP
    ...     parts = t.split(train=0.8, test=0.2)
    ...     compare(parts, ["Modality", "PatientSex", "StudyDate"])
    """
    from dicomfilter.cohorts.display import compared_frame

    samples = {
        name: Sample(cohort.table.engine, cohort.selection, cohort.counts())
        for name, cohort in cohorts.items()
    }
    today = max((cohort.clock() for cohort in cohorts.values()), default=date.min)
    unit, lines = _compare(samples, columns, by=by, today=today)
    return compared_frame(list(samples), unit, lines)
