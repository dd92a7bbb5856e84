"""Proving finished lines while they stream: every UID regular, no line twice.

Looking at bytes that are made anyway is several times cheaper than asking for each UID by a
regular expression and for duplicates by a hash table.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from dicomfilter.engines.columns import bytes_of
from dicomfilter.errors import UnprovedError

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_PIECE = 1 << 17
"""Bytes looked at in one go: they and what is derived of them stay in a core's own cache."""
_MOST_LINES = 1 << 27
"""Lines whose hashes are kept: 1 GiB of them."""
_MIDDLE = 1 << 63
"""Hashes below and from here on are kept apart, so that two cores can sort them."""
_OUTSTANDING = 8
"""Batches that may wait for their proof while the next are made."""


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
        import numpy as np

        self._lines += batch.num_rows
        if self._lines > _MOST_LINES:
            raise UnprovedError("there are too many lines to be proved as they stream")
        lines, short, hashes = batch.columns
        # By its bytes: Arrow's own way to numpy imports pandas wherever that is installed.
        found = np.frombuffer(hashes.buffers()[1], np.uint64, len(hashes), 8 * hashes.offset)
        is_high = found >= _MIDDLE
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
        low, high = self._hashes
        beside = self._pool.submit(_repeats, high)
        if _repeats(low) or beside.result():
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

        found = tally(np.frombuffer(bytes_of(lines), np.uint8))
        slashes = sum(word.count("/") for word in self.words)
        others = sum(map(len, self.words)) - slashes + 1  # and the line end
        # Each line has so many of each by its words alone; one more stands in a UID.
        return found == (others * len(lines), slashes * len(lines), len(lines) - 1, 0)


def _repeats(hashes: list[NDArray[np.uint64]]) -> bool:
    """Tell whether a hash comes twice; the hashes are used up."""
    import numpy as np

    if not hashes:
        return False
    found = np.concatenate(hashes)
    hashes.clear()
    found.sort()
    return bool((found[1:] == found[:-1]).any())


def tally(data: NDArray[np.uint8], own: int | None = None) -> tuple[int, int, int, int]:
    """Count what tells a regular UID from another.

    Args:
        data: Lines, each with its line end.
        own: How many of the bytes count; two more tell what the last of them are. By default all.

    Returns:
        Bytes that are no digit, dot or slash; slashes; pairs of separators (dot, slash, line
        end) next to each other, as an empty component makes; zeros that lead a longer number.

    >>> import numpy as np
    >>> line = b"/studies/1.2/series/1.02/instances/1..2" + bytes([10])
    >>> tally(np.frombuffer(line + line, np.uint8))
    (46, 12, 3, 2)
    """
    import numpy as np

    other = slashes = pairs = zeros = 0
    end = len(data) if own is None else own
    for start in range(0, end, _PIECE):
        count = min(_PIECE, end - start)
        # Two bytes of the next piece belong to what begins in this one.
        piece = data[start : start + count + 2]
        shifted = piece[:count] - np.uint8(ord("."))  # '.' is 0, '/' 1, '9' 11; below wraps
        other += int(np.count_nonzero(shifted > ord("9") - ord(".")))
        slashes += int(np.count_nonzero(shifted == 1))
        separates = piece <= ord("/")
        pairs += int(np.count_nonzero((separates[:-1] & separates[1:])[:count]))
        leads = separates[:-2] & (piece[1:-1] == ord("0")) & ~separates[2:]
        zeros += int(np.count_nonzero(leads[:count]))
    return other, slashes, pairs, zeros
