"""Tell a table's rows and bytes as they are now; statements that write left them stale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bqemulator.api.routes import tables
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.storage.sql_identifiers import quoted_table_ref

from tests.localcloud.bigquery_server.costs import table_bytes
from tests.localcloud.bigquery_server.patching import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class _Context(NamedTuple):
    engine: DuckDBEngine


_engines: list[DuckDBEngine] = []


def patch() -> None:
    """Count when a table is asked for."""
    replace(DuckDBEngine, "start", _noted)
    replace(tables, "_table_to_rest", _counted)


def _noted(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def start(self: DuckDBEngine) -> None:
        await original(self)
        _engines[:] = [self]

    return start


def _counted(original: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    def to_rest(table: Any) -> dict[str, Any]:
        answer = original(table)
        if _engines and answer["type"] == "TABLE":
            name = quoted_table_ref(table.project_id, table.dataset_id, table.table_id)
            cursor = _engines[0].connection.cursor()
            count = cursor.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]
            size = table_bytes(_Context(_engines[0]), table, table.schema_.fields)
            answer |= {"numRows": str(count), "numBytes": str(size)}
        return answer

    return to_rest
