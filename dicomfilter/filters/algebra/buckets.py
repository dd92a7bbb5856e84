"""What is kept of every line: hashes, by study, in memory or in a folder.

All lines of a study are in one bucket, so each bucket is calculated with on its own.
"""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeAlias

from dicomfilter.storage.local.refusals import writing

if TYPE_CHECKING:
    from typing import BinaryIO

    import numpy as np
    from numpy.typing import NDArray

    Records: TypeAlias = NDArray[np.void]

COUNT = 64
_BITS = 6
FIELDS = [
    ("study", "u8"),  # hash of its UID
    ("series", "u8"),  # of study and series; 0 where a line names a study
    ("key", "u8"),  # of the whole line
    ("proof", "u8"),  # another one: two lines are one where both are alike
    ("line", "u8"),  # from 0
    ("depth", "u8"),
]
RECORD_BYTES = 8 * len(FIELDS)


class Buckets:
    """Records of the lines of one file.

    Args:
        folder: Where they are kept; None for memory.
    """

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._kept: defaultdict[int, list[Records]] = defaultdict(list)
        self._files: dict[int, BinaryIO] = {}
        self._stack = ExitStack()

    def add(self, records: Records) -> None:
        """Take records in."""
        import numpy as np

        bucket = (records["study"] >> np.uint64(64 - _BITS)).astype(np.uint8)
        order = np.argsort(bucket, kind="stable")
        ordered = records[order]
        end = 0
        for number, count in enumerate(np.bincount(bucket, minlength=COUNT).tolist()):
            start, end = end, end + count
            if count:
                self._append(number, ordered[start:end])

    def _append(self, number: int, records: Records) -> None:
        import numpy as np

        if self._folder is None:
            self._kept[number].append(records.copy())
            return
        file = self._files.get(number)
        if file is None:
            path = os.path.join(self._folder, f"{id(self):x}-{number}")  # noqa: PTH118 - a text
            file = self._stack.enter_context(open(path, "w+b"))  # noqa: PTH123, SIM115 - closed below
            self._files[number] = file
        with writing(self._folder):
            file.write(records.view(np.uint8).data)

    def load(self, number: int) -> Records:
        """Give the records of a bucket."""
        import numpy as np

        kind = np.dtype(FIELDS)
        if self._folder is not None and number in self._files:
            file = self._files[number]
            with writing(self._folder):
                file.seek(0)
            return np.fromfile(file, kind)
        kept = self._kept[number]
        return np.concatenate(kept) if kept else np.empty(0, kind)

    def close(self) -> None:
        """Forget them."""
        self._kept.clear()
        for file in self._files.values():
            os.truncate(file.fileno(), 0)
        self._files.clear()
        self._stack.close()


def records_of(depth: Any, uids: tuple[Any, Any, Any], proof: Any, first: int) -> Records:  # noqa: ANN401 - arrays of numbers
    """Make records of the hashes of lines.

    Args:
        depth: How many UIDs each line holds.
        uids: The hashes of study, series and instance; what a line does not hold counts not.
        proof: Another hash of its last UID.
        first: The number of the first line.
    """
    import numpy as np

    study, series, instance = uids
    found = np.empty(len(depth), np.dtype(FIELDS))
    pair = np.where(depth > 1, study * np.uint64(_ODD[0]) + series * np.uint64(_ODD[1]), 0)
    key = np.where(depth > 1, pair, study * np.uint64(_ODD[2]))
    key += np.where(depth == 3, instance * np.uint64(_ODD[3]), 0).astype(np.uint64)
    found["study"], found["series"], found["proof"] = study, pair, proof
    found["key"] = key + depth.astype(np.uint64) * np.uint64(_ODD[4])
    found["line"] = np.arange(first, first + len(depth), dtype=np.uint64)
    found["depth"] = depth
    return found


_ODD = (
    0x9E3779B97F4A7C15,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0xD6E8FEB86659FD93,
    0xA0761D6478BD642F,
)
"""Odd numbers without pattern: multiplied by one of them, no two hashes become one."""
