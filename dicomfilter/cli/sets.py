"""``dicomfilter union``, ``intersect``, ``subtract`` and ``diff``."""

from __future__ import annotations

import json
import traceback
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Json, Overwrite, Quiet
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import DicomFilterError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dicomfilter.engines.protocol import Engine
    from dicomfilter.filters.algebra.comparing import Diff, Side
    from dicomfilter.filters.algebra.deriving import Derived, Target

_DIFFERENT = 1
_MEMORY = "2GB"

Filters = Annotated[
    list[str], typer.Argument(metavar="FILTER...", help="Two filter files or more; - for stdin.")
]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="OUT", help="The filter file; - for stdout."),
]
Against = Annotated[
    str | None,
    typer.Option("--against", metavar="TABLE", help="A table that tells what is left of a line."),
]
ManifestPath = Annotated[
    str | None, typer.Option("--manifest", metavar="PATH", help="Another place for the manifest.")
]
Memory = Annotated[
    str,
    typer.Option(
        "--memory-limit",
        metavar="2GB",
        show_default=False,
        help="The memory before files are spilled to a temporary folder.",
    ),
]


def union(
    filters: Filters,
    output: Output = None,
    manifest: ManifestPath = None,
    memory_limit: Memory = _MEMORY,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write what any of some filter files has.

    Example: dicomfilter union a.txt b.txt gs://bucket/c.txt -o all.txt
    """
    from dicomfilter.filters.algebra import deriving

    out = _named(output, as_json=as_json)
    derived = deriving.union(
        filters, out, overwrite=overwrite, manifest=manifest, memory_limit=memory_limit
    )
    return show(derived, as_json=as_json, quiet=quiet)


def intersect(
    filters: Filters,
    output: Output = None,
    manifest: ManifestPath = None,
    memory_limit: Memory = _MEMORY,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write what all of some filter files have.

    Example: dicomfilter intersect a.txt b.txt -o both.txt
    """
    from dicomfilter.filters.algebra import deriving

    out = _named(output, as_json=as_json)
    derived = deriving.intersect(
        filters, out, overwrite=overwrite, manifest=manifest, memory_limit=memory_limit
    )
    return show(derived, as_json=as_json, quiet=quiet)


def subtract(
    filters: Filters,
    output: Output = None,
    against: Against = None,
    manifest: ManifestPath = None,
    memory_limit: Memory = _MEMORY,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write what the first filter has and others lack.

    Example: dicomfilter subtract april.txt march.txt -o new.txt --against idc
    """
    from dicomfilter.filters.algebra import deriving

    out = _named(output, as_json=as_json)
    with ExitStack() as stack:
        derived = deriving.subtract(
            filters,
            out,
            against=table(against, stack, memory_limit),
            overwrite=overwrite,
            manifest=manifest,
            memory_limit=memory_limit,
        )
    return show(derived, as_json=as_json, quiet=quiet)


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A filter file; - for stdin.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    against: Against = None,
    only_a: Annotated[
        str | None, typer.Option("--only-a", metavar="FILE", help="What A has beyond B.")
    ] = None,
    only_b: Annotated[
        str | None, typer.Option("--only-b", metavar="FILE", help="What B has beyond A.")
    ] = None,
    both: Annotated[
        str | None, typer.Option("--both", metavar="FILE", help="What both have.")
    ] = None,
    memory_limit: Memory = _MEMORY,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Compare two filters; status 1 if they differ.

    Example: dicomfilter diff march.txt april.txt --only-b new.txt

    Exit status: 0 the same, 1 they differ or only a table could tell, 2 trouble of any kind.
    """
    with _trouble_is_2(), ExitStack() as stack:
        from dicomfilter.filters.algebra.comparing import diff as compare

        found = compare(
            a,
            b,
            against=table(against, stack, memory_limit),
            only_a=_target(only_a, overwrite=overwrite, as_json=as_json, quiet=quiet),
            only_b=_target(only_b, overwrite=overwrite, as_json=as_json, quiet=quiet),
            both=_target(both, overwrite=overwrite, as_json=as_json, quiet=quiet),
            memory_limit=memory_limit,
        )
        _show_diff(found, as_json=as_json, quiet=quiet)
    return 0 if found.same else _DIFFERENT


@contextmanager
def _trouble_is_2() -> Iterator[None]:
    """Keep 1 for what differs, as diff(1) does: whatever goes wrong is 2."""
    trouble = UsageError.exit_status
    try:
        yield
    except DicomFilterError as error:
        vars(error)["exit_status"] = trouble
        raise
    except (typer.TyperException, typer.Exit, BrokenPipeError):
        raise
    except Exception as bug:
        traceback.print_exc()
        raise typer.Exit(trouble) from bug


def table(uri: str | None, stack: ExitStack, memory_limit: str) -> Engine | None:
    """Open the table of ``--against``."""
    if uri is None:
        return None
    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.notebook.table import open_table

    options = EngineOptions(memory_limit=memory_limit)
    return stack.enter_context(open_table(uri, options=options)).engine


def _named(output: str | None, *, as_json: bool) -> str:
    if output is None:
        raise UsageError("no output is named", hint="add -o FILTER, or -o - for standard output")
    if output == "-" and as_json:
        raise UsageError("-o - and --json both want standard output", hint="name a file")
    return output


def _target(uri: str | None, *, overwrite: bool, as_json: bool, quiet: bool) -> Target | None:
    from dicomfilter.filters.algebra.deriving import Target

    if uri is None:
        return None
    if uri == "-" and not (quiet and not as_json):
        raise UsageError(
            "the comparison is on standard output already", hint="name a file, or add --quiet"
        )
    return Target(uri, overwrite)


def show(derived: Derived, *, as_json: bool, quiet: bool) -> int:
    """Summarize a filter file that was calculated of others."""
    from dicomfilter.counts import human_size

    if not quiet:
        levels = derived.levels
        named = messages.levels(levels.study, levels.series, levels.instance)
        messages.note(f"lines    {levels.total:,} ({named})")
        size = human_size(derived.written.size_bytes)
        messages.note(f"file     {size}, CRC32C {derived.written.crc32c}")
        if derived.manifest_uri:
            messages.note(f"beside   {derived.manifest_uri}")
    messages.warnings(derived.warnings)
    if as_json:
        echo(json.dumps(derived.to_dict()))
    elif derived.uri != "-":
        echo(derived.uri)
    return 0


def _show_diff(found: Diff, *, as_json: bool, quiet: bool) -> None:
    messages.warnings(found.warnings)
    if as_json:
        echo(json.dumps(found.to_dict()))
        return
    if quiet:
        return
    heads = ("", "lines", "studies", "series", "instances", "size")
    rows = [heads, *(_row(name, side) for name, side in found.rows())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        echo("  ".join([row[0].ljust(widths[0]), *cells]).rstrip())
    if found.partly:
        echo(f"partly  {found.partly:,} lines of one, of which the other has a part")
        messages.hint("settle them by metadata with --against TABLE")
    for change in found.selection_changes:
        echo(f"selection: {change}")


def _row(name: str, side: Side) -> tuple[str, ...]:
    from dicomfilter.counts import human_count, human_size

    counts = (side.lines, side.studies, side.series, side.instances)
    return (name, *map(human_count, counts), human_size(side.size_bytes))
