"""Checks of a filter, and of all at once: one instance of it exported."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING

from dicomfilter.errors import OperationFailedError, RemotePermissionError
from dicomfilter.filters import lines
from dicomfilter.proof.doctor.checks import Check, Status, tried
from dicomfilter.storage import open_storage
from dicomfilter.storage.protocol import is_cloud

if TYPE_CHECKING:
    from dicomfilter.stores.healthcare.names import StoreName

_INSTANCES = b"/instances/"
_SLOW = "one instance exported, which takes minutes"


def of_filter(uri: str, *, is_remote: bool) -> list[Check]:
    """Check a filter file.

    Args:
        uri: The file.
        is_remote: Whether a service is to read it.
    """
    look = partial(_filter, uri, is_remote=is_remote)
    return [tried("filter.object", "its lines and its manifest", look)]


def of_probe(store: StoreName | None, uri: str | None, destination: str | None) -> list[Check]:
    """Export one instance of a filter, the only proof of what the service agent may."""
    lacking = [
        what
        for what, there in (
            ("a store of the service", store is not None),
            ("a filter", uri is not None),
            ("a folder in a bucket", destination is not None and is_cloud(destination)),
        )
        if not there
    ]
    if store is None or uri is None or destination is None or lacking:
        return [Check("agent.probe", Status.SKIPPED, f"it needs {', '.join(lacking)}", _SLOW)]
    return [tried("agent.probe", _SLOW, partial(_probe, store, uri, destination))]


def _filter(uri: str, *, is_remote: bool) -> Check:
    report = lines.check(uri)
    if not report.ok or not report.lines:
        found = "; ".join(f"{each.kind}, {each.where}" for each in report.errors)
        hint = f"dicomfilter check {uri}"
        return Check(
            "", Status.FAIL, f"{uri} cannot be used: {found or 'empty'}", "", on=uri, fix=(hint,)
        )
    seen = f"{uri} has {report.lines:,} lines"
    if is_remote and not is_cloud(uri):
        seen += "; it lies on this machine, and the service reads Cloud Storage"
        fix = ("name a folder for it with --staging gs://BUCKET/FOLDER/",)
        return Check("", Status.WARN, seen, "", on=uri, fix=fix)
    return Check("", Status.PASS, seen, "", on=uri)


def _first(uri: str) -> bytes | None:
    """Read the first line that names an instance."""
    with open_storage(uri).reader(uri) as file:
        return next((line.strip() for line in file if _INSTANCES in line), None)


def _probe(store: StoreName, uri: str, destination: str) -> Check:
    """Export one instance; its filter lies beside the real one, which so is proved to be read."""
    from dicomfilter.notebook.store import open_store

    line = _first(uri)
    if line is None:
        return Check("", Status.SKIPPED, f"{uri} names no single instance", "", on=uri)
    name = f".dicomfilter-probe-{secrets.token_hex(4)}"
    place = f"{destination.rstrip('/')}/{name}/"
    beside = uri.rpartition("/")[0] if is_cloud(uri) else destination.rstrip("/")
    one = f"{beside}/{name}.txt"
    fix = (f"gcloud storage rm {one}", f"gcloud storage rm -r {place}")
    with open_storage(one).writer(one, overwrite=False) as writer:
        writer.write(line + b"\n")
    try:
        outcome = open_store(str(store)).export_to_gcs(place, filter=one).wait(allow_findings=True)
    except (OperationFailedError, RemotePermissionError) as refused:
        fix = (*((refused.hint,) if refused.hint else ()), fix[0])
        return Check("", Status.FAIL, refused.message, "", on=place, who="agent", fix=fix)
    if outcome.findings or outcome.state.counters.success != 1:
        seen = f"of one instance, {outcome.state.counters} at {place}"
        return Check("", Status.FAIL, seen, "", on=place, who="agent", fix=fix)
    seen = f"one instance lies at {place}, its filter at {one}; both stay until you remove them"
    return Check("", Status.PASS, seen, "", on=place, who="agent", fix=fix)
