"""``dicomfilter split``: a filter file in parts."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Json, Overwrite, Quiet
from dicomfilter.cli.sets import Against, Memory, table
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import UsageError

if TYPE_CHECKING:
    from dicomfilter.filters.algebra.splitting import Split

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}


def split(
    filter_file: Annotated[
        str, typer.Argument(metavar="FILTER", help="A filter file; - for stdin.")
    ],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="NAME", help="The parts; {part} is in the name."),
    ] = None,
    parts: Annotated[
        int | None, typer.Option("--parts", metavar="N", help="So many parts of like weight.")
    ] = None,
    max_size: Annotated[
        str | None, typer.Option("--max-size", metavar="2TB", help="The most bytes of a part.")
    ] = None,
    max_instances: Annotated[
        int | None, typer.Option("--max-instances", metavar="N", help="The most instances.")
    ] = None,
    max_lines: Annotated[
        int | None, typer.Option("--max-lines", metavar="N", help="The most lines.")
    ] = None,
    ratio: Annotated[
        str | None,
        typer.Option("--ratio", metavar="A=0.7,B=0.3", help="Shares, by a keyed hash of units."),
    ] = None,
    seed: Annotated[str, typer.Option("--seed", metavar="TEXT", help="The key of that hash.")] = "",
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="lines|size|instances", help="What --parts weighs by."),
    ] = None,
    unit: Annotated[
        str,
        typer.Option(
            "--unit", metavar="study|patient|series", help="What is never divided; a study."
        ),
    ] = "study",
    against: Against = None,
    memory_limit: Memory = "2GB",
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write a filter file in several parts, no unit divided.

    Example: dicomfilter split ct.txt -o 'parts/ct-{part}.txt' --parts 4 --by size --against idc
    """
    from dicomfilter.filters.algebra.splitting import By, How, Unit
    from dicomfilter.filters.algebra.splitting import split as divide

    if output is None:
        raise UsageError("no output is named", hint="add -o 'parts/ct-{part}.txt'")
    how = How(
        parts=parts,
        max_size=None if max_size is None else _bytes(max_size),
        max_instances=max_instances,
        max_lines=max_lines,
        ratio=None if ratio is None else _shares(ratio),
        by=None if by is None else By(_one_of(by, "--by", list(By))),
        unit=Unit(_one_of(unit, "--unit", [Unit.STUDY, Unit.PATIENT, Unit.SERIES])),
        seed=seed,
    )
    with ExitStack() as stack:
        done = divide(
            filter_file,
            output,
            how,
            against=table(against, stack, memory_limit),
            overwrite=overwrite,
            memory_limit=memory_limit,
        )
    _show(done, as_json=as_json, quiet=quiet)
    return 0


def _show(done: Split, *, as_json: bool, quiet: bool) -> None:
    from dicomfilter.counts import human_count, human_size

    if not quiet:
        heads = ("part", "lines", "patients", "studies", "series", "instances", "size")
        rows: list[tuple[str, ...]] = [heads]
        for part, _ in done.parts:
            counts = (part.lines, part.patients, part.studies, part.series, part.instances)
            rows.append((part.name, *map(human_count, counts), human_size(part.size_bytes)))
        widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
        for row in rows:
            cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
            messages.note("  ".join([row[0].ljust(widths[0]), *cells]))
        messages.note(f"no {done.unit} is in two parts, and every line is in one")
        messages.note(f"beside   {done.parts_uri}")
    messages.warnings(done.warnings)
    if as_json:
        echo(json.dumps(done.to_dict()))
        return
    for _, derived in done.parts:
        echo(derived.uri)


def _one_of(text: str, option: str, known: list[str]) -> str:
    if text not in known:
        raise UsageError(f"{option} {text!r} is none of {', '.join(known)}", hint="choose one")
    return text


def _shares(text: str) -> dict[str, float]:
    """Read shares by name.

    >>> _shares("train=0.7,test=0.3")
    {'train': 0.7, 'test': 0.3}
    """
    found: dict[str, float] = {}
    for piece in text.split(","):
        name, equals, share = piece.partition("=")
        if not equals or not re.fullmatch(r"[0-9]*\.?[0-9]+", share):
            raise UsageError(
                f"--ratio {piece!r} is not NAME=SHARE",
                hint="write for example train=0.7,val=0.15,test=0.15",
            )
        if name in found:
            raise UsageError(f"--ratio names {name} twice", hint="name each part once")
        found[name] = float(share)
    return found


def _bytes(text: str) -> int:
    """Read a size in powers of ten, as disks and bills count.

    >>> _bytes("2TB"), _bytes("1.5 GB"), _bytes("1000")
    (2000000000000, 1500000000, 1000)
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kKMGTP]?)B?", text.strip())
    if found is None:
        raise UsageError(f"--max-size {text!r} is not a size", hint="write 500GB or 2TB")
    return int(float(found[1]) * _UNITS[found[2].upper()])
