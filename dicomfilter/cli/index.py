"""``dicomfilter index``: the metadata table of a folder of DICOM files."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Json, Overwrite, Quiet
from dicomfilter.cli.progress import drawing
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import FindingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dicomfilter.dicom.headers.index import Indexed
    from dicomfilter.dicom.headers.survey import Progress


def index(
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A folder of DICOM files, and all below it.")
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="TABLE", help="The table: NAME.parquet.")
    ],
    update: Annotated[
        bool, typer.Option("--update", help="Only what is new, changed or gone.")
    ] = False,
    errors: Annotated[
        Path | None,
        typer.Option("--errors", metavar="FILE", help="What is not in the table, as CSV."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", min=1, help="Processes at most; one a core."),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write the metadata table of a folder of DICOM files.

    Example: dicomfilter index scans -o metadata.parquet --errors errors.csv
    """
    from dicomfilter.dicom.headers.index import index_folder

    with _interruptible(output), _progress(quiet=quiet) as progress:
        made = index_folder(
            folder,
            output,
            update=update,
            overwrite=overwrite,
            errors=errors,
            workers=workers,
            progress=progress,
        )
    if not quiet:
        _summarize(made)
    if not made.instances:
        messages.warnings([f"{folder} holds no DICOM instance"])
    if made.losses:
        where = f"see {made.errors_uri}" if made.errors_uri else "list them with --errors FILE"
        messages.warnings([f"{made.losses:,} DICOM files or values are not in the table; {where}"])
    if as_json:
        echo(json.dumps({**asdict(made), "losses": made.losses}))
    else:
        echo(made.uri)
    return FindingsError.exit_status if made.losses else 0


def _summarize(made: Indexed) -> None:
    changes = made.changes
    rows = [
        ("rows", f"{made.rows:,}, {made.columns:,} columns"),
        ("holds", f"{made.instances:,} instances"),
        ("read", f"{changes.read:,} files"),
        ("new", f"{changes.added:,}; {changes.changed:,} changed, {changes.gone:,} gone"),
        ("passed", _counts(made.passed)),
        ("values", _counts(made.values)),
        ("beside", made.paths_uri),
        ("errors", made.errors_uri or ""),
    ]
    for name, text in rows:
        if text:
            messages.note(f"{name:<8} {text}")


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in found.items())


@contextmanager
def _interruptible(output: str) -> Iterator[None]:
    """Say on Ctrl-C what becomes of what was read."""
    from dicomfilter.dicom.headers.index_parts import parts_beside

    try:
        yield
    except KeyboardInterrupt:
        kept = parts_beside(Path(output))
        if kept.exists():
            messages.note(f"what was read is kept in {kept}")
            messages.hint("run it again to go on, or remove that folder")
        raise


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Progress | None]:
    """Show how many files have been read and how fast, where a person watches."""
    with drawing("list", quiet=quiet) as draw:
        if draw is None:
            yield None
            return

        def show(step: str, done: int = 0, total: int | None = None) -> None:
            of = f" of {total:,}" if total else ""
            draw(step, done, total, f"{done:,}{of} files" if done else "", rate="files")

        yield show
