"""``dicomfilter handoff``: what arrived, listed for the tool that carries it on."""

from __future__ import annotations

from typing import Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Overwrite, Quiet
from dicomfilter.cli.verify import (
    Against,
    DestinationArgument,
    FilterArgument,
    Listing,
    MimeType,
    OperationOption,
    StoreOption,
)
from dicomfilter.errors import FindingsError
from dicomfilter.proof.handoff import Form


def handoff(
    filter_file: FilterArgument,
    destination: DestinationArgument,
    form: Annotated[Form, typer.Option("--format", help="For which tool.")] = Form.URLS,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The list; standard output by default."
        ),
    ] = "-",
    against: Against = None,
    operation: OperationOption = None,
    store: StoreOption = None,
    mime_type: MimeType = None,
    listing: Listing = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> int:
    """List what arrived for gcloud, rclone and others.

    Example: dicomfilter handoff ct.txt gs://b/out/ --format gcloud | gcloud storage cp -I DIR
    """
    from dicomfilter.proof.handoff import check, hand_off
    from dicomfilter.proof.verify import VerifyOptions, verify
    from dicomfilter.storage import open_storage

    check(destination, output, form)
    open_storage(output).check_destination(output, overwrite=overwrite, inputs=(filter_file,))
    options = VerifyOptions(
        against=against,
        store=store,
        operation=operation,
        mime_type=mime_type,
        listing=listing,
        one_way=True,
    )
    found = verify(filter_file, destination, options=options)
    messages.warnings(found.warnings)
    count = hand_off(found, output, form=form, overwrite=overwrite)
    if not quiet:
        messages.note(f"files    {count:,}, of {found.numbers.delivered:,} instances")
    if found.is_complete:
        return 0
    messages.warnings([f"the set is {found.verdict}: see `dicomfilter verify`"])
    return FindingsError.exit_status
