"""The same work by other means, each as a person would write it by hand.

python benchmarks/rivals.py NAME TABLE OUTPUT
"""

from __future__ import annotations

import sys


def duckdb_series(table: str, output: str) -> None:
    import duckdb

    duckdb.execute(
        "COPY (SELECT DISTINCT '/studies/' || StudyInstanceUID || '/series/' || SeriesInstanceUID "
        f"FROM '{table}' WHERE Modality = 'CT') TO '{output}' (FORMAT csv, HEADER false)"
    )


def duckdb_instances(table: str, output: str) -> None:
    import duckdb

    duckdb.execute(
        "COPY (SELECT DISTINCT '/studies/' || StudyInstanceUID || '/series/' || SeriesInstanceUID "
        f"|| '/instances/' || SOPInstanceUID FROM '{table}') TO '{output}' (FORMAT csv, HEADER false)"
    )


def idc_index_series(_: str, output: str) -> None:
    from idc_index import IDCClient

    client = IDCClient()
    rows = client.sql_query(
        "SELECT DISTINCT StudyInstanceUID, SeriesInstanceUID FROM index WHERE Modality = 'CT'"
    )
    lines = "/studies/" + rows["StudyInstanceUID"] + "/series/" + rows["SeriesInstanceUID"]
    lines.to_csv(output, header=False, index=False)


def pandas_series(table: str, output: str) -> None:
    import pandas as pd

    rows = pd.read_parquet(table, columns=["StudyInstanceUID", "SeriesInstanceUID", "Modality"])
    rows = rows[rows["Modality"] == "CT"].drop_duplicates()
    lines = "/studies/" + rows["StudyInstanceUID"] + "/series/" + rows["SeriesInstanceUID"]
    lines.to_csv(output, header=False, index=False)


def polars_series(table: str, output: str) -> None:
    import polars as pl

    line = pl.format("/studies/{}/series/{}", "StudyInstanceUID", "SeriesInstanceUID")
    rows = pl.scan_parquet(table).filter(pl.col("Modality") == "CT").select(line.alias("line"))
    rows.unique().collect().write_csv(output, include_header=False)


def polars_instances(table: str, output: str) -> None:
    import polars as pl

    line = pl.format(
        "/studies/{}/series/{}/instances/{}",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SOPInstanceUID",
    )
    rows = pl.scan_parquet(table).select(line.alias("line")).unique()
    rows.collect().write_csv(output, include_header=False)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2], sys.argv[3])
