"""``dicomfilter import``: images from Cloud Storage into a DICOM store."""

from __future__ import annotations

from typing import Annotated

import typer

from dicomfilter.cli.help import Command
from dicomfilter.cli.store_options import Starting, Where, with_options
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
@with_options("filter", "everything", "staging", "manifest")
def import_gcs(
    *,
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
    how: Starting,
    where: Where,
) -> int:
    """Import images from Cloud Storage; instances that are there stay as they are.

    Example: dicomfilter import gcs STORE --gcs-uri 'gs://b/in/**.dcm'
    """
    return launch(where.name, where.kinds.import_from_gcs(uri, storage_class), how)
