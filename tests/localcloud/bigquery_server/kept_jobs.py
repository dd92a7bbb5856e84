"""Keep to a job as it was asked for: its destination, its configuration, its id used once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import jobs, upload
from bqemulator.domain.errors import AlreadyExistsError, ValidationError
from bqemulator.jobs.executor import execute_query_job
from bqemulator.storage.sql_identifiers import quoted_table_ref

from tests.localcloud.bigquery_server.patching import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_used: set[tuple[str, str]] = set()


class _UsedError(ValidationError):
    http_status = 409
    bq_reason = "duplicate"


def patch() -> None:
    """Look at each job as it comes."""
    replace(jobs, "_execute_query_or_failed_meta", _written)
    replace(jobs, "execute_load_job", _once)
    replace(upload, "execute_load_job", _once)


def _demand_new(project: str, job_id: str) -> None:
    if (project, job_id) in _used:
        raise AlreadyExistsError(f"Already Exists: Job {project}:US.{job_id}")
    _used.add((project, job_id))


def _once(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def load(project: str, job_id: str, *rest: Any) -> Any:
        try:
            _demand_new(project, job_id)
        except AlreadyExistsError as error:
            # what calls this makes a failed job of other errors, and would store it
            raise _UsedError(error.message) from None
        return await original(project, job_id, *rest)

    return load


def _written(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def execute(**job: Any) -> Any:
        _demand_new(job["project_id"], job["job_id"])
        destination = job["query_config"].get("destinationTable") or {}
        rest = {k: v for k, v in job["query_config"].items() if k != "destinationTable"}
        meta = await original(**{**job, "query_config": rest})
        asked = job["config"]
        made = meta.configuration.get("query", {})
        meta.configuration.update({**asked, "query": {**asked["query"], **made}})
        is_select = jobs.classify_statement_type(job["bq_sql"]) == "SELECT"
        if not destination.get("tableId") or not is_select or meta.error_result:
            return meta
        try:
            await _write(job, destination)
        except jobs._SQL_EXECUTION_DOMAIN_ERRORS as error:
            return jobs._failed_job_meta(
                project_id=job["project_id"],
                job_id=job["job_id"],
                job_type="QUERY",
                config=job["config"],
                error_result=jobs._domain_error_to_error_result(error),
                now=job["ctx"].clock.now(),
            )
        meta.configuration.setdefault("query", {})["destinationTable"] = dict(destination)
        return meta

    return execute


async def _write(job: dict[str, Any], destination: dict[str, str]) -> None:
    context, body = job["ctx"], job["bq_sql"].strip().rstrip(";")
    project = destination.get("projectId") or job["project_id"]
    reference = (project, destination["datasetId"], destination["tableId"])
    written = "`{}.{}.{}`".format(*reference)
    exists = context.catalog.get_table(*reference) is not None
    disposition = job["query_config"].get("writeDisposition") or "WRITE_EMPTY"
    if exists and disposition == "WRITE_EMPTY":
        name = quoted_table_ref(*reference)
        cursor = context.engine.connection.cursor()
        if cursor.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]:
            raise AlreadyExistsError(f"Already Exists: Table {'.'.join(reference)}")
    into_it = exists and disposition != "WRITE_TRUNCATE"
    head = f"INSERT INTO {written}" if into_it else f"CREATE OR REPLACE TABLE {written} AS"
    await execute_query_job(
        job["project_id"],
        job["job_id"] + "_destination",
        f"{head} {body}",
        job["query_params"],
        context,
        caller=job["caller"],
    )
