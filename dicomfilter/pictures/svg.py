"""One picture: SVG that is read in light and dark, without colors, and on paper."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from dicomfilter.named import named
from dicomfilter.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

LETTER = 7.0
"""Pixels that a letter takes on the average, at the size of the text."""
LINE = 18
"""Pixels from line to line."""
_STYLE = """
text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;fill:#1f2328}
.strong{font-weight:600}.quiet{fill:#59636e}.end{text-anchor:end}
.page{fill:#fff}.box{fill:#f6f8fa;stroke:#59636e}.out{fill:none;stroke:#59636e;stroke-dasharray:4 3}
.bar{fill:#4c78a8}.part{fill:#b8c7dc}.line{stroke:#59636e;fill:none}.tip{fill:#59636e}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.page{fill:#0d1117}
.box{fill:#161b22;stroke:#9198a1}.out{stroke:#9198a1}.bar{fill:#6ea0d6}.part{fill:#3a4f6b}
.line{stroke:#9198a1}.tip{fill:#9198a1}}
@media print{text{fill:#000}.page{fill:#fff}.box{fill:#fff;stroke:#000}.out{stroke:#000}}
""".replace("\n", "")


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """A picture as SVG.

    Args:
        svg: Its text, one element without a script or anything from elsewhere.
        title: What it shows, for who cannot see it.
    """

    svg: str
    title: str

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write it into a file, ``x.svg``.

        Args:
            path: Where; a local path or ``gs://bucket/object``.
            overwrite: Whether a file that is there may be replaced.

        Raises:
            DestinationError: It cannot be written, or is there.
        """
        from dicomfilter.storage import open_storage

        uri = named(path)
        with open_storage(uri).writer(uri, overwrite=overwrite) as writer:
            writer.write(self.svg.encode())

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Picture: {self.title}, {len(self.svg):,} characters of SVG>"


def drawn(parts: Iterable[str], width: float, height: float, title: str) -> Picture:
    """Put parts onto a page.

    Args:
        parts: Elements of SVG.
        width: Of the page, in pixels.
        height: Likewise.
        title: What it shows.
    """
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img"><title>{clean(title)}</title>'
        f'<style>{_STYLE}</style><rect class="page" width="{width:g}" height="{height:g}"/>'
        f"{''.join(parts)}</svg>"
    )
    return Picture(svg, title)


def text(x: float, y: float, words: str, style: str = "") -> str:
    """Write one line of text, its foot at a place."""
    return f'<text x="{x:g}" y="{y:g}"{_styled(style)}>{clean(words)}</text>'


def box(x: float, y: float, width: float, height: float, style: str) -> str:
    """Draw a box."""
    size = f'width="{max(width, 0):g}" height="{height:g}"'
    return f'<rect x="{x:g}" y="{y:g}" {size} rx="3"{_styled(style)}/>'


def arrow(*points: tuple[float, float]) -> str:
    """Draw a line through points, with a tip at its end."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    (x0, y0), (x, y) = points[-2:]
    dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
    sides = ((x - 7 * dx - 4 * dy, y - 7 * dy - 4 * dx), (x - 7 * dx + 4 * dy, y - 7 * dy + 4 * dx))
    tip = " ".join(f"{a:g},{b:g}" for a, b in ((x, y), *sides))
    return f'<polyline class="line" points="{path}"/><polygon class="tip" points="{tip}"/>'


def wrapped(words: str, width: float) -> list[str]:
    """Break a text into lines that fit, and a word that is longer than one.

    Args:
        words: The text.
        width: Of a line, in pixels.
    """
    room = max(int(width / (1.1 * LETTER)), 8)
    # Letters that are twice as wide take the room of two.
    spread = re.sub(r"([\u1100-\uffdc])", lambda m: m[1] + ("\0" if is_wide(m[1]) else ""), words)
    one_line = re.sub(r"[ \t\r\n]+", " ", spread)
    lines = textwrap.wrap(visible(one_line, keep="\0"), room) or [""]
    return [line.replace("\0", "") for line in lines]


def is_wide(letter: str) -> bool:
    """Tell whether a letter is as wide as two."""
    return unicodedata.east_asian_width(letter) in "WF"


def width_of(words: str) -> float:
    """Guess how wide a text is, in pixels, rather too wide than cut."""
    return sum(2 if is_wide(c) else 1.3 if c.isupper() else 1.05 for c in words) * LETTER


def clean(words: str) -> str:
    """Make a text safe to stand in SVG."""
    return escape(visible(words))


def _styled(style: str) -> str:
    return f' class="{style}"' if style else ""
