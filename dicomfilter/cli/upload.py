"""``dicomfilter upload``: a filter file is checked and carried to Cloud Storage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Json, Overwrite, Quiet
from dicomfilter.cli.terminal import echo

if TYPE_CHECKING:
    from dicomfilter.filters.transfer import Uploaded


def upload(
    filter_file: Annotated[str, typer.Argument(metavar="FILE", help="A filter file; - for stdin.")],
    destination: Annotated[
        str, typer.Argument(metavar="URI", help="Where it goes: gs://BUCKET/OBJECT.")
    ],
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check a filter file and carry it to Cloud Storage.

    Example: dicomfilter upload ct.txt gs://my-bucket/filters/ct.txt
    """
    from dicomfilter.filters.transfer import upload_filter

    _show(
        upload_filter(filter_file, destination, overwrite=overwrite), as_json=as_json, quiet=quiet
    )
    return 0


def _show(uploaded: Uploaded, *, as_json: bool, quiet: bool) -> None:
    from dicomfilter.counts import human_size

    written, levels = uploaded.written, uploaded.levels
    if not quiet:
        named = messages.levels(levels.study, levels.series, levels.instance)
        messages.note(f"lines    {uploaded.lines:,} ({named})")
        size = human_size(written.size_bytes)
        messages.note(f"object   {size}, CRC32C {written.crc32c}, generation {written.generation}")
        for finding in uploaded.report.notices:
            messages.note(f"notice   {finding.kind}: {finding.where}: {finding.explanation}")
    if not as_json:
        echo(uploaded.uri)
        return
    document = {
        "uri": uploaded.uri,
        "lines": uploaded.lines,
        "levels": {"study": levels.study, "series": levels.series, "instance": levels.instance},
        "size_bytes": written.size_bytes,
        "crc32c": written.crc32c,
        "sha256": written.sha256,
        "generation": written.generation,
    }
    echo(json.dumps(document))
