"""A gate: nothing is started unless the metadata is fresh."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dicomfilter.engines import open_engine
from dicomfilter.errors import DicomFilterError, GateError
from dicomfilter.filters.lines.summaries import summary
from dicomfilter.filters.manifest import SUFFIX
from dicomfilter.filters.replay import read_manifest
from dicomfilter.proof.freshness_limits import age_of, span
from dicomfilter.proof.table_comparison import FreshnessOptions, freshness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dicomfilter.engines.protocol import EngineOptions
    from dicomfilter.filters.manifest import Manifest
    from dicomfilter.stores.protocol import AnyName


def require_fresh(
    tables: Sequence[str],
    store: AnyName | str | None,
    within: str,
    *,
    engine: EngineOptions | None = None,
) -> None:
    """Stop unless a table is fresh.

    Args:
        tables: The table's names.
        store: What it is compared with; None to judge by its age alone.
        within: The most that it may be behind, ``24h``.
        engine: How the engine may spend.

    Raises:
        GateError: It is not, or that cannot be told.
        UsageError: The age is none.
    """
    freshness(tables, store, options=FreshnessOptions(max_age=within, engine=engine)).require()


def require_fresh_filter(
    uri: str | None, store: AnyName, within: str, *, manifest: str | None = None
) -> None:
    """Stop unless a filter was made of a table that is fresh.

    Args:
        uri: The filter file; None for a whole store, which needs no table.
        store: The store that it is for.
        within: The most that filter or table may be behind, ``24h``.
        manifest: Where its manifest is, if not beside it.

    Raises:
        GateError: It is not, or that cannot be told.
        UsageError: The age is none.
    """
    limit = age_of(within)
    if uri is None:
        return
    made = _manifest(uri, manifest or f"{uri}{SUFFIX}")
    tables = list(made.table.names) or [made.table.uri]
    age = datetime.now(UTC) - datetime.fromisoformat(made.created)
    if age > limit:
        with open_engine(tables) as engine:
            is_same = engine.fingerprint().digest == made.table.digest
        if not is_same:
            raise GateError(
                f"{uri} was made {span(age)} ago, and its table has changed since; nothing was "
                "started",
                hint="build the filter anew",
            )
    require_fresh(tables, store, within)


def _manifest(uri: str, place: str) -> Manifest:
    """Read the manifest that belongs to a filter as it is."""
    hint = "name the manifest with --manifest, or build the filter anew"
    try:
        made = read_manifest(place)
        crc32c = summary(uri).crc32c
    except DicomFilterError as error:
        raise GateError(
            f"of which table {uri} was made cannot be told ({error.message}); nothing was started",
            hint=hint,
        ) from error
    if made.crc32c != crc32c or not made.table.uri:
        raise GateError(
            f"{place} is not of {uri} as it is, so of which table it was made cannot be told; "
            "nothing was started",
            hint=hint,
        )
    return made
