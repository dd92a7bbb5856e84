"""``dicomfilter report``: what left, as a page for who has to answer for it."""

from __future__ import annotations

from typing import Annotated

import typer

from dicomfilter.cli import completion, messages
from dicomfilter.cli.options import Overwrite, Quiet
from dicomfilter.cli.terminal import echo


def report(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="FILTER|MANIFEST|OPERATION", help="What it is about.", show_default=False
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE.html", help="Where the page is written.")
    ],
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="TABLE",
            help="The table that tells what the filter covers; the manifest's, if of files.",
            autocompletion=completion.tables,
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="COLUMN", help="A column by which that is told apart."),
    ] = None,
    min_cell: Annotated[
        int,
        typer.Option("--min-cell", metavar="N", min=1, help="Fewer patients are not counted out."),
    ] = 11,
    title: Annotated[
        str | None, typer.Option("--title", metavar="T", help="The page's head.")
    ] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="The same as JSON, in a file.")
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> int:
    """Write a page that says what left, on whose word.

    Example: dicomfilter report ct.txt -o ct.html --against metadata.parquet
    """
    from dicomfilter.proof.report.page import report as made

    found = made(subject, against=against, by=by or (), min_cell=min_cell, title=title)
    if json_file is not None:
        found.save_json(json_file, overwrite=overwrite)
    uri = found.save(output, overwrite=overwrite)
    if not quiet:
        word, sentence = found.found.verdict
        messages.note(f"verdict  {word}: {sentence}")
        for note in found.found.notes:
            messages.note(f"note     {note}")
    echo(uri)
    return 0
