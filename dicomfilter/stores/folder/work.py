"""One operation on a folder: its items side by side, its counters, its end."""

from __future__ import annotations

import time
import warnings
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from threading import Event
from traceback import extract_tb
from typing import TYPE_CHECKING, TypeVar

from dicomfilter.errors import DicomFilterError
from dicomfilter.stores.state import CANCELLED, Counters, State, Status, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dicomfilter.stores.folder.records import Record

_T = TypeVar("_T")
_WORKERS = 4
"""Copying waits for disks more than it computes."""
_SHOWN_S = 0.5
"""Seconds between two looks that others are given."""
_UNKNOWN, _RESOURCE_EXHAUSTED, _INTERNAL = 2, 8, 13


class ItemFailedError(Exception):
    """One item failed; the others go on."""


class StoppedError(Exception):
    """No item can succeed any more: the disk is full.

    Args:
        message: Why.
        code: A ``google.rpc.Code``.
    """

    def __init__(self, message: str, code: int = _RESOURCE_EXHAUSTED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True, slots=True)
class Halt:
    """Ends what other threads do, between two pieces of a file."""

    event: Event = field(default_factory=Event)

    def check(self) -> None:
        """Give up where that is asked for.

        Raises:
            ItemFailedError: It is.
        """
        if self.event.is_set():
            raise ItemFailedError("it was ended in the middle")


@dataclass(slots=True)
class Run:
    """An operation while it runs.

    Args:
        record: What is remembered of it.
        watch: Is told how it stands.
        halt: Ends its items.
        counters: How far it is.
    """

    record: Record
    watch: Watch | None = None
    halt: Halt = field(default_factory=Halt)
    counters: Counters = field(default_factory=Counters)
    _shown: float = 0.0

    def expect(self, items: int) -> None:
        """Say how many items there will be."""
        self.counters = replace(self.counters, pending=items)
        self._show()

    def succeed(self, items: int = 1, size_bytes: int | None = None) -> None:
        """Count items that went well, and what was written of them."""
        if size_bytes is not None:
            size_bytes += self.counters.size_bytes or 0
        self.counters = replace(
            self.counters,
            size_bytes=self.counters.size_bytes if size_bytes is None else size_bytes,
            success=self.counters.success + items,
            pending=max(0, self.counters.pending - items),
        )

    def fail(self, what: str, reason: str) -> None:
        """Count and list an item that failed."""
        self.record.failed(what, reason)
        self.counters = replace(
            self.counters,
            failure=self.counters.failure + 1,
            pending=max(0, self.counters.pending - 1),
        )

    def each(self, items: Iterable[_T], work: Callable[[_T], int | None]) -> None:
        """Do the same with many items, a few at a time.

        Args:
            items: Are taken as they are needed.
            work: Is done in threads; gives the bytes that it wrote, where they are counted.

        Raises:
            StoppedError: No further item can succeed, or somebody asked to cancel.
        """
        doing: dict[Future[int | None], _T] = {}
        pool = ThreadPoolExecutor(_WORKERS)
        with warnings.catch_warnings():
            # Work that sets warnings aside does so for all threads at once, and puts back for all
            # what it found: that has to be this.
            warnings.simplefilter("ignore")
            try:
                for item in items:
                    doing[pool.submit(work, item)] = item
                    if len(doing) >= 2 * _WORKERS:
                        self._take(doing)
                while doing:
                    self._take(doing)
            finally:
                self.halt.event.set()
                pool.shutdown(cancel_futures=True)
                self.halt.event.clear()
                self._count_rest(doing)

    def _take(self, doing: dict[Future[int | None], _T]) -> None:
        done, _ = wait(doing, return_when=FIRST_COMPLETED)
        failed: deque[StoppedError] = deque()
        for future in done:
            item = doing.pop(future)
            try:
                written = future.result()
            except ItemFailedError as error:
                self.fail(str(item), str(error))
            except StoppedError as error:
                failed.append(error)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 - one bad file never ends the others
                self.fail(str(item), _unforeseen(error))
            else:
                self.succeed(size_bytes=written)
        if failed:
            raise failed[0]
        self.look()

    def _count_rest(self, doing: dict[Future[int | None], _T]) -> None:
        """Count what was complete when the rest was given up."""
        for future in doing:
            if not future.cancelled() and future.done() and future.exception() is None:
                self.succeed(size_bytes=future.result())

    def look(self) -> None:
        """Show others how it stands, now and then; end where one of them asks for it.

        Raises:
            StoppedError: One does.
        """
        if time.monotonic() - self._shown < _SHOWN_S:
            return
        self._show()
        if self.record.is_cancelled:
            raise StoppedError("it was asked to cancel", CANCELLED)

    def _show(self) -> None:
        self._shown = time.monotonic()
        state = replace(self.record.state, counters=self.counters)
        self.record.show(state)
        if self.watch is not None:
            self.watch(state)


def _unforeseen(error: BaseException) -> str:
    """Say what went wrong with an item, and where, without a value of it.

    A panic of Rust code is among it, which is no ``Exception``.
    """
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    innermost = extract_tb(error.__traceback__)[-1]
    place = f"{PurePath(innermost.filename).name}:{innermost.lineno}"
    return f"it cannot be taken ({type(error).__name__} at {place})"


def run(record: Record, work: Callable[[Run], None], watch: Watch | None = None) -> State:
    """Run an operation to its end.

    Args:
        record: What is remembered of it.
        work: Does it.
        watch: Is told how it stands.

    Returns:
        How it ended: what failed as a whole is in its ``error``.

    Raises:
        KeyboardInterrupt: On Ctrl-C; what is complete stays, and it is remembered as cancelled.
    """
    running = Run(record, watch)
    try:
        work(running)
    except StoppedError as stopped:
        state = _ended(running, Status(stopped.code, stopped.message))
    except DicomFilterError as error:
        state = _ended(running, Status(_UNKNOWN, error.message))
    except BaseException as error:
        is_asked = isinstance(error, KeyboardInterrupt)
        code, words = (CANCELLED, "interrupted") if is_asked else (_INTERNAL, type(error).__name__)
        record.end(running.counters, Status(code, words))
        raise
    else:
        state = record.end(running.counters)
    finally:
        record.close()
    if watch is not None:
        watch(state)
    return state


def _ended(running: Run, error: Status) -> State:
    running.record.failed(running.record.state.name, error.message)
    return running.record.end(running.counters, error)
