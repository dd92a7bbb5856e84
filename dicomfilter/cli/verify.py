"""``dicomfilter verify``: what was asked for against what arrived."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Json, MaximumBytesBilled, Overwrite, Quiet
from dicomfilter.cli.terminal import echo
from dicomfilter.engines.protocol import DEFAULT_MAXIMUM_BYTES_BILLED
from dicomfilter.errors import FindingsError, UsageError

if TYPE_CHECKING:
    from dicomfilter.cli.store_options import Starting
    from dicomfilter.proof.lists import Lists
    from dicomfilter.proof.verification import Verification

_EXPORT = "Export"
_EXPECTED = "What is expected"
_LISTS = "Lists"
_ALL = "all"

FilterArgument = Annotated[
    str, typer.Argument(metavar="FILTER", help="A filter file; - for stdin.")
]
DestinationArgument = Annotated[
    str,
    typer.Argument(
        metavar="DESTINATION",
        help="A folder, gs://BUCKET/FOLDER/, bq://P.D.T, FILE.parquet or FILE.duckdb::TABLE.",
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="TABLE",
        help="A table that knows what studies and series hold; the manifest's by default.",
        rich_help_panel=_EXPECTED,
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="STORE",
        help="The store, asked for numbers where no table knows; the export's by default.",
        rich_help_panel=_EXPECTED,
    ),
]
MaxRequests = Annotated[
    int,
    typer.Option(
        "--max-requests",
        metavar="1000",
        show_default=False,
        min=0,
        help="How often the store is asked at most.",
        rich_help_panel=_EXPECTED,
    ),
]
OperationOption = Annotated[
    str | None,
    typer.Option(
        "--operation",
        metavar="NAME",
        help="The export; the first of this filter to this place by default.",
        rich_help_panel=_EXPORT,
    ),
]
MimeType = Annotated[
    str | None,
    typer.Option(
        "--mime-type",
        metavar="TYPE",
        help="The format; the export's by default, or DICOM.",
        rich_help_panel=_EXPORT,
    ),
]
Listing = Annotated[
    str | None,
    typer.Option(
        "--listing",
        metavar="FILE",
        help="Names listed elsewhere: text, CSV or Parquet; the destination is not asked.",
        rich_help_panel=_EXPORT,
    ),
]
Memory = Annotated[
    str,
    typer.Option(
        "--memory-limit",
        metavar="128MB",
        show_default=False,
        help="The memory before rows are kept in a temporary folder.",
    ),
]


def _list(name: str, what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        f"--{name}", metavar="FILE", help=what, rich_help_panel=_LISTS
    )
    return option


def verify(
    filter_file: FilterArgument,
    destination: DestinationArgument,
    against: Against = None,
    operation: OperationOption = None,
    store: StoreOption = None,
    max_requests: MaxRequests = 1000,
    mime_type: MimeType = None,
    listing: Listing = None,
    one_way: Annotated[
        bool, typer.Option("--one-way", help="What was not asked for is no finding.")
    ] = False,
    read: Annotated[
        str | None,
        typer.Option("--read", metavar="N|all", help="Files to be opened, their UIDs compared."),
    ] = None,
    missing: Annotated[
        str | None, _list("missing", "Another place for FILTER.missing.csv.")
    ] = None,
    unexpected: Annotated[
        str | None, _list("unexpected", "Another place for FILTER.unexpected.csv.")
    ] = None,
    retry: Annotated[
        str | None, _list("retry", "Another place for FILTER.retry.txt, what can still arrive.")
    ] = None,
    delivered: Annotated[
        str | None, _list("delivered", "Another place for FILTER.delivered.txt, what arrived.")
    ] = None,
    manifest: Annotated[
        str | None,
        typer.Option("--manifest", metavar="PATH", help="The filter's manifest elsewhere."),
    ] = None,
    overwrite: Overwrite = False,
    memory_limit: Memory = "128MB",
    maximum_bytes_billed: MaximumBytesBilled = DEFAULT_MAXIMUM_BYTES_BILLED,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare what a filter asks for with what arrived.

    Example: dicomfilter verify ct.txt gs://bucket/out/
    """
    from dicomfilter.proof.lists import Lists
    from dicomfilter.proof.verify import VerifyOptions
    from dicomfilter.proof.verify import verify as compare

    lists = Lists(filter_file, missing, unexpected, retry, delivered, overwrite)
    lists.check()
    found = compare(
        filter_file,
        destination,
        options=VerifyOptions(
            against=against,
            store=store,
            operation=operation,
            mime_type=mime_type,
            listing=listing,
            one_way=one_way,
            read=_number(read),
            manifest=manifest,
            max_requests=max_requests,
            memory_limit=memory_limit,
            maximum_bytes_billed=maximum_bytes_billed,
        ),
    )
    return show(found, lists.write(found), as_json=as_json, quiet=quiet)


def after_export(
    lists: Lists,
    destination: str,
    operation: str,
    *,
    how: Starting,
    store: str,
    mime_type: str | None,
) -> tuple[dict[str, Any], int]:
    """Verify what an export has brought.

    Args:
        lists: Where its lists go.
        destination: Of the export.
        operation: The export.
        how: The options that it was started with.
        store: The store.
        mime_type: The format that was asked for.

    Returns:
        What JSON says of it, and the status.
    """
    from dicomfilter.proof.verify import VerifyOptions
    from dicomfilter.proof.verify import verify as compare

    options = VerifyOptions(
        store=store, operation=operation, mime_type=mime_type, manifest=how.manifest
    )
    found = compare(lists.filter_uri, destination, options=options)
    written = lists.write(found)
    if not how.as_json:
        for line in [found.verdict] if how.quiet else text(found):
            messages.note(line)
    _tell(found, written, quiet=how.quiet)
    return {"verification": _document(found, written)}, _status(found)


def show(found: Verification, written: dict[str, str], *, as_json: bool, quiet: bool) -> int:
    """Say what became of a filter's images.

    Args:
        found: The comparison.
        written: The lists that were written.
        as_json: Whether one JSON object is wanted.
        quiet: Whether only the verdict is.

    Returns:
        The status to exit with.
    """
    if as_json:
        echo(json.dumps(_document(found, written)))
    elif quiet:
        echo(found.verdict)
    else:
        for line in text(found):
            echo(line)
    _tell(found, written, quiet=quiet)
    return _status(found)


def _status(found: Verification) -> int:
    return 0 if found.is_complete else FindingsError.exit_status


def _document(found: Verification, written: dict[str, str]) -> dict[str, Any]:
    document = found.to_dict()
    for which in ("missing", "unexpected", "retry"):
        document[which]["file"] = written.get(which)
    document["delivered"] = {"count": found.numbers.delivered, "file": written.get("delivered")}
    return document


def _tell(found: Verification, written: dict[str, str], *, quiet: bool) -> None:
    messages.warnings(found.warnings)
    if not quiet:
        for which in ("missing", "unexpected", "delivered"):
            if which in written:
                messages.note(f"{which:<11}{written[which]}")
        if "retry" in written:
            messages.note(f"retry      {written['retry']}, {found.levels.total:,} lines")
            messages.hint("export it to the same place, and verify again")


def text(found: Verification) -> list[str]:
    """Lay a comparison out in the 80 columns of a terminal."""
    import textwrap

    rows = found.rows()
    width = max(len(number) for name, number, _ in rows if name != "verdict")
    lines = []
    for name, number, words in rows:
        if name == "verdict":
            lines.append(f"{name:<11}{number}")
            continue
        head = f"{name:<11}{number:>{width}}"
        room = max(20, 80 - len(head) - 2)
        pieces = textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False)
        lines.append(f"{head}  {pieces[0]}" if pieces else head)
        lines += [f"{'':{len(head)}}  {piece}" for piece in pieces[1:]]
    return lines


def _number(read: str | None) -> int | None:
    if read is None:
        return 0
    if read == _ALL:
        return None
    if not read.isascii() or not read.isdecimal():
        raise UsageError(f"--read {read!r} is no number", hint="write a number, or all")
    return int(read)
