"""The name of a BigQuery table, in the forms that people write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dicomfilter.errors import TableError

if TYPE_CHECKING:
    from google.cloud.bigquery import TableReference
    from sqlglot import exp

_SCHEME = "bq://"
_HINT = "write bq://PROJECT.DATASET.TABLE"
_PROJECT = re.compile(r"(?:[a-z0-9][a-z0-9.-]*:)?[A-Za-z0-9][A-Za-z0-9-]*")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
_TABLE = re.compile(r"\w[\w -]{0,1023}")


@dataclass(frozen=True, slots=True)
class BigQueryTable:
    """A table of BigQuery; ``str()`` and ``parse()`` are inverses.

    Args:
        project: Its project; older ones carry a domain, ``example.com:project``.
        dataset: Its dataset.
        table: Its name; no wildcard and no partition decorator.

    Raises:
        TableError: A part is missing or cannot be one.

    Source:
        BigQuery documentation, "Creating and using tables" and "Introduction to datasets".
    """

    project: str
    dataset: str
    table: str

    def __post_init__(self) -> None:
        checks = ((_PROJECT, self.project), (_DATASET, self.dataset), (_TABLE, self.table))
        for name, (pattern, part) in zip(("project", "dataset", "table"), checks, strict=True):
            if not pattern.fullmatch(part):
                raise TableError(f"{part!r} is not the name of a BigQuery {name}", hint=_HINT)

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Read a table's name.

        Args:
            uri: ``bq://project.dataset.table``, the same without ``bq://``, or
                ``project:dataset.table`` as bq writes it.

        Returns:
            The table.

        Raises:
            TableError: The text is no such name.

        >>> BigQueryTable.parse("my-project:imaging.metadata")
        BigQueryTable(project='my-project', dataset='imaging', table='metadata')
        >>> str(BigQueryTable.parse("example.com:my-project.imaging.metadata"))
        'bq://example.com:my-project.imaging.metadata'
        """
        parent, _, table = uri.removeprefix(_SCHEME).rpartition(".")
        cut = max(parent.rfind("."), parent.rfind(":"))
        if cut < 0:
            raise TableError(f"{uri!r} does not name a BigQuery table in full", hint=_HINT)
        return cls(parent[:cut], parent[cut + 1 :], table)

    @classmethod
    def of(cls, reference: TableReference) -> Self:
        """Take the name from a reference of BigQuery's client."""
        return cls(reference.project, reference.dataset_id, reference.table_id)

    @property
    def path(self) -> str:
        """``project.dataset.table``, as BigQuery's client takes it."""
        return f"{self.project}.{self.dataset}.{self.table}"

    def node(self) -> exp.Table:
        """Make the node that names the table in a query."""
        from sqlglot import exp

        parts = (self.table, self.dataset, self.project)
        table, dataset, project = (exp.to_identifier(part, quoted=True) for part in parts)
        return exp.Table(this=table, db=dataset, catalog=project)

    def __str__(self) -> str:
        return _SCHEME + self.path
