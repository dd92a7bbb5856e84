"""``dicomfilter count``: what a selection holds, and what each clause leaves."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.options import (
    All,
    AllVersions,
    IdColumn,
    Ids,
    Json,
    MaximumBytesBilled,
    MemoryLimit,
    OtherTables,
    Overwrite,
    Params,
    PatientIds,
    Quiet,
    Since,
    Sql,
    StudyUids,
    Tables,
    Where,
    WhereFiles,
)
from dicomfilter.cli.progress import drawing
from dicomfilter.cli.selecting import Selecting, other_tables
from dicomfilter.cli.terminal import echo
from dicomfilter.errors import UsageError

if TYPE_CHECKING:
    from dicomfilter.cohorts.attrition import Attrition
    from dicomfilter.counts import Counts

_TIB = 1 << 40
_HEAD = ("patients", "studies", "series", "instances", "size")


def count(
    tables: Tables,
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
    every: All = False,
    all_versions: AllVersions = False,
    attrition: Annotated[
        bool, typer.Option("--attrition", help="What each clause leaves over, and it alone.")
    ] = False,
    svg: Annotated[
        str | None,
        typer.Option("--svg", metavar="FILE", help="The same as a picture; with --attrition."),
    ] = None,
    overwrite: Overwrite = False,
    maximum_bytes_billed: MaximumBytesBilled = _TIB,
    memory_limit: MemoryLimit = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Count patients, studies, series, instances and bytes.

    Example: dicomfilter count idc --where "PatientSex = 'F'" --attrition
    """
    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.notebook.table import open_table

    selecting = Selecting(
        tables=tables,
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
            maximum_bytes_billed, None, memory_limit, "count", other_tables(table or ())
        ),
    )
    selecting.check(needs_selection=False)
    if svg is not None and not attrition:
        raise UsageError("--svg draws an attrition", hint="add --attrition")
    with open_table(*selecting.tables, options=selecting.options) as opened:
        cohort = selecting.cohort(opened)
        messages.warnings(cohort.caveats())
        with drawing("count", quiet=quiet):
            steps = cohort.attrition_steps() if attrition else ()
            tally = None if attrition else cohort.tally()
    if tally is None:
        if svg is not None:
            _draw(steps, svg, overwrite=overwrite)
            if not quiet:
                messages.note(f"picture  {svg}")
        _show_attrition(steps, as_json=as_json)
        return 0
    if tally.unusable_rows:
        messages.warnings([f"{tally.unusable_rows:,} rows have unusable UIDs and are not counted"])
    if as_json:
        echo(json.dumps({**asdict(tally.counts), "unusable_rows": tally.unusable_rows}))
    else:
        _print([("", tally.counts)], labelled=False)
    return 0


def _draw(steps: tuple[Attrition, ...], path: str, *, overwrite: bool) -> None:
    from dicomfilter.pictures.flow import Step, flow

    found = [
        Step(step.label or "(all)", *map(asdict, (step.left, step.excluded, step.no_value)))
        for step in steps
    ]
    flow(found).save(path, overwrite=overwrite)


def _show_attrition(steps: tuple[Attrition, ...], *, as_json: bool) -> None:
    if as_json:
        echo(json.dumps({"attrition": [asdict(step) for step in steps]}))
        return
    rows: list[tuple[str, Counts]] = []
    for step in steps:
        rows.append((step.label or "(all)", step.left))
        if step.label is not None:
            rows.append(("  excluded", step.excluded))
            rows.append(("  of it, no value", step.no_value))
            rows.append(("  it alone", step.alone))
    _print(rows, labelled=True)


def _print(rows: list[tuple[str, Counts]], *, labelled: bool) -> None:
    from dicomfilter.cli.table_output import table
    from dicomfilter.counts import human_count, human_size

    cells = [
        [
            *([label] if labelled else []),
            human_count(counts.patients),
            human_count(counts.studies),
            human_count(counts.series),
            human_count(counts.instances),
            human_size(counts.size_bytes),
        ]
        for label, counts in rows
    ]
    table([*(["clause"] if labelled else []), *_HEAD], cells, right=_HEAD)
