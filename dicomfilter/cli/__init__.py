"""The command line: each command parses, makes one library call, and prints."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dicomfilter import __version__
from dicomfilter.cli import messages
from dicomfilter.cli.build import build
from dicomfilter.cli.check import check
from dicomfilter.cli.columns import columns
from dicomfilter.cli.count import count
from dicomfilter.cli.query import queries, query
from dicomfilter.cli.summary import summary
from dicomfilter.errors import DestinationError, DicomFilterError

if TYPE_CHECKING:
    from types import FrameType

INTERRUPTED = 130
CLOSED_PIPE = 141
TERMINATED = 143

app = typer.Typer(
    name="dicomfilter",
    help="Turn SQL predicates over DICOM metadata into filter files.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(build)
app.command()(count)
app.command()(columns)
app.command()(query)
app.command()(queries)
app.command()(check)
app.command()(summary)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"dicomfilter {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option("--version", help="The version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Turn SQL predicates over DICOM metadata into filter files."""
    if context.invoked_subcommand is None:
        with redirect_stdout(sys.stderr):  # Typer draws its help on standard output
            typer.echo(context.get_help())
        raise typer.Exit(2)


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    """End as an exception does, so that what is half done is cleaned up."""
    raise SystemExit(TERMINATED)


def _abandon_standard_output() -> None:
    """Let Python's own flush at the end go nowhere: its reader has gone, or its disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main() -> NoReturn:
    """Run the command line and exit with the status that design and README name."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        status = app(standalone_mode=False) or 0
    except DicomFilterError as error:
        messages.error(error)
        if isinstance(error, DestinationError):
            _abandon_standard_output()
        status = error.exit_status
    except typer.TyperException as misuse:
        messages.misuse(misuse)
        status = 2
    except KeyboardInterrupt:
        status = INTERRUPTED
    except OSError as failure:
        # Files are the storage's business; what has no name is standard output.
        if failure.filename is not None:
            raise
        reason = (failure.strerror or str(failure)).lower()
        full = DestinationError(f"standard output cannot be written: {reason}")
        messages.error(full)
        _abandon_standard_output()
        status = full.exit_status
    except SystemExit as end:
        # Typer ends so, with status 1, when the reader of standard output has gone.
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        _abandon_standard_output()
        status = CLOSED_PIPE
    if status == INTERRUPTED:
        messages.interrupted()
    sys.exit(status)
