"""What people read on standard error: errors, hints, warnings and notes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from dicomfilter.cli import terminal
from dicomfilter.cli.progress import drawing
from dicomfilter.cli.terminal import echo, headed, one_line
from dicomfilter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dicomfilter.counts import Coverage
    from dicomfilter.errors import DicomFilterError
    from dicomfilter.filters.build import FilterBuilt, Plan, Progress

_PEDANTRY = "Value error, "
"""What the parser of the command line puts before words of its own."""


def error(failure: DicomFilterError) -> None:
    """Print an error: one line, its place in the SQL where it has one, and a hint."""
    _headline("error", failure.code, failure.message)
    if (mark := failure.mark) is not None:
        line, caret = mark
        echo(f"  {line}", err=True)
        terminal.caret(caret)
        _line("hint", failure.hint or "look at what stands at the mark, and before it", "cyan")
    else:
        _line("hint", failure.hint or _otherwise(failure), "cyan")


def _otherwise(failure: DicomFilterError) -> str:
    """Say what to do where the error itself does not know."""
    if failure.exit_status == UsageError.exit_status:
        return "see `dicomfilter COMMAND --help`"
    return "try again; report it if it stays so"


def misuse(failure: typer.TyperException) -> None:
    """Print what the command line's own parser refuses, in the same two lines."""
    context = getattr(failure, "ctx", None)
    command = context.command_path if context is not None else "dicomfilter"
    _headline("error", "usage", failure.format_message().replace(_PEDANTRY, "").rstrip("."))
    _line("hint", f"run `{command} --help`", "cyan")


def interrupted() -> None:
    """Say that a Ctrl-C was heard."""
    echo("interrupted", err=True)


def warnings(texts: Iterable[str]) -> None:
    """Print warnings, one a line."""
    for text in texts:
        _line("warning", text, "yellow")


def built(result: FilterBuilt) -> None:
    """Summarize a filter file: lines, what they cover, what matched, checksum."""
    from dicomfilter.counts import counted, human_size

    covered = result.coverage
    named = levels(covered.study_lines, covered.series_lines, covered.instance_lines)
    rows = [
        ("lines", f"{covered.lines:,} ({named})"),
        (
            "covers",
            ", ".join(
                (
                    counted(covered.studies, "study", "studies"),
                    f"{covered.series:,} series",
                    _instances(covered.covered_instances),
                    human_size(covered.size_bytes),
                )
            ),
        ),
        ("matched", _matched(covered)),
        ("file", f"{human_size(result.written.size_bytes)}, CRC32C {result.written.crc32c}"),
    ]
    sidecars = (result.manifest_uri, result.rejected_uri, result.unmatched_uri)
    rows += [("beside", uri) for uri in sidecars if uri]
    for name, text in rows:
        note(f"{name:<8} {text}")


def planned(plan: Plan) -> None:
    """Say what a build would read, and how much of it where the engine tells."""
    from dicomfilter.counts import human_size

    scanned = plan.bytes_processed
    scans = "" if scanned is None else f"; scans {human_size(scanned)}"
    note(f"reads {', '.join(plan.tables)}{scans}; nothing was run or written")


def _watched_by_nobody(_step: str, _done: int = 0, _total: int | None = None, /) -> None:
    pass


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """Show what a build is doing, where a person watches."""
    with drawing("open", quiet=quiet) as draw:
        if draw is None:
            yield _watched_by_nobody
            return

        def show(step: str, done: int = 0, total: int | None = None) -> None:
            draw(step, done, total, f"{done:,} of {total:,} lines" if total else "")

        yield show


def _matched(covered: Coverage) -> str:
    instances = _instances(covered.matched_instances)
    if covered.matched_series is None:
        return instances
    return f"{covered.matched_series:,} series, {instances}"


def _instances(count: int | None) -> str:
    from dicomfilter.counts import counted

    return "unknown instances" if count is None else counted(count, "instance")


def hint(text: str) -> None:
    """Print what to do about something that is no error of ours."""
    _line("hint", text, "cyan")


def levels(study: int, series: int, instance: int) -> str:
    """Spell how many lines name what."""
    from dicomfilter.counts import counted

    named = (
        (study, "study", "studies"),
        (series, "series", "series"),
        (instance, "instance", "instances"),
    )
    return " + ".join(counted(*level) for level in named if level[0]) or "none"


def note(text: str) -> None:
    """Print a line that is neither result nor trouble."""
    echo(one_line(text), err=True)


def _headline(kind: str, code: str, message: str) -> None:
    headed(f"{kind}[{code}]", message, "red")


def _line(kind: str, text: str, color: str) -> None:
    headed(kind, text, color)
