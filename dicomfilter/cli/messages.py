"""What people read on standard error: errors, hints, warnings and notes."""

from __future__ import annotations

import os
import sys
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dicomfilter.build import FilterBuilt, Progress
    from dicomfilter.counts import Coverage
    from dicomfilter.errors import DicomFilterError

_WINDOW = 72
"""Columns of SQL that are shown around a caret."""


def error(failure: DicomFilterError) -> None:
    """Print an error: one line, its place in the SQL where it has one, and a hint."""
    _headline("error", failure.code, failure.message)
    sql, offset = getattr(failure, "sql", None), getattr(failure, "offset", None)
    if sql is not None and offset is not None:
        line, caret = excerpt(sql, offset)
        typer.echo(f"  {line}", err=True)
        typer.secho(f"  {' ' * caret}^", err=True, fg=_color("red"))
    if failure.hint:
        _line("hint", failure.hint, "cyan")


def misuse(failure: typer.TyperException) -> None:
    """Print what the command line's own parser refuses, in the same two lines."""
    context = getattr(failure, "ctx", None)
    command = context.command_path if context is not None else "dicomfilter"
    _headline("error", "usage", failure.format_message().rstrip("."))
    _line("hint", f"run `{command} --help`", "cyan")


def interrupted() -> None:
    """Say that a Ctrl-C was heard."""
    typer.echo("interrupted", err=True)


def warnings(texts: Iterable[str]) -> None:
    """Print warnings, one a line."""
    for text in texts:
        _line("warning", text, "yellow")


def built(result: FilterBuilt) -> None:
    """Summarize a filter file: its lines, what they cover, what of it matched, its checksum."""
    from dicomfilter.counts import human_count, human_size

    covered = result.coverage
    named = levels(covered.study_lines, covered.series_lines, covered.instance_lines)
    rows = [
        ("lines", f"{covered.lines:,} ({named})"),
        (
            "covers",
            ", ".join(
                (
                    f"{covered.studies:,} studies",
                    f"{covered.series:,} series",
                    f"{human_count(covered.covered_instances)} instances",
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
        typer.echo(f"{name:<8} {text}", err=True)


def _watched_by_nobody(_step: str, _done: int = 0, _total: int | None = None, /) -> None:
    pass


@contextmanager
def progress(*, quiet: bool) -> Iterator[Progress]:
    """Show what a build is doing, where a person watches."""
    if quiet or not sys.stderr.isatty():
        yield _watched_by_nobody
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[lines]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bars:
        task = bars.add_task("open", total=None, lines="")

        def show(step: str, done: int = 0, total: int | None = None) -> None:
            text = f"{done:,} of {total:,} lines" if total else ""
            bars.update(task, description=f"{step:<6}", completed=done, total=total, lines=text)

        yield show


def _matched(covered: Coverage) -> str:
    from dicomfilter.counts import human_count

    instances = f"{human_count(covered.matched_instances)} instances"
    if covered.matched_series is None:
        return instances
    return f"{covered.matched_series:,} series, {instances}"


def hint(text: str) -> None:
    """Print what to do about something that is no error of ours."""
    _line("hint", text, "cyan")


def levels(study: int, series: int, instance: int) -> str:
    """Spell how many lines name what."""
    pairs = ((study, "study"), (series, "series"), (instance, "instance"))
    return " + ".join(f"{count:,} {name}" for count, name in pairs if count) or "none"


def note(text: str) -> None:
    """Print a line that is neither result nor trouble."""
    typer.echo(text, err=True)


def excerpt(sql: str, offset: int) -> tuple[str, int]:
    r"""Cut out the line of SQL that an error is in.

    Args:
        sql: The whole text.
        offset: The place, in characters from 0.

    Returns:
        The line, cut to a window where it is long, free of control characters; and the column
        of the place in it, as a terminal counts.

    >>> excerpt("a = 1\nAND b == 2", 12)
    ('AND b == 2', 6)
    """
    start = sql.rfind("\n", 0, offset) + 1
    end = sql.find("\n", offset)
    line, place = sql[start : end if end >= 0 else len(sql)], offset - start
    if len(line) > _WINDOW:
        cut = max(0, min(place - _WINDOW // 2, len(line) - _WINDOW))
        line, place = line[cut : cut + _WINDOW], place - cut
    line = "".join(c if c.isprintable() else "\ufffd" for c in line)
    return line, sum(_width(c) for c in line[:place])


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _headline(kind: str, code: str, message: str) -> None:
    typer.secho(f"{kind}[{code}]", err=True, nl=False, bold=_is_colored(), fg=_color("red"))
    typer.echo(f": {_one_line(message)}", err=True)


def _line(kind: str, text: str, color: str) -> None:
    typer.secho(f"{kind}:", err=True, nl=False, bold=_is_colored(), fg=_color(color))
    typer.echo(f" {_one_line(text)}", err=True)


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _color(name: str) -> str | None:
    return name if _is_colored() else None


def _is_colored() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")
