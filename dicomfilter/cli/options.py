"""The options that several commands share, spelled as gcloud and bq spell them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dicomfilter.cli import completion
from dicomfilter.cli.profiles import TABLE_VARIABLE
from dicomfilter.paths import Level

LINES = "Lines"
"""The group of options that say what a line may be."""
MANIFEST = "Manifest"
"""The group of options about the manifest."""
_SELECTION = "Selection"
_ENGINE = "Cost and memory"

_TABLE = typer.Argument(
    metavar="TABLE",
    help="bq://project.dataset.table, idc, or Parquet, NDJSON, CSV or DuckDB files.",
    envvar=TABLE_VARIABLE,
    autocompletion=completion.tables,
    show_default=False,
)
Tables = Annotated[list[str], _TABLE]
TablesIfAny = Annotated[list[str] | None, _TABLE]
"""The same where a command may do without, or must say itself that there is none."""
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="SQL",
        help="A GoogleSQL predicate; several are ANDed.",
        rich_help_panel=_SELECTION,
    ),
]
WhereFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--where-file",
        metavar="FILE",
        help="A file with such a predicate; - is standard input.",
        rich_help_panel=_SELECTION,
    ),
]
Params = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="NAME:TYPE:VALUE",
        help="A value for @NAME, as in bq.",
        rich_help_panel=_SELECTION,
    ),
]
Sql = Annotated[
    Path | None,
    typer.Option(
        "--sql",
        metavar="FILE",
        help="One whole SELECT that gives UIDs; the table is called metadata.",
        rich_help_panel=_SELECTION,
    ),
]
OtherTables = Annotated[
    list[str] | None,
    typer.Option(
        "--table",
        metavar="NAME=URI",
        help="A further table for --sql.",
        rich_help_panel=_SELECTION,
    ),
]
PatientIds = Annotated[
    list[str] | None,
    typer.Option("--patient-id", metavar="ID", help="A PatientID.", rich_help_panel=_SELECTION),
]
StudyUids = Annotated[
    list[str] | None,
    typer.Option(
        "--study-uid", metavar="UID", help="A StudyInstanceUID.", rich_help_panel=_SELECTION
    ),
]
Ids = Annotated[
    Path | None,
    typer.Option(
        "--ids",
        metavar="FILE",
        help="A file of identifiers: CSV, text or Parquet.",
        rich_help_panel=_SELECTION,
    ),
]
IdColumn = Annotated[
    str | None,
    typer.Option(
        "--column",
        metavar="NAME",
        autocompletion=completion.columns,
        help="The column that --ids is matched with.",
        rich_help_panel=_SELECTION,
    ),
]
ExcludeIds = Annotated[
    Path | None,
    typer.Option(
        "--exclude-ids",
        metavar="FILE",
        help="A file of identifiers that are left out.",
        rich_help_panel=_SELECTION,
    ),
]
ExcludeColumn = Annotated[
    str | None,
    typer.Option(
        "--exclude-column",
        metavar="NAME",
        autocompletion=completion.columns,
        help="The column that --exclude-ids is matched with.",
        rich_help_panel=_SELECTION,
    ),
]
ExcludeFilter = Annotated[
    str | None,
    typer.Option(
        "--exclude-filter",
        metavar="FILE",
        help="A filter file of what is left out.",
        rich_help_panel=_SELECTION,
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="30d",
        help="Studies of the last days (d) or weeks (w).",
        rich_help_panel=_SELECTION,
    ),
]
All = Annotated[
    bool, typer.Option("--all", help="Every row of the table.", rich_help_panel=_SELECTION)
]
AllVersions = Annotated[
    bool,
    typer.Option(
        "--all-versions", help="Superseded and deleted rows too.", rich_help_panel=_SELECTION
    ),
]
LevelOption = Annotated[
    Level | None,
    typer.Option(
        "--level",
        metavar="study|series|instance",
        help="The finest level of a line; by default the table's.",
        rich_help_panel=LINES,
    ),
]
MaximumBytesBilled = Annotated[
    int,
    typer.Option(
        "--maximum-bytes-billed",
        metavar="N",
        min=1,
        show_default=False,
        help="The most bytes that all queries may bill; 1 TiB.",
        rich_help_panel=_ENGINE,
    ),
]
Staging = Annotated[
    str | None,
    typer.Option(
        "--staging",
        metavar="gs://...",
        help="Where shards are put, in the region of the dataset.",
        rich_help_panel=_ENGINE,
    ),
]
TempDataset = Annotated[
    str | None,
    typer.Option(
        "--temp-dataset",
        metavar="P.D",
        help="The BigQuery dataset of staged tables.",
        rich_help_panel=_ENGINE,
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="4GB",
        help="The memory of the embedded engine.",
        rich_help_panel=_ENGINE,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No summary and no progress.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replacement of a file that is there.")
]
FreshWithin = Annotated[
    str | None,
    typer.Option(
        "--fresh-within",
        metavar="24h",
        help="A gate, status 9: nothing starts unless the table is so fresh.",
    ),
]
