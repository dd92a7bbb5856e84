"""How values show themselves: as lines of text, and as small HTML tables.

HTML takes its colors from the page that it is on, light or dark. What is shown is escaped, and
nothing of it steers a terminal or a page.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from dicomfilter.visible import visible, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LINE_END = "\n"
_LEFT, _RIGHT = "style='text-align:left'", "style='text-align:right'"
_GAP = "  "


class Face:
    """A value that shows itself as facts, a name and a text each."""

    __slots__ = ()

    def facts(self) -> Iterable[tuple[str, str]]:
        """List what a person would want to know of it."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return facts_text(self.facts())

    def _repr_html_(self) -> str:
        return facts_html(self.facts())

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: ANN401, FBT001 - IPython's way
        printer.text(facts_text(self.facts()))


def facts_text(facts: Iterable[tuple[str, str]]) -> str:
    """Write facts as lines of text."""
    return "\n".join(f"{name:<10} {visible(value, keep=_LINE_END)}" for name, value in facts)


def facts_html(facts: Iterable[tuple[str, str]]) -> str:
    """Write facts as a small HTML table."""
    return table_html((), facts, named=True, code={1})


def table_html(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    named: bool = False,
    right: Iterable[int] = (),
    code: Iterable[int] = (),
    more: Iterable[str] = (),
) -> str:
    """Write a table in HTML.

    Args:
        head: The names of its columns; none for no head.
        rows: Its cells, as texts.
        named: Whether the first cell of a row is its name.
        right: Columns of numbers, counted from 0.
        code: Columns of names and texts that are written as code.
        more: What is said below it, a paragraph each.

    Returns:
        HTML, escaped, in the colors of the page.
    """
    right, code = set(right), set(code)

    def cell(tag: str, number: int, text: str) -> str:
        said = escape(visible(text, keep=_LINE_END))
        if tag == "td" and number in code:
            said = (
                f"<pre>{said.strip(_LINE_END)}</pre>"
                if _LINE_END in said
                else f"<code>{said}</code>"
            )
        return f"<{tag} {_RIGHT if number in right else _LEFT}>{said}</{tag}>"

    def line(cells: Sequence[str], *, is_head: bool = False) -> str:
        tags = ("th" if is_head or (named and not n) else "td" for n in range(len(cells)))
        return "".join(
            cell(tag, n, text) for n, (tag, text) in enumerate(zip(tags, cells, strict=True))
        )

    lines = [f"<tr>{line(head, is_head=True)}</tr>"] if head else []
    lines += [f"<tr>{line(row)}</tr>" for row in rows]
    said = "".join(f"<p>{escape(visible(text))}</p>" for text in more)
    return f"<table>{''.join(lines)}</table>{said}"


def table_text(head: Sequence[str], rows: Sequence[Sequence[str]], *, room: int) -> tuple[str, int]:
    r"""Write a table as text: the first columns, as many as fit, and no cell cut.

    Args:
        head: The names of its columns.
        rows: Its cells.
        room: Columns of the terminal.

    Returns:
        The table, and how many of its columns are in it: at least one.

    >>> print(*table_text(["a", "bc"], [["1", "2"]], room=80), sep="\n")
    a  bc
    1  2
    2
    """
    columns = [[visible(cell) for cell in column] for column in zip(head, *rows, strict=True)]
    widths = [max(map(width, column)) for column in columns]
    fits = used = 0
    for wide in widths:
        used += wide + (len(_GAP) if fits else 0)
        if fits and used > room:
            break
        fits += 1
    padded = (
        [cell + " " * (wide - width(cell)) for cell in column]
        for column, wide in zip(columns[:fits], widths[:fits], strict=True)
    )
    lines = zip(*padded, strict=True)
    return "\n".join(_GAP.join(line).rstrip() for line in lines), fits
