"""From a checked tree to DuckDB's SQL, with the meaning that BigQuery gives it."""
