"""What a filter must be, in plain Python over rows: the rules of meaning, written once more.

Nothing of dicomfilter's own is used to work out an answer, so that a test which compares with it
can fail for a mistake in either.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Row = Mapping[str, Any]
    Test = Callable[[Row], bool]

UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
WORDS = ("studies", "series", "instances")
DEPTHS = {"study": 1, "series": 2, "instance": 3}
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Expected:
    """What a build gives.

    Args:
        lines: The lines, without their ends.
        matched: Instances that satisfy the predicate.
        covered: Instances that the lines stand for.
        size_bytes: Of what the lines stand for; None as soon as one is unknown.
        rejected: Keys of the rows that cannot make a line, each as often as it was.
    """

    lines: frozenset[str]
    matched: int
    covered: int
    size_bytes: int | None
    rejected: Counter[Key]

    @property
    def lines_by_level(self) -> tuple[int, int, int]:
        """How many lines name a study, a series, an instance."""
        depths = Counter(line.count("/") // 2 for line in self.lines)
        return depths[1], depths[2], depths[3]


def key(row: Row) -> Key:
    return tuple(row[name] for name in UIDS)


def is_usable(found: Key) -> bool:
    return all(uid is not None and re.fullmatch("[0-9.]+", uid) for uid in found)


def line(*uids: str) -> str:
    return "".join(f"/{word}/{uid}" for word, uid in zip(WORDS, uids, strict=False))


def current(rows: Iterable[Row]) -> list[Row]:
    """Keep the newest row of each instance and drop the deleted ones; unusable rows all stay."""
    newest: dict[Key, Row] = {}
    apart: list[Row] = []
    for row in rows:
        if not is_usable(key(row)):
            apart.append(row)
        elif key(row) not in newest or _age(row) > _age(newest[key(row)]):
            newest[key(row)] = row
    return [row for row in (*newest.values(), *apart) if row.get("Type") != "DELETE"]


def _age(row: Row) -> tuple[Any, ...]:
    updated = row.get("LastUpdated")
    return (updated is not None, updated or 0, row.get("Type") == "DELETE")


def expected(rows: Iterable[Row], test: Test, level: str, *, compact: bool = False) -> Expected:
    """Work out a filter from rows in their current state."""
    rows = list(rows)
    usable = {key(row) for row in rows if is_usable(key(row))}
    hit = {key(row) for row in rows if is_usable(key(row)) and test(row)}
    lines, covered = _compacted(rows, usable, hit) if compact else _widened(usable, hit, level)
    if compact and level == "series":
        lines, covered = _compacted_series(rows, usable, hit)
    return Expected(
        frozenset(line(*uids) for uids in lines),
        len(hit),
        len(covered),
        _size(rows, covered),
        _rejected(rows, test, DEPTHS[level]),
    )


def _widened(usable: set[Key], hit: set[Key], level: str) -> tuple[set[Key], set[Key]]:
    depth = DEPTHS[level]
    lines = {uids[:depth] for uids in hit}
    return lines, {uids for uids in usable if uids[:depth] in lines}


def _compacted(rows: list[Row], usable: set[Key], hit: set[Key]) -> tuple[set[Key], set[Key]]:
    spoilt = {key(row)[:depth] for row in rows if key(row) not in hit for depth in (1, 2)}
    whole = {uids[:depth] for uids in hit for depth in (1, 2)} - spoilt
    lines = {next((uids[:d] for d in (1, 2) if uids[:d] in whole), uids) for uids in hit}
    return lines, {uids for uids in usable if any(uids[:d] in lines for d in (1, 2, 3))}


def _compacted_series(
    rows: list[Row], usable: set[Key], hit: set[Key]
) -> tuple[set[Key], set[Key]]:
    series = {uids[:2] for uids in hit}
    spoilt = {key(row)[:1] for row in rows if key(row)[:2] not in series}
    spoilt |= {key(row)[:1] for row in rows if not is_usable(key(row))}
    lines = {uids if uids[:1] in spoilt else uids[:1] for uids in series}
    return lines, {uids for uids in usable if uids[:2] in series}


def _size(rows: list[Row], covered: set[Key]) -> int | None:
    sizes: dict[Key, list[int | None]] = defaultdict(list)
    for row in rows:
        if key(row) in covered:
            sizes[key(row)].append(row.get("BlobStorageSize"))
    known = [[size for size in found if size is not None] for found in sizes.values()]
    return sum(max(found) for found in known) if all(known) else None


def _rejected(rows: list[Row], test: Test, depth: int) -> Counter[Key]:
    return Counter(key(row)[:depth] for row in rows if not is_usable(key(row)) and test(row))


def expanded(lines: Iterable[str], rows: Iterable[Row]) -> Counter[Key]:
    """List the instances that lines name, each as often as a line names it."""
    by_prefix: dict[Key, set[Key]] = defaultdict(set)
    for row in rows:
        for depth in (1, 2, 3):
            by_prefix[key(row)[:depth]].add(key(row))
    found: Counter[Key] = Counter()
    for text in lines:
        found.update(by_prefix[tuple(text.split("/")[2::2])])
    return found


def attrition(rows: Sequence[Row], tests: Sequence[Test]) -> list[tuple[int, int]]:
    """Count the instances that the clauses up to each one leave, and that each alone leaves."""
    usable = [row for row in rows if is_usable(key(row))]
    steps = []
    for number, alone in enumerate(tests, 1):
        left = {key(r) for r in usable if all(test(r) for test in tests[:number])}
        steps.append((len(left), len({key(r) for r in usable if alone(r)})))
    return steps
