"""``dicomfilter build``: a selection becomes a filter file."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import (
    LINES,
    MANIFEST,
    All,
    AllVersions,
    ExcludeColumn,
    ExcludeFilter,
    ExcludeIds,
    FreshWithin,
    IdColumn,
    Ids,
    Json,
    LevelOption,
    MaximumBytesBilled,
    MemoryLimit,
    OtherTables,
    Overwrite,
    Params,
    PatientIds,
    Quiet,
    Since,
    Sql,
    Staging,
    StudyUids,
    TablesIfAny,
    TempDataset,
    Where,
    WhereFiles,
)
from dicomfilter.cli.selecting import Selecting, other_tables
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import EmptyFilterError, UsageError

if TYPE_CHECKING:
    from dicomfilter.filters.build import FilterBuilt, Plan
    from dicomfilter.filters.manifest import Manifest
    from dicomfilter.proof.deliveries import NewBuilt

_TIB = 1 << 40
_NOTHING_NEW = "all of the cohort was delivered; --changed and --gone tell the rest"
_NEW = "Only what is new"


class Grown(StrEnum):
    """What is delivered of a study that has grown."""

    NEW = "new"
    WHOLE = "whole"


def build(
    tables: TablesIfAny = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILTER", help="The filter file; - for stdout."),
    ] = None,
    where: Where = None,
    where_file: WhereFiles = None,
    param: Params = None,
    patient_id: PatientIds = None,
    study_uid: StudyUids = None,
    ids: Ids = None,
    column: IdColumn = None,
    sql: Sql = None,
    table: OtherTables = None,
    since: Since = None,
    exclude_ids: ExcludeIds = None,
    exclude_column: ExcludeColumn = None,
    exclude_filter: ExcludeFilter = None,
    every: All = False,
    level: LevelOption = None,
    compact: Annotated[
        bool,
        typer.Option(
            "--compact", help="One line for a whole study or series.", rich_help_panel=LINES
        ),
    ] = False,
    all_versions: AllVersions = False,
    skip_bad_uids: Annotated[
        bool,
        typer.Option(
            "--skip-bad-uids",
            help="Rows without usable UIDs left out, and listed.",
            rich_help_panel=LINES,
        ),
    ] = False,
    strict_uids: Annotated[
        bool,
        typer.Option(
            "--strict-uids",
            help="Refusal of UIDs that break the standard.",
            rich_help_panel=LINES,
        ),
    ] = False,
    maximum_bytes_billed: MaximumBytesBilled = _TIB,
    temp_dataset: TempDataset = None,
    staging: Staging = None,
    memory_limit: MemoryLimit = None,
    new_since: Annotated[
        list[str] | None,
        typer.Option(
            "--new-since",
            metavar="DELIVERED",
            help="Only what is new since these filters were delivered; patterns name several.",
            rich_help_panel=_NEW,
        ),
    ] = None,
    changed: Annotated[
        str | None,
        typer.Option(
            "--changed",
            metavar="F",
            help="A filter of what changed after its delivery.",
            rich_help_panel=_NEW,
        ),
    ] = None,
    gone: Annotated[
        str | None,
        typer.Option(
            "--gone",
            metavar="F",
            help="A list of what was delivered, and is deleted or no longer matches.",
            rich_help_panel=_NEW,
        ),
    ] = None,
    grown: Annotated[
        Grown | None,
        typer.Option(
            "--grown",
            help="What of a study that has grown: what is new, or the whole.",
            rich_help_panel=_NEW,
        ),
    ] = None,
    fresh_within: FreshWithin = None,
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="STORE", help="What --fresh-within compares with."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="The query and what it scans; nothing is run.")
    ] = False,
    overwrite: Overwrite = False,
    manifest: Annotated[
        str | None,
        typer.Option(
            "--manifest",
            metavar="PATH",
            help="Another place for the manifest.",
            rich_help_panel=MANIFEST,
        ),
    ] = None,
    record_values: Annotated[
        bool,
        typer.Option(
            "--record-values",
            help="The values of predicates in it too.",
            rich_help_panel=MANIFEST,
        ),
    ] = False,
    from_manifest: Annotated[
        str | None,
        typer.Option(
            "--from-manifest",
            metavar="M",
            help="A manifest to be replayed.",
            rich_help_panel=MANIFEST,
        ),
    ] = None,
    purpose: Annotated[
        str | None,
        typer.Option(
            "--purpose",
            metavar="TEXT",
            help="Why, for the manifest; no name of a patient.",
            rich_help_panel=MANIFEST,
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write the filter file of a selection.

    Example: dicomfilter build idc --where "Modality = 'CT'" -o ct.txt
    """
    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.filters.build import BuildOptions
    from dicomfilter.filters.replay import read_manifest, replay
    from dicomfilter.notebook.table import open_table

    if not new_since and (changed or gone or grown):
        raise UsageError(
            "--changed, --gone and --grown go with --new-since", hint="add --new-since DELIVERED"
        )
    old = read_manifest(from_manifest) if from_manifest else None
    selecting = Selecting(
        tables=_tables(tables, old),
        where=where or (),
        where_files=where_file or (),
        params=param or (),
        patient_ids=patient_id or (),
        study_uids=study_uid or (),
        ids=ids,
        column=column,
        sql=sql,
        since=since,
        every=every,
        all_versions=all_versions,
        options=EngineOptions(
            maximum_bytes_billed, temp_dataset, memory_limit, "build", _others(table, old)
        ),
        exclude_ids=exclude_ids,
        exclude_column=exclude_column,
        exclude_filter=exclude_filter,
    )
    if old is not None and (level is not None or compact):
        raise UsageError("--from-manifest brings its own level", hint="drop --level and --compact")
    _check(selecting, old, output, dry_run=dry_run, as_json=as_json)
    if manifest is not None and (manifest == "-" or _is_same(manifest, output)):
        raise UsageError(
            f"--manifest {manifest} is where the filter file goes", hint="name another file"
        )
    options = BuildOptions(
        level=level,
        compact=compact,
        skip_bad_uids=skip_bad_uids,
        strict_uids=strict_uids,
        overwrite=overwrite,
        manifest=manifest,
        record_values=record_values,
        purpose=purpose,
        staging=staging,
        inputs=tuple(str(path) for path in (ids, sql, exclude_ids, exclude_filter) if path),
    )
    if store is not None and fresh_within is None:
        raise UsageError("--store goes with --fresh-within", hint="add --fresh-within 24h")
    if fresh_within is not None and not dry_run:
        from dicomfilter.proof.fresh_gate import require_fresh

        require_fresh(selecting.tables, store, fresh_within, engine=selecting.options)
    with open_table(*selecting.tables, options=selecting.options) as opened:
        if old is None:
            cohort = selecting.cohort(opened)
        else:
            again = replay(old, opened.engine.schemas(), selecting.parameters)
            cohort = replace(opened.all(), selection=again.selection)
            options = replace(
                again.options,
                overwrite=overwrite,
                staging=staging,
                manifest=manifest,
                record_values=record_values,
                purpose=purpose,
                strict_uids=strict_uids,
                skip_bad_uids=skip_bad_uids or again.options.skip_bad_uids,
            )
        if new_since and not dry_run:
            from dicomfilter.proof.deliveries import NewOptions, build_new

            beside = NewOptions(changed, gone, whole=grown is Grown.WHOLE)
            fresh = build_new(cohort, output or "", since=new_since, options=options, new=beside)
            return _show_new(fresh, as_json=as_json, quiet=quiet)
        if dry_run:
            _show_plan(cohort.plan(options=options), as_json=as_json, quiet=quiet)
            return 0
        with messages.progress(quiet=quiet) as progress:
            built = cohort.write_filter(output or "", options=options, progress=progress)
    _show(built, old, as_json=as_json, quiet=quiet)
    return 0


def _tables(tables: list[str] | None, old: Manifest | None) -> list[str]:
    if tables:
        return tables
    if old is None:
        raise UsageError("no TABLE is named", hint="name bq://project.dataset.table, idc or files")
    return list(old.table.names) or [old.table.uri]


def _others(given: list[str] | None, old: Manifest | None) -> tuple[tuple[str, str], ...]:
    if given or old is None:
        return other_tables(given or ())
    return tuple(old.others.items())


def _is_same(manifest: str, output: str | None) -> bool:
    return output is not None and os.path.realpath(manifest) == os.path.realpath(output)


def _check(
    selecting: Selecting, old: Manifest | None, output: str | None, *, dry_run: bool, as_json: bool
) -> None:
    excludes = selecting.exclude_ids or selecting.exclude_filter
    if old is not None and (selecting.is_narrowed or selecting.every or excludes):
        raise UsageError(
            "--from-manifest brings its own selection", hint="drop --where and its like"
        )
    selecting.check(needs_selection=old is None)
    if output is None and not dry_run:
        raise UsageError("no output is named", hint="add -o FILTER, or -o - for standard output")
    if output == "-" and as_json:
        raise UsageError(
            "-o - and --json both want standard output", hint="write the filter to a file"
        )


def _show_plan(plan: Plan, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        document = {"sql": plan.sql, "bytes_processed": plan.bytes_processed}
        echo(json.dumps({**document, "tables": plan.tables}))
        return
    echo(plan.sql)
    if not quiet:
        messages.planned(plan)


def _show_new(fresh: NewBuilt, *, as_json: bool, quiet: bool) -> int:
    """Say what is new; the status is that of an empty filter where nothing is."""
    new, gone = fresh.new, sum(fresh.gone.values())
    if not quiet:
        lines = "nothing"
        if new is not None:
            levels = new.levels
            named = messages.levels(levels.study, levels.series, levels.instance)
            lines = f"{levels.total:,} lines ({named})"
        messages.note(f"new      {lines}")
        messages.note(f"before   {fresh.delivered:,} instances delivered")
        changed = "unknown" if fresh.changed is None else f"{fresh.changed:,} instances"
        messages.note(f"changed  {changed}")
        why = ", ".join(f"{count:,} {reason}" for reason, count in fresh.gone.items())
        messages.note(f"gone     {gone:,} instances" + (f": {why}" if why else ""))
        for uri in (new and new.manifest_uri, fresh.changed_uri, fresh.gone_uri):
            if uri:
                messages.note(f"beside   {uri}")
    messages.warnings(fresh.warnings)
    if as_json:
        echo(json.dumps(fresh.to_dict()))
    elif new and new.uri != "-":
        echo(new.uri)
    if new is None:
        if not as_json:
            raise EmptyFilterError("nothing is new; no filter file was written", hint=_NOTHING_NEW)
        return EmptyFilterError.exit_status
    return 0


def _show(built: FilterBuilt, old: Manifest | None, *, as_json: bool, quiet: bool) -> None:
    changes = old.changes(built.manifest) if old is not None else ()
    if not quiet:
        messages.built(built)
        for change in changes:
            messages.note(f"changed: {change}")
    messages.warnings(built.warnings)
    if as_json:
        document = {
            "uri": built.uri,
            "size_bytes": built.written.size_bytes,
            "crc32c": built.written.crc32c,
            "sha256": built.written.sha256,
            "counts": built.coverage.to_dict(),
            "manifest": built.manifest_uri,
            "rejected": built.rejected_uri,
            "unmatched": built.unmatched_uri,
            "warnings": built.warnings,
            "changes": changes,
        }
        echo(json.dumps(document))
    elif built.uri != "-":
        echo(built.uri)
