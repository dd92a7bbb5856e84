"""A table of metadata compared with its store, for a verdict on its freshness."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dicomfilter.cohorts.unit_rows import measures, one_a_unit, rows
from dicomfilter.errors import DicomFilterError, RemoteError, UsageError
from dicomfilter.googlesql.pieces import column, fragment
from dicomfilter.googlesql.query import Query
from dicomfilter.googlesql.types.parameters import Parameter
from dicomfilter.named import named
from dicomfilter.notebook.asking import store_name
from dicomfilter.notebook.table import open_table
from dicomfilter.proof.freshness import Freshness, judge
from dicomfilter.proof.freshness_limits import YOUNG, Limits, age_of, share_of
from dicomfilter.proof.freshness_signals import CohortSeen, Held, Signals
from dicomfilter.schema import Kind
from dicomfilter.stores.folder.names import FolderName

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta
    from os import PathLike

    from sqlglot import exp

    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.notebook.cohort import Cohort
    from dicomfilter.notebook.table import Table
    from dicomfilter.stores.healthcare.names import StoreName
    from dicomfilter.stores.healthcare.store import HealthcareStore
    from dicomfilter.stores.protocol import AnyName

MAX_REQUESTS = 1000
"""How many studies of a cohort are asked of the store by themselves."""
_RECENT = "dcf_young"


@dataclass(frozen=True, slots=True)
class FreshnessOptions:
    """What a table is compared by.

    Args:
        where: Predicates, ANDed: only the studies of this cohort are asked for, one by one.
        parameters: The values of their ``@names``.
        filter: A filter file: likewise the studies that it names.
        max_age: The most that a table may be behind, ``24h``.
        max_drift: The share of instances by which it may differ from its store, ``0.1%``.
        max_requests: How many studies of a cohort are asked for at most.
        engine: How the engine may spend.
    """

    where: Sequence[str] = ()
    parameters: tuple[Parameter, ...] = ()
    filter: str | PathLike[str] | None = None
    max_age: str | timedelta = "24h"
    max_drift: str | float = 0.001
    max_requests: int = MAX_REQUESTS
    engine: EngineOptions | None = None

    @property
    def limits(self) -> Limits:
        """What is taken for fresh.

        Raises:
            UsageError: An age or share is none.
        """
        return Limits(age_of(self.max_age), share_of(self.max_drift))


def freshness(
    table: str | PathLike[str] | Sequence[str],
    store: AnyName | str | PathLike[str] | None = None,
    *,
    options: FreshnessOptions | None = None,
    now: datetime | None = None,
    **values: Any,  # noqa: ANN401 - of fields that check themselves
) -> Freshness:
    """Tell whether a table of metadata still says what its store holds.

    Args:
        table: ``bq://project.dataset.table``, or files.
        store: The DICOM store or folder that it is of; None to judge by its age alone.
        options: What it is compared by.
        now: The time; None for this machine's.
        **values: Fields of the options, by name.

    Returns:
        The verdict, what was seen, and where it was seen.

    Raises:
        UsageError: A name, predicate or limit cannot be taken.
        DicomFilterError: The table cannot be read at all.
    """
    chosen = replace(options or FreshnessOptions(), **values)
    limits, at = chosen.limits, now or datetime.now(UTC)
    uris = [named(table)] if isinstance(table, str) or hasattr(table, "__fspath__") else list(table)
    name = None if store is None else _store(store)
    if isinstance(name, FolderName):
        if chosen.where or chosen.filter:
            raise UsageError(
                "a folder is compared as a whole with its table", hint="drop --where and --filter"
            )
        return judge(_of_folder(uris, name), limits, at)
    with open_table(*uris, options=chosen.engine) as opened:
        signals = _of_table(opened, uris, at)
        if name is not None:
            signals = _of_store(opened, signals, name, chosen)
    return judge(signals, limits, at)


def _store(store: AnyName | str | PathLike[str]) -> AnyName:
    if isinstance(store, FolderName) or (hasattr(store, "parent") and hasattr(store, "store")):
        return store  # type: ignore[return-value]
    return store_name(store)


def _of_folder(uris: Sequence[str], folder: FolderName) -> Signals:
    """Compare a folder with the table that an index made of it."""
    from dicomfilter.dicom.headers.index import pending_changes

    signals = Signals(", ".join(uris), str(folder), streamed=False)
    if len(uris) != 1 or not Path(uris[0]).is_file():
        raise UsageError(
            f"a folder is compared with the one table that `dicomfilter index` made of it, and "
            f"{signals.table} is none",
            hint="name NAME.parquet",
        )
    try:
        pending = pending_changes(folder.path, uris[0])
    except DicomFilterError as error:
        return replace(signals, missing=(error.message,), store=signals.store)
    sources = {"pending": "the folder's files, against the list beside the table"}
    return replace(signals, pending=pending, sources=sources)


def _of_table(opened: Table, uris: Sequence[str], at: datetime) -> Signals:
    """Look at a table: when it was written, and what its rows say of it."""
    engine, schema = opened.engine, opened.schema
    is_cloud = not engine.paths and engine.uri.startswith("bq://")
    signals = Signals(engine.uri or ", ".join(uris), may_be_streamed=is_cloud)
    if is_cloud:
        from dicomfilter.engines.bigquery.described import describe_table

        state = describe_table(engine.uri)
        signals = replace(
            signals,
            written=state.modified if state.kind == "TABLE" else None,
            streaming_rows=state.streaming_rows,
            streaming_since=state.streaming_since,
            staleness=state.max_staleness,
            sources={"written": "bigquery.tables.get", "streaming_rows": "bigquery.tables.get"},
        )
    else:
        modified = engine.fingerprint().modified
        written = None if modified is None else datetime.fromisoformat(modified)
        signals = replace(signals, written=written, streamed=False, sources={"written": "files"})
    updated = schema.find("LastUpdated")
    if updated is None or updated.type.kind is not Kind.TIMESTAMP:
        return signals
    newest, deleted, recent = _changes(opened, at)
    return replace(
        signals,
        newest=newest,
        deleted=deleted,
        recent=recent,
        written=signals.written or (newest if is_cloud else None),
        sources={**signals.sources, "newest": "MAX(LastUpdated)"},
    )


def _changes(opened: Table, at: datetime) -> tuple[datetime | None, int | None, int]:
    """Ask for the newest change, how many deletions there are, and how many are young."""
    from sqlglot import exp

    selection = opened.all().selection
    has_type = opened.schema.find("Type") is not None
    extra: dict[str, exp.Expr] = {"updated": column("LastUpdated")}
    if has_type:
        extra["kind"] = column("Type")
    current = rows(selection, extra=extra, deleted=True).subquery("current_rows")
    outputs = [
        fragment("MAX(updated) AS newest"),
        fragment(f"COUNTIF(updated > @{_RECENT}) AS young"),
    ]
    if has_type:
        outputs.append(fragment("COUNTIF(kind = 'DELETE') AS deleted"))
    young = Parameter.of(_RECENT, at - YOUNG)
    query = Query(exp.select(*outputs).from_(current), (*selection.bound(at.date()), young))
    (row,) = _asked(opened, query)
    newest = row["newest"]
    deleted = int(row["deleted"] or 0) if has_type else None
    return newest and newest.astimezone(UTC), deleted, int(row["young"] or 0)


def _of_store(
    opened: Table, signals: Signals, name: StoreName, chosen: FreshnessOptions
) -> Signals:
    """Ask a store how much it holds, and for the studies of a cohort one by one."""
    from dicomfilter.stores.healthcare import resources
    from dicomfilter.stores.healthcare.store import HealthcareStore

    store = HealthcareStore.connect(name)
    missing: list[str] = []
    counts = opened.all().counts()
    held = Held(counts.studies, counts.series, counts.instances)
    signals = replace(signals, store=str(name), held=held)
    with _noting(missing):
        streams = resources.described(store).body.get("streamConfigs") or ()
        targets = {_target(each) for each in streams}
        signals = replace(signals, streamed=signals.table in targets)
    with _noting(missing):
        found = resources.metrics(store)
        there = Held(found.studies, found.series, found.instances)
        signals = replace(signals, in_store=there)
    if chosen.where or chosen.filter:
        cohort = _cohort(opened, chosen)
        with _noting(missing):
            signals = replace(signals, cohort=_compared(opened, cohort, store, chosen))
    sources = {
        "streamed": "dicomStores.get",
        "in_store": "dicomStores.getDICOMStoreMetrics",
        "cohort": "getStudyMetrics",
    }
    return replace(signals, missing=tuple(missing), sources={**signals.sources, **sources})


@contextmanager
def _noting(missing: list[str]) -> Iterator[None]:
    """Note what cannot be asked: it is neither yes nor no."""
    try:
        yield
    except RemoteError as error:
        missing.append(error.message)


def _target(stream: Any) -> str:  # noqa: ANN401 - what the service sends
    return str((stream.get("bigqueryDestination") or {}).get("tableUri") or "")


def _cohort(opened: Table, chosen: FreshnessOptions) -> Cohort:
    from dicomfilter.googlesql.types.parameters import require_used

    cohort = opened.all()
    selection = cohort.selection
    for predicate in chosen.where:
        selection = selection.where(predicate, parameters=chosen.parameters)
    require_used(chosen.parameters, selection.parameters)
    cohort = replace(cohort, selection=selection)
    return cohort if chosen.filter is None else cohort.where_filter(chosen.filter)


def _compared(
    opened: Table, cohort: Cohort, store: HealthcareStore, chosen: FreshnessOptions
) -> CohortSeen:
    """Ask a store for the studies of a cohort, each as a whole."""
    from sqlglot import exp

    selected = cohort.selection
    wanted = (
        exp.select(exp.column("study"))
        .distinct()
        .from_(rows(selected).subquery("current_rows"))
        .where(fragment("usable"), copy=False)
    )
    found = _asked(opened, Query(wanted, selected.bound(cohort.clock())))
    studies = sorted(str(row["study"]) for row in found)
    asked = studies[: chosen.max_requests]
    seen = CohortSeen(len(studies), len(asked), is_named=not chosen.where)
    for study, instances in _instances(opened, asked).items():
        there = store.instance_count(study)
        more = (there or 0) - instances
        seen = replace(
            seen,
            instances=seen.instances + instances,
            gone=seen.gone + (there is None),
            larger=seen.larger + (more > 0),
            smaller=seen.smaller + (more < 0 and there is not None),
            more=seen.more + max(0, more),
            fewer=seen.fewer + max(0, -more),
        )
    return seen


def _instances(opened: Table, studies: Sequence[str]) -> dict[str, int]:
    """Count the instances of studies as the table has them."""
    from sqlglot import exp

    whole = opened.where_in("StudyInstanceUID", studies).selection
    counts = "SUM(instances)" if "instances" in measures(opened.schema) else "COUNT(*)"
    units = one_a_unit(rows(whole), whole).subquery("unit_rows")
    tree = exp.select(exp.column("study"), fragment(f"{counts} AS instances")).from_(units)
    tree = tree.where(fragment("usable"), copy=False).group_by("study")
    found = _asked(opened, Query(tree, whole.parameters)) if studies else []
    return {str(row["study"]): int(row["instances"] or 0) for row in found}


def _asked(opened: Table, query: Query) -> list[dict[str, Any]]:
    opened.engine.estimate(query)
    answer: list[dict[str, Any]] = opened.engine.rows(query).read_all().to_pylist()
    return answer
