"""The embedded engine: DuckDB over files."""
