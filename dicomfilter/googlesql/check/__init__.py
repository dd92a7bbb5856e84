"""What BigQuery would take: names, types and signatures; all else is refused.

``checker`` walks the tree and gives each node its type; each file holds the rules of one subject,
and ``duckdb`` has its translation in a file of the same name. Nothing here knows DuckDB, but
``raising``, which knows what may fail in BigQuery.
"""
