"""Tables on standard output: aligned on a terminal, plain in a pipe."""

from __future__ import annotations

import os
import shutil
import sys
from io import StringIO
from typing import TYPE_CHECKING

from dicomfilter.cli.terminal import styled
from dicomfilter.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print a table.

    Args:
        head: Names of the columns.
        rows: Cells, as many a row as there are names.
        right: Names of columns that are aligned to the right.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        header_style="bold",
        show_edge=False,
    )
    for name in head:
        aligned = "right" if name in right else "left"
        grid.add_column(
            Text(visible(name)),
            justify=aligned,  # type: ignore[arg-type]  # a literal of two
            no_wrap=name in right,
            overflow="fold",
        )
    for row in rows:
        grid.add_row(*(Text(visible(cell)) for cell in row))
    # A pipe has no width: a cut cell would be a wrong value for whatever reads it.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    drawn = StringIO()
    colored = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    console = Console(
        file=drawn,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=colored,
        no_color=not colored,
    )
    console.print(grid)
    styled("\n".join(line.rstrip() for line in drawn.getvalue().splitlines()))
