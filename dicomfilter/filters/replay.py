"""Make a filter file again from its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from dicomfilter.cohorts.select import among, read_statement
from dicomfilter.cohorts.selection import Selection
from dicomfilter.errors import ManifestError
from dicomfilter.filters.build import BuildOptions
from dicomfilter.filters.manifest import Manifest
from dicomfilter.googlesql.query import METADATA
from dicomfilter.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dicomfilter.googlesql.types.parameters import Parameter
    from dicomfilter.schema import TableSchema


@dataclass(frozen=True, slots=True)
class Replay:
    """What a manifest asks for, ready to be built again.

    Args:
        selection: The rows.
        options: How the filter is built: level, compaction, and the date of the first run.
    """

    selection: Selection
    options: BuildOptions


def read_manifest(uri: str) -> Manifest:
    """Read a manifest.

    Raises:
        ManifestError: It is none.
    """
    with open_storage(uri).reader(uri) as file:
        try:
            text = file.read().decode()
        except UnicodeDecodeError as error:
            raise ManifestError(f"{uri} is not a manifest of a filter file") from error
    try:
        manifest = Manifest.parse(text)
    except ManifestError as error:
        raise ManifestError(f"{uri}: {error.message}", hint=error.hint) from error
    if manifest.derived is not None:
        operation = manifest.derived.get("operation")
        raise ManifestError(
            f"{uri} is of a filter calculated of others ({operation}), and has no selection",
            hint="replay the manifests of the filters that it names, and calculate again",
        )
    return manifest


def replay(
    manifest: Manifest, tables: Mapping[str, TableSchema], given: Sequence[Parameter]
) -> Replay:
    """Prepare to build a filter file again.

    Args:
        manifest: Of the first run.
        tables: The columns that the table, ``metadata``, and those beside it have now.
        given: Values of parameters that were not recorded, or others than the recorded ones.

    Returns:
        The same selection of the table as it is now. CURRENT_DATE stands for the date of the
        first run.

    Raises:
        ParameterError: The value of a parameter is missing.
        PredicateError: The table no longer has what a predicate reads.
    """
    parameters = manifest.replayed(given)
    selection = Selection(tables[METADATA], all_versions=manifest.all_versions)
    for sql in manifest.predicates:
        selection = selection.where(sql, parameters=parameters)
    for sql in manifest.statements:
        statement = read_statement(
            sql, tables, parameters=parameters, all_versions=manifest.all_versions
        )
        selection = among(selection, statement)
    options = BuildOptions(
        level=manifest.level,
        compact=manifest.compact,
        skip_bad_uids=manifest.skipped_bad_uids,
        today=date.fromisoformat(manifest.current_date),
    )
    return Replay(selection, options)
