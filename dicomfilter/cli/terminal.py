"""The one way to the terminal, which nothing of the data steers.

A pipe and a file take results exactly as they are.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TYPE_CHECKING

import typer

from dicomfilter.visible import visible

if TYPE_CHECKING:
    from typing import BinaryIO

    from typing_extensions import Buffer


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print a text, line by line as it is.

    Args:
        text: What; characters of control but line ends are escaped where a person reads it.
        err: Whether it goes to standard error, which is for people alone.
        nl: Whether a line end follows.
    """
    shown = visible(text, keep="\n") if err or _is_watched() else text
    typer.echo(shown, err=err, nl=nl)


def headed(head: str, text: str, color: str) -> None:
    """Print one line on standard error behind a word of ours in color.

    Args:
        head: The word.
        text: The rest; line ends in it become blanks.
        color: Of the word, where a person sees it and wants colors.
    """
    typer.echo(f"{painted(head, color)}: {one_line(text)}", err=True)


def caret(column: int) -> None:
    """Mark a column of the line before on standard error."""
    typer.echo(f"  {' ' * column}{painted('^', 'red')}", err=True)


def styled(text: str) -> None:
    """Print what was drawn in colors of ours over texts that are `visible` already."""
    typer.echo(text)


def painted(text: str, color: str) -> str:
    """Color a word where a person sees it, which Typer's own way does anywhere."""
    if not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        return text
    return typer.style(text, fg=color, bold=True)


def one_line(text: str) -> str:
    """Make a text one line: blanks for line ends and tabs, escapes for other control."""
    return visible("".join(" " if c in "\n\r\t\v\f" else c for c in text))


def binary() -> BinaryIO | _Screen:
    """Give standard output for bytes: of text in UTF-8, where it is a terminal."""
    return _Screen() if _is_watched() else sys.stdout.buffer


def _is_watched() -> bool:
    """Tell whether standard output is a terminal; it may be closed."""
    return sys.stdout is not None and sys.stdout.isatty()


class _Screen(io.RawIOBase):
    """A terminal as a sink of bytes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        """Say that it takes bytes."""
        return True

    def write(self, buffer: Buffer, /) -> int:
        """Show bytes as text."""
        raw = bytes(buffer)
        echo(self._decoder.decode(raw), nl=False)
        return len(raw)
