"""The command line: each command parses, makes one library call, and prints."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import warnings
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.commands import Commands
from dicomfilter.cli.profiles import ProfileOption, choose
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import DestinationError, DicomFilterError, UnmatchedWarning
from dicomfilter.version import __version__

if TYPE_CHECKING:
    from types import FrameType

SIGNALLED = 128
"""What is added to the number of the signal that ended a process, as shells do."""
INTERRUPTED = SIGNALLED + 2
CLOSED_PIPE = SIGNALLED + 13

app = typer.Typer(
    name="dicomfilter",
    cls=Commands,
    help="Turn SQL predicates over DICOM metadata into filter files.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        echo(f"dicomfilter {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option("--version", "-V", help="The version.", callback=_version, is_eager=True),
    ] = False,
    profile: ProfileOption = None,
) -> None:
    """Turn SQL predicates over DICOM metadata into filter files."""
    choose(context, profile)
    if context.invoked_subcommand is None:
        with redirect_stdout(sys.stderr):  # Typer draws its help on standard output
            echo(context.get_help())
        raise typer.Exit(2)


class _Logged(logging.Handler):
    """Prints what the library logs as warnings, where nobody else takes it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one."""
        messages.warnings([record.getMessage()])


def _listen() -> list[int]:
    """Let signals end the work as an exception does, so that what is half done is cleaned up.

    Returns:
        The signals that were heard; the list grows as they come.
    """
    heard: list[int] = []

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        heard.append(number)
        raise KeyboardInterrupt

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # not every system has all of them
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
    return heard


def _run(heard: list[int]) -> int:
    try:
        return app(prog_name="dicomfilter", standalone_mode=False) or 0
    except DicomFilterError:
        raise
    except BaseException:
        # Between the handler and here other code may have made another exception of its own.
        if heard:
            raise KeyboardInterrupt from None
        raise


def _abandon_standard_output() -> None:
    """Let Python's own flush at the end go nowhere: its reader has gone, or its disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def main() -> NoReturn:
    """Run the command line and exit with the status that design and README name."""
    heard = _listen()
    logging.lastResort = _Logged(logging.WARNING)
    # Commands print what is in them.
    warnings.simplefilter("ignore", UnmatchedWarning)
    try:
        status = _run(heard)
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
        full = DestinationError(
            f"standard output cannot be written: {reason}", hint="write to a file on another disk"
        )
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
        status = SIGNALLED + heard[0] if heard else INTERRUPTED
    sys.exit(status)


def command() -> NoReturn:
    """Be the process of the command line.

    It ends without freeing each of its objects, which would take a tenth of a second.
    """
    # numpy starts threads that multiply matrices, and so long as there are none they spin.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # What reads options would look through all installed packages for plugins of its own.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        main()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        atexit._run_exitfuncs()  # noqa: SLF001 - there is no other way to have them run
        try:
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
        except (OSError, ValueError):
            raise end from None  # Python says what has become of them
        os._exit(end.code)
