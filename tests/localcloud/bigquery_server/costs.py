"""Count bytes as BigQuery does, and keep to ``maximumBytesBilled``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import sqlglot
from bqemulator.api.routes import jobs
from bqemulator.domain.errors import DomainError
from bqemulator.storage.sql_identifiers import quoted_table_ref
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tests.localcloud.bigquery_server.patching import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_FIXED = {
    **dict.fromkeys(("INTEGER", "INT64", "FLOAT", "FLOAT64"), 8),
    **dict.fromkeys(("DATE", "TIME", "DATETIME", "TIMESTAMP"), 8),
    **dict.fromkeys(("NUMERIC", "INTERVAL"), 16),
    **dict.fromkeys(("BOOLEAN", "BOOL"), 1),
    "BIGNUMERIC": 32,
}
_SAMPLE = 2000
_MIB = 1 << 20


class BytesBilledLimitError(DomainError):
    """The query would bill more than the caller allows."""

    http_status = 400
    bq_reason = "bytesBilledLimitExceeded"


def logical_size(value: Any, field: Any) -> int:
    """Count the bytes of a cell by BigQuery's table of logical sizes."""
    if value is None:
        return 0
    if field.mode == "REPEATED":
        single = field.model_copy(update={"mode": "NULLABLE"})
        return sum(logical_size(each, single) for each in value)
    kind = field.type.upper()
    if kind in ("RECORD", "STRUCT"):
        return sum(logical_size(value.get(inner.name), inner) for inner in field.fields)
    if kind in _FIXED:
        return _FIXED[kind]
    return 2 + len(value if isinstance(value, bytes) else str(value).encode())


def table_bytes(context: Any, table: Any, fields: Any) -> int:
    """Count the bytes of some columns of a table, over a sample where it is large."""
    if not fields:
        return 0
    name = quoted_table_ref(table.project_id, table.dataset_id, table.table_id)
    cursor = context.engine.connection.cursor()
    count = cursor.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]
    chosen = ", ".join('"' + field.name.replace('"', '""') + '"' for field in fields)
    rows = cursor.execute(f"SELECT {chosen} FROM {name} LIMIT {_SAMPLE}").fetchall()
    if not rows:
        return 0
    sizes = sum(logical_size(*pair) for row in rows for pair in zip(row, fields, strict=True))
    return math.ceil(sizes * count / len(rows))


def bytes_processed(statement: str, project: str, context: Any) -> int:
    """Count what a statement would scan: the columns that it names, in all rows."""
    try:
        trees = [tree for tree in sqlglot.parse(statement, read="bigquery") if tree is not None]
    except SqlglotError:
        return 0
    total = 0
    for tree in trees:
        star = any(not isinstance(found.parent, exp.Count) for found in tree.find_all(exp.Star))
        named = {part.name.lower() for column in tree.find_all(exp.Column) for part in column.parts}
        tables = {(t.catalog or project, t.db, t.name) for t in tree.find_all(exp.Table) if t.db}
        for reference in tables:
            table = context.catalog.get_table(*reference)
            if table is not None and table.table_type != "VIEW":
                fields = [f for f in table.schema_.fields if star or f.name.lower() in named]
                total += table_bytes(context, table, fields)
    return total


def billed(processed: int) -> int:
    """Round up as the bill does: to whole MiB, at least 10."""
    return max(10, math.ceil(processed / _MIB)) * _MIB if processed else 0


def patch() -> None:
    """Put the bytes into jobs and dry runs, and refuse jobs over their limit."""
    replace(jobs, "_SQL_EXECUTION_DOMAIN_ERRORS", lambda errors: (*errors, BytesBilledLimitError))
    replace(jobs, "_execute_query_or_failed_meta", _limited)
    replace(jobs, "_build_dry_run_query_response", _estimated)


def _limited(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def execute(**job: Any) -> Any:
        processed = bytes_processed(job["bq_sql"], job["project_id"], job["ctx"])
        limit = job["query_config"].get("maximumBytesBilled")
        if limit and billed(processed) > int(limit):
            error = BytesBilledLimitError(
                f"Query exceeded limit for bytes billed: {limit}. "
                f"{billed(processed)} or higher required."
            )
            return jobs._failed_job_meta(
                project_id=job["project_id"],
                job_id=job["job_id"],
                job_type="QUERY",
                config=job["config"],
                error_result=jobs._domain_error_to_error_result(error),
                now=job["ctx"].clock.now(),
            )
        meta = await original(**job)
        _note(meta.statistics, processed)
        return meta

    return execute


def _estimated(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def dry_run(**job: Any) -> Any:
        response = await original(**job)
        processed = bytes_processed(job["bq_sql"], job["project_id"], job["ctx"])
        _note(response["statistics"], processed)
        return response

    return dry_run


def _note(statistics: dict[str, Any], processed: int) -> None:
    query = statistics.setdefault("query", {})
    query["totalBytesProcessed"] = statistics["totalBytesProcessed"] = str(processed)
    query["totalBytesBilled"] = str(billed(processed))
    statistics.setdefault("totalSlotMs", "1")
