"""``dicomfilter summary``: what a filter file names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dicomfilter.cli import messages
from dicomfilter.cli.check import Filter
from dicomfilter.cli.options import Json
from dicomfilter.cli.terminal import echo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dicomfilter.filters.lines import Summary


def summary(
    filter_file: Filter,
    manifest: Annotated[
        str | None, typer.Option("--manifest", metavar="PATH", help="Its manifest elsewhere.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Say what a filter file names and where it came from.

    Example: dicomfilter summary ct.txt
    """
    from dicomfilter.filters import lines

    found = lines.summary(filter_file, manifest=manifest)
    if found.matches_manifest is False:
        messages.warnings([f"{found.manifest_uri} was written for other bytes than these"])
    levels = found.levels
    if unread := found.lines - levels.study - levels.series - levels.instance:
        messages.warnings(
            [f"{unread:,} of {found.lines:,} lines name nothing: run `dicomfilter check`"]
        )
    _show(found, as_json=as_json)
    return 0


def _show(found: Summary, *, as_json: bool) -> None:
    levels = found.levels
    if as_json:
        document = {
            "uri": found.uri,
            "size_bytes": found.size_bytes,
            "lines": found.lines,
            "levels": {"study": levels.study, "series": levels.series, "instance": levels.instance},
            "studies": found.studies,
            "series": found.series,
            "instances": found.instances,
            "crc32c": found.crc32c,
            "sha256": found.sha256,
            "manifest": found.manifest_uri,
            "matches_manifest": found.matches_manifest,
        }
        echo(json.dumps(document))
        return
    from dicomfilter.counts import counted, human_size

    rows = [
        ("filter", found.uri),
        (
            "lines",
            f"{found.lines:,} ({messages.levels(levels.study, levels.series, levels.instance)})",
        ),
        (
            "names",
            ", ".join(
                (
                    counted(found.studies, "study", "studies"),
                    counted(found.series, "series", "series"),
                    counted(found.instances, "instance"),
                )
            ),
        ),
        ("file", human_size(found.size_bytes)),
        ("crc32c", found.crc32c),
        ("sha256", found.sha256),
        *_origin(found),
    ]
    for name, text in rows:
        echo(f"{name:<9} {text}")


def _origin(found: Summary) -> list[tuple[str, str]]:
    """Tell what the manifest says, where it was written for just this file."""
    if not found.matches_manifest or found.manifest is None:
        return []
    said = found.manifest
    from dicomfilter.filters.authors import Author
    from dicomfilter.filters.manifest import calculation

    author = Author.parse(said.get("author"))
    covered = said.get("counts", {}).get("covered_instances")
    return [
        ("covers", "unknown instances" if covered is None else f"{covered:,} instances"),
        ("made", f"{said.get('created')} by dicomfilter {said.get('dicomfilter')}"),
        *([("of", calculation(said["derived"]))] if "derived" in said else _selection(said)),
        ("by", str(author)),
        ("purpose", author.purpose or "not recorded"),
    ]


def _selection(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    from dicomfilter.filters.manifest import literal, with_values

    selection, table = said.get("selection", {}), said.get("table", {})
    given = (one for one in selection.get("parameters", ()) if "value" in one)
    values = {one["name"]: literal(one["type"], one["value"]) for one in given}
    predicates = [with_values(one, values) for one in selection.get("predicates", ())]
    # Each is a condition of its own, whatever it is made of.
    several = [f"({one})" for one in predicates] if len(predicates) > 1 else predicates
    return [
        ("from", f"{table.get('uri')}, modified {table.get('modified')}"),
        ("where", " AND ".join(several) or "(all rows)"),
    ]
