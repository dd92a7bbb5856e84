"""One bar on standard error while something is done, where a person watches."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Draw(Protocol):
    """Draws the bar as it stands."""

    def __call__(
        self, step: str, done: int, total: int | None, text: str = "", *, rate: str = ""
    ) -> None:
        """Draw it.

        Args:
            step: What is done.
            done: How much of it.
            total: Of how much; None where that is not known.
            text: What stands behind the bar.
            rate: What is counted, where it is told how many a second there are.
        """


@contextmanager
def drawing(step: str, *, quiet: bool) -> Iterator[Draw | None]:
    """Draw a bar.

    Args:
        step: What is done first.
        quiet: Whether none is wanted.

    Yields:
        What draws it; None where nobody watches.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bars:
        task = bars.add_task(step, total=None, text="")

        def draw(
            step: str, done: int, total: int | None, text: str = "", *, rate: str = ""
        ) -> None:
            if rate:
                if bars.tasks[0].description.strip() != step:
                    bars.reset(task)
                elapsed = bars.tasks[0].elapsed or 0
                text += f", {done / elapsed:,.0f} {rate}/s" if done and elapsed else ""
            bars.update(
                task,
                description=f"{step:<6}",
                completed=done,
                total=total,
                text=text,
                refresh=not done,  # each step is seen, however short
            )

        yield draw
