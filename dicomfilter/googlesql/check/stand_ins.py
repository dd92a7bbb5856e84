"""One table that a query may call as it likes, as published queries do.

Source: none; GoogleSQL names tables of BigQuery.
"""

from __future__ import annotations

from dataclasses import dataclass

from dicomfilter.errors import PredicateError


@dataclass(slots=True)
class Stand:
    """The one table that a query need not call by its name.

    Args:
        table: The table.
        name: What the query calls it, once that is known.
    """

    table: str
    name: str | None = None

    def behind(self, name: str, offset: int | None) -> str:
        """Tell which table a name stands for.

        Args:
            name: As the query has it.
            offset: Where that is.

        Raises:
            PredicateError: It is the second name of a table in the query, and one is given.
        """
        self.name = self.name or name
        if self.name != name:
            unknown = [one for one in (self.name, name) if one != self.table]
            raise PredicateError(
                f"{self.name} and {name} are two tables, and one is given"
                if len(unknown) > 1
                else f"Table not found: {unknown[0]}",
                offset=offset,
                hint="add " + " ".join(f"--table '{one}=URI'" for one in unknown),
                unknown="table",
            )
        return self.table
