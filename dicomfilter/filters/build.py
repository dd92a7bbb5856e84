"""From a selection to a filter file at its destination, with its sidecars."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Protocol

from dicomfilter.cohorts.cover import Cover
from dicomfilter.cohorts.ids.unmatched import Unmatched, known_values, unmatched_ids
from dicomfilter.cohorts.warnings import caveats
from dicomfilter.counts import Coverage, counted, human_count, human_size
from dicomfilter.errors import (
    DestinationError,
    EmptyFilterError,
    UnprovedError,
    UnusableUidError,
)
from dicomfilter.faces import Face
from dicomfilter.filters.authors import Author
from dicomfilter.filters.manifest import Manifest
from dicomfilter.filters.publishing import Delivery
from dicomfilter.filters.sidecars import Sidecars, write_rows, write_text
from dicomfilter.googlesql import to_googlesql
from dicomfilter.named import named
from dicomfilter.paths import Level
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import STANDARD_OUTPUT, Written
from dicomfilter.version import __version__

if TYPE_CHECKING:
    from os import PathLike

    from dicomfilter.cohorts.selection import Selection
    from dicomfilter.engines.protocol import Engine, Estimate, Staged
    from dicomfilter.googlesql.query import Query


class Progress(Protocol):
    """Is told what a build is doing."""

    def __call__(self, step: str, done: int = 0, total: int | None = None, /) -> None:
        """Take note of a step and, where it counts lines, how far it is."""


def _silent(_step: str, _done: int = 0, _total: int | None = None, /) -> None:
    """Take no note."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How a filter file is built.

    Args:
        level: The finest level of a line; None for the finest that the table has.
        compact: Write whole studies and series as one line.
        skip_bad_uids: Leave rows with unusable UIDs out and list them beside the filter.
        strict_uids: Refuse UIDs that break the standard, instead of a warning.
        overwrite: Replace a filter file that is there.
        manifest: Where the manifest goes; None for beside the filter.
        record_values: Record the values of parameters in the manifest.
        today: What CURRENT_DATE stands for; None for today in UTC.
        staging: Where the shards of a filter file in Cloud Storage are put, ``gs://…``; None for
            near the file.
        inputs: Files that were read to make the selection, which the build must not replace.
        purpose: Why it is built, for the manifest.
    """

    level: Level | None = None
    compact: bool = False
    skip_bad_uids: bool = False
    strict_uids: bool = False
    overwrite: bool = False
    manifest: str | None = None
    record_values: bool = False
    today: date | None = None
    staging: str | None = None
    inputs: tuple[str, ...] = ()
    purpose: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class FilterBuilt(Face):
    """A filter file that stands at its destination.

    Args:
        written: Where, how long, and its checksums.
        coverage: What its lines cover.
        manifest: What was recorded of it.
        manifest_uri: Where; None where there is none.
        rejected_uri: The list of rows that were left out; None where there is none.
        unmatched_uri: The list of identifiers that matched nothing; None where there is none.
        unmatched: These identifiers.
    """

    written: Written
    coverage: Coverage
    manifest: Manifest
    manifest_uri: str | None
    rejected_uri: str | None
    unmatched_uri: str | None
    unmatched: Unmatched = field(default_factory=lambda: Unmatched(()), repr=False)

    def facts(self) -> list[tuple[str, str]]:
        """List where it is, what it covers, and what lies beside it."""
        beside = (
            ("manifest", self.manifest_uri),
            ("left out", self.rejected_uri),
            ("unmatched", self.unmatched_uri),
        )
        return [
            ("filter", self.uri),
            *self.coverage.facts(),
            *((name, uri) for name, uri in beside if uri is not None),
            *(("warning", text) for text in self.warnings),
        ]

    @property
    def uri(self) -> str:
        """The filter file as the caller named it."""
        return self.written.uri

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know."""
        return self.manifest.warnings


@dataclass(frozen=True, slots=True, repr=False)
class Plan(Face):
    """What a build would do, without doing it.

    Args:
        sql: The one scan of the table, in GoogleSQL, for people to read.
        engine_sql: The same as the engine would run it.
        bytes_processed: Bytes that it would scan; None where the engine does not say.
        tables: The tables that it would read.
    """

    sql: str
    engine_sql: str
    bytes_processed: int | None
    tables: tuple[str, ...]

    def facts(self) -> list[tuple[str, str]]:
        """List what would be read, and the query."""
        scanned = self.bytes_processed
        return [
            *(("reads", table) for table in self.tables),
            ("scans", "not said" if scanned is None else human_size(scanned)),
            ("sql", f"\n{self.sql}"),
        ]


@dataclass(frozen=True, slots=True)
class _Done:
    """What stands at the destination, and what is still to be recorded of it."""

    written: Written
    staged: Staged
    coverage: Coverage
    warnings: tuple[str, ...]
    missing: Unmatched


def plan(engine: Engine, selection: Selection, options: BuildOptions) -> Plan:
    """Say what a build would run and cost.

    Raises:
        CostLimitError: It would scan more than the limit.
        UsageError: The options do not fit the table.
    """
    query = _cover(selection, options).staging.query
    estimate = _estimate(engine, selection, query)
    return Plan(
        to_googlesql(query.tree, pretty=True),
        engine.text(query),
        estimate.bytes_processed,
        estimate.tables,
    )


def build(
    engine: Engine,
    selection: Selection,
    destination: str | PathLike[str],
    *,
    options: BuildOptions | None = None,
    progress: Progress = _silent,
) -> FilterBuilt:
    """Write the filter file of a selection.

    Args:
        engine: Where the table is.
        selection: What of it.
        destination: A path, or ``-`` for standard output.
        options: How; see BuildOptions.
        progress: Is told of each step.

    Returns:
        What was written, and what it stands for.

    Raises:
        EmptyFilterError: Nothing matched; nothing was written.
        UnusableUidError: Selected rows cannot make a line, and were not to be skipped; nothing
            was written.
        DestinationError: The destination cannot be written, or exists.
        CostLimitError: The scan would cost more than the limit; nothing ran.
    """
    options, destination = options or BuildOptions(), named(destination)
    storage = open_storage(destination)
    inputs = (*engine.paths, *options.inputs)
    storage.check_destination(destination, overwrite=options.overwrite, inputs=inputs)
    sidecars = Sidecars.of(destination, manifest=options.manifest)
    _check_apart(sidecars)
    sidecars.check(inputs=inputs, overwrite=options.overwrite)
    today = options.today or datetime.now(UTC).date()
    cover = _cover(selection, replace(options, today=today))
    before = engine.fingerprint()
    _estimate(engine, selection, cover.staging.query)

    def attempt(*, presume: bool) -> _Done:
        progress("select")
        staged = engine.stage(cover.staging, presume=presume)
        progress("count")
        coverage = _coverage(engine, cover, staged)
        missing = unmatched_ids(engine, selection)
        if not coverage.lines and not coverage.rejected_rows and missing.whole:
            raise _nothing_known(missing, sidecars, overwrite=options.overwrite)
        warnings = _judge(engine, cover, staged, coverage, options)
        warnings += caveats(engine, selection, missing, today=today)
        progress("write", 0, coverage.lines)
        written, told = Delivery(engine, cover, staged, coverage.lines, before.digest).to(
            destination,
            storage,
            overwrite=options.overwrite,
            staging=options.staging,
            done=lambda count: progress("write", count, coverage.lines),
        )
        return _Done(written, staged, coverage, (*warnings, *told), missing)

    try:
        made = attempt(presume=True)
    except UnprovedError:
        made = attempt(presume=False)
    written, staged, coverage, missing = made.written, made.staged, made.coverage, made.missing
    manifest = replace(
        _manifest(cover, options, written, coverage),
        table=before,
        others=engine.others,
        unmatched=missing.total,
        bytes_processed=staged.bytes_processed,
        warnings=made.warnings,
    )
    rejected = sidecars.rejected if coverage.rejected_rows else None
    unmatched = sidecars.unmatched if missing.total else None
    with sidecars.beside():
        if sidecars.manifest:
            write_text(sidecars.manifest, manifest.to_json(), overwrite=options.overwrite)
        if (uri := rejected or _stale(sidecars.rejected)) is not None:
            rows = engine.rows(cover.rejected, staged=staged)
            write_rows(uri, rows, overwrite=options.overwrite)
        if (uri := unmatched or _stale(sidecars.unmatched)) is not None:
            write_rows(uri, missing.rows(), overwrite=options.overwrite)
    return FilterBuilt(written, coverage, manifest, sidecars.manifest, rejected, unmatched, missing)


def _estimate(engine: Engine, selection: Selection, query: Query) -> Estimate:
    """Say what a build would scan: once, and once more for each list of identifiers."""
    return engine.estimate(query, *(known for _, known in known_values(selection)))


def _nothing_known(missing: Unmatched, sidecars: Sidecars, *, overwrite: bool) -> EmptyFilterError:
    """Say of a list that the table knows nothing of it, and write down which values it has."""
    hint = "compare them with the table's: the right column, leading zeros, a prefix?"
    if sidecars.unmatched is not None:
        write_rows(sidecars.unmatched, missing.rows(), overwrite=overwrite)
        hint = f"see {sidecars.unmatched}, and {hint}"
    return EmptyFilterError(f"{missing.whole[0]}; no filter file was written", hint=hint)


def _check_apart(sidecars: Sidecars) -> None:
    """Make sure that no file of a build takes the place of another.

    Raises:
        DestinationError: Two have one name.
    """
    uris = (sidecars.filter_uri, sidecars.manifest, sidecars.rejected, sidecars.unmatched)
    places = [os.path.realpath(uri) for uri in uris if uri is not None]
    if len(set(places)) < len(places):
        raise DestinationError(
            f"{sidecars.manifest} cannot be the manifest and another file of this build too",
            hint="choose another place for the manifest",
        )


def _stale(uri: str | None) -> str | None:
    """Name a list that stands there from an older filter file, to be emptied."""
    return uri if uri is not None and open_storage(uri).exists(uri) else None


def _cover(selection: Selection, options: BuildOptions) -> Cover:
    level = options.level or selection.level
    today = options.today or datetime.now(UTC).date()
    return Cover(selection, level, options.compact, today)


def _coverage(engine: Engine, cover: Cover, staged: Staged) -> Coverage:
    (row,) = engine.rows(cover.counts, staged=staged).read_all().to_pylist()
    return Coverage.of(row, cover.selection.schema)


def _judge(
    engine: Engine, cover: Cover, staged: Staged, coverage: Coverage, options: BuildOptions
) -> list[str]:
    """Decide whether a filter may be written, and what a person should know of it."""
    warnings = []
    if coverage.rejected_rows:
        has = "has" if coverage.rejected_rows == 1 else "have"
        rows = f"{counted(coverage.rejected_rows, 'selected row')} {has} a NULL or unusable UID"
        if not options.skip_bad_uids:
            raise UnusableUidError(
                rows, hint="leave them out with --skip-bad-uids, which lists them beside the filter"
            )
        left = "was" if coverage.rejected_rows == 1 else "were"
        warnings.append(f"{rows} and {left} left out")
        # Nothing that holds a rejected row is compacted: only widening covers any.
        if cover.widens and (hidden := _sum(engine, [cover.rejected_but_covered], staged)):
            warnings.append(f"{hidden:,} of these stand in a study or series that a line covers")
    if not coverage.lines:
        raise EmptyFilterError(
            "the predicate matched nothing; no filter file was written",
            hint="see which clause emptied it with `dicomfilter count … --attrition`",
        )
    # What is presumed regular is proved so while it is written.
    if not staged.is_presumed and (irregular := _sum(engine, cover.irregular, staged)):
        text = (
            f"{counted(irregular, 'UID')} {'breaks' if irregular == 1 else 'break'} the standard "
            "(leading zeros, empty parts, over 64 long)"
        )
        if options.strict_uids:
            raise UnusableUidError(text, hint="drop --strict-uids to keep them as stored")
        warnings.append(f"{text}; kept as stored")
    if cover.widens and coverage.covered_instances != coverage.matched_instances:
        warnings.append(
            f"{human_count(coverage.matched_instances)} instances matched; whole "
            f"{'studies' if cover.level is Level.STUDY else 'series'} cover "
            f"{human_count(coverage.covered_instances)}"
        )
    if cover.compact:
        warnings.append("instances that arrive later in a compacted study are exported too")
    return warnings


def _sum(engine: Engine, queries: list[Query] | tuple[Query, ...], staged: Staged) -> int:
    """Add up queries that answer with one number each."""
    answers = (engine.rows(query, staged=staged).read_all()[0][0].as_py() for query in queries)
    return sum(int(answer or 0) for answer in answers)


def _manifest(
    cover: Cover, options: BuildOptions, written: Written, coverage: Coverage
) -> Manifest:
    selection = cover.selection
    return Manifest(
        tool=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        filter_uri="" if written.uri == STANDARD_OUTPUT else written.uri,
        predicates=tuple(to_googlesql(c.tree) for c in selection.clauses if not c.statement),
        statements=tuple(
            to_googlesql(c.statement.checked) for c in selection.clauses if c.statement
        ),
        parameters=selection.bound(cover.today),
        recorded=options.record_values,
        current_date=cover.today.isoformat(),
        all_versions=selection.all_versions,
        level=cover.level,
        compact=cover.compact,
        skipped_bad_uids=options.skip_bad_uids,
        sql=to_googlesql(cover.staging.query.tree),
        coverage=coverage,
        size_bytes=written.size_bytes,
        crc32c=written.crc32c,
        sha256=written.sha256,
        generation=written.generation,
        author=Author.of_process(options.purpose),
    )
