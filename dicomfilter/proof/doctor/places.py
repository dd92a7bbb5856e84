"""Checks of where an export goes and what it reads: buckets, prefixes, tables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dicomfilter.errors import TableNotFoundError
from dicomfilter.proof.doctor.checks import Check, Status, tried
from dicomfilter.storage.gcs import buckets
from dicomfilter.stores.uris import table_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dicomfilter.stores.healthcare.names import StoreName


def of_bucket(uri: str, *, is_source: bool = False) -> list[Check]:
    """Check a bucket and a prefix in it.

    Args:
        uri: ``gs://bucket/folder/``, where images are to go.
        is_source: Whether images come from there instead.
    """
    checks = [
        tried("bucket.settings", "buckets.get", partial(_settings, uri)),
        tried("caller.bucket", "buckets.testIamPermissions", partial(_caller, uri)),
    ]
    if not is_source:
        checks.append(tried("prefix.empty", "objects.list", partial(_prefix, uri)))
    return checks


def of_new_table(uri: str, store: StoreName | None) -> list[Check]:
    """Check a table of BigQuery that is to be written.

    Args:
        uri: The table.
        store: Whose metadata it is to hold.
    """
    return [tried("destination.table", "datasets.get, tables.get", partial(_new, uri, store))]


def of_table(uri: str) -> list[Check]:
    """Check a table of BigQuery."""
    return [
        tried("table.there", "tables.get", partial(_table, uri)),
        tried("caller.table", "tables.testIamPermissions, a dry run", partial(_reader, uri)),
    ]


def _settings(uri: str) -> Check:
    found = buckets.describe_bucket(uri)
    place = f"gs://{found.get('name')} in {found.get('location')}"
    failing, warning = [], []
    if _keeps(found):
        warning.append("keeps what is there, so a second export to one prefix fails")
    if (found.get("billing") or {}).get("requesterPays"):
        failing.append("has requester pays, and the service agent names no project")
    if (found.get("ipFilter") or {}).get("mode") == "Enabled":
        warning.append("has an IP filter")
    if (found.get("encryption") or {}).get("defaultKmsKeyName"):
        warning.append("has a key of your own, which Cloud Storage's agent must be able to use")
    uniform = (found.get("iamConfiguration") or {}).get("uniformBucketLevelAccess") or {}
    if not uniform.get("enabled"):
        warning.append("has no uniform access, so that objects may have rules of their own")
    status = Status.FAIL if failing else Status.WARN if warning else Status.PASS
    return Check("", status, "; ".join([place, *failing, *warning]), "", on=uri)


def _keeps(bucket: Mapping[str, Any]) -> bool:
    """Tell whether a bucket keeps objects from being replaced."""
    return bool(bucket.get("retentionPolicy") or bucket.get("defaultEventBasedHold"))


def _caller(uri: str) -> Check:
    wanted = ("storage.objects.list", "storage.objects.get")
    held = buckets.granted_on_bucket(uri, wanted)
    lacking = ", ".join(each for each in wanted if each not in held)
    if not lacking:
        return Check("", Status.PASS, "you may list and read what arrives", "", who="caller")
    return Check("", Status.WARN, f"you lack {lacking}, so verify cannot look", "", lacking, uri)


def _prefix(uri: str) -> Check:
    if buckets.is_taken(uri):
        if _keeps(buckets.describe_bucket(uri)):
            seen = f"{uri} holds objects that its bucket keeps, so they cannot be overwritten"
            return Check("", Status.FAIL, seen, "", on=uri, fix=("choose a fresh prefix",))
        seen = f"{uri} holds objects already; what stays of them, verify calls left over"
        return Check("", Status.WARN, seen, "", on=uri, fix=("choose a fresh prefix",))
    return Check("", Status.PASS, f"{uri} is empty", "", on=uri)


def _table(uri: str) -> Check:
    from dicomfilter.engines.bigquery.described import describe_dataset, describe_table

    try:
        state = describe_table(uri)
    except TableNotFoundError:
        return Check("", Status.FAIL, f"there is no {uri}, or you may not see it", "", on=uri)
    if state.expires is not None:
        return Check("", Status.WARN, f"{uri} is removed at {state.expires.isoformat()}", "")
    found = describe_dataset(uri)
    if found.default_life is not None:
        seen = f"{uri} in {found.location}; new tables there are removed after {found.default_life}"
        return Check("", Status.WARN, seen, "", on=uri)
    return Check("", Status.PASS, f"{uri} is there, in {found.location}", "", on=uri)


def _new(uri: str, store: StoreName | None) -> Check:
    from dicomfilter.engines.bigquery.described import describe_dataset, describe_table

    dataset = describe_dataset(uri)
    seen, warning = [f"{uri} in {dataset.location}"], []
    if dataset.default_life is not None:
        warning.append(f"new tables there are removed after {dataset.default_life}")
    if store is not None and table_project(uri) != store.project:
        warning.append(f"{table_project(uri)} is not the store's project, which may be refused")
    try:
        state = describe_table(uri)
    except TableNotFoundError:
        seen.append("not there yet")
    else:
        warning.append(
            f"there already, with {state.rows or 0:,} rows: say what becomes of them with "
            "--write-disposition"
        )
    status = Status.WARN if warning else Status.PASS
    return Check("", status, "; ".join([*seen, *warning]), "", on=uri)


def _reader(uri: str) -> Check:
    from dicomfilter.engines.bigquery.described import granted_on_table, try_job

    wanted = ("bigquery.tables.get", "bigquery.tables.getData")
    held = granted_on_table(uri, wanted)
    lacking = ", ".join(each for each in wanted if each not in held)
    if lacking:
        return Check("", Status.FAIL, f"you lack {lacking}", "", lacking, uri, "caller")
    try_job(uri)
    return Check("", Status.PASS, "you may read it and run queries", "", on=uri, who="caller")
