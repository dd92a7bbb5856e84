"""One filter file in several parts, each unit whole in one of them."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dicomfilter.counts import counted
from dicomfilter.errors import DestinationExistsError, DicomFilterError, UsageError
from dicomfilter.faces import Face
from dicomfilter.filters.algebra.deriving import Derived, Target, calculator
from dicomfilter.filters.algebra.inputs import open_sources
from dicomfilter.filters.algebra.partition import Part, Session, open_session_of
from dicomfilter.filters.algebra.picks import Result
from dicomfilter.filters.lines.findings import MEMORY_LIMIT
from dicomfilter.filters.sidecars import SUFFIX, write_text
from dicomfilter.named import Choice
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import is_cloud
from dicomfilter.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.filters.algebra.inputs import Input

PLACE = "{part}"
"""What stands in a name for that of a part."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_RATIO_SUM = 1e-9
_MOST_PARTS = 400
"""All are open at once, so that none is published before all are complete."""


class By(Choice):
    """What parts are weighed by."""

    LINES = "lines"
    SIZE = "size"
    INSTANCES = "instances"


class Unit(Choice):
    """What is never divided between two parts."""

    STUDY = "study"
    PATIENT = "patient"
    SERIES = "series"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class How:
    """How a filter file is divided; one of the first five says into how many parts.

    Args:
        parts: So many parts of like weight.
        max_size: At most so many bytes of images a part.
        max_instances: At most so many instances a part.
        max_lines: At most so many lines a part.
        ratio: By name, the share of units that a part gets, by a keyed hash of each.
        by: What parts of like weight are weighed by.
        unit: What is never divided; a study by default.
        seed: The key of the hash.
    """

    parts: int | None = None
    max_size: int | None = None
    max_instances: int | None = None
    max_lines: int | None = None
    ratio: Mapping[str, float] | None = None
    by: By | None = None
    unit: Unit = Unit.STUDY
    seed: str = ""

    def __post_init__(self) -> None:
        caps = (self.max_size, self.max_instances, self.max_lines)
        given = [one for one in (self.parts, self.ratio, *caps) if one is not None]
        if len(given) != 1:
            raise UsageError(
                "into how many parts must be said in one way",
                hint="give one of --parts, --max-size, --max-instances, --max-lines, --ratio",
            )
        if any(one is not None and one < 1 for one in (self.parts, *caps)):
            raise UsageError("a number of parts, or a most of one, is at least 1")
        if self.ratio is not None:
            _check_ratio(self.ratio)
            if self.by is not None:
                raise UsageError("a ratio is of units, not of weights", hint="drop --by")
        elif self.seed:
            raise UsageError("a seed goes with a ratio", hint="drop --seed, or give --ratio")
        capped = dict(zip((By.SIZE, By.INSTANCES, By.LINES), caps, strict=True))
        for by, cap in capped.items():
            if cap is not None and self.by not in (None, by):
                raise UsageError(
                    f"a most of {by} is weighed by {by}, not by {self.by}", hint="drop --by"
                )

    @property
    def weighed_by(self) -> By:
        """What weighs."""
        if self.max_size is not None:
            return By.SIZE
        if self.max_instances is not None:
            return By.INSTANCES
        return self.by or By.LINES

    @property
    def most(self) -> int | None:
        """The most that a part may weigh."""
        return self.max_size or self.max_instances or self.max_lines

    @property
    def needs_table(self) -> str | None:
        """What takes a table to tell; None where the lines do."""
        if self.weighed_by is not By.LINES:
            return str(self.weighed_by)
        return "patients" if self.unit is Unit.PATIENT else None


def _check_ratio(ratio: Mapping[str, float]) -> None:
    if len(ratio) < 2 or any(not 0 < share < 1 for share in ratio.values()):
        raise UsageError(
            "a ratio has two parts or more, each with a share between 0 and 1",
            hint="write for example train=0.7,val=0.15,test=0.15",
        )
    if abs(sum(ratio.values()) - 1) > _RATIO_SUM:
        raise UsageError(
            f"the shares sum up to {sum(ratio.values()):g}, not to 1",
            hint="write for example train=0.7,val=0.15,test=0.15",
        )
    for name in ratio:
        if _NAME.fullmatch(name) is None:
            raise UsageError(f"{name!r} is no name of a part", hint="use letters, digits, _ and -")
    if len({name.lower() for name in ratio}) < len(ratio):
        raise UsageError("two parts have one name", hint="name each part by itself")


@dataclass(frozen=True, slots=True, repr=False)
class Split(Face):
    """Parts of a filter file, which stand at their destinations.

    Args:
        parts: What each is: its file, and what it weighs.
        input: The file that was divided.
        parts_uri: Where they are listed.
        warnings: What a person should know.
        unit: What stands whole in one part.
    """

    parts: tuple[tuple[Part, Derived], ...]
    input: Input
    parts_uri: str
    warnings: tuple[str, ...]
    unit: Unit

    def facts(self) -> list[tuple[str, str]]:
        """List the parts: a file and its lines each."""
        return [
            ("divided", self.input.uri),
            *(
                (f"part {number}", f"{one.uri}, {counted(one.levels.total, 'line')}")
                for number, (_, one) in enumerate(self.parts, 1)
            ),
            ("list", self.parts_uri),
            *(("warning", text) for text in self.warnings),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give it as ``--json`` and the list beside the parts show it."""
        return {
            "dicomfilter": __version__,
            "operation": "split",
            "input": self.input.to_dict(),
            "unit": str(self.unit),
            "parts": [
                {
                    **asdict(part),
                    "uri": derived.uri,
                    "crc32c": derived.written.crc32c,
                    "generation": derived.written.generation,
                }
                for part, derived in self.parts
            ],
            "warnings": list(self.warnings),
        }


def split(
    path: str | PathLike[str],
    out: str,
    how: How,
    *,
    against: Engine | None = None,
    overwrite: bool = False,
    memory_limit: str = MEMORY_LIMIT,
) -> Split:
    """Divide a filter file into parts that are disjoint and together the whole.

    Args:
        path: The file, ``gs://bucket/object``, or ``-`` for standard input.
        out: Where the parts go; ``{part}`` in it is a number from 1, or a name of the ratio.
        how: Into which parts.
        against: The table that tells sizes, instances and patients.
        overwrite: Whether files that are there may be replaced.
        memory_limit: What is kept in memory before it is spilled to a temporary folder.

    Returns:
        The parts, in the order of (study, series, instance).

    Raises:
        UsageError: The name has no ``{part}``, a table is needed, or does not tell what it should.
        FilterFileError: The file cannot be used as it is.
        DestinationError: A part cannot be written, or exists; none was written.
    """
    uri = str(path)
    _check_name(out)
    if how.needs_table and against is None:
        raise UsageError(
            f"it takes a table to tell {how.needs_table}", hint="name it with --against TABLE"
        )
    listed = _listed(out)
    open_storage(listed).check_destination(listed, overwrite=overwrite, inputs=[uri], private=True)
    with open_sources([uri]) as sources, calculator(sources, memory_limit) as algebra:
        pick = algebra.union()
        with open_session_of(pick, against, str(how.unit), memory_limit) as session:
            parts = _divide(session, how)
            session.prove()
            if sum(part.lines for part in parts) != pick.levels.total:
                raise DicomFilterError("the parts are not the whole; no filter file was written")
            targets = {
                part.name: Target(out.replace(PLACE, part.name), overwrite) for part in parts
            }
            _check_targets(targets, out, uri)
            done = _write_all(targets, parts, session, algebra.inputs)
        warnings = _too_large(parts, how)
        made = Split(done, algebra.inputs[0], listed, warnings, how.unit)
        write_text(listed, json.dumps(made.to_dict(), indent=2) + "\n", overwrite=overwrite)
        return made


def _check_name(out: str) -> None:
    name = out.rpartition("/")[2]
    if out.count(PLACE) != 1 or PLACE not in name:
        raise UsageError(
            f"{out!r} must hold {PLACE} once, in the name of the file",
            hint=f"write for example -o 'parts/ct-{PLACE}.txt'",
        )


def _listed(out: str) -> str:
    """Name the list of parts: ``parts/ct-{part}.txt`` has ``parts/ct.parts.json``."""
    folder, slash, name = out.rpartition("/")
    stem = name.partition(PLACE)[0].rstrip("-_.")
    return f"{folder}{slash}{stem}{'.' if stem else ''}parts.json"


def _divide(session: Session, how: How) -> list[Part]:
    if how.ratio is not None:
        weights = session.shares(how.ratio, how.seed)
        names = list(how.ratio)
        empty = [name for name, weight in zip(names, weights, strict=True) if not weight]
        if empty:
            raise UsageError(
                f"no {how.unit} fell into {' or '.join(empty)}: there are too few",
                hint="choose other shares, or divide a larger filter",
            )
    else:
        column = {By.SIZE: "size_bytes"}.get(how.weighed_by, str(how.weighed_by))
        weights = session.ranges(column, parts=how.parts, most=how.most)
        width = len(str(len(weights)))
        names = [f"{number:0{width}d}" for number in range(1, len(weights) + 1)]
    if len(names) > _MOST_PARTS:
        raise UsageError(
            f"that is {len(names):,} parts, and there can be {_MOST_PARTS}",
            hint="allow more in a part",
        )
    return [
        session.part(number, name, weight)
        for number, (name, weight) in enumerate(zip(names, weights, strict=True))
    ]


def _too_large(parts: list[Part], how: How) -> tuple[str, ...]:
    """Say what could not be as it was asked for."""
    found = []
    if how.parts is not None and len(parts) < how.parts:
        units = "studies" if how.unit is Unit.STUDY else f"{how.unit}s"
        found.append(f"there are {len(parts):,} parts: the {units} do not make {how.parts:,}")
    if how.most is not None and (large := [part for part in parts if part.weight > how.most]):
        found.append(
            f"{counted(len(large), 'part')} with a single {how.unit} "
            f"{'is' if len(large) == 1 else 'are'} larger than was asked for: "
            + ", ".join(part.name for part in large[:5])
        )
    return tuple(found)


def _check_targets(targets: Mapping[str, Target], out: str, uri: str) -> None:
    """Find out whether all can be written, and that no older part stays among them."""
    own = {target.uri for target in targets.values()}
    older = sorted(set(_like(out)) - own)
    if older:
        raise DestinationExistsError(
            f"{older[0]} is there already and would stand among the parts"
            + (f", as would {len(older) - 1:,} more" if len(older) > 1 else ""),
            hint="remove the parts of an earlier split, or choose another name",
        )
    for target in targets.values():
        target.check([uri])


def _like(out: str) -> list[str]:
    """List what is there under the name of any part."""
    before, _, after = out.partition(PLACE)
    if is_cloud(out):
        from dicomfilter.storage.gcs.listing import listed
        from dicomfilter.storage.gcs.objects import GcsStorage

        found = [*listed(GcsStorage(), before)]
    else:
        folder = before[: before.rfind("/") + 1]
        names = Path(folder or ".").iterdir() if Path(folder or ".").is_dir() else ()
        found = [folder + path.name for path in names]
    return [
        uri
        for uri in found
        if uri.startswith(before)
        and uri.endswith(after)
        and uri[len(before) : len(uri) - len(after)].isdecimal()
        and not uri.endswith((SUFFIX, ".parts.json", ".rejected.csv", ".unmatched.csv"))
    ]


def _write_all(
    targets: Mapping[str, Target], parts: list[Part], session: Session, inputs: tuple[Input, ...]
) -> tuple[tuple[Part, Derived], ...]:
    """Write every part, and publish them once all are complete."""
    results = [
        Result(
            part.levels,
            part.studies,
            part.series,
            partial(session.blocks, number),
            details={"part": part.name, "of": len(parts)},
        )
        for number, part in enumerate(parts)
    ]
    with ExitStack() as stack:
        writers = []
        for part, result in zip(parts, results, strict=True):
            writers.append(stack.enter_context(targets[part.name].filled(result)))
    written = [writer.written for writer in writers]
    return tuple(
        (part, targets[part.name].describe("split", inputs, result, one))
        for part, result, one in zip(parts, results, written, strict=True)
    )
