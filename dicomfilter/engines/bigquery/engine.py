"""The engine over a table of BigQuery."""

from __future__ import annotations

import hashlib
import logging
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dicomfilter.engines.bigquery import jobs
from dicomfilter.engines.bigquery.client import connect
from dicomfilter.engines.bigquery.documents import (
    METADATA_COLUMN,
    SAMPLE_ROWS,
    JsonForm,
    json_schema,
    sample_query,
)
from dicomfilter.engines.bigquery.job_rows import RowReader
from dicomfilter.engines.bigquery.jobs import JobRunner, Statement, impatient
from dicomfilter.engines.bigquery.json_elements import JsonTable
from dicomfilter.engines.bigquery.query import render
from dicomfilter.engines.bigquery.schema import table_schema
from dicomfilter.engines.bigquery.table_names import BigQueryTable
from dicomfilter.engines.bigquery.value_lists import VALUE, LongLists, shortened
from dicomfilter.engines.closing import Closing
from dicomfilter.engines.protocol import EngineOptions, Estimate, Fingerprint, Staged
from dicomfilter.errors import RemoteError, TableError, TableNotFoundError
from dicomfilter.google_errors import Place, google_errors
from dicomfilter.googlesql.query import METADATA, STAGE
from dicomfilter.leftovers import note, sweep
from dicomfilter.schema import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from google.cloud.bigquery import Client, QueryJob, SchemaField, Table

    from dicomfilter.googlesql.query import Query, Staging
    from dicomfilter.leftovers import Note
    from dicomfilter.schema import SqlType, TableSchema

_log = logging.getLogger(__name__)
_STAGE_LIFE = timedelta(hours=24)
_STAGE = "dicomfilter_"


def open_bigquery(tables: Sequence[str], *, options: EngineOptions) -> BigQueryEngine:
    """Open the engine over a BigQuery table; nothing is sent yet.

    Args:
        tables: The one table.
        options: How the engine may spend.

    Returns:
        The engine; close it after use.

    Raises:
        TableError: The name is none, or there are several.
        UsageError: BigQuery's client is not installed.
        RemotePermissionError: There are no credentials.
    """
    if len(tables) != 1:
        raise TableError(
            f"{len(tables)} tables were given and BigQuery is asked for one",
            hint="name one table, or a view over several",
        )
    table = BigQueryTable.parse(tables[0])
    for _, uri in options.others:
        BigQueryTable.parse(uri)
    if options.temp_dataset is not None:
        _stage_in(options.temp_dataset)  # so that a bad name is said before anything is sent
    return BigQueryEngine(table, options, connect(table))


class BigQueryEngine(Closing):
    """Runs queries over one table of BigQuery.

    Args:
        table: The table.
        options: How the engine may spend.
        client: Of the service or of an emulator; closed with the engine.
        pause: Sleeps that many seconds between attempts.
    """

    def __init__(
        self,
        table: BigQueryTable,
        options: EngineOptions,
        client: Client,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._temp_dataset = options.temp_dataset
        self._client = client
        self._reader = RowReader(client)
        self._jobs = JobRunner(client, options, self._place("bigquery.jobs.create"), pause=pause)
        self._lists = LongLists(self._load if self._temp_dataset else None)
        self._others = {name: BigQueryTable.parse(uri) for name, uri in options.others}
        self._source: BigQueryTable | JsonTable | None = None
        self._location: str | None = None
        self._stages: list[tuple[BigQueryTable, Note]] = []

    @property
    def uri(self) -> str:
        """The table, in full."""
        return str(self._table)

    @property
    def paths(self) -> tuple[str, ...]:
        """No files: the table is BigQuery's."""
        return ()

    def schema(self) -> TableSchema:
        """Read the table's columns, and those that its JSON can make.

        Raises:
            TableNotFoundError: There is no such table, or none that one may see.
            TableError: Its JSON is of no known form.
        """
        described = self._described()
        source = self._placed(described)
        return source.schema if isinstance(source, JsonTable) else table_schema(described.schema)

    @property
    def others(self) -> dict[str, str]:
        """The tables beside it, in full."""
        return {name: str(table) for name, table in self._others.items()}

    def schemas(self) -> dict[str, TableSchema]:
        """Read the columns of every table by its name, and those of ``metadata``."""
        schema = self.schema()
        found = {METADATA: schema, self._table.path: schema}
        for name, table in self._others.items():
            found[name] = table_schema(self._get(table).schema)
        return found

    def fingerprint(self) -> Fingerprint:
        """Tell the table's present state; a view has no rows and no size of its own."""
        table = self._described()
        modified = table.modified.astimezone(UTC).isoformat() if table.modified else None
        etags = [self._get(other).etag for other in self._others.values()]
        parts = (self.uri, table.num_rows, table.num_bytes, modified, table.etag, *etags)
        digest = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
        return Fingerprint(self.uri, table.num_rows, table.num_bytes, modified, digest)

    def unparsed(self, names: Sequence[str]) -> dict[str, int]:  # noqa: ARG002 - of the Protocol
        """Count cells unreadable as their column's type; BigQuery stores none."""
        return {}

    def text(self, query: Query) -> str:
        """Render a query with the table's name in place of ``metadata``."""
        return render(query.tree, {METADATA: self._placed()})

    def estimate(self, query: Query, *more: Query) -> Estimate:
        """Ask BigQuery what queries would scan together; costs nothing.

        Raises:
            CostLimitError: It is over the limit.
            PredicateError: BigQuery refuses a query.
        """
        looks = [self._look(each) for each in (query, *more)]
        total = sum(looked.total_bytes_processed or 0 for looked in looks)
        self._jobs.check(total, f"the {len(looks)} queries")
        seen = (BigQueryTable.of(table) for each in looks for table in each.referenced_tables)
        tables = tuple(dict.fromkeys(map(str, seen)))
        return Estimate(total, tables or (self.uri,))

    def stage(self, staging: Staging, *, presume: bool = False) -> Staged:  # noqa: ARG002 - a second scan costs money
        """Run the one scan; BigQuery keeps the result for a day, for the caller alone.

        With a temporary dataset the result goes there instead, and is dropped by ``close``.

        Raises:
            CostLimitError: It would scan more than the limit; nothing ran.
        """
        looked = self._look(staging.query)
        destination = self._stage(looked.schema or ()) if self._temp_dataset else None
        job = self._jobs.run(self._statement(staging.query), destination=destination)
        return Staged(
            BigQueryTable.of(job.destination).path,
            bytes_processed=job.total_bytes_processed,
            jobs=(str(job.job_id),),
        )

    def lines(self, query: Query, *, staged: Staged) -> pa.RecordBatchReader:
        """Run the query of a stage's lines; nothing was presumed of them."""
        return self.rows(query, staged=staged)

    def rows(self, query: Query, *, staged: Staged | None = None) -> pa.RecordBatchReader:
        """Run a query over ``metadata``, or over ``stage`` where one is given.

        Raises:
            CostLimitError: It would scan more than the limit; nothing ran.
        """
        self._look(query, staged)
        job = self._jobs.run(self._statement(query, staged))
        return self._reader.read(job, self._rows)

    def export_shards(self, query: Query, *, staged: Staged, folder: str) -> int | None:
        """Write the rows of a query into Cloud Storage as files of lines.

        Raises:
            CostLimitError: It would scan more than the limit; nothing ran.
            RemoteError: BigQuery cannot write there.
        """
        self._look(query, staged)  # EXPORT DATA itself cannot be looked at
        place = Place("Cloud Storage", folder, self._table.project, "storage.objects.create")
        statement = self._statement(query, staged, into=f"{folder}*.txt")
        job = self._jobs.run(statement, place=place)
        statistics = job._properties.get("statistics", {}).get("query", {})  # noqa: SLF001 - the client has no name for it
        rows = statistics.get("exportDataStatistics", {}).get("rowCount")
        return None if rows is None else int(rows)

    def close(self) -> None:
        """Drop staged tables, of killed runs too, and close the connections.

        Again it does nothing. A table that cannot be dropped is warned of: what was done with it
        stands.
        """
        stages, self._stages = self._stages, []
        try:
            for stage, noted in stages:
                noted.close(is_gone=self._drop(stage))
            sweep("bq://", self._sweep)
        finally:
            self._reader.close()
            self._client.close()  # type: ignore[no-untyped-call]

    def _drop(self, stage: BigQueryTable) -> bool:
        try:
            self._delete(stage)
        except RemoteError as error:
            _log.warning("%s was not removed, and expires within a day: %s", stage, error)
            return False
        return True

    def _sweep(self, uri: str) -> bool:
        """Drop a table that a killed process left; tell whether it was there."""
        stage = BigQueryTable.parse(uri)
        return stage.table.startswith(_STAGE) and self._delete(stage)

    def _delete(self, stage: BigQueryTable) -> bool:
        """Delete a staged table; tell whether it was there."""
        place = Place("BigQuery", str(stage), stage.project, "bigquery.tables.delete")
        with google_errors(place):
            from google.api_core.exceptions import NotFound

            try:
                self._client.delete_table(
                    stage.path, retry=impatient(), timeout=jobs.REQUEST_TIMEOUT_S
                )
            except NotFound:
                return False
        return True

    def _place(self, permission: str) -> Place:
        return Place("BigQuery", self.uri, self._table.project, permission, TableNotFoundError)

    @property
    def _rows(self) -> Place:
        return replace(self._place("bigquery.tables.getData"), shows_rows=True)

    def _described(self) -> Table:
        table = self._get(self._table)
        self._location = table.location
        return table

    def _get(self, table: BigQueryTable) -> Table:
        permission = "bigquery.tables.get"
        place = Place("BigQuery", str(table), table.project, permission, TableNotFoundError)
        with google_errors(place):
            return self._client.get_table(
                table.path, retry=impatient(), timeout=jobs.REQUEST_TIMEOUT_S
            )

    def _placed(self, described: Table | None = None) -> BigQueryTable | JsonTable:
        """Tell what stands for the table in a query; its form is looked at once."""
        if self._source is None:
            described = described or self._described()
            stored = table_schema(described.schema)
            is_json = stored.shape is Shape.JSON
            self._source = self._json(described, stored) if is_json else self._table
        return self._source

    def _json(self, described: Table, stored: TableSchema) -> JsonTable:
        documents = self._sample(described)
        form = JsonForm.of(documents, self.uri)
        return JsonTable(self._table, json_schema(stored, form, documents), form)

    def _sample(self, described: Table) -> list[Any]:
        """Read a few documents; of a table for nothing, of a view by a query within the limit."""
        if described.table_type == "TABLE":
            fields = [f for f in described.schema if f.name.lower() == METADATA_COLUMN.lower()]
            with google_errors(self._rows):
                rows = self._client.list_rows(
                    described,
                    fields,
                    max_results=SAMPLE_ROWS,
                    retry=impatient(),
                    timeout=jobs.REQUEST_TIMEOUT_S,
                )
                found = [row[0] for row in rows]
            if any(found) or len(found) < SAMPLE_ROWS:
                return found
        statement = Statement(render(sample_query(), {METADATA: self._table}), (), self._location)
        self._jobs.look(statement)
        job = self._jobs.run(statement)
        with google_errors(self._rows):
            return [row[0] for row in job.result(job_retry=None)]

    def _look(self, query: Query, staged: Staged | None = None) -> QueryJob:
        """Have BigQuery look at a query, before anything is loaded for it."""
        return self._jobs.look(self._rendered(shortened(query), staged))

    def _statement(
        self, query: Query, staged: Staged | None = None, *, into: str | None = None
    ) -> Statement:
        return self._rendered(self._lists.placed(query), staged, into=into)

    def _rendered(
        self, query: Query, staged: Staged | None = None, *, into: str | None = None
    ) -> Statement:
        placed = self._placed()
        tables: dict[str, BigQueryTable | JsonTable] = {METADATA: placed}
        tables[self._table.path.lower()] = placed
        tables.update((name.lower(), table) for name, table in self._others.items())
        if staged is not None:
            tables[STAGE] = BigQueryTable.parse(staged.name)
        return Statement(render(query.tree, tables, into=into), query.parameters, self._location)

    def _load(self, content: bytes, of: SqlType) -> BigQueryTable:
        """Make a table of a list's values; it is dropped like a stage."""
        from google.cloud.bigquery import SchemaField

        table = self._stage([SchemaField(VALUE, str(of.kind))])
        place = Place("BigQuery", str(table), table.project, "bigquery.tables.updateData")
        self._jobs.load(content, table, place=place, location=self._location)
        return table

    def _stage(self, fields: Sequence[SchemaField]) -> BigQueryTable:
        """Make an empty table that expires by itself, whatever becomes of this process."""
        from google.cloud.bigquery import Table

        stage = _stage_in(str(self._temp_dataset))
        noted = note(str(stage))
        self._stages.append((stage, noted))
        table = Table(stage.path, list(fields))
        table.expires = datetime.now(UTC) + _STAGE_LIFE
        place = Place("BigQuery", str(stage), stage.project, "bigquery.tables.create")
        with google_errors(place):
            self._client.create_table(table, exists_ok=True, timeout=jobs.REQUEST_TIMEOUT_S)
        return stage


def _stage_in(dataset: str) -> BigQueryTable:
    return BigQueryTable.parse(f"{dataset}.{_STAGE}{uuid.uuid4().hex}")
