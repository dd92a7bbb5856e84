"""``dicomfilter import``: images from Cloud Storage into a DICOM store."""

from __future__ import annotations

from typing import Annotated

import typer

from dicomfilter.cli.help import Command
from dicomfilter.cli.options import Json, Quiet
from dicomfilter.cli.store_options import (
    CancelOnInterrupt,
    Dataset,
    Location,
    NoWait,
    PrintRequest,
    Project,
    RetryStart,
    StartAgain,
    Starting,
    StoreArgument,
    Timeout,
    Version,
    Where,
)
from dicomfilter.cli.waiting import launch
from dicomfilter.stores.requests import StorageClass

_SOURCE = "Source"

import_ = typer.Typer(
    name="import", help="Import into a DICOM store.", no_args_is_help=False, rich_markup_mode=None
)


@import_.callback()
def _import() -> None:
    """Import into a DICOM store."""


@import_.command("gcs", cls=Command)
def import_gcs(
    store: StoreArgument,
    uri: Annotated[
        str,
        typer.Option(
            "--gcs-uri",
            metavar="gs://BUCKET/PATTERN",
            help="An object or a pattern of *, ? or one ** at the end; into a folder, also files.",
            rich_help_panel=_SOURCE,
        ),
    ],
    storage_class: Annotated[
        StorageClass | None,
        typer.Option(
            "--storage-class",
            case_sensitive=False,
            help="What images are stored as.",
            rich_help_panel=_SOURCE,
        ),
    ] = None,
    dataset: Dataset = None,
    location: Location = None,
    project: Project = None,
    no_wait: NoWait = False,
    timeout_s: Timeout = None,
    cancel_on_interrupt: CancelOnInterrupt = False,
    print_request: PrintRequest = False,
    api_version: Version = None,
    start_again: StartAgain = False,
    retry_start: RetryStart = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Import images from Cloud Storage; instances that are there stay as they are.

    Example: dicomfilter import gcs STORE --gcs-uri 'gs://b/in/**.dcm'
    """
    how = Starting(
        no_wait=no_wait,
        timeout_s=timeout_s,
        cancel_on_interrupt=cancel_on_interrupt,
        print_request=print_request,
        api_version=api_version,
        again=start_again,
        retry=retry_start,
        as_json=as_json,
        quiet=quiet,
    )
    where = Where(store, dataset, location, project)
    return launch(where.name, where.kinds.import_from_gcs(uri, storage_class), how)
