"""Query jobs: looked at first, limited always, never run twice unawares."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import re
import time
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from dicomfilter.engines.bigquery.query import bound
from dicomfilter.engines.protocol import LIBRARY
from dicomfilter.errors import CostLimitError
from dicomfilter.google_errors import Place, google_errors, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.api_core.retry import Retry
    from google.cloud.bigquery import Client, LoadJob, LoadJobConfig, QueryJob, QueryJobConfig

    from dicomfilter.engines.bigquery.table_names import BigQueryTable
    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.googlesql.types.parameters import Parameter

_log = logging.getLogger(__name__)
_ATTEMPTS = 3
_PASSING = ("backendError", "internalError", "jobBackendError", "rateLimitExceeded")
_LOOK_TIMEOUT_S = 30.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0
REQUEST_TIMEOUT_S = 60.0
"""Seconds without a byte before a request is sent again; the client itself would wait forever."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A query as it is sent.

    Args:
        sql: GoogleSQL.
        parameters: What it binds.
        location: Where its tables are; None for BigQuery's default.
    """

    sql: str
    parameters: tuple[Parameter, ...]
    location: str | None


class JobRunner:
    """Runs statements as jobs.

    Args:
        client: Of the service or of an emulator.
        options: The limit, and the command for the labels.
        place: For the words of an error.
        pause: Sleeps that many seconds between attempts.
    """

    def __init__(
        self,
        client: Client,
        options: EngineOptions,
        place: Place,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._options = options
        self._place = place
        self._pause = pause
        self._spent = 0

    def look(self, statement: Statement) -> QueryJob:
        """Dry-run a statement, which is free.

        Returns:
            A job that never ran, with its bytes, tables and columns.

        Raises:
            CostLimitError: It would scan more than the limit.
        """
        config = self._config(statement)
        config.dry_run = True
        with google_errors(replace(self._place, shows_rows=True)):
            looked = self._client.query(
                statement.sql,
                config,
                location=statement.location,
                retry=impatient(),
                timeout=REQUEST_TIMEOUT_S,
                job_retry=None,
            )
        self.check(looked.total_bytes_processed or 0, "the query")
        return looked

    def check(self, size_bytes: int, what: str) -> None:
        """Make sure that what is about to run stays within the limit, with what has run.

        Args:
            size_bytes: What it would scan.
            what: What it is.

        Raises:
            CostLimitError: It does not.
        """
        limit, spent = self._options.maximum_bytes_billed, self._spent
        if size_bytes + spent > limit:
            after = f" after {spent:,}" if spent else ""
            raise CostLimitError(
                f"{what} would scan {size_bytes:,} bytes of {self._place.resource}{after}, "
                f"over the limit of {limit:,}; nothing {'more ' * bool(spent)}ran",
                hint="raise --maximum-bytes-billed, or name fewer columns",
            )

    def run(
        self,
        statement: Statement,
        *,
        destination: BigQueryTable | None = None,
        place: Place | None = None,
    ) -> QueryJob:
        """Run a statement to its end, and anew where BigQuery failed in passing.

        Args:
            statement: One that was looked at.
            destination: An empty table to fill; None for one that BigQuery keeps for a day.
            place: What it touches besides the table, for the words of an error.

        Returns:
            The finished job.

        Raises:
            CostLimitError: It would bill more than the limit.
        """
        config = self._config(statement)
        if destination is not None:
            config.destination = destination.path
            config.write_disposition = "WRITE_EMPTY"  # keeps the expiry that it was made with
        with google_errors(replace(place or self._place, shows_rows=True)):
            for attempt in range(_ATTEMPTS):
                with self._forgiving(attempt):
                    job = self._submit(statement, config)
                    _log.info("BigQuery job %s", job.job_id)
                    self._wait(job)
                    # A library's engine serves a whole session, any other one command.
                    if self._options.command != LIBRARY:
                        self._spent += job.total_bytes_processed or 0
                    return job
        raise AssertionError  # the last attempt returned or raised

    def load(
        self, content: bytes, destination: BigQueryTable, *, place: Place, location: str | None
    ) -> None:
        """Fill an empty table from a Parquet file, which is free.

        Args:
            content: The file's bytes.
            destination: The table.
            place: For the words of an error.
            location: Where it is; None for BigQuery's default.
        """
        from google.cloud.bigquery import LoadJobConfig

        config = LoadJobConfig(
            source_format="PARQUET", write_disposition="WRITE_EMPTY", labels=self._labels
        )
        with google_errors(replace(place, shows_rows=True)):
            for attempt in range(_ATTEMPTS):
                with self._forgiving(attempt):
                    job = self._submit_load(content, destination, config, location=location)
                    _log.info("BigQuery job %s", job.job_id)
                    self._wait(job)
                    return

    def _submit_load(
        self,
        content: bytes,
        destination: BigQueryTable,
        config: LoadJobConfig,
        *,
        location: str | None,
    ) -> LoadJob:
        from google.api_core.exceptions import Conflict

        job_id = f"dicomfilter_{uuid.uuid4().hex}"
        try:
            return self._client.load_table_from_file(
                io.BytesIO(content),
                destination.path,
                size=len(content),
                job_id=job_id,
                job_config=config,
                location=location,
                timeout=REQUEST_TIMEOUT_S,
            )
        except Conflict:
            return cast(
                "LoadJob",
                self._client.get_job(job_id, location=location, timeout=REQUEST_TIMEOUT_S),
            )

    @property
    def _labels(self) -> dict[str, str]:
        return {"tool": "dicomfilter", "command": label(self._options.command)}

    def _config(self, statement: Statement) -> QueryJobConfig:
        from google.cloud.bigquery import QueryJobConfig

        return QueryJobConfig(
            query_parameters=[bound(parameter) for parameter in statement.parameters],
            maximum_bytes_billed=self._options.maximum_bytes_billed,
            labels=self._labels,
        )

    def _submit(self, statement: Statement, config: QueryJobConfig) -> QueryJob:
        """Submit under an id of our own, so that a lost answer never makes a second job."""
        from google.api_core.exceptions import Conflict

        job_id, location = f"dicomfilter_{uuid.uuid4().hex}", statement.location
        try:
            return self._client.query(
                statement.sql,
                config,
                job_id=job_id,
                location=location,
                timeout=REQUEST_TIMEOUT_S,
                job_retry=None,
            )
        except Conflict:
            return cast(
                "QueryJob",
                self._client.get_job(job_id, location=location, timeout=REQUEST_TIMEOUT_S),
            )

    def _wait(self, job: QueryJob | LoadJob) -> None:
        """Wait for the end of a job; the client's own waiting never gives up a request."""
        pause_s = _FIRST_PAUSE_S
        with _cancelled_on_interrupt(job):
            while not job.done(timeout=REQUEST_TIMEOUT_S):
                self._pause(pause_s)
                pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
        error = job.exception(timeout=REQUEST_TIMEOUT_S)  # type: ignore[no-untyped-call]
        if error is not None:
            raise error

    @contextlib.contextmanager
    def _forgiving(self, attempt: int) -> Iterator[None]:
        from google.api_core.exceptions import GoogleAPICallError

        try:
            yield
        except GoogleAPICallError as error:
            if reason(error) not in _PASSING or attempt == _ATTEMPTS - 1:
                raise
            self._pause(2.0**attempt)


def impatient() -> Retry:
    """Retry a look for half a minute, where the client would try for ten."""
    from google.cloud.bigquery import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(min(_LOOK_TIMEOUT_S, DEFAULT_RETRY.timeout or math.inf))


def label(command: str) -> str:
    """Make a job label of a command's name.

    >>> label("export bq")
    'export-bq'
    """
    return re.sub(r"[^a-z0-9_-]", "-", command.lower())[:63]


@contextlib.contextmanager
def _cancelled_on_interrupt(job: QueryJob | LoadJob) -> Iterator[None]:
    from google.api_core.exceptions import GoogleAPICallError

    try:
        yield
    except KeyboardInterrupt:
        with contextlib.suppress(GoogleAPICallError):  # the interruption is what counts
            job.cancel(retry=None, timeout=5)
        raise
