"""Tables on standard output: aligned on a terminal, plain in a pipe.

No cell is cut and no word is broken: an identifier in two pieces is a wrong one for who copies it.
Where a terminal is too narrow for that, each field has a line of its own.
"""

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

    from rich.console import RenderableType

_GAP = 2
"""Blanks between two columns."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print a table.

    Args:
        head: Names of the columns.
        rows: Cells, as many a row as there are names.
        right: Names of columns that are aligned to the right.
    """
    names = [visible(name) for name in head]
    cells = [[visible(cell) for cell in row] for row in rows]
    # A pipe has no width: a cut cell would be a wrong value for whatever reads it.
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    columns = [list(column) for column in zip(names, *cells, strict=True)]
    widths = _widths(columns, room - _GAP * (len(names) - 1))
    if widths is None:
        _print(_fields(names, cells), room)
    else:
        _print(_grid(names, cells, widths, [name in right for name in head]), room)


def _widths(columns: list[list[str]], room: int) -> list[int] | None:
    """Share out the room; None where it is too little for the longest words."""
    from rich.cells import cell_len

    wanted = [max(map(cell_len, column)) for column in columns]
    widths = [
        max(cell_len(word) for cell in column for word in cell.split(" ")) for column in columns
    ]
    if sum(widths) > room:
        return None
    while room > sum(widths) and widths != wanted:
        narrowest = min(
            (i for i, width in enumerate(widths) if width < wanted[i]), key=widths.__getitem__
        )
        widths[narrowest] += 1
    return widths


def _grid(
    names: list[str], cells: list[list[str]], widths: list[int], is_right: list[bool]
) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    grid = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        header_style="bold",
        show_edge=False,
    )
    for name, width, aligned in zip(names, widths, is_right, strict=True):
        grid.add_column(
            Text(name), justify="right" if aligned else "left", width=width, overflow="fold"
        )
    for row in cells:
        grid.add_row(*map(Text, row))
    return grid


def _fields(names: list[str], cells: list[list[str]]) -> RenderableType:
    """Write a field a line, rows apart under their numbers."""
    from rich.cells import cell_len
    from rich.text import Text

    width = max(map(cell_len, names))
    lines = Text(overflow="ignore", no_wrap=True)
    for number, row in enumerate(cells, 1):
        lines.append(f"row {number:,}\n", "bold")
        for name, cell in zip(names, row, strict=True):
            lines.append(f"  {name}{' ' * (width - cell_len(name))}  {cell}\n")
    lines.rstrip()
    return lines


def _print(drawing: RenderableType, room: int) -> None:
    from rich.console import Console

    drawn = StringIO()
    colored = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    console = Console(
        file=drawn,
        width=room,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=colored,
        no_color=not colored,
        soft_wrap=True,
    )
    console.print(drawing)
    styled("\n".join(line.rstrip() for line in drawn.getvalue().splitlines()))
