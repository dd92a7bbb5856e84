"""``dicomfilter doctor``: whether all that an export needs is there."""

from __future__ import annotations

import json
import textwrap
from typing import Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Json, Quiet
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import FindingsError

_WIDTH = 80
_NAMES = 20
_PASSED = "PASS"


def doctor(
    store: Annotated[
        str | None,
        typer.Argument(
            metavar="[STORE]",
            help="The DICOM store, in full, or a folder.",
            envvar="DICOMFILTER_STORE",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="TABLE", help="The table of metadata."),
    ] = None,
    destination: Annotated[
        str | None,
        typer.Option(
            "--gcs-uri-prefix",
            metavar="gs://BUCKET/FOLDER/",
            help="Where images are to go; or a folder.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Warnings, and what cannot be told, are failures too."),
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check what an export needs, and change nothing.

    Example: dicomfilter doctor STORE --gcs-uri-prefix gs://bucket/out/
    """
    from dicomfilter.proof.doctor.examination import doctor as examine

    found = examine(table, store, destination, strict=strict)
    if as_json:
        echo(json.dumps(found.to_dict()))
    elif not quiet:
        for (name, text), check in zip(found.rows(), found.checks, strict=True):
            lines = textwrap.wrap(
                text, _WIDTH - _NAMES, break_long_words=False, break_on_hyphens=False
            )
            echo(f"{name:<{_NAMES}}{lines[0]}")
            for line in lines[1:]:
                echo(f"{'':<{_NAMES}}{line}")
            if not text.startswith(_PASSED):
                for fix in check.fix:
                    echo(f"    {fix}")
    if not quiet:
        messages.note(found.told)
    return 0 if found.is_ok else FindingsError.exit_status
