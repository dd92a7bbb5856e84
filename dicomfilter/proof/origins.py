"""From which state of which table a filter was made, as its manifest says."""

from __future__ import annotations

from dataclasses import dataclass

from dicomfilter.filters.algebra.inputs import read_manifest_or_none

_DEEPEST = 8
"""How many calculations are followed back to a build."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a filter comes from.

    Args:
        created: When it was made, ISO 8601 in UTC; None where unknown.
        names: The names that together make the table; none where unknown.
        digest: Of the table's state; None where unknown.
    """

    created: str | None = None
    names: tuple[str, ...] = ()
    digest: str | None = None


def origin_of(manifest: str | None) -> Origin:
    """Read where a filter comes from.

    A filter that was calculated of others comes from where the first of these does.

    Args:
        manifest: Where its manifest is; None for none.
    """
    created: str | None = None
    for _ in range(_DEEPEST):
        found = read_manifest_or_none(manifest) if manifest is not None else None
        if found is None:
            break
        created = created or found.created
        if found.derived is None:
            return Origin(created, found.table.names or (found.table.uri,), found.table.digest)
        against = found.derived.get("against")
        if isinstance(against, dict) and against.get("uri"):
            names = tuple(against.get("names", ())) or (str(against["uri"]),)
            return Origin(created, names, against.get("digest"))
        inputs = found.derived.get("inputs") or [{}]
        manifest = inputs[0].get("manifest")
    return Origin(created)
