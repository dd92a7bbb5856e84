"""Only what is new: a cohort less what was delivered, and what has left it.

Nothing here depends on a clock. What was delivered is what verifications found at a destination; a
filter without one counts with a warning, and a retry filter never counts by itself.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dicomfilter.counts import counted
from dicomfilter.engines.arrow_bytes import bytes_of
from dicomfilter.engines.duckdb.spill import Spill
from dicomfilter.errors import DicomFilterError, EmptyFilterError, SourceNotFoundError
from dicomfilter.faces import Face
from dicomfilter.filters.algebra.deriving import Target, calculator
from dicomfilter.filters.algebra.inputs import open_sources, read_manifest_or_none
from dicomfilter.filters.algebra.picks import Result
from dicomfilter.filters.algebra.value import FilterFile
from dicomfilter.filters.algebra.weights import take_lines
from dicomfilter.filters.build import BuildOptions
from dicomfilter.filters.lines.findings import MEMORY_LIMIT, LevelCounts
from dicomfilter.filters.lines.ledger import open_session
from dicomfilter.filters.matching import filters_of
from dicomfilter.filters.sidecars import SUFFIX, write_rows
from dicomfilter.proof import comparison_sql as sql
from dicomfilter.proof import delivery_sql
from dicomfilter.proof.metadata import take_known
from dicomfilter.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

    import duckdb

    from dicomfilter.filters.algebra.deriving import Derived
    from dicomfilter.filters.algebra.inputs import Input
    from dicomfilter.filters.manifest import Manifest
    from dicomfilter.notebook.cohort import Cohort

DELIVERED = ".delivered.txt"
"""What is added to a filter's name for the list of what a verification found."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A filter file of what was delivered.

    Args:
        uri: It.
        snapshot: What was changed later, was changed after the delivery; ISO 8601, None where
            that is not known.
        is_verified: Whether a verification found it all.
    """

    uri: str
    snapshot: str | None
    is_verified: bool


@dataclass(frozen=True, slots=True)
class NewOptions:
    """What is written beside the filter of what is new.

    Args:
        changed: Where the filter of what changed after its delivery goes; None for nowhere.
        gone: Where the list of what has left the cohort goes; None for nowhere.
        whole: Whether a study that has grown is delivered again as a whole.
    """

    changed: str | None = None
    gone: str | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class NewBuilt(Face):
    """What is new in a cohort, and what became of the rest.

    Args:
        new: The filter file; None where nothing is new, and none was written.
        changed: How many instances changed after their delivery; None where the table does not
            tell.
        changed_uri: The filter of these; None where none was written.
        gone: How many delivered instances left the cohort, by reason: ``deleted`` or
            ``no longer matches``.
        gone_uri: The list of these; None where none was asked for.
        delivered: How many instances were delivered before.
        warnings: What a person should know.
    """

    new: Derived | None
    changed: int | None
    changed_uri: str | None
    gone: dict[str, int]
    gone_uri: str | None
    delivered: int
    warnings: tuple[str, ...] = ()

    def facts(self) -> list[tuple[str, str]]:
        """List what is new, what changed, and what has gone."""
        changed = "unknown" if self.changed is None else f"{self.changed:,}"
        return [
            *(self.new.facts() if self.new else [("new", "nothing")]),
            ("changed", changed),
            ("gone", f"{sum(self.gone.values()):,}"),
            ("delivered", counted(self.delivered, "instance")),
            *(("warning", text) for text in self.warnings),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give it as ``--json`` shows it."""
        return {
            **(self.new.to_dict() if self.new else {"uri": None}),
            "changed": {"count": self.changed, "file": self.changed_uri},
            "gone": {"count": sum(self.gone.values()), "reasons": self.gone, "file": self.gone_uri},
            "delivered_before": self.delivered,
            "warnings": list(self.warnings),
        }


def deliveries(names: Sequence[str]) -> tuple[list[Delivery], list[str]]:
    """Find what was delivered.

    Args:
        names: Filters, their manifests, lists of a verification, or patterns of these.

    Returns:
        What was delivered, and what a person should know of it.

    Raises:
        SourceNotFoundError: A name that is no pattern does not exist.
    """
    found: dict[str, Delivery] = {}
    told = []
    for name in names:
        try:
            uris = filters_of(name)
        except SourceNotFoundError:
            if not set(name) & set("*?["):
                raise
            told.append(f"{name} matches nothing: what was delivered before is not known")
            continue
        for given in uris:
            uri = given.removesuffix(SUFFIX)
            one, why = _delivery(uri)
            if one is not None:
                found[one.uri] = one
            if why:
                told.append(why)
    return list(found.values()), told


def _delivery(uri: str) -> tuple[Delivery | None, str | None]:
    """Find what was delivered of one filter."""
    if not open_storage(uri).exists(uri):
        raise SourceNotFoundError(f"{uri} does not exist", hint="check the name")
    manifest = read_manifest_or_none(uri + SUFFIX)
    kind = manifest.derived.get("operation") if manifest and manifest.derived else None
    if manifest is not None and kind == "delivery":
        return Delivery(uri, _snapshot(manifest), is_verified=True), None
    beside = uri + DELIVERED
    own = read_manifest_or_none(beside + SUFFIX)
    if own is not None or open_storage(beside).exists(beside):
        if own is not None and own.derived and _is_of(own, uri):
            if not own.coverage.lines:
                return None, f"nothing of {uri} arrived, and it counts for nothing"
            return Delivery(beside, _snapshot(own), is_verified=True), None
        return None, f"{beside} is of another {uri}: verify it again, or it counts for nothing"
    if kind == "retry":
        return None, f"{uri} is a retry that was not verified, and counts for nothing"
    told = f"{uri} was never verified, and is taken for delivered: see `dicomfilter verify`"
    return Delivery(uri, manifest.created if manifest else None, is_verified=False), told


def _snapshot(manifest: Manifest) -> str | None:
    derived = manifest.derived or {}
    found = derived.get("since") or derived.get("verified")
    return None if found is None else str(found)


def _is_of(own: Manifest, uri: str) -> bool:
    """Tell whether a verification was of these bytes."""
    with open_sources([uri]) as sources, calculator(sources, MEMORY_LIMIT) as algebra:
        crc32c = algebra.inputs[0].crc32c
    inputs = (own.derived or {}).get("inputs") or [{}]
    return bool(inputs[0].get("crc32c") == crc32c)


def build_new(
    cohort: Cohort,
    out: str | PathLike[str],
    *,
    since: Sequence[str | PathLike[str]],
    options: BuildOptions | None = None,
    new: NewOptions | None = None,
) -> NewBuilt:
    """Write a filter file of what a cohort has beyond what was delivered.

    Args:
        cohort: What is wanted by now.
        out: Where the filter goes: a path, ``gs://bucket/object``, or ``-``.
        since: What was delivered: filters, their manifests, lists of a verification, or patterns.
        options: How the cohort's filter is built.
        new: What else is written.

    Returns:
        What is new, changed and gone. Together with what is gone, the cohort of now is just what
        was delivered in all, once this is delivered too.

    Raises:
        UsageError: The table knows no instances where a part of a series was delivered.
        DestinationError: Something cannot be written, or exists.
        DicomFilterError: The cohort's filter cannot be built.
    """
    with ExitStack() as stack:
        spill = stack.enter_context(Spill.make())
        return _Building(
            cohort, str(out), options or BuildOptions(), new or NewOptions(), spill.path, stack
        ).run([str(name) for name in since])


@dataclass(slots=True)
class _Building:
    """One such build, step by step."""

    cohort: Cohort
    out: str
    options: BuildOptions
    new: NewOptions
    folder: str
    stack: ExitStack
    warnings: list[str] = field(default_factory=list)

    def run(self, names: list[str]) -> NewBuilt:
        """Build."""
        engine = self.cohort.table.engine
        target = Target(self.out, self.options.overwrite, self.options.manifest)
        targets = {"new": target}
        if self.new.changed is not None:
            targets["changed"] = Target(self.new.changed, self.options.overwrite)
        found, told = deliveries(names)
        self.warnings += told
        inputs = [*engine.paths, *self.options.inputs, *(one.uri for one in found)]
        for each in targets.values():
            each.check(inputs)
        if self.new.gone is not None:
            open_storage(self.new.gone).check_destination(
                self.new.gone, overwrite=self.options.overwrite, inputs=inputs, private=True
            )
        before = engine.fingerprint()
        full = self._full()
        connection = self._session(found, full)
        delivered = self._written(connection, "delivered", "delivered.txt")
        fresh = self._fresh(connection, full, delivered)
        after = engine.fingerprint()
        if engine.paths and after.digest != before.digest:
            raise DicomFilterError(
                f"{engine.uri} changed while it was read; no filter file was written",
                hint="run it again when the table is at rest",
            )
        read = tuple(self._inputs(found))
        details = {"against": asdict(before), "whole": self.new.whole}
        changed_count, changed = self._changed(connection, targets, read, details)
        gone = self._gone(connection)
        ((count,),) = connection.execute("SELECT count(*) FROM delivered").fetchall()
        derived = None
        if fresh is not None:
            result = self._result(fresh, details)
            derived = target.write("new", read, result)
        return NewBuilt(
            derived, changed_count, changed, gone, self.new.gone, count, tuple(self.warnings)
        )

    def _full(self) -> str | None:
        """Build the filter of all that is selected by now; None where that is nothing."""
        path = str(Path(self.folder) / "full.txt")
        options = replace(self.options, overwrite=False, manifest=None, staging=None)
        try:
            built = self.cohort.write_filter(path, options=options)
        except EmptyFilterError:
            return None
        self.warnings += built.warnings
        return path

    def _session(self, found: list[Delivery], full: str | None) -> duckdb.DuckDBPyConnection:
        """Put what was delivered into a table of instances, each with its latest delivery."""
        connection = self.stack.enter_context(open_session(MEMORY_LIMIT, ()))
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(delivery_sql.CLAIMED)
        for one in found:
            take_lines(connection, "one", self._blocks(one.uri))
            values = {"snapshot": one.snapshot, "is_verified": one.is_verified}
            connection.execute(delivery_sql.CLAIM, values)
        take_lines(connection, "wanted", self._blocks(full) if full else iter(()))
        ((studies,),) = connection.execute("SELECT count(*) FROM claimed").fetchall()
        if studies:
            take_known(connection, self.cohort.table.engine, source="claimed")
        connection.execute(sql.NO_UNITS)
        connection.execute(delivery_sql.DELIVERED)
        ((coarse, unknown),) = connection.execute(delivery_sql.COARSE).fetchall()
        if coarse:
            self.warnings.append(
                f"{counted(coarse, 'line')} of studies and series never verified: what the table "
                "knew at the time counts as delivered"
                + (f", and nothing of {unknown:,} of them" if unknown else "")
            )
        connection.execute(delivery_sql.SELECTED)
        return connection

    def _blocks(self, uri: str) -> Iterator[bytes]:
        with open_sources([uri]) as sources, calculator(sources, MEMORY_LIMIT) as algebra:
            yield from algebra.union().blocks()

    def _inputs(self, found: list[Delivery]) -> Iterator[Input]:
        for one in found:
            with open_sources([one.uri]) as sources, calculator(sources, MEMORY_LIMIT) as algebra:
                yield algebra.inputs[0]

    def _written(self, connection: duckdb.DuckDBPyConnection, table: str, name: str) -> str | None:
        """Write a table of lines as a filter file; None where it has none."""
        path = Path(self.folder) / name
        with path.open("wb") as file:
            for block in _lines(connection, table):
                file.write(block)
        return str(path) if path.stat().st_size else None

    def _fresh(
        self, connection: duckdb.DuckDBPyConnection, full: str | None, delivered: str | None
    ) -> str | None:
        """Find the lines of what is new; None where nothing is."""
        if full is None or delivered is None:
            return full
        rest = FilterFile(full).subtract(FilterFile(delivered), against=self.cohort.table.engine)
        if rest.is_empty:
            return None
        path = str(Path(self.folder) / "new.txt")
        if not self.new.whole:
            rest.write(path)
            return path
        take_lines(connection, "fresh", (bytes(bytes_of(b.column(0))) for b in rest.lines()))
        connection.execute(delivery_sql.GROWN)
        return self._written(connection, "grown", "new.txt")

    def _changed(
        self,
        connection: duckdb.DuckDBPyConnection,
        targets: dict[str, Target],
        inputs: tuple[Input, ...],
        details: dict[str, Any],
    ) -> tuple[int | None, str | None]:
        engine = self.cohort.table.engine
        if engine.schema().missing("LastUpdated"):
            if self.new.changed is not None:
                self.warnings.append(
                    f"{engine.uri} has no LastUpdated, so what changed cannot be told"
                )
            return None, None
        connection.execute(delivery_sql.CHANGED)
        ((count, undated),) = connection.execute(delivery_sql.CHANGED_COUNTS).fetchall()
        if undated and self.new.changed is not None:
            self.warnings.append(
                f"whether {counted(undated, 'instance')} changed since cannot be told: when "
                "they were delivered is not known"
            )
        target = targets.get("changed")
        if target is None:
            return count, None
        path = self._written(connection, "changed", "changed.txt")
        if path is None:
            _remove(target)
            return 0, None
        target.write("changed", inputs, self._result(path, details))
        return count, target.uri

    def _gone(self, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
        connection.execute(delivery_sql.GONE)
        if self.new.gone is not None:
            rows = connection.sql(delivery_sql.GONE_ROWS).to_arrow_reader(100_000)
            write_rows(self.new.gone, rows, overwrite=self.options.overwrite)
        return dict(connection.execute(delivery_sql.GONE_COUNTS).fetchall())

    def _result(self, path: str, details: dict[str, Any]) -> Result:
        with open_sources([path]) as sources, calculator(sources, MEMORY_LIMIT) as algebra:
            pick = algebra.union()
            levels = LevelCounts(pick.levels.study, pick.levels.series, pick.levels.instance)
            studies, series = pick.studies, pick.series
        return Result(
            levels, studies, series, lambda: self._blocks(path), tuple(self.warnings), details
        )


def _lines(connection: duckdb.DuckDBPyConnection, table: str) -> Iterator[bytes]:
    for batch in connection.sql(sql.TEXT.format(table=table)).to_arrow_reader(100_000):
        yield bytes(bytes_of(batch.column(0)))


def _remove(target: Target) -> None:
    """Remove what an earlier run wrote there, which was to be replaced: nobody is to use it."""
    if not target.overwrite or "://" in target.uri or target.uri == "-":
        return
    for path in (Path(target.uri), Path(target.uri + SUFFIX)):
        path.unlink(missing_ok=True)
