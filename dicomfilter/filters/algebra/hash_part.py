"""The calculation itself, over the hashes of a part of the lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dicomfilter.filters.algebra.buckets import Records

    Mask: TypeAlias = NDArray[np.bool_]
    Masks: TypeAlias = dict[str, Mask]


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of all inputs that name some studies, every line of these.

    Args:
        records: Of the lines, input after input.
        starts: Where each input begins, and the end of the last.
        code: Equal where lines are equal, from 0.
        codes: How many different lines there are.
    """

    records: Records
    starts: tuple[int, ...]
    code: NDArray[np.int64]
    codes: int

    @classmethod
    def of(cls, inputs: Sequence[Records]) -> Part:
        """Find out which lines are equal."""
        import numpy as np

        starts = np.cumsum([0, *map(len, inputs)]).tolist()
        records = np.concatenate(inputs)
        key, proof = np.ascontiguousarray(records["key"]), records["proof"]
        order = np.argsort(key)
        ordered, proofs = key[order], proof[order]
        same = ordered[1:] == ordered[:-1]
        if (proofs[1:][same] != proofs[:-1][same]).any():  # two lines share a key
            order = np.lexsort((proof, key))
            ordered, proofs = key[order], proof[order]
            same = (ordered[1:] == ordered[:-1]) & (proofs[1:] == proofs[:-1])
        code = np.empty(len(key), np.int64)
        code[order] = np.cumsum(np.concatenate([[False], ~same])) if len(key) else 0
        return cls(records, tuple(starts), code, int(len(key) - same.sum()))

    def union(self) -> Masks:
        """Pick what any input has."""
        return {"union": self._normal(self._all())}

    def common(self) -> Masks:
        """Pick what all inputs have."""
        common = self._all()
        for number in range(len(self.starts) - 1):
            common &= self._covered(self._input(number))
        return {"common": self._normal(common)}

    def minus(self) -> Masks:
        """Pick what the first input has beyond all others."""
        first = self._input(0)
        return self._minus(first, ~first)

    def compare(self) -> Masks:
        """Compare two inputs."""
        a, b = self._input(0), self._input(1)
        found = {f"a_{name}": mask for name, mask in self._minus(a, b).items()}
        found |= {f"b_{name}": mask for name, mask in self._minus(b, a).items()}
        return found | {"both": self.common()["common"]}

    def counts(self, mask: Mask) -> NDArray[np.int64]:
        """Count picked lines by level, and the studies and series that they name."""
        import numpy as np

        picked = self.records[mask]
        depth = picked["depth"]
        levels = np.bincount(depth.astype(np.int64), minlength=4)[1:]
        studies = len(np.unique(picked["study"]))
        series = len(np.unique(picked["series"][depth > 1]))
        return np.array([*levels, studies, series], np.int64)

    def lines(self, mask: Mask) -> Iterator[tuple[int, NDArray[np.uint64]]]:
        """Give the numbers of picked lines, input by input."""
        for number, (start, end) in enumerate(zip(self.starts, self.starts[1:], strict=False)):
            lines = self.records["line"][start:end][mask[start:end]]
            if len(lines):
                yield number, lines

    def _minus(self, first: Mask, others: Mask) -> Masks:
        left = self._normal(first) & ~self._covered(others)
        cut = left & self._holds(others)
        cutters = self._normal(others & self._covered_by_more(cut))
        return {"kept": left & ~cut, "cut": cut, "cutters": cutters}

    def _normal(self, mask: Mask) -> Mask:
        """Drop lines that come again, or that another covers."""
        import numpy as np

        places = np.flatnonzero(mask)
        first = np.full(self.codes, -1, np.int64)
        first[self.code[places[::-1]]] = places[::-1]  # of several places the last one stays
        once = np.zeros(len(mask), np.bool_)
        once[first[first >= 0]] = True
        return once & ~self._covered_by_more(mask)

    def _covered(self, by: Mask) -> Mask:
        import numpy as np

        there = np.zeros(self.codes, np.bool_)
        there[self.code[by]] = True
        return there[self.code] | self._covered_by_more(by)

    def _covered_by_more(self, by: Mask) -> Mask:
        """Find the lines that a coarser one covers."""
        import numpy as np

        depth, found = self.records["depth"], np.zeros(len(self.records), np.bool_)
        for level, name in ((1, "study"), (2, "series")):
            coarser = self.records[name][by & (depth == level)]
            if len(coarser):
                found |= (depth > level) & np.isin(self.records[name], coarser)
        return found

    def _holds(self, others: Mask) -> Mask:
        """Find the lines that cover more than some other line."""
        import numpy as np

        depth, found = self.records["depth"], np.zeros(len(self.records), np.bool_)
        for level, name in ((1, "study"), (2, "series")):
            own = depth == level
            if own.any():
                finer = self.records[name][others & (depth > level)]
                found |= own & np.isin(self.records[name], finer)
        return found

    def _input(self, number: int) -> Mask:
        import numpy as np

        mask = np.zeros(len(self.records), np.bool_)
        mask[self.starts[number] : self.starts[number + 1]] = True
        return mask

    def _all(self) -> Mask:
        import numpy as np

        return np.ones(len(self.records), np.bool_)
