"""Start without the network: DuckDB's spatial and Avro extensions would be downloaded."""

from __future__ import annotations

from bqemulator.storage.engine import DuckDBEngine

from tests.localcloud.bigquery_server.patching import replace


def patch() -> None:
    """Load no extension; only GEOGRAPHY and Avro need one."""

    def _load_spatial(self: DuckDBEngine) -> None:
        self.connection.execute("SET autoinstall_known_extensions = false")

    replace(DuckDBEngine, "_load_spatial", lambda _: _load_spatial)
    replace(DuckDBEngine, "_load_format_extensions", lambda _: lambda _self: None)
    # the property refuses before the start is over, which is when the setting is made
    replace(DuckDBEngine, "connection", lambda _: property(lambda self: self._connection))
