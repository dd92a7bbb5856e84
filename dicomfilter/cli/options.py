"""The options that several commands share, spelled as gcloud and bq spell them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dicomfilter.paths import Level

Tables = Annotated[
    list[str],
    typer.Argument(
        metavar="TABLE...",
        help="bq://project.dataset.table, idc, or Parquet, NDJSON, CSV or DuckDB files.",
        envvar="DICOMFILTER_TABLE",
        show_default=False,
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="SQL", help="A GoogleSQL predicate; several are ANDed."),
]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME:TYPE:VALUE", help="A value for @NAME in a predicate."),
]
PatientIds = Annotated[
    list[str] | None, typer.Option("--patient-id", metavar="ID", help="A PatientID.")
]
StudyUids = Annotated[
    list[str] | None, typer.Option("--study-uid", metavar="UID", help="A StudyInstanceUID.")
]
Ids = Annotated[
    Path | None,
    typer.Option("--ids", metavar="FILE", help="A file of identifiers: CSV, text or Parquet."),
]
IdColumn = Annotated[
    str | None,
    typer.Option("--column", metavar="NAME", help="The column that --ids is matched with."),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="30d", help="Studies of the last days (d) or weeks (w)."),
]
All = Annotated[bool, typer.Option("--all", help="Every row; must be asked for.")]
AllVersions = Annotated[
    bool, typer.Option("--all-versions", help="Superseded and deleted rows too.")
]
LevelOption = Annotated[
    Level | None,
    typer.Option("--level", help="The finest level of a line; the table's finest by default."),
]
MaximumBytesBilled = Annotated[
    int,
    typer.Option(
        "--maximum-bytes-billed", metavar="N", min=1, help="The most bytes a query may bill."
    ),
]
TempDataset = Annotated[
    str | None,
    typer.Option("--temp-dataset", metavar="P.D", help="The BigQuery dataset of staged tables."),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option("--memory-limit", metavar="4GB", help="The memory of the embedded engine."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing but results and errors.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replacement of what is there.")]
