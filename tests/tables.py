"""Small metadata tables, made, with everything in them that a real one can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from dicomfilter.schema import Column, SqlType, TableSchema

if TYPE_CHECKING:
    from pathlib import Path

INSTANCES = TableSchema(
    tuple(
        Column(name, SqlType.parse(of))
        for name, of in (
            ("PatientID", "STRING"),
            ("StudyInstanceUID", "STRING"),
            ("SeriesInstanceUID", "STRING"),
            ("SOPInstanceUID", "STRING"),
            ("StudyDate", "DATE"),
            ("Modality", "STRING"),
            ("BlobStorageSize", "INT64"),
        )
    )
)
STREAMED = TableSchema(
    (
        *INSTANCES.columns,
        Column("LastUpdated", SqlType.parse("TIMESTAMP")),
        Column("Type", SqlType.parse("STRING")),
    )
)
SERIES_INDEX = TableSchema(
    tuple(
        Column(name, SqlType.parse(of))
        for name, of in (
            ("PatientID", "STRING"),
            ("StudyInstanceUID", "STRING"),
            ("SeriesInstanceUID", "STRING"),
            ("Modality", "STRING"),
            ("instanceCount", "INT64"),
            ("series_size_MB", "FLOAT64"),
        )
    )
)

_ARROW = {
    "STRING": pa.string(),
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


def write(path: Path, schema: TableSchema, rows: list[dict[str, object]]) -> str:
    """Write rows as Parquet; columns that a row does not name are NULL."""
    fields = [pa.field(c.name, _ARROW[str(c.type)]) for c in schema]
    full = [{c.name: row.get(c.name) for c in schema} for row in rows]
    parquet.write_table(pa.Table.from_pylist(full, schema=pa.schema(fields)), path)
    return str(path)


def instance(
    study: str | None, series: str | None, sop: str | None, modality: str = "CT", **more: object
) -> dict[str, object]:
    """Make a row of an instance table; sizes are 100 bytes unless said otherwise."""
    row: dict[str, object] = {
        "PatientID": f"patient-{study}",
        "StudyInstanceUID": study,
        "SeriesInstanceUID": series,
        "SOPInstanceUID": sop,
        "Modality": modality,
        "BlobStorageSize": 100,
    }
    return row | more
