"""Long work of DuckDB's that a Ctrl-C ends at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

_T = TypeVar("_T")
_AGAIN_S = 0.05
"""Seconds after which work that has not heard the first call to end is called again."""


def interruptible(
    connection: duckdb.DuckDBPyConnection,
    work: Callable[[], _T],
    *,
    beside: Callable[[], None] = lambda: None,
) -> _T:
    """Do work of a connection so that Ctrl-C, or any other signal, ends it.

    DuckDB itself looks for signals between its tasks only, seconds apart, and then raises a bare
    ``RuntimeError`` in place of what the signal's handler raised. So the work is done in a thread,
    while this one waits, hears signals, and has the connection interrupted.

    Args:
        connection: What the work is done with, and nothing else meanwhile.
        work: Takes nothing.
        beside: What is done meanwhile.

    Returns:
        What the work returns.

    Raises:
        KeyboardInterrupt: On Ctrl-C; other signals raise what their handlers do.
    """
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            beside()
            wait([future])
        except BaseException:
            while not future.done():  # a call that comes before the work has begun is forgotten
                connection.interrupt()
                wait([future], _AGAIN_S)
            raise
    return future.result()
