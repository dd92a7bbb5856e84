"""What a person sees of an operation while a notebook or a shell waits for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

from dicomfilter.stores.state import Missed
from dicomfilter.visible import visible

if TYPE_CHECKING:
    from dicomfilter.stores.state import State

_WIDTH = 24
_NOTEBOOK = "ipykernel"


class Bar:
    """One line that is drawn over and over again.

    Args:
        stream: Where it is drawn.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn = 0

    def __call__(self, look: State | Missed, /) -> None:
        """Draw how an operation stands; a look that brought nothing changes nothing but the end."""
        text = f"looking again: {look.reason}" if isinstance(look, Missed) else line(look)
        text = visible(text)
        self._stream.write(f"\r{text.ljust(self._drawn)}")
        self._drawn = len(text)
        if not isinstance(look, Missed) and look.done:
            self._stream.write("\n")
        self._stream.flush()


def bar() -> Bar | None:
    """Make a bar on a terminal and in a notebook; None where nobody watches."""
    watched = sys.stderr.isatty() or _NOTEBOOK in sys.modules
    return Bar(sys.stderr) if watched else None


def line(state: State) -> str:
    """Write how an operation stands as one line.

    >>> from dicomfilter.stores.state import Counters, State
    >>> line(State("n", counters=Counters(50, 1, 49)))
    'running [############............] 50 succeeded, 1 failed, 49 pending'
    """
    counters = state.counters
    filled = 0
    if counters.total:
        filled = _WIDTH * (counters.success + counters.failure) // counters.total
    drawn = "#" * filled + "." * (_WIDTH - filled)
    return f"{state.verdict} [{drawn}] {counters}"
