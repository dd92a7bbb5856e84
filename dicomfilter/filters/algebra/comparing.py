"""How two filter files differ, as sets."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dicomfilter.counts import counted
from dicomfilter.errors import UsageError
from dicomfilter.faces import Face
from dicomfilter.filters.algebra.deriving import Derived, Target, difference_result, opened
from dicomfilter.filters.algebra.picks import Result
from dicomfilter.filters.lines.findings import MEMORY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from dicomfilter.engines.protocol import Engine


@dataclass(frozen=True, slots=True)
class Side:
    """One part of a comparison.

    Args:
        lines: Lines, once those that others cover are dropped.
        studies: Studies that they name, whole or in part; with metadata, those that they cover.
        series: Series, likewise.
        instances: Instances that they cover; None where only metadata could tell.
        size_bytes: Bytes of their images; None where unknown.
    """

    lines: int
    studies: int
    series: int
    instances: int | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True, repr=False)
class Diff(Face):
    """How two filters differ.

    Args:
        a: The first, as it was named.
        b: The second.
        only_a: What the first has beyond the second.
        only_b: What the second has beyond the first.
        both: What both have.
        partly: Lines of one of which the other has a part; none where metadata settled them.
        against: The table that did, as it was named; None for none.
        written: The filter files that were written.
        selection_changes: How the selections differ that the two were built by.
        warnings: What a person should know.
    """

    a: str
    b: str
    only_a: Side
    only_b: Side
    both: Side
    partly: int = 0
    against: str | None = None
    written: tuple[Derived, ...] = ()
    selection_changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def facts(self) -> list[tuple[str, str]]:
        """List the two, whether they are the same, and how much each has alone."""
        same = "yes" if self.same else "no" if self.exact else "not settled: name a table"
        return [
            ("A", self.a),
            ("B", self.b),
            ("same", same),
            *(
                (name, f"{counted(one.lines, 'line')}, {counted(one.studies, 'study', 'studies')}")
                for name, one in self.rows()
            ),
            *(("changed", text) for text in self.selection_changes),
            *(("warning", text) for text in self.warnings),
        ]

    @property
    def same(self) -> bool:
        """Whether the two are one set; what is not settled counts as different."""
        return not (self.only_a.lines or self.only_b.lines or self.partly)

    @property
    def exact(self) -> bool:
        """Whether nothing was left for metadata to settle."""
        return not self.partly

    def to_dict(self) -> dict[str, Any]:
        """Give it as ``--json`` shows it."""
        return {
            "same": self.same,
            "exact": self.exact,
            "against": self.against,
            "only_a": asdict(self.only_a),
            "only_b": asdict(self.only_b),
            "both": asdict(self.both),
            "partly": self.partly,
            "selection_changes": self.selection_changes,
            "written": [one.uri for one in self.written],
            "warnings": self.warnings,
        }

    def rows(self) -> list[tuple[str, Side]]:
        """Give the parts by name."""
        return [("only A", self.only_a), ("only B", self.only_b), ("both", self.both)]


def diff(
    a: str | PathLike[str],
    b: str | PathLike[str],
    *,
    against: Engine | None = None,
    only_a: Target | None = None,
    only_b: Target | None = None,
    both: Target | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> Diff:
    """Compare two filter files as sets.

    Args:
        a: The first.
        b: The second.
        against: A table that settles lines of which the other has a part, and counts instances
            and bytes.
        only_a: Where to write what the first has beyond the second; nothing is written there if
            that is nothing.
        only_b: Where to write what the second has beyond the first, likewise.
        both: Where to write what both have, likewise.
        memory_limit: What is kept in memory before it is spilled to a temporary folder.

    Returns:
        The comparison.

    Raises:
        FilterFileError: A file cannot be used as it is.
        UsageError: A part is to be written that only metadata could tell.
        DestinationError: A part cannot be written, or exists.
    """
    wanted = {"only A": only_a, "only B": only_b, "both": both}
    targets = [target for target in wanted.values() if target is not None]
    _check_apart(targets)
    with opened((a, b), *targets, memory_limit=memory_limit) as algebra, ExitStack() as stack:
        found = algebra.compare()
        results = {
            "only A": _difference(found.a, against, only_a, stack, memory_limit),
            "only B": _difference(found.b, against, only_b, stack, memory_limit),
            "both": Result(
                found.both.levels, found.both.studies, found.both.series, found.both.blocks
            ),
        }
        sides = _sides(results, against, memory_limit)
        cut = found.a.cut.levels.total + found.b.cut.levels.total
        warnings = [text for result in results.values() for text in result.warnings]
        written = []
        for name, target in wanted.items():
            if target is None:
                continue
            if results[name].levels.total:
                written.append(target.write(name, algebra.inputs, results[name]))
            else:
                warnings.append(f"{name}: nothing, so {target.uri} was not written")
        return Diff(
            str(a),
            str(b),
            *sides,
            partly=0 if against is not None else cut,
            against=None if against is None else against.uri,
            written=tuple(written),
            selection_changes=_changes(*(one.manifest for one in algebra.inputs)),
            warnings=tuple(dict.fromkeys(warnings)),
        )


def _check_apart(targets: list[Target]) -> None:
    import os

    places = [os.path.realpath(target.uri) for target in targets]
    if len(set(places)) < len(places):
        raise UsageError("two parts cannot go to one file", hint="name a file each")


def _difference(
    difference: Any,  # noqa: ANN401 - a Difference
    against: Engine | None,
    target: Target | None,
    stack: ExitStack,
    memory_limit: str,
) -> Result:
    """Settle a difference, or leave out what is cut where nobody asks for its lines."""
    if against is None and target is None:
        kept = difference.kept
        return Result(kept.levels, kept.studies, kept.series, kept.blocks)
    return difference_result(difference, against, stack, memory_limit)


def _sides(
    results: Mapping[str, Result], against: Engine | None, memory_limit: str
) -> tuple[Side, Side, Side]:
    if against is None:
        sides = [_told_by_lines(result) for result in results.values()]
    else:
        sides = _told_by_table(list(results.values()), against, memory_limit)
    return sides[0], sides[1], sides[2]


def _told_by_lines(result: Result) -> Side:
    levels = result.levels
    instances = None if levels.study or levels.series else levels.instance
    size = 0 if not levels.total else None
    return Side(levels.total, result.studies, result.series, instances, size)


def _told_by_table(results: list[Result], engine: Engine, memory_limit: str) -> list[Side]:
    from itertools import chain

    from dicomfilter.filters.algebra.weights import take_lines, take_units, weigh
    from dicomfilter.filters.lines.ledger import open_session

    with open_session(memory_limit, ()) as connection:
        take_lines(connection, "lines", chain.from_iterable(one.blocks() for one in results))
        take_units(connection, engine)
        sides = []
        for result in results:
            told = weigh(connection, result.blocks())
            sides.append(
                Side(
                    result.levels.total,
                    told.studies,
                    told.series,
                    told.instances,
                    told.size_bytes,
                )
            )
        return sides


def _changes(a: str | None, b: str | None) -> tuple[str, ...]:
    """Say how the selections of two manifests differ, where both are there."""
    if a is None or b is None:
        return ()
    from dicomfilter.filters.algebra.inputs import read_manifest_or_none

    before, after = read_manifest_or_none(a), read_manifest_or_none(b)
    if before is None or after is None or before.derived or after.derived:
        return ()
    found = []
    old, new = dict.fromkeys(before.predicates), dict.fromkeys(after.predicates)
    found += [f"no longer: {sql}" for sql in old if sql not in new]
    found += [f"new: {sql}" for sql in new if sql not in old]
    values = {p.name: p for p in before.parameters}
    for parameter in after.parameters:
        was = values.get(parameter.name)
        if was is None or not (before.recorded and after.recorded):
            continue
        if (was.type, was.value) != (parameter.type, parameter.value):
            found.append(
                f"@{parameter.name} was {str(was).split(':', 1)[1]}, "
                f"is {str(parameter).split(':', 1)[1]}"
            )
    if before.table.uri != after.table.uri:
        found.append(f"the table was {before.table.uri}, is {after.table.uri}")
    elif before.table.digest != after.table.digest:
        found.append("the table has changed")
    if before.level != after.level:
        found.append(f"the level was {before.level}, is {after.level}")
    return tuple(found)
