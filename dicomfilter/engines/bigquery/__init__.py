"""The engine over tables of BigQuery.

Each query is estimated, limited and run as a job; rows come by the Read API only where a caller
asks for rows. Predicates go to BigQuery as they were checked. Nothing here knows DuckDB.
"""
