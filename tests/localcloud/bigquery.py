"""The BigQuery of the tests: REST and Storage Read API over bqemulator, with its gaps closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self

from dicomfilter.schema import Kind, SqlType
from tests.localcloud.ensure import interpreter
from tests.localcloud.process import Server

if TYPE_CHECKING:
    from collections.abc import Sequence
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

    Raises:
        NoEnvironmentError: The environment that it runs in was never made.
    """

    _server: Server = field(init=False, repr=False)

    def __post_init__(self) -> None:
        program = (str(interpreter()), "-m", "tests.localcloud.bigquery_server", PROJECT)
        self._server = Server(program)

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

    def client(self) -> bigquery.Client:
        """Make a client of Google's own, without credentials."""
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        return bigquery.Client(
            project=PROJECT,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self._server.addresses["rest"]},
        )

    def start(self) -> Self:
        """Start it and wait until it answers."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop it."""
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
