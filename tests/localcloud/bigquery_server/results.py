"""Let a query's anonymous result be read as a table: by further queries and by the Read API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bqemulator.jobs.executor import JOB_RESULTS
from bqemulator.storage.engine import DuckDBEngine

from tests.localcloud.bigquery_server.patching import replace

if TYPE_CHECKING:
    from collections.abc import Callable

_ANONYMOUS = re.compile(r'"([A-Za-z0-9_-]+___bqemu_anonymous)"\."?anon([A-Za-z0-9_]+)"?')
_written: set[str] = set()


def patch() -> None:
    """Write a result as a table when a statement first names it."""

    def _watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def execute(self: DuckDBEngine, sql: str, parameters: Any = None) -> Any:
            for schema, job in _ANONYMOUS.findall(sql):
                _write(self, schema, job)
            return original(self, sql, parameters)

        return execute

    replace(DuckDBEngine, "execute", _watched)


def _write(engine: DuckDBEngine, schema: str, flat: str) -> None:
    job = next((job for job in JOB_RESULTS if job.replace("-", "") == flat), None)
    if job is None or job in _written:
        return
    cursor = engine.connection.cursor()
    cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    cursor.register("result_to_write", JOB_RESULTS[job])
    columns = ", ".join(_typed(field) for field in JOB_RESULTS[job].schema)
    cursor.execute(f'CREATE TABLE "{schema}"."anon{flat}" AS SELECT {columns} FROM result_to_write')
    _written.add(job)
    cursor.close()


def _typed(field: Any) -> str:
    """Cast a column of Arrow back to the type that it had; a sum of INT64 is INT64."""
    name = '"' + field.name.replace('"', '""') + '"'
    noted = (field.metadata or {}).get(b"bqemu.duckdb_type", b"").decode()
    return f"CAST({name} AS {noted.replace('HUGEINT', 'BIGINT')}) AS {name}" if noted else name
