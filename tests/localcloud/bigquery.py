"""The BigQuery of the tests: REST and Storage Read API over bqemulator, with its gaps closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

import requests

from dicomfilter.schema import Kind, SqlType
from tests.localcloud.ensure import interpreter
from tests.localcloud.process import Server
from tests.localcloud.proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from google.cloud import bigquery

PROJECT = "demo"


class LoadTable(Protocol):
    """Makes a table of the test's dataset and returns its URI."""

    def __call__(self, columns: str, *rows: dict[str, object], name: str = "metadata") -> str:
        """Make it from columns as GoogleSQL declares them, and JSON rows."""


def schema_field(name: str, of: SqlType) -> bigquery.SchemaField:
    """Describe a column as BigQuery's tables do."""
    from google.cloud import bigquery

    mode = "REPEATED" if of.element else "NULLABLE"
    element = of.element or of
    inner = tuple(schema_field(*field) for field in element.fields)
    kind = "RECORD" if element.kind is Kind.STRUCT else str(element.kind)
    return bigquery.SchemaField(name, kind, mode=mode, fields=inner)


def load(
    client: bigquery.Client,
    table: str,
    *,
    columns: str,
    rows: Sequence[dict[str, object]],
) -> str:
    """Make a table and fill it.

    Args:
        client: Of the server.
        table: ``project.dataset.table``.
        columns: As GoogleSQL declares them: ``PatientID STRING, ImageType ARRAY<STRING>``.
        rows: As JSON objects.

    Returns:
        The table's URI.
    """
    from google.cloud import bigquery

    declared = SqlType.parse(f"STRUCT<{columns}>")
    fields = [schema_field(*field) for field in declared.fields]
    client.create_table(bigquery.Table(table, fields))
    if rows:
        config = bigquery.LoadJobConfig(schema=fields, write_disposition="WRITE_APPEND")
        whole = [with_arrays(row, declared) for row in rows]
        client.load_table_from_json(whole, table, job_config=config).result()
    return f"bq://{table}"


def with_arrays(row: Any, of: SqlType) -> Any:
    """Fill in empty arrays, which is what BigQuery stores where an array is missing.

    >>> with_arrays({"a": 1}, SqlType.parse("STRUCT<a INT64, b ARRAY<STRING>>"))
    {'a': 1, 'b': []}
    """
    if of.element is not None:
        return [with_arrays(each, of.element) for each in row or ()]
    if of.kind is not Kind.STRUCT or row is None:
        return row
    return {
        name: with_arrays(row.get(name), inner)
        for name, inner in of.fields
        if name in row or inner.element is not None
    }


@dataclass
class BigQueryServer:
    """A BigQuery on this machine, empty at the start and forgotten at the end.

    Args:
        storage_url: Where ``gs://`` leads.

    Raises:
        NoEnvironmentError: The environment that it runs in was never made.
    """

    storage_url: str = ""
    faults: FaultProxy = field(init=False)
    """A way to REST for clients that shall meet faults; the usual way is past it."""
    _server: Server = field(init=False, repr=False)

    def __post_init__(self) -> None:
        program = (str(interpreter()), "-m", "tests.localcloud.bigquery_server")
        self._server = Server((*program, PROJECT, self.storage_url))

    @property
    def url(self) -> str:
        """Where REST is, past the proxy."""
        return self._server.addresses["rest"]

    def set(
        self,
        *,
        shard_bytes: int = 1 << 30,
        writes_empty: bool = True,
        refuse_read: str = "",
        break_read: int = 0,
        denied: Sequence[str] = (),
        policies: Mapping[str, Sequence[Any]] | None = None,
        details: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Set how it behaves; what is not named is as ever.

        Args:
            shard_bytes: A shard of an export holds rows of about so many bytes.
            writes_empty: An export of no rows writes an empty shard.
            refuse_read: The Storage Read API refuses with this code, as ``PERMISSION_DENIED``.
            break_read: So many of its streams break off after their first answer.
            denied: Permissions that the caller lacks on tables.
            policies: The bindings of tables, by ``project.dataset.table``.
            details: More of what is said of a dataset or table by that name: ``streamingBuffer``,
                ``access``, ``location``, ``lastModifiedTime``, …
        """
        values = {
            "shard_bytes": shard_bytes,
            "writes_empty": writes_empty,
            "refuse_read": refuse_read,
            "break_read": break_read,
            "denied": list(denied),
            "policies": dict(policies or {}),
            "details": dict(details or {}),
        }
        requests.post(f"{self.url}/_test/set", json=values, timeout=30).raise_for_status()

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._server.pid

    @property
    def environment(self) -> dict[str, str]:
        """The variables that send dicomfilter, and Google's client, to this server."""
        return {
            "BIGQUERY_EMULATOR_HOST": self._server.addresses["rest"],
            "BIGQUERY_STORAGE_EMULATOR_HOST": self._server.addresses["grpc"],
        }

    def client(self, *, faulty: bool = False) -> bigquery.Client:
        """Make a client of Google's own, without credentials; a faulty one meets the faults."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        return bigquery.Client(
            project=PROJECT,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.faults.url if faulty else self.url},
        )

    def start(self) -> Self:
        """Start it and wait until it answers."""
        return self.launch().ready()

    def launch(self) -> Self:
        """Start it without waiting."""
        self._server.launch()
        return self

    def ready(self) -> Self:
        """Wait until it answers."""
        self._server.ready()
        self.faults = FaultProxy(port=int(self.url.rpartition(":")[2])).start()
        return self

    def stop(self) -> None:
        """Stop it."""
        if hasattr(self, "faults"):
            self.faults.stop()
        self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
