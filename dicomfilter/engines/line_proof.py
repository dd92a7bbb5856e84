"""Proving finished lines while they stream: every UID regular, no line twice.

Looking at bytes that are made anyway is several times cheaper than asking for each UID by a
regular expression and for duplicates by a hash table.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeAlias

from dicomfilter.engines.arrow_bytes import bytes_of, numbers_of
from dicomfilter.errors import UnprovedError

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

PIECE = 1 << 19
"""Bytes looked at in one go: they stay near the core, and threads seldom ask for Python's lock."""
_MOST_LINES = 1 << 27
"""Lines whose hashes are kept: 1 GiB of them."""
MIDDLE = 1 << 63
"""Hashes below and from here on are kept apart, so that two cores can sort them."""
_OUTSTANDING = 8
"""Batches that may wait for their proof while the next are made."""


Counts: TypeAlias = tuple[int, int, int]
NOTHING: Counts = (0, 0, 0)


def together(one: Counts, other: Counts) -> Counts:
    """Add the counts of two tallies."""
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


class Tally:
    """Counts what tells lines of regular UIDs from others.

    Its memory is kept and written over: to ask for it anew takes longer than to fill it.

    >>> import numpy as np
    >>> line = b"/studies/1.2/series/1.02/instances/1..2/0" + bytes([10])
    >>> Tally().of(np.frombuffer(line + line, np.uint8))
    (46, 14, 5)
    """

    def __init__(self) -> None:
        import numpy as np

        self._shifted = np.empty(PIECE, np.uint8)
        self._holds, self._separates, self._low = (np.empty(PIECE, np.bool_) for _ in range(3))

    def of(self, data: NDArray[np.uint8], own: int | None = None) -> Counts:
        """Count in some lines.

        Args:
            data: Lines, each with its line end and starting with a slash.
            own: How many of the bytes count; two more tell what the last of them are. By default
                all.

        Returns:
            Bytes that are no digit, dot or slash; slashes; separators (dot, slash, line end)
            before another one, as an empty component makes and each line end is, or before a zero
            that leads a longer number.
        """
        found = NOTHING
        end = len(data) if own is None else own
        for start in range(0, end, PIECE):
            count = min(PIECE, end - start)
            # Two bytes of the next piece belong to what begins in this one.
            found = together(found, self._piece(data[start : start + count + 2], count))
        return found

    def _piece(self, piece: NDArray[np.uint8], count: int) -> Counts:
        import numpy as np

        here, after = piece[:count], piece[1 : count + 1]
        shifted, holds = self._shifted[:count], self._holds[:count]
        np.subtract(here, ord("."), out=shifted)  # '.' is 0, '/' 1, '9' 11; what is below wraps
        others = np.count_nonzero(np.greater(shifted, ord("9") - ord("."), out=holds))
        slashes = np.count_nonzero(np.equal(shifted, 1, out=holds))
        before = here[: len(after)]
        separates, holds, low = (
            room[: len(after)] for room in (self._separates, self._holds, self._low)
        )
        ends = np.count_nonzero(np.equal(before, ord("\n"), out=holds))
        np.less_equal(before, ord("/"), out=separates)
        np.less_equal(after, ord("0"), out=low)
        doubtful = np.count_nonzero(np.logical_and(separates, low, out=low))
        if doubtful != ends:  # a zero may stand alone
            last = piece[2:] <= ord("/")
            alone = separates[: len(last)] & (after[: len(last)] == ord("0")) & last
            doubtful -= np.count_nonzero(alone)
        return int(others), int(slashes), int(doubtful)


@dataclass(slots=True)
class Proof:
    """Takes finished lines in and tells whether all are sound and no two are one.

    A line is sound when its UIDs are of digits and dots, with no empty component, no leading
    zero and no more than 64 characters.

    Args:
        words: The words of a line, ``/studies/`` and so on: as many as the line has UIDs.
    """

    words: tuple[str, ...]
    _hashes: tuple[list[NDArray[np.uint64]], list[NDArray[np.uint64]]] = field(
        default_factory=lambda: ([], [])
    )
    _tally: Tally = field(default_factory=Tally)
    _lines: int = 0
    _pending: list[Future[bool]] = field(default_factory=list)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Take a batch in; it is looked at beside whatever the caller does next.

        Args:
            batch: ``line`` (STRING, with its line end), ``short`` (BOOL: no UID of it is too
                long), ``hash`` (UINT64 of the line).

        Returns:
            The batch's lines alone.

        Raises:
            UnprovedError: A line taken in before is not sound.
        """
        self._lines += batch.num_rows
        if self._lines > _MOST_LINES:
            raise UnprovedError("there are too many lines to be proved as they stream")
        lines, short, hashes = batch.columns
        found = numbers_of(hashes)
        is_high = found >= MIDDLE
        self._hashes[0].append(found[~is_high])
        self._hashes[1].append(found[is_high])
        self._pending.append(self._pool.submit(self._is_sound, lines, short))
        self._settle(_OUTSTANDING)
        return batch.select([0])

    def finish(self) -> None:
        """Give the proof of all that was taken in.

        As many hashes as lines mean as many lines. The converse may fail, for a hash is only a
        hash; then the long way is gone for nothing, and its lines are right.

        Raises:
            UnprovedError: There is none.
        """
        if len(repeated(*self._hashes)):
            raise UnprovedError("a line may come twice")
        self._settle(0)

    def _settle(self, outstanding: int) -> None:
        while len(self._pending) > outstanding:
            if not self._pending.pop(0).result():
                raise UnprovedError("a line needs a closer look")

    def _is_sound(self, lines: pa.StringArray, short: pa.BooleanArray) -> bool:
        if lines.null_count or short.true_count != len(short):
            return False
        if not len(lines):
            return True
        import numpy as np

        found = self._tally.of(np.frombuffer(bytes_of(lines), np.uint8))
        slashes = sum(word.count("/") for word in self.words)
        others = sum(map(len, self.words)) - slashes + 1  # and the line end
        # Each line has so many of each by its words alone; one more stands in a UID.
        return found == (others * len(lines), slashes * len(lines), len(lines) - 1)


def repeated(low: list[NDArray[np.uint64]], high: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Find the hashes that come more than once, on two cores.

    Args:
        low: Those below ``MIDDLE``; the list is emptied.
        high: The others; the list is emptied.

    Returns:
        Each that is repeated, at least once.
    """
    import numpy as np

    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(_repeated, high)
        return np.concatenate([_repeated(low), beside.result()])


def _repeated(hashes: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    import numpy as np

    found = np.concatenate([np.empty(0, np.uint64), *hashes])
    hashes.clear()
    found.sort()
    again: NDArray[np.uint64] = found[1:][found[1:] == found[:-1]]
    return again
