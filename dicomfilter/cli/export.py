"""``dicomfilter export``: images to Cloud Storage, metadata to BigQuery."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli.help import Command
from dicomfilter.cli.options import FreshWithin
from dicomfilter.cli.store_options import FILTER, Starting, Where, with_options
from dicomfilter.cli.waiting import launch
from dicomfilter.errors import UsageError
from dicomfilter.stores.requests import TableForm, WriteDisposition

if TYPE_CHECKING:
    from dicomfilter.cli.waiting import Afterwards

_DESTINATION = "Destination"
Verify = Annotated[
    bool,
    typer.Option(
        "--verify",
        help="What arrived compared with the filter, after the wait; the worse status counts.",
        rich_help_panel="Waiting",
    ),
]

export = typer.Typer(
    name="export", help="Export from a DICOM store.", no_args_is_help=False, rich_markup_mode=None
)


@export.command("gcs", cls=Command)
@with_options()
def export_gcs(
    *,
    uri_prefix: Annotated[
        str,
        typer.Option(
            "--gcs-uri-prefix",
            metavar="gs://BUCKET/FOLDER/",
            help="Where images go; of a folder, also to another folder.",
            rich_help_panel=_DESTINATION,
        ),
    ],
    mime_type: Annotated[
        str | None,
        typer.Option(
            "--mime-type",
            metavar="TYPE",
            help="The format; as stored by default.",
            rich_help_panel=_DESTINATION,
        ),
    ] = None,
    max_parallel: Annotated[
        int | None,
        typer.Option(
            "--max-parallel",
            metavar="N",
            min=1,
            help="How many of several filters are at work; 3. A pattern names several.",
            rich_help_panel=FILTER,
        ),
    ] = None,
    verify: Verify = False,
    fresh_within: FreshWithin = None,
    how: Starting,
    where: Where,
) -> int:
    """Export images to Cloud Storage.

    Example: dicomfilter export gcs STORE --filter gs://b/ct.txt --gcs-uri-prefix gs://b/out/
    """
    request = where.kinds.export_to_gcs(uri_prefix, mime_type)
    _gate(fresh_within, where, how)
    if how.filter is not None and not how.everything and set(how.filter) & set("*?["):
        from dicomfilter.cli.several import launch_several

        if verify:
            raise UsageError(
                "--verify is for one filter", hint="verify each with `dicomfilter verify`"
            )
        return launch_several(where.name, request, how, max_parallel=max_parallel)
    if max_parallel is not None:
        raise UsageError(
            "--max-parallel is for several filters", hint="name them with --filter 'ct-*.txt'"
        )
    then = _verification(uri_prefix, how, where, mime_type) if verify else None
    return launch(where.name, request, how, into=uri_prefix, then=then)


@export.command("bq", cls=Command)
@with_options("retry")
def export_bq(
    *,
    table: Annotated[
        str,
        typer.Option(
            "--bq-table",
            metavar="bq://P.D.T",
            help="The table, in any project; of a folder FILE.parquet or FILE.duckdb::TABLE.",
            rich_help_panel=_DESTINATION,
        ),
    ],
    write_disposition: Annotated[
        WriteDisposition,
        typer.Option(
            "--write-disposition",
            help="What becomes of rows that are there.",
            rich_help_panel=_DESTINATION,
        ),
    ] = WriteDisposition.WRITE_EMPTY,
    form: Annotated[
        TableForm | None,
        typer.Option(
            "--schema",
            help="A column a tag, or all tags in one.",
            rich_help_panel=_DESTINATION,
        ),
    ] = None,
    include_source_store: Annotated[
        bool,
        typer.Option(
            "--include-source-store",
            help="A column with the store's name.",
            rich_help_panel=_DESTINATION,
        ),
    ] = False,
    verify: Verify = False,
    fresh_within: FreshWithin = None,
    how: Starting,
    where: Where,
) -> int:
    """Export metadata to a BigQuery table.

    Example: dicomfilter export bq STORE --all --bq-table bq://p.imaging.metadata
    """
    kind = where.kinds.export_to_bigquery
    request = kind(table, write_disposition, form, include_source_store)
    _gate(fresh_within, where, how)
    then = _verification(table, how, where, None) if verify else None
    return launch(where.name, request, how, into=table, then=then)


def _verification(
    destination: str, how: Starting, where: Where, mime_type: str | None
) -> Afterwards:
    """Prepare a verification, and refuse one that cannot be made before anything starts.

    Raises:
        UsageError: There is no filter, or nobody waits for the end.
    """
    if how.filter is None:
        raise UsageError(
            "--verify compares with a filter, and there is none", hint="name one with --filter"
        )
    if how.no_wait:
        raise UsageError(
            "--async waits for no end, and --verify looks after it",
            hint="drop --async, or run `dicomfilter verify` later",
        )
    from dicomfilter.cli.verify import after_export
    from dicomfilter.proof.lists import Lists

    lists = Lists(how.filter)
    lists.check()
    return partial(
        after_export,
        lists,
        destination,
        how=how,
        store=str(where.name),
        mime_type=mime_type,
    )


def _gate(fresh_within: str | None, where: Where, how: Starting) -> None:
    """Stop unless what the filters were made of is fresh."""
    if fresh_within is None or how.print_request:
        return
    from dicomfilter.filters.matching import filters_of
    from dicomfilter.proof.fresh_gate import require_fresh_filter

    for uri in [None] if how.filter is None else filters_of(how.filter):
        require_fresh_filter(uri, where.name, fresh_within, manifest=how.manifest)
