"""Write what an export to BigQuery gives: the rows of a table, by a load job."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dicomfilter.dicom.headers.element_columns import Column
from tests.localcloud.healthcare_server.refusals import (
    DENIED,
    EXISTS,
    INVALID,
    NOT_FOUND,
    RefusedError,
)
from tests.localcloud.healthcare_server.rows import (
    as_json,
    described,
    filled,
    flattened,
    merged,
)
from tests.localcloud.healthcare_server.stores import STRUCTURED_SIZE_BYTES, Instance

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField

_STRING = Column("STRING")
_URI = re.compile(r"bq://([a-z0-9:.-]+)\.([A-Za-z0-9_]+)\.([A-Za-z0-9_-]+)")


@dataclass(frozen=True)
class Form:
    """Which columns an export writes."""

    is_json: bool
    by_keyword: bool
    type_of_rows: str
    source: str | None
    """The store's name where it is asked for."""
    keeps_latest: bool
    """Change data capture: the column ``Type`` is left out."""

    def row(self, instance: Instance) -> tuple[dict[str, Column], dict[str, Any]]:
        """Make a row and name its columns."""
        columns: dict[str, Column] = {
            "LastUpdated": Column("TIMESTAMP"),
            "StorageClass": _STRING,
            "BlobStorageSize": Column("INTEGER"),
            "StructuredStorageSize": Column("INTEGER"),
        }
        values: dict[str, Any] = {
            "LastUpdated": instance.updated.isoformat(),
            "StorageClass": instance.storage_class,
            "BlobStorageSize": instance.size_bytes,
            "StructuredStorageSize": STRUCTURED_SIZE_BYTES,
        }
        if not self.keeps_latest:
            columns["Type"], values["Type"] = _STRING, self.type_of_rows
        if self.source:
            columns["SourceDicomStore"], values["SourceDicomStore"] = _STRING, self.source
        if not self.is_json:
            tags, tag_values = flattened(instance.dataset)
            return {**tags, **columns}, {**tag_values, **values}
        metadata, dropped = as_json(instance.dataset, by_keyword=self.by_keyword)
        uids = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        columns |= dict.fromkeys(uids, _STRING)
        columns |= {"Metadata": Column("JSON"), "DroppedTags": Column("STRING", repeated=True)}
        values |= dict(zip(uids, instance.uids, strict=True))
        return columns, {**values, "Metadata": metadata, "DroppedTags": dropped}


@dataclass
class Table:
    """The destination of an export, and what has been gathered for it."""

    url: str
    project: str
    dataset: str
    name: str
    disposition: str
    """``WRITE_EMPTY``, ``WRITE_TRUNCATE``, ``WRITE_APPEND``, or ``WRITE_NEW``: it must not exist."""
    columns: list[dict[str, Column]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, url: str, destination: dict[str, Any]) -> Table:
        """Read a ``bigqueryDestination``.

        Raises:
            RefusedError: It is malformed.
        """
        uri = destination.get("tableUri", "")
        found = _URI.fullmatch(uri)
        if not found:
            raise RefusedError(INVALID, f"invalid BigQuery table URI: {uri!r}")
        asked = destination.get("writeDisposition", "WRITE_DISPOSITION_UNSPECIFIED")
        if asked == "WRITE_DISPOSITION_UNSPECIFIED":
            asked = "WRITE_EMPTY"
            if "force" in destination:
                asked = "WRITE_TRUNCATE" if destination["force"] else "WRITE_NEW"
        return cls(url, *found.groups(), asked)

    def add(self, columns: dict[str, Column], values: dict[str, Any]) -> None:
        """Gather a row."""
        self.columns.append(columns)
        self.rows.append(values)

    def write(self) -> None:
        """Load what was gathered.

        Raises:
            RefusedError: The table is in the way, the dataset is missing, BigQuery says no.
        """
        from google.api_core import exceptions

        try:
            self._write()
        except exceptions.NotFound as error:
            raise RefusedError(NOT_FOUND, error.message) from error
        except exceptions.Forbidden as error:
            raise RefusedError(DENIED, error.message) from error
        except exceptions.Conflict as error:
            raise RefusedError(EXISTS, error.message) from error

    def demand_dataset(self) -> None:
        """Look whether the dataset is there and what stands in the table's place."""
        from google.api_core import exceptions

        client = self._client()
        try:
            client.get_dataset(f"{self.project}.{self.dataset}")
        except (exceptions.NotFound, exceptions.Forbidden) as error:
            code = NOT_FOUND if isinstance(error, exceptions.NotFound) else DENIED
            raise RefusedError(
                code, f"BigQuery dataset {self.project}:{self.dataset}: {error.message}"
            ) from error
        rows = self._rows_there(client)
        taken = rows is not None and (self.disposition == "WRITE_NEW" or rows > 0)
        if taken and self.disposition in ("WRITE_NEW", "WRITE_EMPTY"):
            where = f"{self.project}:{self.dataset}.{self.name}"
            raise RefusedError(EXISTS, f"Already Exists: Table {where}")

    def _client(self) -> Client:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        options = {"api_endpoint": self.url}
        return bigquery.Client(self.project, AnonymousCredentials(), client_options=options)

    def _rows_there(self, client: Client) -> int | None:
        from google.api_core import exceptions

        try:
            return int(client.get_table(f"{self.project}.{self.dataset}.{self.name}").num_rows or 0)
        except exceptions.NotFound:
            return None

    def _write(self) -> None:
        from google.cloud import bigquery

        self.demand_dataset()
        client, where = self._client(), f"{self.project}.{self.dataset}.{self.name}"
        whole = merged(self.columns)
        wanted = described(whole, "")["fields"] if whole.fields else []
        fields = [bigquery.SchemaField.from_api_repr(each) for each in wanted]
        exists = self._rows_there(client) is not None
        if exists and self.disposition != "WRITE_APPEND":
            client.delete_table(where)
            exists = False
        if not exists and fields:
            client.create_table(bigquery.Table(where, fields))
        elif exists:
            fields = self._extended(client, where, fields)
        if not self.rows:
            return
        rows = [filled(whole, row) for row in self.rows]
        config = bigquery.LoadJobConfig(schema=fields, write_disposition="WRITE_APPEND")
        client.load_table_from_json(rows, where, job_config=config).result()

    @staticmethod
    def _extended(client: Client, where: str, wanted: list[SchemaField]) -> list[SchemaField]:
        """Add the columns that a table lacks."""
        there = {each.name for each in client.get_table(where).schema}
        lacking = [each for each in wanted if each.name not in there]
        for each in lacking:
            client.query(
                f"ALTER TABLE `{where}` ADD COLUMN `{each.name}` {declared(each)}"
            ).result()
        return wanted


def declared(column: SchemaField) -> str:
    """Declare a column's type in GoogleSQL."""
    names = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
    kind = names.get(column.field_type, column.field_type)
    if kind in ("RECORD", "STRUCT"):
        kind = f"STRUCT<{', '.join(f'`{each.name}` {declared(each)}' for each in column.fields)}>"
    return f"ARRAY<{kind}>" if column.mode == "REPEATED" else kind
