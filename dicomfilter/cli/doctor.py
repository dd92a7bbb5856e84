"""``dicomfilter doctor``: whether all that an export needs is there."""

from __future__ import annotations

import json
import textwrap
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Json, Quiet
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import DicomFilterError, FindingsError
from dicomfilter.proof.doctor.checks import Purpose, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dicomfilter.notebook.asking import Asked
    from dicomfilter.proof.doctor.checks import Check

_WIDTH = 80
_NAMES = 20
_STATES = 9


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
            help="Where images go, or come from for an import; or a folder.",
        ),
    ] = None,
    bq_table: Annotated[
        str | None,
        typer.Option("--bq-table", metavar="bq://P.D.T", help="Where metadata are to go."),
    ] = None,
    filter_file: Annotated[
        str | None,
        typer.Option("--filter", metavar="F", help="The filter, as the service is to read it."),
    ] = None,
    purpose: Annotated[
        Purpose | None,
        typer.Option("--for", help="What you are about to do; an export by default."),
    ] = None,
    probe: Annotated[
        bool,
        typer.Option(
            "--probe", help="One instance of the filter exported, which stays until you remove it."
        ),
    ] = False,
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

    found = examine(
        table,
        store,
        destination,
        bq_table=bq_table,
        filter=filter_file,
        purpose=purpose,
        probe=probe,
        strict=strict,
    )
    if as_json:
        echo(json.dumps(found.to_dict()))
    elif not quiet:
        for line in laid_out(found.checks):
            echo(line)
    if not quiet:
        messages.note(found.told)
    return 0 if found.is_ok else FindingsError.exit_status


def laid_out(checks: Iterable[Check]) -> Iterator[str]:
    """Lay checks out in the columns of a terminal, with the lines to paste."""
    left = _NAMES + _STATES
    for check in checks:
        lines = textwrap.wrap(
            check.sentence, _WIDTH - left, break_long_words=False, break_on_hyphens=False
        )
        yield f"{check.id:<{_NAMES}}{check.status.upper():<{_STATES}}{lines[0]}"
        yield from (f"{'':<{left}}{line}" for line in lines[1:])
        yield from (f"    {fix}" for fix in check.fix)


def attached(error: DicomFilterError, asked: Asked) -> None:
    """Show what the doctor finds where a start was refused; what passed is left out.

    Args:
        error: The refusal.
        asked: What was to be started.
    """
    from dicomfilter.proof.doctor.examination import doctor as examine
    from dicomfilter.proof.doctor.purposes import aimed

    with suppress(DicomFilterError):
        found = examine(**aimed(asked.call.store, asked.call.request, asked.filter_uri))
        messages.note(f"{error.code}: what `dicomfilter doctor` sees ({found.told})")
        for line in laid_out(c for c in found.checks if c.status is not Status.PASS):
            echo(line, err=True)
