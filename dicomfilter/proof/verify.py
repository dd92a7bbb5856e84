"""Comparing what a filter asks for with what a destination holds."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dicomfilter.counts import counted
from dicomfilter.engines.protocol import DEFAULT_MAXIMUM_BYTES_BILLED, EngineOptions
from dicomfilter.errors import DicomFilterError
from dicomfilter.filters.algebra.deriving import calculator
from dicomfilter.filters.algebra.inputs import open_sources
from dicomfilter.filters.lines.findings import LevelCounts
from dicomfilter.filters.lines.ledger import open_session, stream
from dicomfilter.filters.lines.lines import texts
from dicomfilter.named import named
from dicomfilter.notebook.table import open_table
from dicomfilter.proof import comparison_sql as sql
from dicomfilter.proof import destinations
from dicomfilter.proof.destinations import Look
from dicomfilter.proof.metadata import Known, take_known
from dicomfilter.proof.opened import read_some
from dicomfilter.proof.origins import Origin, origin_of
from dicomfilter.proof.started import Started, started_by, started_from_here
from dicomfilter.proof.verification import MEMORY_LIMIT, THREADS, Kept, Numbers, Verification
from dicomfilter.storage.protocol import is_cloud
from dicomfilter.stores.folder.layout import ORIGINAL, Format
from dicomfilter.stores.folder.names import is_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    import duckdb
    import pyarrow as pa

    from dicomfilter.engines.protocol import Engine, Fingerprint
    from dicomfilter.filters.algebra.inputs import Input
    from dicomfilter.proof.destinations import Destination

MAX_REQUESTS = 1000
_RANGE = 500
"""Fewer objects than these are not worth a range of their own."""
_LINE = 50
"""How many objects a line is taken for of which nothing is known."""


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """How a verification is made.

    Args:
        against: A table that knows what studies and series hold; None for the one that the
            filter's manifest names.
        store: The DICOM store, which is asked for numbers where no table knows them; None for
            the one that the export was started on.
        operation: The export, by its full name; None for the one that was started from here.
        mime_type: The format of the images; None for the export's, and else DICOM.
        listing: A file of names that were listed elsewhere; the destination is not asked.
        one_way: Whether only what was asked for counts.
        read: How many files are opened to compare their UIDs; None for all.
        manifest: Where the filter's manifest is, if not beside it.
        max_requests: How often the store is asked, at most.
        memory_limit: What is kept in memory, as DuckDB writes it.
        maximum_bytes_billed: Bytes that one BigQuery job may bill.
    """

    against: str | None = None
    store: str | None = None
    operation: str | None = None
    mime_type: str | None = None
    listing: str | None = None
    one_way: bool = False
    read: int | None = 0
    manifest: str | None = None
    max_requests: int = MAX_REQUESTS
    memory_limit: str = MEMORY_LIMIT
    maximum_bytes_billed: int = DEFAULT_MAXIMUM_BYTES_BILLED


def verify(
    filter: str | PathLike[str],  # noqa: A002 - the word that everybody uses
    destination: str | PathLike[str],
    *,
    against: str | PathLike[str] | None = None,
    options: VerifyOptions | None = None,
) -> Verification:
    """Compare what a filter asks for with what a destination holds.

    Args:
        filter: A filter file: a path, ``gs://bucket/object``, or what a build returned.
        destination: A folder, ``gs://bucket/folder/``, ``bq://project.dataset.table``, a Parquet
            file, or ``FILE.duckdb::TABLE``.
        against: A table that knows what studies and series hold; None for the one that the
            filter's manifest names.
        options: How; see VerifyOptions.

    Returns:
        The verdict, with all that is missing or unexpected; nothing was written.

    Raises:
        FilterFileError: The filter cannot be used as it is.
        SourceNotFoundError: There is no such destination.
        RemoteError: The destination could not be looked at, or not wholly.
    """
    options = options or VerifyOptions()
    if against is not None:
        options = replace(options, against=os.fspath(against))
    uri = named(getattr(filter, "uri", filter))
    place = named(destination)
    destinations.check(place)
    kept = Kept()
    try:
        with ExitStack() as stack:
            return _Verifying(uri, place, options, kept, stack).run()
    except BaseException:
        kept.remove()
        raise


@dataclass(slots=True)
class _Verifying:
    """One comparison, step by step."""

    uri: str
    place: str
    options: VerifyOptions
    kept: Kept
    stack: ExitStack
    warnings: list[str] = field(default_factory=list)
    coarse: int = 0
    engine: Engine | None = None
    against: Fingerprint | None = None
    origin: Origin = field(default_factory=Origin)
    known: Known = field(default_factory=Known)

    def run(self) -> Verification:
        """Compare."""
        options = self.options
        database = self.kept.database
        paths = (database, f"{database}.wal")
        connection = self.stack.enter_context(
            open_session(options.memory_limit, paths, database=database)
        )
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET threads = {THREADS}")
        one = self._read_filter(connection)
        started = self._started(one)
        form = Format.parse(options.mime_type or started.mime_type)
        self._expect(connection, one, started, form)
        destination = self._destination()
        look = Look(
            form.extension.removeprefix("."),
            form.is_dicom,
            started.moment,
            () if destination.is_table else _bounds(connection),
        )
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        pages = destination.take(connection, look)
        connection.execute(sql.FILES)
        connection.execute(sql.FOUND)
        connection.execute(sql.WRONG)
        read = 0
        if options.read != 0:
            read = read_some(connection, destination, form, options.read)
        self._judge(connection, started, form)
        numbers = Numbers(*connection.execute(sql.COUNTS).fetchall()[0])
        reasons = dict(connection.execute(sql.REASONS).fetchall())
        ((*levels, _, _),) = connection.execute(sql.RETRY_COUNTS.format(table="retry")).fetchall()
        self._warn(connection, numbers, form)
        return Verification(
            self.uri,
            self.place,
            numbers,
            reasons,
            options.one_way,
            LevelCounts(*levels),
            started,
            moment,
            pages,
            read,
            self.coarse,
            self.against,
            (*started.notes, *self.warnings),
            _inputs=(one,),
            _kept=self.kept,
        )

    def _read_filter(self, connection: duckdb.DuckDBPyConnection) -> Input:
        with (
            open_sources([self.uri]) as sources,
            calculator(sources, self.options.memory_limit) as algebra,
        ):
            pick = algebra.union()

            def batches() -> Iterator[pa.RecordBatch]:
                yield texts(b"\n").slice(0, 0)
                yield from map(texts, pick.blocks())

            stream(connection, "source", batches(), sql.LINES)
            return algebra.inputs[0]

    def _started(self, one: Input) -> Started:
        if self.options.operation is not None:
            return started_by(self.options.operation, self.place)
        return started_from_here(one.crc32c, self.place)

    def _expect(
        self,
        connection: duckdb.DuckDBPyConnection,
        one: Input,
        started: Started,
        form: Format,
    ) -> None:
        """Find out what is under the filter's lines."""
        ((coarse,),) = connection.execute(sql.COARSE_LINES).fetchall()
        self.coarse = coarse
        self.origin = origin_of(self.options.manifest or one.manifest)
        if coarse or not form.is_dicom or self.options.against is not None:
            self._open_table(self.origin, started)
        if self.engine is not None:
            self.known = take_known(connection, self.engine)
        connection.execute(sql.NO_UNITS)
        connection.execute(sql.EXPECTED, {"asked": self.origin.created})
        connection.execute(sql.COUNTED)
        connection.execute(sql.OPEN)
        store = self.options.store or started.store
        if coarse and store is not None:
            self._ask_store(connection, store)

    def _open_table(self, origin: Origin, started: Started) -> None:
        """Open the table that knows what is under lines, if there is one.

        A table that was named must open; one that is only remembered may be gone.
        """
        options = EngineOptions(
            self.options.maximum_bytes_billed,
            memory_limit=self.options.memory_limit,
            command="verify",
        )
        given = self.options.against
        names = (given,) if given is not None else origin.names
        if not names and started.store is not None:
            names = self._catalog(started.store)
        if not names:
            return
        try:
            table = self.stack.enter_context(open_table(*names, options=options))
            self.engine, self.against = table.engine, table.engine.fingerprint()
        except DicomFilterError as error:
            if given is not None:
                raise
            self.warnings.append(f"the table of the filter cannot be asked: {error.message}")
            return
        if given is None and origin.digest not in {None, self.against.digest}:
            self.warnings.append(
                f"{self.against.uri} has changed since the filter was built: what came or went "
                "since may be taken for missing"
            )

    def _catalog(self, store: str) -> tuple[str, ...]:
        """Take the catalog of a folder for its table."""
        if not is_folder(store):
            return ()
        from dicomfilter.dicom.headers.catalog import Catalog

        return (str(Catalog.open(store).parquet),)

    def _ask_store(self, connection: duckdb.DuckDBPyConnection, store: str) -> None:
        """Ask the store how many instances there are, where nothing else tells."""
        if is_folder(store):
            return
        from dicomfilter.stores.healthcare.names import StoreName
        from dicomfilter.stores.healthcare.store import HealthcareStore

        limit = self.options.max_requests
        lines = connection.execute(
            "SELECT study, series FROM open ORDER BY ALL LIMIT $limit", {"limit": limit + 1}
        ).fetchall()
        if len(lines) > limit:
            self.warnings.append(
                f"the store was asked of {limit:,} lines and no more: raise --max-requests, or "
                "name a table with --against"
            )
        edge = HealthcareStore.connect(StoreName.parse(store))
        for study, series in lines[:limit]:
            count = edge.instance_count(study, series)
            if count is not None:
                values = {"study": study, "series": series, "instances": count}
                connection.execute(sql.SETTLED, values)
        connection.execute(sql.CLOSED)

    def _destination(self) -> Destination:
        if self.options.listing is not None:
            from dicomfilter.proof.gathered import Gathered

            return Gathered(self.place, self.options.listing)
        if destinations.is_table(self.place):
            options = EngineOptions(
                self.options.maximum_bytes_billed,
                memory_limit=self.options.memory_limit,
                command="verify",
            )
            table = self.stack.enter_context(open_table(self.place, options=options))
            return destinations.Table(self.place, table.engine)
        if is_cloud(self.place):
            from dicomfilter.storage.gcs.objects import GcsStorage

            return destinations.Objects(self.place, GcsStorage())
        return destinations.Folder(self.place)

    def _judge(self, connection: duckdb.DuckDBPyConnection, started: Started, form: Format) -> None:
        overwrites = started.overwrites
        connection.execute(
            sql.JUDGED,
            {
                "overwrites": overwrites,
                "is_dicom": form.is_dicom,
                "has_frames": self.known.frames and self.known.instances,
            },
        )
        connection.execute(sql.NUMBERS, {"overwrites": overwrites})
        self._know_the_missing(connection)
        connection.execute(
            sql.MISSING,
            {
                "transcodes": not form.is_dicom or form.syntax != ORIGINAL,
                "is_dicom": form.is_dicom,
                "has_pixels": self.known.pixels,
                "has_table": self.known.instances,
                "since": started.moment,
            },
        )
        connection.execute(sql.UNEXPECTED)
        connection.execute(sql.DELIVERED.replace("$overwrites", str(overwrites).lower()))
        connection.execute(sql.RETRY)

    def _know_the_missing(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Ask for reasons where instances are missing and no table was read yet."""
        ((absent,),) = connection.execute(sql.ABSENT_COUNT).fetchall()
        if self.engine is None and absent:
            self._open_table(self.origin, Started())
            self._read_reasons(connection)

    def _read_reasons(self, connection: duckdb.DuckDBPyConnection) -> None:
        if self.engine is not None:
            connection.execute(sql.ABSENT)
            self.known = take_known(connection, self.engine, source="absent")

    def _warn(self, connection: duckdb.DuckDBPyConnection, numbers: Numbers, form: Format) -> None:
        if not numbers.arrived and self.options.mime_type is None:
            others = connection.execute(sql.OTHER_FORMS).fetchall()
            for extension, count in others:
                named = f".{extension}" if extension else "no extension"
                self.warnings.append(
                    f"{counted(count, 'name')} there {'has' if count == 1 else 'have'} {named}, "
                    f"and {form.media} has {form.extension}: name the form with --mime-type"
                )


def _bounds(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Choose names that part the destination into ranges of like size, among those expected."""
    from dicomfilter.storage.gcs.pages import WORKERS

    ((exact, lines),) = connection.execute(sql.LISTED_WEIGHT).fetchall()
    ranges = min(WORKERS, (exact + lines * _LINE) // _RANGE)
    if ranges < 2:
        return ()
    names = sorted(name for (name,) in connection.execute(sql.BOUNDS).fetchall())
    chosen = (names[len(names) * number // ranges] for number in range(1, ranges))
    return tuple(dict.fromkeys(chosen))
