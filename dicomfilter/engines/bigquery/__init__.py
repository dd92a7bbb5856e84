"""The engine over tables of BigQuery."""
