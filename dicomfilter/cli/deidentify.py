"""``dicomfilter deidentify``: de-identified copies in another DICOM store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dicomfilter.cli.store_options import Starting, Where, with_options
from dicomfilter.cli.waiting import launch
from dicomfilter.errors import UsageError

_HOW = "De-identification"


@with_options("retry")
def deidentify(
    *,
    destination: Annotated[
        str,
        typer.Option(
            "--destination-store",
            metavar="S",
            help="The store that copies go to: in full, or of the same dataset; or a folder.",
            rich_help_panel=_HOW,
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="A DeidentifyConfig as JSON; the service's default profile without.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    gcs_config_uri: Annotated[
        str | None,
        typer.Option(
            "--gcs-config-uri",
            metavar="gs://B/O",
            help="The same in Cloud Storage.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    retain_dates: Annotated[
        bool,
        typer.Option(
            "--retain-dates", help="Dates and times in full; folders only.", rich_help_panel=_HOW
        ),
    ] = False,
    shift_dates: Annotated[
        bool,
        typer.Option(
            "--shift-dates",
            help="Dates moved, a patient's by the same days; folders only.",
            rich_help_panel=_HOW,
        ),
    ] = False,
    retain_uids: Annotated[
        bool,
        typer.Option(
            "--retain-uids",
            help="The UIDs of studies, series and instances.",
            rich_help_panel=_HOW,
        ),
    ] = False,
    how: Starting,
    where: Where,
) -> int:
    """Write de-identified copies into another DICOM store.

    Example: dicomfilter deidentify STORE --filter gs://b/ct.txt --destination-store research
    """
    from dicomfilter.notebook.asking import beside

    target = beside(where.name, destination)
    if retain_dates and shift_dates:
        raise UsageError("--retain-dates and --shift-dates exclude each other", hint="drop one")
    dates = "keep" if retain_dates else "shift" if shift_dates else "remove"
    request = where.kinds.deidentify(
        target, _read(config), gcs_config_uri, dates=dates, retain_uids=retain_uids
    )
    return launch(where.name, request, how, into=request.place)


def _read(config: Path | None) -> dict[str, Any] | None:
    from dicomfilter.notebook.asking import read_config

    return None if config is None else read_config(str(config))
