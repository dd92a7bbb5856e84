"""Files read by several processes, in order and in bounded memory."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from dicomfilter.dicom.headers.elements import Memory
from dicomfilter.dicom.headers.header import NoInstanceError, read_header
from dicomfilter.dicom.headers.reasons import Reason
from dicomfilter.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    import pyarrow as pa

    from dicomfilter.dicom.headers.header import Header

_CHUNK = 512
"""Files a worker is given at a time."""
_FEW = 10_000
"""Files for which starting processes does not pay: see benchmarks/README.md."""
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def identities(
    folder: Path, files: Iterable[pa.RecordBatch], *, total: int, workers: int | None
) -> Iterator[pa.RecordBatch]:
    """Say of files which instances they are.

    Args:
        folder: Where they lie.
        files: Their path, size_bytes and modified_ns.
        total: How many there are.
        workers: Processes at most, by default as many as there are cores; none for a few files.

    Yields:
        The same files with their UIDs, or the reason why they are no instances.
    """
    yield from spread(partial(_identities, str(folder)), chunks(files), count(total, workers))


def chunks(files: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut lists of files into what one worker is given."""
    for batch in files:
        for start in range(0, batch.num_rows, _CHUNK):
            yield batch.slice(start, _CHUNK)


def count(total: int, workers: int | None) -> int:
    """Say how many of the allowed processes files are worth; 0 for this one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    allowed = workers or cores or 1
    return allowed if total > _FEW and allowed > 1 else 0


def spread(
    work: Callable[[_Given], _Made], given: Iterable[_Given], workers: int
) -> Iterator[_Made]:
    """Do work on several processes, and give its outcomes in order.

    Only a few pieces are under way, so that memory is bounded whatever is given.

    Args:
        work: A function that another process can import.
        given: What it is called with.
        workers: Processes; 0 for this one.

    Yields:
        What the work gave.

    Raises:
        SourceError: A process ended by itself.
    """
    if not workers:
        yield from map(work, given)
        return
    under_way: deque[Future[_Made]] = deque()
    with _pool(workers) as pool:
        try:
            for each in given:
                with _uninterrupted(), _without_main():
                    under_way.append(pool.submit(work, each))
                if len(under_way) > 2 * workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        except BrokenProcessPool as error:
            raise SourceError(
                "a process that reads files ended by itself",
                hint="run it again, with one worker if need be",
            ) from error


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    from multiprocessing import get_all_start_methods, get_context

    # A fork would copy locks that threads of DuckDB and Arrow hold.
    method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
    context = get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload([__name__, "pyarrow", "pydicom.charset"])
        _start_server()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _start_server() -> None:
    """Start the process that workers are forked from, deaf to Ctrl-C from its first moment."""
    from multiprocessing import forkserver

    if threading.current_thread() is not threading.main_thread():
        return  # it starts with the first worker
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _heard()}
    try:
        with _without_main():
            forkserver.ensure_running()
    finally:
        _restore(before)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold signals back: one that comes while a worker starts would leave the pool's locks held."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    come: list[int] = []
    before = {
        number: signal.signal(number, lambda heard, _: come.append(heard)) for number in _heard()
    }
    try:
        yield
    finally:
        _restore(before)
    for number in come:
        signal.raise_signal(number)


def _heard() -> list[signal.Signals]:
    names = ("SIGINT", "SIGHUP", "SIGTERM")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep new processes from running the user's program again, of which they need nothing."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _begin() -> None:
    """Prepare a worker: Ctrl-C is its parent's business, and its parent's end is its own."""
    from multiprocessing import parent_process

    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def _identities(folder: str, files: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    rows: list[dict[str, str | int | None]] = []
    memory = Memory()
    for path in files["path"].to_pylist():
        try:
            found = read_header(f"{folder}/{path}", memory)
        except NoInstanceError as error:
            rows.append({"Reason": error.reason.value, "Detail": error.detail})
        except Exception as error:  # noqa: BLE001 - whatever is in a file costs no other its place
            rows.append({"Reason": Reason.DAMAGED.value, "Detail": type(error).__name__})
        else:
            rows.append(identity_row(found))
    read = pa.RecordBatch.from_pylist(rows, identity_schema())
    arrays = [*files.columns, *read.columns]
    return pa.RecordBatch.from_arrays(arrays, [*files.schema.names, *read.schema.names])


def identity_row(header: Header) -> dict[str, str | int | None]:
    """Say which instance a header is of."""
    return {
        "StudyInstanceUID": header.study,
        "SeriesInstanceUID": header.series,
        "SOPInstanceUID": header.instance,
        "SOPClassUID": header.sop_class,
        "TransferSyntaxUID": header.transfer_syntax,
        "NumberOfFrames": header.frames,
    }


def identity_schema() -> pa.Schema:
    """Give the columns that say which instance a file is, or why it is none."""
    import pyarrow as pa

    names = (
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "SOPClassUID",
        "TransferSyntaxUID",
    )
    text = pa.string()
    return pa.schema(
        {**dict.fromkeys(names, text), "NumberOfFrames": pa.int64(), "Reason": text, "Detail": text}
    )
