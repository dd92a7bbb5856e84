"""What a report tells, of a filter, its manifest, the journal and the table."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dicomfilter.cohorts import attrition as counting
from dicomfilter.cohorts.membership import within
from dicomfilter.cohorts.selection import Selection
from dicomfilter.cohorts.values import known, value_counts
from dicomfilter.counts import counted, human_count, human_size, whole
from dicomfilter.engines import is_bigquery, open_engine
from dicomfilter.engines.protocol import EngineOptions
from dicomfilter.errors import DicomFilterError, ParameterError, SourceNotFoundError, UsageError
from dicomfilter.filters import lines
from dicomfilter.filters.algebra.unit_lists import read_lines
from dicomfilter.filters.lines.changed import manifest_beside
from dicomfilter.filters.manifest import SUFFIX, Manifest, calculation
from dicomfilter.filters.replay import replay
from dicomfilter.named import named
from dicomfilter.operations.journal import Journal
from dicomfilter.operations.log import Left, left
from dicomfilter.proof.report.small_cells import Step, hidden, is_small, merged
from dicomfilter.storage import open_storage
from dicomfilter.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from dicomfilter.counts import Counts
    from dicomfilter.engines.protocol import Engine
    from dicomfilter.filters.lines.summaries import Summary

MIN_CELL = 11
"""The smallest count of patients that is shown, as CMS and PCORnet have it."""
_DELIVERED = ".delivered.txt" + SUFFIX
_SHOWN = 25
"""Values of one column that are shown."""
_BY = ("Modality", "BodyPartExamined", "PatientSex")
"""What is told apart where nothing is named, as far as the table has it."""


@dataclass(frozen=True, slots=True)
class ByColumn:
    """How a filter's patients are spread over the values of a column.

    Args:
        name: The column.
        rows: A value each, with its counts; None for what has no value.
        rest: How many further values there are, hidden or rare.
    """

    name: str
    rows: tuple[tuple[str | None, dict[str, int | None]], ...]
    rest: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a report tells.

    Args:
        title: Its head.
        made: When it was made, ISO 8601 in UTC.
        min_cell: The smallest count of patients that is shown.
        summary: What the filter file names; None where there is no file to look at.
        manifest: Where it came from; None where nothing tells.
        manifest_uri: Where that was read.
        steps: What each clause left over; empty where that cannot be told.
        holds: What the filter covers; None where no table was asked.
        by: How that is spread.
        operations: What was started with it, newest first.
        verified: What the last verification found; None where there was none.
        notes: What could not be told, and why.
    """

    title: str
    made: str
    min_cell: int
    summary: Summary | None = None
    manifest: Manifest | None = None
    manifest_uri: str | None = None
    steps: tuple[Step, ...] = ()
    holds: Counts | None = None
    by: tuple[ByColumn, ...] = ()
    operations: tuple[Left, ...] = ()
    verified: dict[str, Any] | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def is_hidden(self) -> bool:
        """Whether so few patients are covered that no count is shown."""
        return self.holds is not None and is_small(self.holds.patients, self.min_cell)

    @property
    def verdict(self) -> tuple[str, str]:
        """What it comes to: a word, and a sentence."""
        if self.verified is not None:
            word = str(self.verified.get("verdict"))
            place, at = self.verified.get("destination"), self.verified.get("verified")
            return word, f"verified {at}: what arrived in {place} was compared with the filter"
        done = [one for one in self.operations if one.standing == "done"]
        if done:
            return (
                "left, not verified",
                f"{counted(len(done), 'operation')} ended; none was verified",
            )
        if self.operations:
            return self.operations[0].standing, "the last operation, as far as this machine knows"
        return "nothing left", "nothing was started with it from this machine"

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON has it, without what is hidden."""
        word, sentence = self.verdict
        said = self.manifest
        return {
            "title": self.title,
            "made": self.made,
            "dicomfilter": __version__,
            "verdict": word,
            "why": sentence,
            "min_cell": self.min_cell,
            "filter": None
            if self.summary is None
            else {
                "uri": self.summary.uri,
                "crc32c": self.summary.crc32c,
                "sha256": self.summary.sha256,
                "lines": None if self.is_hidden else self.summary.lines,
            },
            "manifest": self.manifest_uri,
            "author": said.author.to_dict() if said else None,
            "predicates": list(said.predicates) if said else [],
            "flow": [step._asdict() for step in self.steps],
            "holds": None if self.holds is None or self.is_hidden else dict(self.holds.facts()),
            "by": [{"column": one.name, "rows": one.rows, "hidden": one.rest} for one in self.by],
            "operations": [self._operation(one) for one in self.operations],
            "verification": self.verified,
            "notes": list(self.notes),
        }

    def _operation(self, one: Left) -> dict[str, Any]:
        found = one.to_dict()
        if self.is_hidden:
            found |= dict.fromkeys(("filter_lines", "covered", "success", "failure"))
        return found


def gather(
    subject: str | PathLike[str],
    *,
    against: str | PathLike[str] | None = None,
    by: Sequence[str] = (),
    min_cell: int = MIN_CELL,
    title: str | None = None,
) -> Facts:
    """Gather what a report tells.

    Args:
        subject: A filter file, a manifest, or the name of an operation.
        against: The table that tells what the filter covers; None for the manifest's, if that is
            of files: a table of BigQuery is only asked where it is named.
        by: The columns by which that is spread; none for usual ones that the table has.
        min_cell: The smallest count of patients that is shown; 1 shows all.
        title: Its head.

    Raises:
        UsageError: There is no such column, or the limit is no limit.
        SourceError: The subject cannot be read.
        TableError: The table that was named cannot be.
    """
    if min_cell < 1:
        raise UsageError(f"{min_cell} is no smallest count", hint="write 11, or 1 to show all")
    filter_uri, manifest_uri, operation = _resolved(named(subject))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    notes: list[str] = []
    facts = Facts(title or f"What left: {filter_uri or operation}", made, min_cell)
    manifest = _manifest(manifest_uri, notes) if manifest_uri else None
    summary = None
    if filter_uri is not None:
        try:
            summary = lines.summary(filter_uri)
        except SourceNotFoundError:
            if operation is None and manifest is None:
                raise
            notes.append(f"{filter_uri} is not there any more")
    if summary is not None and summary.matches_manifest is False:
        notes.append(f"{filter_uri} is not the file that its manifest describes")
    facts = replace(
        facts,
        summary=summary,
        manifest=manifest,
        manifest_uri=manifest_uri if manifest else None,
        operations=tuple(_started(summary, operation)),
        verified=_verified(filter_uri) if filter_uri else None,
    )
    table = _table(against, manifest, notes)
    if table is None or summary is None:
        return replace(facts, notes=tuple(notes))
    with closing(open_engine([table], options=EngineOptions(command="report"))) as engine:
        return _counted(facts, engine, filter_uri or "", by, notes)


def _resolved(subject: str) -> tuple[str | None, str | None, str | None]:
    """Tell the filter, its manifest and the operation that are meant."""
    if "/operations/" in subject:
        entry = Journal.of_user().find(subject)
        if entry is None:
            raise UsageError(
                f"{subject} was not started from this machine",
                hint="see `dicomfilter log`, or name a filter file",
            )
        uri = entry.filter_uri
        return uri, manifest_beside(uri) if uri else None, subject
    if subject.endswith(SUFFIX):
        beside = subject.removesuffix(SUFFIX)
        if open_storage(beside).exists(beside):
            return beside, subject, None
        return _parsed(subject).filter_uri, subject, None
    return subject, manifest_beside(subject), None


def _manifest(uri: str, notes: list[str]) -> Manifest | None:
    try:
        return _parsed(uri)
    except DicomFilterError as error:
        notes.append(f"where it came from cannot be told: {error.message}")
        return None


def _parsed(uri: str) -> Manifest:
    with open_storage(uri).reader(uri) as file:
        return Manifest.parse(file.read().decode("utf-8", "replace"))


def _started(summary: Summary | None, operation: str | None) -> list[Left]:
    """List the operations that were given this very filter, or the one that was named."""
    crc32c = None if summary is None else summary.crc32c
    return [
        one
        for one in left(Journal.of_user())
        if (operation is not None and one.entry.operation == operation)
        or (operation is None and crc32c is not None and one.entry.filter_crc32c == crc32c)
    ]


def _verified(filter_uri: str) -> dict[str, Any] | None:
    uri = filter_uri + _DELIVERED
    storage = open_storage(filter_uri)
    if storage.is_stream(filter_uri) or not storage.exists(uri):
        return None
    with storage.reader(uri) as file:
        try:
            found = json.loads(file.read())["derived"]
        except (ValueError, KeyError, TypeError):
            return None
    return found if isinstance(found, dict) else None


def _table(
    against: str | PathLike[str] | None, manifest: Manifest | None, notes: list[str]
) -> str | None:
    if against is not None:
        return named(against)
    uri = manifest.table.uri if manifest and manifest.derived is None else ""
    if not uri:
        notes.append("no table tells what the filter covers: name one with --against")
        return None
    if is_bigquery(uri):
        notes.append(f"{uri} was not asked, for that costs money: name it with --against")
        return None
    return uri


def _counted(
    facts: Facts, engine: Engine, filter_uri: str, by: Sequence[str], notes: list[str]
) -> Facts:
    """Count what the filter covers, and how the selection came to it."""
    schema, today = engine.schema(), datetime.now(UTC).date()
    covered = within(Selection(schema), read_lines(filter_uri))
    holds = counting.count(engine, covered, today=today).counts
    if holds.patients is None and facts.min_cell > 1:
        notes.append("the table has no PatientID, so that no small count of patients can be hidden")
    steps = _steps(facts, engine, notes)
    if steps and steps[-1].left is None:
        # What is left is shown below; beside what there was it would tell what was taken away.
        notes.append(f"the flow is not drawn: it would give away a count below {facts.min_cell}")
        steps = ()
    facts = replace(facts, holds=holds, steps=steps)
    columns = [known(schema, name).name for name in by] or [
        name for name in _BY if schema.find(name) is not None
    ]
    if facts.is_hidden:
        notes.append(f"it covers fewer than {facts.min_cell} patients: no count of it is shown")
        return replace(facts, notes=tuple(notes))
    tables = []
    for name in columns:
        table = value_counts(engine, covered, name, today=today).to_pylist()
        tables.append(_by_column(name, table, facts.min_cell))
    return replace(facts, by=tuple(tables), notes=tuple(notes))


def _steps(facts: Facts, engine: Engine, notes: list[str]) -> tuple[Step, ...]:
    manifest = facts.manifest
    if manifest is None or manifest.derived is not None:
        return ()
    try:
        again = replay(manifest, engine.schemas(), ())
    except ParameterError:
        notes.append("the flow is not drawn: the values of the predicate were not recorded")
        return ()
    except DicomFilterError as error:
        notes.append(f"the flow is not drawn: {error.message}")
        return ()
    today = again.options.today or datetime.now(UTC).date()
    found = counting.attrition(engine, again.selection, today=today)
    if any(step.left.patients is None for step in found):
        notes.append("the flow is not drawn: the table has no PatientID")
        return ()
    if engine.fingerprint().digest != manifest.table.digest:
        notes.append("the table has changed since the filter was built; the flow is of today")
    steps = [
        Step(
            (manifest.with_values(step.label or "(all)"),),
            *_patients(step.left, step.excluded, step.no_value),
        )
        for step in found
    ]
    return tuple(merged(steps, facts.min_cell))


def _patients(*counts: Counts) -> tuple[int | None, ...]:
    return tuple(one.patients for one in counts)


def _by_column(name: str, table: list[dict[str, Any]], limit: int) -> ByColumn:
    """Choose which values are shown; those that are hidden are not named either."""
    names = ("patients", "studies", "series", "instances")
    rows = [{n: whole(row[n]) for n in names if n in row} for row in table]
    values = [None if row["value"] is None else str(row["value"]) for row in table]
    counts = [row.get("patients") or 0 for row in rows]
    flags = hidden(counts, sum(counts), limit) if "patients" in (rows[0] if rows else {}) else []
    flags = flags or [False] * len(rows)
    shown = [(value, row) for value, row, flag in zip(values, rows, flags, strict=True) if not flag]
    return ByColumn(name, tuple(shown[:_SHOWN]), len(rows) - len(shown[:_SHOWN]))


def asked(manifest: Manifest) -> list[tuple[str, str]]:
    """Say what was asked for, with values only where they were recorded."""
    author = manifest.author
    rows = [
        ("made", f"{manifest.created}, by dicomfilter {manifest.tool}"),
        ("by", str(author)),
        ("purpose", author.purpose or "not recorded"),
    ]
    if manifest.derived is not None:
        return [*rows, ("calculated", calculation(manifest.derived))]
    state = manifest.table
    size = "" if state.size_bytes is None else f", {human_size(state.size_bytes)}"
    rows.append(("table", f"{state.uri}, modified {state.modified or 'unknown'}{size}"))
    rows.append(("its state", f"{human_count(state.rows)} rows, digest {state.digest}"))
    rows.append(
        (
            "versions",
            "superseded and deleted rows too" if manifest.all_versions else "the current state",
        )
    )
    rows.append(
        (
            "lines name",
            {1: "studies", 2: "series", 3: "instances"}[manifest.level.depth] + " at the finest",
        )
    )
    return rows
