"""``dicomfilter check``: whether a filter file can be used, and its repair."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import Json, MaximumBytesBilled, Overwrite, Quiet
from dicomfilter.cli.terminal import echo
from dicomfilter.engines.protocol import DEFAULT_MAXIMUM_BYTES_BILLED, EngineOptions
from dicomfilter.errors import FindingsError, UsageError

if TYPE_CHECKING:
    from dicomfilter.filters.lines import Finding, LevelCounts, Repaired, Report

Filter = Annotated[str, typer.Argument(metavar="FILTER", help="A filter file; - for stdin.")]


def check(
    filter_file: Filter,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="TABLE", help="A table that must know every line."),
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="A new file with what has one meaning put right.")
    ] = False,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="OUT", help="Where --repair writes.")
    ] = None,
    overwrite: Overwrite = False,
    maximum_bytes_billed: MaximumBytesBilled = DEFAULT_MAXIMUM_BYTES_BILLED,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check every line of a filter file.

    Example: dicomfilter check ct.txt
    """
    from dicomfilter.filters import lines

    if repair != (output is not None):
        raise UsageError("--repair and -o go together", hint="write --repair -o FIXED")
    if output is not None:
        if against is not None:
            raise UsageError(
                "--against is for a check alone", hint="check the repaired file with it"
            )
        if output == "-" and as_json:
            raise UsageError("-o - and --json both want standard output", hint="name a file")
        from dicomfilter.filters.algebra.deriving import repair as repair_filter

        repaired = repair_filter(filter_file, output, overwrite=overwrite)
        _show_repaired(repaired, as_json=as_json, quiet=quiet)
        return 0
    if against is None:
        report = lines.check(filter_file)
    else:
        from dicomfilter.notebook.table import open_table

        options = EngineOptions(maximum_bytes_billed, command="check")
        with open_table(against, options=options) as table:
            report = lines.check(filter_file, against=table.resources())
    _show(report, as_json=as_json, quiet=quiet)
    return 0 if report.ok else FindingsError.exit_status


def _show(report: Report, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        document = {
            "uri": report.uri,
            "ok": report.ok,
            "lines": report.lines,
            "levels": _levels(report.levels),
            "findings": [_finding(finding) for finding in report.findings],
        }
        echo(json.dumps(document))
        return
    if not quiet:
        for finding in report.findings:
            echo(_sentence(finding))
            for note in finding.notes:
                echo(f"        {note}")
    named = report.levels
    counts = messages.levels(named.study, named.series, named.instance)
    verdict = "ok" if report.ok else "not usable as it is"
    echo(f"{report.uri}: {report.lines:,} lines ({counts}): {verdict}")
    if not report.ok and report.repairable and not quiet:
        messages.hint(f"put it right with `dicomfilter check {report.uri} --repair -o FIXED`")


def _show_repaired(repaired: Repaired, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        document = {
            "uri": repaired.written.uri,
            "lines": repaired.lines,
            "lines_before": repaired.lines_before,
            "size_bytes": repaired.written.size_bytes,
            "crc32c": repaired.written.crc32c,
            "sha256": repaired.written.sha256,
            "fixed": [_finding(finding) for finding in repaired.fixed],
        }
        echo(json.dumps(document))
        return
    if not quiet:
        for finding in repaired.fixed:
            messages.note(f"fixed   {finding.kind}: {finding.where}")
        messages.note(f"lines   {repaired.lines:,}, of {repaired.lines_before:,} before")
    if repaired.written.uri != "-":
        echo(repaired.written.uri)


def _sentence(finding: Finding) -> str:
    return f"{finding.severity:<7} {finding.kind}: {finding.where}: {finding.explanation}"


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "count": finding.count,
        "first_lines": finding.first_lines,
        "repairable": finding.repairable,
        "notes": finding.notes,
    }


def _levels(levels: LevelCounts) -> dict[str, int]:
    return {"study": levels.study, "series": levels.series, "instance": levels.instance}
