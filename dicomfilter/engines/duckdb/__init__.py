"""The embedded engine: DuckDB over files.

Parquet, CSV, NDJSON and DuckDB files become one table with the columns that the service exports,
read with every option given. Queries are translated by ``googlesql`` before they come here.
Nothing here knows BigQuery.
"""
