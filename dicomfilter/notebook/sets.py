"""What cohorts can do as sets: lists, complements and shares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from dicomfilter.cohorts.ids.lists import IdList, read_ids
from dicomfilter.cohorts.membership import complement, excluding, refuse_missing, shared, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from os import PathLike

    from dicomfilter.cohorts.selection import Selection
    from dicomfilter.notebook.cohort import Table


class CohortSets:
    """The part of a cohort that is about sets; see ``Cohort``."""

    __slots__ = ()

    if TYPE_CHECKING:
        table: Table
        selection: Selection
        clock: Callable[[], date]

    def where_filter(self, filter: str | PathLike[str]) -> Self:  # noqa: A002 - the word that everybody uses
        """Narrow the cohort to what a filter file names.

        Args:
            filter: A path, ``gs://bucket/object`` or a ``FilterFile``.

        Returns:
            The narrower cohort.

        Raises:
            FilterFileError: The file cannot be used as it is.
            UsageError: It names instances, and the table knows none.
        """
        from dicomfilter.filters.algebra.listing import read_lines

        return self._with(within(self.selection, read_lines(filter)))

    def where_ids(self, path: str, *, column: str | None = None) -> Self:
        """Narrow the cohort to the identifiers of a file, or to what a filter file names.

        Args:
            path: See ``read_ids``; a filter file is known by its first line.
            column: The column of identifiers, where the file does not tell it.
        """
        return self._with(_listed(self.selection, path, column))

    def exclude_ids(
        self, ids: str | PathLike[str] | Iterable[str], *, column: str | None = None
    ) -> Self:
        """Leave out the rows that a list names; rows without an identifier stay.

        Args:
            ids: A file, see ``where_ids``, or the values themselves.
            column: The column that they are of; PatientID for values.

        Returns:
            The narrower cohort.
        """
        from os import PathLike

        whole = replace(self.selection, clauses=())
        if isinstance(ids, str | PathLike):
            listed = _listed(whole, ids, column)
        else:
            listed = whole.where_in(IdList.of(column or "PatientID", ids))
        return self._with(excluding(self.selection, listed))

    def exclude_filter(self, filter: str | PathLike[str]) -> Self:  # noqa: A002 - as above
        """Leave out the rows that a filter file names; see ``where_filter``."""
        from dicomfilter.filters.algebra.listing import read_lines

        named = within(replace(self.selection, clauses=()), read_lines(filter))
        return self._with(excluding(self.selection, named))

    def __invert__(self) -> Self:
        return self._with(complement(self.selection))

    def sample(self, fraction: float, *, by: str = "PatientID", seed: str = "") -> Self:
        """Narrow the cohort to a share that is the same in every run.

        Args:
            fraction: How much of it, more than 0 and at most 1.
            by: The column whose values fall into the share or not, all rows of one together.
            seed: Another text makes another share.

        Returns:
            The narrower cohort.

        Raises:
            UsageError: Rows have no value in that column, with their count.
        """
        return self.split(by=by, seed=seed, sample=fraction)["sample"]

    def split(self, *, by: str = "PatientID", seed: str = "", **shares: float) -> dict[str, Self]:
        """Divide the cohort by a keyed hash of a column, whose values never move.

        Args:
            by: The column, such as PatientID or StudyInstanceUID.
            seed: Another text makes other parts.
            **shares: By name, parts of 1.

        Returns:
            A cohort for each name.

        Raises:
            UsageError: Rows have no value in that column, with their count.
        """
        found = shared(self.selection, shares, by=by, seed=seed)
        refuse_missing(self.table.engine, next(iter(found.values())), today=self.clock())
        return {name: self._with(selection) for name, selection in found.items()}

    def save(
        self, path: str | PathLike[str], *, record_values: bool = False, overwrite: bool = False
    ) -> None:
        """Write the cohort as a small JSON text; see ``load_cohort``.

        Args:
            path: Where.
            record_values: Whether values of predicates stand in it; without, each is asked for by
                name when the cohort is opened again.
            overwrite: Whether a file that is there may be replaced.

        Raises:
            DestinationError: It cannot be written, or exists.
        """
        from dicomfilter.notebook.saved import write

        write(self, path, record_values=record_values, overwrite=overwrite)

    def _with(self, selection: Selection) -> Self:
        changed: Any = replace(self, selection=selection)  # type: ignore[type-var] # cohorts are dataclasses
        return changed  # type: ignore[no-any-return]


def _listed(selection: Selection, path: str | PathLike[str], column: str | None) -> Selection:
    from dicomfilter.filters.algebra.listing import looks_like_filter, read_lines

    if column is None and looks_like_filter(path):
        return within(selection, read_lines(path))
    return selection.where_in(read_ids(str(path), column=column))
