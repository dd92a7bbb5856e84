"""Make the benchmarks' data: the index of NCI Imaging Data Commons, one row an instance.

Each series is repeated ``instanceCount`` times with made SOPInstanceUIDs of realistic length
(64 characters), so that cardinalities, skew and clustering are those of a real archive::

    python benchmarks/data.py 10000000 benchmarks/data/instances-10m.parquet
    python benchmarks/data.py all      benchmarks/data/instances-all.parquet
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import idc_index_data

MAKE = """
COPY (
  SELECT
    PatientID, StudyInstanceUID, SeriesInstanceUID,
    '1.3.6.1.4.1.14519.5.2.1.' || lpad(CAST(hash(SeriesInstanceUID) % 1000000000000000000 AS VARCHAR), 18, '7')
      || '.' || lpad(CAST(hash(SeriesInstanceUID, n) % 10000000000000 AS VARCHAR), 13, '3')
      || '.' || CAST(1000000 + n AS VARCHAR) AS SOPInstanceUID,
    CAST(StudyDate AS DATE) AS StudyDate, Modality, BodyPartExamined, PatientSex, SeriesDescription,
    CAST(series_size_MB * 1e6 / instanceCount AS BIGINT) AS BlobStorageSize
  FROM (SELECT *, UNNEST(range(instanceCount)) AS n FROM read_parquet($index))
  LIMIT $rows
) TO '{}' (FORMAT parquet, COMPRESSION zstd)
"""


def make(rows: int | None, path: Path) -> None:
    """Write the table.

    Args:
        rows: How many instances, in the index's own order; None for all 58,784,975.
        path: The Parquet file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = true")
    statement = MAKE.format(str(path).replace("'", "''"))
    index = str(idc_index_data.IDC_INDEX_PARQUET_FILEPATH)
    connection.execute(statement, {"index": index, "rows": rows or 1 << 40})


if __name__ == "__main__":
    make(None if sys.argv[1] == "all" else int(sys.argv[1]), Path(sys.argv[2]))
