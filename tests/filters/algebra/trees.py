"""Random trees of studies, series and instances, and what filters over them stand for.

Slow and plain on purpose: a filter is the set of leaves under its lines. Each study has a series and
each series an instance that nobody has named yet, for a line stands for what arrives later too.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from dicomfilter.paths import ResourcePath

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

LATER = "999"
"""The UID of what has not arrived yet; no line names it."""


@dataclass(frozen=True)
class Tree:
    """What a table knows, and lines over it."""

    known: tuple[ResourcePath, ...]
    named: tuple[ResourcePath, ...]

    def leaves(self, lines: Iterable[ResourcePath]) -> set[ResourcePath]:
        """List the instances under some lines, those that arrive later too."""
        wanted = tuple(lines)
        return {leaf for leaf in self.named if any(line.covers(leaf) for line in wanted)}

    def known_leaves(self, lines: Iterable[ResourcePath]) -> set[ResourcePath]:
        """List the instances under some lines that the table knows."""
        return self.leaves(lines) & set(self.known)

    def lines(self, random: Random, count: int) -> list[ResourcePath]:
        """Choose lines of any level, some of them more than once."""
        return [_cut(random.choice(self.known), random) for _ in range(count)]


def _cut(leaf: ResourcePath, random: Random) -> ResourcePath:
    depth = random.choice((1, 2, 2, 3, 3, 3))
    return ResourcePath(*(leaf.study, leaf.series, leaf.instance)[:depth])


def tree(random: Random, number: int = 1) -> Tree:
    """Make a tree whose UIDs start with its number."""
    known, named = [], []
    for study in range(random.randint(1, 3)):
        uid = f"{number}.{study}"
        series = [f"{uid}.{n}" for n in range(random.randint(1, 3))]
        for one in series:
            instances = [f"{one}.{n}" for n in range(random.randint(1, 4))]
            known += [ResourcePath(uid, one, instance) for instance in instances]
            named += [ResourcePath(uid, one, instance) for instance in (*instances, LATER)]
        named.append(ResourcePath(uid, LATER, LATER))
    return Tree(tuple(known), (*named,))


def is_normal(lines: Iterable[ResourcePath]) -> bool:
    """Tell whether no line comes twice or is covered by another."""
    given = tuple(lines)
    return not any(a.covers(b) for (m, a), (n, b) in product(enumerate(given), repeat=2) if m != n)


def cut(a: Iterable[ResourcePath], b: Iterable[ResourcePath]) -> set[ResourcePath]:
    """List the lines of which the others have a part and not all."""
    others = tuple(b)
    whole = {line for line in a if not any(o.covers(line) and o != line for o in a)}
    left = {line for line in whole if not any(other.covers(line) for other in others)}
    return {line for line in left if any(line.covers(other) for other in others)}


def write(path: Path, lines: Iterable[ResourcePath], *, end: str = "\n") -> Path:
    """Write lines as a filter file."""
    path.write_text("".join(f"{line}{end}" for line in lines), newline="")
    return path


def read(path: Path) -> list[ResourcePath]:
    """Read a filter file."""
    return [ResourcePath.parse(line) for line in path.read_text().splitlines()]
