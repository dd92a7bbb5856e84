"""``dicomfilter freshness``: whether a table still says what its store holds."""

from __future__ import annotations

import json
import textwrap
from typing import Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import (
    Json,
    MaximumBytesBilled,
    Params,
    Quiet,
    Where,
)
from dicomfilter.cli.profiles import TABLE_VARIABLE
from dicomfilter.cli.terminal import echo
from dicomfilter.engines.protocol import DEFAULT_MAXIMUM_BYTES_BILLED
from dicomfilter.errors import FindingsError

_COHORT = "Cohort"
_WIDTH = 80
_NAMES = 10

TableArgument = Annotated[
    str,
    typer.Argument(
        metavar="TABLE",
        help="bq://project.dataset.table, or a Parquet, NDJSON, CSV or DuckDB file.",
        envvar=TABLE_VARIABLE,
        show_default=False,
    ),
]
StoreIfAny = Annotated[
    str | None,
    typer.Argument(
        metavar="[STORE]",
        help="The DICOM store or folder that the table is of; by age alone without one.",
        envvar="DICOMFILTER_STORE",
        show_default=False,
    ),
]


def freshness(
    table: TableArgument,
    store: StoreIfAny = None,
    where: Where = None,
    param: Params = None,
    filter_file: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="F",
            help="Only the studies that a filter file names, asked one by one.",
            rich_help_panel=_COHORT,
        ),
    ] = None,
    max_requests: Annotated[
        int,
        typer.Option(
            "--max-requests",
            metavar="1000",
            min=0,
            show_default=False,
            help="How many studies of a cohort are asked at most.",
            rich_help_panel=_COHORT,
        ),
    ] = 1000,
    max_age: Annotated[
        str, typer.Option("--max-age", metavar="24h", show_default=False, help="The oldest table.")
    ] = "24h",
    max_drift: Annotated[
        str,
        typer.Option(
            "--max-drift",
            metavar="0.1%",
            show_default=False,
            help="The share of instances by which it may differ.",
        ),
    ] = "0.1%",
    maximum_bytes_billed: MaximumBytesBilled = DEFAULT_MAXIMUM_BYTES_BILLED,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Say whether a table still tells what its store holds.

    Example: dicomfilter freshness bq://p.imaging.metadata STORE
    """
    from dicomfilter.cli.selecting import given_parameters
    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.proof.table_comparison import FreshnessOptions
    from dicomfilter.proof.table_comparison import freshness as compare

    options = FreshnessOptions(
        tuple(where or ()),
        given_parameters(param or ()),
        filter_file,
        max_age,
        max_drift,
        max_requests,
        EngineOptions(maximum_bytes_billed, command="freshness"),
    )
    found = compare(table, store, options=options)
    if as_json:
        echo(json.dumps(found.to_dict()))
    elif quiet:
        echo(str(found.verdict))
    else:
        for name, text in found.facts():
            for line in laid_out(name, text):
                echo(line)
    if found.hint and not quiet:
        messages.hint(found.hint)
    return 0 if found.is_fresh else FindingsError.exit_status


def laid_out(name: str, text: str) -> list[str]:
    """Lay a name and a sentence out in the columns of a terminal."""
    pieces = textwrap.wrap(
        text, _WIDTH - _NAMES, break_long_words=False, break_on_hyphens=False
    ) or [""]
    first = f"{name:<{_NAMES}}{pieces[0]}"
    return [first, *(f"{'':<{_NAMES}}{piece}" for piece in pieces[1:])]
