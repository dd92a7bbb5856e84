"""What BigQuery says of a table and its dataset, without reading a row."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dicomfilter.engines.bigquery.client import connect
from dicomfilter.engines.bigquery.jobs import REQUEST_TIMEOUT_S, impatient
from dicomfilter.engines.bigquery.table_names import BigQueryTable
from dicomfilter.errors import RemoteNotFoundError, TableNotFoundError
from dicomfilter.google_errors import Place, google_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.cloud.bigquery import Client


@dataclass(frozen=True, slots=True)
class TableState:
    """A table as BigQuery describes it.

    Args:
        uri: The table.
        kind: ``TABLE``, ``VIEW``, …
        modified: When it was last written; of a view, when it was defined.
        rows: Rows, without those that are still streaming; None where unknown.
        streaming_rows: At least so many are; 0 where there is no streaming buffer.
        streaming_since: The oldest of them.
        max_staleness: How old what a query reads may be.
        expires: When it is removed.
    """

    uri: str
    kind: str
    modified: datetime | None
    rows: int | None
    streaming_rows: int = 0
    streaming_since: datetime | None = None
    max_staleness: timedelta = timedelta(0)
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class DatasetState:
    """A dataset as BigQuery describes it.

    Args:
        location: Where it is.
        default_life: After how long its tables are removed; None for never.
        access: Who may do what, as the service has it.
    """

    location: str
    default_life: timedelta | None
    access: tuple[Mapping[str, Any], ...]


def describe_table(uri: str) -> TableState:
    """Look at a table.

    Raises:
        TableNotFoundError: There is none.
        DicomFilterError: It cannot be looked at.
    """
    table = BigQueryTable.parse(uri)
    with _asking(table) as client, _errors(table, "bigquery.tables.get"):
        found = client.get_table(table.path, retry=impatient(), timeout=REQUEST_TIMEOUT_S)
        buffer = found.streaming_buffer
        return TableState(
            str(table),
            str(found.table_type),
            None if found.modified is None else found.modified.astimezone(UTC),
            found.num_rows,
            int(buffer.estimated_rows or 0) if buffer else 0,
            buffer.oldest_entry_time if buffer else None,
            _interval(found._properties.get("maxStaleness")),  # noqa: SLF001 - the client has no name for it
            found.expires,
        )


def describe_dataset(uri: str) -> DatasetState:
    """Look at the dataset of a table.

    Raises:
        RemoteNotFoundError: There is none.
        DicomFilterError: It cannot be looked at.
    """
    table = BigQueryTable.parse(uri)
    name = f"{table.project}.{table.dataset}"
    place = Place("BigQuery", name, table.project, "bigquery.datasets.get", RemoteNotFoundError)
    with _asking(table) as client, google_errors(place):
        found = client.get_dataset(name, retry=impatient(), timeout=REQUEST_TIMEOUT_S)
        life = found.default_table_expiration_ms
        return DatasetState(
            str(found.location or ""),
            None if life is None else timedelta(milliseconds=life),
            tuple(found._properties.get("access") or ()),  # noqa: SLF001 - as the service has it
        )


def granted_on_table(uri: str, permissions: Iterable[str]) -> frozenset[str]:
    """Tell which permissions the caller holds on a table.

    Raises:
        DicomFilterError: It cannot be asked.
    """
    from google.cloud.bigquery import TableReference

    table = BigQueryTable.parse(uri)
    reference = TableReference.from_string(table.path)
    with _asking(table) as client, _errors(table, "bigquery.tables.get"):
        found = client.test_iam_permissions(
            reference, list(permissions), retry=impatient(), timeout=REQUEST_TIMEOUT_S
        )
        return frozenset(found.get("permissions") or ())


def try_job(uri: str) -> None:
    """Have BigQuery look at a query over a table, which takes what running it would.

    Raises:
        DicomFilterError: It would not run.
    """
    from google.cloud.bigquery import QueryJobConfig
    from sqlglot import exp

    table = BigQueryTable.parse(uri)
    sql = exp.select(exp.Literal.number(1)).from_(table.node()).sql("bigquery")
    with _asking(table) as client, _errors(table, "bigquery.jobs.create"):
        client.query(
            sql,
            job_config=QueryJobConfig(dry_run=True, use_legacy_sql=False),
            retry=impatient(),
            timeout=REQUEST_TIMEOUT_S,
        )


def _asking(table: BigQueryTable) -> closing[Client]:
    return closing(connect(table))


def _errors(table: BigQueryTable, permission: str) -> google_errors:
    return google_errors(
        Place("BigQuery", str(table), table.project, permission, TableNotFoundError)
    )


def _interval(text: str | None) -> timedelta:
    """Read an interval as BigQuery writes it: years-months days hours:minutes:seconds.

    >>> _interval("0-0 0 0:15:0")
    datetime.timedelta(seconds=900)
    """
    if not text:
        return timedelta(0)
    months, days, clock = text.split(" ")
    years, _, more = months.partition("-")
    hours, minutes, seconds = clock.split(":")
    return timedelta(
        days=int(years) * 365 + int(more) * 30 + int(days),
        hours=int(hours),
        minutes=int(minutes),
        seconds=float(seconds),
    )
